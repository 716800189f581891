"""Moving through time on the live screen: steps, jumps, the timeline, branches."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on

from app.driver import Driver
from app.screens.branching import BranchDialog, ChooseDialog, GoDialog
from app.screens.dialogs import Dialog
from app.screens.sized import SizedScreen
from engine.commands import Timed
from engine.duration import format_duration
from engine.errors import CommandError
from widgets.timeline import Timeline

REACH = "drag the timeline, or press home, end, [ or ]"


class Travelling(SizedScreen):
    """A screen on a driver, with the keys that move through time."""

    def __init__(self, driver: Driver) -> None:
        super().__init__()
        self.driver = driver
        self.sim = driver.sim
        self._timeline = Timeline(id="timeline")

    def draw(self, *, everything: bool = False) -> None:
        """Draw a frame."""
        raise NotImplementedError

    def tell(self, text: str, *, title: str = "", timeout: float | None = None) -> None:
        """Say something in a corner for a while, in place of what stands there."""
        self.app.clear_notifications()
        self.notify(text, title=title, severity="warning" if title == "Not done" else "information",
                    timeout=timeout, markup=False)  # fmt: skip

    def ask(self, dialog: Dialog) -> None:
        """Open a dialog, and draw when it is closed."""
        self.app.push_screen(dialog, lambda _: self.draw(everything=True))

    def focus_home(self) -> None:
        """Give the focus back to the current pane."""
        raise NotImplementedError

    # At its pace

    def action_toggle_pause(self) -> None:
        """Pause, or go on; on the way to another moment, stop there."""
        self.driver.paused = not self.driver.paused or self.driver.is_on_the_way
        self.draw()

    def action_faster(self) -> None:
        """Twice as fast."""
        self._at_speed((self.driver.speed or 1.0) * 2)

    def action_slower(self) -> None:
        """Half as fast; from flat out, back to real time."""
        self._at_speed(1.0 if self.driver.speed is None else self.driver.speed / 2)

    def action_real_time(self) -> None:
        """One virtual second a second."""
        self._at_speed(1.0)

    def action_flat_out(self) -> None:
        """As fast as possible."""
        self._at_speed(None)

    def _at_speed(self, speed: float | None) -> None:
        self.driver.set_speed(speed)
        self.draw()

    # Step by step

    def action_step(self) -> None:
        """One event."""
        if not self.driver.step():
            self.tell("nothing is left to happen; inject something, or start over")
        self.draw()

    def action_back(self) -> None:
        """One event back."""
        if not self.driver.back():
            self.tell("this is the start of the run; there is no event before it")
        self.draw()

    def action_landmark_before(self) -> None:
        """To the last event worth seeing before this moment."""
        self._go_to_landmark(-1)

    def action_landmark_next(self) -> None:
        """To the next event worth seeing."""
        self._go_to_landmark(1)

    def _go_to_landmark(self, by: int) -> None:
        if self.driver.go_to_landmark(by):
            found = next((one for one in self.driver.history.branch.landmarks if one.index == self.sim.events), None)
            if found is not None:
                self.tell(f"{found.glyph} {found.text}, at {format_duration(found.time)}", timeout=3)
        elif by < 0:
            self.driver.go_to(0)
            self.tell("no event worth seeing comes before this; this is the start of the run", timeout=3)
        else:
            self.tell("nothing worth seeing is left to come; inject something, or start over")
        self.draw(everything=True)

    # Far away

    def action_start(self) -> None:
        """To the start of the run."""
        self.driver.go_to(0)
        self.draw(everything=True)

    def action_end(self) -> None:
        """To where the branch has come so far."""
        self.driver.go_to_end()
        self.draw(everything=True)

    def action_go(self) -> None:
        """Ask for a moment to go to."""
        self.ask(GoDialog(self.driver))

    def go_to_event(self, index: int) -> None:
        """Go to the moment right after an event."""
        self.driver.go_to(index)
        self.draw(everything=True)

    # The timeline

    def action_timeline(self) -> None:
        """To the timeline, or back from it."""
        if self._timeline.has_focus:
            self.focus_home()
        else:
            self._timeline.focus()

    @on(Timeline.Sought)
    def _sought(self, event: Timeline.Sought) -> None:
        history = self.driver.history
        if event.branch != history.branch.number:
            self.driver.switch(event.branch)
        if event.index is not None:
            self.driver.go_to(event.index)
        elif event.moment >= history.branch.now:
            self.driver.go_to_end()
        else:
            self.driver.go_to_time(event.moment)
        self.draw(everything=True)

    @on(Timeline.Stepped)
    def _stepped(self, event: Timeline.Stepped) -> None:
        self._go_to_landmark(event.by)

    @on(Timeline.Switched)
    def _switched(self, event: Timeline.Switched) -> None:
        self._go_over(event.branch)

    @on(Timeline.Left)
    def _left(self) -> None:
        self.focus_home()

    # Branches

    def action_branch(self) -> None:
        """Begin another future here; what was to come can come all the same."""
        try:
            self.driver.check_branching()
        except CommandError as error:
            self.tell(error.message, title="Not done")
            return
        self.driver.paused = True
        to_come = self.driver.history.to_come()
        if to_come:
            self.ask(BranchDialog(self.sim.now, to_come, self._branch_off))
        else:
            self._branch_off(())

    def _branch_off(self, kept: Sequence[Timed]) -> None:
        self.driver.branch_off(kept)
        number = self.driver.history.branch.number
        self.tell(f"branch {number} begins here; x goes over to another, d compares two", timeout=6)
        self.draw(everything=True)

    def action_switch(self) -> None:
        """Go over to the next branch, at the same virtual time."""
        numbers = sorted(self.driver.history.tree.branches)
        if len(numbers) < 2:
            self._only_one()
            return
        self._go_over(numbers[(numbers.index(self.driver.history.branch.number) + 1) % len(numbers)])

    def _go_over(self, number: int) -> None:
        self.driver.switch(number)
        self.draw(everything=True)

    def action_compare(self) -> None:
        """See this branch and another one side by side."""
        history = self.driver.history
        others = [branch for number, branch in sorted(history.tree.branches.items()) if branch is not history.branch]
        if not others:
            self._only_one()
        elif len(others) == 1:
            self._compare_or_say_why_not(others[0].number)
        else:
            self.ask(ChooseDialog(others, self._compare_or_say_why_not))

    def _compare_or_say_why_not(self, number: int) -> None:
        try:
            self.compare(number)
        except CommandError as error:
            self.tell(error.message, title="Not done")

    def compare(self, number: int) -> None:
        """See this branch and the one with this number side by side. Raises CommandError where that cannot be done."""
        raise NotImplementedError

    def _only_one(self) -> None:
        self.tell(
            f"there is one branch only; go back ({REACH}), and give another command, or press n", title="Not done"
        )
