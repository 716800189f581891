"""The stage pane: the scenario's own parts; what stands on it can be selected, and is then explained beside it."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from engine.views import Chain, Matrix, StageView
from widgets.composing import Drawn, compose
from widgets.drawing import Drawing
from widgets.lanes import arrange, step
from widgets.lens import FARTHEST, NEAREST, Item, Lens, item_at, next_item
from widgets.pane import Pane
from widgets.strips import LeanStrip
from widgets.text import Line

BEAT = 10  # drawings for which a block that changed sides is marked
PAGE = 5  # columns that a turn of the wheel or a page key goes back


class Stage(Drawing, can_focus=True):
    """The body of the stage pane: every part in its own rectangle, drawn anew only when it differs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, label, show=False, id=f"stage.{label.lower().replace(' ', '-')}", tooltip=tooltip)
        for key, action, label, tooltip in (
            ("left", "go(-1, 0)", "Left", "Select what stands to the left, or a block's parent"),
            ("right", "go(1, 0)", "Right", "Select what stands to the right, or a block's child"),
            ("up", "go(0, -1)", "Up", "Select what stands above"),
            ("down", "go(0, 1)", "Down", "Select what stands below"),
            ("pageup", f"look_back({PAGE})", "Older", "Look at older blocks or columns"),
            ("pagedown", f"look_back({-PAGE})", "Newer", "Look at newer blocks or columns"),
            ("less_than_sign", "near(-1)", "Farther", "See more blocks, smaller"),
            ("greater_than_sign", "near(1)", "Nearer", "See fewer blocks, with their hashes"),
            ("escape", "let_go", "Let go", "Select nothing, and follow the newest"),
        )
    ]

    class Selected(Message):
        """Something on the stage was selected, or with an empty key, nothing is any more."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self) -> None:
        super().__init__()
        self._view = StageView(title="", parts=())
        self._lens = Lens()
        self._lines: list[Line] = []
        self._items: list[Item] = []
        self._strips: dict[int, LeanStrip] = {}
        self._drawn: Drawn = {}
        self._stale = True
        self._beats: dict[str, int] = {}  # blocks that changed sides → drawings for which they stay marked

    @property
    def selected(self) -> str:
        """The key of what is selected; empty while nothing is."""
        return self._lens.selected

    @property
    def hint(self) -> str:
        """What the keys do here, in few words."""
        if self.selected:
            return "esc lets go"
        if self._chain is not None:
            return "arrows select a block · < > farther, nearer · page keys look back"
        return "arrows select" if self._items else ""

    def show(self, view: StageView) -> None:
        """Draw this view; only lines that differ from the last one are drawn anew."""
        old, self._view = self._view, view
        self._mark_changes(old, view)
        lens = self._lens._replace(fresh=frozenset(self._beats))
        if view.parts == old.parts and lens == self._lens and not self._stale:
            return
        self._lens = lens
        self._draw_again()

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

    # Looking around

    def action_go(self, across: int, down: int) -> None:
        """Select the next thing in a direction. Where there is nothing to select, left and right look back and on."""
        chain = self._chain
        if chain is not None:
            self._select(step(chain, arrange(chain, 0, self.selected), self.selected, across, down))
        elif self._items:
            found = next_item(self._items, self.selected, across, down)
            if found is not None:
                self._select(found.key)
        elif across:
            self.action_look_back(-across)

    def action_look_back(self, by: int) -> None:
        """Move by so many columns towards the older ones."""
        most = max((_columns(part) - 1 for part in self._view.parts if isinstance(part, (Matrix, Chain))), default=0)
        self._look(self._lens._replace(back=max(0, min(most, self._lens.back + by))))

    def action_near(self, by: int) -> None:
        """Nearer, with more to read, or farther, with more to see."""
        self._look(self._lens._replace(zoom=max(FARTHEST, min(NEAREST, self._lens.zoom + by))))

    def action_let_go(self) -> None:
        """Select nothing, and follow the newest."""
        self._look(self._lens._replace(back=0))
        self._select("")

    def on_click(self, event: events.Click) -> None:
        """Select what is under the mouse."""
        if self._items:
            item = item_at(self._items, event.x, event.y)
            self._select("" if item is None else item.key)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Back; with ctrl, nearer."""
        event.stop()
        self.action_near(1) if event.ctrl else self.action_look_back(PAGE)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """On; with ctrl, farther."""
        event.stop()
        self.action_near(-1) if event.ctrl else self.action_look_back(-PAGE)

    def _select(self, key: str) -> None:
        if key != self.selected:
            self._look(self._lens._replace(selected=key))
            self.post_message(self.Selected(key))

    def _look(self, lens: Lens) -> None:
        if lens != self._lens:
            self._lens = lens
            self._draw_again()

    @property
    def _chain(self) -> Chain | None:
        return next((part for part in self._view.parts if isinstance(part, Chain)), None)

    # Drawing

    def _mark_changes(self, old: StageView, new: StageView) -> None:
        """A reorganisation is seen happening: blocks that joined or left the canonical chain stay marked for a beat."""
        self._beats = {key: left - 1 for key, left in self._beats.items() if left > 1}
        pairs = zip(old.parts, new.parts, strict=False)
        for before, after in pairs:
            if isinstance(before, Chain) and isinstance(after, Chain) and before.blocks is not after.blocks:
                was = {block.id: block.status for block in before.blocks}
                for block in after.blocks:
                    if was.get(block.id, block.status) != block.status:
                        self._beats[block.id] = BEAT

    def _draw_again(self) -> None:
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

    def _lay_out(self) -> None:
        self._stale = False
        width, height = self.size
        self._lines, self._items = compose(self._view.parts, width, height, self._lens, self._drawn)


def _columns(part: Matrix | Chain) -> int:
    return len(part.columns) if isinstance(part, Matrix) else len({block.height for block in part.blocks})


class StagePane(Pane):
    """The stage. Arrows select, page keys look at older and newer columns, `<` and `>` go farther and nearer."""

    PANE_TITLE: ClassVar[str] = "Stage"

    def __init__(
        self, *, number: int | None = 3, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        self._stage = Stage()
        super().__init__(self._stage, number=number, name=name, id=id, classes=classes)

    @property
    def selected(self) -> str:
        """The key of what is selected on the stage; empty while nothing is."""
        return self._stage.selected

    def show(self, view: StageView) -> None:
        """Draw this view."""
        self.heading = view.title or self.PANE_TITLE
        self._stage.show(view)
        self._hint()

    def on_descendant_focus(self) -> None:
        """Say what its keys do."""
        self._hint()

    def on_descendant_blur(self) -> None:
        """Say nothing."""
        self._hint()

    def _hint(self) -> None:
        self.corner = self._stage.hint if self.has_focus_within else ""
