"""The Textual application: the menu, the live screen, and what they share."""

from __future__ import annotations

import asyncio
import math
import secrets
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme

import styles
from app.cli import FAULT, FAULT_WORDS
from app.driver import Clock, Driver
from app.history import History
from app.keys import Action
from app.screens.keyline import key_of
from app.screens.menu import MenuScreen
from app.settings import Settings, SettingsError, read_settings
from engine.commands import Timed
from engine.errors import SwarmscopeError
from scenarios.launch import launch, launch_sides
from scenarios.pair import Pair
from scenarios.registry import find

if TYPE_CHECKING:
    from app.screens.live import LiveScreen

Replay = Callable[[], History]
"""Begins a recorded run, at its start."""

STYLES = Path(styles.__file__).parent
CRASHED = 1  # what Textual returns after an exception

THEME = Theme(
    name="swarmscope",
    primary="#4f86c6",
    secondary="#7a8ca5",
    accent="#5cc8d7",
    foreground="#d6dbe3",
    background="#101319",
    surface="#161b23",
    panel="#1d242e",
    success="#7fc97f",
    warning="#e5b567",
    error="#e5646e",
    dark=True,
)


class SwarmscopeApp(App[int]):
    """Swarmscope. With a `scenario` it plays at once, else it opens the menu."""

    TITLE = "Swarmscope"
    CSS_PATH: ClassVar[list[Path]] = [STYLES / "panes.tcss", STYLES / "app.tcss"]  # type: ignore[assignment]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(
        self,
        scenario: str | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        seed: int | None = None,
        speed: float | None = None,
        script: Sequence[Timed] = (),
        paused: bool = False,
        replay: Replay | None = None,
        settings: Settings | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__()
        self.register_theme(THEME)
        self.theme = THEME.name
        self._clock = clock
        self._settings = settings
        self._first = (scenario, dict(params or {}), seed, speed, tuple(script), paused, replay)
        self.command_history: list[str] = []
        self.own_keys: dict[str, str] = {}

    def on_mount(self) -> None:
        """Read the settings, and open the menu or the run."""
        self._heed_signals()
        self._use_settings()
        scenario, params, seed, speed, script, paused, replay = self._first
        if scenario is None or not self.play(
            scenario, params, seed=seed, speed=speed, script=script, paused=paused, replay=replay
        ):
            self.push_screen(MenuScreen())

    def show_menu(self) -> None:
        """From a run to the menu, as it was left; one that was never open is opened."""
        if any(isinstance(screen, MenuScreen) for screen in self.screen_stack):
            self.pop_screen()
        else:
            self.switch_screen(MenuScreen())

    def _heed_signals(self) -> None:
        """Whoever ends the process from outside gets the terminal back as it was."""
        if self.is_headless:
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError):  # not on every system
                asyncio.get_running_loop().add_signal_handler(number, self.exit, None, 128 + number)

    def _fatal_error(self) -> None:
        # Textual would print the values of all variables as well, hundreds of lines.
        self.bell()
        self.panic(Text(traceback.format_exc()))

    def _use_settings(self) -> None:
        try:
            settings = read_settings() if self._settings is None else self._settings
        except SettingsError as error:
            self._warn(str(error), title="Settings not used")
            return
        if settings.keys:
            self.own_keys = settings.keys
            self.set_keymap(settings.keys)
        if settings.theme:
            if settings.theme in self.available_themes:
                self.theme = settings.theme
            else:
                names = ", ".join(sorted(self.available_themes))
                self._warn(f"there is no theme {settings.theme!r}; there are {names}", title="Settings")

    def _warn(self, text: str, title: str) -> None:
        self.notify(text, title=title, severity="warning", timeout=10, markup=False)

    def play(
        self,
        scenario: str,
        params: Mapping[str, Any],
        *,
        seed: int | None = None,
        speed: float | None = None,
        script: Sequence[Timed] = (),
        paused: bool = False,
        replay: Replay | None = None,
    ) -> bool:
        """Open the live screen on a new run, or on the recorded one that `replay` begins; a mistake in what is asked
        for is said in a notification instead."""
        from app.screens.live import LiveScreen  # the menu opens sooner without it

        seed = new_seed() if seed is None else seed
        try:
            live = self._live_screen(scenario, params, seed, speed, tuple(script), paused, replay)
        except SwarmscopeError as error:
            self.notify(str(error), title="This cannot be played", severity="error", markup=False)
            return False
        if isinstance(self.screen, LiveScreen):
            live.look_like(self.screen)
            self.switch_screen(live)
        else:
            self.push_screen(live)
        return True

    def _live_screen(
        self,
        scenario: str,
        params: Mapping[str, Any],
        seed: int,
        speed: float | None,
        script: Sequence[Timed],
        paused: bool,
        replay: Replay | None,
    ) -> LiveScreen:
        """The screen for a new run, or for the two of a pair. Raises SwarmscopeError."""
        from app.screens.live import LiveScreen

        kind = find(scenario)
        pace = kind.pace if speed is None else None if math.isinf(speed) else speed
        clock = {} if self._clock is None else {"clock": self._clock}
        if issubclass(kind, Pair):
            from app.screens.twin import TwinScreen
            from app.twin import TwinDriver

            pair, left, right = launch_sides(kind, params, seed, script)
            return TwinScreen(
                pair, TwinDriver(left, right, speed=pace, paused=paused, **clock), scenario, params, script
            )
        run = launch(scenario, params, seed, script, record=True) if replay is None else replay()
        return LiveScreen(Driver(run, speed=pace, paused=paused, **clock), scenario, params, script, replay)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: every action of the screen, then Textual's own."""
        actions: tuple[Action, ...] = getattr(screen, "ACTIONS", ())
        for action in actions:
            yield SystemCommand(
                f"{action.label}  ({key_of(self, action)})",
                action.help,
                lambda action=action: self.call_later(screen.run_action, action.action),
            )
        ours = ("Quit", "Keys", "Maximize", "Minimize")
        yield from (command for command in super().get_system_commands(screen) if command.title not in ours)


def new_seed() -> int:
    """A seed that nobody has chosen; short enough to be typed."""
    return secrets.randbelow(10**6)


def run_app(
    scenario: str | None,
    params: Mapping[str, str],
    seed: int | None,
    speed: float | None,
    script: Sequence[Timed] | None,
    paused: bool,
    replay: Replay | None = None,
) -> int:
    """Open the program in this terminal; returns its exit status."""
    app = SwarmscopeApp(scenario, params, seed=seed, speed=speed, script=script or (), paused=paused, replay=replay)
    if scenario is not None:  # say what is wrong with the run before the screen opens
        kind = find(scenario)
        if issubclass(kind, Pair):
            launch_sides(kind, params, seed or 0, script or ())
        else:
            launch(kind, params, seed or 0, script or ())
    app.run()
    if app.return_code == CRASHED:
        print(f"swarmscope: {FAULT_WORDS}", file=sys.stderr)
        return FAULT
    return app.return_code or 0
