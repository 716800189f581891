"""Two runs in step: one pace, one clock, the same commands; and frames that show both."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from heapq import merge
from operator import attrgetter

from msgspec.structs import replace

from app.branches import Branch
from app.driver import Clock, Driver
from app.history import History
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
        left: Simulation | History,
        right: Simulation | History,
        *,
        speed: float | None = 1.0,
        paused: bool = False,
        clock: Clock = time.perf_counter,
    ) -> None:
        super().__init__(left, speed=speed, paused=paused, clock=clock)
        self.right_history = History(right, clock) if isinstance(right, Simulation) else right
        self.right = self.right_history.sim
        self._both: dict[int, list[tuple[int, int]]] = {1: [(0, 0)]}
        """For each branch, how many commands each run had been given after each that came."""

    def _slice(self, budget: float) -> None:
        super()._slice(budget / 2)
        self._follow()

    def _follow(self) -> None:
        began = self._clock()
        self.right_history.go_on(self.sim.now, NEVER, given=self._given_right)
        self.right_history.ran(self._clock() - began)

    @property
    def _given_right(self) -> int:
        """How many commands the right run has been given at the moment where the left one stands."""
        given = self.history.given
        return max(right for left, right in self._both[self.history.branch.number] if left <= given)

    def step(self) -> bool:
        """Pause, and let one event of the left run happen, and what comes before it in the right one."""
        stepped = super().step()
        self._follow()
        return stepped

    def _travel(
        self, branch: Branch | None, index: int, now: int, search: Callable[[], int | None] | None = None
    ) -> None:
        super()._travel(branch, index, now, search)
        self._take_along(branch)

    def _take_along(self, branch: Branch | None) -> None:
        """The left run went elsewhere, to another branch if one is named: let the right one go there as well."""
        twin = None if branch is None else self.right_history.tree.branches[branch.number]
        self.right_history.depart(twin, now=self.sim.now, given=self._given_right)
        self._follow()

    def branch_off(self, kept: Sequence[Timed] = ()) -> None:
        """Begin a new branch of both runs. Raises CommandError where there is nothing to depart from."""
        self.check_branching()
        kept_right = [timed for timed in kept if concerns(timed.command, self.right.scenario)]
        given = self.history.given
        earlier = [pair for pair in self._both[self.history.branch.number] if pair[0] <= given]
        self.history.branch_off([timed for timed in kept if concerns(timed.command, self.sim.scenario)])
        self.right_history.branch_off(kept_right)
        self._both[self.history.branch.number] = [*earlier, (self.history.given, self.right_history.given)]
        self._happened()

    def apply(self, timed: Timed) -> None:
        """Carry out a command in both runs, or in those that know it; in the past, both begin a new branch. Raises
        CommandError if neither can do it."""
        histories = (self.history, self.right_history)
        able = [history for history in histories if concerns(timed.command, history.sim.scenario)]
        behind = any(history.is_behind for history in histories)
        earlier = self._both[self.history.branch.number]
        given = self.history.given
        refused: list[CommandError] = []
        done: list[History] = []
        for history in able:
            try:
                history.apply(timed, fork=behind)
                done.append(history)
            except CommandError as error:
                refused.append(error)
        if not done:
            raise refused[0] if refused else CommandError(f"neither of the two runs knows {timed.command}")
        if behind:
            for history in histories:
                if history not in done:
                    history.fork()
            earlier = [pair for pair in earlier if pair[0] <= given]
        self._both[self.history.branch.number] = [*earlier, (self.history.given, self.right_history.given)]
        self._happened()


class BothFramer(Framer):
    """Frames of two runs, which `labels` tells apart: agents and story of both, network and log of the left one."""

    def __init__(self, labels: tuple[str, str], left: Simulation, right: Simulation) -> None:
        super().__init__(left)
        self.labels = labels
        self.right = Framer(right)

    def frame(self, parts: Collection[str] = PARTS, *, about: str = "", chosen: str = "") -> Frame:
        """The parts asked for; the stage is the left one."""
        frame = super().frame([part for part in parts if part not in ("metrics", "narration")], chosen=chosen)
        return replace(
            frame,
            metrics=self.figures() if "metrics" in parts else None,
            narration=self.narration() if "narration" in parts else None,
        )

    def status(self, about: str = "") -> StatusView:
        """Where both are, and what both promise."""
        left, right = super().status(), self.right.status()
        first, second = self.labels
        return replace(
            left,
            events=left.events + right.events,
            holding=left.holding + right.holding,
            broken=tuple([f"{first}: {name}" for name in left.broken] + [f"{second}: {name}" for name in right.broken]),
            waiting=(*left.waiting, *right.waiting),
            over="",
        )

    def agents(self) -> AgentsView:
        """The agents of the left run, with what the right one says of those of the same name."""
        left, right = self.crowds()
        twins = {row.name: row for row in right.rows}
        rows = []
        for row in left.rows:
            twin = twins.get(row.name)
            state = row.state if twin is None or twin.state == row.state else f"{row.state} · {twin.state}"
            rows.append(replace(row, state=state, cells=row.cells[:2] + (twin.cells[:2] if twin else ())))
        return AgentsView(left.columns[:2] + right.columns[:2], tuple(rows))

    def crowds(self) -> tuple[AgentsView, AgentsView]:
        """The agents of each."""
        return super().agents(), self.right.agents()

    def inspect(self, agent: int) -> Inspection:
        """An agent of the left run, with the state of the one of the same name in the right one."""
        looked = super().inspect(agent)
        twin = self.right.sim.ids.get(self.sim.names[agent])
        if twin is None or twin not in self.right.sim.present():
            return looked
        first, second = self.labels
        return replace(looked, state={first: looked.state, second: self.right.inspect(twin).state}, durable=())

    def stages(self, chosen: tuple[str, str]) -> tuple[StageView, StageView]:
        """Both stages: the fork view of each, and what is to be said of what is selected on it."""
        left, right = super().stage(chosen[0]), self.right.stage(chosen[1])
        first, second = self.headings
        return _shortened(left, first, chosen[0]), _shortened(right, second, chosen[1])

    @property
    def headings(self) -> tuple[str, str]:
        """What stands above the stages."""
        return self.labels

    def figures(self) -> tuple[MetricView, ...]:
        """The figures of both."""
        raise NotImplementedError

    def stories(self) -> tuple[tuple[NarrationLine, ...], tuple[NarrationLine, ...]]:
        """The story of each."""
        return super().narration(), self.right.narration()

    def narration(self) -> tuple[NarrationLine, ...]:
        """Both stories as one, each line preceded by whose it is; what a command did to both is said once."""
        first, second = self.labels
        left, right = self.stories()
        common = {(line.time, line.text) for line in left} & {(line.time, line.text) for line in right}
        told = [
            line if (line.time, line.text) in common else replace(line, text=f"{first}: {line.text}") for line in left
        ]
        more = [replace(line, text=f"{second}: {line.text}") for line in right if (line.time, line.text) not in common]
        return tuple(merge(told, more, key=attrgetter("time")))


class TwinFramer(BothFramer):
    """Frames of the two runs of a pair, with the figures that it wants to be compared."""

    def __init__(self, pair: Pair, left: Simulation, right: Simulation) -> None:
        super().__init__(pair.labels, left, right)
        self._pair = pair
        self._sides = pair.sides()

    def status(self, about: str = "") -> StatusView:
        """Where both are, and what both promise, under the name of the pair."""
        return replace(super().status(), scenario=self._pair.name, title=self._pair.title)

    def figures(self) -> tuple[MetricView, ...]:
        """What the pair shows of each side."""
        specs: dict[str, MetricSpec] = {spec.name: spec for spec in self._pair.figures}
        shown = []
        for side, sim in zip(self._sides, (self.sim, self.right.sim), strict=True):
            for view in sim.scenario.metric_views(sim):
                if f"{side.label} {view.name}" in specs:
                    shown.append(replace(view, name=f"{side.label} {view.name}", label=f"{side.label}: {view.label}"))
        return tuple(shown)


def _shortened(view: StageView, label: str, chosen: str) -> StageView:
    """The fork view, or the first part where there is none, and the words on what is selected."""
    parts = tuple([part for part in view.parts if isinstance(part, Chain)]) or view.parts[:1]
    if chosen and isinstance(view.parts[-1], Words):
        parts = (*parts, view.parts[-1])
    return StageView(f"{label}: {view.title}", parts)
