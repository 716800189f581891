"""Two branches of one run in step: each stays on its own and goes no further than that has been run.

The run itself stands still meanwhile: both are further simulations of it, in its tree of branches.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Self

from app.branches import Branch, Place, Tree
from app.driver import Clock, Driver
from app.history import History
from app.replay import parting
from app.twin import TwinDriver
from engine.commands import Timed
from engine.duration import format_duration
from engine.errors import CommandError
from engine.simulation import NEVER
from engine.views import Landmark

REFUSED = "two branches are being compared; esc goes back to the one where commands can be given"
PATIENCE = 1.0  # seconds that the search for where they part may take at a time
BRIEF = 60  # columns that the first events apart need, or else the line has short words


class Bounded(History):
    """A way through the tree that goes no further than to the end of the branch on which it is."""

    @classmethod
    def beside(cls, history: History, branch: Branch) -> Self:
        """Another simulation of the same run, at its start, on this branch."""
        other = history.companion()
        bounded = cls(other.sim, other.clock, other.tree)
        bounded.depart(branch, index=0, now=0)
        return bounded

    @property
    def has_ended(self) -> bool:
        """Whether it stands at the end of its branch."""
        return self.sim.events >= self.branch.events and self.sim.now >= self.branch.now

    def go_on(self, until: int, events: int, *, given: int = NEVER) -> int:
        """As ever, but to the end of the branch at most."""
        until, left = min(until, self.branch.now), self.branch.events - self.sim.events
        if left <= 0:
            self.pass_time(until)
            return 0
        return super().go_on(until, min(events, left), given=given)

    def proceed(
        self, *, index: int = NEVER, now: int = NEVER, given: int | None = None, patience: float = math.inf
    ) -> bool:
        """As ever, but to the end of the branch at most."""
        branch = self.branch
        if index > branch.events or now < NEVER:
            now = min(now, branch.now)
        return super().proceed(index=min(index, branch.events), now=now, given=given, patience=patience)


class Common(NamedTuple):
    """What two branches share: so many events, all before a virtual time (µs) at which they part; and the next event of
    each in words. Where one ends before they part, the time is NEVER, and instead of words there is its end; where they
    have been compared only so far (µs), the time is NEVER as well, and there are no words."""

    events: int
    moment: int
    left: str = ""
    right: str = ""
    compared: int = 0

    @property
    def is_open(self) -> bool:
        """Whether they may part after what has been compared."""
        return self.moment == NEVER and not self.left

    def in_words(self, labels: tuple[str, str]) -> tuple[str, ...]:
        """Three sentences, or one where they do not part."""
        if self.is_open:
            return (f"They share {self.events:,} events at least, to {format_duration(self.compared)}; "
                    "P looks further.",)  # fmt: skip
        if self.moment == NEVER:
            return (f"They share {self.events:,} events, and do not part before {self.left}.",)
        return (
            f"They share {self.events:,} events and part at {format_duration(self.moment)}.",
            f"{labels[0]}: {self.left}",
            f"{labels[1]}: {self.right}",
        )

    def in_a_line(self, labels: tuple[str, str], width: int) -> str:
        """The same in one line of at most so many characters: the longer words are cut first."""
        head, *sides = self.in_words(labels)
        if not sides:
            return cut(head, width)
        line = f"{head[:-1]}: {' | '.join(sides)}"
        if len(line) <= width:
            return line
        if width < len(head) + BRIEF:
            head = f"They part at {format_duration(self.moment)}."
            sides = [side.removeprefix("branch ") for side in sides]
        room = width - len(head) - len(" ") - len(" | ")
        first = max(room // 2, room - len(sides[1]))
        one = cut(sides[0], first)
        return f"{head[:-1]}: {one} | {cut(sides[1], room - len(one))}"


def cut(text: str, width: int) -> str:
    """A text of at most so many characters, with an ellipsis where some are left out."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def forking(tree: Tree, one: Branch, other: Branch) -> Place:
    """The last moment that two branches share as the tree knows it: where the later of them began."""
    first, second = tree.lineage(one), tree.lineage(other)
    return max(Place(*map(min, first[number], second[number])) for number in first if number in second)


def common(left: Bounded, right: Bounded, alike: Sequence[Place] = ()) -> Common:
    """What the branches of two histories share, sought from places that they are known to share, or from where the tree
    says that one left the other. Both go there, and as much further as the search may take at a time."""
    alike = alike or [forking(left.tree, left.branch, right.branch)] * 2
    for history, place in zip((left, right), alike, strict=True):
        history.depart(index=place.events, now=place.now, given=place.given)
        history.proceed(index=place.events, now=place.now, given=place.given)
    ends = [history.branch.events for history in (left, right)]
    apart = parting(left, right, ends, PATIENCE)
    if apart is not None:
        return Common(apart.shared, apart.moment, apart.left, apart.right)
    if left.sim.events < min(ends):
        return Common(left.sim.events, NEVER, compared=left.sim.now)
    first = min((left.branch, right.branch), key=lambda branch: (branch.events, branch.now))
    return Common(first.events, NEVER, f"branch {first.number} ends at {format_duration(first.now)}")


class CompareDriver(TwinDriver):
    """Paces two branches. The one that ends later goes ahead, and the other follows it to the same virtual time, or to
    its own end if that is earlier. `sides` is both, by number."""

    def __init__(
        self, left: Bounded, right: Bounded, *, speed: float | None = 1.0, clock: Clock = time.perf_counter
    ) -> None:
        self.sides = left, right
        self._alike: tuple[Place, ...] = ()
        self._look_further()
        ahead, behind = (left, right) if left.branch.now >= right.branch.now else (right, left)
        super().__init__(ahead, behind, speed=speed, paused=True, clock=clock)

    def _look_further(self) -> None:
        self.common = common(*self.sides, self._alike)
        self._alike = tuple([side.place for side in self.sides])

    @classmethod
    def at_moment_of(cls, driver: Driver, left: Bounded, right: Bounded) -> Self:
        """Both at the virtual time of another driver, paused, at its speed."""
        self = cls(left, right, speed=driver.speed, clock=driver._clock)
        self.go_to_time(driver.sim.now)
        return self

    @property
    def is_at_end(self) -> bool:
        """Whether neither has anything left."""
        return all(history.has_ended for history in self.sides)

    def _slice(self, budget: float) -> None:
        super()._slice(budget)
        if not self.is_on_the_way and not self.paused and self.is_at_end:
            self.paused = self.ended = True

    def _follow(self) -> None:
        other = self.right_history
        index = self._shared_index
        if other.sim.events > index or other.sim.now > self.sim.now:
            other.depart(index=index, now=self.sim.now)
        other.proceed(index=index, now=self.sim.now)

    @property
    def _shared_index(self) -> int:
        """The event after which the other one stands as well, as long as they are alike."""
        shared, moment = self.common.events, self.common.moment
        alike = self.sim.events < shared or (self.sim.events == shared and self.sim.now < moment)
        return self.sim.events if alike else NEVER

    def _travel(
        self, branch: Branch | None, index: int, now: int, search: Callable[[], int | None] | None = None
    ) -> None:
        super()._travel(None, index, now, search)

    def _take_along(self, branch: Branch | None) -> None:
        self.right_history.depart(index=self._shared_index, now=self.sim.now)
        self._follow()

    def go_to_event(self, history: History, index: int) -> None:
        """Pause, and go to the moment of an event of one of the two."""
        event = None if history is self.history else history.event(index)
        if event is None:
            self.go_to(index)
        else:
            self.go_to_time(event.time)

    def go_to_parting(self) -> bool:
        """Pause, and go to the first moment at which they differ; False where there is none, or none so far."""
        self.paused = True
        now = self.sim.now
        if self.common.is_open:
            self._look_further()
        found = self.common.moment
        self.go_to_time(now if found == NEVER else found)
        return found != NEVER

    def go_to_landmark(self, by: int) -> bool:
        """Pause, and go to the next moment at which either has something worth seeing (1), or to the one before (-1);
        False where there is none."""
        now = self.sim.now
        times = [one.time for side in self.sides for one in side.branch.landmarks if (one.time - now) * by > 0]
        if times:
            self.go_to_time(min(times) if by > 0 else max(times))
        elif by > 0 and not self.is_at_end:
            self.go_to_end()
        self.paused = self.paused or not self.is_on_the_way
        return bool(times)

    def landmarks(self) -> Iterator[tuple[int, Landmark]]:
        """What is worth seeing right now, each with the number of the branch; what both share is of the first."""
        seen = set()
        for side in self.sides:
            for one in side.branch.landmarks:
                if one.time == self.sim.now and one not in seen:
                    seen.add(one)
                    yield side.branch.number, one

    def switch(self, number: int) -> None:
        """Each stays on its own branch."""

    def check_branching(self) -> None:
        """Raise CommandError."""
        raise CommandError(REFUSED)

    def branch_off(self, kept: Sequence[Timed] = ()) -> None:
        """Raise CommandError."""
        raise CommandError(REFUSED)

    def apply(self, timed: Timed) -> None:
        """Raise CommandError."""
        raise CommandError(REFUSED)
