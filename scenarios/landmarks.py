"""What the scenarios' landmarks have in common."""

from __future__ import annotations

from engine.simulation import Simulation
from engine.trace import Note

USUAL = 20  # times after which a thing is no news any more


def is_milestone(number: int) -> bool:
    """Whether it is 1, 10, 20, 50, 100, 200, 500 and so on: of what happens all the time, few are worth going back to,
    however far one counts."""
    if number < 10:
        return number == 1
    while number % 10 == 0:
        number //= 10
    return number in (1, 2, 5)


def is_news(count: int) -> bool:
    """Whether the so-manieth time (from 1) that a thing happens is worth going back to: the first ones are, and then
    one now and again, so that what has become usual does not bury all else. 0 stands for not at all."""
    return 0 < count <= USUAL or is_milestone(count)


def teller(sim: Simulation, note: Note) -> str:
    """The name of the agent that made a note; empty where it was none."""
    return sim.names[note.agent] if note.agent < len(sim.names) else ""
