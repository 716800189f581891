"""Replicas by phases: how far each is with each request in flight, in votes; the newest request at the right."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from rich.cells import set_cell_size

from engine.views import Health, PhaseCell, PhaseGrid, PhaseRow, Tone
from widgets.board import fill, trim
from widgets.glyphs import CROWN, FOLD, HEALTH, HEALTH_TONE, NO, NO_VOTE, SHADES, TONE, UNHEARD, VOTE, YES, shade
from widgets.lens import Item, Picture
from widgets.text import Line, cells, clean, clip, count, fit, line_cells

LEAST_WIDTH = 30
_NAME, _HEAD, _REQUEST, _NOTE = 12, 6, 14, 30  # most columns of each
_PIPS = 5  # most votes that are drawn one by one
_RULE = " │ "  # between requests


class _Look(NamedTuple):
    """How near the grid is looked at: are phases named in full, and votes told, or is there a shade for each phase?"""

    heads: bool
    votes: bool


_LOOKS = (_Look(True, True), _Look(False, True), _Look(False, False))


class _Plan(NamedTuple):
    """What is drawn, and how wide."""

    look: _Look
    first: int  # the first request shown
    shown: int  # and how many
    widths: tuple[int, ...]  # of the phases, in every request the same
    gutter: int  # for names
    names: int
    note: int
    rows: tuple[int, ...]  # the replicas shown
    hidden: tuple[int, ...]  # and those that are counted only
    lines: _Lines
    health: bool  # a line for the health of the hidden


class _Lines(NamedTuple):
    """Which lines there are above the replicas."""

    banner: bool
    title: bool
    legend: bool  # in a line of its own
    requests: bool
    phases: bool


def natural_width(grid: PhaseGrid, height: int) -> int:
    """The columns beyond which more room gains nothing."""
    plan = _plan(grid, 100_000, height)
    body = plan.gutter + 1 + _block_width(plan.widths, plan.shown, plan.look) + (2 + plan.note if plan.note else 0)
    title = line_cells(_title(grid, _LOOKS[0], 100_000))
    return max(LEAST_WIDTH, body, title, cells(clean(grid.banner)) + 2 if grid.banner else 0)


def draw(grid: PhaseGrid, width: int, height: int) -> list[Line]:
    """The grid in lines of at most `width` cells."""
    return picture(grid, width, height).lines


def items(grid: PhaseGrid, width: int, height: int) -> list[Item]:
    """The requests drawn: of each every line, with its head for a key."""
    return picture(grid, width, height).items


def picture(grid: PhaseGrid, width: int, height: int) -> Picture:
    """Both at once: the lines, and what in them can be selected."""
    if height < 1 or width < 1:
        return Picture([], [])
    if not grid.rows:
        lines = [*_banner(grid, width), _title(grid, _LOOKS[0], width), [("no replica yet", "dim")]]
        return Picture([trim(line, width) for line in lines[:height]], [])
    plan = _plan(grid, width, height)
    there = plan.lines
    lines = _banner(grid, width) if there.banner else []
    lines += [_title(grid, plan.look, width)] if there.title else []
    lines += [fill([], _legend(grid, plan.look), width)] if there.legend else []
    lines += [_request_heads(grid, plan)] if there.requests else []
    lines += [_phase_heads(grid, plan)] if there.phases else []
    lines += [_row(grid, plan, at) for at in plan.rows]
    if plan.hidden:
        lines += _summary(grid, plan, width)
    return Picture([trim(line, width) for line in lines[:height]], _items(grid, plan, width, height))


def _items(grid: PhaseGrid, plan: _Plan, width: int, height: int) -> list[Item]:
    top = sum(plan.lines[:3])
    bottom = min(height, sum(plan.lines) + len(plan.rows) + bool(plan.hidden))
    size = _request_width(plan.widths)
    found: list[Item] = []
    for at in range(plan.shown):
        x = plan.gutter + 1 + at * (size + len(_rule(plan.look)))
        key = grid.requests[plan.first + at]
        found += [Item(y, x, min(size, width - x), key) for y in range(top, bottom) if x < width]
    return found


# what is shown


def _plan(grid: PhaseGrid, width: int, height: int) -> _Plan:
    lines = _lines(grid, width, height)
    room = max(1, height - sum(lines))
    health = False
    shown: tuple[int, ...] = tuple(range(len(grid.rows)))
    hidden: tuple[int, ...] = ()
    if len(grid.rows) > room:
        health = room >= 6
        shown, hidden = _pick(grid, max(0, room - 1 - health))
    names = min(_NAME, max((cells(clean(row.name)) for row in grid.rows), default=0))
    gutter = names + 1 + any(row.crowned for row in grid.rows) + any(row.health != Health.UP for row in grid.rows)
    if hidden:
        gutter = max(gutter, len(f"{FOLD} {count(len(hidden))} more" if width >= 46 else f"{FOLD}{count(len(hidden))}"))
    notes = min(_NOTE, max((cells(clean(grid.rows[at].note)) for at in shown), default=0))
    kept = min(notes, 24 if width >= 100 else 12 if width >= 60 else 8)  # what requests leave to the notes
    total = len(grid.requests)
    plan = _Plan(_LOOKS[0], 0, 0, (), gutter, names, 0, shown, hidden, lines, health)
    if not total:
        return plan._replace(note=max(0, min(notes, width - gutter - 3)))
    for look, wanted, reserve in (
        (_LOOKS[0], 2, kept),
        (_LOOKS[1], 2, kept),
        (_LOOKS[0], 1, kept),
        (_LOOKS[1], 1, kept),
        (_LOOKS[2], 1, kept),
        (_LOOKS[1], 1, 0),
        (_LOOKS[2], 0, 0),
    ):
        widths = _phase_widths(grid, plan, look)
        room = width - gutter - 1 - (2 + reserve if reserve else 0)
        gap = len(_rule(look))
        fitting = max(0, min(total, (room + gap) // (_request_width(widths) + gap)))
        if fitting >= min(wanted, total):
            break
    left = total - fitting
    gutter = max(gutter, len(f"{FOLD}{count(left)}")) if left else gutter
    note = min(notes, max(0, width - gutter - 1 - _block_width(widths, fitting, look) - 2))
    return plan._replace(look=look, first=left, shown=fitting, widths=widths, gutter=gutter, note=note)


def _lines(grid: PhaseGrid, width: int, height: int) -> _Lines:
    """What stands above the replicas. Where that makes room for all of them, legend, title and phases give way."""
    banner = bool(grid.banner)
    some = bool(grid.requests)
    named = some and bool(grid.phases)
    apart = some and line_cells(_title(grid, _LOOKS[0], 100_000)) > width
    ways = [
        _Lines(banner, True, apart, some, named),
        _Lines(banner, True, False, some, named),
        _Lines(banner, False, False, some, named),
        _Lines(banner, False, False, some, False),
    ]
    for way in ways:
        if sum(way) + len(grid.rows) <= height:
            return way
    if height >= 7:
        return ways[0 if height >= 10 else 1]
    return _Lines(banner and height > 1, False, False, some and height > 2, named and height > 4)


def _pick(grid: PhaseGrid, room: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The first replicas, the crowned ones, and some with whom something is wrong; and all others."""
    rows = grid.rows
    crowned = [at for at, row in enumerate(rows) if row.crowned]
    wrong = [at for at, row in enumerate(rows) if row.health != Health.UP and not row.crowned]
    chosen = dict.fromkeys([*crowned[: max(1, room // 3)], *wrong[: room // 3]][:room])
    for at in range(len(rows)):
        if len(chosen) >= room:
            break
        chosen[at] = None
    return tuple(sorted(chosen)), tuple(at for at in range(len(rows)) if at not in chosen)


def _phase_widths(grid: PhaseGrid, plan: _Plan, look: _Look) -> tuple[int, ...]:
    """As wide as the most votes that may come, so that nothing moves while they come."""
    if not look.votes:
        return (1,) * len(grid.phases)
    least = len(str(len(plan.hidden))) if plan.hidden else 1
    widths = [max(least, min(_HEAD, cells(clean(head))) if look.heads else 1) for head in grid.phases]
    for phase in range(len(widths)):
        kinds = set()
        for at in plan.rows:
            for request in grid.rows[at].cells[: len(grid.requests)]:
                cell = request[phase] if phase < len(request) else None
                if cell is not None:
                    kinds.add((cell.have, cell.need, cell.wrong) if cell.need > _PIPS else (0, cell.need, cell.wrong))
        widths[phase] = max([widths[phase], *(line_cells(_votes(PhaseCell(*kind), False)) for kind in kinds)])
        widths[phase] = max([widths[phase], *(2 * len(str(need)) + 1 for _, need, _ in kinds if need > _PIPS)])
    # The head of a request stands above its phases; where it is longer the last of them is wider.
    head = min(_REQUEST if look.heads else 8, max(cells(clean(head)) for head in grid.requests))
    if widths:
        widths[-1] += max(0, head - _request_width(tuple(widths)))
    return tuple(widths)


def _request_width(phases: tuple[int, ...]) -> int:
    return max(1, sum(phases) + len(phases) - 1)


def _block_width(widths: tuple[int, ...], requests: int, look: _Look) -> int:
    return max(0, requests * (_request_width(widths) + len(_rule(look))) - len(_rule(look)))


def _rule(look: _Look) -> str:
    return _RULE if look.votes else "  "


def _cell(row: PhaseRow, request: int, phase: int) -> PhaseCell | None:
    phases = row.cells[request] if request < len(row.cells) else ()
    return phases[phase] if phase < len(phases) else None


# above the replicas


def _banner(grid: PhaseGrid, width: int) -> list[Line]:
    if not grid.banner:
        return []
    tone = grid.banner_tone
    return [[(f"{TONE[tone]} {clip(clean(grid.banner), max(1, width - 2))}", f"{tone}!")]]


def _title(grid: PhaseGrid, look: _Look, width: int) -> Line:
    line: Line = [(clean(grid.title) or "replicas", "title!")]
    legend = [piece for part in _legend(grid, look) for piece in part]
    room = width - line_cells(line) - 3
    return [*line, ("   ", "plain"), *legend] if grid.requests and line_cells(legend) <= room else line


def _legend(grid: PhaseGrid, look: _Look) -> list[Line]:
    """What the marks mean, as far as they occur in the kind of drawing."""
    if look.votes:
        parts: list[Line] = [[(VOTE, "plain"), (" vote", "dim")], [(NO_VOTE, "faint"), (" still needed", "dim")]]
        parts.append([(YES, "good"), (" done", "dim")])
    else:
        parts = [[(SHADES, "plain"), (" none to all votes", "dim")], [(YES, "good"), (" done", "dim")]]
    parts.append([(UNHEARD, "dim"), (" nothing heard", "dim")])
    if any(cell is not None and cell.wrong > 0 for row in grid.rows for phases in row.cells for cell in phases):
        parts.append([(NO, "bad"), (" wrong vote", "dim")])
    if any(row.crowned for row in grid.rows):
        parts.append([(CROWN, "warn"), (" primary", "dim")])
    return [[("  ", "plain"), *part] if at else part for at, part in enumerate(parts)]


def _request_heads(grid: PhaseGrid, plan: _Plan) -> Line:
    hidden = plan.first
    words = f"{FOLD} {count(hidden)} older"
    older = "" if not hidden else words if cells(words) <= plan.gutter else f"{FOLD}{count(hidden)}"
    line: Line = [(fit(older, plan.gutter) + " ", "dim")]
    size = _request_width(plan.widths)
    for at in range(plan.shown):
        name = clean(grid.requests[plan.first + at])
        if cells(name) > size and any(c.isdigit() for c in name):
            # Of "seq 124" the number tells more than the word.
            name = clip(name.split()[-1], size)
        line += [(_rule(plan.look), "faint")] if at else []
        line.append((fit(name, size), "plain!"))
    return line


def _phase_heads(grid: PhaseGrid, plan: _Plan) -> Line:
    line: Line = [(" " * (plan.gutter + 1), "dim")]
    heads = [clean(head) for head in grid.phases]
    words = [
        fit(head if cells(head) <= size else set_cell_size(head, size), size)
        for head, size in zip(heads, plan.widths, strict=True)
    ]
    for at in range(plan.shown):
        line += [(_rule(plan.look), "faint")] if at else []
        line.append((" ".join(words), "dim"))
    return line


# replicas


def _row(grid: PhaseGrid, plan: _Plan, at: int) -> Line:
    row = grid.rows[at]
    line: Line = [(fit(clean(row.name), plan.names) + " ", f"@{row.id}" if row.id >= 0 else "plain")]
    if row.crowned:
        line.append((CROWN, "warn"))
    if row.health != Health.UP:
        line.append((HEALTH[row.health], HEALTH_TONE[row.health]))
    line.append((" " * (plan.gutter + 1 - line_cells(line)), "plain"))
    for number in range(plan.shown):
        line += [(_rule(plan.look), "faint")] if number else []
        for phase, size in enumerate(plan.widths):
            line += [(" ", "plain")] if phase else []
            cell = _cell(row, plan.first + number, phase)
            line += _marks(cell, phase == len(plan.widths) - 1, size, plan.look)
    if row.note and plan.note:
        line += [("  ", "plain"), (clip(clean(row.note), plan.note), "dim" if row.tone == "plain" else row.tone)]
    return line


def _marks(cell: PhaseCell | None, last: bool, size: int, look: _Look) -> Line:
    """A cell of the grid, in exactly `size` columns."""
    if cell is None:
        return [(fit(UNHEARD, size), "dim")]
    line = _votes(cell, last) if look.votes else _shade(cell)
    used = line_cells(line)
    return [*line, (" " * (size - used), "plain")] if used < size else line


def _votes(cell: PhaseCell, last: bool) -> Line:
    """The votes of a phase: a pip for each; from six on in figures. The last phase, when it is one thing, is done."""
    have, need = max(0, cell.have), max(1, cell.need)
    if need == 1:
        line: Line = [(YES if last else VOTE, "good")] if have else [(NO_VOTE, "faint")]
    elif need <= _PIPS:
        there = min(have, need)
        line = [(VOTE * there, "good" if there == need else "plain"), (NO_VOTE * (need - there), "faint")]
    elif have >= need:
        line = [(f"{have}{YES}", "good")]
    else:
        line = [(f"{have}/{need}", "plain" if have else "faint")]
    if cell.wrong > 0:
        line.append((NO if cell.wrong == 1 else f"{NO}{cell.wrong}", "bad"))
    return [piece for piece in line if piece[0]]


def _shade(cell: PhaseCell) -> Line:
    have, need = max(0, cell.have), max(1, cell.need)
    if have >= need:
        return [(YES, "good")]
    return (
        [(NO, "bad")] if cell.wrong > 0 else [(shade(have / need) if have else NO_VOTE, "plain" if have else "faint")]
    )


def _summary(grid: PhaseGrid, plan: _Plan, width: int) -> list[Line]:
    """How many of the replicas that have no line of their own have finished each phase; and what is wrong with them."""
    hidden = [grid.rows[at] for at in plan.hidden]
    total = count(len(hidden))
    label = f"{FOLD} {total} more"
    line: Line = [(fit(label if cells(label) <= plan.gutter else f"{FOLD}{total}", plan.gutter) + " ", "dim")]
    for number in range(plan.shown):
        line += [(_rule(plan.look), "faint")] if number else []
        for phase, size in enumerate(plan.widths):
            seen = [_cell(row, plan.first + number, phase) for row in hidden]
            done = sum(cell is not None and cell.have >= max(1, cell.need) for cell in seen)
            line += [(" ", "plain")] if phase else []
            tone: Tone = "good" if done == len(hidden) else "plain" if done else "dim"
            text = str(done) if plan.look.votes else YES if done == len(hidden) else shade(done / len(hidden))
            line.append((fit(text, size), tone))
    words = ""
    if plan.shown and plan.widths:
        words = "have finished the phase"
        if line_cells(line) + 2 + len(words) <= width:
            line.append((f"  {words}", "dim"))
            words = ""
    if not plan.health:
        return [line]
    ill: Counter[Health] = Counter(row.health for row in hidden if row.health != Health.UP)
    parts: list[Line] = [
        [(f" {HEALTH[health]} {count(ill[health])}", HEALTH_TONE[health]), (f" {health}", "dim")]
        for health in Health
        if ill[health]
    ]
    parts = parts or [[(f" {HEALTH[Health.UP]} all of these are up", "dim")]]
    start: Line = [(f"↑ {words} " if words else " ", "dim")]
    return [line, fill(start, parts, width)]
