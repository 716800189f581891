"""A film of the screen for terminals: asciicast v2, which asciinema plays.

The first line says what the recording is; each further one is the second at which something is written, and what. Only
what changed on the screen is written again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import TextIO

from rich.color import ColorSystem
from rich.style import Style

from app.export.screen import Cell, Film, Frame, cells_of
from app.export.stretch import Progress, Stretch
from app.export.wish import Wish

START = "\x1b[?25l\x1b[2J"  # hide the cursor, clear
END = "\x1b[0m\x1b[?25h"
MOVE = 6  # cells that stay, for which moving on is not worth its characters


def write_cast(file: TextIO, stretch: Stretch, wish: Wish, progress: Progress) -> str:
    """Make the film, and write each frame as it comes."""
    film = Film(stretch, wish)
    width, height = film.size
    sim = stretch.sim
    _write(
        file,
        {
            "version": 2,
            "width": width,
            "height": height,
            "title": f"Swarmscope: {sim.scenario.name}, seed {sim.seed}, {film.speed:g}×",
            "env": {"TERM": "xterm-256color"},
        },
    )
    before: Frame = []

    def on_frame(number: int, lines: Frame) -> None:
        nonlocal before
        text = changes(before, lines)
        if text or not number:
            _write(file, [round(number / film.fps, 3), "o", (START if not number else "") + text])
        before = lines

    film.run(on_frame, progress)
    _write(file, [round(film.seconds, 3), "o", END])
    return film.in_words()


def changes(before: Frame, now: Frame) -> str:
    """What to send to a terminal that shows one frame, so that it shows the next."""
    parts: list[str] = []
    for row, line in enumerate(now):
        old = before[row] if row < len(before) else None
        if old != line:
            parts += _line_changes(row, None if old is None else cells_of(old), cells_of(line))
    return "".join(parts)


def _line_changes(row: int, old: list[Cell] | None, new: list[Cell]) -> Iterator[str]:
    """The runs of a line that differ, each with the move to its place."""
    if old is None or len(old) != len(new):
        old = [("", Style.null())] * len(new)
    changed = [place for place, cell in enumerate(new) if cell != old[place]]
    runs: list[list[int]] = []  # first place of each, and the one after its last
    for place in changed:
        if runs and place - runs[-1][1] <= MOVE:
            runs[-1][1] = place + 1
        else:
            runs.append([place, place + 1])
    for first, end in runs:
        while first and not new[first][0]:  # the second half of a wide character
            first -= 1
        yield f"\x1b[{row + 1};{first + 1}H{_in_colour(new[first:end])}"


def _in_colour(cells: list[Cell]) -> str:
    return "".join(
        style.render("".join(text for text, _ in group), color_system=ColorSystem.TRUECOLOR)
        for style, group in groupby(cells, key=lambda cell: cell[1])
    )


def _write(file: TextIO, data: object) -> None:
    file.write(json.dumps(data, ensure_ascii=False) + "\n")
