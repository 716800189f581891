"""Going back in time: every moment of a run can be reached again, and is what it was."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import app.history
from app.driver import Driver
from app.history import History, go_on
from engine.commands import Timed
from engine.errors import CommandError
from engine.grammar import parse, parse_script
from engine.simulation import NEVER, Simulation
from engine.trace import Note
from scenarios.gossip.scenario import Gossip
from scenarios.launch import launch
from tests.app_fixtures import Clock

PARAMS = {"agents": 6, "topology": "ring", "interval": 0.5, "timing": "poisson"}
OWN = {spec.name: spec for spec in Gossip.commands}


def run(script: str = "", seed: int = 7) -> Simulation:
    return launch("gossip", PARAMS, seed, script, record=True)


def command(text: str) -> Timed:
    timed = parse(text, OWN)
    assert timed is not None
    return timed


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
    """A person at a run: remembers every moment it went through, and compares on the way back."""

    def __init__(self, script: str = "") -> None:
        self.sim = run(script)
        self.driver = Driver(self.sim, paused=True, clock=Clock())
        self.history = self.driver.history
        self.seen = {0: moment(self.sim)}

    def let_happen(self, events: int) -> None:
        for _ in range(events):
            if not self.driver.step():
                break
            self._look()

    def let_pass(self, micros: int) -> None:
        until = self.sim.now + micros
        while go_on(self.sim, until, 1):
            self._look()

    def give(self, text: str) -> None:
        try:
            self.driver.apply(command(text))
        except CommandError:
            return
        self._look()

    def go_back(self, steps: int) -> None:
        for _ in range(steps):
            before = self.sim.events
            assert self.driver.back() is (before > 0)
            assert self.sim.events == max(0, before - 1)
            assert moment(self.sim) == self.seen[self.sim.events]
        for index in [index for index in self.seen if index > self.sim.events]:
            del self.seen[index]

    def _look(self) -> None:
        self.history.ran(1.0)
        self.seen[self.sim.events] = moment(self.sim)


AGENTS = st.sampled_from(["a-01", "a-02", "a-03", "a-04", "1", "50%"])
NOW = st.one_of(
    st.builds("{} {}".format, st.sampled_from(["crash", "restart", "freeze", "thaw", "leave"]), AGENTS),
    st.sampled_from(
        [
            "partition a-01,a-02 | a-03,a-04",
            "partition a-02 > a-03",
            "heal",
            "join",
            "loss 30%",
            "duplicate 40%",
            "reorder 40%",
            "latency 10ms..80ms",
            "bandwidth 2kB/s",
            "skew a-02 +50ms",
            "slow a-03 3x",
            "byzantine a-02 liar",
            "rumour a-03 news",
        ]
    ),
)
LATER = st.one_of(
    st.builds("at {}ms {}".format, st.integers(0, 4000), NOW),
    st.builds("at event {} {}".format, st.integers(0, 80), NOW),
)
STEPS = st.one_of(
    st.tuples(st.just("let_happen"), st.integers(1, 12)),
    st.tuples(st.just("let_pass"), st.integers(1, 600_000)),
    st.tuples(st.just("give"), NOW),
    st.tuples(st.just("give"), LATER),
    st.tuples(st.just("go_back"), st.integers(1, 9)),
)


@pytest.fixture(autouse=True)
def _many_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as a long run has."""
    monkeypatch.setattr(app.history, "EVERY", 7)
    monkeypatch.setattr(app.history, "KEPT", 4)


SCRIPTS = st.sampled_from(["", "at 300ms crash a-02\nat 900ms restart a-02\nat event 9 heal"])


@given(st.lists(STEPS, max_size=14), SCRIPTS)
@example([("let_pass", 123_456), ("give", "crash a-01"), ("let_happen", 3), ("go_back", 2), ("let_happen", 5)], "")
@example([("let_happen", 12), ("go_back", 4), ("let_happen", 4)], "at event 9 crash a-02\nat 0s loss 50%")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_moment_gone_back_to_is_what_it_was(steps: list[tuple[str, Any]], script: str) -> None:
    session = Session(script)
    for name, argument in steps:
        getattr(session, name)(argument)
    session.go_back(session.sim.events)


@given(st.lists(STEPS, max_size=14))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_done_in_the_end_is_all_that_counts(steps: list[tuple[str, Any]]) -> None:
    """Whatever was tried and taken back, the commands that the run remembers lead to the same moment."""
    session = Session()
    for name, argument in steps:
        getattr(session, name)(argument)
    sim = session.sim
    again = run("\n".join(sim.commands))
    go_on(again, NEVER, sim.events)
    assert (again.digest, again.events) == (sim.digest, sim.events)
    assert again.commands == sim.commands


@given(st.lists(STEPS, max_size=8), st.integers(1, 30))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_forward_again_is_the_same_way(steps: list[tuple[str, Any]], far: int) -> None:
    session = Session("at 700ms partition a-01,a-02 | a-03,a-04\nat 2s heal")
    for name, argument in steps:
        getattr(session, name)(argument)
    start = session.sim.events
    session.let_happen(far)
    there = {index: seen for index, seen in session.seen.items() if index > start}
    session.go_back(len(there))
    for _ in there:
        session.driver.step()
        assert moment(session.sim) == there[session.sim.events]


# --- cases that went wrong once -------------------------------------------------------------------


def test_a_command_given_between_two_events_is_kept() -> None:
    sim = run()
    history = History(sim, Clock())
    sim.run(until=1.2345)
    history.apply(command("crash a-01"))
    sim.run(events=10)
    digest = moment(sim)
    sim.run(events=3)
    history.go_to(sim.events - 3)
    assert moment(sim) == digest
    assert sim.commands == ["at 1.2345s crash a-01"]


def test_a_command_of_the_script_is_not_given_twice() -> None:
    sim = run("at event 5 crash a-02")
    history = History(sim, Clock())
    sim.run(events=20)
    digest = moment(sim)
    sim.run(events=1)
    history.go_to(20)
    assert moment(sim) == digest


def test_a_command_that_was_taken_back_does_not_come_again() -> None:
    sim = run()
    history = History(sim, Clock())
    sim.run(events=10)
    history.apply(command("crash a-01"))
    history.apply(command("at 5s crash a-02"))
    history.go_to(10)
    sim.run(until=6.0)
    assert sim.commands == []


def test_what_waits_in_the_agenda_is_kept_by_going_back_after_it_was_given() -> None:
    sim = run()
    history = History(sim, Clock())
    sim.run(events=10)
    history.apply(command("at 5s crash a-02"))
    sim.run(events=10)
    history.go_to(15)
    sim.run(until=6.0)
    assert sim.commands == ["at 5s crash a-02"]


def test_what_a_script_cannot_do_stops_nothing() -> None:
    sim = run("at 100ms restart a-01\nat 200ms crash a-02\nat 300ms crash a-02")
    history = History(sim, Clock())
    assert go_on(sim, NEVER, 60) == 60
    digest = moment(sim)
    go_on(sim, NEVER, 5)
    history.go_to(60)
    assert moment(sim) == digest
    assert sim.commands == ["at 200ms crash a-02"]


def test_an_agent_that_joined_is_gone_before_it_came() -> None:
    sim = run()
    history = History(sim, Clock())
    sim.run(events=10)
    history.apply(command("join 2"))
    sim.run(events=10)
    assert len(sim.present()) == 8
    history.go_to(10)
    assert len(sim.present()) == 6


def test_checkpoints_are_thinned_out_and_the_first_one_stays() -> None:
    sim = run()
    history = History(sim, Clock())
    for _ in range(40):
        sim.run(events=7)
        history.ran(1.0)
    indices = [checkpoint.index for checkpoint, _ in history._checkpoints]
    assert len(indices) <= app.history.KEPT
    assert indices[0] == 0 and indices[-1] == sim.events
    assert indices == sorted(indices)


def test_a_checkpoint_is_taken_only_when_it_is_worth_its_time() -> None:
    sim = run()
    history = History(sim, Clock())
    history._spent = 0.5
    sim.run(events=100)
    history.ran(9.9)
    assert len(history._checkpoints) == 1
    history.ran(0.2)
    assert len(history._checkpoints) == 2


def test_a_script_read_from_a_run_goes_back_too() -> None:
    script = parse_script("at 1s partition a-01,a-02 | a-03,a-04\nat 3s crash 50%", OWN)
    sim = launch("gossip", PARAMS, 7, script)
    history = History(sim, Clock())
    sim.run(until=2.0)
    index, digest = sim.events, sim.digest
    sim.run(until=4.0)
    history.go_to(index)
    assert sim.digest == digest
