"""Setting a run up: scenario, parameters, seed and script, checked, make a `Simulation` yet to begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.grammar import parse_script
from engine.params import read_params
from engine.simulation import Simulation
from scenarios.registry import find

if TYPE_CHECKING:
    from engine.commands import Timed
    from engine.scenario import Scenario


def read_script(text: str, scenario: type[Scenario], source: str = "script") -> list[Timed]:
    """The commands in a script for `scenario`. Raises CommandError with source, line and column."""
    return parse_script(text, {spec.name: spec for spec in scenario.commands}, source)


def launch(
    scenario: str | type[Scenario],
    params: Mapping[str, Any],
    seed: int,
    script: str | Sequence[Timed] | None = None,
    *,
    record: bool = False,
) -> Simulation:
    """The run of `scenario` (a name, the path of a file, or a class) with `params`, `seed` and `script`.

    With `record`, what the scenario samples is remembered over time, for the plots.

    Raises ScenarioError, ParameterError or CommandError for what is not right about them.
    """
    kind = find(scenario) if isinstance(scenario, str) else scenario
    values = read_params(kind.Params, params, kind.name)
    commands = read_script(script, kind) if isinstance(script, str) else script or ()
    sim = Simulation(kind(values), seed, record=record)
    for timed in commands:
        sim.schedule(timed)
    return sim
