"""The screen of two branches side by side. The run that they belong to stands still behind it, as it was left."""

from __future__ import annotations

from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.widgets import Static

from app.comparing import REFUSED, Bounded, CompareDriver
from app.differing import CompareFramer
from app.history import History
from app.keys import COMPARE, COMPARED, bindings
from app.screens.bar import Bar
from app.screens.branching import GoDialog
from app.screens.dialogs import Dialog
from app.screens.help import HelpScreen
from app.screens.live import LiveScreen
from app.screens.twin import BothScreen
from app.screens.why import WhyScreen
from app.twin import TwinDriver
from engine.causes import chain
from engine.duration import format_duration
from engine.errors import CommandError
from engine.trace import TraceEvent
from widgets.metrics import COURSE, RIVAL
from widgets.status import StatusLine
from widgets.text import clean, count
from widgets.timeline import Timeline


class CompareScreen(BothScreen):
    """Two branches, side by side at the same virtual time. Closes with nothing."""

    ACTIONS = COMPARE
    BINDINGS = bindings(COMPARED)  # type: ignore[assignment]

    def __init__(self, driver: CompareDriver, shown: int = 0) -> None:
        self._pair = CompareFramer(driver, shown)
        super().__init__(self._pair, driver, driver.sim.scenario.name, {})
        self._comparing = driver
        self._parting = Static(id="parting", markup=False)
        self._show_side(shown)

    def compose(self) -> ComposeResult:
        """As on the live screen, with the line on where they part below the status."""
        for widget in super().compose():
            yield widget
            if isinstance(widget, StatusLine):
                yield self._parting

    @property
    def shown(self) -> History:
        """The branch whose messages are shown."""
        return self._comparing.sides[self._pair.shown]

    @property
    def branch_shown(self) -> History:
        """The branch whose messages are shown."""
        return self.shown

    def resized(self, width: int, height: int) -> None:
        """Another size: more or less of the words fits."""
        self._say_where_they_part(width)
        super().resized(width, height)

    def _say_where_they_part(self, width: int) -> None:
        self._parting.update(clean(self._comparing.common.in_a_line(self._pair.labels, width - 2)))

    def draw(self, *, everything: bool = False) -> None:
        """Draw a frame."""
        super().draw(everything=everything)
        first, second = self._pair.headings
        self._messages.heading = f"Messages · {(first, second)[self._pair.shown]}"
        self._metrics.heading = f"Metrics · {COURSE} {first} · {RIVAL} {second}"

    # Which branch

    def _show_side(self, side: int) -> None:
        """Show the messages of a branch; what is asked about an agent is asked of it."""
        self._pair.shown = side
        self.sim = self.shown.sim

    def action_switch(self) -> None:
        """Show the messages of the other branch."""
        self._show_side(1 - self._pair.shown)
        self.draw(everything=True)

    def _go_over(self, number: int) -> None:
        numbers = [side.branch.number for side in self._comparing.sides]
        if number in numbers:
            self._show_side(numbers.index(number))
            self.draw(everything=True)
        else:
            self.tell(f"branch {number} is not one of the two; esc goes back, and there d compares with it",
                      title="Not done")  # fmt: skip

    # Time

    def action_step(self) -> None:
        """One event of the branch that goes ahead, and what comes before it in the other."""
        if not self.driver.step():
            self.tell("both branches are at their end; esc goes back to the run, which can go on")
        self.draw(everything=True)

    def _go_to_landmark(self, by: int) -> None:
        """To the next moment with an event worth seeing in either, or to the one before."""
        if self.driver.go_to_landmark(by):
            found = [
                f"branch {number}: {one.glyph} {one.text}, at {format_duration(one.time)}"
                for number, one in self._comparing.landmarks()
            ]
            if found:
                self.tell("\n".join(found[:4]), timeout=3)
        elif by < 0:
            self.driver.go_to(0)
            self.tell("no event worth seeing comes before this; this is the start of the run", timeout=3)
        else:
            self.tell("nothing worth seeing comes after this in either branch", timeout=3)
        self.draw(everything=True)

    def action_parting(self) -> None:
        """To the moment where they part."""
        if not self._comparing.go_to_parting():
            self.tell(self._comparing.common.in_words(self._pair.labels)[0])
        self._say_where_they_part(self.size.width)
        self.draw(everything=True)

    @on(Timeline.Sought)
    def _sought_in_both(self, event: Timeline.Sought) -> None:
        event.prevent_default()  # the live screen would go over to the branch
        self.driver.go_to_time(event.moment)
        self.draw(everything=True)

    # Why

    def _explain(self, index: int, about: str = "") -> None:
        """Show the causes of an event of the branch that is shown, or with a minus, of the other one."""
        history = self.shown if index >= 0 else self._comparing.sides[1 - self._pair.shown]
        events = chain(abs(index), history.event)
        if not events:
            self.tell(
                f"nothing is kept of event {count(abs(index))}" if index else f"no event led to {about or 'this'}"
            )
            return
        if history is self.shown:
            self._messages.sequence.path = [event.index for event in events]
        about = f"{about or f'event {count(abs(index))}'} · branch {history.branch.number}"

        def explained(chosen: int | None) -> None:
            if chosen is not None:
                self._comparing.go_to_event(history, chosen)
            self.draw(everything=True)

        self.app.push_screen(WhyScreen(history.sim, events, history.event, about), explained)

    def _find_event(self, index: int) -> TraceEvent | None:
        return self.shown.event(index)

    # Back

    def action_leave(self) -> None:
        """Let go of what is selected; where nothing is, back to the run."""
        stages = any(stage.has_focus_within and stage.selected for stage in (self._stage, self._right_stage))
        sequence = self._messages.sequence
        if stages or (sequence.has_focus and sequence.selected) or self._timeline.has_focus:
            raise SkipAction
        if any(bar.is_open for bar in self.query(Bar)):
            raise SkipAction
        self.dismiss(None)

    def action_compare(self) -> None:
        """Back to the run."""
        self.dismiss(None)

    def action_menu(self) -> None:
        """Back to the run."""
        self.dismiss(None)

    # What cannot be done here

    def command(self, text: str) -> None:
        """Raise CommandError."""
        raise CommandError(REFUSED)

    def ask(self, dialog: Dialog) -> None:
        """Ask for a moment to go to; every other dialog would end in a command."""
        if isinstance(dialog, GoDialog):
            super().ask(dialog)
        else:
            self._refuse()

    def _refuse(self) -> None:
        self.tell(REFUSED, title="Not done")

    action_crash = action_restart = action_partition = action_heal = action_links = _refuse
    action_misbehave = action_own = action_command = action_branch = _refuse
    action_start_over = action_new_seed = _refuse

    def action_save(self) -> None:
        """Say where it can be done."""
        self.tell("two branches are being compared; esc goes back to the run, where save keeps all of its branches",
                  title="Not done")  # fmt: skip

    def action_export(self) -> None:
        """Say where it can be done."""
        self.tell("two branches are being compared; esc goes back to the run, where its present branch is exported",
                  title="Not done")  # fmt: skip

    def action_help(self) -> None:
        """The keys of this screen."""
        self.app.push_screen(HelpScreen(self.ACTIONS))


def open_comparison(live: LiveScreen, number: int) -> CompareScreen:
    """The screen that compares the branch of a run with another one, from the present on. Raises CommandError where
    there is no such branch, or nothing to compare."""
    driver = live.driver
    if isinstance(driver, TwinDriver):
        raise CommandError("two runs stand side by side here already; play one of the two to compare its branches")
    own, branches = driver.history.branch, driver.history.tree.branches
    if number not in branches:
        raise CommandError(f"there is no branch {number}; there are {', '.join(map(str, sorted(branches)))}")
    if number == own.number:
        raise CommandError(f"branch {number} is the one on the screen; compare it with another one")
    first, second = sorted((own.number, number))
    left, right = (Bounded.beside(driver.history, branches[one]) for one in (first, second))
    compared = CompareDriver.at_moment_of(driver, left, right)
    screen = CompareScreen(compared, 0 if own.number == first else 1)
    screen.look_like(live)
    return screen
