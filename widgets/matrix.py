"""A grid of agents by things: a row for each agent, or agents packed in blocks, or shades that stand for many."""

from __future__ import annotations

from itertools import groupby
from math import ceil
from typing import NamedTuple

from engine.views import Matrix, Tone
from widgets.glyphs import FOLD, SHADES, shade
from widgets.text import Line, cells, clean, clip, fit, line_cells

LEAST_WIDTH = 26
_NAME = 10  # most columns of a row's name
_HEAD = 8  # most columns of a column's head


class _Grid(NamedTuple):
    """How the agents of a column stand: `across` cells in a line, `fold` agents in a cell, in blocks of `block`."""

    across: int
    fold: int
    block: int
    first: int  # the first column shown
    shown: int


def natural_width(matrix: Matrix, height: int) -> int:
    """The columns beyond which more room gains nothing."""
    names = _name_width(matrix)
    lines = max(1, height - 3)
    across = max(1, ceil(len(matrix.rows) / lines))
    block = max(across, _head_width(matrix))
    return max(names + 1 + max(1, len(matrix.columns)) * (block + 2), line_cells(_head_line(matrix, 10_000, False)))


def draw(matrix: Matrix, width: int, height: int, back: int = 0) -> list[Line]:
    """The matrix in lines of at most `width` cells; `back` hides so many of the newest columns."""
    if height < 1 or width < 1:
        return []
    if not matrix.rows or not matrix.columns:
        return [[(clip(clean(matrix.title), width), "title!")], [("nothing yet", "dim")]][:height]
    legend = _legend(matrix, False)
    one_line = line_cells(_head_line(matrix, width, False)) <= width
    top = 1 if one_line else 2
    notes = bool(matrix.column_notes)
    lines = max(1, height - top - 1 - notes)
    grid = _choose(matrix, width, lines, back)
    if grid.fold > 1:
        legend = _legend(matrix, True)
    head: Line = [(clean(matrix.title), "title!"), ("   ", "plain")]
    result: list[Line] = [[*head, *legend]] if top == 1 else [head, legend]
    names = _name_width(matrix)
    result.append(_heads(matrix, grid, names))
    if notes:
        result.append(_notes(matrix, grid, names))
    result.extend(_body(matrix, grid, names, lines))
    return result[:height]


def _head_line(matrix: Matrix, width: int, folded: bool) -> Line:
    return [(clean(matrix.title), "title!"), ("   ", "plain"), *_legend(matrix, folded)]


def _legend(matrix: Matrix, folded: bool) -> Line:
    if folded:
        lit = [matrix.legend[number] for number in sorted(_lit(matrix))]
        meanings = ", ".join(dict.fromkeys(clean(cell.meaning) for cell in lit))
        return [(SHADES, lit[-1].tone if lit else "dim"), (f" none to all: {meanings}", "dim")]
    line: Line = []
    for cell in dict.fromkeys(matrix.legend):  # some entries look and mean the same
        line.append((f"{'  ' if line else ''}{clean(cell.glyph)[:1]} ", cell.tone))
        line.append((clean(cell.meaning), "dim"))
    return line


def _ground(matrix: Matrix) -> int:
    """The entry that stands for nothing: the first dim one, else the first."""
    return next((number for number, cell in enumerate(matrix.legend) if cell.tone == "dim"), 0)


def _lit(matrix: Matrix) -> set[int]:
    """The entries that count for a shade: neither the ground nor what is wrong."""
    ground = _ground(matrix)
    return {number for number, cell in enumerate(matrix.legend) if number != ground and cell.tone != "bad"}


def _name_width(matrix: Matrix) -> int:
    return min(_NAME, max((cells(clean(name)) for name in matrix.rows), default=0))


def _head_width(matrix: Matrix) -> int:
    words = [*matrix.columns, *matrix.column_notes]
    return min(_HEAD, max((cells(clean(word)) for word in words), default=1))


def _choose(matrix: Matrix, width: int, lines: int, back: int) -> _Grid:
    """As few agents in a cell as possible, and then as many columns as possible; the newest column at the right."""
    agents, things = len(matrix.rows), len(matrix.columns)
    room = max(1, width - _name_width(matrix) - 1)
    head = _head_width(matrix)
    need = max(1, ceil(agents / lines))
    best = (need, 1)
    if max(need, head) + 2 > room // min(things, 3):
        for wanted in (min(things, 4), 3, 2, 1):
            across = max(1, room // wanted - 2)
            if wanted <= things and (across >= need or wanted <= min(things, 3)):
                fold = max(1, ceil(agents / (lines * across)))
                best = (max(1, ceil(ceil(agents / fold) / lines)), fold)
                break
    across, fold = best
    block = max(across, min(head, room))
    shown = max(1, min(things, (room + 2) // (block + 2)))
    first = max(0, things - shown - max(0, back))
    return _Grid(across, fold, block, first, shown)


def _heads(matrix: Matrix, grid: _Grid, names: int) -> Line:
    hidden = grid.first
    line: Line = [(fit(f"{FOLD}{hidden}" if hidden else "", names) + " ", "dim")]
    for name in matrix.columns[grid.first : grid.first + grid.shown]:
        line.append((fit(clean(name), grid.block) + "  ", "plain"))
    return line


def _notes(matrix: Matrix, grid: _Grid, names: int) -> Line:
    line: Line = [(" " * (names + 1), "dim")]
    for column in range(grid.first, grid.first + grid.shown):
        note = matrix.column_notes[column] if column < len(matrix.column_notes) else ""
        line.append((fit(clean(note), grid.block) + "  ", "accent"))
    return line


def _body(matrix: Matrix, grid: _Grid, names: int, lines: int) -> list[Line]:
    rows = matrix.cells
    columns = [bytes([row[at] for row in rows]) for at in range(grid.first, grid.first + grid.shown)]
    per_line = grid.across * grid.fold
    result: list[Line] = []
    for start in range(0, len(matrix.rows), per_line):
        if len(result) == lines:
            break
        line: Line = [(fit(clean(matrix.rows[start]), names) + " ", "dim")]
        for column in columns:
            part = column[start : start + per_line]
            line.extend(_folded(matrix, part, grid.fold) if grid.fold > 1 else _plain(matrix, part))
            used = ceil(len(part) / grid.fold)
            line.append((" " * (grid.block - used + 2), "plain"))
        result.append(line)
    return result


def _plain(matrix: Matrix, part: bytes) -> Line:
    legend = matrix.legend
    line: Line = []
    for value, run in groupby(part):
        known = value < len(legend)
        glyph = clean(legend[value].glyph)[:1] or " " if known else "?"
        line.append((glyph * len(list(run)), legend[value].tone if known else "bad"))
    return line


def _folded(matrix: Matrix, part: bytes, fold: int) -> Line:
    """Each cell the share of its agents that are lit, in the tone of most of those; or what is wrong with most."""
    legend, lit = matrix.legend, _lit(matrix)
    line: Line = []
    for start in range(0, len(part), fold):
        group = part[start : start + fold]
        most = max(set(group), key=lambda value: (group.count(value), -value))
        if most < len(legend) and legend[most].tone == "bad":
            line.append((clean(legend[most].glyph)[:1] or " ", "bad"))
            continue
        here = [value for value in group if value in lit]
        tone: Tone = legend[max(set(here), key=lambda value: (here.count(value), -value))].tone if here else "dim"
        line.append((shade(len(here) / len(group)), tone))
    return line
