"""How a timeline is drawn: a bar for each branch with its landmarks, hanging from where it left another one."""

from __future__ import annotations

from typing import NamedTuple

from engine.views import Landmark, TimelineView
from widgets.branching import Row, lineage, rows
from widgets.glyphs import AHEAD, COMMAND, CURSOR, HAPPENED, STANDS
from widgets.marks import RANKS, Marks, Scale, one_cell, rank
from widgets.text import Line, cells, clean, clip, fit, fit_line, line_cells, seconds

LABELLED = 100  # commands of a branch that may be written beside its bar
LONGEST_LABEL = 24
KEYS = ("←→ through time", "[ ] events worth seeing", "↑↓ branches", "n new branch", "d compare", "esc")
KEYS_SHORT = ("←→ time", "[ ] events", "↑↓ branches", "n new", "d compare", "esc")

FORKS = "┬┯╮"  # where another bar hangs from one
END = "┤"

Cell = tuple[str, str]
"""A character and its ink."""


class Bar(NamedTuple):
    """A branch as it is drawn: its row, and the landmarks that are seen, by column."""

    row: Row
    marks: dict[int, Landmark]


class Picture(NamedTuple):
    """A drawn timeline. `left` is the cell of the scale's first column; line y shows bar y."""

    lines: list[Line]
    bars: list[Bar]
    scale: Scale
    left: int


class Timelines:
    """Draws timelines, and keeps what is dear to find out: the landmarks of each branch by importance and column."""

    def __init__(self) -> None:
        self._marks: dict[int, tuple[tuple[Landmark, ...], Marks]] = {}
        self._seen: dict[int, tuple[Scale, Row, dict[int, Landmark]]] = {}

    def compose(self, view: TimelineView, width: int, most: int, *, focused: bool = False) -> Picture:
        """The timeline in lines of exactly `width` cells, at most `most` of them; one at least."""
        shown = rows(view, most)
        if not shown:
            return Picture([fit_line([], width)], [], Scale(1, 0), 0)
        tree = len(view.branches) > 1
        digits = max([len(str(row.number)) for row in shown])
        margin = digits + 2 if tree else 1
        beside = _beside(width)
        span = max([view.now, *[row.ends for row in shown]])
        scale = Scale(max(2, width - margin - 2 - beside), span)
        bars = [Bar(row, self._columns(row, scale)) for row in shown]
        drawn = _draw_bars(view, bars, scale)
        lines: list[Line] = []
        for y, (bar, cells_of_bar) in enumerate(zip(bars, drawn, strict=True)):
            left = _number(bar.row, digits, view.current) if tree else [(" ", "plain")]
            line = fit_line([*left, *_merged(cells_of_bar)], min(width, margin + 2 + scale.width))
            room = width - line_cells(line)
            more = len(view.branches) - len(bars) if y == len(bars) - 1 else 0
            line += self._head(view, bars, room, more, focused) if y == 0 else _about(bar.row, room, more)
            lines.append(fit_line(line, width))
        return Picture(lines, bars, scale, margin + 1)

    def _columns(self, row: Row, scale: Scale) -> dict[int, Landmark]:
        """The landmarks that are seen on a row."""
        kept = self._seen.get(row.number)
        if kept is not None and kept[0] == scale and _same_course(kept[1], row):
            return kept[2]
        found: dict[int, Landmark] = {}
        for branch, start, end in row.course:
            seen = self._marks_of(branch.number, branch.landmarks).seen(scale, start, end)
            for column, mark in seen.items():
                if column not in found or rank(mark.tone) <= rank(found[column].tone):
                    found[column] = mark
        self._seen[row.number] = (scale, row, found)
        return found

    def _marks_of(self, number: int, landmarks: tuple[Landmark, ...]) -> Marks:
        kept = self._marks.get(number)
        if kept is None or kept[0] is not landmarks:
            kept = self._marks[number] = (landmarks, Marks(landmarks))
        return kept[1]

    # What stands beside the first bar

    def _head(self, view: TimelineView, bars: list[Bar], room: int, more: int, focused: bool) -> Line:
        """The time, what the glyphs mean or the keys do, and which branch of how many it is."""
        clock = clip(_clock(view), room - 1)
        room -= cells(clock) + 5
        if focused:
            middle = _keys(room)
            which = _which(view, more, room - line_cells(middle))
        else:
            which = _which(view, more, room)
            middle = self._legend(bars, room - line_cells(which))
        gap = room - line_cells(middle) - line_cells(which)
        return [(" ", "plain"), (clock, "title"), ("   ", "plain"), *middle, (" " * max(0, gap), "plain"), *which]

    def _legend(self, bars: list[Bar], room: int) -> Line:
        """The glyphs that occur and what they mean, the most important first, as far as there is room."""
        kinds: dict[tuple[str, str], int] = {}
        for bar in bars:
            for branch, _, _ in bar.row.course:
                for name, tone in self._marks_of(branch.number, branch.landmarks).kinds.items():
                    kinds[name] = min(rank(tone), kinds.get(name, rank(tone)))
        line: Line = []
        for glyph, kind in sorted(kinds, key=lambda name: kinds[name]):
            gap = " " if line else ""
            words = f" {clean(kind)}"
            if line_cells(line) + len(gap) + 1 + cells(words) <= room:
                line += [(gap, "plain"), (one_cell(glyph), RANKS[kinds[glyph, kind]]), (words, "dim")]
        return line


def _same_course(one: Row, other: Row) -> bool:
    """Whether two rows show the same landmarks; of a run that goes on, all but its end is the same."""
    return len(one.course) == len(other.course) and all(
        a.branch.landmarks is b.branch.landmarks and a.start == b.start and (a is one.course[-1] or a.end == b.end)
        for a, b in zip(one.course, other.course, strict=True)
    )


def landmark_at(picture: Picture, y: int, column: int) -> Landmark | None:
    """The landmark that is drawn there."""
    return picture.bars[y].marks.get(column) if 0 <= y < len(picture.bars) else None


def _beside(width: int) -> int:
    """How many cells beside the bars are for words. It depends on the width alone, so that bars keep their length."""
    if width < 24:
        return 0
    if width < 40:
        return 9
    return 18 if width < 60 else max(30, width * 9 // 20)


# --- the bars -------------------------------------------------------------------------------------


def _draw_bars(view: TimelineView, bars: list[Bar], scale: Scale) -> list[list[Cell]]:
    """The cells of each bar: one on each side more than the scale has columns."""
    path = {branch.number for branch in lineage(view)}
    on_path = [y for y, bar in enumerate(bars) if bar.row.number in path]
    stands = max([y for y in on_path if bars[y].row.begins <= view.now], default=0)
    drawn = []
    for y, bar in enumerate(bars):
        until = -1
        if y in on_path and y <= stands:
            until = view.now if y == stands else min(bars[on_path[on_path.index(y) + 1]].row.begins, view.now)
        drawn.append(_bar(bar, scale, until))
    for y, bar in enumerate(bars):
        if bar.row.above >= 0:
            _hang(drawn, bar.row.above, y, scale.column(bar.row.begins))
    tree = len(view.branches) > 1
    for bar, line in zip(bars, drawn, strict=True):
        _put_marks(bar, line, scale, labels=tree)
    drawn[stands][scale.column(view.now) + 1] = (STANDS, "accent!/cursor")
    return drawn


def _bar(bar: Bar, scale: Scale, until: int) -> list[Cell]:
    """A bar without what happened on it: heavy up to where the run stands, light ahead of that."""
    row = bar.row
    line: list[Cell] = [(" ", "plain")] * (scale.width + 2)
    first, last = scale.column(row.begins), scale.column(row.ends)
    line[first] = ("├" if row.above < 0 else "╰", "accent" if until >= 0 else "dim")
    reached = scale.column(until) if until >= 0 else -1
    for column in range(first, last + 1):
        line[column + 1] = (HAPPENED, "accent") if column <= reached else (AHEAD, "dim")
    line[last + 2 if last + 2 < len(line) else -1] = (END, "dim")
    return line


def _hang(drawn: list[list[Cell]], above: int, below: int, cell: int) -> None:
    """Lead a line down from one bar to another, in the cell before that other one's first column."""
    glyph, ink = drawn[above][cell]
    fork = {HAPPENED: "┯", AHEAD: "┬", "╰": "├", " ": "╮", "┤": "┤"}.get(glyph, glyph)
    drawn[above][cell] = (fork, ink)
    for line in drawn[above + 1 : below]:
        glyph, ink = line[cell]
        line[cell] = ("├" if glyph == "╰" else "│" if glyph == " " else glyph, ink if glyph != " " else "dim")


def _put_marks(bar: Bar, line: list[Cell], scale: Scale, *, labels: bool) -> None:
    """Landmarks and commands of a row, with as many of the commands' names as there is room for between them."""
    for column, mark in bar.marks.items():
        line[column + 1] = (one_cell(mark.glyph), mark.tone)
    if not labels:
        return
    texts: dict[int, str] = {}
    for branch, start, end in bar.row.course:
        for time, text in branch.commands[-LABELLED:]:
            if start <= time <= end:
                texts.setdefault(scale.column(time) + 1, text)
    taken = {column + 1 for column in bar.marks} | texts.keys()
    taken |= {cell for cell, (glyph, _) in enumerate(line) if glyph in FORKS or glyph == END}
    for cell, text in texts.items():
        if cell - 1 not in bar.marks:
            line[cell] = (COMMAND, "accent")
        words = " " + clip("".join(map(one_cell, clean(text))), LONGEST_LABEL)
        after = cell + 1 + len(words)
        if after < min((other for other in taken if other > cell), default=len(line)):
            line[cell + 1 : after] = [(char, "dim") for char in words]


def _merged(line: list[Cell]) -> Line:
    """Neighbours in the same ink as one piece."""
    merged: Line = []
    for glyph, ink in line:
        if merged and merged[-1][1] == ink:
            merged[-1] = (merged[-1][0] + glyph, ink)
        else:
            merged.append((glyph, ink))
    return merged


# --- the words ------------------------------------------------------------------------------------


def _number(row: Row, digits: int, current: int) -> Line:
    """The number of a branch; the current one is marked and bold."""
    if row.number == current:
        return [(CURSOR, "accent!"), (f"{row.number:>{digits}} ", "title")]
    return [(f" {row.number:>{digits}} ", "dim")]


def _clock(view: TimelineView) -> str:
    """Where the run stands, and how far the branch goes, where that is further."""
    end = next((branch.end for branch in view.branches if branch.number == view.current), view.now)
    here, far = (f"{seconds(moment, 1)}s" for moment in (view.now, max(end, view.now)))
    return here if here == far else f"{here} of {far}"


def _which(view: TimelineView, more: int, room: int) -> Line:
    """Which branch of how many, where there are several; in short where there is little room."""
    if len(view.branches) < 2:
        return []
    short = f"{view.current} of {len(view.branches)}"
    hidden = f"  … {more} more" if more else ""
    for words, rest in ((f"branch {short}", hidden), (f"branch {short}", ""), (short, hidden), (short, "")):
        if cells(words + rest) + 3 <= room:
            return [("   ", "plain"), (words, "plain"), (rest, "dim")]
    return []


def _keys(room: int) -> Line:
    """What the keys do, as far as there is room."""
    for keys in (KEYS, KEYS_SHORT):
        if cells(" · ".join(keys)) <= room:
            return [(" · ".join(keys), "dim")]
    words = ""
    for key in KEYS_SHORT:
        longer = f"{words} · {key}" if words else key
        if cells(longer) > room:
            break
        words = longer
    return [(words, "dim")]


def _about(row: Row, room: int, more: int) -> Line:
    """When a branch begins to go its own way, and what was done there; how many branches are not drawn."""
    hidden = f" … {more} more" if more else ""
    room = max(0, room - 2 - cells(hidden))
    when = f"from {seconds(row.branch.start, 1)}s"
    does = ", ".join(clean(text) for _, text in row.branch.commands[:3])
    return [(" ", "plain"), (fit(f"{when}: {does}" if does else when, room), "dim"), (hidden, "plain")]
