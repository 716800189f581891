"""Checkpoints that are taken while there is nothing else to do, so that going back is quick although the run was not
held up: while it stands still, or easily keeps up with its pace.

All there are are packed. Then another simulation of the same run goes along the branch, from the newest stretch to the
oldest, and leaves a packed checkpoint wherever the way from the last one would take too long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from app.history import CHUNK, History
from engine.checkpoints import Checkpoint
from engine.simulation import NEVER

WAY = 0.015  # seconds of running between two checkpoints, at which nobody waits
MEMORY = 180_000_000  # bytes of checkpoints up to which more are taken
MARGIN = 1.04  # by which they may turn out larger than is thought
UNSEEN = 0.008  # seconds that nobody sees between two frames
SHORT = 5_000  # events of a run that needs none


class _Plan(NamedTuple):
    """What is to be filled: a branch up to an event, with checkpoints so many events apart at most; and for each gap
    that is left, the events after which they are wanted. The last gap is next."""

    branch: int
    end: int
    spacing: int
    gaps: list[list[int]]


class Filler:
    """Fills the gaps between the checkpoints of the branch on which a run stands."""

    def __init__(self, history: History, clock: Callable[[], float]) -> None:
        self._history = history
        self._clock = clock
        self._walker: History | None = None
        self._plan: _Plan | None = None

    def work(self, budget: float) -> bool:
        """Go on with it for about so many seconds; False once nothing is left to do."""
        end = self._clock() + budget
        while self._is_long and self._history.tree.pack():
            if self._clock() >= end:
                return True
        plan = self._current_plan()
        while plan.gaps and self._history.tree.memory < MEMORY:
            self._step(plan)
            if self._clock() >= end:
                return True
        plan.gaps.clear()
        return False

    @property
    def is_light(self) -> bool:
        """Whether taking a checkpoint is so quick that nobody sees a run falter."""
        return self._history.spent < UNSEEN

    @property
    def _is_long(self) -> bool:
        return self._history.branch.events >= SHORT

    def _current_plan(self) -> _Plan:
        """The plan there is, or a new one where the run has gone on a good deal, or over to another branch."""
        branch, plan = self._history.branch, self._plan
        if plan is None or plan.branch != branch.number or branch.events - plan.end > SHORT:
            plan = self._plan = self._make_plan()
        return plan

    def _make_plan(self) -> _Plan:
        history = self._history
        end = history.branch.events
        if not self._is_long:
            return _Plan(history.branch.number, end, end, [])
        if self._walker is None:
            self._walker = history.companion()
        saved = [one.checkpoint for one in history.tree.usable(history.branch)]
        gaps = list(pairwise([*[one.index for one in saved], end]))
        room = max(0, MEMORY - history.tree.memory) / (MARGIN * _mean_size(saved, end))  # for so many more
        spacing = max(CHUNK, round(WAY * history.rate))
        wanted = [_split(first, last, spacing) for first, last in gaps]
        while sum(map(len, wanted)) > room:
            spacing += spacing // 16 + 1
            wanted = [_split(first, last, spacing) for first, last in gaps]
        return _Plan(history.branch.number, end, spacing, [gap for gap in wanted if gap])

    def _step(self, plan: _Plan) -> None:
        """Go on by a few events in the last of the gaps."""
        walker = self._walker
        assert walker is not None
        wanted = plan.gaps[-1]
        branch = self._history.tree.branches[plan.branch]
        if walker.branch is not branch or not wanted[0] - plan.spacing <= walker.sim.events <= wanted[0]:
            walker.depart(branch, index=wanted[0])
        moved = walker.go_on(NEVER, min(CHUNK, wanted[0] - walker.sim.events))
        if walker.sim.events >= wanted[0]:
            walker.keep(packed=True)
            del wanted[0]
        elif not moved:  # nothing happens any more
            wanted.clear()
        if not wanted:
            plan.gaps.pop()


def _mean_size(saved: Sequence[Checkpoint], end: int) -> float:
    """How large a checkpoint is anywhere between the first of these and an event, in bytes: they mostly grow."""
    points = [(one.index, one.size) for one in saved] + [(end, saved[-1].size)]
    whole = points[-1][0] - points[0][0]
    if not whole:
        return float(saved[-1].size)
    return sum((right[0] - left[0]) * (left[1] + right[1]) / 2 for left, right in pairwise(points)) / whole


def _split(first: int, last: int, spacing: int) -> list[int]:
    """The events that divide a gap into equal parts, none longer than `spacing` or a little more."""
    parts = max(1, round((last - first) / spacing + 0.25))
    return [first + (last - first) * part // parts for part in range(1, parts)]
