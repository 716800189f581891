"""The metrics pane: one line for each figure, with its course, and what theory expects where there is a theory."""

from __future__ import annotations

from functools import lru_cache
from math import inf, nan
from typing import Any, ClassVar

from engine.views import MetricView
from widgets.canvas import BRAILLE, spark
from widgets.glyphs import ALIKE, DIFFERS
from widgets.linelist import LineList
from widgets.pane import Pane
from widgets.text import Line, cells, clean, fit

_THEORY, _THEORY_SHORT = "  ┈┈ theory ", "  ┈┈ "
_VALUE = 16  # most columns of a figure …
_BRIEF, _ROOMY = 9, 100  # … and of one beside that of another run, where a line has fewer columns than this
_SPARK = (8, 36)  # least and most columns of a course
_THIN = 0x47  # the left one of the two columns of dots of a cell
COURSE, RIVAL = "⠒⠒", "⠂⠂"
"""How the courses of two runs look, for a legend: the second one has single dots."""
_BETWEEN = 3  # columns between the figures of two runs: whether they differ


class MetricsList(LineList):
    """The body of the metrics pane: rows, and the chosen one's help below them."""

    OPENS: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__(footer=1)
        self._metrics: tuple[MetricView, ...] = ()
        self._widths = (0, 0, 0, 0, 0, 0)
        self._before_theory = _THEORY

    def show(self, metrics: tuple[MetricView, ...]) -> None:
        """Draw these figures."""
        self._metrics = metrics
        self.rows = len(metrics)
        if self.cursor is None and metrics:
            self.cursor = 0
        self._measure()
        self.rows_changed()

    def _measure(self) -> None:
        """Columns: label, course, value, that of the other run, unit, theory. They grow with what is shown and never
        shrink."""
        label, _, value, rival, unit, theory = self._widths
        for metric in self._metrics:
            label = max(label, cells(clean(metric.label)))
            value = max(value, cells(clean(metric.value)))
            rival = max(rival, cells(clean(metric.rival)))
            unit = max(unit, cells(clean(metric.unit)))
            theory = max(theory, cells(clean(metric.theory)))
        width = self.size.width - 2
        label = min(label, max(8, width // 3))
        most = _BRIEF if rival and width < _ROOMY else _VALUE
        value, rival, unit = min(value, most), min(rival, most), min(unit, 10)
        theory = min(theory, max(_VALUE, width // 4))
        rest = width - label - value - unit - 4 - (rival + _BETWEEN if rival else 0)
        self._before_theory = _THEORY
        if theory:
            if rest - theory - len(_THEORY) < _SPARK[0]:
                self._before_theory = _THEORY_SHORT
            if rival and rest - theory - len(_THEORY_SHORT) < _SPARK[0]:
                theory, self._before_theory = 0, ""  # two courses say more than the words of a theory
            rest -= theory + len(self._before_theory)
        course = min(_SPARK[1], rest) if rest >= _SPARK[0] else 0
        if (label, course, value, rival, unit, theory) != self._widths:
            self._widths = (label, course, value, rival, unit, theory)
            self.forget()

    def on_resize(self) -> None:
        """Measure anew."""
        self._measure()

    def header_key(self) -> Any:
        """The help changes with the cursor and with the columns."""
        metric = self._metrics[self.cursor] if self.cursor is not None and self.cursor < self.rows else None
        return (metric.name, metric.help) if metric else None, self._widths

    def empty_line(self) -> str:
        """What to say when there is nothing to measure."""
        return "this scenario has no metrics"

    def row_key(self, index: int) -> Any:
        """A row is drawn anew when its figure changes."""
        return self._metrics[index], self._widths

    def draw_row(self, index: int, width: int) -> Line:
        """Label, course, value with that of the other run and unit, theory."""
        metric = self._metrics[index]
        label, course, value, rival, unit, theory = self._widths
        line: Line = [(" " + fit(clean(metric.label), label) + " ", "plain")]
        if course:
            if metric.rival_series:
                line.extend(draw_courses(metric.series, metric.rival_series, metric.theory_series, course))
            else:
                line.extend(draw_course(metric.series, metric.theory_series, course))
            line.append((" ", "plain"))
        line.append((fit(clean(metric.value), value, "right"), "title"))
        if rival:
            line.extend(_beside(metric, rival))
        if unit:
            line.append((" " + fit(clean(metric.unit), unit), "dim"))
        if metric.theory and theory:
            line.append((self._before_theory, "faint"))
            line.append((fit(clean(metric.theory), theory, "right"), "dim"))
        return line

    def draw_footer(self, y: int, width: int) -> Line:
        """The chosen figure's help."""
        if self.cursor is None or self.cursor >= self.rows:
            return []
        metric = self._metrics[self.cursor]
        return [(" ", "plain"), (clean(metric.help or metric.name), "dim")]


@lru_cache(maxsize=256)
def _course_bits(series: tuple[float, ...], theory: tuple[float, ...], width: int) -> tuple[bytes, bytes]:
    low, high = _scale(series + theory)
    expected = bytes(spark(theory, width, low, high)) if theory else bytes(width)
    return bytes(spark(series, width, low, high)), expected


def draw_course(series: tuple[float, ...], theory: tuple[float, ...], width: int) -> Line:
    """A series as a row of `width` cells; where theory runs elsewhere it is drawn dim, with gaps."""
    values = tuple(v for v in series if v == v and abs(v) != float("inf"))
    if not values:
        return [("·" * width, "faint")]
    measured, expected = _course_bits(values, tuple(v for v in theory if v == v and abs(v) != float("inf")), width)
    line: Line = []
    for at in range(width):
        if measured[at]:
            line.append((BRAILLE[measured[at]], "accent"))
        elif expected[at] and at % 2 == 0:
            line.append((BRAILLE[expected[at]], "dim"))
        else:
            line.append((" ", "accent"))
    return line


def draw_courses(series: tuple[float, ...], rival: tuple[float, ...], theory: tuple[float, ...], width: int) -> Line:
    """Two series in one row of `width` cells. Where both run alike they are one course; elsewhere they take turns, cell
    by cell, the rival's dots one by one where the other's stand close. Where one has ended the other goes on alone."""
    drawn = _both_bits(series, rival, theory, width)
    if drawn is None:
        return [("·" * width, "faint")]
    line: Line = []
    for at, (first, second, expected) in enumerate(zip(*drawn, strict=True)):
        thin = second & _THIN or second  # a course that begins or ends within the cell
        if first and (first == second or not second or at % 2 == 0):
            line.append((BRAILLE[first], "accent"))
        elif second:
            line.append((BRAILLE[thin], "warn"))
        elif expected and at % 2 == 0:
            line.append((BRAILLE[expected], "dim"))
        else:
            line.append((" ", "accent"))
    return line


@lru_cache(maxsize=256)
def _both_bits(
    series: tuple[float, ...], rival: tuple[float, ...], theory: tuple[float, ...], width: int
) -> tuple[bytes, bytes, bytes] | None:
    """The dots of each, on one scale; None where there are no numbers at all."""
    both = [tuple([v if abs(v) != inf else nan for v in values]) for values in (series, rival)]
    expected = tuple([v for v in theory if v == v and abs(v) != inf])
    values = [v for v in (*both[0], *both[1]) if v == v]
    if not values:
        return None
    low, high = _scale((*values, *expected))
    first, second = (bytes(spark(course, width, low, high)) for course in both)
    return first, second, bytes(spark(expected, width, low, high))


def _scale(values: tuple[float, ...]) -> tuple[float, float]:
    """The values at the bottom and at the top; a course that comes near to nothing is drawn from nothing."""
    low, high = min(values), max(values)
    return 0.0 if 0 <= low < 0.5 * high else low, high


def _beside(metric: MetricView, width: int) -> Line:
    """The other run's figure, and whether it is another one."""
    if not metric.rival:
        return [(" " * (_BETWEEN + width), "plain")]
    other = metric.rival != metric.value
    mark = (f" {DIFFERS} ", "warn!") if other else (f" {ALIKE} ", "faint")
    return [mark, (fit(clean(metric.rival), width), "warn!" if other else "title")]


class MetricsPane(Pane):
    """The figures of a run. Arrows choose one, whose help is shown in the last line."""

    PANE_TITLE: ClassVar[str] = "Metrics"

    def __init__(
        self, *, number: int | None = 4, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        self._list = MetricsList()
        super().__init__(self._list, number=number, name=name, id=id, classes=classes)

    def show(self, metrics: tuple[MetricView, ...]) -> None:
        """Draw these figures."""
        self._list.show(metrics)

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        """The help follows the cursor; nobody else needs to know."""
        event.stop()

    def on_line_list_activated(self, event: LineList.Activated) -> None:
        """There is nothing to open."""
        event.stop()
