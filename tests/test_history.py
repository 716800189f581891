"""Going back in time: every moment of a run can be reached again, and is what it was."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import app.branches
from app.branches import Given, Mark
from app.history import History, go_on
from engine.commands import Timed
from engine.errors import CommandError
from engine.grammar import parse, parse_script
from engine.simulation import NEVER, Simulation
from engine.trace import CAPACITY
from scenarios.gossip.scenario import Gossip
from scenarios.launch import launch
from tests.app_fixtures import Clock
from tests.sessions import TRAVELS, Session, moment

PARAMS = {"agents": 6, "topology": "ring", "interval": 0.5, "timing": "poisson"}
OWN = {spec.name: spec for spec in Gossip.commands}


def run(script: str = "", seed: int = 7) -> Simulation:
    return launch("gossip", PARAMS, seed, script, record=True)


def command(text: str) -> Timed:
    timed = parse(text, OWN)
    assert timed is not None
    return timed


AGENTS = st.sampled_from(["a-01", "a-02", "a-03", "a-04", "1", "50%"])
NOW = st.one_of(
    st.builds("{} {}".format, st.sampled_from(["crash", "restart", "freeze", "thaw", "leave"]), AGENTS),
    st.sampled_from(
        [
            "partition a-01,a-02 | a-03,a-04",
            "partition a-02 > a-03",
            "heal",
            "cancel",
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
STEPS = st.one_of(TRAVELS, st.tuples(st.just("give"), NOW), st.tuples(st.just("give"), LATER))


@pytest.fixture(autouse=True)
def _many_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as a long run has, of which some must go."""
    monkeypatch.setattr(app.branches, "BUDGET", 200_000)


SCRIPTS = st.sampled_from(["", "at 300ms crash a-02\nat 900ms restart a-02\nat event 9 heal"])
CUT = [("let_pass", 123_456), ("give", "crash a-01"), ("let_happen", 3), ("go_back", 2), ("let_happen", 5)]
LATER_THAN_TWO = [("let_happen", 12), ("go_back", 4), ("let_happen", 4)]
OTHERS = [("let_happen", 9), ("go_back", 4), ("give", "crash a-01"), ("let_happen", 4), ("switch", 0), ("go_to_end",)]


@given(st.lists(STEPS, max_size=16), SCRIPTS)
@example(CUT, "")
@example(LATER_THAN_TWO, "at event 9 crash a-02\nat 0s loss 50%")
@example(OTHERS, "")
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_moment_gone_to_is_what_it_was(steps: list[tuple[str, Any]], script: str) -> None:
    session = Session(run(script))
    session.do(steps)
    session.go_back(session.sim.events)


@given(st.lists(STEPS, max_size=16))
@example([*OTHERS, *CUT])
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_branch_ends_where_running_straight_there_ends(steps: list[tuple[str, Any]]) -> None:
    """However a branch came about, the commands that it remembers lead to the same moment."""
    session = Session(run())
    session.do(steps)
    for number, branch in session.history.tree.branches.items():
        session.driver.switch(number)
        session.go_to_end()
        again = straight(branch.carried)
        again.go_on(NEVER, branch.events)
        assert (again.sim.digest, again.sim.events) == (session.sim.digest, branch.events)
        assert session.history.end_mark(branch) == Mark(branch.events, branch.now, again.sim.digest)


def straight(commands: list[str]) -> History:
    """A run to which these commands come, as a recording has them."""
    history = History(run(), Clock())
    history.branch.given.extend(Given.recorded(command(text)) for text in commands)
    return history


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


def test_an_earlier_moment_after_the_same_event_is_the_past_as_well() -> None:
    sim = run()
    history = History(sim, Clock())
    history.go_on(NEVER, 20)
    events, now = sim.events, sim.now
    history.go_on(now + 2, NEVER)
    history.go_to_time(now + 1)
    assert sim.events == events and sim.now == now + 1 < history.branch.now
    history.apply(command("crash a-01"))
    assert history.branch.number == 2


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
    indices = [saved.checkpoint.index for saved in history.tree.saved]
    assert history.tree.memory <= app.branches.BUDGET
    assert len(indices) < 41
    assert indices[0] == 0 and indices[-1] == sim.events
    assert indices == sorted(indices)


def test_the_gaps_that_thinning_leaves_are_wider_the_longer_ago_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.branches, "BUDGET", 2_000_000)
    sim = run()
    history = History(sim, Clock())
    for _ in range(120):
        sim.run(events=7)
        history.ran(1.0)
    indices = [saved.checkpoint.index for saved in history.tree.saved]
    gaps = [after - before for before, after in pairwise(indices)]
    assert len(gaps) > 8
    assert max(gaps) <= 4 * sim.events / len(gaps)
    assert sum(gaps[: len(gaps) // 2]) >= sum(gaps[len(gaps) // 2 :])


def test_a_checkpoint_is_taken_only_when_it_is_worth_its_time() -> None:
    sim = run()
    history = History(sim, Clock())
    history.spent = 0.5
    sim.run(events=100)
    history.ran(app.history.WORTH * 0.5 - 0.1)
    assert len(history.tree.saved) == 1
    history.ran(0.2)
    assert len(history.tree.saved) == 2


def test_none_is_taken_again_on_a_way_that_was_gone_before() -> None:
    session = Session(run())
    session.let_happen(60)
    taken = len(session.history.tree.saved)
    session.driver.go_to(0)
    session.let_happen(60)
    assert len(session.history.tree.saved) == taken


# --- branches -------------------------------------------------------------------------------------


def at_the_partition() -> Session:
    """A run that was cut in two at 1 s and healed at 2 s, and stands at 3 s."""
    session = Session(run())
    session.let_pass(1_000_000)
    session.give("partition a-01,a-02 | a-03,a-04")
    session.let_pass(1_000_000)
    session.give("heal")
    session.let_pass(1_000_000)
    return session


def test_going_back_and_forth_again_gives_what_was_given() -> None:
    session = at_the_partition()
    end = moment(session.sim)
    session.driver.go_to(0)
    assert session.sim.commands == []
    session.go_to_end()
    assert moment(session.sim) == end
    assert len(session.history.tree.branches) == 1


def test_another_command_in_the_past_begins_a_branch_and_the_old_future_is_kept() -> None:
    session = at_the_partition()
    end = moment(session.sim)
    session.driver.go_to_time(1_500_000)
    session.give("crash a-04")
    session.let_pass(1_000_000)
    assert session.history.branch.number == 2
    assert [str(one.timed) for one in session.history.branch.given] == [
        "partition a-01,a-02 | a-03,a-04",
        "crash a-04",
    ]
    session.driver.switch(1)
    assert str(session.sim.health(3)) == "up"
    session.go_to_end()
    assert moment(session.sim) == end


def test_a_command_that_is_refused_begins_no_branch() -> None:
    session = at_the_partition()
    session.driver.go_to_time(1_500_000)
    session.give("restart a-01")
    assert len(session.history.tree.branches) == 1
    assert session.history.is_behind


def test_a_new_branch_leaves_out_what_came_later() -> None:
    session = at_the_partition()
    session.driver.go_to_time(1_500_000)
    assert [str(timed) for timed in session.history.to_come()] == ["at 2s heal"]
    session.branch_off()
    session.let_pass(2_000_000)
    assert session.sim.network.cuts
    assert session.history.branch.parent == 1


def test_a_new_branch_can_keep_some_of_what_came_later() -> None:
    session = at_the_partition()
    session.driver.go_to_time(500_000)
    later = session.history.to_come()
    assert [str(timed) for timed in later] == ["at 1s partition a-01,a-02 | a-03,a-04", "at 2s heal"]
    session.driver.branch_off(later[:1])
    session.let_pass(3_000_000)
    assert session.sim.network.cuts


def test_a_new_branch_forgets_what_a_script_had_arranged_unless_it_is_kept() -> None:
    script = "at 1s partition a-01,a-02 | a-03,a-04\nat 2s heal\nat 3s crash a-01"
    session = Session(run(script))
    session.let_pass(1_500_000)
    session.driver.branch_off(session.history.to_come()[1:])
    session.let_pass(3_000_000)
    assert session.sim.network.cuts
    assert str(session.sim.health(0)) == "crashed"
    session.driver.switch(1)
    session.let_pass(3_000_000)
    assert not session.sim.network.cuts


def test_where_there_is_one_future_only_there_is_nothing_to_depart_from() -> None:
    session = at_the_partition()
    with pytest.raises(CommandError, match="go back first"):
        session.driver.branch_off()


def test_branches_of_branches_share_what_they_share() -> None:
    session = at_the_partition()
    session.driver.go_to_time(1_500_000)
    session.give("crash a-04")
    session.let_pass(1_000_000)
    session.driver.go_to_time(1_200_000)  # before it parted from the first
    session.give("crash a-03")
    assert session.history.branch.number == 3
    session.driver.switch(2)
    assert [str(session.sim.health(one)) for one in (2, 3)] == ["up", "up"]
    session.go_to_end()
    assert [str(session.sim.health(one)) for one in (2, 3)] == ["up", "crashed"]


def test_landmarks_are_gone_through_one_by_one() -> None:
    session = at_the_partition()
    session.driver.go_to(0)
    kinds = []
    while (found := session.history.landmark(1)) is not None:
        session.go_to_landmark(1)
        kinds.append(found.kind)
    assert [kind for kind in kinds if kind in ("partition", "heal")] == ["partition", "heal"]
    session.go_to_landmark(-1)
    assert session.sim.events < session.history.branch.landmarks[-1].index


def test_the_next_landmark_is_run_to_where_none_is_known() -> None:
    session = Session(run("at 3s crash a-01"))
    session.driver.go_to_landmark(1)
    while session.driver.history.landmark(-1) is None or session.driver.is_on_the_way:
        session.driver._slice(1.0)
    assert session.sim.now <= 3_000_000
    session.driver.go_to_time(3_000_000)
    assert "crash" in [one.kind for one in session.history.branch.landmarks]


def test_an_event_that_the_run_has_long_forgotten_is_found() -> None:
    session = Session(run())
    session.let_happen(5)
    early = session.sim.trace.event(3)
    go_on(session.sim, NEVER, CAPACITY + 10)
    session.history.look()
    assert session.sim.trace.event(3) is None
    assert session.history.event(3) == early
    assert session.history.event(session.sim.events + 1) is None


def test_the_timeline_shows_the_tree() -> None:
    session = at_the_partition()
    session.driver.go_to_time(1_500_000)
    session.give("crash a-04")
    session.let_pass(500_000)
    view = session.history.view()
    assert (view.now, view.current) == (2_000_000, 2)
    first, second = view.branches
    assert (first.parent, first.start, first.end) == (0, 0, 3_000_000)
    assert (second.parent, second.start, second.end) == (1, 1_500_000, 2_000_000)
    assert [text for _, text in first.commands] == ["partition a-01,a-02 | a-03,a-04", "heal"]
    assert second.commands == ((1_500_000, "crash a-04"),)
    assert {one.kind for one in second.landmarks} >= {"crash"}
    assert "partition" not in {one.kind for one in second.landmarks}


def test_a_script_read_from_a_run_goes_back_too() -> None:
    script = parse_script("at 1s partition a-01,a-02 | a-03,a-04\nat 3s crash 50%", OWN)
    sim = launch("gossip", PARAMS, 7, script)
    history = History(sim, Clock())
    sim.run(until=2.0)
    index, digest = sim.events, sim.digest
    sim.run(until=4.0)
    history.go_to(index)
    assert sim.digest == digest
