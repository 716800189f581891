"""Swarmscope: a laboratory for distributed agents that lives in a terminal.

This file is the public face, for a scenario of one's own, a script or a notebook:

    from swarmscope import Agent, Scenario, simulate

    sim = simulate("gossip", params={"agents": 1000}, seed=7, until=30.0, script="at 2s crash 10%")
    print(sim.metrics()["coverage"], sim.digest)

The names below come from the packages `engine` and `scenarios`, loaded when first asked for. Such names are
generic, so a folder on Python's path may hold another `engine`. The command `swarmscope` always uses its own;
the library raises ImportError, with what shadows it, rather than run somebody else's code.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    from engine.agent import Agent
    from engine.commands import ArgSpec, CommandSpec
    from engine.context import Context
    from engine.duration import MILLISECOND, SECOND
    from engine.errors import (
        CommandError,
        CommunicationError,
        ParameterError,
        ScenarioError,
        StateError,
        SwarmscopeError,
        TaskError,
    )
    from engine.params import NetworkParams, param
    from engine.scenario import Experiment, InvariantSpec, MetricSpec, Misbehaviour, Scenario
    from engine.simulation import Simulation
    from engine.trace import Note, TraceEvent
    from engine.views import (
        AgentRow,
        Bid,
        Block,
        Board,
        BoardTask,
        Chain,
        Column,
        Curve,
        Landmark,
        Matrix,
        MatrixCell,
        MetricView,
        NarrationLine,
        PhaseCell,
        PhaseGrid,
        PhaseRow,
        Plot,
        Pool,
        PoolWorker,
        Reorganisation,
        StageView,
        Tip,
        Words,
    )

__version__ = "0.1.0"

__all__ = [
    "MILLISECOND",
    "SECOND",
    "Agent",
    "AgentRow",
    "ArgSpec",
    "Bid",
    "Block",
    "Board",
    "BoardTask",
    "Chain",
    "Column",
    "CommandError",
    "CommandSpec",
    "CommunicationError",
    "Context",
    "Curve",
    "Experiment",
    "InvariantSpec",
    "Landmark",
    "Matrix",
    "MatrixCell",
    "MetricSpec",
    "MetricView",
    "Misbehaviour",
    "NarrationLine",
    "NetworkParams",
    "Note",
    "ParameterError",
    "PhaseCell",
    "PhaseGrid",
    "PhaseRow",
    "Plot",
    "Pool",
    "PoolWorker",
    "Reorganisation",
    "Scenario",
    "ScenarioError",
    "Simulation",
    "StageView",
    "StateError",
    "SwarmscopeError",
    "TaskError",
    "Tip",
    "TraceEvent",
    "Words",
    "__version__",
    "main",
    "param",
    "simulate",
]

_HOME = Path(__file__).resolve().parent
_OURS = ("app", "engine", "scenarios", "styles", "widgets")

_PUBLIC = {
    "engine.agent": "Agent",
    "engine.commands": "ArgSpec CommandSpec",
    "engine.context": "Context",
    "engine.duration": "MILLISECOND SECOND",
    "engine.errors": (
        "CommandError CommunicationError ParameterError ScenarioError StateError SwarmscopeError TaskError"
    ),
    "engine.params": "NetworkParams param",
    "engine.scenario": "Experiment InvariantSpec MetricSpec Misbehaviour Scenario",
    "engine.simulation": "Simulation",
    "engine.trace": "Note TraceEvent",
    "engine.views": (
        "AgentRow Bid Block Board BoardTask Chain Column Curve Landmark Matrix MatrixCell MetricView NarrationLine "
        "PhaseCell PhaseGrid PhaseRow Plot Pool PoolWorker Reorganisation StageView Tip Words"
    ),
}
_WHERE = {name: module for module, names in _PUBLIC.items() for name in names.split()}


def simulate(
    scenario: str | type[Scenario],
    params: Mapping[str, Any] | None = None,
    seed: int = 0,
    until: float | None = None,
    events: int | None = None,
    script: str | None = None,
) -> Simulation:
    """Run a scenario without a screen, and return the finished `Simulation`.

    `scenario` is a name (`"gossip"`), the path of a file of your own (`"./mine.py"`), or a Scenario class.
    `params` has its parameters by name; those left out keep their defaults. `seed` is 0 unless given, and
    0 <= seed < 2**64. `until` is a virtual time in seconds at which to stop; without it the run ends when the
    scenario is over, or at its horizon. `events` stops after that many. `script` is the text of a script, one
    command a line.

    The same arguments give the same run, bit for bit. Raises ScenarioError, ParameterError or CommandError
    for what cannot be found, read or carried out.
    """
    _refuse_shadows()
    from scenarios.launch import launch

    sim = launch(scenario, params or {}, seed, script)
    sim.finish(until, events)
    return sim


def main() -> int:
    """The command `swarmscope`; returns the exit status."""
    if not any(isinstance(finder, _OwnPackages) for finder in sys.meta_path):
        sys.meta_path.insert(0, _OwnPackages())
    try:
        _refuse_shadows(tuple(name for name in _OURS if name in sys.modules))
    except ImportError as error:
        print(f"swarmscope: {error}", file=sys.stderr)
        return 2
    return int(import_module("app.cli").main())


class _OwnPackages:
    """Finds our packages beside this file, whatever else of their names Python's path may hold."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [str(_HOME)]) if name in _OURS else None


@cache
def _refuse_shadows(names: tuple[str, ...] = ("engine", "scenarios")) -> None:
    """Raise ImportError if one of `names` is, or would be, imported from elsewhere than beside this file."""
    for name in names:
        place = _place(name)
        if place != _HOME / name:
            raise ImportError(
                f"another {name!r} shadows Swarmscope's own package of that name: {place or 'of no file'}; "
                "run from another folder, take that one off PYTHONPATH, or rename it"
            )


def _place(name: str) -> Path | None:
    """The folder or file that `name` was, or would be, imported from."""
    loaded = sys.modules.get(name)
    spec = loaded.__spec__ if loaded else find_spec(name)
    if spec is None:
        return None
    where = spec.submodule_search_locations or [spec.origin or ""]
    return Path(next(iter(where))).resolve()


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _refuse_shadows()
    value = globals()[name] = getattr(import_module(_WHERE[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


if __name__ == "__main__":
    sys.exit(main())
