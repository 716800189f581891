"""Boxes to tick. Textual tells a ticked one from another by colour alone; these do without."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.strip import Strip
from textual.widgets import Checkbox, SelectionList

TICKED, EMPTY = "✓", " "


class Tick(Checkbox):
    """One box."""

    def render(self) -> Content:
        """A mark, or none, and the label."""
        self.BUTTON_INNER = TICKED if self.value else EMPTY
        return super().render()


class Ticks(SelectionList[str]):
    """A list of boxes."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "select", "Tick", id="ticks.tick")]

    def render_line(self, y: int) -> Strip:
        """A mark, or none, and the text of a line."""
        line = super().render_line(y)
        index = self.scroll_offset.y + y
        if index >= self.option_count:
            return line
        left, box, *rest = line
        mark = TICKED if self.get_option_at_index(index).value in self._selected else EMPTY
        return Strip([left, Segment(mark, box.style), *rest])
