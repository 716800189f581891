"""Setting a run up: scenario, parameters, seed and script, checked, make a `Simulation` yet to begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.commands import Own
from engine.errors import ScenarioError
from engine.grammar import parse_script
from engine.params import read_params
from engine.simulation import Simulation
from scenarios.pair import Pair
from scenarios.registry import find

if TYPE_CHECKING:
    from engine.commands import Command, Timed
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
    if issubclass(kind, Pair):
        raise ScenarioError(f"{kind.name} is two runs; play it, or run each of its two scenarios")
    values = read_params(kind.Params, params, kind.name)
    commands = read_script(script, kind) if isinstance(script, str) else script or ()
    return _started(kind(values), seed, commands, record)


def launch_sides(
    kind: type[Pair], params: Mapping[str, Any], seed: int, script: str | Sequence[Timed] | None = None
) -> tuple[Pair, Simulation, Simulation]:
    """Both runs of a pair, with the same seed and script, and the pair itself. Raises as `launch` does."""
    pair = kind(read_params(kind.Params, params, kind.name))
    commands = read_script(script, kind) if isinstance(script, str) else script or ()
    left, right = (
        _started(side.scenario, seed, [one for one in commands if concerns(one.command, side.scenario)], record=True)
        for side in pair.sides()
    )
    return pair, left, right


def concerns(command: Command, scenario: Scenario) -> bool:
    """Whether a scenario knows a command: each knows all but those that another scenario has of its own."""
    return not isinstance(command, Own) or command.name in {spec.name for spec in scenario.commands}


def _started(scenario: Scenario, seed: int, commands: Sequence[Timed], record: bool) -> Simulation:
    sim = Simulation(scenario, seed, record=record)
    for timed in commands:
        sim.schedule(timed)
    return sim
