"""Checkpoints: going back to a moment, and on from there, is as if nothing had been in between."""

from __future__ import annotations

import gc
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import StateError
from engine.simulation import Simulation
from scenarios.launch import launch
from tests.engine_fixtures import (
    FAULTS,
    MS,
    copy_of,
    heard,
    held,
    hive,
    in_flight,
    log_of,
    picture,
    theatre,
    try_command,
)

ACTS = st.one_of(st.sampled_from(FAULTS), st.integers(1, 60))
COURSES = st.lists(ACTS, max_size=14)


def follow(sim: Simulation, course: list[str | int]) -> None:
    for act in course:
        if isinstance(act, int):
            sim.run(events=act)
        else:
            try_command(sim, act)


def without_refusals(sim: Simulation) -> dict[str, Any]:
    """A picture of a run; which commands were refused is not part of it."""
    found = picture(sim)
    found["trace"] = [entry for entry in found["trace"] if entry[2] != "refused"]
    return found


@settings(max_examples=60)
@given(COURSES, COURSES, COURSES, st.booleans(), st.integers(0, 3))
def test_after_going_back_the_run_goes_on_as_it_did(
    before: list[str | int], after: list[str | int], astray: list[str | int], record: bool, seed: int
) -> None:
    sim = hive(seed=seed, record=record)
    follow(sim, before)
    checkpoint = sim.checkpoint()
    here = picture(sim)
    assert (checkpoint.index, checkpoint.time) == (sim.events, sim.now)
    follow(sim, after)
    sim.run(events=200)
    there = picture(sim)
    sim.restore(checkpoint)
    assert picture(sim) == here
    follow(sim, astray)
    sim.restore(checkpoint)
    follow(sim, after)
    sim.run(events=200)
    assert picture(sim) == there


@settings(max_examples=30)
@given(COURSES, COURSES)
def test_a_fresh_run_of_the_same_scenario_and_seed_can_take_it_up(
    before: list[str | int], after: list[str | int]
) -> None:
    sim = hive(record=True)
    follow(sim, before)
    checkpoint = copy_of(sim.checkpoint())
    fresh = hive(record=True)
    fresh.restore(checkpoint)
    assert picture(fresh) == picture(sim)
    for one in (sim, fresh):
        follow(one, after)
        one.run(events=200)
    assert picture(fresh) == picture(sim)


def test_long_runs_go_back_too() -> None:
    sim, fresh = hive(), hive()
    sim.run(events=7_777)  # the trace has gone round, and the digest is in its eighth block
    checkpoint = sim.checkpoint()
    sim.run(events=3_000)
    there = picture(sim)
    for one in (sim, fresh):
        one.restore(checkpoint)
        one.run(events=3_000)
        assert picture(one) == there


def test_taking_one_changes_nothing() -> None:
    plain, watched = hive(), hive()
    plain.run(events=600)
    for _ in range(60):
        watched.run(events=10)
        watched.checkpoint()
    assert picture(watched) == picture(plain)


def test_a_checkpoint_outlives_what_happens_later() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.send(1, "a")
    sim.run(until=0.01)
    checkpoint = sim.checkpoint()
    for _ in range(3):
        sim.agent(0).ctx.send(1, "b")
        sim.run(until=sim.seconds + 0.01)
        assert heard(sim, 1) == ["a", "b"]
        sim.restore(checkpoint)
        assert heard(sim, 1) == ["a"]


def test_agents_stay_the_same_objects() -> None:
    sim = theatre(2)
    agents = list(sim.agents)
    sim.agent(1).extra = [1]  # type: ignore[attr-defined]
    checkpoint = sim.checkpoint()
    sim.agent(1).extra.append(2)  # type: ignore[attr-defined]
    sim.agent(1).more = True  # type: ignore[attr-defined]
    sim.restore(checkpoint)
    assert all(mine is theirs for mine, theirs in zip(sim.agents, agents, strict=True))
    assert sim.agent(1).extra == [1]  # type: ignore[attr-defined]
    assert not hasattr(sim.agent(1), "more")


def test_back_to_before_a_join_and_on_to_after_it() -> None:
    sim = theatre(3, topology="ring")
    start = sim.checkpoint()
    sim.apply("join")
    sim.apply("leave p-1")
    sim.agent(3).ctx.set_timer("tea", 5 * MS)
    joined = sim.checkpoint()
    sim.restore(start)
    assert (sim.names, sorted(sim.ids), sim.present()) == (["p-1", "p-2", "p-3"], ["p-1", "p-2", "p-3"], [0, 1, 2])
    assert sim.topology.neighbours(0) == (1, 2)
    sim.run(until=1)
    sim.restore(joined)
    assert (sim.names[3], sim.present(), sim.ids["p-4"]) == ("p-4", [1, 2, 3], 3)
    sim.agent(1).ctx.send(3, "hello")
    sim.run(until=1)
    assert log_of(sim, 3) == [(1 * MS, "message", 1, "hello"), (5 * MS, "timer", "tea")]
    sim.restore(start)
    sim.apply("join 2")
    assert sim.names == ["p-1", "p-2", "p-3", "p-4", "p-5"]


def test_a_newcomer_that_has_not_started_yet_starts_after_going_back() -> None:
    sim = theatre(2)
    sim.apply("join")
    checkpoint = sim.checkpoint()
    sim.run(until=1)
    fresh = theatre(2)
    for one in (sim, fresh):
        one.restore(checkpoint)
        one.run(until=1)
        assert one.agents[2].log == [(0, "start")]  # type: ignore[attr-defined]


def test_what_is_on_its_way_held_waiting_and_joined_is_kept() -> None:
    sim = theatre(4, latency=0.005)
    sim.agent(1).ctx.subscribe("news", {"label": "urgent"})
    sim.agent(0).ctx.request(2, "ignore", timeout=20 * MS, retries=2)
    sim.agent(0).ctx.send_acknowledged(3, "letter", timeout=20 * MS)
    sim.apply("freeze p-4")
    sim.agent(0).ctx.send(3, "held")
    sim.run(until=0.007)
    assert (len(list(held(sim))), len(in_flight(sim))) == (2, 0)
    sim.agent(0).ctx.send(1, "on its way")
    sim.schedule("at 40ms thaw p-4")
    sim.schedule("at event 12 crash p-2")
    checkpoint = sim.checkpoint()
    sim.run(until=1)
    course, digest = [log_of(sim, agent) for agent in range(4)], sim.digest
    assert heard(sim, 3) == ["letter", "held"]
    sim.apply("restart p-2")
    sim.agent(0).ctx.publish("news", {"label": "urgent"})
    sim.restore(checkpoint)
    assert sim.agent(0).ctx.publish("news", {"label": "plain"}) == 0
    sim.run(until=1)
    assert ([log_of(sim, agent) for agent in range(4)], sim.digest) == (course, digest)


def test_settings_of_links_clocks_and_agents_are_kept() -> None:
    sim = theatre(3)
    for command in (
        "latency 5ms p-1 > p-2",
        "bandwidth 1kB/s p-1 > p-3",
        "partition p-2 | p-3",
        "skew p-1 +1s",
        "skew p-2 +5%",
        "slow p-3 2x",
        "byzantine p-1 liar",
    ):
        sim.apply(command)
    sim.agent(0).ctx.send(2, "the wire is taken")
    checkpoint = sim.checkpoint()
    for command in ("latency default", "bandwidth off", "heal", "skew * +0s", "slow * 1x", "byzantine * honest"):
        sim.apply(command)
    sim.restore(checkpoint)
    sim.agent(0).ctx.send(1, "a")
    sim.agent(0).ctx.send(2, "b")
    sim.agent(1).ctx.send(2, "c")
    sim.agent(2).ctx.send(0, "d")
    sim.run(until=1)
    assert log_of(sim, 1) == [(5 * MS, "message", 0, "a")]
    assert log_of(sim, 2) == [(257 * MS, "message", 0, "the wire is taken"), (513 * MS, "message", 0, "b")]
    assert log_of(sim, 0, "message") == [(2 * MS, "message", 2, "d")]
    assert (sim.agent(0).ctx.now, sim.agent(1).ctx.now) == (2_000 * MS, 1_050 * MS)
    assert sim.agent(0).mode == "liar"


def test_doubles_and_disorder_have_the_same_luck_again() -> None:
    sim = theatre(2)
    sim.apply("duplicate 40%")
    sim.apply("reorder 40%")

    def course() -> list[tuple[Any, ...]]:
        for number in range(30):
            sim.agent(0).ctx.send(1, number)
        sim.run(until=sim.seconds + 1)
        return log_of(sim, 1)

    fresh = sim.checkpoint()
    first = course()
    middle = sim.checkpoint()
    second = course()
    sim.restore(middle)
    assert course() == second
    sim.restore(fresh)
    assert course() == first


def test_commands_after_the_moment_are_forgotten() -> None:
    sim = theatre(3)
    sim.schedule("at 10ms crash p-1")
    checkpoint = sim.checkpoint()
    sim.schedule("at 20ms crash p-2")
    sim.apply("crash p-3")
    sim.run(until=1)
    assert len(sim.commands) == 3
    sim.restore(checkpoint)
    sim.run(until=1)
    assert sim.commands == ["at 10ms crash p-1"]


def test_a_recording_run_goes_on_recording() -> None:
    sim = hive(record=True)
    sim.run(until=0.2)
    checkpoint = sim.checkpoint()
    series = sim.series
    sim.run(until=8.0)  # long enough to thin the samples out
    times, values = list(series.times), series["flowers"]
    assert series.interval > 10 * MS
    sim.restore(checkpoint)
    assert sim.series is series
    assert (series.times[-1], series.interval) == (200 * MS, 10 * MS)
    sim.run(until=8.0)
    assert (series.times, series["flowers"]) == (times, values)


def test_a_checkpoint_of_another_run_is_refused() -> None:
    checkpoint = theatre(3, seed=4).checkpoint()
    for other in (theatre(3, seed=5), theatre(4, seed=4), theatre(3, seed=4, latency=0.002), hive(3, seed=4)):
        before = picture(other)
        with pytest.raises(StateError, match="this is a checkpoint of theatre with the seed 4, not of this run"):
            other.restore(checkpoint)
        assert picture(other) == before
    theatre(3, seed=4).restore(checkpoint)


def test_a_checkpoint_is_plain_data() -> None:
    sim = hive()
    sim.run(events=300)
    checkpoint = sim.checkpoint()
    state = pickle.loads(checkpoint.data)
    assert isinstance(state, dict)
    assert {type(value).__module__ for value in state.values()} == {"builtins"}
    assert b"networkx" not in checkpoint.data
    assert b"engine.simulation" not in checkpoint.data


def test_its_size_does_not_grow_with_time() -> None:
    sim = hive()
    sim.run(events=10_000)
    early = len(sim.checkpoint().data)
    sim.run(events=10_000)
    assert len(sim.checkpoint().data) < 1.2 * early


# --- many checkpoints, several runs --------------------------------------------------------------

SMALL: dict[str, dict[str, Any]] = {
    "gossip": {"agents": 12, "interval": 0.2, "rumours": 2},
    "pow": {"miners": 8, "interval": 3.0},
    "pbft": {},
    "auction": {},
    "scaling": {},
}
CAN_HAPPEN = ("crash 30%", "restart *", "freeze 2", "thaw *", "join", "leave 1", "loss 20%", "slow 2 3x", "heal")


def what_it_is(sim: Simulation) -> tuple[Any, ...]:
    """All of a run that can be compared; attributes and their order included."""
    figures = (sim.events, sim.now, sim.digest, sim.messages, sim.metrics(), sim.invariants(), list(sim.commands))
    trace = [(index, number, str(sim.trace.in_words(index, what))) for index, number, what in sim.trace.raw()]
    timers = [sorted(map(str, agent.ctx.timers)) for agent in sim.agents]
    draws = [(agent.rng.position, agent.ctx.link.position, agent.ctx.threshold) for agent in sim.agents]
    shape = [list(agent.state()) for agent in sim.agents]
    return *figures, trace, list(sim.calendar), timers, draws, shape, list(sim.names), sim.topology.state()


@settings(max_examples=40)
@given(
    st.sampled_from(sorted(SMALL)),
    st.integers(0, 5),
    st.lists(st.one_of(st.integers(1, 900), st.sampled_from(CAN_HAPPEN)), min_size=2, max_size=8),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 1)), min_size=1, max_size=8),
)
def test_checkpoints_are_gone_back_to_in_any_order_by_any_run_of_the_same_kind(
    name: str, seed: int, course: list[str | int], journeys: list[tuple[int, int]]
) -> None:
    runs = [launch(name, SMALL[name], seed, record=True) for _ in range(2)]
    kept = []
    for act in course:
        kept.append((runs[0].checkpoint(), what_it_is(runs[0])))
        follow(runs[0], [act])
    for count, (where, who) in enumerate(journeys):
        place = where % len(kept)
        checkpoint, here = kept[place]
        runs[who].restore(checkpoint)
        assert what_it_is(runs[who]) == here
        again = runs[who].checkpoint()
        follow(runs[who], [course[place]])
        if place + 1 < len(kept):
            assert what_it_is(runs[who]) == kept[place + 1][1]
            kept[place] = (again, here)  # one taken after going back is as good as the first
        assert sum(run.travels for run in runs) == count + 1


def test_what_two_attributes_or_two_agents_share_they_share_afterwards() -> None:
    sim, fresh = theatre(3), theatre(3)
    common: list[int] = []
    for puppet in sim.agents:
        puppet.mine, puppet.common, puppet.same = [], common, puppet.log  # type: ignore[attr-defined]
    checkpoint = sim.checkpoint()
    for run in (sim, fresh):
        run.restore(checkpoint)
        one, two, three = (vars(puppet) for puppet in run.agents)
        one["common"].append(1)
        one["mine"].append(2)
        one["log"].append((0, "more"))
        assert (two["common"], three["common"]) == ([1], [1])
        assert (one["mine"], two["mine"], three["mine"]) == ([2], [], [])
        assert one["same"] is one["log"] and (0, "more") not in two["same"]


def test_attributes_keep_their_order_and_agents_of_one_class_need_not_have_the_same() -> None:
    sim = theatre(4)
    sim.agent(1).extra = []  # type: ignore[attr-defined]
    del sim.agent(2).fame  # type: ignore[attr-defined]
    sim.agent(2).fame = 3  # type: ignore[attr-defined]
    sim.agent(3).extra = [4]  # type: ignore[attr-defined]
    before = [list(agent.state().items()) for agent in sim.agents]
    checkpoint = sim.checkpoint()
    for agent in sim.agents:
        vars(agent).pop("extra", None)
        vars(agent)["later"] = True
    for run in (sim, theatre(4)):
        run.restore(checkpoint)
        assert [list(agent.state().items()) for agent in run.agents] == before


def test_the_engine_s_own_attributes_are_left_alone() -> None:
    sim = theatre(2)
    agent = sim.agent(0)
    own = (agent.ctx, agent.rng, agent.id, agent.name, agent.role)
    sim.restore(sim.checkpoint())
    now = (agent.ctx, agent.rng, agent.id, agent.name, agent.role)
    assert all(mine is before for mine, before in zip(now, own, strict=True))


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_left_as_it_was(enabled: bool) -> None:
    sim, before = theatre(2), gc.isenabled()
    stranger = theatre(2, seed=9).checkpoint()
    try:
        (gc.enable if enabled else gc.disable)()
        sim.restore(sim.checkpoint())
        assert gc.isenabled() is enabled
        with pytest.raises(StateError):
            sim.restore(stranger)
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


def test_a_run_counts_how_often_it_went_to_another_moment() -> None:
    sim = theatre(2)
    checkpoint = sim.checkpoint()
    sim.restore(checkpoint)
    sim.restore(checkpoint)
    with pytest.raises(StateError):
        sim.restore(theatre(2, seed=9).checkpoint())
    assert (sim.travels, theatre(2).travels) == (2, 0)


def test_a_checkpoint_is_restored_in_another_process() -> None:
    sim = launch("gossip", SMALL["gossip"], 3, record=True)
    sim.run(events=700)
    checkpoint = pickle.dumps(sim.checkpoint())
    sim.run(events=700)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as others:
        assert others.submit(_goes_on, checkpoint).result() == (sim.digest, sim.metrics())


def _goes_on(checkpoint: bytes) -> tuple[str, dict[str, Any]]:
    sim = launch("gossip", SMALL["gossip"], 3, record=True)
    sim.restore(pickle.loads(checkpoint))
    sim.run(events=700)
    return sim.digest, sim.metrics()


def test_its_size_is_that_of_its_bytes() -> None:
    checkpoint = theatre(2).checkpoint()
    assert checkpoint.size == len(checkpoint.data)
