"""The inspector: everything there is to know about one agent, as a tree that folds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, ClassVar, NamedTuple

from textual.binding import Binding, BindingType

from engine.views import AgentRow, Health, Inspection
from widgets.glyphs import CLOSED, DURABLE, EVENT_TONE, HEALTH, HEALTH_TONE, OPEN, event_glyph
from widgets.linelist import LineList
from widgets.text import Line, clean, clip, count, fit, seconds

_MOST = 200  # children of a node that are listed
_NAME = 16  # most columns of a name before its value
_OPEN = 8  # a node with at most so many children is open to begin with
_PREVIEW = 60  # columns of what a closed node shows of its children

Path = tuple[str, ...]


class _Row(NamedTuple):
    path: Path
    depth: int
    line: tuple[tuple[str, str], ...]
    folds: bool
    opened: bool = False


class Inspector(LineList):
    """Draws an Inspection. Enter, space or a click folds and unfolds; left folds, right unfolds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "activate", "Fold", show=False, id="inspector.fold", tooltip="Fold or unfold"),
        Binding("left", "fold", "Close", show=False, id="inspector.close", tooltip="Fold, or go to the parent"),
        Binding("right", "unfold", "Open", show=False, id="inspector.open", tooltip="Unfold"),
    ]

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(header=2, name=name, id=id, classes=classes)
        self._inspection: Inspection | None = None
        self._rows: list[_Row] = []
        self._folded: set[Path] = set()
        self._unfolded: set[Path] = set()

    @property
    def agent(self) -> int | None:
        """The id of the agent shown."""
        return self._inspection.row.id if self._inspection is not None else None

    def show(self, inspection: Inspection) -> None:
        """Draw this inspection; what was folded stays folded, and the cursor stays on its line."""
        path = self._rows[self.cursor].path if self.cursor is not None and self.cursor < len(self._rows) else None
        self._inspection = inspection
        self._lay_out()
        if path is not None:
            self.cursor = next((at for at, row in enumerate(self._rows) if row.path == path), self.cursor)
        elif self._rows:
            self.cursor = 0
        self.rows_changed()

    def _lay_out(self) -> None:
        self._rows = list(self._walk()) if self._inspection is not None else []
        self.rows = len(self._rows)

    def _is_open(self, path: Path, depth: int, children: int = 0) -> bool:
        if path in self._folded:
            return False
        return depth == 0 or path in self._unfolded or (depth == 1 and children <= _OPEN)

    # rows

    def _walk(self) -> Iterator[_Row]:
        it = self._inspection
        if it is None:
            return
        kept = f"{DURABLE} survives a crash" if it.durable else ""
        yield from self._section("state", len(it.state), kept)
        if self._is_open(("state",), 0):
            for key, value in it.state.items():
                yield from self._value(("state", key), 1, key, value, key in it.durable)
        yield from self._section("timers", len(it.timers))
        if self._is_open(("timers",), 0):
            for at, (name, due) in enumerate(it.timers):
                text = ((fit(clean(name), _NAME) + " ", "plain"), (f"at {seconds(due, 3)}s", "dim"))
                yield _Row(("timers", str(at)), 1, text, False)
        yield from self._section("mail", len(it.mail), "on its way here")
        if self._is_open(("mail",), 0):
            for message in it.mail:
                sender = clean(it.senders.get(message.source, str(message.source)))
                words = f"from {sender}  due {seconds(message.due, 3)}s  "
                line = [
                    (f"m{message.number} ", "dim"),
                    (f"{clean(message.letter)} ", "accent"),
                    (f"{clean(message.kind)} ", "plain"),
                    (words, "dim"),
                    (clean(message.summary), "plain"),
                ]
                if message.lost:
                    line.append((f"  {event_glyph('lost')} will not arrive", "bad"))
                yield _Row(("mail", str(message.number)), 1, tuple(line), False)
        yield from self._section("last events", len(it.events))
        if self._is_open(("last events",), 0):
            for at, event in enumerate(it.events):
                tone = event.tone if event.tone != "plain" else EVENT_TONE.get(event.kind, "plain")
                words_of_event = (
                    (fit(seconds(event.time, 3), 10, "right") + " ", "dim"),
                    (f"{event_glyph(event.kind)} {fit(clean(event.kind), 9)} ", tone),
                    (f"{clean(event.peer)} " if event.peer else "", "plain"),
                    (clean(event.summary), "plain"),
                )
                yield _Row(("last events", f"{event.index}.{at}"), 1, words_of_event, False)

    def _section(self, name: str, size: int, note: str = "") -> Iterator[_Row]:
        line = ((name, "title!"), (f"  {count(size)}", "dim"), (f"   {note}" if note else "", "dim"))
        yield _Row((name,), 0, line, True, self._is_open((name,), 0))

    def _value(self, path: Path, depth: int, key: str, value: Any, durable: bool = False) -> Iterator[_Row]:
        name: Line = [(f"{DURABLE} " if durable else "", "accent"), (fit(clean(key), _NAME).rstrip(), "plain")]
        children = _children(value)
        if children is None:
            yield _Row(path, depth, (*name, ("  ", "plain"), _scalar(value)), False)
            return
        opened = bool(children) and self._is_open(path, depth, len(children))
        preview = "" if opened else f"  {clip(_preview(value), _PREVIEW)}"
        about: Line = [(f"  {_kind(value)} {count(len(value))}", "dim"), (preview, "faint")]
        yield _Row(path, depth, (*name, *about), bool(children), opened)
        if opened:
            for child, inner in children[:_MOST]:
                yield from self._value((*path, child), depth + 1, child, inner)
            if len(children) > _MOST:
                more = f"{count(len(children) - _MOST)} more"
                yield _Row((*path, "⋯"), depth + 1, ((more, "dim"),), False)

    # drawing

    def header_key(self) -> Any:
        """The header shows the agent's row."""
        it = self._inspection
        return (it.row, it.reach) if it is not None else None

    def draw_header(self, y: int, width: int) -> Line:
        """Who it is, how it is, whom it reaches."""
        it = self._inspection
        if it is None or y:
            return [(" " + "─" * max(0, width - 2), "faint")]
        line = [*_who(it.row)]
        if it.reach:
            line.append((f"   ╎ {clean(it.reach)}", "warn"))
        return line

    def row_key(self, index: int) -> Any:
        """A row is drawn anew when its text differs."""
        row = self._rows[index]
        return row.line, row.depth, row.folds, row.opened

    def draw_row(self, index: int, width: int) -> Line:
        """Indent, fold mark, text."""
        row = self._rows[index]
        mark = (OPEN if row.opened else CLOSED) if row.folds else " "
        return [(" " + "  " * row.depth, "plain"), (f"{mark} ", "dim"), *row.line]

    # folding

    def _fold(self, fold: bool) -> None:
        if self.cursor is None or self.cursor >= len(self._rows):
            return
        row = self._rows[self.cursor]
        if not row.folds:
            return
        (self._folded.add if fold else self._folded.discard)(row.path)
        (self._unfolded.discard if fold else self._unfolded.add)(row.path)
        self._lay_out()
        self.rows_changed()

    def action_fold(self) -> None:
        """Fold the node under the cursor; on a leaf go to its parent."""
        if self.cursor is None:
            return
        row = self._rows[self.cursor]
        if row.opened:
            self._fold(True)
        elif len(row.path) > 1:
            parent = row.path[:-1]
            self.move_cursor(next((at for at, other in enumerate(self._rows) if other.path == parent), self.cursor))

    def action_unfold(self) -> None:
        """Unfold the node under the cursor."""
        self._fold(False)

    def action_activate(self) -> None:
        """Fold or unfold the node under the cursor."""
        if self.cursor is not None and self.cursor < len(self._rows):
            self._fold(self._rows[self.cursor].opened)

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        """Nobody else needs to know."""
        event.stop()

    def on_line_list_activated(self, event: LineList.Activated) -> None:
        """A double click folds."""
        event.stop()
        self.action_activate()


def _who(row: AgentRow) -> Line:
    fine = row.health == Health.UP
    return [
        (f" {HEALTH[row.health]} ", f"@{row.id}" if fine else HEALTH_TONE[row.health]),
        (clean(row.name), f"@{row.id}!"),
        (f"  {clean(row.role)}" if row.role else "", "dim"),
        (f"  {row.health.value}", "good" if fine else HEALTH_TONE[row.health]),
        (f"  {clean(row.state)}" if row.state else "", row.tone),
    ]


def _children(value: Any) -> list[tuple[str, Any]] | None:
    """The children of a container, named; None for anything else."""
    if isinstance(value, Mapping):
        return [(str(key), inner) for key, inner in value.items()]
    if isinstance(value, Set):
        return [(str(at), inner) for at, inner in enumerate(sorted(value, key=repr))]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return [(str(at), inner) for at, inner in enumerate(value)]
    return None


def _preview(value: Any) -> str:
    """The beginning of a container in one line."""
    few = _children(value) or []
    mapping = isinstance(value, Mapping)
    words = [f"{key}: {_short(inner)}" if mapping else _short(inner) for key, inner in few[:8]]
    return clean(", ".join(words) + (", …" if len(few) > 8 else ""))


def _short(value: Any) -> str:
    return f"{_kind(value)} {len(value)}" if _children(value) is not None else _scalar(value)[0]


def _kind(value: Any) -> str:
    return type(value).__name__


def _scalar(value: Any) -> tuple[str, str]:
    if value is None:
        return ("none", "faint")
    if isinstance(value, bool):
        return ("✓ yes" if value else "✗ no", "good" if value else "dim")
    if isinstance(value, int | float):
        return (f"{value:,}" if isinstance(value, int) else f"{value:.6g}", "accent")
    if isinstance(value, str):
        return (f"“{clean(value)}”", "plain")
    return (clean(repr(value)), "plain")
