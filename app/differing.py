"""Frames of two branches of one run: what they have in common is shown once, what differs is marked."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from heapq import merge
from operator import attrgetter

from msgspec.structs import replace

from app.comparing import CompareDriver, cut
from app.twin import BothFramer
from engine.framing import PARTS
from engine.views import AgentRow, AgentsView, Column, Frame, Inspection, MetricView, NarrationLine, StatusView
from widgets.text import seconds

TRAFFIC = ("network", "sequence", "log")
STATE = 16  # columns of a state in the agents pane
DIFFERS = "≠"
NOBODY = "–"  # in place of the state of an agent that one of the two does not have


class CompareFramer(BothFramer):
    """Frames of two branches: all figures of both, and the messages of the one that is `shown` (0 or 1)."""

    def __init__(self, driver: CompareDriver, shown: int = 0) -> None:
        left, right = driver.sides
        labels = (f"branch {left.branch.number}", f"branch {right.branch.number}")
        super().__init__(labels, left.sim, right.sim)
        self._driver = driver
        self._apart: list[int] = []
        self.shown = shown

    @property
    def headings(self) -> tuple[str, str]:
        """Which branch it is, and whether it has come to its end while the other one goes on."""
        now = self._driver.sim.now
        left, right = (
            label if side.branch.now >= now else f"{label} (ended at {seconds(side.branch.now, 1)}s)"
            for side, label in zip(self._driver.sides, self.labels, strict=True)
        )
        return left, right

    def frame(self, parts: Collection[str] = PARTS, *, about: str = "", chosen: str = "") -> Frame:
        """The parts asked for."""
        if not self.shown:
            return super().frame(parts, chosen=chosen)
        frame = super().frame([part for part in parts if part not in TRAFFIC], chosen=chosen)
        self.right.watched, self.right.only = self.watched, self.only
        other = self.right.frame([part for part in parts if part in TRAFFIC])
        return replace(frame, network=other.network, sequence=other.sequence, log=other.log)

    def status(self, about: str = "") -> StatusView:
        """Where both are, and what both promise; the events are those of the one that is shown."""
        shown = self._driver.sides[self.shown].sim
        return replace(
            super().status(), about=" and ".join(self.headings), now=self._driver.sim.now, events=shown.events
        )

    def agents(self) -> AgentsView:
        """The agents of both, the state of each in both branches; those that differ are marked."""
        left, right = self.crowds()
        twins = {row.name: row for row in right.rows}
        own = {row.name for row in left.rows}
        ids = {row.id for row in left.rows}
        pairs: list[tuple[AgentRow, AgentRow | None, AgentRow | None]] = [
            (row, row, twins.get(row.name)) for row in left.rows
        ]
        for row in right.rows:
            if row.name not in own:
                pairs.append((replace(row, id=-1 - row.id) if row.id in ids else row, None, row))
        columns = self._most_telling(left.columns, [(one, other) for _, one, other in pairs])
        numbers = [label.removeprefix("branch ") for label in self.labels]
        heads = [
            replace(left.columns[at], title=f"{left.columns[at].title} {number}")
            for at in columns
            for number in numbers
        ]
        return AgentsView(tuple(heads), tuple([_both(row, one, other, columns) for row, one, other in pairs]))

    def _most_telling(
        self, columns: Sequence[Column], pairs: Sequence[tuple[AgentRow | None, AgentRow | None]]
    ) -> list[int]:
        """The columns by number: first those in which the branches have differed before now, so that nothing dances."""
        for at in range(len(columns)):
            if at not in self._apart and any(_cell(one, at) != _cell(other, at) for one, other in pairs):
                self._apart.append(at)
        return [*self._apart, *(at for at in range(len(columns)) if at not in self._apart)]

    def inspect(self, agent: int) -> Inspection:
        """An agent with its state in both branches."""
        if agent in self.sim.present():
            return super().inspect(agent)
        return self.right.inspect(agent)

    def figures(self) -> tuple[MetricView, ...]:
        """One line for each figure, with both courses over the same stretch of time."""
        left, right = self.sim, self.right.sim
        twins = {view.name: view for view in right.scenario.metric_views(right)}
        now = max(left.now, right.now)
        shown = []
        for view in left.scenario.metric_views(left):
            twin = twins.get(view.name)
            if twin is not None:
                points = max(len(view.series), len(twin.series))
                view = replace(
                    view,
                    series=_stretched(view.series, points, left.now, now),
                    rival=twin.value,
                    rival_series=_stretched(twin.series, points, right.now, now),
                )
            shown.append(view)
        return tuple(shown)

    def narration(self) -> tuple[NarrationLine, ...]:
        """Where they part, then both stories as one; what happened in both is said once. The events of the branch that
        is not shown have their index with a minus, for whoever asks why."""
        stories = self.stories()
        own, other = stories[self.shown], stories[1 - self.shown]
        both = {(line.time, line.text) for line in own} & {(line.time, line.text) for line in other}
        mine, others = self.labels[self.shown], self.labels[1 - self.shown]
        told = [line if (line.time, line.text) in both else replace(line, text=f"{mine}: {line.text}") for line in own]
        more = [
            replace(line, text=f"{others}: {line.text}", index=-line.index)
            for line in other
            if (line.time, line.text) not in both
        ]
        return tuple(merge(told, self._parting(), more, key=attrgetter("time")))

    def _parting(self) -> list[NarrationLine]:
        """That they part, once they have."""
        shared = self._driver.common
        if shared.moment > self._driver.sim.now:
            return []
        return [NarrationLine(shared.moment, words, "accent") for words in shared.in_words(self.labels)]


def _cell(row: AgentRow | None, at: int) -> str:
    return NOBODY if row is None else row.cells[at] if at < len(row.cells) else ""


def _both(row: AgentRow, one: AgentRow | None, other: AgentRow | None, columns: Sequence[int]) -> AgentRow:
    """A row with what both branches say of an agent; None where a branch has no such agent."""
    cells = tuple([_cell(side, at) for at in columns for side in (one, other)])
    if one and other and (one.state, one.health, one.cells) == (other.state, other.health, other.cells):
        return replace(row, cells=cells)
    states = [side.state if side else NOBODY for side in (one, other)]
    return replace(row, state=_differing(*states), tone="warn", cells=cells)


def _differing(left: str, right: str) -> str:
    """Two states with the mark that says that something is not the same; both are cut where they do not fit."""
    if left == right:
        return f"{DIFFERS} {left}"
    room = STATE - len(f"{DIFFERS} ")
    between = " · " if len(f"{left} · {right}") <= room else "·"
    room -= len(between)
    first = cut(left, max(room // 2, room - len(right)))
    return f"{DIFFERS} {first}{between}{cut(right, room - len(first))}"


def _stretched(series: tuple[float, ...], points: int, until: int, now: int) -> tuple[float, ...]:
    """A course that was taken until one time (µs), as so many points until another, with no number after its end."""
    if not series or (until >= now and len(series) == points):
        return series
    reach = until / now * points if now else points
    return tuple([series[int(at / reach * len(series))] if at < reach else math.nan for at in range(points)])
