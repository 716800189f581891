"""The base of everything here that draws: whole lines, made of pieces in named inks, asked for one by one.

An ink is a text: the name of a foreground, `!` for bold, the ground it lies on, as in `good`, `title!`, `@7/cursor`.
Foregrounds are the tones of the views, `faint`, `title`, and `@ID` for the colour of an agent; their colours are the
component classes `ink--NAME` and `ground--NAME` of styles/panes.tcss, so that a theme decides them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.color import Color, ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.theme import Theme
from textual.widget import Widget

from widgets.palette import agent_colour, ansi_colour
from widgets.strips import Inks, LeanStrip, Piece
from widgets.text import Line, fit_line


class Drawing(Widget):
    """A widget whose lines are drawn by `draw_line`, without border, padding and filters in between.

    A subclass keeps its own caches; `forget` is called when they must go: a new size, a new theme, the focus.
    """

    ALLOW_SELECT: ClassVar[bool] = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "ink--plain",
        "ink--good",
        "ink--bad",
        "ink--warn",
        "ink--accent",
        "ink--dim",
        "ink--faint",
        "ink--title",
        "ground--cursor",
        "ground--blurred",
    }

    def __init__(
        self, *children: Widget, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(*children, name=name, id=id, classes=classes)
        self._inks: Inks | None = None
        self._ink_numbers: dict[str, int] = {}

    # what a subclass gives

    def draw_line(self, y: int) -> LeanStrip:
        """Line `y` of the widget, exactly as wide as it."""
        raise NotImplementedError

    def forget(self) -> None:
        """Drop what was cached for a size or a theme."""

    # inks

    @property
    def inks(self) -> Inks:
        """The styles in use, by number."""
        if self._inks is None:
            self._inks = Inks(self.app.console._color_system or ColorSystem.TRUECOLOR)
            self._ink_numbers = {}
        return self._inks

    def ink(self, name: str) -> int:
        """The number of an ink."""
        inks = self.inks
        number = self._ink_numbers.get(name)
        if number is None:
            number = self._ink_numbers[name] = inks.number(self._style_of(name))
        return number

    def _style_of(self, name: str) -> Style:
        front, _, ground = name.partition("/")
        bold = front.endswith("!")
        front = front.rstrip("!")
        theme = self.app.current_theme
        if front.startswith("@"):
            agent = int(front[1:])
            colour = ansi_colour(agent) if theme.ansi else agent_colour(agent, theme.dark)
            style = self.get_component_rich_style("ink--plain") + Style(color=Color.parse(colour))
        else:
            style = self.get_component_rich_style(f"ink--{front}")
            if theme.ansi and front in ("dim", "faint"):  # the terminal's own colours have no half-tones
                style += Style(dim=True, color=Color.parse("bright_black") if front == "faint" else None)
        if ground and theme.ansi:
            style = Style(reverse=True, bold=ground == "cursor")
        elif ground:
            lies_on = self.get_component_rich_style(f"ground--{ground}")
            style += Style(bgcolor=lies_on.bgcolor, bold=lies_on.bold, reverse=lies_on.reverse)
        if bold:
            style += Style(bold=True)
        for line_filter in self.get_line_filters():
            segment = line_filter.apply([Segment("x", style)], self.background_colors[1])[0]
            style = segment.style or Style.null()
        return style

    def pieces(self, line: Line) -> list[Piece]:
        """A line's pieces with numbers for names, neighbours in the same ink merged."""
        merged: list[Piece] = []
        last = -1
        for text, name in line:
            if not text:
                continue
            number = self.ink(name)
            if number == last:
                merged[-1] = (merged[-1][0] + text, number)
            else:
                merged.append((text, number))
                last = number
        return merged

    def strip(self, line: Line, width: int, blank: str = "plain") -> LeanStrip:
        """A line cut or padded to `width` cells."""
        return LeanStrip(self.pieces(fit_line(line, width, blank)), width, self.inks)

    def blank(self, width: int) -> LeanStrip:
        """An empty line."""
        return LeanStrip([(" " * width, self.ink("plain"))], width, self.inks)

    # Textual

    def render_line(self, y: int) -> Strip:
        """One line of the widget."""
        return self.draw_line(y)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines of the widget, straight from `draw_line`: filters are in the inks already, and there is no border."""
        lines: list[Strip] = [self.draw_line(y) for y in crop.line_range]
        start, end = crop.column_span
        if (start, end) != (0, self.outer_size.width):
            lines = [line.crop(start, end) for line in lines]
        return lines

    def refresh_lines(self, lines: Iterable[int]) -> None:
        """Ask for these lines, in ascending order, to be drawn anew; neighbours go in one region."""
        width = self.outer_size.width
        regions: list[Region] = []
        first = last = -2
        for y in lines:
            if y != last + 1:
                if last >= 0:
                    regions.append(Region(0, first, width, last - first + 1))
                first = y
            last = y
        if last >= 0:
            regions.append(Region(0, first, width, last - first + 1))
            left, top = self.content_offset  # which Textual adds, but lines are counted from the frame
            self.refresh(*[region.translate((-left, -top)) for region in regions])

    def notify_style_update(self) -> None:
        """The widget's own style has changed: all inks are to be mixed anew."""
        super().notify_style_update()
        self._mix_anew()

    def on_mount(self) -> None:
        """Follow the theme: `notify_style_update` is not called when only component classes change."""
        self.app.theme_changed_signal.subscribe(self, self._theme_changed)

    def _theme_changed(self, _theme: Theme) -> None:
        self._mix_anew()
        self.refresh()

    def _mix_anew(self) -> None:
        self._inks = None
        self.forget()

    def on_resize(self) -> None:
        """A new size: nothing cached fits any more."""
        self.forget()
        self.refresh()
