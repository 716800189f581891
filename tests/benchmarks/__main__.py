"""The benchmarks: `python -m tests.benchmarks [--json] [--only NAME]…`; docs/performance.md says what they mean."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

from tests.benchmarks.figures import Figure
from tests.benchmarks.terminal import NothingCameError

BENCHMARKS = {
    "engine": "deliveries against a bare loop and SimPy",
    "network": "a frame of the network pane, 200 messages moving, 120x40",
    "latency": "from a key to the screen while the engine runs flat out",
    "idle": "a paused run",
    "start": "until there is something to see",
    "memory": "a long run",
    "small": "many small runs in one process",
    "checkpoints": "taking a checkpoint, and returning to it",
    "travel": "to any moment of runs of up to ten million events",
}
"""Name and subject of each benchmark, in the order in which they run."""

MODULES = {"network": "network_pane", "small": "small_runs"}  # where the name is not the module's
PANE_AIMS = {60: (4.0, 25.0), 1000: (6.0, None)}  # agents: CPU ms and kB a frame
BUSY = 0.7  # load average over a minute from which on figures are not to be trusted


def figures_of(name: str) -> list[Figure]:
    """Run a benchmark."""
    measure: Callable[[], list[Any]] = import_module(f"tests.benchmarks.{MODULES.get(name, name)}").measure
    return list(_of_pane(measure())) if name == "network" else measure()


def _of_pane(rows: Sequence[dict[str, Any]]) -> Iterator[Figure]:
    for row in rows:
        agents = row["agents"]
        milliseconds, kilobytes = PANE_AIMS.get(agents, (None, None))
        yield Figure(f"CPU a frame, {agents} agents", row["cpu_ms"], "ms", at_most=milliseconds)
        yield Figure(f"bytes a frame, {agents} agents", row["kilobytes"], "kB", at_most=kilobytes)


def in_words(value: float) -> str:
    """A value with as many digits as mean something."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def row_of(figure: Figure) -> str:
    """A line of the table."""
    verdict = {None: "", True: "met", False: "MISSED"}[figure.met]
    value = f"{in_words(figure.value)} {figure.unit}"
    return f"  {figure.name:<58}{value:>16}  {figure.aim:<12}{verdict}".rstrip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks asked for; returns the exit status: 1 if one could not be run, 0 also if an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Run the benchmarks.")
    parser.add_argument("--json", action="store_true", help="print one object with all figures")
    parser.add_argument(
        "--only", action="append", choices=BENCHMARKS, metavar="NAME",
        help=f"only this one, as often as needed: {', '.join(BENCHMARKS)}",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    busy = _is_busy()
    if busy:
        print("The machine is busy with other things: times will be too long.", file=sys.stderr)
    results: dict[str, list[Figure]] = {}
    failed: dict[str, str] = {}
    for name, subject in BENCHMARKS.items():
        if options.only and name not in options.only:
            continue
        if not options.json:
            print(f"{name}: {subject}", flush=True)
        try:
            results[name] = figures_of(name)
        except NothingCameError as error:
            failed[name] = str(error)
            print(f"{name} could not be measured: {error}", file=sys.stderr)
            continue
        if not options.json:
            print("\n".join(map(row_of, results[name])), flush=True)
    if options.json:
        print(json.dumps(report(results, failed, busy=busy), ensure_ascii=False, indent=2))
    return 1 if failed else 0


def report(results: dict[str, list[Figure]], failed: dict[str, str], *, busy: bool) -> dict[str, Any]:
    """All figures as plain data, which says nothing about the machine but the Python it runs."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "busy": busy,
        "figures": [{"benchmark": name, **figure.plain()} for name, found in results.items() for figure in found],
        "missed": [figure.name for found in results.values() for figure in found if figure.met is False],
        "failed": failed,
    }


def _is_busy() -> bool:
    return os.getloadavg()[0] > BUSY


if __name__ == "__main__":
    sys.exit(main())
