"""Recordings: a run, with all its branches, as a few lines of text that replay it exactly.

    swarmscope recording 2
    program 0.1.0
    scenario gossip
    source 5f3c9a…
    seed 7
    param agents=40

    at 2s crash a-03
    digest 20000 3.2s 9a3f…
    at event 20345 heal
    digest 41208 184.2s 77aa…

    branch 2 of 1 at event 20100 3.25s
    at 4s restart a-03
    end 30500 60s 0c1d…

The first lines say what ran: the version of this format and of the program, the scenario and a hash of its source, the
seed, and every parameter. Then come the commands in the order in which they were carried out, and among them digests:
after how many events, at what virtual time, and what the digest was. A line `branch` begins a branch: of which other
one, and at which moment of it; what follows belongs to it. `branch 1` alone goes on with one that is there already, so
that a recording can be written as the run goes. `later` stands before a command that still waited for its time when
the branch was left. `end` is the last line; a recording without one was cut short, and holds as far as it goes. Blank
lines and what follows a `#` at the beginning of a line do not count. Version 1 had no branches.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self, TextIO

from app.branches import Branch, Mark
from engine.duration import format_duration, parse_duration
from engine.errors import CommandError, ParameterError, SwarmscopeError
from engine.grammar import parse
from scenarios.pair import Pair
from scenarios.registry import find
from swarmscope import __version__

if TYPE_CHECKING:
    from app.history import History
    from engine.commands import Timed
    from engine.scenario import Scenario

FORMAT = 2
READ = (1, 2)
FIRST = "swarmscope recording"
_HEADERS = ("program", "scenario", "source", "seed", "param")
_DIGEST = re.compile(r"(digest|end) ([0-9]{1,18}) (\S+) ([0-9a-f]{32})")
_BRANCH = re.compile(r"branch ([0-9]{1,9})(?: of ([0-9]{1,9}) at event ([0-9]{1,18}) (\S+))?")
_MOST_SEED = 1 << 64


class RecordingError(SwarmscopeError):
    """A recording that cannot be read, or does not fit what is installed here."""


class RecordedBranch(NamedTuple):
    """One branch: which one it leaves and when (after so many events, at that virtual time in µs), the commands carried
    out from there on, those that waited at its end, and its digests."""

    number: int
    parent: int
    events: int
    now: int
    commands: tuple[Timed, ...]
    later: tuple[Timed, ...]
    marks: tuple[Mark, ...]


class Recording(NamedTuple):
    """What a recording says. `whole` is whether it has its end."""

    program: str
    scenario: str
    source: str
    seed: int
    params: Mapping[str, str]
    branches: tuple[RecordedBranch, ...]
    whole: bool

    @property
    def kind(self) -> type[Scenario]:
        """The scenario. Raises ScenarioError where there is none of this name."""
        return find(self.scenario)

    def end_of(self, number: int) -> Mark:
        """The last digest of the branch with this number. Raises RecordingError where there is no such branch."""
        if not 1 <= number <= len(self.branches):
            many = len(self.branches)
            raise RecordingError(f"there is no branch {number}; the recording has {many}, counted from 1")
        branch = self.branches[number - 1]
        return branch.marks[-1] if branch.marks else Mark(branch.events, branch.now, "")

    @property
    def is_changed(self) -> bool:
        """Whether the scenario's source is another now than it was then."""
        return source_of(self.kind) != self.source


def source_of(kind: type[Scenario]) -> str:
    """A hash of the source of a scenario: of the file that defines it, or of the whole package if that is one."""
    where = Path(sys.modules[kind.__module__].__file__ or "")
    package = where.parent
    files = sorted(package.glob("*.py")) if _is_package_of_its_own(package) else [where]
    hasher = blake2b(digest_size=16)
    for file in files:
        hasher.update(file.name.encode() + b"\0" + file.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return hasher.hexdigest()


def _is_package_of_its_own(folder: Path) -> bool:
    return folder.parent.name == "scenarios" and (folder / "__init__.py").exists()


# Writing


class Recorder:
    """Writes the recording of a run as it goes: what was done reaches the file at each `note`, so that whatever ends
    the process, all but the last moments are there. It is to be called before the run goes over to another branch."""

    def __init__(self, history: History, scenario: str, params: Mapping[str, object], file: TextIO) -> None:
        self._history, self._file = history, file
        self._written: dict[int, tuple[int, int]] = {}  # for each branch, how many commands and digests
        self._section = 1
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
        self._write("\n".join(lines))
        self.note()

    @classmethod
    def opened(cls, path: str, history: History, scenario: str, params: Mapping[str, object]) -> Self:
        """A recorder into a new file. Raises RecordingError as `new_file` does."""
        return cls(history, scenario, params, new_file(path))

    def note(self) -> None:
        """Write what has been done since the last time, and the digests that are due."""
        self._history.look()
        for branch in self._history.tree.branches.values():
            if branch.number not in self._written:
                self._begin(branch)
            self._go_on(branch)
        self._file.flush()

    def mark(self) -> None:
        """Write the digest of the end of each branch, besides those that are due."""
        self.note()
        for branch in self._history.tree.branches.values():
            mark = self._history.end_mark(branch)
            if mark is not None:
                self._write_to(branch, _line("digest", mark))
        self._file.flush()

    def end(self) -> None:
        """Write the rest, and close the file."""
        self.note()
        history = self._history
        current = history.branch
        for branch in history.tree.branches.values():
            if branch is not current:
                self._finish(branch, "digest")
        self._finish(current, "end")
        self._file.close()

    def _begin(self, branch: Branch) -> None:
        self._written[branch.number] = (branch.carried_before, 0)
        if branch.parent:
            start = branch.start
            where = f"at event {start.events} {format_duration(start.now)}"
            self._write(f"\nbranch {branch.number} of {branch.parent} {where}")
            self._section = branch.number

    def _go_on(self, branch: Branch) -> None:
        """Write the commands and digests of a branch that are not written yet."""
        commands, marks = self._written[branch.number]
        for carried, mark in branch.marks[marks:]:
            for text in branch.carried[commands:carried]:
                self._write_to(branch, text)
            commands = max(commands, carried)
            self._write_to(branch, _line("digest", mark))
        for text in branch.carried[commands:]:
            self._write_to(branch, text)
        self._written[branch.number] = (len(branch.carried), len(branch.marks))

    def _finish(self, branch: Branch, word: str) -> None:
        """Write how a branch ends."""
        mark = self._history.end_mark(branch)
        for timed in branch.pending:
            self._write_to(branch, f"later {timed}")
        if mark is not None:
            self._write_to(branch, _line(word, mark))

    def _write_to(self, branch: Branch, line: str) -> None:
        if self._section != branch.number:
            self._write(f"\nbranch {branch.number}")
            self._section = branch.number
        self._write(line)

    def _write(self, line: str) -> None:
        self._file.write(line + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._file.closed:
            self.end()


def _line(word: str, mark: Mark) -> str:
    return f"{word} {mark.events} {format_duration(mark.now)} {mark.digest}"


def new_file(path: str) -> TextIO:
    """A file to write to as long as a run goes on. Raises RecordingError if there is one already, or it cannot be
    made."""
    try:
        return Path(path).open("x", encoding="utf-8")
    except FileExistsError:
        raise RecordingError(f"{path} is there already; name a new file, or remove that one first") from None
    except OSError as error:
        raise RecordingError(f"{path} cannot be written: {error.strerror}") from None


def free_name(name: str) -> str:
    """The name of a file that is not there yet: `NAME.swarm`, or with a number."""
    number, file = 1, Path(f"{name}.swarm")
    while file.exists():
        number += 1
        file = Path(f"{name}-{number}.swarm")
    return str(file)


# Reading


def split(name: str) -> tuple[str, int]:
    """What `FILE#2` names: a file and the number of a branch; without one, the first."""
    file, mark, number = name.rpartition("#")
    if not mark or Path(name).exists() or not (number.isascii() and number.isdigit() and len(number) < 10):
        return name, 1
    return file, int(number)


def read(path: str) -> Recording:
    """The recording in a file. Raises RecordingError, or CommandError with the line, for what cannot be read."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RecordingError(f"{path} is not a recording: it is not text in UTF-8") from None
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from None
    return parse_recording(text, path)


def parse_recording(text: str, source: str = "recording") -> Recording:
    """The recording in a text. A last line that was cut off in the middle does not count.

    Raises RecordingError, or CommandError with source and line, for what is not right about it.
    """
    lines = text.split("\n")
    cut = lines.pop()  # empty, unless the last line has no end
    version = lines[0].strip() if lines else ""
    if not version.startswith(FIRST):
        raise RecordingError(f"{source} is not a recording: its first line should be “{FIRST} {FORMAT}”")
    if version not in [f"{FIRST} {number}" for number in READ]:
        raise RecordingError(
            f"{source} is of another version, “{version[:60]}”; this program reads “{FIRST} {FORMAT}”: use a newer one"
        )
    reader = _Reader(source)
    for number, line in enumerate(lines[1:], 2):
        if line.strip() and not line.lstrip().startswith("#"):
            reader.take(number, line.strip())
    if cut.strip() and reader.whole:
        raise RecordingError(f"{source} goes on after its end: remove what follows the line “end …”")
    return reader.recording()


class _Section:
    """A branch as it is being read."""

    def __init__(self, number: int, parent: int = 0, events: int = 0, now: int = 0) -> None:
        self.number, self.parent, self.events, self.now = number, parent, events, now
        self.commands: list[Timed] = []
        self.later: list[Timed] = []
        self.marks: list[Mark] = []

    def read(self) -> RecordedBranch:
        return RecordedBranch(
            self.number, self.parent, self.events, self.now,
            tuple(self.commands), tuple(self.later), tuple(self.marks),
        )  # fmt: skip


class _Reader:
    """Takes the lines of one recording, one after the other."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.whole = False
        self._head: dict[str, str] = {}
        self._params: dict[str, str] = {}
        self._sections = {1: _Section(1)}
        self._section = self._sections[1]
        self._has_body = False
        self._kind: type[Scenario] | None = None

    def take(self, number: int, line: str) -> None:
        word, _, rest = line.partition(" ")
        if self.whole:
            raise self._wrong(number, "it goes on after its end; remove what follows the line “end …”")
        if word in _HEADERS and not self._has_body:
            self._take_head(number, word, rest.strip())
            return
        self._has_body = True
        if word in ("digest", "end"):
            self._take_mark(number, line)
        elif word == "branch":
            self._take_branch(number, line)
        elif word == "later":
            self._section.later.append(self._command(number, rest.strip()))
        else:
            self._section.commands.append(self._command(number, line))

    def _take_head(self, number: int, word: str, rest: str) -> None:
        if word == "param":
            name, equals, value = rest.partition("=")
            if not equals or not name.strip():
                raise self._wrong(number, f"“{rest[:40]}” should be NAME=VALUE")
            self._params[name.strip()] = value
        elif word in self._head:
            raise self._wrong(number, f"{word} is said twice; once is right")
        else:
            self._head[word] = rest

    def _take_mark(self, number: int, line: str) -> None:
        found = _DIGEST.fullmatch(line)
        now = None if found is None else _moment(found[3])
        if found is None or now is None:
            raise self._wrong(number, "a digest is written like “digest 20000 3.2s” and 32 hexadecimal digits")
        mark, marks = Mark(int(found[2]), now, found[4]), self._section.marks
        if (marks and (mark.events < marks[-1].events or now < marks[-1].now)) or mark.events < self._section.events:
            raise self._wrong(number, "this digest is of an earlier moment than what comes before it")
        marks.append(mark)
        self.whole = found[1] == "end"

    def _take_branch(self, number: int, line: str) -> None:
        found = _BRANCH.fullmatch(line)
        now = None if found is None or found[4] is None else _moment(found[4])
        if found is None or (found[4] is not None and now is None):
            raise self._wrong(number, "a branch is begun like “branch 2 of 1 at event 20345 3.9s”")
        which = int(found[1])
        if now is None:
            if which not in self._sections:
                raise self._wrong(number, f"there is no branch {which} to go on with; say “branch {which} of …” first")
        elif which in self._sections:
            raise self._wrong(number, f"branch {which} is begun twice; once is right")
        elif which != len(self._sections) + 1:
            raise self._wrong(number, f"the next branch is number {len(self._sections) + 1}, not {which}")
        elif int(found[2]) not in self._sections:
            raise self._wrong(number, f"there is no branch {found[2]} that it could leave")
        else:
            self._sections[which] = _Section(which, int(found[2]), int(found[3]), now)
        self._section = self._sections[which]

    def _command(self, number: int, line: str) -> Timed:
        try:
            timed = parse(line, {spec.name: spec for spec in self._scenario().commands})
        except CommandError as error:
            error.source, error.line = self.source, number
            raise
        if timed is None or (timed.at is None and timed.after is None):
            raise self._wrong(number, f"“{line[:40]}” has no time; write it like “at 2s crash a-03”")
        return timed

    def _scenario(self) -> type[Scenario]:
        if self._kind is None:
            name = self._head.get("scenario", "")
            if not name:
                raise RecordingError(
                    f"{self.source} does not say which scenario it is of; it needs a line “scenario NAME”"
                )
            self._kind = find(name)
            if issubclass(self._kind, Pair):
                raise RecordingError(f"{self.source} is of {name}, which is two runs; record each of them by itself")
        return self._kind

    def recording(self) -> Recording:
        head = self._head
        kind = self._scenario()
        seed = head.get("seed", "")
        if not (seed.isascii() and seed.isdigit() and len(seed) <= 20 and int(seed) < _MOST_SEED):
            raise RecordingError(f"{self.source} has no right seed; it needs a line such as “seed 7”")
        if not re.fullmatch("[0-9a-f]{32}", head.get("source", "")):
            raise RecordingError(f"{self.source} does not say of which source it is; it needs the line “source …”")
        return Recording(
            head.get("program", ""),
            kind.name if kind.name == head["scenario"] else head["scenario"],
            head["source"],
            int(seed),
            self._params,
            tuple([section.read() for section in self._sections.values()]),
            self.whole,
        )

    def _wrong(self, number: int, words: str) -> RecordingError:
        return RecordingError(f"{self.source}, line {number}: {words}")


def _moment(text: str) -> int | None:
    """A virtual time in µs; None for what is none."""
    try:
        return parse_duration(text)
    except ParameterError:
        return None
