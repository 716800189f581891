"""The full event log of a run as JSON Lines: each event and note a line, first to last (docs/recordings.md)."""

from __future__ import annotations

import json
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from app.recording import new_file

if TYPE_CHECKING:
    from engine.simulation import Simulation
    from engine.trace import TraceEvent


class TraceWriter:
    """Writes every event of a run, as long as `note` is called at least once in the 4,096 events that the run keeps."""

    def __init__(self, sim: Simulation, path: str) -> None:
        self._sim = sim
        self._seen = 0  # events
        self._told = 0  # notes
        self._file = new_file(path)

    def note(self) -> None:
        """Write what happened since the last time."""
        trace = self._sim.trace
        for index, serial, what in trace.raw(max(1, trace.total - self._seen)):
            if serial > self._told or (not serial and index > self._seen):
                self._write(trace.in_words(index, what))
        self._seen = trace.total
        if trace.notes:
            self._told = trace.notes[-1].serial

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
        self.note()
        self._file.close()


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    return msgspec.to_builtins(value, builtin_types=(), enc_hook=str, str_keys=True)
