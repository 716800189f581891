"""How soon there is something to see: the menu against the smallest Textual app, and `--help` beside no work at all."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.benchmarks.figures import Figure, interleaved, median_ratio
from tests.benchmarks.terminal import ROOT, Terminal, usual_environment

MINIMAL = """
from textual.app import App
from textual.widgets import Static

class Minimal(App):
    def compose(self):
        yield Static("hello")

Minimal().run()
"""


def first_paint(argv: Sequence[str]) -> float:
    """Seconds from the start of `python ARGV…` to the first letter on the screen."""
    with Terminal(argv) as terminal:
        return terminal.wait_for(r"\w") - terminal.began


def wall_seconds(argv: Sequence[str]) -> float:
    """How long `python ARGV…` takes."""
    before = time.perf_counter()
    subprocess.run([sys.executable, *argv], cwd=ROOT, env=usual_environment(), check=True, capture_output=True)
    return time.perf_counter() - before


def measure(repetitions: int = 9) -> list[Figure]:
    """First paint as a multiple of a minimal app's, and `--help` in ms."""
    first_paint(["-m", "app"])  # compiles what is not compiled yet
    paint = interleaved(
        {
            "menu": lambda: first_paint(["-m", "app"]),
            "minimal": lambda: first_paint(["-c", MINIMAL]),
        },
        repetitions,
    )
    bare = interleaved(
        {
            "help": lambda: wall_seconds(["-m", "app", "--help"]),
            "pass": lambda: wall_seconds(["-c", "pass"]),
        },
        repetitions,
    )
    return [
        Figure("first paint of the menu, times a minimal app's", median_ratio(paint["menu"], paint["minimal"]), "×",
               at_most=1.5),
        Figure("first paint of the menu", 1000 * statistics.median(paint["menu"]), "ms"),
        Figure("first paint of a minimal app", 1000 * statistics.median(paint["minimal"]), "ms"),
        Figure("--help", 1000 * statistics.median(bare["help"]), "ms", at_most=100),
        Figure("python -c pass", 1000 * statistics.median(bare["pass"]), "ms"),
    ]  # fmt: skip
