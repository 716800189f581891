"""What the scenarios' landmarks have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from engine.simulation import Simulation
from engine.trace import Note
from engine.views import Landmark, Tone

Said = tuple[str, str, str, Tone]
"""What a scenario says of a landmark: kind, glyph, words, tone."""

USUAL = 20  # times after which a thing is no news any more


def as_landmark(say: Callable[[Simulation, Note], Said | None]) -> Callable[[Simulation, Note], Landmark | None]:
    """Make what a scenario says of a note a landmark at the moment of the note."""

    @wraps(say)
    def landmark(sim: Simulation, note: Note) -> Landmark | None:
        said = say(sim, note)
        return None if said is None else Landmark(note.index, note.time, *said)

    return landmark


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
