"""Whatever the scenario, its parameters, the seed and the commands: any walk of steps, jumps, branches and returns ends
at the digest that running straight there gives, and its recording tells all of it."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import app.branches
from app.branches import Given
from app.history import History
from app.recorder import Recorder
from app.recording import parse_recording
from app.replay import begin, verify
from engine.commands import Timed
from engine.errors import CommandError
from engine.grammar import parse
from engine.simulation import NEVER, Simulation
from scenarios.launch import launch
from tests.app_fixtures import Clock
from tests.sessions import TRAVELS, Session

Params = dict[str, Any]

PARAMS: dict[str, st.SearchStrategy[Params]] = {
    "gossip": st.fixed_dictionaries(
        {"agents": st.integers(3, 8)},
        optional={
            "timing": st.sampled_from(["rounds", "poisson"]),
            "topology": st.sampled_from(["ring", "star", "mesh"]),
            "latency": st.sampled_from([0.0, 0.02]),
        },
    ),
    "auction": st.fixed_dictionaries({}, optional={"mode": st.sampled_from(["contract-net", "neighbours"])}),
    "pow": st.fixed_dictionaries(
        {}, optional={"miners": st.integers(3, 6), "mining": st.sampled_from(["real", "sampled"])}
    ),
    "pbft": st.fixed_dictionaries({}, optional={"loss": st.sampled_from([0.0, 0.1])}),
    "scaling": st.fixed_dictionaries({}, optional={"arrival_rate": st.sampled_from([2.0, 5.0])}),
}
OWN = {
    "gossip": ["rumour 1 news", "byzantine 1 liar"],
    "auction": ["announce manager", "bidding 1 truthful"],
    "pow": ["byzantine 1 selfish"],
    "pbft": ["byzantine 1 silent"],
    "scaling": ["spike x3 for 10s", "kill 2", "policy fixed"],
}
ANY = ["crash 1", "restart 1", "crash 20%", "restart 100%", "freeze 1", "thaw 1", "leave 1", "join", "heal", "cancel",
       "loss 30%", "duplicate 20%", "reorder 20%", "latency 10ms..80ms", "latency 0s", "slow 1 3x"]  # fmt: skip
MOMENTS = st.one_of(
    st.builds("at {}ms ".format, st.one_of(st.sampled_from([0, 1000, 2000]), st.integers(0, 5000))),
    st.builds("at event {} ".format, st.integers(0, 120)),
)


@st.composite
def walks(draw: st.DrawFn) -> tuple[str, Params, int, str, list[tuple[str, Any]]]:
    """Scenario, parameters, seed, script, and what a person does."""
    scenario = draw(st.sampled_from(sorted(PARAMS)))
    commands = st.sampled_from([*ANY, *OWN[scenario]])
    later = st.builds("{}{}".format, MOMENTS, commands)
    script = "\n".join(draw(st.lists(later, max_size=3)))
    steps = st.one_of(
        TRAVELS, TRAVELS, st.tuples(st.just("give"), st.one_of(commands, later)),
        st.tuples(st.just("branch_off"), st.integers(0, 15)), st.tuples(st.just("record")),
    )  # fmt: skip
    params, seed = draw(PARAMS[scenario]), draw(st.integers(0, 99))
    return scenario, params, seed, script, draw(st.lists(steps, min_size=4, max_size=24))


class Kept(StringIO):
    """A file whose text can be had after it was closed."""

    text = ""

    def close(self) -> None:
        self.text = self.getvalue()
        super().close()


class Recording(Session):
    """A person who records the run from some moment on, and goes on with what was recorded."""

    def __init__(self, scenario: str, params: Params, run: Simulation) -> None:
        self._what = scenario, params
        self._recorder: Recorder | None = None
        self._file = Kept()
        super().__init__(run)

    def let_pass(self, micros: int) -> None:
        """At the scenario's pace, but not too much at a time."""
        until = self.sim.now + round(4 * micros * self.sim.scenario.pace)
        self.history.go_on(until, 200)
        self._look()

    def branch_off(self, kept: int = 0) -> None:
        """Of what was to come, those stay whose bits are set."""
        to_come = self.history.to_come()
        try:
            self.driver.branch_off([one for at, one in enumerate(to_come) if kept >> at & 1])
        except CommandError:
            return
        self._look()

    def record(self) -> None:
        """Begin to record; or end it, hold the recording against the run, and go on with a replay of it."""
        if self._recorder is None:
            self._file = Kept()
            self._recorder = Recorder(self.history, *self._what, self._file)
            self.driver.witness = self._recorder.note
            return
        self._recorder.note()
        assert verify(parse_recording(self._file.getvalue()), _silent) is None  # had it been killed here
        self._recorder.end()
        self._recorder = None
        recording = parse_recording(self._file.text)
        assert recording.whole
        assert verify(recording, _silent) is None
        for recorded, branch in zip(recording.branches, self.history.tree.branches.values(), strict=True):
            assert branch.end is not None
            assert recorded.marks[-1] == branch.end
            assert sorted(recorded.later, key=_moment) == sorted(branch.pending, key=_moment)
        self.open(begin(recording, self.history.branch.number))


def _moment(timed: Timed) -> tuple[int, int]:
    """What is sorted by this stays in its order where it comes at one moment."""
    return timed.at or 0, timed.after or 0


def _silent(share: float, words: str) -> None:
    """Nobody looks at the progress."""


SAME_TIME = [("record",), ("let_happen", 9), ("go_back", 3), ("give", "crash 1"), ("branch_off", 0), ("record",)]
BETWEEN = [("record",), ("let_pass", 300_000), ("go_to_time", 0.9), ("give", "crash 1"), ("go_back", 1),
           ("let_happen", 1), ("record",), ("go_to_end",)]  # fmt: skip
OVERTAKEN = [("let_happen", 30), ("give", "at event 30 crash 1"), ("give", "heal"), ("record",), ("branch_off", 1),
             ("let_happen", 3), ("record",), ("let_happen", 9)]  # fmt: skip


@given(walks())
@example(("gossip", {"agents": 6}, 7, "at 0s crash 1\nat 0s crash 1\nat 2s crash 1", [("record",), ("record",)]))
@example(("gossip", {"agents": 6, "timing": "rounds"}, 7, "at 2s crash 1\nat 2s crash 1", SAME_TIME))
@example(("gossip", {"agents": 6}, 7, "at 5s crash 1", BETWEEN))
@example(("pbft", {}, 7, "", OVERTAKEN))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_walk_ends_where_running_straight_there_ends(
    monkeypatch: pytest.MonkeyPatch, walk: tuple[str, Params, int, str, list[tuple[str, Any]]]
) -> None:
    scenario, params, seed, script, steps = walk
    monkeypatch.setattr(app.branches, "BUDGET", 1_000_000)
    monkeypatch.setattr(app.branches, "MARKED", 60)
    session = Recording(scenario, params, launch(scenario, params, seed, script, record=True))
    session.do(steps)
    own = {spec.name: spec for spec in session.sim.scenario.commands}
    for number, branch in session.history.tree.branches.items():
        session.driver.switch(number)
        session.driver.go_to_end()
        again = History(launch(scenario, params, seed, record=True), Clock())
        again.branch.given.extend(Given.recorded(timed) for text in branch.carried if (timed := parse(text, own)))
        again.go_on(NEVER, branch.events)
        assert (again.sim.digest, again.sim.events) == (session.sim.digest, session.sim.events)
