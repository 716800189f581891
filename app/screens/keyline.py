"""The footer: the keys of the screen as they are now, as many as fit, the most useful ones first to stay."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from textual.app import App
from textual.binding import Binding
from textual.widgets import Static

from app.keys import Action

GAP = 2  # cells between two keys


class KeyLine(Static):
    """One line of keys and what they do; each can be clicked. The order is that of the list of actions."""

    DEFAULT_CSS = "KeyLine { height: 1; background: $panel; padding: 0 1; }"

    def __init__(self, actions: tuple[Action, ...]) -> None:
        super().__init__()
        self._actions = actions

    def on_resize(self) -> None:
        """Other keys may fit."""
        self.update(self._line(self.content_size.width))

    def _line(self, width: int) -> str:
        keys = {action.id: key_of(self.app, action) for action in self._actions}
        kept: set[str] = set()
        room = width
        for action in sorted(self._actions, key=lambda action: action.rank):
            room -= cell_len(f"{keys[action.id]} {action.label}") + (GAP if kept else 0)
            if room < 0:
                break
            kept.add(action.id)
        return (" " * GAP).join(
            f"[@click=screen.{action.action}][b $accent]{_escaped(keys[action.id])}[/] {action.label}[/]"
            for action in self._actions
            if action.id in kept
        )


def _escaped(key: str) -> str:
    return key.replace("[", "\\[")


def key_of(app: App[Any], action: Action) -> str:
    """The key of an action as it is now, the user's own choice included."""
    chosen: str | None = getattr(app, "own_keys", {}).get(action.id)
    if chosen is None:
        return action.display or action.key.split(",")[0]
    return app.get_key_display(Binding(chosen.split(",")[0], ""))
