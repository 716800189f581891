"""The sequence diagram as lines of text: which lanes there is room for, what stands in which row, and how it is drawn.

An arrow stands in the row of its arrival, so rows are in the order of events, and a crowd of messages stays legible
where slanted lines would cross one another. How long a message took stands before its head where there is room. For
what is selected, and for a path of causes, the way is drawn whole and heavy: down the sender's lane from where the
message was sent, and across to where it arrived.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from engine.duration import brief_duration
from engine.views import Health, SequenceArrow, SequenceItem, SequenceLane, SequenceMark, SequenceView
from widgets.glyphs import (
    ARROW,
    ARROW_HELD,
    ARROW_MOVING,
    CUT,
    EVENT,
    EVENT_TONE,
    HEALTH,
    HEALTH_TONE,
    LOST,
    SELF_SENT,
    VOTE,
    event_glyph,
)
from widgets.text import Line, cells, clean, clip, seconds

LEAST = 9  # columns from one lane to the next, at least
MOST = 24
RIGHT = 7  # columns beyond the last lane, at least: a mark there has words too
_TIME = 8  # columns of the time, at least; one before it is for a cursor, one after it for a mark on the first lane
_FEW = 4  # columns of words, with fewer of which nobody can make anything of them
_STUB = 26  # columns of an arrow whose other end has no lane, at most
_MILLISECOND = 1_000

Key = tuple[int, int, int]
"""What names an item: the index of its event, the serial of its note, the number of its message."""


class Row(NamedTuple):
    """Items of one instant that stand side by side; `after` is the last event that had happened by then."""

    items: tuple[SequenceItem, ...]
    time: str
    after: int


class Emphasis(NamedTuple):
    """What is drawn heavy: items, and lanes from one row to another."""

    items: frozenset[Key] = frozenset()
    ways: tuple[tuple[int, int, int], ...] = ()  # agent, first row, last row
    selected: Key | None = None


NOTHING = Emphasis()


def key_of(item: SequenceItem) -> Key:
    """What names an item among all of a view."""
    if isinstance(item, SequenceArrow):
        return item.index, 0, item.number
    return item.index, item.serial, 0


def left_of(view: SequenceView) -> int:
    """The column of the first lane; before it stands the time."""
    return max(_TIME, cells(seconds(view.now, 3))) + 2


def fitting(width: int, left: int) -> int:
    """How many lanes fit, the first of them in the column `left`."""
    return max(1, 1 + (width - left - RIGHT) // LEAST)


def choose(view: SequenceView, width: int, shown: Collection[int] = ()) -> tuple[SequenceLane, ...]:
    """The lanes that are shown, in the order of their ids. The view has the most important first; where not all fit,
    those that are `shown` stay as long as they are among the first of half as many again: lanes shall not come and go.
    """
    lanes, room = view.lanes, fitting(width, left_of(view))
    if len(lanes) <= room:
        return tuple(sorted(lanes, key=_by_id))
    kept = [lane for at, lane in enumerate(lanes) if at == 0 or (lane.id in shown and at < room * 3 // 2)][:room]
    known = {lane.id for lane in kept}
    kept += [lane for lane in lanes if lane.id not in known][: room - len(kept)]
    return tuple(sorted(kept, key=_by_id))


def _by_id(lane: SequenceLane) -> int:
    return lane.id


class Sheet:
    """A view laid out in rows for a width."""

    def __init__(self, view: SequenceView, lanes: tuple[SequenceLane, ...], width: int, moving: int = 12) -> None:
        """At most `moving` messages that are on their way are shown."""
        self.view = view
        self.lanes = lanes
        self.width = width
        count = max(1, len(lanes))
        self.left = left_of(view)
        self.pitch = max(LEAST, min(MOST, (width - self.left) // count))
        self.column = {lane.id: self.left + at * self.pitch for at, lane in enumerate(lanes)}
        shown = [item for item in view.items if self._is_shown(item)]
        happened = sum(item.index > 0 or isinstance(item, SequenceMark) for item in shown)
        self.items = shown[: happened + moving]
        self.rows: list[Row] = []
        self.row_of: dict[Key, int] = {}
        self._row_of_event: dict[int, int] = {}
        self._lay_out()

    def _is_shown(self, item: SequenceItem) -> bool:
        column, chosen = self.column, self.view.chosen
        if isinstance(item, SequenceMark):
            return item.agent < 0 or item.agent in column
        if item.source in column and item.target in column:
            return True
        return (item.source in chosen and item.source in column) or (item.target in chosen and item.target in column)

    def _lay_out(self) -> None:
        group: list[SequenceItem] = []
        taken: list[tuple[int, int]] = []
        before, happened = "", 0
        moving = False
        for item in self.items:
            left, right = self._span(item)
            on_its_way = isinstance(item, SequenceArrow) and item.fate == "moving"
            joins = (
                bool(group)
                and not on_its_way
                and item.time // _MILLISECOND == group[-1].time // _MILLISECOND
                and all(right <= one or left >= other for one, other in taken)
                and all(item.cause != one.index or item.index == one.index for one in group)
            )
            if group and not joins:
                before = self._close(group, before, happened, moving)
                group, taken = [], []
            group.append(item)
            taken.append((left, right))
            happened = max(happened, item.index)
            moving = on_its_way
        if group:
            self._close(group, before, happened, moving)

    def _close(self, group: list[SequenceItem], before: str, happened: int, moving: bool) -> str:
        time = "" if moving else seconds(group[0].time, 3)
        number = len(self.rows)
        self.rows.append(Row(tuple(group), time if time != before else "", happened))
        for item in group:
            self.row_of[key_of(item)] = number
            if item.index and not (isinstance(item, SequenceMark) and item.serial):
                self._row_of_event[item.index] = number
        return time

    def _span(self, item: SequenceItem) -> tuple[int, int]:
        """The columns that an item takes; an arrow may share the lanes at its ends."""
        column = self.column
        if isinstance(item, SequenceMark):
            if item.agent < 0:
                return 0, self.width
            at = column[item.agent]
            return at - 1, min(self.width, at + 2 + cells(_words(item)))
        ends = [column[end] for end in (item.source, item.target) if end in column]
        if len(ends) == 2 and ends[0] != ends[1]:
            return min(ends), max(ends) + (cells(item.reason) + 2 if item.reason else 0)
        right = ends[0] + _STUB <= self.width or ends[0] - self.left < _STUB
        return (ends[0], ends[0] + _STUB) if right else (ends[0] - _STUB, ends[0])

    def item_at(self, row: int, x: int) -> SequenceItem:
        """What stands in a row at a column, or nearest to it."""
        return min(self.rows[row].items, key=lambda item: _distance(x, *self._span(item)))

    # what is drawn heavy

    def emphasis(self, path: Collection[int] = (), selected: Key | None = None) -> Emphasis:
        """What a path of causes, given as indices of events, and the selected item draw heavy."""
        strong: set[Key] = set()
        ways: list[tuple[int, int, int]] = []
        for item in self.items:
            key = key_of(item)
            on_path = item.index in path and not (isinstance(item, SequenceMark) and item.serial)
            if not on_path and key != selected:
                continue
            strong.add(key)
            cause = item.cause
            origin = self._row_of_event.get(cause) if cause and (key == selected or cause in path) else None
            if origin is None or (isinstance(item, SequenceMark) and (item.serial or item.agent < 0)):
                continue
            lane = item.source if isinstance(item, SequenceArrow) else item.agent
            if lane in self.column and origin < self.row_of[key]:
                ways.append((lane, origin, self.row_of[key]))
        return Emphasis(frozenset(strong), tuple(ways), selected)

    # drawing

    def head(self) -> Line:
        """The names of the lanes, each above its lane, with what is wrong with it."""
        canvas = _Canvas(self.width)
        for lane in self.lanes:
            sick = HEALTH[lane.health] if lane.health != Health.UP else ""
            if lane.gone:
                sick = EVENT["leave"]
            room, full = self.pitch - 1, clean(lane.name)
            mark = "" if not sick else sick if cells(full) > room - 2 else f" {sick}"
            name = shorten(full, room - cells(mark)) + mark
            size = cells(name)
            at = max(1, min(self.column[lane.id] - size // 2, self.width - size))
            strong = "!" if lane.id in self.view.chosen and len(self.view.chosen) == 1 else ""
            canvas.write(at, name, f"@{lane.id}{strong}")
            if sick:
                canvas.write(at + size - 1, sick, "dim" if lane.gone else HEALTH_TONE[lane.health])
        return canvas.line()

    def look(self, row: int, emphasis: Emphasis) -> tuple[object, ...]:
        """What the drawing of a row depends on, besides the sheet's lanes and width."""
        keys = [key_of(item) for item in self.rows[row].items]
        strong = tuple([(key in emphasis.items, key == emphasis.selected) for key in keys])
        ways = tuple([(lane, row == end) for lane, start, end in emphasis.ways if start <= row <= end])
        return self.rows[row], strong, ways, self.view.now if not self.rows[row].time else 0

    def draw(self, row: int, emphasis: Emphasis = NOTHING) -> Line:
        """One row."""
        it = self.rows[row]
        canvas = _Canvas(self.width)
        canvas.write(self.left - 1 - len(it.time), it.time, "dim")
        heavy = {lane for lane, start, end in emphasis.ways if start <= row < end}
        for lane in self.lanes:
            at = self.column[lane.id]
            if lane.id in heavy:
                canvas.write(at, "┃", "accent!")
            elif it.after >= lane.born:
                is_down = any(start <= it.after and (not end or it.after < end) for start, end in lane.down)
                canvas.write(at, CUT if is_down else "│", "bad" if is_down else "faint")
        for item in it.items:
            strong = key_of(item) in emphasis.items
            if isinstance(item, SequenceMark):
                self._mark(canvas, item, strong)
            elif item.source in self.column and item.target in self.column and item.source != item.target:
                self._arrow(canvas, item, strong)
            else:
                self._stub(canvas, item, strong)
            if key_of(item) == emphasis.selected:
                canvas.shade(*self._span(item))
        return canvas.line()

    def _mark(self, canvas: _Canvas, item: SequenceMark, strong: bool) -> None:
        glyph = event_glyph(item.kind) if item.kind in EVENT or not item.serial else VOTE
        tone = EVENT_TONE.get(item.kind, item.tone)
        words = _words(item)
        ink = "accent!" if strong else tone
        if item.agent < 0:
            canvas.fill(self.left, self.width, "━" if strong else "┄", "accent!" if strong else "faint")
            canvas.write(self.left + 1, f" {glyph} {clip(words, max(0, self.width - self.left - 6))} ", ink)
            return
        at = self.column[item.agent]
        canvas.write(at, glyph, ink)
        if strong:
            canvas.write(at - 1, "▐", ink)
            canvas.write(at + 1, "▌", ink)
        ends = [x for x in canvas.taken if x > at]
        room = min(ends, default=self.width) - at - 3
        room = min(room, 2 * self.pitch - 3 if self.pitch < MOST else room)
        if room >= min(_FEW, cells(words)):
            canvas.write(at + 2, clip(words, room), ink)
        canvas.taken.append(at)

    def _arrow(self, canvas: _Canvas, item: SequenceArrow, strong: bool) -> None:
        start, end = self.column[item.source], self.column[item.target]
        step = 1 if end > start else -1
        ink = _ink(item, strong)
        body = "━" if strong else "╌" if item.fate == "moving" else "─"
        last = end - step  # the cell of the head
        if item.fate in ("lost", "cut"):
            last = start + step * max(2, abs(end - start) * 2 // 3)
        elif item.fate == "moving":
            whole = max(1, item.time - item.sent)
            share = min(1.0, max(0.0, (self.view.now - item.sent) / whole))
            last = start + step * max(1, round(share * (abs(end - start) - 1)))
        for x in range(start + step, last, step):
            if x not in canvas.lanes or strong:
                canvas.write(x, body, ink)
        canvas.write(start, ("┣" if step > 0 else "┫") if strong else ("├" if step > 0 else "┤"), ink)
        canvas.write(last, *self._head_of(item, step, ink))
        low, high = (start + 2, last - 1) if step > 0 else (last + 2, start - 1)
        if item.fate == "moving":  # the way ahead is free, and the words may stand there
            low, high = min(start, end) + 2, max(start, end) - 1
            if step > 0:
                low = last + 1 if last - start < (end - start) // 2 else low
                high = last - 1 if low < last else high
            else:
                high = last - 1 if start - last < (start - end) // 2 else high
                low = last + 2 if high > last else low
        self._label(canvas, item, low, high, step, strong)
        if item.reason:
            canvas.behind(max(start, end, last) + 2, item.reason, "bad" if item.fate != "held" else "warn")
        canvas.taken += [start, end]

    def _label(self, canvas: _Canvas, item: SequenceArrow, low: int, high: int, step: int, strong: bool) -> None:
        """The words of an arrow between two columns, and how long it took, near its head, where there is room."""
        room = high - low
        words = label(item, room)
        size = cells(words)
        if size:
            canvas.write(low if step > 0 else high - size, words, "accent!" if strong else "plain")
        if item.fate != "arrived":
            return
        took = brief_duration(item.time - item.sent)
        if room - size >= len(took) + 4:
            at = high - len(took) if step > 0 else low
            canvas.write(at, took, "dim")

    def _head_of(self, item: SequenceArrow, step: int, ink: str) -> tuple[str, str]:
        match item.fate:
            case "lost" | "cut" | "dropped":
                return LOST, "bad"
            case "moving":
                return ARROW_MOVING[step < 0], ink
            case "held":
                return ARROW_HELD[step < 0], "warn"
            case _:
                return ARROW[step < 0], ink

    def _stub(self, canvas: _Canvas, item: SequenceArrow, strong: bool) -> None:
        """A message to oneself, or one whose other end has no lane: that end is a name."""
        ink = _ink(item, strong)
        own = item.source == item.target
        sends = item.source in self.column
        at = self.column[item.source if sends else item.target]
        left, right = self._span(item)
        to_the_right = right > at
        room = min(right, self.width) - at - 1 if to_the_right else at - max(0, left) - 1
        other = "" if own else shorten(clean(item.receiver if sends else item.sender), max(4, room // 2))
        words = label(item, max(0, room - cells(other) - 6))
        tail = f" {words} " if words else ""
        body = "━" if strong else "╌" if item.fate == "moving" else "─"
        missed = item.fate in ("lost", "cut", "dropped")
        if own:
            canvas.write(at, SELF_SENT, ink)
            canvas.write(at + 2, words, "accent!" if strong else "plain")
            return
        if to_the_right:
            head = LOST if missed else ARROW[not sends]
            text = f"{body}{tail}{body}{head} {other}" if sends else f"{head}{body}{tail}{body} {other}"
            start = at + 1
        else:
            head = LOST if missed else ARROW[sends]
            text = f"{other} {head}{body}{tail}{body}" if sends else f"{other} {body}{tail}{body}{head}"
            start = at - cells(text)
        canvas.write(start, text, "bad" if missed else ink)
        if sends:
            canvas.write(at, ("┣" if to_the_right else "┫") if strong else ("├" if to_the_right else "┤"), ink)
        canvas.taken += [at, start, start + cells(text)]
        if item.reason:
            canvas.behind(max(at, start + cells(text)) + 2, item.reason, "bad")


class _Canvas:
    """A line of cells to be written on in any order. `taken` are columns where something begins or ends."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.chars = [" "] * width
        self.inks = ["plain"] * width
        self.lanes: set[int] = set()
        self.taken: list[int] = []

    def write(self, at: int, text: str, ink: str) -> None:
        """Write a text, whose wide characters take two cells; what goes beyond the line is cut off."""
        if len(text) == 1 and text in "│╎┃" and 0 <= at < self.width:
            self.lanes.add(at)
        for char in text:
            size = 1 if char.isascii() else cells(char)
            if size == 0:
                continue
            if at < 0 or at + size > self.width:
                return
            self.chars[at] = char
            self.inks[at] = ink
            if size == 2:
                self.chars[at + 1] = ""
                self.inks[at + 1] = ink
            at += size

    def fill(self, start: int, end: int, char: str, ink: str) -> None:
        """One character from a column to before another."""
        for x in range(max(0, start), min(end, self.width)):
            self.chars[x], self.inks[x] = char, ink

    def shade(self, start: int, end: int) -> None:
        """Put what is strong between two columns, both included, on the ground of the cursor."""
        for x in range(max(0, start), min(end + 1, self.width)):
            if self.inks[x] == "accent!":
                self.inks[x] = "accent!/cursor"

    def behind(self, at: int, text: str, ink: str) -> None:
        """Words behind all that stands in the line, or from `at` on if that is more, if they fit in half."""
        used = max((x for x, char in enumerate(self.chars) if char not in " │╎┃"), default=0)
        at = max(at, used + 2)
        if at + cells(text) > self.width:
            text = clip(text.partition(" since ")[0], self.width - at)
        if cells(text) > 5:
            self.write(at, text, ink)

    def line(self) -> Line:
        """The cells as pieces."""
        line: Line = []
        start = 0
        for x in range(1, self.width + 1):
            if x == self.width or self.inks[x] != self.inks[start]:
                line.append(("".join(self.chars[start:x]), self.inks[start]))
                start = x
        return line


def _distance(x: int, left: int, right: int) -> int:
    return max(left - x, x - right, 0)


def _ink(item: SequenceArrow, strong: bool) -> str:
    if strong:
        return "accent!"
    return "dim" if item.fate == "moving" else f"@{item.source}"


def _words(item: SequenceMark) -> str:
    """What a mark says beside its glyph."""
    text = clean(item.text)
    if item.kind in ("timer", "command"):
        return text
    if item.kind == "start":
        return "start"
    kind = clean(item.kind)
    return f"{kind} {text}" if item.agent < 0 and text else kind


def label(item: SequenceArrow, room: int) -> str:
    """A message in so few cells: its kind, and of the values that it carries as many as there is room for."""
    kind = clean(item.kind)
    if room < 2:
        return ""
    if cells(kind) > room - 3:
        return clip(kind, room)
    values = _values(kind, clean(item.summary))
    for count in range(len(values), 0, -1):
        text = f"{kind}({','.join(values[:count])})"
        if cells(text) <= room:
            return text
    return kind


def _values(kind: str, summary: str) -> list[str]:
    """The values in a summary such as `prepare view=0 seq=7`, as far as they are short."""
    if not summary.startswith(kind + " "):
        return []
    values: list[str] = []
    named = False
    for part in summary[len(kind) + 1 :].split(" "):
        name, sign, value = part.partition("=")
        if values and named and not sign:  # another word of the value before
            values[-1] += f" {name}"
            continue
        named = named or bool(sign)
        value = value if sign else name
        if value.startswith("(") and value.endswith(")"):
            value = value[1:-1]
        if not value or len(value) > 12 or not set(value).isdisjoint("()…"):
            break
        values.append(value)
    return values


def shorten(name: str, room: int) -> str:
    """A name in so few cells; the number at its end stays, since it tells agents of a kind apart."""
    if cells(name) <= room:
        return name
    end = name[len(name.rstrip("0123456789")) :]
    if not end or room < len(end) + 2:
        return clip(name, room)
    return clip(name, room - len(end)) + end


def of_agents(shown: int, all_of_them: int) -> str:
    """How many lanes there are of how many agents; empty when all have one."""
    return "" if shown >= all_of_them else f"{shown} of {all_of_them:,} agents"
