"""The full event log of a run as JSON Lines: each event and note a line, first to last (docs/recordings.md)."""

from __future__ import annotations

import json
from contextlib import suppress
from operator import itemgetter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from app.files import FileError, new_file, written_to

if TYPE_CHECKING:
    from engine.simulation import Simulation
    from engine.trace import TraceEvent


class TraceWriter:
    """Writes every event and note of a run, as long as `note` is called at least once in the 4,096 events that the run
    keeps."""

    def __init__(self, sim: Simulation, path: str) -> None:
        self._sim = sim
        self._seen = 0  # events
        self._notes = list(sim.trace.notes)
        self._file = new_file(path)
        sim.trace.overheard = self._notes

    def note(self) -> None:
        """Write what happened since the last time. Raises FileError if that cannot be written."""
        with written_to(self._file):
            self._write_all()

    def _write_all(self) -> None:
        trace = self._sim.trace
        events = [item for item in trace.raw(max(1, trace.total - self._seen)) if not item[1] and item[0] > self._seen]
        notes = [(note.index, note.serial, note) for note in self._notes]
        for index, _, what in sorted([*events, *notes], key=itemgetter(0, 1)):
            self._write(trace.in_words(index, what))
        self._file.flush()
        self._seen = trace.total
        self._notes.clear()

    def _write(self, event: TraceEvent) -> None:
        line: dict[str, Any] = {"index": event.index, "time": event.time, "kind": event.kind}
        if event.agent:
            line["agent"] = event.agent
        if event.peer:
            line["peer"] = event.peer
        if event.number:
            line["number"] = event.number
            line["sent"] = event.sent
        if event.cause is not None:
            line["cause"] = event.cause
        if event.note:
            line["note"] = plain(event.message)
        elif event.summary:
            line["summary"] = event.summary
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not isinstance(error, FileError | KeyboardInterrupt):  # perhaps in the middle of an event
                self.note()
        finally:
            with suppress(OSError):
                self._file.close()


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    return msgspec.to_builtins(value, builtin_types=(), enc_hook=str, str_keys=True)
