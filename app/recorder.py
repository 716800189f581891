"""Writing recordings, as the run goes (app/recording.py says what they look like)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from app.branches import Branch, Mark
from app.files import FileError, new_file, written_to
from app.recording import FIRST, FORMAT, NOTHING_LATER, RecordingError, settle, source_of
from engine.duration import format_duration
from engine.errors import SwarmscopeError
from swarmscope import __version__

if TYPE_CHECKING:
    from app.history import History
    from engine.commands import Timed


class Recorder:
    """Writes the recording of a run as it goes: what was done reaches the file at each `note`, so that whatever ends
    the process, all but the last moments are there. It is to be called before the run goes over to another branch.

    How far the run has come stands in a last line, which the next `note` writes over. Commands that a script has put on
    the agenda before the run began are written when they are carried out, or at the end.
    """

    def __init__(self, history: History, scenario: str, params: Mapping[str, object], file: TextIO) -> None:
        self._history, self._file = history, file
        self._written: dict[int, tuple[int, int]] = {}  # for each branch, how many commands and digests
        self._waiting: dict[int, list[Timed]] = {}  # for each branch, what a reader knows to wait by now
        self._left: dict[int, Mark] = {}  # for each branch, the digest with which it was left
        self._section = 1
        sim = history.sim
        self._scripted = [] if sim.events else sim.pending
        self._write(_head(history, scenario, params))
        self._solid = self._place()
        self.note()

    @classmethod
    def opened(cls, path: str, history: History, scenario: str, params: Mapping[str, object]) -> Self:
        """A recorder into a new file. Raises FileError as `new_file` does, and RecordingError for a name that no
        recording can hold."""
        try:
            _head(history, scenario, params).encode()
        except UnicodeEncodeError:
            raise RecordingError(f"the name of {scenario!r} is no text in UTF-8, so no recording can hold it") from None
        return cls(history, scenario, params, new_file(path))

    def note(self) -> None:
        """Write what has been done since the last time, and how far the run has come. Raises FileError if that cannot
        be written."""
        self._history.look()
        self._go_back()
        for branch in self._history.tree.branches.values():
            if branch.number not in self._written:
                self._begin(branch)
            self._go_on(branch)
        self._solid = self._place()
        current, section = self._history.branch, self._section
        mark = self._history.end_mark(current)
        if mark is not None:
            self._write_to(current, _line("digest", mark))
        self._section = section
        self._place()

    def end(self) -> None:
        """Write the rest, and close the file. Raises FileError if it cannot be written."""
        self.note()
        self._go_back()
        current = self._history.branch
        self._left.pop(current.number, None)
        self._leave(current, "end")
        self._place()
        self.close()

    def close(self) -> None:
        """Leave the file as it is: it was cut short."""
        with suppress(OSError):
            self._file.close()

    def _begin(self, branch: Branch) -> None:
        self._written[branch.number] = (branch.carried_before, 0)
        self._waiting[branch.number] = []
        if branch.parent:
            start, shared = branch.start, branch.carried_before
            where = f"at event {start.events} {format_duration(start.now)}"
            after = "1 command" if shared == 1 else f"{shared} commands"
            self._write(f"\nbranch {branch.number} of {branch.parent} {where} after {after}\n")
            self._section = branch.number

    def _go_on(self, branch: Branch) -> None:
        """Write the commands and digests of a branch that are not written yet, and what has come to wait."""
        commands, marks = self._written[branch.number]
        for carried, mark in branch.marks[marks:]:
            for text in branch.carried[commands:carried]:
                self._carry_out(branch, text)
            commands = max(commands, carried)
            self._write_to(branch, _line("digest", mark))
        for text in branch.carried[commands:]:
            self._carry_out(branch, text)
        self._written[branch.number] = (len(branch.carried), len(branch.marks))
        history = self._history
        if branch is not history.branch:
            self._leave(branch)
        elif not history.is_behind:
            pending = history.sim.pending
            if branch.parent or self._waiting[branch.number] or any(one not in self._scripted for one in pending):
                self._wait(branch, pending)

    def _carry_out(self, branch: Branch, text: str) -> None:
        self._write_to(branch, text)
        settle(self._waiting[branch.number], text)

    def _wait(self, branch: Branch, pending: Sequence[Timed]) -> None:
        """Write which commands wait, but for those of which a reader knows. Those of one moment are in their order."""
        known = self._waiting[branch.number]
        told, waiting = _by_moment(known), _by_moment(pending)
        if any(waiting.get(moment, [])[: len(ones)] != ones for moment, ones in told.items()):
            told = {}  # some were refused when their time came
            known.clear()
            self._write_to(branch, NOTHING_LATER)
        for moment, ones in waiting.items():
            for timed in ones[len(told.get(moment, ())) :]:
                known.append(timed)
                self._write_to(branch, f"later {timed}")

    def _leave(self, branch: Branch, word: str = "digest") -> None:
        """Write with which digest a branch was left, and what waited there."""
        mark = self._history.end_mark(branch)
        if mark is not None and self._left.get(branch.number) != mark:
            self._left[branch.number] = mark
            self._wait(branch, branch.pending)
            self._write_to(branch, _line(word, mark))

    def _write_to(self, branch: Branch, line: str) -> None:
        if self._section != branch.number:
            self._write(f"\nbranch {branch.number}\n")
            self._section = branch.number
        self._write(line + "\n")

    # The file

    def _write(self, text: str) -> None:
        with written_to(self._file):
            self._file.write(text)

    def _place(self) -> int:
        """Let all that was written reach the file; where that ends."""
        with written_to(self._file):
            self._file.flush()
            return self._file.tell()

    def _go_back(self) -> None:
        """Take the last line away, which says how far the run had come."""
        with written_to(self._file):
            self._file.seek(self._solid)
            self._file.truncate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file.closed:
            return
        if isinstance(error, FileError) or not isinstance(error, SwarmscopeError | None):
            self.close()  # it cannot be written, or the run was stopped in the middle of an event
        else:
            self.end()


def _head(history: History, scenario: str, params: Mapping[str, object]) -> str:
    sim = history.sim
    lines = [
        f"{FIRST} {FORMAT}",
        f"program {__version__}",
        f"scenario {scenario}",
        f"source {source_of(type(sim.scenario))}",
        f"seed {sim.seed}",
        *(f"param {name}={value}" for name, value in params.items()),
        "",
    ]
    return "\n".join([*lines, ""])


def _by_moment(waiting: Sequence[Timed]) -> dict[tuple[int | None, int | None], list[Timed]]:
    """Commands that wait by time and event, those of one moment in their order."""
    found: dict[tuple[int | None, int | None], list[Timed]] = {}
    for timed in waiting:
        found.setdefault((timed.at, timed.after), []).append(timed)
    return found


def _line(word: str, mark: Mark) -> str:
    return f"{word} {mark.events} {format_duration(mark.now)} {mark.digest}"
