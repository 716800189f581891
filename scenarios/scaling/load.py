"""The load: when tasks arrive, and how much work each of them is.

Arrivals at a rate that changes are drawn by thinning (Lewis & Shedler 1979): candidates come at the highest rate, and
each stays with the chance that the rate of its moment has of it. Sizes and arrivals have streams of their own, so that
two runs with one seed get the same tasks, whatever their pools are.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from engine.duration import SECOND
from engine.errors import ParameterError
from engine.exact import exp, ln
from engine.streams import Stream
from scenarios.scaling.params import ScalingParams

LOW, NORMAL, HIGH = range(3)
PRIORITIES = ("low", "normal", "high")
_PRIORITY_OF = (LOW, LOW, LOW, NORMAL, NORMAL, NORMAL, NORMAL, NORMAL, HIGH, HIGH)  # shares of 30, 50 and 20 %

# Tasks in each second of a minute: a quiet start, two rushes, one sudden peak.
_MINUTE = (
    *(2, 1, 2, 2, 3, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 6, 6, 5),
    *(4, 4, 3, 3, 2, 3, 2, 2, 2, 1, 2, 2, 3, 2, 14, 15, 13, 9, 5, 3),
    *(2, 2, 3, 3, 4, 4, 5, 6, 6, 7, 8, 7, 6, 5, 4, 3, 3, 2, 2, 1),
)

Row = tuple[int, int, int]
"""Of a task in a trace: when it comes (µs), how much work it is (µs; 0: drawn at random), its priority (−1: drawn)."""


def built_in_trace() -> tuple[Row, ...]:
    """One minute of tasks, evenly spaced within each second."""
    return tuple(
        [
            (second * SECOND + place * SECOND // many, 0, -1)
            for second, many in enumerate(_MINUTE)
            for place in range(many)
        ]
    )


def read_trace(path: str) -> tuple[Row, ...]:
    """The tasks in a CSV file, by time. The columns are time, service and priority, in this order or as the first line
    names them; the last two may be missing. Raises ParameterError with the line."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            lines = [(number, row) for number, row in enumerate(csv.reader(file), 1) if any(map(str.strip, row))]
    except OSError as error:
        raise ParameterError(f"trace={path} cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error):
        raise ParameterError(f"trace={path} cannot be read: it is no CSV file in UTF-8") from None
    names = ["time", "service", "priority"]
    if lines and not _is_number(lines[0][1][0]):
        names = [name.strip().lower() for name in lines[0][1]]
        if "time" not in names:
            raise ParameterError(f"trace={path}: the first line names no column time; write time,service,priority")
        del lines[0]
    if not lines:
        raise ParameterError(f"trace={path} has no tasks; each line is a time in seconds, such as 1.5")
    rows = [_row(path, number, dict(zip(names, map(str.strip, cells), strict=False))) for number, cells in lines]
    return tuple(sorted(rows))


def _row(path: str, line: int, cells: dict[str, str]) -> Row:
    def number(name: str, least: float) -> int:
        text = cells.get(name, "")
        if not _is_number(text) or not least <= float(text) <= 1e9:
            right = "a number of seconds above 0" if least else "a number of seconds from 0"
            raise ParameterError(f"trace={path}, line {line}: {name} is {text!r}; it has to be {right}")
        return round(float(text) * SECOND)

    when = number("time", 0.0)
    size = max(1, number("service", 1e-9)) if cells.get("service") else 0
    priority = cells.get("priority", "").lower()
    if priority and priority not in PRIORITIES:
        raise ParameterError(f"trace={path}, line {line}: priority is {priority!r}; it has to be low, normal or high")
    return when, size, PRIORITIES.index(priority) if priority else -1


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


class Load:
    """Where the tasks come from. Plain state; `rows` of a trace are handed in, since they never change."""

    def __init__(self, params: ScalingParams, seed: int) -> None:
        self.boost = 1000  # how many thousandths of the usual rate come, until `boost_until`
        self.boost_until = 0
        self.place = 0  # in the trace, of the next task
        self._params = params
        self._until = round(params.horizon * SECOND)
        self._arrivals = Stream(seed, "arrivals")
        self._sizes = Stream(seed, "sizes")
        self._mean = SECOND / params.service_rate
        self._peak = params.arrival_rate * (
            params.spike_factor
            if params.arrivals == "spike"
            else 1 + params.swing
            if params.arrivals == "diurnal"
            else 1
        )
        self._steady = params.arrivals == "poisson"

    def rate(self, now: int) -> float:
        """Tasks a second that are to be expected at a time (µs), the command `spike` included; for a trace, the rate of
        a whole minute is not known, and the parameter counts."""
        boost = self.boost / 1000 if now < self.boost_until else 1.0
        return self._usual_rate(now) * boost

    def _usual_rate(self, now: int) -> float:
        params = self._params
        if params.arrivals == "spike":
            every = round(params.spike_every * SECOND)
            since = (now - every // 10) % every if now >= every // 10 else every
            in_spike = since < round(params.spike_length * SECOND)
            return params.arrival_rate * (params.spike_factor if in_spike else 1.0)
        if params.arrivals == "diurnal":
            return params.arrival_rate * (1.0 + params.swing * _sine(now / (params.period * SECOND)))
        return params.arrival_rate

    def spike(self, factor: int, until: int) -> None:
        """Let `factor` thousandths of the usual tasks come until then (µs)."""
        self.boost, self.boost_until = factor, until

    def next_time(self, now: int, rows: Sequence[Row]) -> int | None:
        """When the next task after `now` comes, in µs; None when no more will."""
        if rows:
            return self._next_in(rows, now)
        draws = self._arrivals
        at = now
        while True:
            boost = self.boost / 1000 if at < self.boost_until and self.boost > 1000 else 1.0
            peak = self._peak * boost
            at += round(draws.exponential(SECOND / peak))
            if at >= self._until:
                return None
            if (self._steady and self.boost_until <= now) or draws.uniform() * peak < self.rate(at):
                return at

    def _next_in(self, rows: Sequence[Row], now: int) -> int | None:
        around, place = divmod(self.place, len(rows))
        if around and self._params.trace:  # a file is played once, the built-in minute again and again
            return None
        at = max(now, rows[place][0] + around * 60 * SECOND)
        return at if at < self._until else None

    def tasks(self, now: int, rows: Sequence[Row]) -> list[tuple[int, int, int]]:
        """The tasks that come now, as (work in µs, priority, kind); one, or for a trace during a `spike` several."""
        size, priority, copies = 0, -1, 1
        if rows:
            _, size, priority = rows[self.place % len(rows)]
            self.place += 1
            if now < self.boost_until:
                copies = self.boost // 1000 + (self._arrivals.below(1000) < self.boost % 1000)
        return [self._task(size, priority) for _ in range(copies)]

    def _task(self, size: int, priority: int) -> tuple[int, int, int]:
        draws, kinds = self._sizes, self._params.kinds
        if not size:
            size = self._size()
        if priority < 0:
            priority = _PRIORITY_OF[draws.below(10)]
        return size, priority, draws.below(kinds) if kinds > 1 else 0

    def _size(self) -> int:
        mean, draws = self._mean, self._sizes
        match self._params.service:
            case "exponential":
                size = draws.exponential(mean)
            case "uniform":
                size = 2.0 * mean * draws.uniform()
            case "deterministic":
                size = mean
            case _:
                tail = self._params.tail
                size = mean * (tail - 1.0) / tail * exp(-ln(1.0 - draws.uniform()) / tail)
        return max(1, round(size))


def _sine(turns: float) -> float:
    """sin(2π · turns) within 0.002, by Bhaskara's formula, which needs + − × ÷ only."""
    part = 2.0 * (turns % 1.0)
    sign = 1.0
    if part >= 1.0:
        part, sign = part - 1.0, -1.0
    square = part * (1.0 - part)
    return sign * 16.0 * square / (5.0 - 4.0 * square)
