"""Small dialogs about time: where to go, what shall come in a new branch, which branch to compare with."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Input, Label, OptionList, SelectionList
from textual.widgets.option_list import Option

from app.branches import Branch
from app.driver import Driver
from app.screens.dialogs import Dialog
from app.screens.ticks import Ticks
from engine.commands import Timed
from engine.duration import format_duration, parse_duration
from engine.errors import CommandError, ParameterError

_EVENT = re.compile(r"(?:event\s*|#)\s*([0-9]{1,15})")


class GoDialog(Dialog):
    """A moment to go to: a virtual time, or an event."""

    HEADING, ACCEPT = "Go to a moment", "Go there"
    ABOUT = "a time such as 12.5s or 2m, or an event such as #1234; one that lies ahead is run to"

    def __init__(self, driver: Driver) -> None:
        super().__init__()
        self._driver = driver

    def fields(self) -> ComposeResult:
        """One line to type in."""
        sim, branch = self._driver.sim, self._driver.history.branch
        yield Label(
            f"now {format_duration(sim.now)}, event {sim.events:,}; "
            f"run so far to {format_duration(branch.now)}, event {branch.events:,}"
        )
        yield Input(placeholder="12.5s, or #1234", id="go-where", compact=True)

    def action_accept(self) -> None:
        """Go there and close, or say what is wrong."""
        try:
            index, now = read_moment(self.query_one("#go-where", Input).value)
        except CommandError as error:
            self.complain(error.message)
            return
        if index is not None:
            self._driver.go_to(index)
        else:
            self._driver.go_to_time(now)
        self.dismiss()


def read_moment(text: str) -> tuple[int | None, int]:
    """The event, or else the virtual time in µs, that a text names. Raises CommandError."""
    text = text.strip()
    event = _EVENT.fullmatch(text)
    if event is not None:
        return int(event[1]), 0
    try:
        return None, parse_duration(text)
    except ParameterError:
        said = f"{text[:30]!r} is no moment" if text else "nothing was typed"
        raise CommandError(f"{said}; write a time such as 12.5s or 2m, or an event such as #1234") from None


class BranchDialog(Dialog):
    """Which of the commands that were to come shall come in a new branch."""

    BINDINGS = [  # noqa: RUF012
        Binding("enter", "accept", "Begin the branch", id="branch.begin", priority=True),
        Binding("a", "all", "All or none", id="branch.all"),
    ]
    ACCEPT = "Begin the branch"
    ABOUT = "from here on things go another way; tick what shall come all the same"

    def __init__(self, now: int, to_come: Sequence[Timed], begin: Callable[[Sequence[Timed]], None]) -> None:
        super().__init__()
        self.HEADING = f"A new branch at {format_duration(now)}"
        self._to_come, self._begin = list(to_come), begin

    def fields(self) -> ComposeResult:
        """The commands to come, none of them ticked."""
        yield Ticks(*((str(timed), str(place), False) for place, timed in enumerate(self._to_come)),
                    id="branch-ticks", compact=True)  # fmt: skip

    def action_all(self) -> None:
        """Tick all, or where all are ticked none."""
        ticks: SelectionList[str] = self.query_one("#branch-ticks", SelectionList)
        if len(ticks.selected) == len(self._to_come):
            ticks.deselect_all()
        else:
            ticks.select_all()

    def action_accept(self) -> None:
        """Begin the branch."""
        if self.focused is not None and self.focused.id == "give-up":
            self.action_give_up()
            return
        ticked = sorted(map(int, self.query_one("#branch-ticks", SelectionList).selected))
        try:
            self._begin([self._to_come[place] for place in ticked])
        except CommandError as error:
            self.complain(error.message)
            return
        self.dismiss()


class ChooseDialog(Dialog):
    """Which other branch to compare with."""

    HEADING, ACCEPT = "Compare with which branch?", "Compare"

    def __init__(self, branches: Sequence[Branch], choose: Callable[[int], None]) -> None:
        super().__init__()
        self._branches, self._choose = branches, choose

    def fields(self) -> ComposeResult:
        """The branches, each with what was done in it."""
        yield OptionList(*(Option(in_words(branch), id=str(branch.number)) for branch in self._branches), id="branches")

    def on_mount(self) -> None:
        """Begin with the newest."""
        branches = self.query_one("#branches", OptionList)
        branches.highlighted = len(self._branches) - 1
        branches.focus()

    @on(OptionList.OptionSelected)
    def _chosen(self) -> None:
        self.action_accept()

    def action_accept(self) -> None:
        """Close, and compare."""
        at = self.query_one("#branches", OptionList).highlighted or 0
        self.dismiss()
        self.app.call_later(self._choose, self._branches[at].number)


def in_words(branch: Branch) -> str:
    """A branch in one line: where it begins, what was done, how far it has come."""
    done = ", ".join(str(one.timed) for one in branch.given[branch.start.given :]) or "no command"
    since = f"from {format_duration(branch.start.now)} of branch {branch.parent}" if branch.parent else "from the start"
    return f"branch {branch.number}  {since} to {format_duration(branch.now)}: {done}"
