"""Replaying a recording without a screen, and comparing two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from app.recording import Mark, Recording
from engine.duration import format_duration
from engine.errors import CommandError
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


def parting(left: Simulation, right: Simulation, step: int = 20_000) -> Parting | None:
    """The first event in which two runs differ, or None as far as both go. Both are run to there."""
    shared = 0
    while True:
        before = (left.checkpoint(), right.checkpoint())
        done = [_advance(sim, step) for sim in (left, right)]
        if left.digest == right.digest:
            shared = left.events
            if not any(done):
                return None
            continue
        for sim, checkpoint in zip((left, right), before, strict=True):
            sim.restore(checkpoint)
        return _first_of(left, right, shared)


def _advance(sim: Simulation, events: int) -> int:
    try:
        return sim.run_to(NEVER, events, wait=False)
    except CommandError:
        return 1


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


def metrics_apart(left: Simulation, right: Simulation) -> Iterator[tuple[str, Any, Any]]:
    """The metrics that differ between two runs: name, left, right."""
    one, other = left.metrics(), right.metrics()
    for name in dict.fromkeys([*one, *other]):
        if one.get(name) != other.get(name):
            yield name, one.get(name), other.get(name)
