"""Replaying a recording without a screen, and comparing two of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from app.branches import Branch, Given, Mark, Place, Tree
from app.history import History
from app.recording import RecordedBranch, Recording
from engine.duration import format_duration
from engine.framing import in_words
from engine.simulation import NEVER, Simulation
from scenarios.launch import launch

Progress = Callable[[float, str], None]
NEAR, FAR = 250, 20_000  # events between two looks at whether runs have parted, at first and at most


class Difference(NamedTuple):
    """The first digest that is not what was recorded, of which branch it is, and what was found after how many
    events."""

    branch: int
    mark: Mark
    found: str
    events: int


def begin(recording: Recording, number: int = 1, *, strict: bool = False) -> History:
    """The recorded run at its beginning, with all its branches, on the one with this number. With `strict`, a command
    that cannot be carried out any more raises CommandError when its turn comes."""
    sim = launch(recording.kind, recording.params, recording.seed, record=True)
    history = History(sim, time.perf_counter, strict=strict)
    tree = history.tree
    for recorded in recording.branches:
        tree.branches[recorded.number] = _branch(tree, recorded)
    history.depart(tree.branches[number], index=0)
    return history


def _branch(tree: Tree, recorded: RecordedBranch) -> Branch:
    """A branch as it was recorded; those before it are in the tree."""
    start, given, carried = Place(0, 0, 0), [], []
    if recorded.parent:
        parent = tree.branches[recorded.parent]
        given = [one for one in parent.given if not one.is_for_later][: recorded.shared]
        start = Place(recorded.events, recorded.now, len(given))
        carried = parent.carried[: recorded.shared]
    end = recorded.marks[-1] if recorded.marks else Mark(start.events, start.now, "")
    given += map(Given.recorded, recorded.commands)
    given += [Given(end.events, end.now, timed) for timed in recorded.later]
    return Branch(
        recorded.number,
        recorded.parent,
        start,
        given,
        carried + [str(timed) for timed in recorded.commands],
        recorded.shared,
        events=end.events,
        now=end.now,
        end=end if recorded.marks else None,
        pending=recorded.later,
        looked=-1,
    )


def verify(recording: Recording, progress: Progress) -> Difference | None:
    """Run to each digest of each branch in turn; the first that differs, or None. Raises CommandError for a command
    that cannot be carried out any more."""
    history = begin(recording, strict=True)
    most = max(1, sum(mark.events for branch in recording.branches for mark in branch.marks))
    done = 0
    for branch in recording.branches:
        for mark in branch.marks:
            go_to(history, mark, branch.number)
            done += mark.events
            progress(done / most, f"branch {branch.number}, {mark.events:,} events")
            if history.sim.digest != mark.digest or history.sim.events != mark.events:
                return Difference(branch.number, mark, history.sim.digest, history.sim.events)
    return None


def go_to(history: History, mark: Mark, number: int) -> None:
    """Go to the moment of a digest of a branch."""
    history.depart(history.tree.branches[number], index=mark.events, now=mark.now)
    history.proceed(index=mark.events, now=mark.now)


class Parting(NamedTuple):
    """Where two runs first part: after so many events that they share, and the next event of each in words."""

    shared: int
    moment: int
    left: str
    right: str


def parting(left: History, right: History, ends: Sequence[int], patience: float = math.inf) -> Parting | None:
    """The first event in which two runs differ before either's end (in events), or None. Both stand at a moment that
    they share, and go to that event, or to the earlier end, or no further than `patience` seconds allow."""
    until = left.clock() + patience
    end = min(ends)
    shared = min(left.sim.events, right.sim.events)
    step = NEAR
    while shared < end:
        for history in (left, right):
            history.go_on(NEVER, min(step, end - shared))
        if left.sim.digest != right.sim.digest:
            for history in (left, right):
                history.go_to(shared)
            return _first_of(left, right, shared)
        if left.sim.events == shared or left.clock() > until:
            break
        shared = left.sim.events
        step = min(FAR, 4 * step)
    return None


def _first_of(left: History, right: History, shared: int) -> Parting:
    while True:
        for history in (left, right):
            history.go_on(NEVER, 1)
        if left.sim.digest != right.sim.digest:
            moment = min(left.sim.now, right.sim.now)
            return Parting(shared, moment, _last(left.sim), _last(right.sim))
        shared = left.sim.events


def _last(sim: Simulation) -> str:
    event = sim.trace.event(sim.events)
    if event is None:
        return "nothing more"
    peer = f"from {event.peer}" if event.peer and event.peer_id != event.agent_id else ""
    return " ".join(filter(None, [format_duration(event.time), event.kind, event.agent, peer, event.summary]))


def compare(one: Recording, other: Recording, numbers: tuple[int, int] = (1, 1)) -> list[str]:
    """In words, how two recordings, or two branches with these numbers, differ: set-up, first event in which they part,
    metrics at their ends. Empty where they are the same run."""
    if one.scenario != other.scenario:
        return [f"one is of {one.scenario}, the other of {other.scenario}"]
    lines = []
    if one.seed != other.seed:
        lines.append(f"seed: {one.seed} | {other.seed}")
    for name in dict.fromkeys([*one.params, *other.params]):
        values = (one.params.get(name, "as it is"), other.params.get(name, "as it is"))
        if values[0] != values[1]:
            lines.append(f"{name}: {values[0]} | {values[1]}")
    left, right = (begin(recording, number) for recording, number in zip((one, other), numbers, strict=True))
    ends = [_end_of(history) for history in (left, right)]
    for history in (left, right):
        history.go_to(0)
    apart = parting(left, right, [end.events for end in ends])
    if apart is not None:
        lines += [
            f"they share {apart.shared:,} events, and part at {format_duration(apart.moment)}:",
            f"  {apart.left}",
            f"  {apart.right}",
        ]
    elif ends[0].events != ends[1].events:
        lines.append(f"one ends after event {ends[0].events:,}, the other after event {ends[1].events:,}")
    for history, end, number in zip((left, right), ends, numbers, strict=True):
        go_to(history, end, number)
    sims = (left.sim, right.sim)
    lines += [f"{name}: {in_words(first)} | {in_words(second)}" for name, first, second in metrics_apart(*sims)]
    return lines


def _end_of(history: History) -> Mark:
    """Go to the end of the branch as far as it is known; that moment."""
    index, now = history.branch.reach
    history.depart(index=index, now=now)
    history.proceed(index=index, now=now)
    return Mark(history.sim.events, history.sim.now, history.sim.digest)


def metrics_apart(left: Simulation, right: Simulation) -> Iterator[tuple[str, Any, Any]]:
    """The metrics that differ between two runs: name, left, right."""
    one, other = left.metrics(), right.metrics()
    for name in dict.fromkeys([*one, *other]):
        if one.get(name) != other.get(name):
            yield name, one.get(name), other.get(name)
