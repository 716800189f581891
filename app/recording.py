"""Recordings: a run as a few lines of text that replay it exactly.

    swarmscope recording 1
    program 0.1.0
    scenario gossip
    source 5f3c9a…
    seed 7
    param agents=40

    at 2s crash a-03
    digest 20000 3.2s 9a3f…
    at event 20345 heal
    end 41208 184.2s 77aa…

The first lines say what ran: the version of this format and of the program, the scenario and a hash of its source, the
seed, and every parameter. Then come the commands in the order in which they were carried out, and among them digests:
after how many events, at what virtual time, and what the digest was. `end` is the last of them; a recording without one
was cut short, and holds as far as it goes. Blank lines and what follows a `#` at the beginning of a line do not count.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self, TextIO

from engine.duration import format_duration, parse_duration
from engine.errors import CommandError, ParameterError, SwarmscopeError
from engine.grammar import parse
from scenarios.pair import Pair
from scenarios.registry import find
from swarmscope import __version__

if TYPE_CHECKING:
    from engine.commands import Timed
    from engine.scenario import Scenario
    from engine.simulation import Simulation

FORMAT = 1
FIRST = "swarmscope recording"
EVERY = 20_000  # events between two digests
_HEADERS = ("program", "scenario", "source", "seed", "param")
_DIGEST = re.compile(r"(digest|end) ([0-9]{1,18}) (\S+) ([0-9a-f]{32})")
_MOST_SEED = 1 << 64


class RecordingError(SwarmscopeError):
    """A recording that cannot be read, or does not fit what is installed here."""


class Mark(NamedTuple):
    """The digest of a run after so many events, at this virtual time in µs."""

    events: int
    now: int
    digest: str


class Recording(NamedTuple):
    """What a recording says. `whole` is whether it has its end."""

    program: str
    scenario: str
    source: str
    seed: int
    params: Mapping[str, str]
    commands: tuple[Timed, ...]
    marks: tuple[Mark, ...]
    whole: bool

    @property
    def kind(self) -> type[Scenario]:
        """The scenario. Raises ScenarioError where there is none of this name."""
        return find(self.scenario)

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
    """Writes the recording of a run as it goes: what was carried out reaches the file at each `note`, so that whatever
    ends the process, all but the last moments are there."""

    def __init__(self, sim: Simulation, scenario: str, params: Mapping[str, object], file: TextIO) -> None:
        self._sim, self._file = sim, file
        self._written = 0  # commands
        self._marked = 0  # events
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

    @classmethod
    def opened(cls, path: str, sim: Simulation, scenario: str, params: Mapping[str, object]) -> Self:
        """A recorder into a new file. Raises RecordingError as `new_file` does."""
        return cls(sim, scenario, params, new_file(path))

    def note(self) -> None:
        """Write what has been carried out since the last time, and the digest if it is due."""
        commands = self._sim.commands
        for text in commands[self._written :]:
            self._write(text)
        self._written = len(commands)
        if self._sim.events - self._marked >= EVERY:
            self._marked = self._sim.events
            self._write(self._mark("digest"))
        self._file.flush()

    def end(self) -> None:
        """Write the rest, and close the file."""
        self.note()
        self._write(self._mark("end"))
        self._file.close()

    def _mark(self, word: str) -> str:
        sim = self._sim
        return f"{word} {sim.events} {format_duration(sim.now)} {sim.digest}"

    def _write(self, line: str) -> None:
        self._file.write(line + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._file.closed:
            self.end()


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
    if version != f"{FIRST} {FORMAT}":
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


class _Reader:
    """Takes the lines of one recording, one after the other."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.whole = False
        self._head: dict[str, str] = {}
        self._params: dict[str, str] = {}
        self._commands: list[Timed] = []
        self._marks: list[Mark] = []
        self._kind: type[Scenario] | None = None

    def take(self, number: int, line: str) -> None:
        word, _, rest = line.partition(" ")
        if self.whole:
            raise self._wrong(number, "it goes on after its end; remove what follows the line “end …”")
        if word in _HEADERS and not self._commands and not self._marks:
            self._take_head(number, word, rest.strip())
        elif word in ("digest", "end"):
            self._take_mark(number, line)
        else:
            self._take_command(number, line)

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
        try:
            mark = None if found is None else Mark(int(found[2]), parse_duration(found[3]), found[4])
        except ParameterError:
            mark = None
        if found is None or mark is None:
            raise self._wrong(number, "a digest is written like “digest 20000 3.2s” and 32 hexadecimal digits")
        if self._marks and (mark.events < self._marks[-1].events or mark.now < self._marks[-1].now):
            raise self._wrong(number, "this digest is of an earlier moment than the one before it")
        self._marks.append(mark)
        self.whole = found[1] == "end"

    def _take_command(self, number: int, line: str) -> None:
        try:
            timed = parse(line, {spec.name: spec for spec in self._scenario().commands})
        except CommandError as error:
            error.source, error.line = self.source, number
            raise
        if timed is None:
            return
        if timed.at is None and timed.after is None:
            raise self._wrong(number, f"“{line[:40]}” has no time; write it like “at 2s crash a-03”")
        self._commands.append(timed)

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
            tuple(self._commands),
            tuple(self._marks),
            self.whole,
        )

    def _wrong(self, number: int, words: str) -> RecordingError:
        return RecordingError(f"{self.source}, line {number}: {words}")
