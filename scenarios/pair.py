"""Two runs side by side: the same names, the same faults at the same moments, two protocols."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from engine.scenario import MetricSpec, Scenario


class Side(NamedTuple):
    """One of the two: what it is called on the screen, its scenario with parameters set, and the figures to show."""

    label: str
    scenario: Scenario
    figures: tuple[str, ...]


class Pair(Scenario):
    """Base class of scenarios that are two runs. Each command is given to both sides; an own command of one scenario
    is given to those that know it. There is no single simulation of it: see `scenarios.launch.launch_sides`."""

    labels: ClassVar[tuple[str, str]]

    def sides(self) -> tuple[Side, Side]:
        """The two runs, by the parameters of the pair."""
        raise NotImplementedError

    @property
    def figures(self) -> tuple[MetricSpec, ...]:
        """What is shown of both, each name preceded by its side's label."""
        return tuple(
            MetricSpec(f"{side.label} {spec.name}", spec.help, spec.unit, spec.theory)
            for side in self.sides()
            for spec in side.scenario.metrics
            if spec.name in side.figures
        )
