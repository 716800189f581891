"""A person at a run who goes back and forth, and notices when a moment is not what it was."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

from app.branches import Place
from app.driver import Driver
from app.history import History
from engine.errors import CommandError
from engine.grammar import parse
from engine.simulation import Simulation
from engine.trace import Note
from tests.app_fixtures import Clock


class Moment(NamedTuple):
    """All that a person can see of a run right after an event."""

    digest: str
    metrics: dict[str, Any]
    messages: dict[str, int]
    commands: tuple[str, ...]
    health: tuple[str, ...]
    last: str


def is_refusal(what: object) -> bool:
    """What could not be done is told once, and not again when time went back."""
    return isinstance(what, Note) and what.kind == "refused"


def moment(sim: Simulation) -> Moment:
    told = [str(sim.trace.in_words(index, what)) for index, _, what in sim.trace.raw(1) if not is_refusal(what)]
    return Moment(
        sim.digest,
        sim.metrics(),
        sim.messages,
        tuple(sim.commands),
        tuple(str(sim.health(agent)) for agent in sim.present()),
        told[-1] if told else "",
    )


class Session:
    """A person at a run: remembers every moment of every branch, and compares when it is there again."""

    def __init__(self, run: Simulation | History) -> None:
        self.open(run)

    def open(self, run: Simulation | History) -> None:
        """Sit down at a run."""
        self.driver = Driver(run, paused=True, clock=Clock())
        self.history, self.sim = self.driver.history, self.driver.sim
        self.seen: dict[int, dict[Place, Moment]] = {number: {} for number in self.history.tree.branches}
        self._look()

    def let_happen(self, events: int) -> None:
        for _ in range(events):
            if not self.driver.step():
                break
            self._look()

    def let_pass(self, micros: int) -> None:
        until = self.sim.now + micros
        while self.history.go_on(until, 1):
            self._look()

    def give(self, text: str) -> None:
        try:
            timed = parse(text, {spec.name: spec for spec in self.sim.scenario.commands})
            assert timed is not None
            self.driver.apply(timed)
        except CommandError:
            return
        self._look()

    def go_back(self, steps: int) -> None:
        for _ in range(steps):
            before = self.sim.events
            assert self.driver.back() is (before > 0)
            assert self.sim.events == max(0, before - 1)
            self._look()

    def go_to(self, share: float) -> None:
        index = int(share * self.history.branch.events)
        self.driver.go_to(index)
        assert self.sim.events == index
        self._look()

    def go_to_time(self, share: float) -> None:
        now = int(share * self.history.branch.now)
        self.driver.go_to_time(now)
        assert self.sim.now == now
        self._look()

    def go_to_end(self) -> None:
        branch = self.history.branch
        self.driver.go_to_end()
        assert (self.sim.events, self.sim.now) == (branch.events, branch.now)
        self._look()

    def go_to_landmark(self, by: int) -> None:
        found = self.history.landmark(by)
        if found is not None:
            assert self.driver.go_to_landmark(by)
            assert self.sim.events == found.index
            self._look()

    def switch(self, which: int) -> None:
        numbers = sorted(self.history.tree.branches)
        self.driver.switch(numbers[which % len(numbers)])
        self._look()

    def branch_off(self) -> None:
        try:
            self.driver.branch_off()
        except CommandError:
            return
        self._look()

    def do(self, steps: list[tuple[str, Any]]) -> None:
        for name, *arguments in steps:
            getattr(self, name)(*arguments)

    def _look(self) -> None:
        self.history.ran(1.0)
        branch, place = self.history.branch, self.history.place
        if branch.number not in self.seen:
            known = self.seen[branch.parent]
            self.seen[branch.number] = {one: seen for one, seen in known.items() if is_before(one, branch.start)}
        seen = self.seen[branch.number].setdefault(place, moment(self.sim))
        assert moment(self.sim) == seen


def is_before(one: Place, other: Place) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True))


SHARES = st.floats(0, 1)
TRAVELS = st.one_of(
    st.tuples(st.just("let_happen"), st.integers(1, 12)),
    st.tuples(st.just("let_pass"), st.integers(1, 600_000)),
    st.tuples(st.just("go_back"), st.integers(1, 9)),
    st.tuples(st.just("go_to"), SHARES),
    st.tuples(st.just("go_to_time"), SHARES),
    st.tuples(st.just("go_to_end")),
    st.tuples(st.just("go_to_landmark"), st.sampled_from([-1, 1])),
    st.tuples(st.just("switch"), st.integers(0, 5)),
    st.tuples(st.just("branch_off")),
)
