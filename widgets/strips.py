"""Strips that write the fewest escape sequences.

Textual writes each piece of a line as `set everything, text, reset everything`. Here a line is one run: between two
pieces only what differs is written, and blanks take the style of their neighbour when that looks the same. Half the
bytes, and no `Segment` is made unless something else than drawing the whole line (a dialogue on top, a picture) asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.cache import FIFOCache
from textual.strip import Strip

RESET = "\x1b[0m"
_SPREAD = 1 << 16
_ATTRIBUTES = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "21", "51", "52", "53")
_SHOWS_ON_BLANKS = {"4", "7", "9", "21", "51", "52", "53"}

Piece = tuple[str, int]
"""A text and the number of its ink."""


class Inks:
    """Styles by number, and the shortest escape sequence that leads from one to another. Number 0 is no style."""

    def __init__(self, depth: ColorSystem = ColorSystem.TRUECOLOR) -> None:
        self.depth = depth
        self.styles: list[Style] = [Style.null()]
        self.grounds: list[tuple[str, ...] | None] = [None]
        """What a blank shows of each style: two styles with the same ground look the same on a blank."""
        self.changes = _Changes(self)
        self._codes: list[tuple[frozenset[str], str, str]] = [(frozenset(), "", "")]
        self._numbers: dict[Style, int] = {self.styles[0]: 0}

    def number(self, style: Style) -> int:
        """The number of a style; the same for equal styles."""
        number = self._numbers.get(style)
        if number is None:
            number = self._numbers[style] = len(self.styles)
            bits = style._attributes & style._set_attributes
            attributes = frozenset(code for bit, code in enumerate(_ATTRIBUTES) if bits & (1 << bit))
            fore = ";".join(style.color.downgrade(self.depth).get_ansi_codes()) if style.color else ""
            back = ";".join(style.bgcolor.downgrade(self.depth).get_ansi_codes(False)) if style.bgcolor else ""
            shown = tuple(sorted(attributes & _SHOWS_ON_BLANKS))
            self.styles.append(style)
            self.grounds.append((back, fore, *shown) if shown else (back,))
            self._codes.append((attributes, fore, back))
        return number

    def change(self, before: int, after: int) -> str:
        """The escape sequence that leads from one ink to another; empty when nothing differs."""
        had, fore_before, back_before = self._codes[before]
        has, fore, back = self._codes[after]
        if had - has or (fore_before and not fore) or (back_before and not back):
            codes = ["0", *sorted(has), fore, back]
        else:
            codes = sorted(has - had)
            if fore != fore_before:
                codes.append(fore)
            if back != back_before:
                codes.append(back)
        text = ";".join(filter(None, codes))
        return f"\x1b[{text}m" if text else ""


class _Changes(dict[int, str]):
    """The sequences asked for so far, by `before * 65536 + after`."""

    def __init__(self, inks: Inks) -> None:
        super().__init__()
        self._inks = inks

    def __missing__(self, key: int) -> str:
        text = self[key] = self._inks.change(*divmod(key, _SPREAD))
        return text


class LeanStrip(Strip):
    """A line made of pieces in numbered inks. `width` is the number of cells that the pieces take together."""

    __slots__ = ("_inks", "_pieces")

    def __init__(self, pieces: Sequence[Piece], width: int, inks: Inks) -> None:
        # Not Strip.__init__: its caches and segments are made by __getattr__ below, for the few strips that need them.
        self._pieces = pieces
        self._inks = inks
        self._cell_length = width
        self._render_cache = None

    def __getattr__(self, name: str) -> Any:
        """Fill a slot of `Strip` at its first use."""
        value: Any
        if name == "_segments":
            styles = self._inks.styles
            value = [Segment(text, styles[ink]) for text, ink in self._pieces if text]
        elif name.endswith("_cache"):
            value = FIFOCache(4)
        elif name in ("_link_ids", "_cell_count"):
            value = None
        else:
            raise AttributeError(name)
        setattr(self, name, value)
        return value

    @property
    def text(self) -> str:
        """What the line says."""
        return "".join([text for text, _ in self._pieces])

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """Parts of the strip, cut at the given cells."""
        cuts = list(cuts)
        if cuts == [self._cell_length]:
            return [self]
        return super().divide(cuts)

    def render(self, console: Console) -> str:
        """The line with its escape sequences."""
        line = self._render_cache
        if line is None:
            inks = self._inks
            changes, grounds = inks.changes, inks.grounds
            pieces = self._pieces
            out: list[str] = []
            now = 0
            if len(pieces) > 1 and pieces[0][0].isspace() and grounds[pieces[0][1]] == grounds[pieces[1][1]]:
                now = pieces[1][1]  # blanks at the beginning take the style of what follows
                out.append(changes[now])
            for text, ink in pieces:
                if ink != now and (grounds[ink] != grounds[now] or not text.isspace()):
                    out.append(changes[now * _SPREAD + ink])
                    now = ink
                out.append(text)
            if now:
                out.append(RESET)
            line = self._render_cache = "".join(out)
        return line
