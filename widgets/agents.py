"""The agents pane: one row each, with health, role, load, state and the scenario's own columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from textual.message import Message

from engine.views import AgentRow, AgentsView, Column, Health
from widgets.glyphs import HEALTH, HEALTH_TONE
from widgets.linelist import LineList
from widgets.pane import Pane
from widgets.text import Line, cells, clean, fit

_LOAD = 6  # cells of the load bar
_EMPTY = AgentsView(columns=(), rows=())


class _Field(NamedTuple):
    """A column as it is drawn: `key` is name, role, state, load, or the number of the scenario's own."""

    key: str | int
    title: str
    width: int
    align: str


def load_bar(load: float, width: int = _LOAD) -> tuple[str, str]:
    """A load of 0 to 1 as a bar: what is filled, in steps of half a cell, and what is free."""
    halves = round(min(1.0, max(0.0, load)) * width * 2)
    filled = "━" * (halves // 2) + "╸" * (halves % 2)
    return filled, "─" * (width - len(filled))


class AgentsTable(LineList):
    """The body of the agents pane."""

    def __init__(self) -> None:
        super().__init__(header=1)
        self._view = _EMPTY
        self._shown_rows: Sequence[AgentRow] = ()
        self._filter = ""
        self._chosen: int | None = None
        self._fields: tuple[_Field, ...] = ()
        self._fields_for: Any = None
        self._widths: dict[str, int] = {}
        self._widths_for: Any = None

    @property
    def chosen(self) -> int | None:
        """The id of the agent under the cursor."""
        return self._chosen

    @property
    def counts(self) -> tuple[int, int]:
        """Rows shown, and rows there are."""
        return len(self._shown_rows), len(self._view.rows)

    def show(self, view: AgentsView) -> None:
        """Draw this view, keeping the chosen agent."""
        self._view = view
        self._sift()

    def set_filter(self, text: str) -> None:
        """Show only agents that have the text in their name, role, state, health or cells."""
        self._filter = text.strip().casefold()
        self._sift()

    def choose(self, agent: int | None) -> None:
        """Put the cursor on an agent, without a message."""
        self._chosen = agent
        self._sift()
        if self.cursor is not None:
            self.move_cursor(self.cursor, tell=False)

    def agent_at(self, index: int) -> int:
        """The id of the agent in a row."""
        return self._shown_rows[index].id

    def _sift(self) -> None:
        rows = self._view.rows
        self._shown_rows = [row for row in rows if self._passes(row)] if self._filter else rows
        self.rows = len(self._shown_rows)
        self._measure()
        if self._chosen is None and self._shown_rows:
            self._chosen = self._shown_rows[0].id
        self._find_chosen()
        self.rows_changed()

    def _find_chosen(self) -> None:
        """Put the cursor where the chosen agent is now; if it is gone, its successor is chosen."""
        rows, at = self._shown_rows, self.cursor
        if at is not None and at < len(rows) and rows[at].id == self._chosen:
            return
        found = next((index for index, row in enumerate(rows) if row.id == self._chosen), None)
        if found is None and rows and not self._filter:
            found = min(at or 0, len(rows) - 1)
            self._chosen = rows[found].id
        self.cursor = found

    def move_cursor(self, index: int, tell: bool = True) -> None:
        """Choose the agent in a row."""
        if self.rows:
            self._chosen = self._shown_rows[max(0, min(index, self.rows - 1))].id
        super().move_cursor(index, tell)

    def _passes(self, row: AgentRow) -> bool:
        text = " ".join((row.name, row.role, row.state, row.health.value, *row.cells))
        return self._filter in text.casefold()

    # columns

    def _measure(self) -> None:
        """Widths grow with what is in sight and never shrink, so that nothing dances."""
        view = self._view
        rows = view.rows
        crowd = (len(rows), view.columns, rows[0].name if rows else "")
        widths = self._widths
        if crowd != self._widths_for:
            self._widths_for = crowd
            widths.clear()
            widths["name"] = max((cells(clean(row.name)) for row in rows), default=4)
            roles = {row.role for row in rows}
            widths["role"] = max(map(cells, roles)) if len(roles) > 1 else 0
            widths["load"] = _LOAD if any(row.load is not None for row in rows) else 0
            widths["state"] = 0
        for row in self._shown_rows[self.top : self.top + self.room]:
            if row.state and len(row.state) > widths["state"]:
                widths["state"] = min(16, cells(clean(row.state)))
            if row.load is not None:
                widths["load"] = _LOAD
        key = (self.size.width, widths["name"], widths["role"], widths["load"], widths["state"], view.columns)
        if key != self._fields_for:
            self._fields_for = key
            self._fields = lay_out(self.size.width - 1, widths, view.columns)
            self.forget()

    def on_resize(self) -> None:
        """Choose the columns that fit."""
        self._measure()

    # drawing

    def header_key(self) -> Any:
        """The header changes with the columns."""
        return self._fields

    def empty_line(self) -> str:
        """Why there is no row."""
        return f"no agent matches “{self._filter}”" if self._filter else "no agents"

    def row_key(self, index: int) -> Any:
        """A row is drawn anew when it differs."""
        return self._shown_rows[index]

    def draw_header(self, y: int, width: int) -> Line:
        """The columns' titles."""
        line: Line = [("   ", "dim")]
        for field in self._fields:
            line.append((fit(clean(field.title), field.width, field.align) + " ", "dim"))
        return line

    def draw_row(self, index: int, width: int) -> Line:
        """Glyph, name, and what else fits."""
        row = self._shown_rows[index]
        health = HEALTH_TONE[row.health]
        fine = row.health == Health.UP
        line: Line = [(" ", "plain"), (HEALTH[row.health] + " ", f"@{row.id}" if fine else health)]
        for field in self._fields:
            line.extend(self._draw_cell(row, field))
            line.append((" ", "plain"))
        return line

    def _draw_cell(self, row: AgentRow, field: _Field) -> Line:
        width = field.width
        if field.key == "name":
            return [(fit(clean(row.name), width), f"@{row.id}")]
        if field.key == "role":
            return [(fit(clean(row.role), width), "dim")]
        if field.key == "state":
            fine = row.health == Health.UP
            return [(fit(clean(row.state), width), row.tone if fine else HEALTH_TONE[row.health])]
        if field.key == "load":
            if row.load is None:
                return [(" " * width, "plain")]
            filled, free = load_bar(row.load, width)
            return [(filled, "warn" if row.load >= 0.9 else "accent"), (free, "faint")]
        at = int(field.key)
        text = clean(row.cells[at]) if at < len(row.cells) else ""
        return [(fit(text, width, field.align), "plain" if row.health == Health.UP else "dim")]


def lay_out(width: int, widths: dict[str, int], columns: tuple[Column, ...]) -> tuple[_Field, ...]:
    """The columns that fit in `width` cells, from the left; those that do not fit are left out.

    `widths` gives what name, role, state and load would take; 0 leaves one out. The name is cut before it is left out,
    and where the role would take the state's place it goes.
    """
    fields = [_Field("name", "agent", min(widths["name"], max(4, width // 2)), "left")]
    wanted = [
        _Field("role", "role", min(widths["role"], 12), "left"),
        _Field("state", "state", max(widths["state"], 5) if widths["state"] else 0, "left"),
        _Field("load", "load", widths["load"], "left"),
    ]
    for at, column in enumerate(columns):
        size = max(column.width, cells(column.title))
        wanted.append(_Field(at, column.title, size, column.align))
    room = width - 3 - max(fields[0].width, 5) - 1
    fields[0] = fields[0]._replace(width=max(fields[0].width, 5))
    role, state = wanted[:2]
    if role.width + 1 <= room < role.width + 1 + state.width + 1 <= room + role.width + 1:
        wanted.remove(role)
    for field in wanted:
        if not field.width:
            continue
        if field.width + 1 > room:
            break
        fields.append(field)
        room -= field.width + 1
    return tuple(fields)


class AgentsPane(Pane):
    """The agents, one row each. Keys: arrows, page up and down, home, end; enter inspects."""

    PANE_TITLE: ClassVar[str] = "Agents"

    class Selected(Message):
        """Another agent was chosen: `agent_id`."""

        def __init__(self, agent_id: int) -> None:
            super().__init__()
            self.agent_id = agent_id

    class Inspect(Message):
        """Enter or a double click on an agent: `agent_id`."""

        def __init__(self, agent_id: int) -> None:
            super().__init__()
            self.agent_id = agent_id

    def __init__(
        self, *, number: int | None = 1, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        self._table = AgentsTable()
        super().__init__(self._table, number=number, name=name, id=id, classes=classes)
        self._filter = ""

    @property
    def selected(self) -> int | None:
        """The id of the chosen agent; the first one until another is chosen, None when there is none."""
        return self._table.chosen

    def show(self, view: AgentsView) -> None:
        """Draw this view; the chosen agent stays chosen."""
        self._table.show(view)
        self._tell_counts()

    def set_filter(self, text: str) -> None:
        """Show only agents that have the text, in any case, in one of their columns; empty shows all."""
        self._filter = text.strip()
        self._table.set_filter(text)
        self._tell_counts()

    def select(self, agent_id: int | None) -> None:
        """Choose an agent, without a message."""
        if agent_id != self._table.chosen:
            self._table.choose(agent_id)

    def _tell_counts(self) -> None:
        shown, total = self._table.counts
        self.corner = f"/{self._filter}  {shown} of {total}" if self._filter else str(total) if total else ""

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        """Say which agent was chosen."""
        event.stop()
        self.post_message(self.Selected(self._table.agent_at(event.index)))

    def on_line_list_activated(self, event: LineList.Activated) -> None:
        """Say which agent to inspect."""
        event.stop()
        self.post_message(self.Inspect(self._table.agent_at(event.index)))
