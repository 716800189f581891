"""Events: what waits in the calendar and what the trace remembers, as plain tuples.

An event is `(time, number, target, source, kind, message, cause, sent)`:

- `time`: when it happens, in microseconds of virtual time; `number` breaks ties and names a message in commands;
- `target`, `source`: agents' ids, or NOBODY; `kind`: one of the codes below;
- `message`: what it carries: a message, a timer's name, a command;
- `cause`: the index of the event during which it was made; `sent`: when that was.

The index of an event, counted from 1, is its place in the order in which events happened.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, TypeAlias

Event: TypeAlias = tuple[int, int, int, int, int, Any, int, int]

NOBODY = 0xFFFFFFFF  # the target or source of an event that has none


class Kind(IntEnum):
    """What an event is. DELIVER is 0, so that the run's loop tests it for free."""

    DELIVER = 0  # a message reaches its target
    LETTER = 1  # a message with an envelope does: a request, a reply, an acknowledged or relayed message …
    LOST = 2  # a message would have arrived, had the link not lost it
    CUT = 3  # … had no partition stood in its way
    DROPPED = 4  # it came, and there was nobody to take it: the target is down, or the message too old
    HELD = 5  # it came to a frozen agent, which takes it when it thaws
    TIMER = 6
    START = 7
    COMMAND = 8


IN_FLIGHT = frozenset({Kind.DELIVER, Kind.LETTER, Kind.LOST, Kind.CUT})
"""Kinds that are messages on their way while they wait in the calendar."""
