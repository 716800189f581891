"""Looking into one agent: its state, its timers, its mail, what happened to it last."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer

from engine.framing import Framer
from widgets.inspector import Inspector

REFRESH = 0.25  # seconds between two looks


class InspectScreen(ModalScreen[None]):
    """One agent, as it is now; the run goes on behind it. Left and right look into its neighbours in the list."""

    BINDINGS = [  # noqa: RUF012
        Binding("escape,q,i", "close", "Close", id="inspect.close"),
        Binding("left_square_bracket", "other(-1)", "Previous agent", id="inspect.previous", key_display="["),
        Binding("right_square_bracket", "other(1)", "Next agent", id="inspect.next", key_display="]"),
    ]

    def __init__(self, framer: Framer, agent: int) -> None:
        super().__init__()
        self._framer = framer
        self._agent = agent

    def compose(self) -> ComposeResult:
        """The inspector in a box."""
        with Vertical(id="inspect-box"):
            yield Inspector(id="inspector")
        yield Footer()

    def on_mount(self) -> None:
        """Show it, and keep it up to date."""
        self._show()
        self.set_interval(REFRESH, self._show)
        self.query_one(Inspector).focus()

    def _show(self) -> None:
        if not self.is_current:
            return
        if self._agent not in self._framer.sim.present():  # it left, or time went back to before it came
            self.dismiss()
            return
        self.query_one(Inspector).show(self._framer.inspect(self._agent))

    def action_other(self, by: int) -> None:
        """The agent before or after this one."""
        present = self._framer.sim.present()
        self._agent = present[(present.index(self._agent) + by) % len(present)]
        self._show()

    def action_close(self) -> None:
        """Back to the panes."""
        self.dismiss()
