"""Going to any moment of a long run: how long until it is on the screen, what the checkpoints cost the run, and
how much memory they take.

    python -m tests.benchmarks.travel gossip agents=1000 10000000

The run goes on as the driver lets it, and then the screen (120 by 40, all panes) goes to moments drawn at random. What
a moment takes is counted in CPU time, from the key to the last line drawn. The cost is that of a run with checkpoints
over one without, both going on in turns.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from app.application import SwarmscopeApp
from app.driver import Driver
from app.filling import Filler
from app.history import History, go_on
from app.screens.live import LiveScreen
from app.settings import Settings
from engine.simulation import NEVER
from engine.streams import Stream
from scenarios.launch import launch
from tests.benchmarks.figures import Figure, percentile

MILLION = 1_000_000
SIZES = ((50, 50.0), (500, 100.0), (5000, 300.0))  # agents of gossip, and the aim in ms
LONG = (("gossip", {"agents": 1000}), ("pow", {"miners": 100}))
LENGTHS = (100_000, MILLION, 10 * MILLION)
MOMENTS = 100
TURN = 20_480  # events that each of the two runs goes on for in its turn …
CHUNK = 512  # … so many at a time, as the driver lets it
MOST_COST, MOST_MEMORY = 1.10, 200.0


class Run:
    """A run that goes on as the driver lets it, beside the same one without checkpoints."""

    def __init__(self, scenario: str, params: dict[str, Any]) -> None:
        self.scenario, self.params = scenario, params
        self.history = History(launch(scenario, params, 7, record=True), time.process_time)
        self._plain = launch(scenario, params, 7, record=True)
        self._spent = [0.0, 0.0]

    def go_on(self, events: int, *, compared: bool = True) -> None:
        """Let it go on until so many events have happened."""
        sim = self.history.sim
        while sim.events < events:
            turn = min(TURN, events - sim.events)
            began = time.process_time()
            for _ in range(0, turn, CHUNK):
                before = time.process_time()
                self.history.go_on(NEVER, min(CHUNK, events - sim.events))
                self.history.ran(time.process_time() - before)
            middle = time.process_time()
            if compared:
                for _ in range(0, turn, CHUNK):
                    go_on(self._plain, NEVER, min(CHUNK, sim.events - self._plain.events))
                self._spent[0] += middle - began
                self._spent[1] += time.process_time() - middle

    @property
    def cost(self) -> float:
        """CPU time with checkpoints over that without."""
        return self._spent[0] / self._spent[1]

    @property
    def megabytes(self) -> float:
        """What the checkpoints take."""
        return self.history.tree.memory / 1e6

    def stand_still(self) -> float:
        """Take the checkpoints that the driver takes while the run stands still; returns the CPU seconds of it."""
        began = time.process_time()
        filler = Filler(self.history, time.process_time)
        while filler.work(1.0):
            pass
        return time.process_time() - began

    def seek(self, moments: int = MOMENTS) -> list[float]:
        """CPU ms until each of so many moments, drawn at random from all there were, is on the screen."""
        return asyncio.run(self._seek(moments))

    async def _seek(self, moments: int) -> list[float]:
        app = _Shown(self)
        draws = Stream(1, "moments")
        end = self.history.branch.events
        taken = []
        async with app.run_test(size=(120, 40)) as pilot:
            screen = app.screen
            assert isinstance(screen, LiveScreen)
            await pilot.pause()
            for _ in range(moments):
                index = draws.below(end) + 1
                began = time.process_time()
                screen.go_to_event(index)
                if screen.driver.is_on_the_way:
                    while screen.driver.is_on_the_way:
                        screen.driver._slice(1.0)
                    screen.draw(everything=True)
                screen._on_timer_update()
                screen._compositor.render_strips()
                taken.append(1000 * (time.process_time() - began))
                if screen.sim.events != index:
                    raise AssertionError(f"event {index} was asked for, {screen.sim.events} is shown")
            screen.driver.go_to_end()
        return taken


class _Shown(SwarmscopeApp):
    """The application on such a run."""

    def __init__(self, run: Run) -> None:
        super().__init__(run.scenario, run.params, seed=7, paused=True, settings=Settings())
        self._run_shown = run

    def _live_screen(self, *_: Any) -> LiveScreen:
        driver = Driver(self._run_shown.history, paused=True)
        return LiveScreen(driver, self._run_shown.scenario, self._run_shown.params)


def measure(lengths: tuple[int, ...] = LENGTHS, sizes: tuple[tuple[int, float], ...] = SIZES) -> list[Figure]:
    """The aims, at a million events; and the two long runs."""
    figures = []
    for agents, aim in sizes:
        run = Run("gossip", {"agents": agents})
        run.go_on(min(MILLION, max(lengths)))
        figures += _figures(run, f"gossip, {agents:,} agents", aim=aim)
    for scenario, params in LONG:
        run = Run(scenario, params)
        (count,) = params.values()
        for length in lengths:
            run.go_on(length, compared=length <= MILLION)
            figures += _figures(run, f"{scenario}, {count:,} agents")
    return figures


def _figures(run: Run, name: str, aim: float | None = None) -> list[Figure]:
    name = f"{name}, {run.history.sim.events:,} events"
    at_once, memory = run.seek(), run.megabytes
    standing = run.stand_still()
    taken = run.seek()
    return [
        Figure(f"{name}: the run with checkpoints, times without", run.cost, "×", at_most=MOST_COST),
        Figure(f"{name}: to any moment at once, 95th percentile", percentile(at_once, 0.95), "ms"),
        Figure(f"{name}: memory then", memory, "MB", at_most=MOST_MEMORY),
        Figure(f"{name}: standing still until all is filled", standing, "s"),
        Figure(f"{name}: to any moment from then on, 95th percentile", percentile(taken, 0.95), "ms", at_most=aim),
        Figure(f"{name}: … median", percentile(taken, 0.5), "ms"),
        Figure(f"{name}: memory from then on", run.megabytes, "MB", at_most=MOST_MEMORY),
        Figure(f"{name}: checkpoints", len(run.history.tree.saved)),
    ]


def main(arguments: list[str]) -> None:
    """One run, as the command line says: scenario, parameters, events."""
    scenario, *settings, events = arguments
    params = {name: int(value) for name, _, value in (setting.partition("=") for setting in settings)}
    run = Run(scenario, params)
    run.go_on(int(events))
    for figure in _figures(run, scenario):
        print(f"{figure.name}: {figure.value:.4g} {figure.unit}")


if __name__ == "__main__":
    main(sys.argv[1:])
