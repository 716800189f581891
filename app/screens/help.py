"""Help: every key, every command, and what the scenario offers."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from app.keys import Action
from app.screens.keyline import key_of
from app.settings import settings_file
from engine.commands import BUILTIN
from engine.scenario import Scenario
from widgets.stage import Stage


class HelpScreen(ModalScreen[None]):
    """A page to scroll. It reads the same lists as the keys and the parser, so it cannot be out of date."""

    BINDINGS = [Binding("escape,q,question_mark", "close", "Close", id="help.close")]  # noqa: RUF012

    def __init__(self, actions: tuple[Action, ...], scenario: Scenario | None = None) -> None:
        super().__init__()
        self._actions = actions
        self._scenario = scenario

    def compose(self) -> ComposeResult:
        """The page in a box."""
        with Vertical(id="help-box"), VerticalScroll(id="help-page"):
            yield Static(self._page())
        yield Footer()

    def _page(self) -> Group:
        parts: list[Text | Table] = []
        for group in dict.fromkeys(action.group for action in self._actions):
            rows = [(key_of(self.app, a), a.help, a.id) for a in self._actions if a.group == group]
            parts += [_heading(f"Keys: {group}"), _table(rows, first=11, last=12)]
        if self._scenario is not None:
            parts += [_heading("Keys: On the stage, once 3 has brought you there"), self._stage_keys()]
        parts.append(
            Text(f'\nTo use other keys, name the action in {settings_file()}:  [keys]  crash = "x"', style="dim")
        )
        if self._scenario is not None:
            parts += self._scenario_part(self._scenario)
        if self._scenario is not None:
            parts += [
                _heading("Commands (press :)"),
                _table([(use.syntax, use.help, use.example) for use in BUILTIN]),
                Text(
                    "\nWHO is agents by name, pattern or role, or some of them: a-01,a-02  a-*  30%  3  2 of miner\n"
                    "MSG is a message in flight: m4711 (click one). Put  at 4.2s  before any command to have it later.",
                    style="dim",
                ),
            ]
        return Group(*parts)

    def _stage_keys(self) -> Table:
        rows = []
        for binding in Stage.BINDINGS:
            assert isinstance(binding, Binding)
            key = getattr(self.app, "own_keys", {}).get(binding.id, binding.key)
            rows.append((self.app.get_key_display(Binding(key, "")), binding.tooltip, binding.id or ""))
        return _table(rows, first=11, last=16)

    def _scenario_part(self, scenario: Scenario) -> list[Text | Table]:
        parts: list[Text | Table] = [_heading(scenario.title), Text(scenario.teaches)]
        parts += [Text(source, style="dim") for source in scenario.sources]
        if scenario.commands:
            parts.append(_heading(f"{scenario.title}: its own commands (press i)"))
            parts.append(_table([(spec.syntax, spec.help, spec.example) for spec in scenario.commands]))
        if scenario.misbehaviours:
            parts.append(_heading(f"{scenario.title}: misbehaviours (press b)"))
            parts.append(_table([(mode.name, mode.help, "") for mode in scenario.misbehaviours]))
        if scenario.invariants:
            parts.append(_heading(f"{scenario.title}: what must hold"))
            parts.append(_table([(spec.name, f"{spec.help} ({spec.kind})", "") for spec in scenario.invariants]))
        if scenario.experiments:
            parts.append(_heading("Try this"))
            parts.append(_table([(one.title, one.watch, one.keys) for one in scenario.experiments]))
        return parts

    def action_close(self) -> None:
        """Back to where one was."""
        self.dismiss()


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _table(rows: list[tuple[str, str, str]], *, first: int = 28, last: int | None = None) -> Table:
    """Three columns, the first and the last so wide: in all tables of a kind they stand below each other."""
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(width=first)
    table.add_column(ratio=5)
    table.add_column(style="dim", width=last, ratio=None if last else 3)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
