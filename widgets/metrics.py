"""The metrics pane: one line for each figure, with its course, and what theory expects where there is a theory."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

from engine.views import MetricView
from widgets.canvas import BRAILLE, spark
from widgets.linelist import LineList
from widgets.pane import Pane
from widgets.text import Line, cells, clean, fit

_THEORY, _THEORY_SHORT = "  ┈┈ theory ", "  ┈┈ "
_VALUE = 16  # most columns of a figure
_SPARK = (8, 36)  # least and most columns of a course


class MetricsList(LineList):
    """The body of the metrics pane: rows, and the chosen one's help below them."""

    OPENS: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__(footer=1)
        self._metrics: tuple[MetricView, ...] = ()
        self._widths = (0, 0, 0, 0, 0)
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
        """Columns: label, course, value with unit, theory. They grow with what is shown and never shrink."""
        label, _, value, unit, theory = self._widths
        for metric in self._metrics:
            label = max(label, cells(clean(metric.label)))
            value = max(value, cells(clean(metric.value)))
            unit = max(unit, cells(clean(metric.unit)))
            theory = max(theory, cells(clean(metric.theory)))
        width = self.size.width - 2
        label = min(label, max(8, width // 3))
        value, unit = min(value, _VALUE), min(unit, 10)
        theory = min(theory, max(_VALUE, width // 4))
        rest = width - label - value - unit - 4
        self._before_theory = _THEORY
        if theory:
            if rest - theory - len(_THEORY) < _SPARK[0]:
                self._before_theory = _THEORY_SHORT
            rest -= theory + len(self._before_theory)
        course = min(_SPARK[1], rest) if rest >= _SPARK[0] else 0
        if (label, course, value, unit, theory) != self._widths:
            self._widths = (label, course, value, unit, theory)
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
        """Label, course, value with unit, theory."""
        metric = self._metrics[index]
        label, course, value, unit, theory = self._widths
        line: Line = [(" " + fit(clean(metric.label), label) + " ", "plain")]
        if course:
            line.extend(draw_course(metric.series, metric.theory_series, course))
            line.append((" ", "plain"))
        line.append((fit(clean(metric.value), value, "right"), "title"))
        if unit:
            line.append((" " + fit(clean(metric.unit), unit), "dim"))
        if metric.theory:
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
    values = series + theory
    low, high = min(values), max(values)
    if low >= 0 and low < 0.5 * high:
        low = 0.0  # a course that comes near to nothing is drawn from nothing
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
