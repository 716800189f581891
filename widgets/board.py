"""The auction's board: a block for each open task, with its bids as a ladder; a line for each that is closed."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec.structs import replace

from engine.views import Bid, BidStatus, Board, BoardTask, Tone
from widgets.glyphs import AMOUNT, DONE_PART, FOLD, NO_AMOUNT, OPEN_PART, TONE, UNHEARD, YES
from widgets.lens import Item, Picture
from widgets.text import Line, cells, clean, clip, count, fit, fit_line, line_cells, share

LEAST_WIDTH = 30
_COLUMN = 50  # the least columns of a task where several stand side by side
_GAP = 3  # columns between tasks that stand side by side
_MOST_ACROSS = 4
_ID, _STATE, _NAME, _ABOUT = 14, 14, 12, 48  # most columns of each
_LADDER_BAR = 24  # most columns of a bid's bar
_WORK_BAR, _LEASE_BAR = 12, 6
_LEASE_LOW = 0.3
_SAMPLE = 24  # tasks, and bids of each, that say how wide all are
_PREVIEW = 4  # lines of a task where most have one
_ENDED = {"abandoned", "cancelled", "canceled", "closed", "completed", "done", "dropped", "expired", "failed"}
_ENDED |= {"finished", "refused", "unsold", "withdrawn"}

_STATUS: dict[BidStatus, tuple[str, Tone]] = {
    "open": ("", "plain"),
    "best": ("best", "accent"),
    "won": (f"won {YES}", "good"),
    "lost": ("lost", "dim"),
    "refused": ("refused", "dim"),
    "late": ("late", "warn"),
}


def natural_width(board: Board, height: int) -> int:
    """The columns beyond which more room gains nothing."""
    tasks = board.tasks[:_SAMPLE]
    if not tasks:
        return max(LEAST_WIDTH, line_cells(_title(board, 10_000)))
    shape = _shape(board)
    one = max(_COLUMN, *(_natural(board, task, shape) for task in tasks))
    room = max(1, height - 1)
    for across in range(1, min(_MOST_ACROSS, len(board.tasks)) + 1):
        width = across * (one + _GAP) - _GAP
        if _arrange(board, shape, one, across, room, spaced=False) is not None:
            break
    return max(width, line_cells(_title(board, 10_000)))


def draw(board: Board, width: int, height: int) -> list[Line]:
    """The board in lines of at most `width` cells."""
    return picture(board, width, height).lines


def items(board: Board, width: int, height: int) -> list[Item]:
    """The lines of the tasks drawn, each with its task's id for a key."""
    return picture(board, width, height).items


# what other stages draw alike


def part_of(value: float | None) -> float:
    """A share as a number of 0 to 1, whatever it is; nothing, and what is no number, is 0."""
    return min(1.0, max(0.0, value)) if value is not None and value == value else 0.0


def bar(value: float | None, width: int, full: str = DONE_PART, empty: str = OPEN_PART) -> tuple[str, str]:
    """The two parts of a bar. Only nothing at all is drawn empty, and only all of it is drawn full."""
    value, width = part_of(value), max(0, width)
    filled = round(value * width)
    if value > 0:
        filled = max(1, filled)
    if value < 1:
        filled = min(width - 1, filled)
    filled = max(0, min(width, filled))
    return full * filled, empty * (width - filled)


def trim(line: Line, width: int) -> Line:
    """The line, cut with an ellipsis where it is longer than `width`."""
    return line if line_cells(line) <= width else fit_line(line, width)


def fill(start: Line, parts: Sequence[Line], width: int) -> Line:
    """The line and as many of the parts, from the first on, as have room behind it."""
    line = list(start)
    for part in parts:
        if line_cells(line) + line_cells(part) > width:
            break
        line += part
    return line


# the whole


class _Shape(NamedTuple):
    """How wide the columns are that all tasks share; `about` in the lines of open ones and of closed ones."""

    id: int
    state: int
    about: tuple[int, int]


class _Place(NamedTuple):
    """Where a task stands, and in how many lines."""

    task: BoardTask
    column: int
    y: int
    size: int


def picture(board: Board, width: int, height: int) -> Picture:
    """Both at once: the lines, and what in them can be selected."""
    if height < 1 or width < 1:
        return Picture([], [])
    lines = [trim(_title(board, width), width)]
    if not board.tasks:
        words = "no task yet" if board.total < 1 else f"{FOLD} {count(board.total)} tasks, none of them open"
        return Picture([*lines, trim([(words, "dim")], width)][:height], [])
    if height == 1:
        return Picture(lines, [])
    shape = _shape(board)
    across, places, left_out = _choose(board, shape, width, height - 1)
    each = (width - _GAP * (across - 1)) // across
    columns: list[list[Line]] = [[] for _ in range(across)]
    found: list[Item] = []
    for place in places:
        column = columns[place.column]
        column += [[] for _ in range(place.y - len(column))]
        block = _block(board, place.task, shape, each, place.size)
        x = place.column * (each + _GAP)
        found += [Item(1 + place.y + at, x, each, place.task.id) for at in range(len(block))]
        column += block
    if left_out:
        columns[-1] += [[] for _ in range(height - 2 - len(columns[-1]))]
        columns[-1].append(left_out)
    for y in range(max(len(column) for column in columns)):
        line: Line = []
        for at, column in enumerate(columns):
            piece = column[y] if y < len(column) else []
            last = at == across - 1
            line += trim(piece, each) if last else [*fit_line(piece, each), (" " * _GAP, "plain")]
        lines.append(line)
    return Picture(lines, found)


def _title(board: Board, width: int) -> Line:
    ended = sum(_ended(task) for task in board.tasks)
    total = max(board.total, len(board.tasks))
    counts = f"   {count(len(board.tasks) - ended)} open, {count(ended)} closed"
    whole: Line = [(f", {count(total)} in all", "dim")] if total > len(board.tasks) else []
    unit = f" in {clean(board.unit)}" if board.unit else ""
    rule = f"   bids{unit}: the {'highest' if board.rising else 'lowest'} wins"
    return fill([(clean(board.title) or "tasks", "title!")], [[(counts, "dim")], whole, [(rule, "dim")]], width)


def _ended(task: BoardTask) -> bool:
    """Nothing will happen to it any more."""
    return _says_ended(task.state)


@lru_cache(maxsize=1024)
def _says_ended(state: str) -> bool:
    """By its first word: what follows may say when, or by whom."""
    words = state.casefold().split()
    return bool(words) and words[0].strip(".,:;") in _ENDED


def _shape(board: Board) -> _Shape:
    tasks = board.tasks
    about = [0, 0]
    for task in tasks:
        ended = _ended(task)
        about[ended] = max(about[ended], min(_ABOUT, cells(clean(task.about))))
    return _Shape(
        min(_ID, max((cells(clean(task.id)) for task in tasks), default=0)),
        min(_STATE, max((cells(clean(task.state)) for task in tasks), default=0)),
        (about[0], about[1]),
    )


def _choose(board: Board, shape: _Shape, width: int, height: int) -> tuple[int, list[_Place], Line]:
    """As few tasks side by side as show everything, else as many as have room."""
    most = max(1, min(_MOST_ACROSS, (width + _GAP) // (_COLUMN + _GAP), len(board.tasks)))
    for across in range(1, most + 1):
        each = (width - _GAP * (across - 1)) // across
        for spaced in (True, False):
            places = _arrange(board, shape, each, across, height, spaced)
            if places is not None:
                return across, places, []
    each = (width - _GAP * (most - 1)) // most
    return most, *_squeeze(board, shape, each, most, height)


def _arrange(board: Board, shape: _Shape, width: int, across: int, height: int, spaced: bool) -> list[_Place] | None:
    """Every task in full, or None when they do not fit; `spaced` with a line between blocks."""
    if len(board.tasks) > across * height:
        return None
    tasks = _sorted(board)
    return _pack(tasks, [_full(task, shape, width) for task in tasks], across, height, spaced)


def _squeeze(board: Board, shape: _Shape, width: int, across: int, height: int) -> tuple[list[_Place], Line]:
    """Shorter ladders, then a line for each open task, then fewer tasks. Closed ones keep a quarter of the room."""
    room = across * height
    tasks = _sorted(board)
    waiting = sum(not _ended(task) for task in tasks)
    kept = min(len(tasks) - waiting, max(1, room // 4) if room > 4 else 0)
    crowded = waiting + kept > room or _most_even(tasks[:waiting], kept, shape, width, across, height) < _PREVIEW
    if crowded:
        tasks = sorted(tasks, key=lambda task: (_ended(task), _worked_on(task)))
    fold = int(crowded or waiting + kept < len(tasks))
    waiting = min(waiting, room - fold)
    kept = min(kept, room - fold - waiting)
    full = [_full(task, shape, width) for task in tasks[:waiting]]
    places: list[_Place] | None = None
    if crowded:  # not all can be seen, so let the first ones at least be seen well
        sizes = [min(size, _PREVIEW) if at < room // (2 * _PREVIEW) else 1 for at, size in enumerate(full)]
        # One after another they take more lines: so many as have room before the last one, which counts the others.
        waiting = bisect_left(
            range(1, len(sizes) + 1),
            True,
            key=lambda many: _pack(tasks[: many + 1], [*sizes[:many], 1], across, height, False) is None,
        )
        places = _pack(tasks[:waiting], sizes[:waiting], across, height, False)
    else:
        for most in range(min(height, max(full, default=1)), 0, -1):
            sizes = [min(size, most) for size in full]
            if _pack(tasks[: waiting + kept + fold], [*sizes, *[1] * (kept + fold)], across, height, False) is not None:
                places = _pack(tasks[:waiting], sizes, across, height, False)
                break
    places = places or []
    column, y = (places[-1].column, places[-1].y + places[-1].size) if places else (0, 0)
    free = (across - column) * height - y
    rest = len(tasks) - waiting
    kept = rest if rest <= free else max(0, free - 1)
    for task in tasks[waiting : waiting + kept]:
        if y == height:
            column, y = column + 1, 0
        places.append(_Place(task, column, y, 1))
        y += 1
    hidden = len(tasks) - len(places)
    places = _grow(places, full, across, height, int(bool(hidden)))
    if not hidden:
        return places, []
    hidden_open = sum(not _ended(task) for task in tasks[len(places) :])
    words = f"{FOLD} {count(hidden)} more"
    detail = f": {count(hidden_open)} open, {count(hidden - hidden_open)} closed"
    if hidden_open in (0, hidden):
        detail = ", all open" if hidden_open else ", all closed"
    return places, fill([(words, "dim")], [[(detail, "dim")]], width)


def _most_even(tasks: Sequence[BoardTask], closed: int, shape: _Shape, width: int, across: int, height: int) -> int:
    """How many lines each of these open tasks could get, at most, beside so many closed ones; 0 where not even one."""
    full = [_full(task, shape, width) for task in tasks]
    if not full or max(full) < _PREVIEW:
        return _PREVIEW  # nobody has a ladder to be cut
    room = across * height - closed - 1
    return room // len(full)


def _grow(places: list[_Place], full: list[int], across: int, height: int, fold: int) -> list[_Place]:
    """The lines that are still free below the tasks of a column go to those of its ladders that were cut."""
    grown: list[_Place] = []
    at = 0
    for column in range(across):
        here = [place for place in places if place.column == column]
        free = height - sum(place.size for place in here) - (fold if column == across - 1 else 0)
        y = 0
        for place in here:
            more = max(0, min(free, full[at] - place.size)) if at < len(full) else 0
            grown.append(place._replace(y=y, size=place.size + more))
            y += place.size + more
            free -= more
            at += 1
    return grown


def _sorted(board: Board) -> list[BoardTask]:
    return sorted(board.tasks, key=_ended)


def _pack(tasks: Sequence[BoardTask], sizes: list[int], across: int, height: int, spaced: bool) -> list[_Place] | None:
    """The tasks one below another, and on in the next column; None when they do not fit."""
    places: list[_Place] = []
    column = y = before = 0
    for task, size in zip(tasks, sizes, strict=False):
        gap = int(spaced and y > 0 and (size > 1 or before > 1))
        if y + gap + size > height:
            column, y, gap = column + 1, 0, 0
        if column >= across or size > height:
            return None
        places.append(_Place(task, column, y + gap, size))
        y += gap + size
        before = size
    return places


# one task


def _full(task: BoardTask, shape: _Shape, width: int) -> int:
    """The lines that a task takes when nothing of it is left out."""
    if _ended(task):
        return 1
    reasons = {bid.text for bid in task.bids if bid.status == "refused"}
    offers = sum(bid.status != "refused" for bid in task.bids)
    below = _about_below(task, shape, width) + _note_below(task, shape, width)
    return 1 + below + _worked_on(task) + offers + len(reasons)


def _worked_on(task: BoardTask) -> bool:
    return bool(task.winner_name) or task.winner >= 0 or task.progress is not None or task.lease is not None


def _about_below(task: BoardTask, shape: _Shape, width: int) -> bool:
    """What a task is about has a line of its own where its head line is too short for it."""
    return bool(task.about) and line_cells(_front(task, shape, width)) + cells(clean(task.about)) > width


def _note_below(task: BoardTask, shape: _Shape, width: int) -> bool:
    """What is noted of a task stands in its head line where it fits there."""
    return bool(task.note) and line_cells(_head(task, shape, width)) + 2 + cells(clean(task.note)) > width


def _natural(board: Board, task: BoardTask, shape: _Shape) -> int:
    head = 2 + shape.id + 2 + shape.state + 2 + cells(clean(task.about)) + 2 + cells(clean(task.note))
    if _ended(task):
        return 2 + shape.id + 2 + shape.state + 2 + shape.about[1] + 2 + line_cells(_brief(task, 99))
    few = replace(task, bids=task.bids[:_SAMPLE])
    ladder = [line_cells(line) for line in _ladder(board, few, 10_000, _SAMPLE)]
    return max([head, line_cells(_work(task, 10_000)), *ladder])


def _block(board: Board, task: BoardTask, shape: _Shape, width: int, size: int) -> list[Line]:
    if size <= 1 or _ended(task):
        return [trim(_one_line(task, shape, width), width)]
    head = _head(task, shape, width)
    lines = [head]
    spare = size - 1 - _worked_on(task) - bool(task.bids)  # of a ladder that is cut, a bid at least is to stay
    if spare > 0 and _about_below(task, shape, width):
        lines = [_front(task, shape, width), [("  ", "plain"), (clean(task.about), "plain")]]
    if task.note and not _note_below(task, shape, width):
        lines[0] = [*head, ("  ", "plain"), (clean(task.note), "dim")]
    elif task.note and spare >= len(lines):
        lines.append([("  ", "plain"), (clean(task.note), "dim")])
    if _worked_on(task):
        lines.append(_work(task, width))
    lines += _ladder(board, task, width, size - len(lines))
    return [trim(line, width) for line in lines[:size]]


def _front(task: BoardTask, shape: _Shape, width: int) -> Line:
    """Mark, id and state, each in a column of its own."""
    gap = "  " if width >= 56 else " "
    mark = TONE[task.tone]
    bright = not _ended(task)
    return [
        ((UNHEARD if mark == " " else mark) + " ", task.tone if mark != " " else "dim"),
        (fit(clean(task.id), shape.id) + gap, "title!" if bright else "plain"),
        (fit(clean(task.state), shape.state) + gap, task.tone if bright or task.tone != "plain" else "dim"),
    ]


def _head(task: BoardTask, shape: _Shape, width: int) -> Line:
    front = _front(task, shape, width)
    return [*front, (clip(clean(task.about), width - line_cells(front)), "plain")]


def _one_line(task: BoardTask, shape: _Shape, width: int) -> Line:
    """A whole task in a line: what it is about, and how it stands or how it ended."""
    front = _front(task, shape, width)
    room = width - line_cells(front)
    brief = _brief(task, room)
    ink = "dim" if _ended(task) else "plain"
    if room < 20:
        telling = task.progress is not None or not task.about
        return [*front, *brief] if telling else [*front, (clip(clean(task.about), room), ink)]
    # The same for all tasks, so that what follows stands in a column.
    about = min(shape.about[_ended(task)], max(12, room * 11 // 20)) if brief else room
    return [*front, (fit(clean(task.about), about), ink), ("  ", "plain"), *brief]


def _brief(task: BoardTask, room: int) -> Line:
    """How a task stands, or how it ended."""
    parts: list[Line] = []
    offers = [bid for bid in task.bids if bid.status != "refused"]
    if _ended(task) and (task.winner_name or task.winner >= 0 or not task.bids):
        if task.winner_name or task.winner >= 0:
            won = next((bid for bid in offers if bid.status == "won"), None)
            parts.append([_agent(task.winner, task.winner_name)])
            if won is not None and won.amount is not None:
                parts[-1].append((f" {_amounts(task, '')[task.bids.index(won)]}", "dim"))
    elif task.progress is not None or task.lease is not None:
        full, empty = bar(task.progress, 6 if room >= 16 else 0)
        parts.append([_agent(task.winner, task.winner_name), (" " + full, "accent"), (empty, "faint")])
        parts[-1].append((f" {share(part_of(task.progress))}", "plain"))
        if task.lease is not None and part_of(task.lease) < _LEASE_LOW:
            parts.append([(f"! lease {clean(task.lease_text)}".rstrip(), "warn")])
    elif _worked_on(task):
        parts.append([("to ", "dim"), _agent(task.winner, task.winner_name)])
    elif offers and not _ended(task):
        best = next((at for at, bid in enumerate(task.bids) if bid.status in ("best", "won")), None)
        if best is not None:
            bid = task.bids[best]
            parts.append([("best ", "dim"), _agent(bid.bidder, bid.name), (f" {_amounts(task, '')[best]}", "plain")])
        parts.append([(f"{count(len(offers))} {'bid' if len(offers) == 1 else 'bids'}", "dim")])
    elif offers:
        parts.append([(f"{count(len(offers))} {'bid' if len(offers) == 1 else 'bids'}, none took it", "dim")])
    elif task.bids:
        parts.append([(f"{count(len(task.bids))} refuse" + "s" * (len(task.bids) == 1), "warn")])
    if task.note:
        parts.append([(clean(task.note), "dim")])
    line: Line = []
    for part in parts:
        line += [("  ", "plain"), *part] if line else part
    return line


def _work(task: BoardTask, width: int) -> Line:
    """The winner, how far it is, and how much of its lease is left."""
    name, colour = _agent(task.winner, task.winner_name)
    start: Line = [("  ", "plain"), ("└ ", "faint"), (clip(name, _NAME if width >= 40 else 8), colour)]
    if task.progress is None and task.lease is None:
        return [*start, (" has it", "dim")]
    left = part_of(task.lease)
    tone: Tone = "warn" if left < _LEASE_LOW else "plain"
    text = clean(task.lease_text) or share(left)
    mark = "! " if tone == "warn" else "  "
    line = start
    # The lease is what runs out: rather than it, the bars become shorter.
    for work, lease in ((_WORK_BAR, _LEASE_BAR), (_WORK_BAR, 0), (6, 0), (3, 0), (0, 0)):
        line = list(start)
        if task.progress is not None:
            full, empty = bar(task.progress, work)
            line += [(" " + full, "accent"), (empty, "faint")] if work else []
            line.append((f" {share(part_of(task.progress)):>4}", "plain"))
        if task.lease is not None:
            full, empty = bar(left, lease, AMOUNT, NO_AMOUNT)
            line += [(f" {mark}lease ", tone), (full, tone), (empty + " " * bool(lease), "faint"), (text, tone)]
        if line_cells(line) <= width:
            break
    return line


def _agent(agent: int, name: str) -> tuple[str, str]:
    return (clean(name) or (f"agent {agent}" if agent >= 0 else "nobody"), f"@{agent}" if agent >= 0 else "plain")


# its bids


class _Rung(NamedTuple):
    """A line of a ladder: a bid, or all those who refuse for the same reason."""

    bids: tuple[int, ...]
    refusal: bool


def _rungs(task: BoardTask) -> list[_Rung]:
    """The bids in their order, and behind them the refusals by their reasons."""
    offers: list[_Rung] = []
    refusals: dict[str, list[int]] = {}
    for at, bid in enumerate(task.bids):
        if bid.status == "refused":
            refusals.setdefault(bid.text, []).append(at)
        else:
            offers.append(_Rung((at,), False))
    return offers + [_Rung(tuple(who), True) for who in refusals.values()]


def _ladder(board: Board, task: BoardTask, width: int, room: int) -> list[Line]:
    """The bids in at most `room` lines. When not all have room the winning one stays, and the last line counts."""
    rungs = _rungs(task)
    if room < 1 or not rungs:
        return []
    shown = list(range(len(rungs)))
    if len(rungs) > room:
        shown = sorted(shown, key=lambda at: (not _leads(task, rungs[at]), at))[: max(1, room - 1)]
        shown.sort()
    hidden = [rungs[at] for at in sorted(set(range(len(rungs))) - set(shown))]
    words_left = _hidden(task, hidden) if hidden else ""
    beside = hidden and room == 1  # then it has to stand in the bid's own line
    if beside:
        if width < 56:
            words_left = f"{FOLD} {count(sum(len(rung.bids) for rung in hidden))} more"
        width -= cells(words_left) + 2
    amounts = _amounts(task, board.unit)
    drawn = [at for rung in shown if not rungs[rung].refusal for at in rungs[rung].bids]
    names = min(_NAME, max((cells(clean(task.bids[at].name)) for at in drawn), default=0))
    figures = max((len(amounts[at]) for at in drawn), default=0)
    words = max((len(_STATUS[task.bids[at].status][0]) for at in drawn), default=0)
    texts = min(30, max((cells(clean(task.bids[at].text)) + 2 for at in drawn if task.bids[at].text), default=0))
    free = width - 4 - names - 1 - 1 - figures - (2 + words if words else 0)
    length = max(min(free, 6), min(free - texts, _LADDER_BAR))
    scale = max((_size(task.bids[at].amount) for at in drawn), default=0.0)
    lines: list[Line] = []
    for at in shown:
        rung = rungs[at]
        if rung.refusal:
            lines.append(_refusal(task, rung, width))
            continue
        bid = task.bids[rung.bids[0]]
        lines.append(_offer(bid, amounts[rung.bids[0]], names, figures, max(0, length), scale))
    if beside:
        return [[*fit_line(lines[0], max(0, width)), (f"  {words_left}", "dim")]]
    return [*lines, [("    ", "plain"), (words_left, "dim")]] if hidden else lines


def _leads(task: BoardTask, rung: _Rung) -> bool:
    return task.bids[rung.bids[0]].status in ("best", "won")


def _offer(bid: Bid, amount: str, names: int, figures: int, length: int, scale: float) -> Line:
    word, tone = _STATUS[bid.status]
    colour = _agent(bid.bidder, bid.name)[1]
    faded = bid.status in ("lost", "late")
    line: Line = [("    ", "plain"), (fit(clean(bid.name), names) + " ", colour)]
    if length >= 3:
        full, empty = bar(_size(bid.amount) / scale if scale else 0.0, length, AMOUNT, " ")
        line += [(full, "faint" if faded else colour), (empty + " ", "plain")]
    line.append((amount.rjust(figures), "dim" if faded else "plain"))
    if word:
        line.append((f"  {word}", tone))
    if bid.text:
        line.append((f"  {clean(bid.text)}", "dim"))
    return line


def _refusal(task: BoardTask, rung: _Rung, width: int) -> Line:
    """Who refuses, as many by name as leave half of the room for the reason, and why."""
    bids = [task.bids[at] for at in rung.bids]
    verb = " refuses" if len(bids) == 1 else " refuse"
    why = f"{verb}: {clean(bids[0].text)}" if bids[0].text else verb
    room = max(12, width - 4 - min(cells(why), width // 2))
    line: Line = [("    ", "plain")]
    for at, bid in enumerate(bids):
        last = at + 1 == len(bids)
        rest = f"{FOLD} {count(len(bids) - at)} more"
        name = clip(clean(bid.name) or "somebody", _NAME) + ("" if last else " ")
        if at and line_cells(line) - 4 + cells(name) + (0 if last else cells(rest)) > room:
            line.append((rest, "dim"))
            break
        line.append((name, _agent(bid.bidder, bid.name)[1]))
    return [*line, (why, "dim")]


def _hidden(task: BoardTask, rungs: list[_Rung]) -> str:
    """How many bids are left out, and what became of them."""
    bids = [task.bids[at] for rung in rungs for at in rung.bids]
    refused = sum(bid.status == "refused" for bid in bids)
    offers = len(bids) - refused
    parts = []
    if offers:
        parts.append(f"{count(offers)} more {'bid' if offers == 1 else 'bids'}")
    if refused:
        parts.append(f"{count(refused)} refuse{'s' if refused == 1 else ''}")
    return f"{FOLD} {', '.join(parts)}"


def _size(amount: float | None) -> float:
    """How long a bar stands for an amount: as long as it is, whichever its sign; nothing for what is no number."""
    return abs(amount) if amount is not None and math.isfinite(amount) else 0.0


def _amounts(task: BoardTask, unit: str) -> list[str]:
    """The amounts as texts, all with as few places as tell them exactly, and at most two."""
    finite = [bid.amount for bid in task.bids if bid.amount is not None and math.isfinite(bid.amount)]
    largest = max((abs(amount) for amount in finite), default=0.0)
    places = 0
    if largest < 1e4:
        places = next((p for p in (0, 1) if all(abs(amount - round(amount, p)) < 1e-9 for amount in finite)), 2)
    unit = f" {clean(unit)}" if unit and cells(clean(unit)) <= 2 else ""
    texts: list[str] = []
    for bid in task.bids:
        if bid.amount is None:
            texts.append("–")
        elif not math.isfinite(bid.amount):
            texts.append("?" if bid.amount != bid.amount else "∞" if bid.amount > 0 else "-∞")
        elif largest >= 1e7 or (0 < largest < 0.01):
            texts.append(f"{bid.amount:.3g}")
        else:
            texts.append(f"{bid.amount:,.{places}f}{unit}")
    return texts
