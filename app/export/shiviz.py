"""The run as a log with vector clocks, which ShiViz draws as a space-time diagram.

The first line is the regular expression that parses the rest, the second (empty) line would separate several runs. Then
each event is two lines: host and clock, and what happened.

Hosts are the agents, and one more for the commands. An event of an agent is one at which it acted: it started, took a
message, a timer ran out, or a command or another agent did something to it (a note about it, or something that it sent
then, says so). A command is an event of the host `commands`, and comes before what it made agents do. What an agent
sends during an event belongs to that event: the message carries the clock right after it, and whoever takes the message
takes that clock in. Mail that waits for a frozen agent counts when it is taken. Lost, cut off and dropped messages are
events of nobody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TextIO

from app.export.stretch import Progress, Stretch
from app.export.wish import Wish
from engine.duration import format_duration, seconds
from engine.events import NOBODY, Event, Kind
from engine.simulation import Simulation
from engine.trace import Note, TraceEvent

PARSER = r"(?<host>\S*) (?<clock>{.*})\n(?<event>.*)"
"""ShiViz's own way of writing named groups; Python's would be `(?P<host>…`."""

COMMANDS = "commands"
CHUNK = 1_000  # events at a time; the trace keeps 4,096
_TAKEN = frozenset({Kind.DELIVER, Kind.LETTER, Kind.TIMER, Kind.START})  # events at which their agent acts
_MAIL = frozenset({Kind.DELIVER, Kind.LETTER})

Act = tuple[int, int]
"""An event and an agent that acted at it: its index, the agent's id; NOBODY stands for the commands."""

Clock = dict[str, int]


def write_log(file: TextIO, stretch: Stretch, wish: Wish, progress: Progress) -> str:
    """Run to the end, and write as it goes."""
    file.write(f"{PARSER}\n\n")
    sim = stretch.sim
    until = stretch.end.now if wish.until is None else wish.until
    log = ShivizLog(sim, file)
    log.note()
    while stretch.go_on(until, CHUNK):
        log.note()
        progress(seconds(sim.now) / max(1e-6, seconds(until)), f"{seconds(sim.now):,.1f} s, {sim.events:,} events")
    return f"{log.lines:,} events of {len(log.hosts):,} hosts"


class ShivizLog:
    """Writes the log of a run, as long as `note` is called at least once in the 4,096 events that the run keeps."""

    def __init__(self, sim: Simulation, file: TextIO) -> None:
        self._sim, self._file = sim, file
        self._seen = -1  # events; -1: not even how the run was set up
        self._told = 0  # notes
        self._clocks: dict[str, Clock] = {}  # each host's own, now
        self._after: dict[Act, Clock] = {}  # clocks that messages on their way may still carry
        self._names: dict[int, str] = {}
        self.hosts: set[str] = set()
        self.lines = 0

    def note(self) -> None:
        """Write what happened since the last time."""
        trace = self._sim.trace
        events: dict[int, Event] = {}
        notes: dict[Act, list[Note]] = {}
        for index, serial, what in trace.raw(max(1, trace.total - max(0, self._seen))):
            if isinstance(what, Note):
                if serial > self._told and what.agent != NOBODY:
                    notes.setdefault((index, what.agent), []).append(what)
            elif index > self._seen:
                events[index] = what
        acts = [*notes, *self._sendings(events.values()), *(_own_act(index, one) for index, one in events.items())]
        # The agent or command whose event it is goes before those that it did something to.
        for act in sorted({act for act in acts if act is not None}, key=lambda act: self._place(act, events)):
            self._write(act, events.get(act[0]), notes.get(act, []))
        self._seen = trace.total
        if trace.notes:
            self._told = trace.notes[-1].serial
        self._forget()

    def _sendings(self, happened: Iterable[Event]) -> Iterable[Act]:
        """Who sent something, or set a timer, at which of the events not written yet."""
        for _, _, _, source, _, _, cause, _ in (*happened, *self._sim.calendar):
            if source != NOBODY and cause > self._seen:
                yield cause, source

    def _place(self, act: Act, events: dict[int, Event]) -> tuple[int, bool, int]:
        index, agent = act
        return index, index not in events or _own_act(index, events[index]) != act, agent

    def _write(self, act: Act, event: Event | None, notes: list[Note]) -> None:
        index, agent = act
        own = event is not None and _own_act(index, event) == act
        host = self._host(agent)
        clock = dict(self._clocks.get(host, {}))
        if event is not None and own and event[4] in _MAIL:
            _merge(clock, self._after.get((event[6], event[3]), {}))
        elif event is not None and not own:
            doer = _own_act(index, event)
            _merge(clock, self._after.get(doer, {}) if doer else {})
        clock[host] = clock.get(host, 0) + 1
        self._clocks[host] = self._after[act] = clock
        trace = self._sim.trace
        words = [_event_in_words(trace.describe(index, event))] if event is not None and own else []
        words += [_note_in_words(trace.describe_note(note)) for note in notes]
        if not words:
            words = ["set up" if event is None else "acts"]
        now = 0 if event is None else event[0]
        text = " ".join(f"{format_duration(now)} {'; '.join(words)}".split())
        self._file.write(f"{host} {json.dumps(clock, ensure_ascii=False)}\n{text}\n")
        self.lines += 1

    def _host(self, agent: int) -> str:
        """The name of a host: an agent's, without spaces, and like no other."""
        if agent not in self._names:
            name = COMMANDS if agent == NOBODY else re.sub(r"[\s\ufeff]+", "_", self._sim.names[agent])
            while name in self.hosts or (agent != NOBODY and name == COMMANDS):
                name += "_"
            self._names[agent] = name
            self.hosts.add(name)
        return self._names[agent]

    def _forget(self) -> None:
        """Keep only the clocks that something on its way, or held for a frozen agent, still carries."""
        held = (event for events in self._sim.lifecycle.held.values() for event in events)
        carried = {(event[6], event[3]) for event in (*self._sim.calendar, *held)}
        self._after = {act: clock for act, clock in self._after.items() if act in carried}


def _own_act(index: int, event: Event) -> Act | None:
    """Whose event it is: the agent that takes it, or the commands; None where nobody acts."""
    if event[4] == Kind.COMMAND:
        return index, NOBODY
    return (index, event[2]) if event[4] in _TAKEN else None


def _merge(clock: Clock, other: Clock) -> None:
    for host, count in other.items():
        if count > clock.get(host, 0):
            clock[host] = count


def _event_in_words(event: TraceEvent) -> str:
    peer = f" from {event.peer}" if event.peer and event.peer != event.agent else ""
    summary = f": {event.summary}" if event.summary else ""
    return f"{event.kind}{peer}{summary}"


def _note_in_words(note: TraceEvent) -> str:
    return f"{note.kind} {note.summary}".strip()
