"""Replaying a recording without a screen, and comparing two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from app.recording import Mark, Recording
from engine.duration import format_duration
from engine.errors import CommandError
from engine.framing import in_words
from engine.simulation import NEVER, Simulation
from scenarios.launch import launch

Progress = Callable[[float, str], None]


class Difference(NamedTuple):
    """The first digest that is not what was recorded."""

    mark: Mark
    found: str


def start(recording: Recording) -> Simulation:
    """The recorded run at its beginning, its commands on the agenda."""
    return launch(recording.kind, recording.params, recording.seed, recording.commands)


def verify(sim: Simulation, recording: Recording, progress: Progress) -> Difference | None:
    """Run to each digest in turn; the first that differs, or None. Raises CommandError for a command that cannot be
    carried out any more."""
    last = recording.marks[-1].events if recording.marks else 0
    for mark in recording.marks:
        go_to(sim, mark)
        progress(sim.events / max(1, last), f"{sim.events:,} of {last:,} events")
        if sim.digest != mark.digest or sim.events != mark.events:
            return Difference(mark, sim.digest)
    return None


def go_to(sim: Simulation, mark: Mark) -> None:
    """Go on to the moment of a digest."""
    if sim.events < mark.events:
        sim.run_to(NEVER, mark.events - sim.events)
    if sim.now < mark.now and not _is_next_before(sim, mark.now):
        sim.run_to(mark.now, 1)


def _is_next_before(sim: Simulation, moment: int) -> bool:
    """Whether an event would happen if time went on to `moment`."""
    return bool(sim.calendar.due(moment))


class Parting(NamedTuple):
    """Where two runs first part: after so many events that they share, and the next event of each in words."""

    shared: int
    moment: int
    left: str
    right: str


def parting(left: Simulation, right: Simulation, ends: Sequence[int], step: int = 20_000) -> Parting | None:
    """The first event in which two runs differ before either's end (in events), or None. Both are run to there."""
    end = min(ends)
    shared = min(left.events, right.events)
    while shared < end:
        before = (left.checkpoint(), right.checkpoint())
        for sim in (left, right):
            _advance(sim, min(step, end - shared))
        if left.digest != right.digest:
            for sim, checkpoint in zip((left, right), before, strict=True):
                sim.restore(checkpoint)
            return _first_of(left, right, shared)
        if left.events == shared:
            break
        shared = left.events
    return None


def _advance(sim: Simulation, events: int) -> None:
    """Go on for so many events, past commands that cannot be carried out."""
    last = sim.events + events
    while sim.events < last:
        try:
            if not sim.run_to(NEVER, last - sim.events):
                return
        except CommandError:
            continue


def _first_of(left: Simulation, right: Simulation, shared: int) -> Parting:
    while True:
        for sim in (left, right):
            _advance(sim, 1)
        if left.digest != right.digest:
            moment = min(left.now, right.now)
            return Parting(shared, moment, _last(left), _last(right))
        shared = left.events


def _last(sim: Simulation) -> str:
    event = sim.trace.event(sim.events)
    if event is None:
        return "nothing more"
    peer = f" from {event.peer}" if event.peer else ""
    return f"{format_duration(event.time)} {event.kind} {event.agent}{peer} {event.summary}".strip()


def compare(one: Recording, other: Recording) -> list[str]:
    """In words, how two recordings differ: set-up, first event in which they part, metrics at their ends. Empty where
    they are the same run."""
    lines = []
    if one.scenario != other.scenario:
        return [f"one is of {one.scenario}, the other of {other.scenario}"]
    if one.seed != other.seed:
        lines.append(f"seed: {one.seed} | {other.seed}")
    for name in dict.fromkeys([*one.params, *other.params]):
        values = (one.params.get(name, "as it is"), other.params.get(name, "as it is"))
        if values[0] != values[1]:
            lines.append(f"{name}: {values[0]} | {values[1]}")
    left, right = start(one), start(other)
    ends = [recording.marks[-1] if recording.marks else Mark(0, 0, "") for recording in (one, other)]
    apart = parting(left, right, [end.events for end in ends])
    if apart is not None:
        lines += [
            f"they share {apart.shared:,} events, and part at {format_duration(apart.moment)}:",
            f"  {apart.left}",
            f"  {apart.right}",
        ]
    elif ends[0].events != ends[1].events:
        lines.append(f"one ends after event {ends[0].events:,}, the other after event {ends[1].events:,}")
    for sim, end in zip((left, right), ends, strict=True):
        go_to(sim, end)
    lines += [f"{name}: {in_words(first)} | {in_words(second)}" for name, first, second in metrics_apart(left, right)]
    return lines


def metrics_apart(left: Simulation, right: Simulation) -> Iterator[tuple[str, Any, Any]]:
    """The metrics that differ between two runs: name, left, right."""
    one, other = left.metrics(), right.metrics()
    for name in dict.fromkeys([*one, *other]):
        if one.get(name) != other.get(name):
            yield name, one.get(name), other.get(name)
