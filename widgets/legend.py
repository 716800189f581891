"""The legend of the network drawing: which letter is which kind of message, and how many of it move."""

from __future__ import annotations

from engine.views import NetworkView
from widgets.glyphs import LOST
from widgets.text import Line, clean, count, fit, line_cells

WIDTH = 22  # columns


def legend_lines(view: NetworkView) -> list[Line]:
    """Letter, kind and number of what moves; what is lost; what is not drawn."""
    lines: list[Line] = []
    for letter, kind, number in view.kinds:
        words = WIDTH - 10
        lines.append(
            [
                (f"  {letter[:1]} ", "accent" if number else "dim"),
                (fit(clean(kind), words), "plain" if number else "dim"),
                (f"{count(number):>5} ", "plain" if number else "faint"),
            ]
        )
    lost = sum([message.lost for message in view.moving])
    if lost:
        lines.append([(f"  {LOST} ", "bad"), (fit("lost", WIDTH - 10), "bad"), (f"{count(lost):>5} ", "bad")])
    if view.moving_total > len(view.moving):
        lines.append([(f"  {count(len(view.moving))} of {count(view.moving_total)} drawn", "dim")])
    layout = view.layout
    if layout.edges_total > len(layout.edges):
        lines += [[], [(f"  {count(layout.edges_total)} links", "dim")]]
        if layout.edges:
            lines.append([(f"  {count(len(layout.edges))} drawn", "dim")])
    return lines


def in_one_line(lines: list[Line], width: int) -> Line:
    """The legend in one line, for narrow panes; where that is too long, without the names of the kinds."""
    for short in (False, True):
        joined: Line = []
        for line in lines:
            pieces = [line[0], line[-1]] if short and len(line) > 1 else line
            joined += [(f" {' '.join(text.split())}", ink) for text, ink in pieces]
            joined.append((" ", "plain"))
        if line_cells(joined) <= width:
            break
    return joined
