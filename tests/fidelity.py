"""How figures are held against published ones, and one table of all that were.

A test collects samples from independent runs and calls `agree(request, subject, rows)`. A mean agrees if it is within
4 standard errors of what is expected, and half a unit of the last digit that was published; the standard error is
that of the samples. So more trials make a sharper test, and never a luckier one.

The table is printed at the end of a run; PYTEST_DONT_REWRITE, since a module of tests imports this before pytest does.
"""

from __future__ import annotations

import math
import re
import statistics
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

STANDARD_ERRORS = 4.0
PROPERTY = "fidelity"
_PRINTED = pytest.StashKey[bool]()


@dataclass(frozen=True)
class Row:
    """One figure of one subject: what was expected and measured, and how far apart the two may be."""

    figure: str
    expected: float
    measured: float
    bound: float
    trials: int

    @property
    def holds(self) -> bool:
        """Whether the two agree."""
        return abs(self.measured - self.expected) <= self.bound


def mean(figure: str, samples: Sequence[float], expected: float | str, *, least_sd: float = 0.0) -> Row:
    """The mean of `samples` against `expected`: a number that is exact, or a text as published, such as `.18`, which is
    rounded. `least_sd` stands in for the samples' own deviation where it is larger: for events so rare that they may
    not have happened at all."""
    trials = len(samples)
    error = max(statistics.stdev(samples), least_sd) / math.sqrt(trials)
    bound = STANDARD_ERRORS * error + rounding(expected)
    return Row(figure, float(expected), statistics.fmean(samples), bound, trials)


def deviation(figure: str, samples: Sequence[float], expected: float | str) -> Row:
    """The standard deviation of `samples` against `expected`, by the standard error of their variance."""
    centre, trials = statistics.fmean(samples), len(samples)
    squares = [(sample - centre) ** 2 for sample in samples]
    measured = math.sqrt(statistics.fmean(squares) * trials / (trials - 1))
    of_variance = statistics.stdev(squares) / math.sqrt(trials)
    bound = STANDARD_ERRORS * of_variance / (measured + float(expected)) + rounding(expected)
    return Row(figure, float(expected), measured, bound, trials)


def rounding(published: float | str) -> float:
    """Half a unit of the last digit of a published figure; 0 for a number, which is exact."""
    if not isinstance(published, str):
        return 0.0
    exponent = Decimal(published).as_tuple().exponent
    assert isinstance(exponent, int), f"{published} is no figure"
    return 0.5 * 10.0**exponent


def agree(request: pytest.FixtureRequest, subject: str, rows: Sequence[Row], *, source: str = "") -> None:
    """Fail if one of the rows does not hold; those of a test that is marked `fidelity` come into the table, with their
    source: the one given, or what the module of the test calls `SOURCE`."""
    source = source or getattr(request.module, "SOURCE", "")
    plugins, here = request.config.pluginmanager, sys.modules[__name__]
    if not plugins.is_registered(here):
        plugins.register(here)
    if request.node.get_closest_marker("fidelity"):
        for row in rows:
            request.node.user_properties.append((PROPERTY, (source, subject, *astuple(row))))
    wrong = [f"{subject}: {_words(row)}" for row in rows if not row.holds]
    assert not wrong, "\n".join(wrong)


def _words(row: Row) -> str:
    return (
        f"{row.figure} should be {row.expected:.6g}, and is {row.measured:.6g} over {row.trials} trials, "
        f"further than {row.bound:.2g}"
    )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table of all figures that were held against published ones, and write it where it was asked for."""
    stash = terminalreporter.config.stash
    reports = [*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("failed", [])]
    found = [value for report in reports for name, value in report.user_properties if name == PROPERTY]
    if not found or stash.get(_PRINTED, False):
        return
    stash[_PRINTED] = True
    terminalreporter.section("agreement with published figures")
    for line in table(found):
        terminalreporter.write_line(line)
    page = terminalreporter.config.getoption("--fidelity-page")
    if page:
        Path(page).write_text(markdown(found), encoding="utf-8")


HEADS = ("source", "set-up", "figure", "published", "measured", "bound", "trials", "verdict")


def _lines(found: Sequence[Sequence[Any]]) -> list[tuple[str, ...]]:
    """The cells of each (source, subject, figure, expected, measured, bound, trials), by source and subject."""
    lines = []
    for source, subject, *figures in sorted(found, key=lambda value: (str(value[0]), _in_order(str(value[1])))):
        row = Row(*figures)
        numbers = (f"{row.expected:.5g}", f"{row.measured:.5g}", f"±{row.bound:.2g}", f"{row.trials:,}")
        lines.append((source, subject, row.figure, *numbers, "holds" if row.holds else "DIFFERS"))
    return lines


def _in_order(text: str) -> list[tuple[int, str]]:
    """Sorts texts so that 2 comes before 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text) if part]


def table(found: Sequence[Sequence[Any]]) -> list[str]:
    """The lines of the table, one for each (source, subject, figure, expected, measured, bound, trials)."""
    lines = [HEADS, *_lines(found)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if 2 < at < 7 else cell.ljust(width) for at, (cell, width) in enumerate(fits)
        ).rstrip()
        for fits in (list(zip(line, widths, strict=True)) for line in lines)
    ]


PAGE = """\
# Agreement with published figures

Made by `make fidelity`, which runs every set-up below and fails if a figure does not agree. A mean agrees if it lies
within four standard errors of what was published (the standard error is measured over the trials) and half a unit of
the last digit that was printed; where a row says otherwise, its test says why. “Published” is the figure of the
source, or what its formula gives.

"""


def markdown(found: Sequence[Sequence[Any]]) -> str:
    """The page docs/fidelity.md."""
    rows = [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in (HEADS, *_lines(found))]
    rows.insert(1, "|---|---|---|---:|---:|---:|---:|---|")
    return PAGE + "\n".join(rows) + "\n"
