"""Invariants: what must hold always (safety), or in the end (liveness), checked as the run goes."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.duration import format_duration
from engine.events import Event
from engine.scenario import InvariantSpec
from engine.trace import Note

if TYPE_CHECKING:
    from engine.simulation import Simulation


class Broken(Struct, frozen=True):
    """When a safety invariant broke first, and by which event."""

    time: int
    index: int
    detail: str


class Invariants:
    """The scenario's invariants in one run. `memory` gives each a dict of its own, which checkpoints keep."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self.broken: dict[str, Broken] = {}
        self.memory: dict[str, dict[Any, Any]] = {spec.name: {} for spec in sim.scenario.invariants}
        safety = [spec for spec in sim.scenario.invariants if spec.kind == "safety"]
        self._on_note: dict[str, list[InvariantSpec]] = {}
        for spec in safety:
            if spec.on:
                self._on_note.setdefault(spec.on, []).append(spec)
        self._each_event = [spec for spec in safety if not spec.on]
        self.after_each: Callable[[Event], None] | None = self._check_event if self._each_event else None

    def on_note(self, note: Note) -> None:
        """Check what listens to this kind of note."""
        for spec in self._on_note.get(note.kind, ()):
            self._check(spec, note)

    def _check_event(self, event: Event) -> None:
        for spec in self._each_event:
            self._check(spec, event)

    def _check(self, spec: InvariantSpec, what: Note | Event) -> None:
        if spec.name in self.broken:
            return
        more = {}
        try:
            detail = getattr(self._sim.scenario, spec.method)(self._sim, what, self.memory[spec.name])
        except Exception as error:  # no fault of the agent whose event this is
            detail = _raised(error)
            more = {"traceback": "".join(traceback.format_exception(error))}
        if detail:
            calendar = self._sim.calendar
            self.broken[spec.name] = Broken(calendar.now, calendar.index, detail)
            self._sim.note(None, "broken", {"invariant": spec.name, "text": detail, **more})

    def report(self) -> list[dict[str, Any]]:
        """Each invariant: name, kind, whether it holds, and in words what is wrong and since when."""
        return [self._report(spec) for spec in self._sim.scenario.invariants]

    def _report(self, spec: InvariantSpec) -> dict[str, Any]:
        detail = ""
        if spec.kind == "liveness":
            try:
                detail = getattr(self._sim.scenario, spec.method)(self._sim)
            except Exception as error:
                detail = _raised(error)
        elif broken := self.broken.get(spec.name):
            detail = f"broken at {format_duration(broken.time)} by event {broken.index}: {broken.detail}"
        return {"name": spec.name, "kind": spec.kind, "holds": not detail, "detail": detail}

    def state(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return {"broken": self.broken, "memory": self.memory}

    def load(self, state: dict[str, Any]) -> None:
        """Become what `state` says."""
        self.broken, self.memory = state["broken"], state["memory"]


def _raised(error: Exception) -> str:
    return f"the check itself raised {type(error).__name__}: {error}"
