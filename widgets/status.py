"""The status line: what runs, how far it is, how fast it goes, and whether its promises hold."""

from __future__ import annotations

from engine.views import StatusView
from widgets.drawing import Drawing
from widgets.glyphs import NO, OVER, PAUSE, PLAY, WAITING, YES
from widgets.strips import LeanStrip
from widgets.text import Line, cells, clean, clip, count, line_cells, seconds

NAME = "Swarmscope"


class StatusLine(Drawing):
    """One line. What does not fit is shortened from the least important on; what is broken is never left out."""

    DEFAULT_CSS = "StatusLine { height: 1; width: 1fr; }"

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._shown: tuple[StatusView, str, bool] | None = None
        self._line: LeanStrip | None = None

    def show(self, view: StatusView, pace: str, paused: bool) -> None:
        """Draw this status; `pace` is the speed in words, such as `4×`."""
        shown = (view, pace, paused)
        if shown != self._shown:
            self._shown = shown
            self._line = None
            self.refresh()

    def forget(self) -> None:
        """Drop the drawn line."""
        self._line = None

    def draw_line(self, y: int) -> LeanStrip:
        """The line."""
        width = self.size.width
        if y or self._shown is None:
            return self.strip([(f" {NAME}" if not y else "", "title")], width)
        if self._line is None:
            self._line = self.strip(compose(*self._shown, width), width)
        return self._line


def compose(view: StatusView, pace: str, paused: bool, width: int) -> Line:
    """The status in at most `width` cells: left what runs, right where it is."""
    for level in range(6):
        left, right = _left(view, level), _right(view, pace, paused, level)
        room = width - line_cells(left) - line_cells(right)
        if room >= 2:
            return [*left, (" " * room, "plain"), *right]
    right = _right(view, pace, paused, 6)
    room = max(0, width - line_cells(right) - 1)
    name = clip(f" {clean(view.scenario)}", room)
    return [(name, "title"), (" " * (room + 1 - cells(name)), "plain"), *right]


def _left(view: StatusView, level: int) -> Line:
    """What runs: from level 1 on without our name, then without the shape, then without the seed."""
    line: Line = []
    if level < 1:
        line.append((f" {NAME} ", "title"))
    about = [clean(part.strip()) for part in view.about.split("·") if part.strip()]
    kept = about if level < 2 else about[:1] if level < 4 else []
    words = "".join(f" · {part}" for part in kept)
    line.append((f" {clean(view.scenario)}", "accent!"))
    line.append((words, "plain"))
    if level < 5:
        line.append((f" · seed {view.seed}", "dim"))
    return line


def _right(view: StatusView, pace: str, paused: bool, level: int) -> Line:
    """Where it is: time, events, pace, promises."""
    gap = ("   " if level < 3 else "  ", "plain")
    line: Line = [("t ", "dim"), (f"{seconds(view.now)}s", "plain"), gap]
    if level < 6:
        line += [(count(view.events), "plain"), (" events" if level < 3 else " ev", "dim"), gap]
    if view.over:
        line += [(f"{OVER} done" + (f": {clip(clean(view.over), 32)}" if level < 2 else ""), "good!"), gap]
    if paused:
        line.append((f"{PAUSE} paused", "warn!"))
        if level < 2 and pace:
            line.append((f" {clean(pace)}", "dim"))
    else:
        line.append((f"{PLAY} {clean(pace)}", "accent"))
    line.append(gap)
    words = level < 3
    line.append((f"{YES} {view.holding}" + (" hold" if words else ""), "good"))
    if view.waiting:
        line.append((f"  {WAITING} {len(view.waiting)}" + (" wait" if words else ""), "dim"))
    broken = len(view.broken)
    name = f": {clip(clean(view.broken[0]), 20)}" if broken and level < 4 else ""
    line.append((f"  {NO} {broken}" + (f" broken{name}" if words else name), "bad!" if broken else "faint"))
    line.append((" ", "plain"))
    return line
