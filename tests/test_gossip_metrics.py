"""The figures of a run of gossip: what they mean, when there is none yet, and that they are right after any faults."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engine.errors import CommandError
from engine.simulation import Simulation
from engine.streams import Stream
from scenarios.gossip import measures
from scenarios.gossip.scenario import Gossip, Gossiper
from scenarios.launch import launch
from swarmscope import simulate

NAMES = [
    "coverage",
    "rounds_to_all",
    "time_to_all",
    "residue",
    "messages_per_agent",
    "updates_per_agent",
    "redundant_share",
    "last_informed_cycle",
]


def play(seed: int = 1, until: float | None = None, script: str = "", **params: Any) -> Simulation:
    return simulate("gossip", params=params, seed=seed, until=until, script=script)


def live(sim: Simulation) -> list[Gossiper]:
    return [one for one in sim.agents if isinstance(one, Gossiper) and sim.lifecycle.is_alive(one.id)]


# --- when there is a figure, and when there is none -----------------------------------------------


def test_the_figures_have_the_names_that_are_documented() -> None:
    sim = play(until=1)
    assert list(sim.metrics()) == [spec.name for spec in Gossip.metrics] == NAMES
    assert all(spec.help for spec in Gossip.metrics)


@pytest.mark.parametrize("protocol", ["anti-entropy", "rumour"])
@pytest.mark.parametrize("timing", ["rounds", "periodic", "poisson"])
@pytest.mark.parametrize("rumours", [0, 1, 5])
def test_figures_are_finite_numbers_or_missing_at_any_time(rumours: int, timing: str, protocol: str) -> None:
    sim = launch("gossip", {"agents": 9, "rumours": rumours, "timing": timing, "protocol": protocol}, 3)
    for _ in range(40):
        sim.run(events=7)
        for name, value in sim.metrics().items():
            assert value is None or math.isfinite(value), name
        for name, value in sim.scenario.sample(sim).items():
            assert math.isfinite(value), name
        assert 0.0 <= sim.metrics()["coverage"] <= 1.0


def test_rounds_to_all_is_missing_until_all_know_and_where_there_are_no_rounds() -> None:
    sim = launch("gossip", {"agents": 30, "timing": "rounds"}, 1)
    while sim.metrics()["coverage"] < 1.0:
        assert sim.metrics()["rounds_to_all"] is None
        assert sim.metrics()["time_to_all"] is None
        sim.step()
    assert sim.metrics()["rounds_to_all"] == sim.metrics()["last_informed_cycle"] >= 4
    for timing in ("periodic", "poisson"):
        figures = play(agents=10, timing=timing).metrics()
        assert figures["rounds_to_all"] is None
        assert figures["time_to_all"] > 0


def test_without_facts_there_is_little_to_measure() -> None:
    figures = play(agents=5, rumours=0, until=3).metrics()
    assert figures["coverage"] == 0.0 and figures["residue"] == 1.0
    for name in ("rounds_to_all", "time_to_all", "redundant_share", "last_informed_cycle"):
        assert figures[name] is None


def test_a_fact_that_was_only_just_told_was_told_in_cycle_0() -> None:
    for timing in ("rounds", "periodic"):
        sim = play(agents=5, rumours=0, timing=timing, until=3.4)
        sim.apply("rumour a-01 news")
        assert sim.metrics()["last_informed_cycle"] == 0
        assert sim.metrics()["coverage"] == 0.2


@pytest.mark.parametrize("told", ["5s", "5.5s"])
def test_rounds_count_from_the_start_of_the_fact(told: str) -> None:
    sim = play(agents=2, mode="push", rumours=0, timing="rounds", script=f"at {told} rumour a-01 news")
    figures = sim.metrics()
    assert figures["rounds_to_all"] == figures["last_informed_cycle"] == 1
    assert figures["time_to_all"] == pytest.approx(0.05 if told == "5s" else 0.55, abs=0.026)


def test_the_slowest_fact_decides() -> None:
    sim = play(agents=30, script="at 10s rumour a-01 news\nat 10.5s partition a-0* | a-1*,a-2*,a-30\nat 40s heal")
    assert sim.metrics()["time_to_all"] > 30
    assert sim.metrics()["time_to_all"] == pytest.approx(max(one.learned["f2"] for one in live(sim)) / 1e6 - 10.0)


def test_coverage_is_averaged_over_the_facts() -> None:
    sim = play(agents=10, until=8, script="at 7s loss 100%\nat 7.5s rumour a-01 news")
    assert sim.metrics()["coverage"] == pytest.approx((1.0 + 0.1) / 2)
    assert sim.metrics()["residue"] == pytest.approx(0.45)


def test_traffic_counts_facts_told_and_messages_of_every_kind() -> None:
    sim = play(agents=4, mode="push", timing="rounds", until=0.9, fanout=3, rumours=2)
    assert sim.metrics()["messages_per_agent"] == 2 * 3 / 4
    assert sim.metrics()["updates_per_agent"] == 2 * 3 / 4
    both = play(agents=2, mode="push-pull", timing="rounds", until=0.9)
    assert both.metrics()["messages_per_agent"] == 2.0, "each tells or asks, and is answered"
    assert both.metrics()["updates_per_agent"] == 1.0, "one tells, and one answers what was asked"


def test_the_share_of_the_redundant_grows_to_all() -> None:
    shares = [play(agents=20, mode="push", until=until).metrics()["redundant_share"] for until in (2, 6, 60)]
    assert shares == sorted(shares) and shares[-1] > 0.95


# --- counters -------------------------------------------------------------------------------------


def chaos(seed: int) -> str:
    """A script of random faults."""
    stream = Stream(seed, "chaos")
    commands = [
        "crash 1", "crash 2", "restart *", "join 2", "leave 1", "freeze 1", "thaw *", "heal", "loss 30%",
        "partition a-0* | a-1*", "duplicate 10%", "rumour a-02 news", "update a-09 f1 new", "rumour a-11 news",
        "byzantine 1 liar", "byzantine 1 silent", "byzantine 1 honest", "byzantine 1 fabricator",
    ]  # fmt: skip
    times = [200 + number * 300 + stream.below(300) for number in range(40)]
    return "\n".join([f"at {time}ms {stream.choice(commands)}" for time in times])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("protocol", ["anti-entropy", "rumour"])
@pytest.mark.parametrize("timing", ["rounds", "periodic"])
def test_counters_say_what_a_walk_over_the_agents_says(timing: str, protocol: str, seed: int) -> None:
    sim = launch("gossip", {"agents": 14, "timing": timing, "protocol": protocol, "rumours": 2}, seed)
    refused = 0
    for line in chaos(seed).splitlines():
        _, time, command = line.split(maxsplit=2)
        sim.run(until=float(time.removesuffix("ms")) / 1000)
        try:
            sim.apply(command)
        except CommandError:  # nobody to crash, thaw, restart …
            refused += 1
        check_counters(sim)
    assert refused < 20
    sim.run(until=30)
    check_counters(sim)


def check_counters(sim: Simulation) -> None:
    alive = live(sim)
    assert measures.live_count(sim) == len(alive) == len(measures.live_agents(sim))
    for key in measures.rumoured(sim):
        assert measures.heard_by(sim, key) == sum(key in one.learned for one in alive), key
    held: dict[str, set[Any]] = {}
    for one in alive:
        for key, entry in one.facts.items():
            held.setdefault(key, set()).add(entry)
    assert measures.disputed(sim) == sorted(key for key, entries in held.items() if len(entries) > 1)
    for key in held:
        for entry in held[key]:
            assert measures.held_by(sim, entry) == sum(one.facts.get(key) == entry for one in alive)
    present = [one for one in sim.agents if isinstance(one, Gossiper) and one.id not in sim.lifecycle.left]
    for target in range(len(sim.agents)):
        judges = sum(one.reputation.get(target, 0) <= -2 for one in present)
        assert measures.distrusted_by(sim, target) == judges
    everybody = bool(measures.facts(sim)) and all(key in one.learned for one in alive for key in measures.facts(sim))
    assert measures.all_heard(sim) == (everybody and bool(alive))
    assert bool(sim.scenario.missing(sim)) == any(  # type: ignore[attr-defined]
        key not in one.learned for one in alive for key in measures.facts(sim)
    )


@pytest.mark.parametrize("timing", ["rounds", "poisson"])
@pytest.mark.parametrize("protocol", ["anti-entropy", "rumour"])
def test_a_run_taken_up_from_a_checkpoint_ends_the_same(protocol: str, timing: str) -> None:
    params = {"agents": 14, "protocol": protocol, "timing": timing, "topology": "ring", "mode": "push"}
    script = "at 1s join 3\nat 2s leave a-03\nat 3s crash a-05\nat 4s rumour a-09 news\nat 6s restart a-05\nat 7s join"
    through = launch("gossip", params, 5, script)
    through.run(until=20)
    broken = launch("gossip", params, 5, script)
    for moment in (0.5, 2.5, 6.5):
        broken.run(until=moment)
        saved = broken.checkpoint()
        broken.run(until=moment + 5)
        broken.restore(saved)
    broken.run(until=20)
    assert broken.digest == through.digest
    assert broken.metrics() == through.metrics()
    assert broken.invariants() == through.invariants()


# --- in words -------------------------------------------------------------------------------------


def missing(sim: Simulation) -> str:
    [found] = [one["detail"] for one in sim.invariants() if one["name"] == "everybody-hears"]
    return str(found)


def test_who_is_missing_is_said_in_words() -> None:
    sim = play(agents=6, loss=1.0, until=1)
    assert missing(sim) == "5 of 6 agents have not heard of f1: a-02, a-03, a-04 and 2 more"
    sim.apply("rumour a-02 news")
    assert missing(sim).endswith("; nor do all know f2")
    for number in range(3, 7):
        sim.apply(f"rumour a-0{number} news")
    assert missing(sim).endswith("; nor do all know f2, f3, f4 …")


def test_one_that_is_missing_is_named() -> None:
    sim = play(agents=6, script="freeze a-04", until=30)
    assert missing(sim) == "1 of 6 agents has not heard of f1: a-04"


def test_a_run_is_over_when_all_is_known_and_nothing_is_to_come() -> None:
    sim = play(agents=6, until=20)
    assert sim.over == "every live agent knows every fact"
    sim.schedule("at 30s rumour a-01 news")
    assert sim.over == ""
    sim.run(until=30)
    assert sim.over == ""
    sim.run(until=40)
    assert sim.over == "every live agent knows every fact"


def test_a_run_is_not_over_while_versions_differ() -> None:
    sim = play(agents=6, until=20)
    sim.apply("update a-02 f1 one")
    assert sim.over == ""
    sim.run(until=30)
    assert sim.over == "every live agent knows every fact"
