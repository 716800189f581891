"""How a fact spreads: every mode, timing and topology, and what fanout, loss and latency do to it."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Any

import pytest

from engine.simulation import Simulation
from engine.topology import TOPOLOGIES
from scenarios.gossip.scenario import Gossiper
from scenarios.gossip.theory import mean_rounds_to_all
from swarmscope import simulate

MODES = ("push", "pull", "push-pull")
TIMINGS = ("rounds", "periodic", "poisson")


def play(seed: int = 1, until: float | None = None, script: str = "", **params: Any) -> Simulation:
    return simulate("gossip", params=params, seed=seed, until=until, script=script)


def gossipers(sim: Simulation) -> list[Gossiper]:
    return [agent for agent in sim.agents if isinstance(agent, Gossiper)]


def mean_rounds(trials: int, **params: Any) -> float:
    return statistics.fmean(play(seed, timing="rounds", **params).metrics()["rounds_to_all"] for seed in range(trials))


# --- everybody hears ------------------------------------------------------------------------------


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_everybody_hears_on_every_topology(topology: str, mode: str, timing: str) -> None:
    sim = play(agents=12, topology=topology, mode=mode, timing=timing)
    assert sim.metrics()["coverage"] == 1.0
    assert all(one["holds"] for one in sim.invariants())
    assert sim.over == "every live agent knows every fact"


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("protocol", ["anti-entropy", "rumour"])
def test_two_agents_are_enough(protocol: str, mode: str, timing: str) -> None:
    sim = play(agents=2, protocol=protocol, mode=mode, timing=timing, latency=0.01)
    assert sim.metrics()["coverage"] == 1.0
    assert sim.metrics()["last_informed_cycle"] >= 1


def test_several_facts_spread_at_once() -> None:
    sim = play(agents=10, rumours=20)
    assert sim.metrics()["coverage"] == 1.0
    for agent in gossipers(sim):
        assert sorted(agent.facts) == sorted(f"f{number}" for number in range(1, 21))


def test_only_those_who_know_call_when_pushing() -> None:
    sim = play(agents=30, mode="push", rumours=0, until=20)
    assert sim.messages["sent"] == 0
    sim = play(agents=30, mode="push", until=0.9, latency=0.001)
    assert sim.messages["sent"] >= 1
    assert {event.agent for event in sim.trace.events() if event.kind == "timer"} <= {
        agent.name for agent in gossipers(sim) if agent.facts
    }


def test_everybody_calls_when_pulling() -> None:
    sim = play(agents=30, mode="pull", rumours=0, until=9.5)
    assert sim.messages["sent"] == pytest.approx(2 * 30 * 9.5, abs=2 * 30), "a question and an answer each"


# --- synchronous rounds ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_in_a_round_those_call_who_knew_when_it_began(seed: int) -> None:
    sim = play(seed, agents=50, mode="push", timing="rounds", until=11.5)
    cycles = [agent.cycles["f1"] for agent in gossipers(sim) if agent.cycles]
    knew = [sum(cycle <= before for cycle in cycles) for before in range(12)]
    assert sim.messages["sent"] == sum(knew)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("protocol", ["anti-entropy", "rumour"])
@pytest.mark.parametrize("mode", MODES)
def test_rounds_do_not_depend_on_how_quick_the_network_is(mode: str, protocol: str, seed: int) -> None:
    params: dict[str, Any] = {"agents": 60, "mode": mode, "protocol": protocol, "timing": "rounds"}
    figures = [play(seed, latency=latency, until=24.99, **params).metrics() for latency in (0.0, 0.05, 0.2)]
    for name in ("coverage", "rounds_to_all", "updates_per_agent", "last_informed_cycle", "redundant_share"):
        assert len({figure[name] for figure in figures}) == 1, name


def test_with_no_delay_at_all_a_round_is_a_moment() -> None:
    sim = play(agents=40, timing="rounds", latency=0.0)
    rounds = sim.metrics()["rounds_to_all"]
    assert sim.metrics()["time_to_all"] == rounds - 1, "the first round begins at once"


@pytest.mark.parametrize("mode", MODES)
def test_delays_longer_than_a_round_only_slow_things_down(mode: str) -> None:
    quick = play(agents=40, mode=mode, timing="rounds", latency=0.1).metrics()
    late = play(agents=40, mode=mode, timing="rounds", latency=2.5, latency_model="constant").metrics()
    assert late["coverage"] == 1.0
    assert late["rounds_to_all"] > quick["rounds_to_all"] + 2


@pytest.mark.parametrize("amount", ["+250ms", "-1s", "+5%", "-20%", "+1%"])
def test_a_clock_that_is_wrong_neither_stops_the_rounds_nor_doubles_them(amount: str) -> None:
    sim = play(agents=10, timing="rounds", mode="pull", script=f"at 2s skew a-03 {amount}", until=30, latency=0.01)
    asked = [e for e in sim.trace.events() if e.kind == "timer" and e.agent == "a-03"]
    pace = 1 + float(amount.rstrip("%")) / 100 if amount.endswith("%") else 1.0
    assert len(asked) == pytest.approx(2 + 28 * pace, abs=3)
    assert sim.metrics()["coverage"] == 1.0


def test_a_slow_agent_takes_part_less_often() -> None:
    sim = play(agents=10, timing="rounds", mode="pull", script="slow a-03 10x", until=60)
    asked = [e for e in sim.trace.events() if e.kind == "timer" and e.agent == "a-03"]
    assert 5 <= len(asked) <= 8


# --- what makes it faster and slower --------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_more_partners_at_a_time_take_fewer_rounds(mode: str) -> None:
    measured = mean_rounds(8, agents=60, mode=mode, fanout=4)
    assert measured == pytest.approx(mean_rounds_to_all(60, mode, fanout=4), abs=0.8)
    assert measured < mean_rounds_to_all(60, mode) - 1.2


def test_a_call_reaches_as_many_partners_as_the_fanout_says() -> None:
    sim = play(agents=30, mode="push", timing="rounds", fanout=7, until=0.5)
    assert sim.messages["sent"] == 7


@pytest.mark.parametrize("mode", MODES)
def test_lost_messages_slow_it_down_and_do_not_stop_it(mode: str) -> None:
    measured = mean_rounds(10, agents=60, mode=mode, loss=0.3)
    assert measured == pytest.approx(mean_rounds_to_all(60, mode, loss=0.3), abs=2.0)
    assert measured > mean_rounds_to_all(60, mode)


@pytest.mark.parametrize("protocol", ["anti-entropy", "rumour"])
@pytest.mark.parametrize("timing", TIMINGS)
def test_if_all_is_lost_nobody_hears_and_the_run_ends_at_its_horizon(timing: str, protocol: str) -> None:
    sim = play(agents=8, timing=timing, protocol=protocol, loss=1.0)
    figures = sim.metrics()
    assert sim.seconds == sim.scenario.horizon
    assert figures["coverage"] == 1 / 8
    assert figures["time_to_all"] is figures["rounds_to_all"] is figures["redundant_share"] is None
    assert figures["last_informed_cycle"] == 0


def test_half_the_interval_takes_half_the_time() -> None:
    whole = play(agents=60, latency=0.0, interval=1.0)
    half = play(agents=60, latency=0.0, interval=0.5)
    assert half.metrics()["time_to_all"] == pytest.approx(whole.metrics()["time_to_all"] / 2, rel=0.5)
    assert half.metrics()["time_to_all"] < whole.metrics()["time_to_all"]


# --- many agents ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("topology", ["mesh", "star", "random-regular"])
def test_ten_thousand_agents_hear(topology: str) -> None:
    sim = play(agents=10_000, topology=topology, until=30)
    assert sim.metrics()["coverage"] == 1.0
    assert all(one["holds"] for one in sim.invariants())


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux keeps VmHWM")
def test_ten_thousand_agents_fit_into_little_memory() -> None:
    # Not getrusage: its peak is handed down from the process that started this one, so it may be that of the tests.
    code = (
        "import pathlib, swarmscope\n"
        "swarmscope.simulate('gossip', params={'agents': 10_000}, until=20)\n"
        "print(pathlib.Path('/proc/self/status').read_text())\n"
    )
    status = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    peak = next(line.split() for line in status.splitlines() if line.startswith("VmHWM:"))
    assert peak[2] == "kB"
    assert int(peak[1]) < 200_000
