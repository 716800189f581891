"""Going back and forth: where a run stands in its tree of branches, and how it gets anywhere else.

Going somewhere is: load the nearest checkpoint before it, and run forward from there, giving what was given then.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence

from app.branches import UNKNOWN, Branch, Given, Mark, Place, Saved, Tree
from engine.checkpoints import without_collection
from engine.commands import Cancel, Timed
from engine.errors import CommandError
from engine.landmarks import plain_landmark, teller
from engine.simulation import NEVER, Simulation
from engine.trace import TraceEvent
from engine.views import Landmark, TimelineView

LEAST = 0.02  # seconds of running between two checkpoints, at least
WORTH = 20  # and at least so many times what the last one took to make
CHUNK = 2_048  # events between two looks at what is worth seeing, of which the run remembers 4,096


def go_on(sim: Simulation, until: int, events: int) -> int:
    """`sim.run_to` that passes over commands of the agenda that cannot be carried out: the story tells of them."""
    first = sim.events
    while True:
        try:
            sim.run_to(until, first + events - sim.events)
        except CommandError:
            continue
        return sim.events - first


class History:
    """The way of one simulation through a tree of branches; it begins on the first one, where the simulation stands.

    With a `tree` that another simulation of the same run has made, it begins at the start of the run. With `strict`, a
    command of a recording that cannot be carried out raises CommandError, instead of being told in the story.
    """

    def __init__(
        self, sim: Simulation, clock: Callable[[], float], tree: Tree | None = None, *, strict: bool = False
    ) -> None:
        self._sim = sim
        self.clock = clock
        self._strict = strict
        self.spent = 0.0
        """Seconds that the last checkpoint took."""
        self._ran = 0.0  # seconds of running since then
        self.rate = 0.0
        """Events a second, when last measured."""
        self._near = 0  # the event of the last checkpoint on the way to here
        self._given = 0  # how many commands of the branch have been given
        self._scout: History | None = None
        self.tree = Tree() if tree is None else tree
        self.branch = self.tree.branches[1]
        if self.tree.saved:
            sim.restore(self.tree.saved[0].checkpoint)
        else:
            self.look()
            self.keep()

    # Where it stands

    @property
    def place(self) -> Place:
        """Where the run stands on its branch."""
        return Place(self._sim.events, self._sim.now, self._given)

    @property
    def is_behind(self) -> bool:
        """Whether the branch has been run further than to here, or something was given later."""
        sim, branch = self._sim, self.branch
        return self._given < len(branch.given) or sim.events < branch.events or sim.now < branch.now

    @property
    def given(self) -> int:
        """How many commands have come from outside so far."""
        return self._given

    def view(self) -> TimelineView:
        """The tree, and where the run stands in it."""
        return self.tree.view(self.branch.number, self._sim.now)

    def end_mark(self, branch: Branch) -> Mark | None:
        """The end of a branch as far as it has been run, with its digest."""
        if branch is self.branch:
            self._note_end()
        return branch.end

    # Going on

    def go_on(self, until: int, events: int, *, given: int = NEVER) -> int:
        """Let the run go on along its branch to virtual time `until` (µs), for at most so many events, giving what was
        given then, but no more than so many commands; returns how many events happened."""
        sim = self._sim
        first = sim.events
        while self._given < min(given, len(self.branch.given)):
            if not self._come_to(self.branch.given[self._given], until, first + events):
                break
        else:
            go_on(sim, until, first + events - sim.events)
        self.look()
        return sim.events - first

    def _come_to(self, one: Given, until: int, last: int) -> bool:
        """Go on to the moment of a command, and give it; False if the way ends before, at a time or after an event."""
        sim = self._sim
        if one.events == UNKNOWN:
            if until < one.now:
                go_on(sim, until, last - sim.events)
                return False
            if sim.now < one.now:
                go_on(sim, one.now - 1, last - sim.events)
        else:
            go_on(sim, until, min(last, one.events) - sim.events)
            if sim.events < one.events:
                return False
            if sim.now < one.now and (one.is_for_later or until < one.now):
                go_on(sim, min(until, one.now), 1)  # time passes; no event happens meanwhile, as none did then
                if until < one.now:
                    return False
        if sim.events >= last and not one.is_for_later:
            return False
        self._give(one)
        return True

    def _give(self, one: Given) -> None:
        """Give a command of the branch at its moment."""
        sim = self._sim
        events = sim.events
        try:
            if one.is_for_later or sim.now >= one.now:
                sim.apply(one.timed)
            else:  # it comes before what else happens at that time
                sim.schedule(one.timed, at=one.now)
                sim.run_to(one.now, 1)
        except CommandError as error:
            if self._strict:
                raise CommandError(f"“{one.timed}” cannot be carried out any more: {error.message}") from None
        if one.events == UNKNOWN or not one.has_time:
            self.branch.given[self._given] = Given(events, sim.now, one.timed)
        self._given += 1

    def look(self) -> None:
        """Remember how far the branch has come, and what there was worth seeing. To be called at least once in the
        4,096 events that the run remembers, if it goes on otherwise than by `go_on`."""
        sim, branch = self._sim, self.branch
        if sim.events >= branch.events:
            branch.has_come(sim, is_all=self._given == len(branch.given))
        if sim.events > branch.looked:
            found = list(self._new_landmarks(branch.looked))
            branch.looked = sim.events
            if found:
                branch.add_landmarks(found[::-1])

    def _new_landmarks(self, looked: int) -> Iterator[Landmark]:
        """The landmarks since the event `looked`, the newest first."""
        sim = self._sim
        for note in reversed(sim.trace.notes):
            if note.index <= looked:
                break
            event = sim.trace.event(note.index)
            commanded = event is not None and event.kind == "command"
            found = sim.scenario.landmark(sim, note) or plain_landmark(note, teller(sim, note), commanded=commanded)
            if found is not None:
                yield found

    # Commands

    def apply(self, timed: Timed, *, fork: bool | None = None) -> None:
        """Carry out a command, or put it on the agenda, and remember it; in the past, a new branch begins with it.
        `fork` says otherwise whether one does. Raises CommandError, and changes nothing."""
        fork = self.is_behind if fork is None else fork
        place, carried = self.place, len(self._sim.commands)
        self._note_end()
        self._sim.apply(timed)
        if fork:
            self._fork(place, carried)
        self.branch.given.append(Given(place.events, place.now, timed))
        self._given += 1
        self.look()

    def fork(self) -> None:
        """Begin a new branch here, which has no future yet."""
        self._note_end()
        self._fork(self.place, len(self._sim.commands))

    def _fork(self, place: Place, carried: int) -> None:
        self.branch = self.tree.grow(self.branch, place, self._sim.commands[:carried])

    def to_come(self) -> list[Timed]:
        """The commands that the branch has yet to see: those that wait for their time, and those that came later."""
        return [*self._sim.pending, *map(self._as_it_comes, self.branch.given[self._given :])]

    def _as_it_comes(self, one: Given) -> Timed:
        """A command that has yet to be given, with its moment."""
        if one.is_for_later:
            return one.timed
        if one.has_time:
            return Timed(one.timed.command, at=max(one.now, self._sim.now))
        return Timed(one.timed.command, after=max(one.events, self._sim.events))

    def branch_off(self, kept: Sequence[Timed] = ()) -> None:
        """Begin a new branch here: of the commands that were to come only those `kept` will."""
        more, unwanted = list(kept), False
        for one in self._sim.pending:
            if one in more:
                more.remove(one)
            else:
                unwanted = True
        self.fork()
        if unwanted:
            self.apply(Timed(Cancel()))
            more = list(kept)
        for one in more:
            late = one.after is not None and one.after < self._sim.events
            self.apply(Timed(one.command, after=self._sim.events) if late else one)

    # Going elsewhere

    def go_to(self, index: int) -> None:
        """Go to the moment right after the event with this index."""
        self.depart(index=index)
        self.proceed(index=index)

    def go_to_time(self, now: int, given: int | None = None) -> None:
        """Go to the last moment of virtual time `now` (µs); of the commands from outside, only so many are given."""
        self.depart(now=now, given=given)
        self.proceed(now=now, given=given)

    def switch(self, number: int) -> None:
        """Go over to another branch, at the same virtual time, or at its end if that is earlier."""
        branch = self.tree.branches[number]
        now = min(self._sim.now, branch.now)
        self.depart(branch, now=now)
        self.proceed(now=now)

    def depart(
        self, branch: Branch | None = None, *, index: int = NEVER, now: int = NEVER, given: int | None = None
    ) -> None:
        """Make ready for the way to a moment, of another branch if one is named: go to the checkpoint from which it is
        the shortest, unless it is shortest from here."""
        sim = self._sim
        place = self.place
        self._note_end()
        stays = branch is None or branch is self.branch
        if branch is not None:
            self.branch = branch
            self.tree.inherit_landmarks(branch)
        most = NEVER if given is None else given
        start, *others = self.tree.usable(self.branch)
        for one in others:
            if one.checkpoint.index < index and one.checkpoint.time <= now and one.given <= most:
                start = one
        here = place.events <= index and place.now <= now and place.given <= most
        if stays and here and place.events >= start.checkpoint.index:
            return
        sim.restore(start.checkpoint)
        self._given = start.given
        self._near, self._ran = start.checkpoint.index, 0.0

    def proceed(
        self, *, index: int = NEVER, now: int = NEVER, given: int | None = None, patience: float = math.inf
    ) -> bool:
        """Go on along the branch to a moment: after an event, at a time, or both. Returns whether it came there, or to
        where nothing happens any more, within about `patience` seconds."""
        sim, clock = self._sim, self.clock
        most = NEVER if given is None else given
        end = clock() + patience
        with without_collection():
            while sim.events < index:
                began = clock()
                wanted = min(CHUNK, index - sim.events)
                done = self.go_on(now, wanted, given=most)
                ended = clock()
                self.ran(ended - began)
                if done < wanted:
                    break
                if ended >= end:
                    return False
        if sim.events == index and now < NEVER:
            self.pass_time(now)
        return True

    def pass_time(self, now: int) -> None:
        """Let time pass to `now` (µs), in which nothing happens; what was put on the agenda meanwhile is put there."""
        sim, given = self._sim, self.branch.given
        while self._given < len(given):
            one = given[self._given]
            if not one.is_for_later or one.events != sim.events or one.now > now:
                break
            if sim.now < one.now:
                go_on(sim, one.now, 1)
            self._give(one)
        if sim.now < now:
            go_on(sim, now, 1)
        self.look()

    def _note_end(self) -> None:
        """Remember the end of the branch, if the run stands there."""
        sim, branch = self._sim, self.branch
        if sim.events == branch.events and self._given == len(branch.given):
            branch.end = Mark(sim.events, max(sim.now, branch.now), sim.digest)
            branch.pending = tuple(sim.pending)

    # What is worth seeing

    def landmark(self, by: int) -> Landmark | None:
        """The nearest landmark of the branch before this moment (-1) or after it (1); None where there is none yet."""
        marks, events = self.branch.landmarks, self._sim.events
        if by < 0:
            at = bisect_left(marks, events, key=_index) - 1
            return marks[at] if at >= 0 else None
        at = bisect_right(marks, events, key=_index)
        return marks[at] if at < len(marks) else None

    def event(self, index: int) -> TraceEvent | None:
        """An event of this branch up to here, also one that the run has long forgotten; None for any other."""
        found = self._sim.trace.event(index)
        if found is not None or not 0 < index <= self._sim.events:
            return found
        if self._scout is None:
            self._scout = self.companion()
        self._scout.depart(self.branch, index=index)
        self._scout.proceed(index=index)
        return self._scout._sim.trace.event(index)

    def companion(self) -> History:
        """Another simulation of the same run in the same tree."""
        sim = self._sim
        other = Simulation(type(sim.scenario)(sim.params), sim.seed, record=sim.record)
        return History(other, self.clock, self.tree)

    @property
    def sim(self) -> Simulation:
        """The simulation that goes this way."""
        return self._sim

    # Checkpoints

    def ran(self, seconds: float) -> None:
        """The run has gone on for so long in real time; take a checkpoint if one is due."""
        sim = self._sim
        self._ran += seconds
        if sim.events <= self._near or self._ran < max(LEAST, WORTH * self.spent):
            return
        passed = [one.checkpoint.index for one in self.tree.usable(self.branch)]
        near = max(index for index in passed if index <= sim.events)
        if near > self._near:  # one was taken here before
            self._near, self._ran = near, 0.0
        else:
            self.rate = (sim.events - self._near) / self._ran
            self.keep()

    def keep(self, *, packed: bool = False) -> None:
        """Take a checkpoint."""
        began = self.clock()
        checkpoint = self._sim.checkpoint()
        if packed:
            checkpoint = checkpoint.packed()
        self._near = checkpoint.index
        self.tree.keep(Saved(checkpoint, self.branch.number, self._given))
        self.spent, self._ran = self.clock() - began, 0.0


def _index(mark: Landmark) -> int:
    return mark.index
