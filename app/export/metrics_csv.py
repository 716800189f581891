"""The metrics over virtual time, as CSV: a line for each moment, a column for each figure."""

from __future__ import annotations

import csv
import math
from itertools import chain
from typing import Any, TextIO

from app.export.stretch import Progress, Stretch
from app.export.wish import Wish
from engine.describe import plural
from engine.duration import seconds
from engine.simulation import Simulation

ROWS = 200  # about so many, unless the user says how far apart


def write_metrics(file: TextIO, stretch: Stretch, wish: Wish, progress: Progress) -> str:
    """Measure at each moment, the first and the last of the stretch included. A metric that has a figure for each agent
    has a column for each, `name.agent`; what has no value yet is empty."""
    since, until = wish.stretch(stretch.end)
    every = wish.every or _round_step((until - since) / ROWS)
    rows = []
    for moment in chain(range(since, until, every), [until]):
        stretch.go_to(moment)
        rows.append((seconds(moment), _figures(stretch.sim)))
        progress((moment - since) / max(1, until - since), f"{seconds(moment):,.1f} s")
    names = list(dict.fromkeys(name for spec in stretch.sim.scenario.metrics for name in _columns(spec.name, rows)))
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["time", *names])
    writer.writerows([time, *(_cell(found.get(name)) for name in names)] for time, found in rows)
    return f"{plural(len(rows), 'row')} of {plural(len(names), 'figure')}"


def _figures(sim: Simulation) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in sim.metrics().items():
        if isinstance(value, dict):
            flat |= {f"{name}.{agent}": one for agent, one in value.items()}
        else:
            flat[name] = value
    return flat


def _columns(metric: str, rows: list[tuple[float, dict[str, Any]]]) -> list[str]:
    """The columns of one metric: those that it has in any row, in the order in which they came; itself, if it never had
    a value for each agent."""
    parts = [name for _, found in rows for name in found if name.startswith(f"{metric}.")]
    return parts or [metric]


def _cell(value: Any) -> Any:
    """What stands in a cell: nothing for what is no number."""
    return "" if value is None or (isinstance(value, float) and not math.isfinite(value)) else value


def _round_step(micros: float) -> int:
    """The next larger step of 1, 2 or 5 times a power of ten, in µs; at least 1."""
    power: int = 10 ** math.floor(math.log10(max(1.0, micros)))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= micros - 1e-9)
