"""A pool of workers as tiles, and the queue before it; many workers shrink to a cell each, whose shade is its load."""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import NamedTuple

from engine.views import Health, Pool, PoolWorker
from widgets.board import bar, part_of, trim
from widgets.glyphs import AMOUNT, FOLD, GAUGE, HEALTH, HEALTH_TONE, NO_AMOUNT, SHADES, SUSPECT, TONE, shade
from widgets.lens import Item, Picture
from widgets.text import Line, cells, clean, clip, count, fit, line_cells

LEAST_WIDTH = 30
_NAME, _TEXT, _GROUP = 10, 16, 12  # most columns of each
_QUEUE_BAR = 20  # most columns of the bar of the queue
_TEN = 10  # cells that stand together, so that they can be counted
_NAMED = 150  # the most workers that are told apart by their names; of more, a picture of them all says more
_UNLOADED = {Health.STARTING, Health.CRASHED, Health.FAILED}
"""Of these the load says nothing."""


_Teams = tuple[tuple[str, tuple[PoolWorker, ...]], ...]


class _Look(NamedTuple):
    """What a tile shows, in how many columns, and how wide it is without the gap behind it. A cell is 1 wide."""

    width: int
    gap: int
    name: int = 0
    bar: int = 0
    text: int = 0
    phi: int = 0
    tens: bool = False


class _Plan(NamedTuple):
    """How the workers stand: in teams, or all in a nameless one; with heads at the left where `gutter` is not 0."""

    teams: _Teams
    gutter: int
    look: _Look
    across: int
    heads: list[Line]
    legend: list[Line]
    notes: list[Line]


def natural_width(pool: Pool, height: int) -> int:
    """The columns beyond which more room gains nothing."""
    head = line_cells(_head(pool, 10_000))
    if not pool.workers:
        return max(LEAST_WIDTH, head)
    look = _looks(pool)[0]
    teams = _teams(pool)
    rows = max(1, (height - 2 - min(len(pool.notes), 3)) // len(teams))
    across = max(ceil(len(members) / rows) for _, members in teams)
    return max(LEAST_WIDTH, head, _gutter(teams) + across * (look.width + look.gap) - look.gap)


def draw(pool: Pool, width: int, height: int) -> list[Line]:
    """The pool in lines of at most `width` cells."""
    return picture(pool, width, height).lines


def items(pool: Pool, width: int, height: int) -> list[Item]:
    """The workers drawn, each with its name for a key."""
    return picture(pool, width, height).items


def picture(pool: Pool, width: int, height: int) -> Picture:
    """Both at once: the lines, and what in them can be selected."""
    if height < 1 or width < 1:
        return Picture([], [])
    plan = _plan(pool, width, height)
    lines = [*plan.heads, *plan.legend, *plan.notes]
    found: list[Item] = []
    if not pool.workers:
        lines.append([("no worker yet", "dim")])
    else:
        found = _tiles(pool, plan, lines, width, height)
    return Picture([trim(line, width) for line in lines[:height]], found)


# above the workers


def _heads(pool: Pool, width: int, height: int) -> list[Line]:
    """Title, size and queue, in a line or in two; where lines are dear, the title is not."""
    one = _head(pool, width)
    title = clean(pool.title)
    if not title or line_cells(one) <= width:
        return [one]
    return [[(clip(title, width), "title!")], _figures(pool, width)][-1 if height < 7 else 0 :]


def _head(pool: Pool, width: int) -> Line:
    title = clean(pool.title)
    if not title:
        return _figures(pool, width)
    return [(title, "title!"), ("   ", "plain"), *_figures(pool, max(0, width - cells(title) - 3))]


def _figures(pool: Pool, width: int) -> Line:
    """How many workers there are and ought to be, and how long the queue is."""
    missing = pool.wanted - pool.actual
    ink = "warn!" if missing else "plain!"
    if width < 50:
        line: Line = [("pool ", "dim"), (count(pool.actual), ink), (f" of {count(pool.wanted)}  queue", "dim")]
    else:
        line = [("wanted ", "dim"), (count(pool.wanted), "plain!"), (f" {GAUGE} ", "faint")]
        line += [("pool ", "dim"), (count(pool.actual), ink)]
        if missing:
            line.append((f" ({count(abs(missing))} {'short' if missing > 0 else 'over'})", "warn"))
        line.append(("   queue", "dim"))
    over = pool.queue > pool.queue_scale
    tail: Line = [(f" {'! ' if over else ''}{count(pool.queue)}", "warn" if over else "plain!")]
    room = width - line_cells(line) - line_cells(tail) - 1
    size = min(_QUEUE_BAR, room)
    if size >= 3:
        full, empty = bar(
            pool.queue / pool.queue_scale if pool.queue_scale > 0 else pool.queue, size, AMOUNT, NO_AMOUNT
        )
        line += [(" " + full, "warn" if over else "accent"), (empty, "faint")]
    return line + tail


def _legend(pool: Pool, look: _Look, width: int, room: int, mixed: bool) -> list[Line]:
    """How many workers are how, which explains the marks; and what the bars or shades mean."""
    healths = Counter(worker.health for worker in pool.workers)
    parts: list[Line] = [[("teams mixed", "dim")]] if mixed else []
    for health in Health:
        if not healths[health]:
            continue
        if health == Health.UP and not look.bar:
            parts.append([(f"{SHADES} {count(healths[health])}", "plain"), (" up, idle to full", "dim")])
        else:
            parts.append([(f"{HEALTH[health]} {count(healths[health])}", HEALTH_TONE[health])])
            parts[-1].append((f" {health.value}", "dim"))
    suspected = sum(worker.suspected for worker in pool.workers)
    if suspected:
        parts.append([(f"{SUSPECT} {count(suspected)}", "warn"), (" suspected", "dim")])
    if look.phi:
        parts.append([("φ", "plain"), (" suspicion", "dim")])
    lines: list[Line] = []
    while parts and len(lines) < room:
        line: Line = []
        last = len(lines) == room - 1
        while parts:
            part: Line = [("  ", "plain"), *parts[0]] if line else parts[0]
            if line and line_cells(line) + line_cells(part) + (2 if last and len(parts) > 1 else 0) > width:
                break
            line += part
            parts = parts[1:]
        if parts and last:
            line.append((f" {FOLD}", "dim"))
        lines.append(line)
    return lines


def _notes(pool: Pool, room: int, width: int) -> list[Line]:
    shown = len(pool.notes) if len(pool.notes) <= room else max(0, room - 1)
    lines: list[Line] = [[(f"{TONE[tone]} {clip(clean(text), width - 2)}", tone)] for text, tone in pool.notes[:shown]]
    hidden = len(pool.notes) - shown
    if hidden and room > 0:
        lines.append([(f"{FOLD} {count(hidden)} more {'note' if hidden == 1 else 'notes'}", "dim")])
    return lines


# the workers


def _plan(pool: Pool, width: int, height: int) -> _Plan:
    """The richest tiles of which all have room; where there are none, all teams in one; else the smallest."""
    heads = _heads(pool, width, height)
    legends = (height >= 3) + (height >= 10) if pool.workers else 0
    notes = _notes(pool, min(4, (height - len(heads) - legends) // 3), width)
    teams, looks = _teams(pool), _looks(pool)
    names = min(_NAME, max((cells(clean(worker.name)) for worker in pool.workers), default=0)) + 2
    ways = [(teams, _gutter(teams), look) for look in looks]
    if ways[0][1]:
        ways += [((("", pool.workers),), 0, look) for look in looks[-3:]]
    else:  # cells have no names: that of a line's first is its head, where there is room
        ways = [way for way in ways if way[2].width > 1]
        ways += [(teams, gutter, look) for look in looks if look.width == 1 for gutter in (names, 0)]
    for members, gutter, look in ways:
        legend = _legend(pool, look, width, legends, len(members) < len(teams))
        room = max(1, height - len(heads) - len(legend) - len(notes))
        gutter = min(gutter, width // 2)
        across = _across(look, width - gutter)
        if across and sum(ceil(len(team) / across) for _, team in members) <= room:
            break
    return _Plan(members, gutter, look, max(1, across), heads, legend, notes)


def _teams(pool: Pool) -> _Teams:
    """The teams in the order in which they first occur."""
    found: dict[str, list[PoolWorker]] = {}
    for worker in pool.workers:
        found.setdefault(worker.group, []).append(worker)
    return tuple((name, tuple(members)) for name, members in found.items())


def _gutter(teams: _Teams) -> int:
    """The columns for the teams' heads: a name, and how many of its workers are up."""
    if not any(name for name, _ in teams):
        return 0
    return max(min(_GROUP, cells(clean(name) or "none")) + 1 + len(_up(members)) for name, members in teams) + 2


def _up(members: tuple[PoolWorker, ...]) -> str:
    up = sum(worker.health not in _UNLOADED for worker in members)
    return f"{up}/{len(members)}"


def _looks(pool: Pool) -> list[_Look]:
    """From everything there is to say of a worker to a cell."""
    name = min(_NAME, max((cells(clean(worker.name)) for worker in pool.workers), default=0))
    text = max((cells(_text(worker)) - 9 * (worker.health in _UNLOADED) for worker in pool.workers), default=0)
    text = min(_TEXT, ceil(max(0, text) / 4) * 4)  # in steps, so that tiles do not shift whenever a word is longer
    phi = max((cells(_phi(worker)) for worker in pool.workers), default=0)
    marks = 1 + 1 + any(worker.suspected for worker in pool.workers)  # blank, health, suspicion
    looks: list[_Look] = []
    if len(pool.workers) <= _NAMED:
        for size, words, doubt in ((8, text, phi), (5, text, phi), (5, min(text, 8), 0), (5, 0, 0), (3, 0, 0)):
            size_all = name + marks + 1 + size + (1 + words if words else 0) + (1 + doubt if doubt else 0)
            looks.append(_Look(size_all, 3 if words else 2, name, size, words, doubt))
        looks.append(_Look(name + marks, 2, name))
    return [*looks, _Look(1, 1), _Look(1, 0, tens=True), _Look(1, 0)]


def _across(look: _Look, width: int) -> int:
    """How many tiles have room beside one another."""
    if look.tens:
        return (width + 1) // (_TEN + 1) * _TEN
    return max(0, (width + look.gap) // (look.width + look.gap))


def _tiles(pool: Pool, plan: _Plan, lines: list[Line], width: int, height: int) -> list[Item]:
    """Adds the lines of tiles; the last one counts those that have no room."""
    look, room = plan.look, height - len(lines)
    teamed = any(name for name, _ in plan.teams)
    rows: list[tuple[str, tuple[PoolWorker, ...], tuple[PoolWorker, ...]]] = []
    for name, members in plan.teams:
        for start in range(0, len(members), plan.across):
            rows.append((name if start == 0 else "", members, members[start : start + plan.across]))
    shown = rows if len(rows) <= room else rows[: max(0, room - 1)]
    found: list[Item] = []
    for name, members, tiles in shown:
        y = len(lines)
        line: Line = []
        size = max(0, plan.gutter - 2)
        if size and teamed:
            first = tiles[0] is members[0]
            tally = _up(members) if first else ""
            head = fit((clean(name) or "none") if first else "", max(0, size - len(tally) - 1))
            line = [(head, "title!"), (fit(" " + tally, size - cells(head)) + "  ", "dim")]
        elif size:
            line = [(fit(clean(tiles[0].name), size) + "  ", "dim")]
        x = plan.gutter
        for at, worker in enumerate(tiles):
            gap = 1 if look.tens and at and at % _TEN == 0 else 0
            x += gap
            line.append((" " * (gap + (look.gap if at else 0)), "plain"))
            if look.width == 1:
                line.append(_cell(worker))
            else:
                line += _tile(worker, look, at == len(tiles) - 1)
            if x < width:
                found.append(Item(y, x, min(look.width, width - x), worker.name))
            x += look.width + look.gap
        lines.append(line)
    hidden = len(pool.workers) - len(found)
    if len(shown) < len(rows) and room > 0:
        lines.append([(f"{FOLD} {count(hidden)} more", "dim")])
    return found


def _tile(worker: PoolWorker, look: _Look, last: bool) -> Line:
    """A worker in exactly the width of its look, or less at the end of a line."""
    marks = HEALTH[worker.health] if look.bar or worker.health != Health.UP else shade(part_of(worker.fill))
    line: Line = [(fit(clean(worker.name), look.name) + " ", _colour(worker)), (marks, HEALTH_TONE[worker.health])]
    rest = (1 + look.bar if look.bar else 0) + (1 + look.text if look.text else 0) + (1 + look.phi if look.phi else 0)
    if look.width - look.name - 2 > rest:
        line.append((SUSPECT if worker.suspected else " ", "warn"))
    if look.bar:
        words = _text(worker)
        tone = "dim" if HEALTH_TONE[worker.health] == "plain" else HEALTH_TONE[worker.health]
        if worker.health in _UNLOADED:
            room = look.bar + (1 + look.text if look.text else 0)
            line.append((" " + fit(words if look.text or cells(words) <= room else "", room), tone))
        else:
            full, empty = bar(worker.fill, look.bar)
            line += [(" " + full, _colour(worker)), (empty, "faint")]
            line += [(" " + fit(words, look.text), tone)] if look.text else []
    if look.phi:
        line.append((" " + fit(_phi(worker), look.phi), "warn" if worker.suspected else "dim"))
    used = line_cells(line)
    if used < look.width and not last:
        line.append((" " * (look.width - used), "plain"))
    return line


def _cell(worker: PoolWorker) -> tuple[str, str]:
    """A worker in one cell: what is wrong with it, else its load."""
    if worker.suspected:
        return SUSPECT, "warn"
    if worker.health != Health.UP:
        return HEALTH[worker.health], HEALTH_TONE[worker.health]
    return shade(part_of(worker.fill)), "accent" if part_of(worker.fill) >= 1 else "plain"


def _colour(worker: PoolWorker) -> str:
    return f"@{worker.id}" if worker.id >= 0 else "plain"


def _text(worker: PoolWorker) -> str:
    """What is said of a worker; of one that is not up, at least how it is."""
    return clean(worker.text) or ("" if worker.health == Health.UP else worker.health.value)


def _phi(worker: PoolWorker) -> str:
    value = worker.suspicion
    if value is None or value != value:
        return ""
    return f"φ {value:.1f}" if abs(value) < 100 else "φ >99" if value > 0 else "φ <0"
