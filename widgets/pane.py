"""The frame around a pane: its number, its title, its faces, a word in the corner; heavy when it has the focus."""

from __future__ import annotations

from typing import ClassVar, Self

from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from widgets.drawing import Drawing
from widgets.strips import LeanStrip
from widgets.text import Line, cells, clean, clip, line_cells

_LIGHT = "┌─┐│└┘"
_HEAVY = "┏━┓┃┗┛"


class Pane(Drawing):
    """A framed widget around its body; the number is the key that brings the focus here.

    The frame is drawn line by line, so that a new subtitle costs one line and not the whole pane. `zoomed` sets the
    class `-zoomed`, and leaves the rest to the style sheet and the screen.
    """

    DEFAULT_CSS = """
    Pane { padding: 1; layout: vertical; overflow: hidden hidden; }
    Pane > * { height: 1fr; width: 1fr; }
    """

    class FaceChosen(Message):
        """One of the words in the title was clicked."""

        def __init__(self, face: str) -> None:
            super().__init__()
            self.face = face

    PANE_TITLE: ClassVar[str] = ""
    zoomed: reactive[bool] = reactive(False, toggle_class="-zoomed", repaint=False)

    def __init__(
        self,
        *children: Widget,
        title: str = "",
        number: int | None = None,
        faces: tuple[str, ...] = (),
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(*children, name=name, id=id, classes=classes)
        self.number = number
        self.faces = faces
        self._face = faces[0] if faces else ""
        self._heading = title or self.PANE_TITLE
        self._corner = ""
        self._frame: dict[str, LeanStrip] = {}
        self._words: list[tuple[int, int, str]] = []  # where the faces stand in the title

    @property
    def heading(self) -> str:
        """The title in the frame."""
        return self._heading

    @heading.setter
    def heading(self, text: str) -> None:
        if text != self._heading:
            self._heading = text
            self._redraw(0)

    @property
    def corner(self) -> str:
        """A few words in the lower right corner of the frame."""
        return self._corner

    @corner.setter
    def corner(self, text: str) -> None:
        if text != self._corner:
            self._corner = text
            self._redraw(-1)

    def mark_face(self, face: str) -> None:
        """Show a face's word as the chosen one."""
        if face != self._face:
            self._face = face
            self._redraw(0)

    def focus(self, scroll_visible: bool = True) -> Self:
        """Give the focus to what in the pane takes keys."""
        for child in self.query("*"):
            if child.focusable and child.display:
                child.focus(scroll_visible)
                return self
        return self

    def forget(self) -> None:
        """Drop the drawn frame."""
        self._frame.clear()

    def draw_line(self, y: int) -> LeanStrip:
        """A line of the frame."""
        part = "top" if y == 0 else "bottom" if y == self.outer_size.height - 1 else "side"
        strip = self._frame.get(part)
        if strip is None:
            strip = self._frame[part] = getattr(self, f"_draw_{part}")()
        return strip

    def _redraw(self, line: int) -> None:
        self._frame.pop("top" if line == 0 else "bottom", None)
        height = self.outer_size.height
        if height:
            self.refresh_lines([line % height])

    @property
    def _box(self) -> tuple[str, str]:
        return (_HEAVY, "accent") if self.has_focus_within else (_LIGHT, "faint")

    def _draw_side(self) -> LeanStrip:
        box, ink = self._box
        width = self.outer_size.width
        return self.strip([(box[3], ink), (" " * (width - 2), "plain"), (box[3], ink)], width)

    def _draw_top(self) -> LeanStrip:
        box, ink = self._box
        width = self.outer_size.width
        line: Line = [(box[0], ink)]
        if self.number is not None:
            line += [(" ", ink), (str(self.number), "accent" if ink == "accent" else "dim")]
        line += [(" " + clip(clean(self.heading), max(0, width - 8)) + " ", "title" if ink == "accent" else "plain")]
        self._words = []
        if self.faces and line_cells(line) + 6 < width:
            line.append((box[1], ink))
            for index, face in enumerate(self.faces):
                start = line_cells(line) + (3 if index else 1)
                if start + cells(face) + 3 > width:
                    break
                line.append((" · " if index else " ", "faint"))
                line.append((face, "title!" if face == self._face else "dim"))
                self._words.append((start, start + cells(face), face))
            line.append((" ", ink))
        line.append((box[1] * max(0, width - 1 - line_cells(line)), ink))
        line.append((box[2], ink))
        return self.strip(line, width)

    def _draw_bottom(self) -> LeanStrip:
        box, ink = self._box
        width = self.outer_size.width
        word = clip(clean(self.corner), max(0, width - 6))
        tail: Line = [(f" {word} ", "dim"), (box[1], ink)] if word else []
        line: Line = [(box[4], ink), (box[1] * max(0, width - 2 - line_cells(tail)), ink), *tail, (box[5], ink)]
        return self.strip(line, width)

    def on_click(self, event: events.Click) -> None:
        """A click on a face's word chooses it; one on the frame brings the focus."""
        self.focus()
        if event.widget is self and event.y == 0:
            for start, end, face in self._words:
                if start <= event.x < end:
                    event.stop()
                    self.post_message(self.FaceChosen(face))

    def on_descendant_focus(self) -> None:
        """Draw the frame heavy."""
        self.forget()
        self.refresh()

    def on_descendant_blur(self) -> None:
        """Draw the frame light."""
        self.forget()
        self.refresh()
