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

    branch 2 of 1 at event 20100 3.25s after 1 command
    at 4s restart a-03
    later at 90s heal
    end 30500 60s 0c1d…

The first lines say what ran: the version of this format and of the program, the scenario and a hash of its source, the
seed, and the parameters that were given. Then come the commands in the order in which they were carried out, and among
them digests: after how many events, at what virtual time, and what the digest was. A line `branch` begins a branch: of
which other one, at which moment of it, and how many commands had been carried out by then; what follows belongs to it.
`branch 1` alone goes on with one that is there already, so that a recording can be written as the run goes. `later`
stands before a command that waits for its time; once that has come, the command stands in its place among the others.
`later nothing` says that none of those waits any more which were said to.
`end` is the last line; a recording without one was cut short, and holds as far as it goes. Blank lines and what follows
a `#` at the beginning of a line do not count. Version 1 had no branches.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from app.branches import Mark
from engine.duration import parse_duration
from engine.errors import CommandError, ParameterError, SwarmscopeError
from engine.grammar import parse
from scenarios.pair import Pair
from scenarios.registry import SOURCE, find

if TYPE_CHECKING:
    from engine.commands import Timed
    from engine.scenario import Scenario

FORMAT = 2
READ = (1, 2)
FIRST = "swarmscope recording"
NOTHING_LATER = "later nothing"
_HEADERS = ("program", "scenario", "source", "seed", "param")
_DIGEST = re.compile(r"(digest|end) ([0-9]{1,18}) (\S+) ([0-9a-f]{32})")
_BRANCH = re.compile(
    r"branch ([0-9]{1,9})(?: of ([0-9]{1,9}) at event ([0-9]{1,18}) (\S+) after ([0-9]{1,9}) commands?)?"
)
_MOST_SEED = 1 << 64


class RecordingError(SwarmscopeError):
    """A recording that cannot be read, or does not fit what is installed here."""


class RecordedBranch(NamedTuple):
    """One branch: which one it leaves and when (after so many events, at that virtual time in µs), how many commands
    the two share, the commands carried out from there on, those that waited at its end, and its digests."""

    number: int
    parent: int
    events: int
    now: int
    shared: int
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
    module = sys.modules[kind.__module__]
    where = Path(module.__file__ or "")
    package = where.parent
    loaded: bytes | None = getattr(module, SOURCE, None)  # the file may be another by now
    if loaded is None:
        files = sorted(package.glob("*.py")) if _is_package_of_its_own(package) else [where]
        sources = [(file.name, file.read_bytes()) for file in files]
    else:
        sources = [(where.name, loaded)]
    hasher = blake2b(digest_size=16)
    for name, source in sources:
        hasher.update(os.fsencode(name) + b"\0" + source.replace(b"\r\n", b"\n") + b"\0")
    return hasher.hexdigest()


def _is_package_of_its_own(folder: Path) -> bool:
    return folder.parent.name == "scenarios" and (folder / "__init__.py").exists()


def settle(waiting: list[Timed], carried: str) -> None:
    """Of what waits, take away what a command that was carried out leaves no more of: itself, or all."""
    if carried.endswith(" cancel"):
        waiting.clear()
        return
    place = next((at for at, timed in enumerate(waiting) if str(timed) == carried), None)
    if place is not None:
        del waiting[place]


def split(name: str) -> tuple[str, int]:
    """What `FILE#2` names: a file and the number of a branch; without one, the first."""
    file, mark, number = name.rpartition("#")
    if not (mark and file) or os.path.lexists(name) or not (number.isascii() and number.isdigit() and len(number) < 10):
        return name, 1
    return file, int(number)


def read(path: str) -> Recording:
    """The recording in a file. Raises RecordingError, or CommandError with the line, for what cannot be read."""
    if not path:
        raise RecordingError("the file has no name; say which recording is meant")
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
    if _DIGEST.fullmatch(lines[-1].strip()):  # no digest is cut off that looks like one
        lines.append("")
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


def _comes(timed: Timed, events: int, now: int) -> bool:
    """Whether the moment of a command is not past after so many events at that time (µs)."""
    return (timed.after is None or timed.after >= events) and (timed.at is None or timed.at >= now)


class _Section:
    """A branch as it is being read."""

    def __init__(self, number: int, parent: int = 0, events: int = 0, now: int = 0, shared: int = 0) -> None:
        self.number, self.parent, self.events, self.now, self.shared = number, parent, events, now, shared
        self.commands: list[Timed] = []
        self.marks: list[Mark] = []
        self._later: list[Timed] = []
        self._last = (events, now)  # the event and the time before which nothing can come any more

    def wait(self, timed: Timed) -> None:
        """Take a command that waits."""
        self._later.append(timed)

    def wait_for_nothing(self) -> None:
        """None of those waits that were taken so far."""
        self._later.clear()

    def carry_out(self, timed: Timed) -> bool:
        """Take a command; False where it comes too early."""
        events, now = self._last
        if not _comes(timed, events, now):
            return False
        self._last = (max(events, timed.after or 0), max(now, timed.at or 0))
        self.commands.append(timed)
        settle(self._later, str(timed))
        return True

    def mark(self, mark: Mark) -> bool:
        """Take a digest; False where it is of too early a moment."""
        events, now = self._last
        if mark.events < events or mark.now < now:
            return False
        self._last = (mark.events, mark.now)
        self.marks.append(mark)
        return True

    def read(self) -> RecordedBranch:
        """The branch as it was recorded."""
        return RecordedBranch(
            self.number, self.parent, self.events, self.now, self.shared,
            tuple(self.commands), tuple(self._later), tuple(self.marks),
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
        elif line == NOTHING_LATER:
            self._section.wait_for_nothing()
        elif word == "later":
            self._section.wait(self._command(number, rest.strip()))
        elif not self._section.carry_out(self._command(number, line)):
            raise self._wrong(number, "this command is of an earlier moment than what comes before it")

    def _take_head(self, number: int, word: str, rest: str) -> None:
        if word == "param":
            name, equals, value = rest.partition("=")
            name = name.strip()
            if not equals or not name:
                raise self._wrong(number, f"“{rest[:40]}” should be NAME=VALUE")
            if name in self._params:
                raise self._wrong(number, f"the parameter {name} is said twice; once is right")
            self._params[name] = value
        elif word in self._head:
            raise self._wrong(number, f"{word} is said twice; once is right")
        else:
            self._head[word] = rest

    def _take_mark(self, number: int, line: str) -> None:
        found = _DIGEST.fullmatch(line)
        now = None if found is None else _moment(found[3])
        if found is None or now is None:
            raise self._wrong(number, "a digest is written like “digest 20000 3.2s” and 32 hexadecimal digits")
        if not self._section.mark(Mark(int(found[2]), now, found[4])):
            raise self._wrong(number, "this digest is of an earlier moment than what comes before it")
        self.whole = found[1] == "end"

    def _take_branch(self, number: int, line: str) -> None:
        found = _BRANCH.fullmatch(line)
        now = None if found is None or found[4] is None else _moment(found[4])
        if found is None or (found[4] is not None and now is None):
            raise self._wrong(number, "a branch is begun like “branch 2 of 1 at event 20345 3.9s after 1 command”")
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
            parent, shared = self._sections[int(found[2])], int(found[5])
            known = parent.shared + len(parent.commands)
            if shared > known:
                raise self._wrong(number, f"branch {parent.number} has {known} commands by here, not {shared}")
            self._sections[which] = _Section(which, parent.number, int(found[3]), now, shared)
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
