"""Why: the chain of causes that led to an event, back to what began it, and the same in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.duration import brief_duration
from engine.events import NOBODY, Kind
from engine.sequence import reason_of
from engine.trace import CAPACITY, MASK, Trace, TraceEvent
from engine.views import Fate

Find = Callable[[int], TraceEvent | None]
"""Gives the event with an index; None when it is not kept any more, or has not happened."""

BEGINNINGS = frozenset({"timer", "start", "command"})
LONGEST = 1_000  # events in one chain

_MISSED = frozenset({Kind.LOST, Kind.CUT, Kind.DROPPED, Kind.HELD})
_NOT_TAKEN: dict[str, Fate] = {"lost": "lost", "cut": "cut", "dropped": "dropped", "held": "held"}


def chain(index: int, find: Find) -> list[TraceEvent]:
    """The events that led to the one with this index, oldest first, and it at the end. The first one is the timer, the
    start or the command that began it; where it is another, `find` did not give what came before.

    A timer that was set by an event is a beginning all the same: most agents set their next timer in the last one, and
    the chain would never end. `chain(first.cause, find)` goes further back.
    """
    found: list[TraceEvent] = []
    at: int | None = index
    while at and len(found) < LONGEST and (event := find(at)) is not None:
        found.append(event)
        if event.kind in BEGINNINGS:
            break
        at = event.cause
    return found[::-1]


def is_cut_off(events: Sequence[TraceEvent]) -> bool:
    """Whether what came before the first event is missing."""
    return bool(events) and events[0].kind not in BEGINNINGS and events[0].cause is not None


def last_of(trace: Trace, agent: int) -> int:
    """The index of the last event that changed an agent, or may have; 0 where none is kept. Of timers that run out, of
    which most agents have one that beats, that is the last only where nothing else is known."""
    noted = next((note.index for note in reversed(trace.notes) if note.agent == agent), 0)
    timer = 0
    for index in range(trace.total, max(noted, trace.total - CAPACITY), -1):
        event = trace.ring[index & MASK]
        if event is None:
            break
        if event[2] == agent and event[4] not in _MISSED:
            if event[4] != Kind.TIMER:
                return index
            timer = timer or index
    return noted or timer


def in_words(event: TraceEvent, find: Find, *, first: bool = False, message: str = "", reason: str = "") -> str:
    """One event of a chain as a sentence, without its time; `message` says what it carries, if not its summary, and
    `reason` why it did not arrive, if more is known than its kind. The first one of a chain says that it began it, or
    that what came before is not known."""
    what = _sentence(event, message or event.summary, reason)
    if not first:
        return what
    if event.kind in BEGINNINGS:
        what += ": this began it"
        if event.kind == "timer" and event.cause:
            setting = find(event.cause)
            when = "" if setting is None else f" at {_seconds(setting.time)}"
            what += f"; w goes on to event {event.cause:,}, which set the timer{when}"
        elif event.kind == "start" and event.cause:
            what += f"; it was started by event {event.cause:,}"
        return what
    if event.cause is not None:
        return f"{what}; what led to it, event {event.cause:,}, is not kept any more"
    return what


def _sentence(event: TraceEvent, summary: str, reason: str) -> str:
    who, peer, summary = event.agent or "nobody", event.peer, summary.strip()
    if event.note:
        return f"{who}: {event.kind} {summary}" if event.agent_id != NOBODY else f"{event.kind}: {summary}"
    match event.kind:
        case "timer":
            return f"timer “{summary}” of {who} runs out"
        case "start":
            return f"{who} starts"
        case "command":
            return f"command “{summary}”"
        case "deliver":
            return f"{who} receives {summary} from {peer}, sent {brief_duration(event.time - event.sent)} before"
        case _:
            reason = reason or reason_of(_NOT_TAKEN.get(event.kind, "dropped"), who)
            return (
                f"{summary} from {peer} does not reach {who}: {reason}, "
                f"sent {brief_duration(event.time - event.sent)} before"
            )


def _seconds(micros: int) -> str:
    return f"{micros / 1_000_000:,.3f}s"
