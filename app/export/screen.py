"""The real screen without a terminal, for pictures and films of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from rich.cells import cell_len
from rich.style import Style
from textual.pilot import Pilot
from textual.strip import Strip

from app.application import SwarmscopeApp
from app.driver import Driver
from app.export.stretch import Progress, Stretch
from app.export.wish import FPS, MOST_FRAMES, PANES, SIZE, WHOLE, ExportError, Wish
from app.history import History
from app.screens.live import LiveScreen
from app.settings import Settings
from engine.describe import plural
from engine.duration import SECOND, seconds
from widgets.messages import FACES, MessagesPane

Frame = list[Strip]
"""The lines of the screen at one moment."""

Cell = tuple[str, Style]
"""A character and how it is drawn; the second cell of a wide one is empty."""

OnFrame = Callable[[int, Frame], None]
"""Takes a frame of a film, and which it is, from 0."""

SETTLING = 2  # rounds of messages until all that a frame changes is laid out


class Still(SwarmscopeApp):
    """The application on a run that goes on only when it is told to."""

    def __init__(self, history: History, speed: float | None) -> None:
        sim = history.sim
        super().__init__(sim.scenario.name, seed=sim.seed, paused=speed is None, settings=Settings(), clock=lambda: 0.0)
        self.animation_level = "none"
        self._history = history
        self._shown_speed = speed

    def _live_screen(self, *_: Any) -> LiveScreen:
        speed = self._shown_speed
        driver = _StandingDriver(self._history, speed=speed or 1.0, paused=speed is None, clock=lambda: 0.0)
        return LiveScreen(driver, driver.sim.scenario.name, {})


class _StandingDriver(Driver):
    """Never lets the run go on by itself, also when it says that it is not paused."""

    async def run(self, on_frame: Callable[[], None]) -> None:
        on_frame()
        await anyio.sleep_forever()


def show(stretch: Stretch, wish: Wish, speed: float | None, act: Callable[[Shown], Awaitable[None]]) -> None:
    """Open the screen as it was wished for, and let `act` look at it. With a `speed` it looks as if it played."""
    face = wish.face or FACES[0]
    if face not in FACES:
        raise ExportError(f"the messages pane has no face {face!r}; its faces are {', '.join(FACES)}")
    stretch.sim.record = True  # for the plots

    async def run() -> None:
        app = Still(stretch.history, speed)
        async with app.run_test(size=wish.size or SIZE) as pilot:
            shown = Shown(app, pilot, stretch)
            await shown.settle()
            pane = wish.pane or WHOLE
            app.screen.query_one(MessagesPane).face = face
            if pane != WHOLE:
                shown.screen.action_pane(PANES.index(pane) + 1)
                shown.screen.action_zoom()
            elif wish.face is not None:
                shown.screen.action_pane(2)
            await act(shown)

    asyncio.run(run())


class Shown:
    """The screen that is open."""

    def __init__(self, app: Still, pilot: Pilot[Any], stretch: Stretch) -> None:
        self.app, self._pilot, self._stretch = app, pilot, stretch

    @property
    def screen(self) -> LiveScreen:
        """The live screen."""
        assert isinstance(self.app.screen, LiveScreen)
        return self.app.screen

    async def go_to(self, moment: int) -> None:
        """Show the run at this moment (µs), which must not lie behind."""
        self._stretch.go_to(moment)
        self.screen.draw(everything=True)
        await self.settle()

    async def settle(self) -> None:
        """Wait until all that has changed is laid out."""
        for _ in range(SETTLING):
            await self._pilot.pause(0)

    def lines(self) -> Frame:
        """What stands on the screen."""
        return self.screen._compositor.render_strips()


def cells_of(line: Strip) -> list[Cell]:
    """A line of the screen, cell by cell."""
    cells: list[Cell] = []
    for text, style, control in line:
        if control:
            continue
        style = Style.null() if style is None else style
        for character in text:
            width = cell_len(character)
            if width:
                cells.append((character, style))
            if width == 2:
                cells.append(("", style))
    return cells


class Film:
    """The moments of a stretch, `fps` of them for each second of watching it."""

    def __init__(self, stretch: Stretch, wish: Wish) -> None:
        since, until = wish.stretch(stretch.end)
        self.size = wish.size or SIZE
        self.fps = wish.fps or FPS
        self.speed = wish.speed or stretch.sim.scenario.pace
        self._stretch, self._wish = stretch, wish
        step = self.speed * SECOND / self.fps
        count = int((until - since) / step) + 1
        if count > MOST_FRAMES:
            raise ExportError(
                f"this film would have more than {MOST_FRAMES:,} frames; take a shorter stretch with --from and "
                "--until, a higher --speed, or fewer --fps"
            )
        self.moments = [since + round(number * step) for number in range(count)]
        if self.moments[-1] < until:
            self.moments.append(until)

    @property
    def seconds(self) -> float:
        """How long it takes to watch."""
        return len(self.moments) / self.fps

    def run(self, on_frame: OnFrame, progress: Progress) -> None:
        """Hand each frame over as it is made."""

        async def act(shown: Shown) -> None:
            for number, moment in enumerate(self.moments):
                await shown.go_to(moment)
                on_frame(number, shown.lines())
                progress(number / len(self.moments), f"frame {number + 1:,} of {len(self.moments):,}")

        show(self._stretch, self._wish, self.speed, act)

    def in_words(self) -> str:
        """What it is, for people."""
        first, last = seconds(self.moments[0]), seconds(self.moments[-1])
        return f"{first:,g} s to {last:,g} s in {self.seconds:,.3g} s, {plural(len(self.moments), 'frame')}"
