"""The timeline: the whole run in a line, or in a line for each of its branches, to look at and to move through."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import var

from engine.views import TimelineView
from widgets.branching import rows
from widgets.drawing import Drawing
from widgets.strips import LeanStrip
from widgets.text import Line, clean, seconds
from widgets.timelines import Picture, Timelines, landmark_at

MOST_LINES = 4
LEAP = 10  # columns that shift and an arrow go


class Timeline(Drawing, can_focus=True):
    """As many lines as there are branches, at most `most_lines`. It moves nothing itself: it says what is asked for."""

    DEFAULT_CSS = "Timeline { height: 1; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, label, show=False, id=f"timeline.{label.lower().replace(' ', '-')}", tooltip=tooltip)
        for key, action, label, tooltip in (
            ("left", "go(-1)", "Back", "Go back by one column of the timeline"),
            ("right", "go(1)", "On", "Go on by one column of the timeline"),
            ("shift+left", f"go({-LEAP})", "Far back", f"Go back by {LEAP} columns of the timeline"),
            ("shift+right", f"go({LEAP})", "Far on", f"Go on by {LEAP} columns of the timeline"),
            ("up", "switch(-1)", "Branch above", "Go over to the branch drawn above"),
            ("down", "switch(1)", "Branch below", "Go over to the branch drawn below"),
            ("escape", "leave", "Leave", "Leave the timeline"),
        )
    ]

    most_lines: var[int] = var(MOST_LINES, init=False)
    """How many branches are drawn at most; one at least."""

    class Sought(Message):
        """A moment (µs) of a branch was asked for, or there the landmark whose event has this `index`."""

        def __init__(self, branch: int, moment: int, index: int | None = None) -> None:
            super().__init__()
            self.branch = branch
            self.moment = moment
            self.index = index

    class Stepped(Message):
        """So many landmarks on (1) or back (−1) were asked for."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    class Switched(Message):
        """Another branch was asked for, by its number."""

        def __init__(self, branch: int) -> None:
            super().__init__()
            self.branch = branch

    class Left(Message):
        """The timeline is not wanted any more: its focus should go elsewhere."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._view = TimelineView(0, 0, ())
        self._timelines = Timelines()
        self._picture: Picture | None = None
        self._strips: dict[int, LeanStrip] = {}
        self._height = 1
        self._dragged: tuple[int, int] | None = None  # branch and column, while the mouse is held down

    def show(self, view: TimelineView) -> None:
        """Draw this view; only lines that differ from the last one are drawn anew."""
        if view == self._view:
            return
        branches_differ = len(view.branches) != len(self._view.branches)
        self._view = view
        if branches_differ:
            self._stretch()
        self._draw_again()

    @property
    def view(self) -> TimelineView:
        """What is drawn."""
        return self._view

    def watch_most_lines(self) -> None:
        """More or fewer branches are to be drawn."""
        self._stretch()
        self._draw_again()

    # Drawing

    def forget(self) -> None:
        """A new size or theme."""
        self._picture = None
        self._strips.clear()

    def draw_line(self, y: int) -> LeanStrip:
        """The line of a branch."""
        strip = self._strips.get(y)
        if strip is None:
            lines = self._now().lines
            strip = self._strips[y] = self.strip(lines[y] if y < len(lines) else [], self.size.width)
        return strip

    def on_focus(self) -> None:
        """Say what the keys do."""
        self._draw_again()

    def on_blur(self) -> None:
        """Say what the glyphs mean."""
        self._draw_again()

    def _now(self) -> Picture:
        """The picture of the view."""
        if self._picture is None:
            width = max(1, self.size.width)
            self._picture = self._timelines.compose(self._view, width, self.most_lines, focused=self.has_focus)
        return self._picture

    def _draw_again(self) -> None:
        if self._picture is None:  # nothing is drawn yet, or all of it anew
            self.refresh()
            return
        before: list[Line] = self._picture.lines
        self._picture = None
        now = self._now().lines
        if len(before) != len(now):
            self._strips.clear()
            self.refresh()
            return
        dirty = [y for y, line in enumerate(now) if line != before[y]]
        for y in dirty:
            self._strips.pop(y, None)
        self.refresh_lines(dirty)

    def _stretch(self) -> None:
        """Take as many lines as there are branches to be drawn."""
        height = max(1, min(len(self._view.branches), self.most_lines))
        if height != self._height:
            self._height = height
            self.styles.height = height

    # The mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Go where the bar was pressed, and on with the mouse until it is let go; on a number, to its branch."""
        place = self._place(event.x, event.y)
        if event.button != 1 or place is None:
            return
        branch, column = place
        if column < 0:
            self.post_message(self.Switched(branch))
            return
        self.capture_mouse()
        self._dragged = place
        self._seek(branch, column)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow the mouse; while it is not held down, say what is under it."""
        if self._dragged is None:
            self._tell(self._words_at(event.x, event.y))
            return
        branch, before = self._dragged
        column = self._kept_in(branch, event.x - self._now().left)
        if column != before:
            self._dragged = (branch, column)
            self._seek(branch, column)

    def on_mouse_up(self) -> None:
        """Follow the mouse no longer."""
        if self._dragged is not None:
            self._dragged = None
            self.release_mouse()

    def on_mouse_release(self) -> None:
        """Something else has the mouse."""
        self._dragged = None

    def on_leave(self) -> None:
        """Nothing is under the mouse."""
        self._tell("")

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """To the landmark before."""
        event.stop()
        self.post_message(self.Stepped(-1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """To the next landmark."""
        event.stop()
        self.post_message(self.Stepped(1))

    def _place(self, x: int, y: int) -> tuple[int, int] | None:
        """The branch and the column of its bar under the mouse; −1 for its number. None beside the bars."""
        picture = self._now()
        if not 0 <= y < len(picture.bars):
            return None
        branch, column = picture.bars[y].row.number, x - picture.left
        if column < -1 or column > picture.scale.width:
            return (branch, -1) if column < -1 and len(picture.bars) > 1 else None
        return branch, self._kept_in(branch, column)

    def _kept_in(self, branch: int, column: int) -> int:
        """The column of the branch's bar that is nearest to this one."""
        picture = self._now()
        row = next((bar.row for bar in picture.bars if bar.row.number == branch), None)
        if row is None:
            return column
        return min(max(column, picture.scale.column(row.begins)), picture.scale.column(row.ends))

    def _seek(self, branch: int, column: int) -> None:
        """Ask for the time of a column, or for the landmark that is drawn there."""
        picture = self._now()
        y = next((y for y, bar in enumerate(picture.bars) if bar.row.number == branch), -1)
        if y < 0:  # it is drawn no more
            return
        mark, row = landmark_at(picture, y, column), picture.bars[y].row
        if mark is not None:
            self.post_message(self.Sought(branch, mark.time, mark.index))
        elif column == picture.scale.column(row.ends):
            self.post_message(self.Sought(branch, row.ends))
        elif column == picture.scale.column(row.begins):
            self.post_message(self.Sought(branch, row.begins))
        else:
            self.post_message(self.Sought(branch, picture.scale.time(column)))

    def _words_at(self, x: int, y: int) -> str:
        """What is under the mouse, in words."""
        place = self._place(x, y)
        if place is None or place[1] < 0:
            return "" if place is None else f"go over to branch {place[0]}"
        picture = self._now()
        mark = landmark_at(picture, y, place[1])
        if mark is None:
            return f"at {seconds(picture.scale.time(place[1]), 1)}s"
        return f"{seconds(mark.time, 1)}s  {clean(mark.text)}"

    def _tell(self, words: str) -> None:
        tooltip = Content(words) if words else None  # not markup, whatever a command may hold
        if tooltip != self.tooltip:
            self.tooltip = tooltip

    # Keys

    def action_go(self, columns: int) -> None:
        """Ask for the time so many columns on (or back)."""
        view = self._view
        branch = next((one for one in view.branches if one.number == view.current), None)
        if branch is None:
            return
        time = min(max(0, view.now + columns * self._now().scale.step), max(branch.end, view.now))
        if time != view.now:
            self.post_message(self.Sought(branch.number, time))

    def action_switch(self, by: int) -> None:
        """Ask for the branch drawn above or below."""
        numbers = [row.number for row in rows(self._view, self.most_lines)]
        if self._view.current in numbers and 0 <= (to := numbers.index(self._view.current) + by) < len(numbers):
            self.post_message(self.Switched(numbers[to]))

    def action_leave(self) -> None:
        """Ask for the focus to go elsewhere."""
        self.post_message(self.Left())
