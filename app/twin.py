"""Two runs in step: one pace, one clock, the same commands; and frames that show both."""

from __future__ import annotations

import time
from collections.abc import Collection
from heapq import merge
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from app.driver import Clock, Driver
from app.history import History, go_on
from engine.commands import Timed
from engine.errors import CommandError
from engine.framing import PARTS, Framer
from engine.scenario import MetricSpec
from engine.simulation import NEVER, Simulation
from engine.views import AgentsView, Chain, Frame, Inspection, MetricView, NarrationLine, StageView, StatusView, Words
from scenarios.launch import concerns
from scenarios.pair import Pair


class TwinDriver(Driver):
    """Paces the left run, and lets the right one follow to the same virtual time."""

    def __init__(
        self,
        left: Simulation,
        right: Simulation,
        *,
        speed: float | None = 1.0,
        paused: bool = False,
        clock: Clock = time.perf_counter,
    ) -> None:
        super().__init__(left, speed=speed, paused=paused, clock=clock)
        self.right = right
        self._right_history = History(right, clock)
        self._given = [(0, 0)]  # how many commands each run had been given, after each that came

    def _slice(self, budget: float) -> None:
        super()._slice(budget / 2)
        self._follow()

    def _follow(self) -> None:
        began = self._clock()
        go_on(self.right, self.sim.now, NEVER)
        self._right_history.ran(self._clock() - began)

    def step(self) -> bool:
        """Pause, and let one event of the left run happen, and what comes before it in the right one."""
        stepped = super().step()
        self._follow()
        return stepped

    def back(self) -> bool:
        """Pause, and go to the moment before the last event of the left run."""
        went = super().back()
        if went:
            while self._given[-1][0] > self.history.given:
                self._given.pop()
            self._right_history.go_to_time(self.sim.now, self._given[-1][1])
        return went

    def apply(self, timed: Timed) -> None:
        """Carry out a command in both runs, or in those that know it. Raises CommandError if neither can do it."""
        refused: list[CommandError] = []
        known = 0
        sides: tuple[tuple[Simulation, Any], ...] = (
            (self.sim, super().apply),
            (self.right, self._right_history.apply),
        )
        for sim, apply in sides:
            if concerns(timed.command, sim.scenario):
                known += 1
                try:
                    apply(timed)
                except CommandError as error:
                    refused.append(error)
        self._given.append((self.history.given, self._right_history.given))
        if len(refused) == known:
            raise refused[0] if refused else CommandError(f"neither of the two runs knows {timed.command}")


class TwinFramer(Framer):
    """Frames of two runs: agents, figures and story of both, network and log of the left one."""

    def __init__(self, pair: Pair, left: Simulation, right: Simulation) -> None:
        super().__init__(left)
        self._pair = pair
        self._sides = pair.sides()
        self.right = Framer(right)

    def frame(self, parts: Collection[str] = PARTS, *, about: str = "", chosen: str = "") -> Frame:
        """The parts asked for; the stage is the left one."""
        frame = super().frame([part for part in parts if part not in ("metrics", "narration")], chosen=chosen)
        return replace(
            frame,
            metrics=self._figures() if "metrics" in parts else None,
            narration=self.narration() if "narration" in parts else None,
        )

    def status(self, about: str = "") -> StatusView:
        """Where both are, and what both promise."""
        left, right = super().status(), self.right.status()
        first, second = self._pair.labels
        return replace(
            left,
            scenario=self._pair.name,
            title=self._pair.title,
            events=left.events + right.events,
            holding=left.holding + right.holding,
            broken=tuple([f"{first}: {name}" for name in left.broken] + [f"{second}: {name}" for name in right.broken]),
            waiting=(*left.waiting, *right.waiting),
            over="",
        )

    def agents(self) -> AgentsView:
        """The agents of the left run, with what the right one says of those of the same name."""
        left, right = super().agents(), self.right.agents()
        twins = {row.name: row for row in right.rows}
        rows = []
        for row in left.rows:
            twin = twins.get(row.name)
            state = row.state if twin is None or twin.state == row.state else f"{row.state} · {twin.state}"
            rows.append(replace(row, state=state, cells=row.cells[:2] + (twin.cells[:2] if twin else ())))
        return AgentsView(left.columns[:2] + right.columns[:2], tuple(rows))

    def inspect(self, agent: int) -> Inspection:
        """An agent of the left run, with the state of the one of the same name in the right one."""
        looked = super().inspect(agent)
        twin = self.right.sim.ids.get(self.sim.names[agent])
        if twin is None or twin not in self.right.sim.present():
            return looked
        first, second = self._pair.labels
        return replace(looked, state={first: looked.state, second: self.right.inspect(twin).state}, durable=())

    def stages(self, chosen: tuple[str, str]) -> tuple[StageView, StageView]:
        """Both stages: the fork view of each, and what is to be said of what is selected on it."""
        left, right = super().stage(chosen[0]), self.right.stage(chosen[1])
        first, second = self._pair.labels
        return _shortened(left, first, chosen[0]), _shortened(right, second, chosen[1])

    def _figures(self) -> tuple[MetricView, ...]:
        specs: dict[str, MetricSpec] = {spec.name: spec for spec in self._pair.figures}
        shown = []
        for side, sim in zip(self._sides, (self.sim, self.right.sim), strict=True):
            for view in sim.scenario.metric_views(sim):
                if f"{side.label} {view.name}" in specs:
                    shown.append(replace(view, name=f"{side.label} {view.name}", label=f"{side.label}: {view.label}"))
        return tuple(shown)

    def narration(self) -> tuple[NarrationLine, ...]:
        """Both stories as one, each line preceded by whose it is; what a command did to both is said once."""
        first, second = self._pair.labels
        left, right = super().narration(), self.right.narration()
        common = {(line.time, line.text) for line in left} & {(line.time, line.text) for line in right}
        told = [
            line if (line.time, line.text) in common else replace(line, text=f"{first}: {line.text}") for line in left
        ]
        more = [replace(line, text=f"{second}: {line.text}") for line in right if (line.time, line.text) not in common]
        return tuple(merge(told, more, key=attrgetter("time")))


def _shortened(view: StageView, label: str, chosen: str) -> StageView:
    """The fork view, or the first part where there is none, and the words on what is selected."""
    parts = tuple([part for part in view.parts if isinstance(part, Chain)]) or view.parts[:1]
    if chosen and isinstance(view.parts[-1], Words):
        parts = (*parts, view.parts[-1])
    return StageView(f"{label}: {view.title}", parts)
