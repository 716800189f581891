"""The stage pane: the scenario's own parts, side by side where there is room, else one above another."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from engine.views import Matrix, Plot, StagePart, StageView, Words
from widgets import matrix, plot, words
from widgets.drawing import Drawing
from widgets.pane import Pane
from widgets.strips import LeanStrip
from widgets.text import Line, fit_line

_GAP = 3  # columns between parts that stand side by side
_LEAST_HEIGHT = 5  # lines that a part needs above another one


class Stage(Drawing, can_focus=True):
    """The body of the stage pane: every part in its own rectangle, drawn anew only when it differs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "look_back(1)", "Older", show=False, id="stage.older", tooltip="Older columns of a matrix"),
        Binding("right", "look_back(-1)", "Newer", show=False, id="stage.newer", tooltip="Newer columns of a matrix"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view = StageView(title="", parts=())
        self._back = 0
        self._lines: list[Line] = []
        self._strips: dict[int, LeanStrip] = {}
        self._drawn: dict[Any, tuple[Any, list[Line]]] = {}
        self._stale = True

    def show(self, view: StageView) -> None:
        """Draw this view; only lines that differ from the last one are drawn anew."""
        old, self._view = self._view, view
        if view.parts == old.parts and not self._stale:
            return
        before = self._lines
        self._lay_out()
        if len(before) != len(self._lines):
            self._strips.clear()
            self.refresh()
            return
        dirty = [y for y, line in enumerate(self._lines) if line != before[y]]
        for y in dirty:
            self._strips.pop(y, None)
        self.refresh_lines(dirty)

    def forget(self) -> None:
        """A new size or theme."""
        self._stale = True
        self._strips.clear()

    def draw_line(self, y: int) -> LeanStrip:
        """A line across all parts."""
        if self._stale:
            self._lay_out()
        strip = self._strips.get(y)
        if strip is None:
            line = self._lines[y] if y < len(self._lines) else []
            strip = self._strips[y] = self.strip(line, self.size.width)
        return strip

    def action_look_back(self, by: int) -> None:
        """Move a matrix by so many columns towards its older ones."""
        most = max((len(part.columns) - 1 for part in self._view.parts if isinstance(part, Matrix)), default=0)
        back = max(0, min(most, self._back + by))
        if back != self._back:
            self._back = back
            self._drawn.clear()
            self._stale = True
            self._strips.clear()
            self.refresh()

    def _lay_out(self) -> None:
        self._stale = False
        width, height = self.size
        self._lines = compose(self._view.parts, width, height, self._back, self._drawn)


def compose(
    parts: tuple[StagePart, ...], width: int, height: int, back: int = 0, drawn: dict[Any, Any] | None = None
) -> list[Line]:
    """All parts in `height` lines of `width` cells. `drawn` keeps what was drawn, for the next time."""
    drawn = {} if drawn is None else drawn
    if not parts or width < 4 or height < 1:
        return [[] for _ in range(height)]
    inner = width - 2
    widths = _side_by_side(parts, inner, height)
    if widths is not None:
        columns = [
            _cached(part, part_width, height, back, drawn, at)
            for at, (part, part_width) in enumerate(zip(parts, widths, strict=True))
        ]
        lines: list[Line] = []
        for y in range(height):
            line: Line = [(" ", "plain")]
            for at, column in enumerate(columns):
                if at:
                    line.append((" │ ", "faint"))
                line.extend(fit_line(column[y] if y < len(column) else [], widths[at]))
            lines.append(line)
        return lines
    heights = _stacked(parts, height)
    lines = []
    for at, (part, part_height) in enumerate(zip(parts, heights, strict=True)):
        if part_height < 1:
            continue
        if lines:
            lines.append([(" " + "─" * inner, "faint")])
            part_height -= 1
        block = _cached(part, inner, part_height, back, drawn, at)
        block += [[] for _ in range(part_height - len(block))]
        lines.extend([[(" ", "plain"), *fit_line(line, inner)] for line in block[:part_height]])
    return (lines + [[] for _ in range(height)])[:height]


def _cached(part: StagePart, width: int, height: int, back: int, drawn: dict[Any, Any], at: int) -> list[Line]:
    kept = drawn.get(at)
    key = (part, width, height, back)
    if kept is not None and kept[0] == key:
        return list(kept[1])
    lines = draw_part(part, width, height, back)
    drawn[at] = (key, lines)
    return list(lines)


def draw_part(part: StagePart, width: int, height: int, back: int = 0) -> list[Line]:
    """One part in at most `height` lines."""
    if isinstance(part, Matrix):
        return matrix.draw(part, width, height, back)
    if isinstance(part, Plot):
        return plot.draw(part, width, height)
    return words.draw(part, width, height)


def _side_by_side(parts: tuple[StagePart, ...], width: int, height: int) -> list[int] | None:
    """The parts' widths, or None when they do not fit. What a matrix or words do not need goes to the plots."""
    room = width - _GAP * (len(parts) - 1)
    least = [_least(part) for part in parts]
    if sum(least) > room:
        return None if len(parts) > 1 else [width]
    fair = room // len(parts)
    widths = [min(_most(part, height), max(least[at], fair)) for at, part in enumerate(parts)]
    while sum(widths) > room:
        widest = max(range(len(parts)), key=lambda at: widths[at] - least[at])
        widths[widest] -= 1
    rest = room - sum(widths)
    greedy = [at for at, part in enumerate(parts) if isinstance(part, Plot)] or [len(parts) - 1]
    for turn, at in enumerate(greedy):
        widths[at] += rest // len(greedy) + (turn < rest % len(greedy))
    return widths


def _stacked(parts: tuple[StagePart, ...], height: int) -> list[int]:
    """The parts' heights; where not all have room the later ones are left out."""
    shown = max(1, min(len(parts), height // _LEAST_HEIGHT))
    share, rest = divmod(height, shown)
    return [share + (at < rest) if at < shown else 0 for at in range(len(parts))]


def _least(part: StagePart) -> int:
    if isinstance(part, Matrix):
        return matrix.LEAST_WIDTH
    return plot.LEAST_WIDTH if isinstance(part, Plot) else words.LEAST_WIDTH


def _most(part: StagePart, height: int) -> int:
    if isinstance(part, Matrix):
        return max(matrix.LEAST_WIDTH, matrix.natural_width(part, height))
    if isinstance(part, Words):
        return max(words.LEAST_WIDTH, words.natural_width(part))
    return 10_000


class StagePane(Pane):
    """The stage. Left and right look at older and newer columns of a matrix."""

    PANE_TITLE: ClassVar[str] = "Stage"

    def __init__(
        self, *, number: int | None = 3, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        self._stage = Stage()
        super().__init__(self._stage, number=number, name=name, id=id, classes=classes)

    def show(self, view: StageView) -> None:
        """Draw this view."""
        self.heading = view.title or self.PANE_TITLE
        self._stage.show(view)
