"""The network drawing: agents where their layout puts them, links as dotted lines, messages on their way.

Three layers, each cached: links (until layout, size, partition or choice change), agents over them (the rows in which
one changed), and messages (drawn anew every frame, by cutting them into the rows below).
"""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from engine.views import Health, Layout, NetworkNode, NetworkView
from widgets import glyphs
from widgets.canvas import BRAILLE, Raster
from widgets.drawing import Drawing
from widgets.legend import WIDTH as LEGEND
from widgets.legend import in_one_line, legend_lines
from widgets.motion import STOPS, arrow_head, between, distance, nearest_towards, progress
from widgets.placing import Placing, Spot, candidates, name_text, place
from widgets.strips import LeanStrip, Piece
from widgets.text import Line, cells, clean, fit_line, line_cells

_WIDE = 90  # from this width on the legend stands at the right, below it in a line
_ARROWS = 40  # with at most so many messages each gets an arrow head
_CROWDED = 25  # with more than a message per so many cells they become dots
_MARKED_CUTS = 16  # at most so many cut links are marked
_FADES = 0.8  # and fades near the time it was due
_DASH = (1, 5)  # dots drawn and left out on a link that a partition cuts
_THIN = 0.22  # with more than this share of all dots taken by links, these are thinned out
_EMPTY = NetworkView(
    layout=Layout(version=-1, positions={}, edges=(), edges_total=0),
    nodes=(),
    moving=(),
    moving_total=0,
    kinds=(),
    cuts=(),
    now=0,
)

_Run = tuple[int, int, int, str]  # from column, to column, ink, text
_Mark = tuple[str, int]  # a character and its ink


class NetworkPane(Drawing, can_focus=True):
    """Draws a NetworkView. Keys: arrows choose an agent, enter inspects it. Mouse: agents, links, messages."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose('up')", "Up", show=False, id="network.up", tooltip="The nearest agent above"),
        Binding("down", "choose('down')", "Down", show=False, id="network.down", tooltip="The nearest agent below"),
        Binding("left", "choose('left')", "Left", show=False, id="network.left", tooltip="The nearest agent left"),
        Binding("right", "choose('right')", "Right", show=False, id="network.right", tooltip="The nearest agent right"),
        Binding("enter", "inspect", "Inspect", show=False, id="network.inspect", tooltip="Inspect the chosen agent"),
    ]

    class AgentClicked(Message):
        """An agent was clicked."""

        def __init__(self, agent_id: int) -> None:
            super().__init__()
            self.agent_id = agent_id

    class Selected(Message):
        """Another agent was chosen, by a click or an arrow key."""

        def __init__(self, agent_id: int) -> None:
            super().__init__()
            self.agent_id = agent_id

    class Inspect(Message):
        """Enter or a double click on an agent."""

        def __init__(self, agent_id: int) -> None:
            super().__init__()
            self.agent_id = agent_id

    class LinkClicked(Message):
        """A link was clicked; `a` is the smaller id."""

        def __init__(self, a: int, b: int) -> None:
            super().__init__()
            self.a = a
            self.b = b

    class MessageClicked(Message):
        """A moving message was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    selected: reactive[int | None] = reactive(None, repaint=False)
    """The id of the highlighted agent."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._view = _EMPTY
        self._by_id: dict[int, NetworkNode] = {}
        self._stale = True
        self._forget_drawing()

    def _forget_drawing(self) -> None:
        self._placing = Placing({}, {}, (), {}, False)
        self._links: list[tuple[list[str], list[int]]] = []  # characters and inks of the rows of links
        self._items: dict[int, set[int]] = {}  # agents that draw something in a row
        self._notes: dict[int, list[tuple[int, str, str]]] = {}  # texts over links that belong to no agent
        self._runs: list[list[_Run]] = []
        self._moving: list[dict[int, _Mark]] = []
        self._legend: list[Line] = []
        self._info: list[Line] = []
        self._blocked: set[Spot] = set()  # cells of agents, which messages pass behind
        self._named: set[Spot] = set()  # cells of names, which only what is lost covers
        self._strips: dict[int, LeanStrip] = {}
        self._drawn_for: tuple[Spot, int, int, int | None] | None = None
        self._groups: tuple[int, ...] = ()
        self._degree = 0  # links of the chosen agent

    # the caller's side

    def show(self, view: NetworkView) -> None:
        """Draw this view; only lines that differ from the last one are drawn anew."""
        old, self._view = self._view, view
        changed: list[int] = []
        if view.nodes is not old.nodes and view.nodes != old.nodes:
            self._by_id = {node.id: node for node in view.nodes}
            pairs = [pair for pair in zip(view.nodes, old.nodes, strict=False) if pair[0] != pair[1]]
            changed = [new.id for new, _ in pairs]
            if (
                len(view.nodes) != len(old.nodes)
                or any(_relabelled(*pair) for pair in pairs)
                or self._group_key() != self._groups
            ):
                self._stale = True
        if self._stale or not self._is_drawn():
            self._stale = True
            self.refresh()
            return
        dirty = self._redraw_agents(changed)
        dirty |= self._move_messages()
        dirty |= self._write_words()
        for y in dirty:
            self._strips.pop(y, None)
        self.refresh_lines(sorted(dirty))

    def watch_selected(self) -> None:
        """Highlight the chosen agent and its links."""
        self._stale = True
        self.refresh()

    # drawing

    def forget(self) -> None:
        """A new size or theme."""
        self._stale = True

    def draw_line(self, y: int) -> LeanStrip:
        """A row of the drawing with its part of the legend, or a line of words below it."""
        if self._stale:
            self._draw_all()
        strip = self._strips.get(y)
        if strip is None:
            strip = self._strips[y] = self._line(y)
        return strip

    @property
    def _canvas(self) -> tuple[int, int]:
        """Columns and rows of the drawing itself."""
        width, height = self.size
        wide = width >= _WIDE
        below = 0 if height < 8 else 1 if wide else 2
        return max(0, width - (LEGEND if wide else 0)), max(0, height - below)

    def _is_drawn(self) -> bool:
        layout = self._view.layout
        return self._drawn_for == (self._canvas, layout.version, len(layout.positions), self.selected)

    def _group_key(self) -> tuple[int, ...]:
        groups = tuple([node.group for node in self._view.nodes])
        return groups if any(groups) else ()

    def _draw_all(self) -> None:
        """Everything from the layout up."""
        self._forget_drawing()
        self._stale = False
        width, height = self._canvas
        view = self._view
        self._by_id = {node.id: node for node in view.nodes}
        if self.selected is not None and self.selected not in self._by_id and self._by_id:
            self.set_reactive(NetworkPane.selected, None)
        self._drawn_for = (self._canvas, view.layout.version, len(view.layout.positions), self.selected)
        self._groups = self._group_key()
        if not width or not height:
            return
        self._placing = placing = place(view.layout, view.nodes, width, height)
        self._draw_links(width, height)
        for agent, (_, y) in placing.spots.items():
            self._items.setdefault(y, set()).add(agent)
        for agent, (_, y, _) in placing.names.items():
            self._items.setdefault(y, set()).add(agent)
        if self.selected is not None and self.selected in placing.spots and self.selected not in placing.names:
            self._name_chosen(self.selected, width, height)
        for x, y, text in placing.heads:
            self._notes.setdefault(y, []).append((x, text, "title"))
        self._runs = [self._draw_row(y) for y in range(height)]
        self._blocked = set(placing.spots.values())
        for x, y, text in (*placing.names.values(), *placing.heads):
            self._named.update((x + at, y) for at in range(cells(text)))
        self._moving = [{} for _ in range(height)]
        self._move_messages()
        self._write_words()
        self._strips.clear()

    def _name_chosen(self, agent: int, width: int, height: int) -> None:
        """The chosen agent has its name even where there was no room for it."""
        node, spot = self._by_id.get(agent), self._placing.spots[agent]
        if node is None:
            return
        places = candidates(name_text(node), spot, width, height)
        if places:
            free = set(self._placing.spots.values())
            best = min(places, key=lambda at: sum((at[0] + n, at[1]) in free for n in range(cells(at[2]))))
            self._placing.names[agent] = best
            self._items.setdefault(best[1], set()).add(agent)

    def _draw_links(self, width: int, height: int) -> None:
        """Links as dots: those of the chosen agent in the accent, those cut by a partition with gaps."""
        spots, nodes, chosen = self._placing.spots, self._by_id, self.selected
        near = Raster(width, height)
        far = Raster(width, height)
        cut: list[tuple[Spot, Spot]] = []
        gap = self._gap(width, height)
        for a, b in self._view.layout.edges:
            if a not in spots or b not in spots:
                continue
            (ax, ay), (bx, by) = spots[a], spots[b]
            mine = chosen in (a, b)
            self._degree += mine
            raster = near if mine else far
            on, off = 1, 0 if mine else gap
            if self._groups and a in nodes and b in nodes and nodes[a].group != nodes[b].group:
                cut.append((spots[a], spots[b]))
                if gap and not mine:
                    continue
                on, off = _DASH
            raster.line(2 * ax + 1, 4 * ay + 1, 2 * bx + 1, 4 * by + 1, on, off)
        if len(cut) <= _MARKED_CUTS:
            for (ax, ay), (bx, by) in cut:
                self._notes.setdefault((ay + by) // 2, []).append(((ax + bx) // 2, "╳", "warn"))
        plain, strong = self.ink("faint"), self.ink("accent")
        for y in range(height):
            row = list(far.row(y))
            inks = [plain] * width
            if chosen is not None:
                start = y * width
                for x, bits in enumerate(near.bits[start : start + width]):
                    if bits:
                        row[x] = BRAILLE[bits | far.bits[start + x]]
                        inks[x] = strong
            self._links.append((row, inks))

    def _gap(self, width: int, height: int) -> int:
        """Dots to leave out after each drawn one, so that many links become a haze and not a wall."""
        spots = self._placing.spots
        dots = 0
        for a, b in self._view.layout.edges:
            if a in spots and b in spots:
                dots += max(2 * abs(spots[a][0] - spots[b][0]), 4 * abs(spots[a][1] - spots[b][1]))
        return min(7, int(dots / (_THIN * 8 * width * height)))

    def _draw_row(self, y: int) -> list[_Run]:
        """Links, names and agents of a row as runs in one ink each."""
        row, inks = self._links[y]
        row, inks = row.copy(), inks.copy()
        for x, text, ink in self._notes.get(y, ()):
            self._write(row, inks, x, text, ink)
        agents = sorted(self._items.get(y, ()))
        for agent in agents:
            name = self._placing.names.get(agent)
            if name is not None and name[1] == y:
                self._write_name(row, inks, name[0], name[2], agent)
        for agent in agents:
            x, at = self._placing.spots[agent]
            if at == y:
                self._write_agent(row, inks, x, y, agent)
        return _runs(row, inks)

    def _write(self, row: list[str], inks: list[int], x: int, text: str, ink: str) -> None:
        number = self.ink(ink)
        for character in text:
            if 0 <= x < len(row):
                row[x] = character
                inks[x] = number
            x += 1

    def _write_name(self, row: list[str], inks: list[int], x: int, text: str, agent: int) -> None:
        node = self._by_id.get(agent)
        chosen = agent == self.selected
        ink = f"@{agent}!/cursor" if chosen else f"@{agent}"
        if cells(text) != len(text):  # wide characters would shift the cells after them
            text = "".join(c if cells(c) == 1 else "?" * cells(c) for c in text)
        self._write(row, inks, x, text, ink)
        if node is not None and node.label and not chosen:
            mark = clean(node.label)[:2]
            self._write(row, inks, x + text.index(mark) if mark in text else x, mark, "accent!")

    def _write_agent(self, row: list[str], inks: list[int], x: int, y: int, agent: int) -> None:
        crowd = self._placing.crowds.get((x, y))
        chosen = agent == self.selected
        if crowd is not None:
            if agent == crowd[0] or chosen:
                glyph, ink = self._crowd_mark(crowd)
                here = self.selected in crowd
                self._write(row, inks, x, glyph, f"{ink}!/cursor" if here else ink)
            return
        node = self._by_id.get(agent)
        if node is None:
            return
        if self._placing.gathered:
            glyph = glyphs.member(node.health, node.tone)
            ink = _ink_of(node) if node.health != Health.UP or node.tone != "plain" else "plain"
        else:
            glyph, ink = glyphs.node(node.health, node.tone), _ink_of(node)
        if chosen:
            if not self._placing.gathered:
                self._write(row, inks, x - 1, "[", "accent!")
                self._write(row, inks, x + 1, "]", "accent!")
            ink = f"{ink.rstrip('!')}!/cursor"
        self._write(row, inks, x, glyph, ink)

    def _crowd_mark(self, crowd: tuple[int, ...]) -> tuple[str, str]:
        """A cell that stands for several agents: a shade for the share that is not dim, or what is wrong with most."""
        tones: dict[str, int] = {}
        for agent in crowd:
            node = self._by_id.get(agent)
            if node is None:
                tone = "dim"
            elif node.health != Health.UP:
                tone = node.health.value
            else:
                tone = node.tone
            tones[tone] = tones.get(tone, 0) + 1
        lit = {tone: number for tone, number in tones.items() if tone != "dim"}
        if not lit:
            return glyphs.shade(0), "dim"
        most = max(lit, key=lambda tone: (lit[tone], tone))
        for health in Health:
            if health.value == most and health != Health.UP:
                return glyphs.HEALTH[health], glyphs.HEALTH_TONE[health]
        return glyphs.shade(sum(lit.values()) / len(crowd)), most

    def _redraw_agents(self, changed: list[int]) -> set[int]:
        """Draw anew the rows that these agents stand in."""
        rows: set[int] = set()
        for agent in changed:
            if agent in self._placing.spots:
                rows.add(self._placing.spots[agent][1])
            if agent in self._placing.names:
                rows.add(self._placing.names[agent][1])
        for y in rows:
            self._runs[y] = self._draw_row(y)
        return rows

    def _move_messages(self) -> set[int]:
        """Put every message where it is now; returns the rows that look different."""
        width, height = self._canvas
        view = self._view
        spots, blocked, named = self._placing.spots, self._blocked, self._named
        moving = view.moving
        now = view.now
        crowded = len(moving) * _CROWDED > width * height
        arrows = not crowded and len(moving) <= _ARROWS
        plain, bad, gone = self.ink("accent"), self.ink("bad"), self.ink("dim")
        rows: list[dict[int, _Mark]] = [{} for _ in range(height)]
        for message in moving:
            start, end = spots.get(message.source), spots.get(message.target)
            if start is None or end is None:
                continue
            sent = message.sent
            span = message.due - sent
            part = (now - sent) / span if span > 0 else 1.0
            if part < 0.0 or part > 1.0:
                part = 0.0 if part < 0.0 else 1.0
            mark: _Mark
            if message.lost and part >= STOPS:
                mark = (glyphs.LOST, bad) if part < _FADES else (glyphs.LOST_FADING, gone)
                part = STOPS
                x, y = between(start, end, part)
                if (x, y) not in blocked:
                    rows[y][x] = mark
                continue
            ax, ay = start
            bx, by = end
            x, y = int(ax + (bx - ax) * part + 0.5), int(ay + (by - ay) * part + 0.5)
            if (x, y) in blocked or (x, y) in named:
                continue
            rows[y][x] = (glyphs.DOT if crowded else message.letter[:1] or glyphs.DOT, plain)
            if arrows:
                ahead, head = arrow_head(start, end, x)
                if 0 <= ahead < width and (ahead, y) not in blocked and (ahead, y) not in named:
                    rows[y].setdefault(ahead, (head, plain))
        old, self._moving = self._moving, rows
        return {y for y, row in enumerate(rows) if row != old[y]}

    def _write_words(self) -> set[int]:
        """The legend, and what is said below the drawing; returns the lines that look different."""
        width, height = self._canvas
        total = self.size.width
        dirty: set[int] = set()
        legend = legend_lines(self._view)
        below = self.size.height - height
        info: list[Line] = []
        if total > width:
            if below:
                info.append(fit_line(self._say(total), total))
        else:
            if below > 1:
                info.append(fit_line(in_one_line(legend, total), total))
            if below:
                info.append(fit_line(self._say(total), total))
            legend = []
        if legend != self._legend:
            old = self._legend
            for y in range(max(len(legend), len(old))):
                if y >= len(legend) or y >= len(old) or legend[y] != old[y]:
                    dirty.add(y)
            self._legend = legend
        if info != self._info:
            dirty.update(range(height, self.size.height))
            self._info = info
        return {y for y in dirty if y < self.size.height}

    def _say(self, width: int) -> Line:
        """The line below: who is cut from whom, and the chosen agent."""
        chosen: Line = []
        node = self._by_id.get(self.selected) if self.selected is not None else None
        if node is not None:
            links = self._degree
            chosen = [
                (f"{glyphs.node(node.health, node.tone)} ", _ink_of(node)),
                (clean(node.name), f"@{node.id}"),
                (f" {node.health.value}", "dim"),
                (f" · {links} links" if links else "", "dim"),
                (" ", "plain"),
            ]
        line: Line = []
        if self._view.cuts:
            line = [(f" {glyphs.CUT} cut ", "warn"), ("   ".join(map(clean, self._view.cuts)), "plain")]
        room = width - line_cells(chosen)
        if room < 12:
            return line or chosen
        return [*fit_line(line, room), *chosen]

    def _line(self, y: int) -> LeanStrip:
        """A line from its runs, with the messages cut in, and the legend beside them."""
        width, height = self._canvas
        if y >= height:
            at = y - height
            line = self._info[at] if at < len(self._info) else []
            return self.strip(line, self.size.width)
        pieces: list[Piece] = []
        marks = self._moving[y] if y < len(self._moving) else {}
        runs = self._runs[y] if y < len(self._runs) else []
        if not marks:
            pieces = [(text, ink) for _, _, ink, text in runs]
        else:
            columns = sorted(marks)
            columns.append(width + 1)
            at = 0
            column = columns[0]
            for start, end, ink, text in runs:
                here = start
                while column < end:
                    if column > here:
                        pieces.append((text[here - start : column - start], ink))
                    pieces.append(marks[column])
                    here = column + 1
                    at += 1
                    column = columns[at]
                if here < end:
                    pieces.append((text[here - start :], ink))
        if not runs:
            pieces = [(" " * width, self.ink("plain"))]
        if self.size.width > width:
            legend = self._legend[y] if y < len(self._legend) else []
            pieces = pieces + self.pieces(fit_line(legend, self.size.width - width))
        return LeanStrip(pieces, self.size.width, self.inks)

    # keys and mouse

    def action_choose(self, direction: str) -> None:
        """Choose the nearest agent in a direction; the first one when none is chosen."""
        spots = self._placing.spots
        if not spots:
            return
        chosen = self.selected
        if chosen is None or chosen not in spots:
            self._choose(min(spots))
            return
        found = nearest_towards(spots, chosen, direction)
        if found is not None:
            self._choose(found)

    def _choose(self, agent: int) -> None:
        if agent != self.selected:
            self.selected = agent
            self.post_message(self.Selected(agent))

    def action_inspect(self) -> None:
        """Ask for the chosen agent to be inspected."""
        if self.selected is not None:
            self.post_message(self.Inspect(self.selected))

    def on_click(self, event: events.Click) -> None:
        """Tell what was clicked: a message, an agent, a link; agents win over messages."""
        if event.button != 1:
            return
        spot = (event.x, event.y)
        agent = self.agent_at(spot)
        if agent is not None:
            event.stop()
            self._choose(agent)
            self.post_message(self.Inspect(agent) if event.chain == 2 else self.AgentClicked(agent))
            return
        message = self.message_at(spot)
        if message is not None:
            event.stop()
            self.post_message(self.MessageClicked(message))
            return
        link = self.link_at(spot)
        if link is not None:
            event.stop()
            self.post_message(self.LinkClicked(*link))

    def agent_at(self, spot: Spot) -> int | None:
        """The agent that stands, or whose name stands, in a cell."""
        placing = self._placing
        for agent, at in placing.spots.items():
            if at == spot:
                return self.selected if self.selected in placing.crowds.get(spot, ()) else agent
        for agent, (x, y, text) in placing.names.items():
            if y == spot[1] and x <= spot[0] < x + cells(text):
                return agent
        return None

    def message_at(self, spot: Spot) -> int | None:
        """The number of the newest message drawn in a cell."""
        spots = self._placing.spots
        for message in reversed(self._view.moving):
            start, end = spots.get(message.source), spots.get(message.target)
            if start is not None and end is not None and between(start, end, progress(message, self._view.now)) == spot:
                return message.number
        return None

    def link_at(self, spot: Spot) -> tuple[int, int] | None:
        """The ends of the nearest link drawn through a cell."""
        spots = self._placing.spots
        best: tuple[float, tuple[int, int]] | None = None
        for a, b in self._view.layout.edges:
            if a in spots and b in spots:
                away = distance(spot, spots[a], spots[b])
                if away <= 0.75 and (best is None or away < best[0]):
                    best = (away, (min(a, b), max(a, b)))
        return best[1] if best else None


def _relabelled(new: NetworkNode, old: NetworkNode) -> bool:
    """Whether another agent, or another text, stands there, so that names are to be placed anew."""
    return new.id != old.id or new.label != old.label or new.name != old.name


def _ink_of(node: NetworkNode) -> str:
    if node.health != Health.UP:
        return f"{glyphs.HEALTH_TONE[node.health]}!"
    if node.tone == "plain":
        return f"@{node.id}"
    return node.tone if node.tone == "dim" else f"{node.tone}!"


def _runs(row: list[str], inks: list[int]) -> list[_Run]:
    """Neighbouring cells of one ink put together; a blank goes with what is before it."""
    runs: list[_Run] = []
    if not row:
        return runs
    start, current = 0, inks[0]
    for x, ink in enumerate(inks):
        if ink != current:
            runs.append((start, x, current, "".join(row[start:x])))
            start, current = x, ink
    runs.append((start, len(row), current, "".join(row[start:])))
    return runs
