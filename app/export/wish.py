"""What an export is asked for, and which of it makes sense."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from app.branches import Mark
from app.recording import split
from engine.duration import format_duration
from engine.errors import SwarmscopeError

FORMATS = {"shiviz": ".log", "csv": ".csv", "svg": ".svg", "cast": ".cast", "gif": ".gif"}
"""What there is to export to, and how the names of such files end."""

PANES = ("agents", "messages", "stage", "metrics", "story")
WHOLE = "all"
LEAST, MOST = (60, 18), (400, 200)  # columns and rows of a screen
MOST_FPS = 50  # of which a GIF can still tell the time
MOST_FRAMES = 6_000
MOST_ROWS = 100_000
SLOWEST, FASTEST = 1e-6, 1e6  # of a film
FPS = 10
SIZE = (120, 40)

_FILM = frozenset({"since", "until", "pane", "face", "size", "fps", "speed"})
_TAKES = {
    "shiviz": frozenset({"until"}),
    "csv": frozenset({"since", "until", "every"}),
    "svg": frozenset({"at", "pane", "face", "size"}),
    "cast": _FILM,
    "gif": _FILM,
}
_OPTIONS = {"since": "--from"}  # all others are called as their fields are
_WHY = {"shiviz": "a ShiViz log begins where the run does", "svg": "a picture is of one moment"}


class ExportError(SwarmscopeError):
    """An export that cannot be made as it was asked for."""


class Wish(NamedTuple):
    """What to make. Times are µs of virtual time; None is what is usual for the format."""

    format: str
    out: str
    since: int | None = None
    until: int | None = None
    at: int | None = None
    every: int | None = None
    pane: str | None = None
    face: str | None = None
    size: tuple[int, int] | None = None
    fps: int | None = None
    speed: float | None = None

    def check(self, end: Mark) -> None:
        """Raise ExportError for what makes no sense for the format, or lies past the end of the run."""
        takes = _TAKES[self.format]
        for field in ("since", "until", "at", "every", "pane", "face", "size", "fps", "speed"):
            if getattr(self, field) is not None and field not in takes:
                raise ExportError(self._misfit(field))
        for field in ("since", "until", "at"):
            moment = getattr(self, field)
            if moment is not None and moment > end.now:
                raise ExportError(
                    f"{_option(field)} {format_duration(moment)} is past the end of the recording, which is at "
                    f"{format_duration(end.now)}"
                )
        if self.since is not None and self.since > (end.now if self.until is None else self.until):
            raise ExportError("--from is later than --until; the stretch goes from the earlier to the later")
        if self.face is not None and self.pane not in (None, WHOLE, "messages"):
            raise ExportError(f"--face is of the messages pane; with --pane {self.pane} leave it out")
        if self.every == 0:
            raise ExportError("--every 0 would never end; say how far apart the figures are, such as --every 500ms")
        if self.every is not None and (rows := self._rows(end)) > MOST_ROWS:
            raise ExportError(
                f"these would be {rows:,} rows, more than {MOST_ROWS:,}; take a longer --every, or a shorter stretch"
            )
        if self.speed is not None and not SLOWEST <= self.speed <= FASTEST:
            raise ExportError(
                f"a film needs a speed of {SLOWEST:g} to {FASTEST:,.0f} virtual seconds per second, such as --speed 4"
            )

    def _rows(self, end: Mark) -> int:
        since, until = self.stretch(end)
        return (until - since) // (self.every or 1) + 1

    def _misfit(self, field: str) -> str:
        fitting = ", ".join(form for form, takes in _TAKES.items() if field in takes)
        why = f": {_WHY[self.format]}" if self.format in _WHY and field in ("since", "until", "at") else ""
        return f"{_option(field)} makes no sense with --to {self.format}{why}; it is for {fitting}"

    def stretch(self, end: Mark) -> tuple[int, int]:
        """From when until when."""
        return self.since or 0, end.now if self.until is None else self.until


def _option(field: str) -> str:
    return _OPTIONS.get(field, f"--{field}")


def read_size(text: str) -> tuple[int, int]:
    """Columns and rows, as in `120x40`. Raises ExportError."""
    found = re.fullmatch(r"([0-9]{1,3})[x×]([0-9]{1,3})", text.strip())
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if not (LEAST[0] <= size[0] <= MOST[0] and LEAST[1] <= size[1] <= MOST[1]):
        least, most = (f"{width}x{height}" for width, height in (LEAST, MOST))
        raise ExportError(f"{text!r} is no size of a screen; write columns x rows, such as 120x40, {least} to {most}")
    return size


def beside(file: str, form: str) -> str:
    """Where an export of a recording goes when nobody says where: its name, with the suffix of the format."""
    name, number = split(file)
    path = Path(name)
    stem = path.stem if number == 1 else f"{path.stem}-{number}"
    return str(path.with_name(stem + FORMATS[form]))
