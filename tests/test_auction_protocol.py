"""The Contract Net and the auctions when all goes well, and when messages are lost, late or doubled."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CommandError
from engine.events import Kind
from engine.simulation import Simulation
from engine.topology import TOPOLOGIES
from scenarios.auction import params as setting
from scenarios.auction.bids import Bandit, equilibrium, with_margin
from scenarios.auction.contractor import Contractor
from scenarios.auction.manager import Manager
from scenarios.auction.messages import Price
from scenarios.auction.rules import clear
from scenarios.auction.scenario import Auction
from scenarios.launch import launch
from swarmscope import simulate


def play(seed: int = 1, until: float | None = None, script: str = "", **params: Any) -> Simulation:
    return simulate("auction", params=params, seed=seed, until=until, script=script)


def notes(sim: Simulation, kind: str) -> list[Any]:
    return [note for note in sim.trace.notes if note.kind == kind]


def sent(sim: Simulation) -> Counter[str]:
    """What kinds of messages were sent, as far as the trace goes."""
    kinds: Counter[str] = Counter()
    for _, _, what in sim.trace.raw():
        if isinstance(what, tuple) and what[4] in (Kind.DELIVER, Kind.LOST, Kind.CUT, Kind.DROPPED):
            kinds[type(what[5]).__name__] += 1
    return kinds


def manager(sim: Simulation, name: str = "m-1") -> Manager:
    found = sim.agent(sim.ids[name])
    assert isinstance(found, Manager)
    return found


def contractor(sim: Simulation, name: str) -> Contractor:
    found = sim.agent(sim.ids[name])
    assert isinstance(found, Contractor)
    return found


def broken(sim: Simulation) -> list[str]:
    return [f"{one['name']}: {one['detail']}" for one in sim.invariants() if not one["holds"]]


# --- one task -------------------------------------------------------------------------------------


def test_one_task_is_called_bid_for_awarded_done_and_paid() -> None:
    sim = play(contractors=10, tasks=1)
    kinds = sent(sim)
    assert {kind: kinds[kind] for kind in ("Call", "Bid", "Refusal", "Award", "Rejection", "Result")} == {
        "Call": 10, "Bid": 10, "Refusal": 0, "Award": 1, "Rejection": 9, "Result": 1,
    }  # fmt: skip
    assert sim.metrics()["messages_per_task"] == 31
    story = [note.kind for note in sim.trace.notes]
    assert story == ["announced", "awarded", "began", "delivered", "paid"]
    assert sim.over == "every task has ended: 1 done"


@pytest.mark.parametrize("n", [1, 4, 9])
def test_counts_hold_where_some_refuse(n: int) -> None:
    figures = play(contractors=n, tasks=1, skills=2).metrics()
    bids = figures["bids_per_task"]
    assert figures["messages_per_task"] == (2 * n + bids + 1 if bids else 2 * n)


def test_the_cheapest_able_contractor_wins_and_is_paid_by_the_rule() -> None:
    for rule in ("first-price", "second-price", "english"):
        sim = play(3, contractors=6, tasks=1, rule=rule)
        [task] = setting.orders(sim.params, 3)
        costs = sorted(
            (setting.cost(sim.params, task, setting.profile(sim.params, 3, name)), name)
            for name in sim.names
            if name.startswith("c-")
        )
        [award] = notes(sim, "awarded")
        assert sim.names[award.data["to"]] == costs[0][1]
        expected = costs[0][0] if rule == "first-price" else costs[1][0]
        assert award.data["price"] == pytest.approx(expected, abs=1e-12)


def test_a_single_bidder_gets_the_reserve_price_in_procurement_and_pays_nothing_in_a_sale() -> None:
    for rule in ("second-price", "english"):
        [paid] = notes(play(contractors=1, tasks=1, rule=rule), "paid")
        [task] = setting.orders(setting.AuctionParams(contractors=1, tasks=1, rule=rule), 1)
        assert paid.data["amount"] == setting.ceiling(setting.AuctionParams(), task)
        [sold] = notes(play(mode="single-item", contractors=1, tasks=1, rule=rule), "paid")
        assert sold.data["amount"] == 0.0


def test_a_task_that_nobody_can_do_is_refused() -> None:
    sim = play(contractors=1, tasks=12, skills=1, gap=3)
    figures = sim.metrics()
    able = [task for task in setting.orders(sim.params, 1) if task.needs in contractor(sim, "c-01").profile.skills]
    assert figures["tasks_done"] == len(able) < 12
    assert figures["tasks_refused"] == 12 - len(able)
    assert broken(sim) == []


def test_a_task_whose_deadline_passes_while_all_are_busy_expires() -> None:
    sim = play(contractors=1, tasks=30, gap=0, capacity=1, deadline=8)
    figures = sim.metrics()
    assert figures["tasks_expired"] > 0 < figures["tasks_done"]
    assert figures["tasks_done"] + figures["tasks_expired"] == 30
    assert broken(sim) == []


# --- open auctions --------------------------------------------------------------------------------


@pytest.mark.parametrize("increment", [0.02, 0.05, 0.2])
def test_the_clock_rises_and_ends_within_a_step_of_the_second_highest_value(increment: float) -> None:
    sim = play(5, mode="single-item", contractors=5, tasks=40, rule="english", increment=increment)
    who = [setting.profile(sim.params, 5, f"c-{number:02}") for number in range(1, 6)]
    values = {
        task.id: sorted(setting.cost(sim.params, task, one) for one in who) for task in setting.orders(sim.params, 5)
    }
    for note in notes(sim, "awarded"):
        *_, second, first = values[note.data["task"]]
        assert abs(note.data["price"] - second) <= increment
        winner = setting.profile(sim.params, 5, sim.names[note.data["to"]])
        task = next(task for task in setting.orders(sim.params, 5) if task.id == note.data["task"])
        assert setting.cost(sim.params, task, winner) >= first - increment
    prices = [event.message for event in sim.trace.events() if isinstance(event.message, Price)]
    assert len(prices) > 40 * 2
    assert sim.metrics()["tasks_done"] == 40


def test_a_bidder_that_crashes_in_an_open_auction_is_out() -> None:
    sim = play(mode="single-item", contractors=3, tasks=5, rule="english", script="at 600ms crash c-02")
    assert sim.metrics()["tasks_done"] == 5
    assert broken(sim) == []


# --- prices and bids, as plain numbers ------------------------------------------------------------


def test_clear() -> None:
    bids = {0: 5.0, 1: 3.0, 2: 4.0}
    assert clear(bids, {}, "first-price", 9.0, rising=False) == (1, 3.0)
    assert clear(bids, {}, "second-price", 9.0, rising=False) == (1, 4.0)
    assert clear(bids, {}, "second-price", 0.0, rising=True) == (0, 4.0)
    assert clear({7: 3.0}, {}, "second-price", 9.0, rising=False) == (7, 9.0)
    assert clear({2: 3.0, 1: 3.0}, {}, "second-price", 9.0, rising=False) == (1, 3.0)


prices = st.floats(0.0, 1.0)


@given(values=st.lists(prices, min_size=1, max_size=6), bid=prices, rising=st.booleans())
def test_by_the_second_price_no_bid_does_better_than_the_truth(values: list[float], bid: float, rising: bool) -> None:
    def gain(own: float) -> float:
        bids = {**dict(enumerate(values)), 0: own}
        winner, price = clear(bids, {}, "second-price", 0.0 if rising else 1.0, rising=rising)
        if winner:
            return 0.0
        return values[0] - price if rising else price - values[0]

    assert gain(bid) <= gain(values[0])
    assert gain(values[0]) >= 0.0


def test_a_bidder_that_is_trusted_less_has_to_bid_better() -> None:
    bids = {0: 5.0, 1: 3.0}
    assert clear(bids, {1: 0.5}, "first-price", 9.0, rising=False) == (0, 5.0)
    winner, price = clear(bids, {1: 0.75}, "second-price", 9.0, rising=False)
    assert (winner, price) == (1, 3.75), "what would just have let it win"


def test_bids() -> None:
    assert with_margin(2.0, 0.5, 9.0, rising=True) == 1.0
    assert with_margin(8.0, 0.5, 9.0, rising=False) == 9.0, "nobody bids above the reserve"
    assert equilibrium(0.6, 3, 1.0, "first-price", rising=True) == pytest.approx(0.4)
    assert equilibrium(0.4, 3, 1.0, "first-price", rising=False) == pytest.approx(0.6)
    assert equilibrium(0.4, 3, 1.0, "second-price", rising=False) == 0.4


def test_the_bandit_finds_the_arm_that_pays() -> None:
    bandit = Bandit()
    for _ in range(500):
        arm = bandit.choose()
        bandit.learn(arm, (0.0, 0.1, 0.2, 0.5, 0.2, 0.1, 0.0)[arm])
    assert bandit.favourite == 0.3
    assert min(bandit.tries) >= 1
    idle = Bandit()
    for _ in range(70):
        idle.learn(idle.choose(), 0.0)
    assert max(idle.tries) - min(idle.tries) <= 1, "while nothing pays it goes on looking"


# --- mail that is lost, late or doubled -----------------------------------------------------------


@pytest.mark.parametrize("mode", ["contract-net", "single-item"])
@pytest.mark.parametrize("rule", ["first-price", "english"])
def test_lost_messages_delay_and_never_stop_it(mode: str, rule: str) -> None:
    for seed in range(3):
        sim = play(seed, mode=mode, rule=rule, loss=0.25, tasks=12, deadline=120)
        assert sim.metrics()["tasks_done"] == 12
        assert broken(sim) == []


def test_everything_doubled_and_overtaken_is_the_same() -> None:
    sim = play(tasks=20, script="at 0s duplicate 100%\nat 0s reorder 50%")
    assert sim.metrics()["tasks_done"] == 20
    assert sim.metrics()["duplicate_bids"] + sim.metrics()["late_bids"] > 20
    assert sim.meters.distributions["payment"].count == 20, "paid once"
    assert broken(sim) == []


def test_late_bids_are_told_so_and_do_not_count() -> None:
    sim = play(tasks=6, script="at 0s byzantine c-01 late", gap=3)
    assert sim.metrics()["late_bids"] == 6
    assert all(note.data["to"] != 0 for note in notes(sim, "awarded"))
    assert contractor(sim, "c-01").standing == {}


def test_of_two_bids_the_first_counts() -> None:
    quiet: dict[str, Any] = {
        "tasks": 6,
        "gap": 3,
        "latency_model": "constant",
    }  # or a second bid might overtake the first
    plain = play(**quiet)
    doubled = play(**quiet, script="at 0s byzantine c-0* doubler")
    assert doubled.metrics()["duplicate_bids"] + doubled.metrics()["late_bids"] >= 6
    assert [n.data["price"] for n in notes(plain, "awarded")] == [n.data["price"] for n in notes(doubled, "awarded")]


# --- several managers -----------------------------------------------------------------------------


def test_several_managers_share_the_tasks_and_compete_for_the_contractors() -> None:
    sim = play(managers=3, tasks=30, gap=0.05, contractors=4)
    by = Counter(sim.names[note.agent] for note in notes(sim, "paid"))
    assert by == {"m-1": 10, "m-2": 10, "m-3": 10}
    assert any("busy" in note.data["why"] for note in notes(sim, "nobody"))
    assert broken(sim) == []


# --- commands -------------------------------------------------------------------------------------


def test_announce_adds_a_task() -> None:
    sim = play(tasks=2, script="at 3s announce m-1 5 weld\nat 3.1s announce m-1")
    assert sim.metrics()["tasks_done"] == 4
    task = manager(sim).book["t-03"].task
    assert (task.size, task.needs) == (5, "weld")
    bid = play(mode="single-item", tasks=1, script="at 3s announce m-1")
    assert bid.metrics()["tasks_done"] == 2


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("announce c-01", "c-01 is no manager"),
        ("announce w-1", "w-1 is no manager"),
        ("announce m-1 0", "size of 1 to 100"),
        ("announce m-1 3 sing", "nobody can 'sing'"),
        ("announce s-1", "s-1 is down"),
        ("deviate m-1 2", "none of the agents named bids"),
        ("deviate c-01 101", "from 0 to 100"),
        ("bidding c-01 wild", "there is truthful, equilibrium, shaded, adaptive"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_and_changes_nothing(command: str, words: str) -> None:
    sim = launch("auction", {"tasks": 2}, 1, "")
    sim.run(until=0.5)
    sim.apply("crash s-1")
    before = sim.digest, sim.metrics()
    with pytest.raises(CommandError, match=words):
        sim.apply(command)
    assert (sim.digest, sim.metrics()) == before


def test_a_policy_can_be_changed_while_it_runs() -> None:
    sim = launch("auction", {"tasks": 30, "rule": "first-price"}, 1)
    sim.run(until=3)
    assert contractor(sim, "c-02").profit == 0.0
    sim.apply("bidding c-0* shaded")
    sim.finish()
    assert all(one.profit > 0.0 for one in map(lambda n: contractor(sim, f"c-0{n}"), (1, 4, 6)))  # noqa: C417


# --- any size and topology ------------------------------------------------------------------------


@pytest.mark.parametrize("topology", list(TOPOLOGIES))
@pytest.mark.parametrize("mode", ["contract-net", "single-item", "neighbours"])
def test_it_works_on_any_topology(mode: str, topology: str) -> None:
    sim = play(2, mode=mode, topology=topology, tasks=10, contractors=7)
    assert sim.metrics()["tasks_done"] == 10
    assert broken(sim) == []


@pytest.mark.parametrize("mode", ["contract-net", "single-item", "neighbours"])
@pytest.mark.parametrize(("contractors", "tasks"), [(1, 0), (1, 1), (2, 3), (60, 5)])
def test_it_works_at_any_size(mode: str, contractors: int, tasks: int) -> None:
    if mode == "neighbours":
        contractors = max(2, contractors)  # no topology links a single one
    sim = play(mode=mode, contractors=contractors, tasks=tasks)
    assert sim.metrics()["tasks_done"] == tasks
    assert sim.over == (f"every task has ended: {tasks} done" if tasks else "there was no task")


def test_without_any_network_it_goes_on_for_ever_and_costs_little() -> None:
    sim = play(loss=1.0, until=300)
    assert sim.metrics()["tasks_done"] == 0
    assert sim.events < 4000
    assert sim.over == ""


@pytest.mark.slow
def test_a_hundred_times_the_default() -> None:
    sim = play(contractors=800, tasks=2400, gap=0.05)
    assert sim.metrics()["tasks_done"] == 2400
    assert sim.metrics()["efficiency"] > 0.5


def test_delays_without_end_or_none_at_all() -> None:
    for latency in (0.0, 2.0):
        sim = play(tasks=5, latency=latency, deadline=400)
        assert sim.metrics()["tasks_done"] == 5
        assert broken(sim) == []


def test_names() -> None:
    assert Auction().population()[-3:] == [("m-1", "manager"), ("s-1", "standby"), ("w-1", "witness")]
    sim = play(until=1, script="at 0s join 1\nat 0s join manager")
    assert sim.names[-2:] == ["c-12", "m-13"]
