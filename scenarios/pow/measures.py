"""Figures of a run of proof of work, from what the miners found and where they stand."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from engine.duration import SECOND
from engine.simulation import Simulation
from scenarios.pow.chain import Record, work_of
from scenarios.pow.miner import Miner

NOT_HONEST = ("selfish", "double-spender", "withholder", "invalid-blocks")


class Find(Struct, frozen=True):
    """A block that somebody found: when (µs), at which height, and whether its maker still hides it."""

    time: int
    id: bytes
    height: int
    maker: int
    hidden: bool


class Canon(Struct, frozen=True):
    """The canonical chain: the one with the most work that any live agent shows, and who shows it."""

    miner: Miner
    tip: Record

    def holds(self, name: bytes, height: int) -> bool:
        """Whether a block is on it."""
        active = self.miner.tree.active
        return height <= self.tip.height and active[height] == name


def miners(sim: Simulation) -> Iterator[Miner]:
    """All agents there ever were."""
    for agent in sim.agents:
        assert isinstance(agent, Miner)
        yield agent


def canon(sim: Simulation) -> Canon:
    """The canonical chain; of several with as much work the one that most agents follow. Honest agents decide, unless
    there are none."""
    live = [one for one in miners(sim) if sim.lifecycle.is_alive(one.id)] or list(miners(sim))
    public = [one for one in live if one.public is None and not one.only] or [
        one for one in live if one.public is None
    ] or live  # fmt: skip
    followers = Counter([one.tree.tip.id for one in public])
    best = max(public, key=lambda one: (one.shown().work, followers[one.tree.tip.id], -one.id))
    if best.public is not None:  # nobody is honest
        shown = best.tree.tip if not best.hidden else best.tree.records[best.tree.records[best.hidden[0]].parent]
        return Canon(best, shown)
    return Canon(best, best.tree.tip)


def finds(sim: Simulation) -> list[Find]:
    """All valid blocks ever found, in the order of their times."""
    found = []
    for one in miners(sim):
        hidden = dict.fromkeys(one.hidden)
        for name, (time, height) in one.made.items():
            found.append(Find(time, name, height, one.id, name in hidden))
    found.sort(key=lambda find: (find.time, find.maker))
    return found


class Tally(Struct, frozen=True):
    """What became of the blocks found: those of the canonical chain by maker, how many are left behind, and how many
    of the canonical heights have more than one block."""

    canonical: dict[int, int]
    stale: int
    height: int
    forked: int
    last: int  # when the canonical tip was found, µs

    @property
    def settled(self) -> int:
        """How many blocks are canonical or stale; the rest are hidden, and may become either."""
        return self.height + self.stale


def tally(sim: Simulation) -> Tally:
    """Count all blocks ever found."""
    chain = canon(sim)
    canonical: dict[int, int] = {}
    heights: dict[int, int] = {}
    stale = last = 0
    top = chain.tip.height
    active = chain.miner.tree.active
    for one in miners(sim):
        hidden = dict.fromkeys(one.hidden)
        for name, (time, height) in one.made.items():
            if height <= top and active[height] == name:
                canonical[one.id] = canonical.get(one.id, 0) + 1
                if height == top:
                    last = time
            elif name in hidden and height > top:
                continue
            else:
                stale += 1
            heights[height] = heights.get(height, 0) + 1
    forked = sum(1 for height, many in heights.items() if many > 1 and height <= top)
    return Tally(canonical, stale, top, forked, last)


def rival_share(found: list[Find], window: int) -> float | None:
    """The share of finds after which somebody else found a block within `window` µs; those of the last such window are
    not counted, since it has not passed."""
    times = [find.time for find in found]
    counted = bisect_right(times, times[-1] - window) if times else 0
    rivals = 0
    for at in range(counted):
        end = bisect_right(times, times[at] + window)
        rivals += any(found[later].maker != found[at].maker for later in range(at + 1, end))
    return rivals / counted if counted else None


def mean_interval(counted: Tally) -> float | None:
    """Mean time between the blocks of the canonical chain, in seconds."""
    return counted.last / SECOND / counted.height if counted.height and counted.last else None


def attackers(sim: Simulation) -> list[int]:
    """Who mines, or mined from the start, otherwise than it should."""
    first = attacker_of(sim)
    return [one.id for one in miners(sim) if one.mode in NOT_HONEST or one.id == first]


def attacker_of(sim: Simulation) -> int:
    """The agent that the parameter `attacker` makes one; −1 if none."""
    return sim.params.miners - 1 if sim.params.attacker != "none" else -1


def confirmed(chain: Canon, depth: int) -> int:
    """Transfers in the canonical chain that lie at least `depth` blocks deep, their own included."""
    height = chain.tip.height - depth + 1
    tree = chain.miner.tree
    return tree.records[tree.active[height]].transfers if height > 0 else 0


def pending(sim: Simulation, chain: Canon, depth: int) -> int:
    """Transfers that were sent and are not confirmed: they wait with somebody, or lie not deep enough."""
    waiting: dict[str, None] = {}
    for one in miners(sim):
        if sim.lifecycle.is_alive(one.id) and one.pool.waiting:
            ledger = chain.miner.tree.ledger
            waiting.update(
                dict.fromkeys(name for name, t in one.pool.waiting.items() if t.nonce >= ledger.nonce(t.sender))
            )
    return len(waiting) + chain.tip.transfers - confirmed(chain, depth)


def difficulty(chain: Canon) -> float:
    """Hashes that the next block takes on average."""
    return float(work_of(chain.tip.next_target))
