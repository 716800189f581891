"""What a run of the auction can be given, and what follows from it: tasks, contractors, costs and durations.

All of it is a pure function of parameters and seed, so that a figure can ask for the cost of any task to any
contractor without asking an agent, and two runs of one seed have the same tasks and costs whatever is bid.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Literal

from msgspec import Struct

from engine.duration import MILLISECOND, SECOND
from engine.params import NetworkParams, param
from engine.streams import Stream

CAPABILITIES = ("weld", "paint", "drill", "carry")
SIZES = (1, 2, 3, 4, 5)  # units of work
PRIORITIES = (1, 2, 3)  # of two tasks that wait, the higher one is announced first
PACES = (0.6, 1.4)  # units of work a second
RATES = (0.6, 1.4)  # what a contractor asks for a unit of work, before it looks at the task
DEAREST = RATES[1] * 1.5  # cost of a unit that no contractor exceeds: what a manager pays at most
LATENCIES_IN_WINDOW = 16  # a question and its answer take at most 13 with the long tail of `lognormal`
LEAST_WINDOW = 50 * MILLISECOND
LEAST_MANDATE = 2 * SECOND

Rule = Literal["first-price", "second-price", "english"]
Policy = Literal["truthful", "equilibrium", "shaded", "adaptive"]


class AuctionParams(NetworkParams, frozen=True, kw_only=True):
    """What a run of the auction can be given."""

    mode: Annotated[
        Literal["contract-net", "single-item", "neighbours"],
        param("managers let contractors bid for tasks, a seller sells one thing after another, or agents trade tasks "
              "with their neighbours"),
    ] = "contract-net"  # fmt: skip
    contractors: Annotated[int, param("how many contractors; in single-item, bidders", low=1, high=10_000)] = 8
    managers: Annotated[
        int, param("how many managers (or sellers) share the tasks; each has a standby", low=1, high=100)
    ] = 1
    tasks: Annotated[int, param("how many tasks there are; in single-item, auctions", low=0, high=100_000)] = 24
    rule: Annotated[
        Rule, param("the price: the winner's own bid, the best bid of the others, or rounds of an open clock")
    ] = "second-price"
    bids: Annotated[
        Policy,
        param("how contractors bid: their cost or value, what is best against such bidders, a fixed margin off it, or "
              "a margin that they learn"),
    ] = "truthful"  # fmt: skip
    lease: Annotated[
        float,
        param(
            "how long an award lasts if it is not renewed; longer than a round trip, or none lasts",
            unit="s",
            low=0.1,
            high=3600.0,
        ),
    ] = 3.0
    shade: Annotated[float, param("bids=shaded: the margin, as a share of cost or value", low=0.0, high=1.0)] = 0.2
    increment: Annotated[
        float, param("rule=english: a step of the clock, as a share of the highest price", low=0.001, high=0.5)
    ] = 0.05
    gap: Annotated[
        float, param("mean time between two tasks (Poisson arrivals); 0 for all at once", unit="s", low=0.0, high=60.0)
    ] = 0.5
    deadline: Annotated[
        float, param("how long after it came a task is given up if nobody works on it", unit="s", low=0.1, high=3600.0)
    ] = 30.0
    window: Annotated[
        float, param("time for bids; 0 for 16 latencies and 50 ms, in which all come", unit="s", low=0.0, high=60.0)
    ] = 0.0
    capacity: Annotated[int, param("tasks that a contractor works on at a time", low=1, high=100)] = 2
    skills: Annotated[int, param("kinds of work that each contractor masters, of four", low=1, high=4)] = 4
    costs: Annotated[
        Literal["work", "uniform"],
        param("what a task costs a contractor: by size, rate and how it suits; or anything from 0 to 1, alike for all"),
    ] = "work"


class Task(Struct, frozen=True):
    """A task, or a thing to be sold. Times are in µs; `salt` decides what it costs to whom."""

    id: str
    number: int  # 1, 2, 3 … in the order of coming
    house: int  # the manager whose task it is, from 0; in neighbours, the agent at whom it arrives
    needs: str  # one of CAPABILITIES; empty for a thing to be sold
    size: int  # units of work
    priority: int
    released: int
    deadline: int
    salt: int


class Profile(Struct, frozen=True):
    """What a contractor can do."""

    skills: tuple[str, ...]
    pace: float  # units of work a second
    rate: float  # cost of a unit of work
    salt: int


# --- durations ------------------------------------------------------------------------------------


def micros(duration: float) -> int:
    """A duration in seconds as µs."""
    return round(duration * SECOND)


def window(params: AuctionParams) -> int:
    """How long a manager waits for bids, and anybody for an answer, in µs."""
    if params.window:
        return max(1, micros(params.window))
    return LATENCIES_IN_WINDOW * micros(params.latency) + LEAST_WINDOW


def mandate(params: AuctionParams) -> int:
    """How long a manager may act without hearing from its standby or the witness, in µs."""
    return max(LEAST_MANDATE, 2 * window(params))


# --- who is who -----------------------------------------------------------------------------------


def traded(params: AuctionParams) -> bool:
    """Whether agents trade tasks among themselves, without managers."""
    return params.mode == "neighbours"


def sold(params: AuctionParams) -> bool:
    """Whether the highest bid wins, rather than the lowest."""
    return params.mode == "single-item"


# --- tasks and costs ------------------------------------------------------------------------------


def task_name(number: int, tasks: int) -> str:
    """The id of a task: t-01, t-02 …"""
    return f"t-{number:0{max(2, len(str(tasks)))}d}"


def make_task(params: AuctionParams, seed: int, number: int, house: int, released: int) -> Task:
    """The task of this number."""
    name = task_name(number, params.tasks)
    stream = Stream(seed, f"task/{name}")
    needs, size, priority = stream.choice(CAPABILITIES), stream.choice(SIZES), stream.choice(PRIORITIES)
    if sold(params):
        needs, size, priority = "", 1, 1
    salt = stream.word() << 30 | stream.word()
    return Task(name, number, house, needs, size, priority, released, released + micros(params.deadline), salt)


@lru_cache(maxsize=4)
def orders(params: AuctionParams, seed: int) -> tuple[Task, ...]:
    """All tasks that come by themselves, in the order of their coming. The first comes at once."""
    stream = Stream(seed, "arrivals")
    houses = params.contractors if traded(params) else params.managers
    found, now = [], 0
    for number in range(1, params.tasks + 1):
        house = stream.below(houses) if traded(params) else (number - 1) % houses
        found.append(make_task(params, seed, number, house, now))
        now += round(stream.exponential(micros(params.gap)))
    return tuple(found)


@lru_cache(maxsize=256)
def orders_of(params: AuctionParams, seed: int, house: int) -> tuple[Task, ...]:
    """The tasks of one manager, or in neighbours those that arrive at one agent."""
    return tuple([task for task in orders(params, seed) if task.house == house])


@lru_cache(maxsize=16_384)
def profile(params: AuctionParams, seed: int, name: str) -> Profile:
    """What the contractor of this name can do. At any number of skills, neighbours by number share the work out so
    that four contractors in a row master everything."""
    stream = Stream(seed, f"contractor/{name}")
    pace, rate = _within(PACES, stream.uniform()), _within(RATES, stream.uniform())
    salt = stream.word() << 30 | stream.word()
    last = name.rpartition("-")[2]
    first = int(last) if last.isdecimal() else 0
    kinds = len(CAPABILITIES)
    skills = tuple([kind for at, kind in enumerate(CAPABILITIES) if (at - first) % kinds < params.skills])
    return Profile(skills, pace, rate, salt)


def _within(ends: tuple[float, float], share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * share


_ALL = (1 << 64) - 1


def private(task: Task, salt: int) -> float:
    """A number in [0, 1), uniform and independent for each task and contractor (the finaliser of SplitMix64, Steele
    et al. 2014)."""
    mixed = (task.salt * 0x9E3779B97F4A7C15 + salt) & _ALL
    mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) & _ALL
    mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & _ALL
    return ((mixed ^ mixed >> 31) >> 11) / 9007199254740992.0


def cost(params: AuctionParams, task: Task, who: Profile) -> float:
    """What the task costs this contractor; in single-item, what the thing is worth to this bidder."""
    share = private(task, who.salt)
    if sold(params) or params.costs == "uniform":
        return share
    return task.size * who.rate * (0.5 + share)


def ceiling(params: AuctionParams, task: Task) -> float:
    """The highest price that there can be: what a manager pays at most, or a bidder's highest value."""
    return 1.0 if sold(params) or params.costs == "uniform" else task.size * DEAREST


def work_time(task: Task, who: Profile) -> int:
    """How long the contractor works on the task, in µs; at least 1."""
    return max(1, round(task.size / who.pace * SECOND))


def about(task: Task) -> str:
    """The task in words."""
    return f"{task.needs}, size {task.size}" if task.needs else "one item"


def by_urgency(tasks: Sequence[Task]) -> list[Task]:
    """Tasks in the order in which they are to be announced."""
    return sorted(tasks, key=lambda task: (-task.priority, task.number))
