"""The trace: the last events of a run, and the notes that agents made on them, each knowing its cause."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import starmap
from typing import Any

from msgspec import Struct

from engine.checkpoints import columns, rows
from engine.describe import kind_of, summary_of
from engine.envelope import Envelope
from engine.events import NOBODY, Event, Kind

CAPACITY = 4096  # events kept; a power of two
MASK = CAPACITY - 1


class Note(Struct, frozen=True):
    """Something that an agent, or the engine, found worth saying during the event with this index.

    `serial` counts the notes of a run. The engine's own kinds: crash, restart, freeze, thaw, join, leave, failed,
    byzantine, slowed, clock, partition, heal, link, broken, refused.
    """

    serial: int
    index: int
    time: int
    agent: int
    kind: str
    data: Mapping[str, Any]


class TraceEvent(Struct, frozen=True):
    """An event or a note of the trace. `agent` is whom it happened to; `peer` the other side of a message."""

    index: int
    time: int
    kind: str
    agent: str
    peer: str
    summary: str
    cause: int | None
    message: Any = None  # what a message or a note carries
    number: int = 0  # of the message or timer; 0 for a note
    sent: int = 0
    agent_id: int = NOBODY
    peer_id: int = NOBODY
    note: bool = False


class Trace:
    """A ring of the last events (the run's loop writes into it) and a bounded list of notes."""

    __slots__ = ("_names", "note_count", "notes", "overheard", "ring", "total")

    def __init__(self, names: Sequence[str]) -> None:
        self.ring: list[Event | None] = [None] * CAPACITY
        self.notes: deque[Note] = deque(maxlen=CAPACITY)
        self.note_count = 0
        self.total = 0  # events so far; the simulation keeps it up to date
        self.overheard: list[Note] | None = None
        """Where every note goes as well, for whoever must not miss one; None where nobody does."""
        self._names = names

    def add(self, note: Note) -> None:
        """Keep a note."""
        self.notes.append(note)
        if self.overheard is not None:
            self.overheard.append(note)

    def event(self, index: int) -> TraceEvent | None:
        """The event with this index; None when it is not kept any more, or has not happened."""
        event = self.ring[index & MASK] if self.total - CAPACITY < index <= self.total and index > 0 else None
        return None if event is None else self.describe(index, event)

    def raw(self, last: int = CAPACITY) -> list[tuple[int, int, Event | Note]]:
        """The last events and notes as (index, notes after their event, what), oldest first; not yet in words."""
        first = max(1, self.total - min(last, CAPACITY) + 1)
        items: list[tuple[int, int, Event | Note]] = []
        for index in range(first, self.total + 1):
            event = self.ring[index & MASK]
            if event is not None:
                items.append((index, 0, event))
        earliest = first if first > 1 else 0  # before the first event there may be notes on how the run was set up
        items.extend((note.index, note.serial, note) for note in self.notes if note.index >= earliest)
        items.sort(key=lambda item: item[:2])
        return items

    def events(self, last: int = CAPACITY) -> list[TraceEvent]:
        """The last events and notes in words, oldest first."""
        return [self.in_words(index, what) for index, _, what in self.raw(last)]

    def in_words(self, index: int, what: Event | Note) -> TraceEvent:
        """An entry of `raw` in words."""
        return self.describe_note(what) if isinstance(what, Note) else self.describe(index, what)

    def describe(self, index: int, event: Event) -> TraceEvent:
        """An event in words."""
        time, number, target, source, kind, message, cause, sent = event
        summary = str(message) if kind == Kind.COMMAND else summary_of(message)
        return TraceEvent(
            index=index,
            time=time,
            kind=Kind(kind).name.lower() if kind != Kind.LETTER else "deliver",
            agent=self._name(target),
            peer=self._name(source),
            summary=summary,
            cause=cause or None,
            message=message.body if isinstance(message, Envelope) else message,
            number=number,
            sent=sent,
            agent_id=target,
            peer_id=source,
        )

    def describe_note(self, note: Note) -> TraceEvent:
        """A note in words."""
        shown = {key: value for key, value in note.data.items() if key != "traceback"}
        words = " ".join(str(value) if key == "text" else f"{key}={value}" for key, value in shown.items())
        return TraceEvent(
            index=note.index,
            time=note.time,
            kind=note.kind,
            agent=self._name(note.agent),
            peer="",
            summary=words,
            cause=note.index or None,
            message=note.data,
            agent_id=note.agent,
            note=True,
        )

    def message_kind(self, event: Event) -> str:
        """The kind of message that an event carries, in words."""
        return kind_of(event[5])

    def _name(self, agent: int) -> str:
        return self._names[agent] if agent < len(self._names) else ""

    def state(self) -> tuple[Any, ...]:
        """Plain data for a checkpoint, in columns."""
        oldest = (self.total + 1) & MASK
        kept = [event for event in (*self.ring[oldest:], *self.ring[:oldest]) if event is not None]
        notes = [(note.serial, note.index, note.time, note.agent, note.kind, note.data) for note in self.notes]
        return columns(kept), columns(notes), self.note_count, self.total

    def load(self, state: tuple[Any, ...]) -> None:
        """Become what `state` says."""
        events, notes, self.note_count, self.total = state
        kept: list[Event | None] = list(rows(events))
        kept[:0] = [None] * (CAPACITY - len(kept))
        newest = CAPACITY - ((self.total + 1) & MASK)
        self.ring[:] = kept[newest:] + kept[:newest]
        self.notes = deque(starmap(Note, rows(notes)), maxlen=CAPACITY)
