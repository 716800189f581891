"""The tree of branches of a run: what was done in each, how far it has come, and checkpoints along the way.

A run is a line until somebody goes back and does something else; from there on there are two futures. A branch holds
all that tells its course from the very start: what it shares with its parent it holds as well, so that nobody needs to
climb the tree. Where a run stands in the tree is the business of `app.history.History`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Self

from msgspec import Struct

from engine.commands import Timed
from engine.simulation import NEVER, Checkpoint, Simulation
from engine.views import BranchView, Landmark, TimelineView

UNKNOWN = -1
MOST_LANDMARKS = 5_000  # of one branch
MARKED = 20_000  # events between two digests
BUDGET = 190_000_000  # bytes of all checkpoints together


class Given(NamedTuple):
    """A command from outside, and the moment at which it came: after so many events, at this virtual time (µs).

    It was carried out there and then, as the event after those; or, if it says `at`, was put on the agenda. Of one that
    comes from a recording only the time may be known: it comes before all other events of its moment.
    """

    events: int
    now: int
    timed: Timed

    @classmethod
    def recorded(cls, timed: Timed) -> Self:
        """The command that a line of a recording says was carried out: `at event 12 heal`, `at 2s crash a-03`."""
        command = Timed(timed.command)
        return cls(UNKNOWN, timed.at or 0, command) if timed.after is None else cls(timed.after, 0, command)

    @property
    def has_time(self) -> bool:
        """Whether its time is known; of one that a recording gives as `at event 12 …` it is once it has been given."""
        return self.now > 0 or self.events <= 0

    @property
    def is_for_later(self) -> bool:
        """Whether it went onto the agenda."""
        return self.timed.at is not None or self.timed.after is not None


class Place(NamedTuple):
    """A moment of a branch: after so many events, at this virtual time (µs), so many commands given before."""

    events: int
    now: int
    given: int


class Mark(NamedTuple):
    """The digest of a run after so many events, at this virtual time in µs."""

    events: int
    now: int
    digest: str


class Branch(Struct):
    """One future of a run; see the module."""

    number: int  # from 1
    parent: int  # 0 for the first one
    start: Place
    given: list[Given]
    carried: list[str]  # each command carried out, as a recording says it
    carried_before: int = 0  # how many of them it shares with its parent
    events: int = 0  # how far it has been run …
    now: int = 0
    end: Mark | None = None  # … and with which digest, unless the run stands there
    marks: list[tuple[int, Mark]] = []  # digests along the way, each with how many commands had been carried out
    pending: tuple[Timed, ...] = ()  # what waited then
    landmarks: tuple[Landmark, ...] = ()
    looked: int = -1  # the last event whose notes were looked at

    def has_come(self, sim: Simulation, *, is_all: bool) -> None:
        """The run stands as far as ever, or further; `is_all` says whether all that was given has been given by now."""
        self.events, self.now = sim.events, max(self.now, sim.now)
        if is_all and self.carried != sim.commands:
            self.carried = list(sim.commands)
        last = self.marks[-1][1].events if self.marks else self.start.events
        if sim.events - last >= MARKED:
            self.marks.append((len(self.carried), Mark(sim.events, sim.now, sim.digest)))

    @property
    def reach(self) -> tuple[int, int]:
        """Up to where its course is known: the event, or else the virtual time (µs); the other one is NEVER, or agrees.
        That is as far as it has been run; only a recording that was cut short may know commands that come later."""
        last = self.given[-1] if self.given else None
        if last is None or last.is_for_later or UNKNOWN < last.events < self.events:
            return self.events, self.now
        if last.events > UNKNOWN:
            return last.events + 1, NEVER
        if self.end is not None and last.now <= self.now:
            return self.events, self.now
        return NEVER, last.now

    def add_landmarks(self, found: Sequence[Landmark]) -> None:
        """Remember landmarks that come after all others. Of too many, every other one of the commonest kind goes."""
        self.landmarks += tuple(found)
        if len(self.landmarks) > MOST_LANDMARKS:
            commonest = Counter(one.kind for one in self.landmarks).most_common(1)[0][0]
            spared: list[Landmark] = []
            let_go = False
            for one in self.landmarks:
                let_go = one.kind == commonest and not let_go
                if not let_go:
                    spared.append(one)
            self.landmarks = tuple(spared)


class Saved(NamedTuple):
    """A checkpoint, the branch on which it was taken, and how many commands had been given before."""

    checkpoint: Checkpoint
    branch: int
    given: int


class Tree:
    """All branches of one run, by number, and their checkpoints."""

    def __init__(self) -> None:
        self.branches: dict[int, Branch] = {1: Branch(1, 0, Place(0, 0, 0), [], [])}
        self.saved: list[Saved] = []  # in the order in which they were taken
        self._landmarks: dict[int, tuple[tuple[Landmark, ...], tuple[Landmark, ...]]] = {}

    def grow(self, parent: Branch, start: Place, carried: Sequence[str]) -> Branch:
        """A new branch that leaves `parent`, or the branch from which it has its course there, at `start`, where the
        commands `carried` have been carried out."""
        while parent.parent and all(here <= there for here, there in zip(start, parent.start, strict=True)):
            parent = self.branches[parent.parent]
        number = max(self.branches) + 1
        branch = Branch(
            number,
            parent.number,
            start,
            parent.given[: start.given],
            list(carried),
            len(carried),
            events=start.events,
            now=start.now,
            landmarks=tuple([one for one in parent.landmarks if one.index <= start.events]),
            looked=min(parent.looked, start.events),
        )
        self.branches[number] = branch
        return branch

    def inherit_landmarks(self, branch: Branch) -> None:
        """Let a branch know the landmarks that it shares with the one it left, as far as that one was looked at."""
        if not branch.parent or branch.looked >= branch.start.events:
            return
        parent = self.branches[branch.parent]
        self.inherit_landmarks(parent)
        looked = min(parent.looked, branch.start.events)
        if looked > branch.looked:
            branch.landmarks += tuple([one for one in parent.landmarks if branch.looked < one.index <= looked])
            branch.looked = looked

    def lineage(self, branch: Branch) -> dict[int, Place]:
        """The branch and all before it, by number, each with the last moment of it that belongs to the branch."""
        shared = Place(1 << 62, 1 << 62, 1 << 62)
        found: dict[int, Place] = {}
        while True:
            found[branch.number] = shared
            if not branch.parent:
                return found
            shared = Place(*map(min, shared, branch.start))
            branch = self.branches[branch.parent]

    def usable(self, branch: Branch) -> list[Saved]:
        """The checkpoints that lie on a branch's course, earliest first."""
        lineage = self.lineage(branch)
        nowhere = Place(-1, -1, -1)
        found = [
            one
            for one in self.saved
            for last in (lineage.get(one.branch, nowhere),)
            if one.checkpoint.index <= last.events and one.checkpoint.time <= last.now and one.given <= last.given
        ]
        return sorted(found, key=lambda one: (one.checkpoint.index, one.checkpoint.time, one.given))

    def keep(self, saved: Saved) -> None:
        """Keep a checkpoint. If all together take too much memory, the oldest are packed, and then others let go."""
        self.saved.append(saved)
        while self.memory > BUDGET and self.pack():
            pass
        while len(self.saved) > 2 and self.memory > BUDGET:
            self.saved.remove(self._least_missed())

    def pack(self) -> bool:
        """Pack the oldest checkpoint that is not; False where all are."""
        place = next((at for at, one in enumerate(self.saved) if not one.checkpoint.is_packed), None)
        if place is None:
            return False
        one = self.saved[place]
        self.saved[place] = one._replace(checkpoint=one.checkpoint.packed())
        return True

    @property
    def memory(self) -> int:
        """Bytes that the checkpoints take."""
        return sum(one.checkpoint.size for one in self.saved)

    def _least_missed(self) -> Saved:
        """The checkpoint, never the first or the newest, without which the way to any moment grows least; the older it
        is, the less it is missed."""
        ordered = sorted(self.saved[:-1], key=lambda one: (one.branch, one.checkpoint.index))
        newest = max(1, *(one.checkpoint.index for one in self.saved))

        def missed(at: int) -> float:
            one = ordered[at]
            after = ordered[at + 1] if at + 1 < len(ordered) else self.saved[-1]
            end = after.checkpoint.index if after.branch == one.branch else self.branches[one.branch].events
            gap = end - ordered[at - 1].checkpoint.index
            return gap * (2 - (newest - one.checkpoint.index) / newest)

        return ordered[min(range(1, len(ordered)), key=missed)]

    def view(self, current: int, now: int) -> TimelineView:
        """The tree as the timeline draws it."""
        return TimelineView(now, current, tuple(map(self._view, self.branches.values())))

    def _view(self, branch: Branch) -> BranchView:
        own = branch.given[branch.start.given :]
        commands = tuple([(one.now, str(one.timed)) for one in own if one.has_time])
        return BranchView(branch.number, branch.parent, branch.start.now, branch.now, commands, self._own(branch))

    def _own(self, branch: Branch) -> tuple[Landmark, ...]:
        """The landmarks since a branch began: the same object as long as none comes, for those who draw them."""
        if not branch.parent:
            return branch.landmarks
        kept = self._landmarks.get(branch.number)
        if kept is None or kept[0] is not branch.landmarks:
            own = tuple([one for one in branch.landmarks if one.index > branch.start.events])
            self._landmarks[branch.number] = kept = (branch.landmarks, own)
        return kept[1]
