"""Dots, lines and courses in braille; plots and matrices as lines of text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.views import Curve, Matrix, MatrixCell, Plot, Words
from tests import view_factories as make
from widgets import matrix, plot, words
from widgets.canvas import Raster, resample, spark
from widgets.composing import compose
from widgets.glyphs import SHADES, shade
from widgets.text import Line, cells, clean, clip, fit, fit_line, line_cells, wrap


def text(line: Line) -> str:
    return "".join(piece for piece, _ in line)


def texts(lines: list[Line]) -> list[str]:
    return [text(line).rstrip() for line in lines]


def test_a_dot_sets_the_bit_of_its_place_in_the_cell() -> None:
    raster = Raster(2, 1)
    raster.dot(0, 0)
    raster.dot(3, 3)
    assert raster.row(0) == "⠁⢀"


def test_dots_outside_are_ignored() -> None:
    raster = Raster(1, 1)
    for x, y in ((-1, 0), (2, 0), (0, -1), (0, 4)):
        raster.dot(x, y)
    assert raster.rows() == [" "]


def test_a_level_line_fills_every_cell_on_its_way() -> None:
    raster = Raster(4, 1)
    raster.line(0, 0, 7, 0)
    assert raster.row(0) == "⠉⠉⠉⠉"


def test_a_steep_line_has_one_dot_in_each_row() -> None:
    raster = Raster(2, 2)
    raster.line(0, 0, 3, 7)
    assert sum(bits.bit_count() for bits in raster.bits) == 8


def test_a_line_is_the_same_cells_from_either_end_when_it_is_straight() -> None:
    there, back = Raster(5, 5), Raster(5, 5)
    there.line(1, 1, 9, 9)
    back.line(9, 9, 1, 1)
    assert there.bits == back.bits


def test_a_dashed_line_leaves_gaps() -> None:
    whole, dashed = Raster(10, 1), Raster(10, 1)
    whole.line(0, 0, 19, 0)
    dashed.line(0, 0, 19, 0, on=1, off=3)
    assert sum(bits.bit_count() for bits in whole.bits) == 20
    assert sum(bits.bit_count() for bits in dashed.bits) == 5


def test_a_line_that_leaves_the_grid_is_cut_off() -> None:
    raster = Raster(2, 1)
    raster.line(-10, 0, 10, 0)
    assert raster.row(0) == "⠉⠉"


def test_a_course_rises_from_the_lowest_to_the_highest_dots() -> None:
    bits = spark((0.0, 1.0, 2.0, 3.0), 2, 0.0, 3.0)
    assert [f"{b:08b}" for b in bits] == [f"{b:08b}" for b in Raster_of((0, 3), (1, 2), (2, 1), (3, 0))]


def Raster_of(*dots: tuple[int, int]) -> bytearray:  # noqa: N802 - reads as a constructor
    raster = Raster(2, 1)
    for x, y in dots:
        raster.dot(x, y)
    return raster.bits


def test_a_short_course_ends_at_the_right() -> None:
    bits = spark((1.0, 1.0), 4, 0.0, 1.0)
    assert [bool(b) for b in bits] == [False, False, False, True]


def test_a_long_series_is_folded_into_means() -> None:
    assert resample(tuple(float(v) for v in range(10)), 5) == [0.5, 2.5, 4.5, 6.5, 8.5]
    assert resample((1.0, 2.0), 5) == [1.0, 2.0]


# texts


def test_what_upsets_a_terminal_is_taken_out() -> None:
    assert clean("a\x1b[31mb\nc\u200bd") == "a�[31mb c�d"


def test_clipping_counts_cells_and_not_characters() -> None:
    assert clip("日本語", 6) == "日本語"
    assert cells(clip("日本語", 5)) <= 5
    assert clip("abcdef", 4) == "abc…"
    assert clip("abc", 0) == ""


def test_fitting_pads_to_the_width() -> None:
    assert fit("ab", 4, "right") == "  ab"
    assert fit("ab", 4) == "ab  "
    assert fit("日本語", 4) == "日… "


@given(
    st.lists(st.tuples(st.text(max_size=8), st.sampled_from(["plain", "good"])), max_size=5).map(
        lambda line: [(clean(piece), ink) for piece, ink in line]
    ),
    st.integers(0, 20),
)
@settings(max_examples=200, deadline=None)
def test_a_fitted_line_is_exactly_as_wide_as_asked_for(line: Line, width: int) -> None:
    assert line_cells(fit_line(line, width)) == width


def test_a_line_that_is_cut_says_so() -> None:
    assert text(fit_line([("abc", "plain"), ("def", "good")], 4)) == "abc…"
    assert text(fit_line([("abcd", "plain"), ("ef", "good")], 4)) == "abc…"
    assert text(fit_line([("abcd", "plain"), ("  ", "good")], 4)) == "abcd"


def test_words_are_wrapped_between_words_and_inside_long_ones() -> None:
    assert wrap("the bridge is closed", 10) == ("the bridge", "is closed")
    assert wrap("abcdefgh ij", 4) == ("abcd", "efgh", "ij")
    assert wrap("", 4) == ("",)


# plots


def test_round_ticks() -> None:
    assert plot.ticks(0, 1, 6) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert plot.ticks(0, 60, 4) == [0, 20, 40, 60]
    assert plot.ticks(3, 3, 4) == [3]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 12))
@settings(max_examples=200, deadline=None)
def test_ticks_lie_inside_and_are_not_too_many(low: float, span: float, most: int) -> None:
    high = low + span
    found = plot.ticks(low, high, most)
    slack = 1e-6 * max(1.0, abs(low), abs(high))
    assert len(found) <= most
    assert all(low - slack <= tick <= high + slack for tick in found)


def test_a_plot_has_title_legend_axes_and_both_curves() -> None:
    lines = plot.draw(make.plot(60), 60, 14)
    drawn = texts(lines)
    assert drawn[0].startswith("informed  share")
    assert "⠤⠤ measured" in drawn[0]
    assert "┈┈ theory" in drawn[0]
    assert any(line.startswith("100 %┤") for line in drawn)
    assert any(line.lstrip().startswith("0 %┤") for line in drawn)
    assert drawn[-2].lstrip().startswith("└")
    assert "60" in drawn[-1]
    assert "seconds" in drawn[-1]
    assert len(lines) == 14


def test_theory_is_dim_and_has_gaps_where_the_measured_curve_is_solid() -> None:
    lines = plot.draw(make.plot(30), 60, 14)
    inks = {ink for line in lines[1:-2] for piece, ink in line if any("⠀" < c <= "⣿" for c in piece)}
    assert inks == {"accent", "dim"}
    top = next(line for line in lines if "100 %" in text(line))
    assert " " in text(top).split("┤")[1].strip()


def test_the_measured_curve_wins_a_cell_that_both_want() -> None:
    both = Plot("p", "", "", (Curve("t", (0, 1), (0, 1), theory=True), Curve("m", (0, 1), (0, 1))))
    inks = [ink for line in plot.draw(both, 40, 12)[1:-2] for piece, ink in line[2:] if piece.strip()]
    assert set(inks) == {"accent"}


def test_curves_differ_in_more_than_colour() -> None:
    two = Plot("p", "", "", (Curve("a", (0, 1), (1, 1)), Curve("b", (0, 1), (2, 2))), y_range=(0, 3))
    first, second = (
        {c for piece, ink in line[2:] for c in piece if c.strip()}
        for line in plot.draw(two, 40, 12)[1:-2]
        if any(piece.strip() for piece, _ in line[2:])
    )
    assert first
    assert second
    assert first != second


@given(
    st.lists(st.tuples(st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True)), max_size=6),
    st.integers(0, 50),
    st.integers(0, 12),
)
@settings(max_examples=150, deadline=None)
def test_no_curve_upsets_a_plot(points: list[tuple[float, float]], width: int, height: int) -> None:
    curve = Curve("c", tuple(x for x, _ in points), tuple(y for _, y in points))
    assert len(plot.draw(Plot("p", "x", "y", (curve,)), width, height)) <= max(0, height)


def test_an_empty_plot_still_has_axes() -> None:
    drawn = texts(plot.draw(Plot("p", "x", "y", ()), 40, 8))
    assert len(drawn) == 8
    assert "└" in drawn[-2]


# matrices


def test_with_few_rows_each_agent_has_a_line_of_its_own() -> None:
    few = make.matrix(6, 3, tick=40)
    drawn = texts(matrix.draw(few, 60, 12))
    assert [line.split()[0] for line in drawn[3:]] == ["a-01", "a-02", "a-03", "a-04", "a-05", "a-06"]
    assert drawn[1].split() == ["f1", "f2", "f3"]
    assert "%" in drawn[2]


def test_with_more_rows_agents_are_packed_and_every_one_is_still_shown() -> None:
    drawn = texts(matrix.draw(make.matrix(40, 4, tick=40), 60, 9))
    glyphs = sum(line.count("■") + line.count("·") for line in drawn[3:])
    assert glyphs == 4 * 40


def test_with_too_many_rows_cells_are_shades_of_a_share() -> None:
    lines = matrix.draw(make.matrix(1000, 4, tick=40), 60, 12)
    assert len(lines) <= 12
    drawn = "".join(texts(lines[3:]))
    assert set(drawn) & set("░▒▓█")
    assert "none to all: knows" in text(lines[0]) + text(lines[1])


def test_where_most_of_a_cell_is_wrong_it_says_so_instead_of_a_share() -> None:
    legend = (MatrixCell("·", "no", "dim"), MatrixCell("■", "yes", "good"), MatrixCell("✕", "down", "bad"))
    columns = bytes([2] * 60 + [1] * 30 + [2] * 10)
    grid = Matrix("t", tuple(map(str, range(100))), ("f",), tuple(bytes([value]) for value in columns), legend)
    drawn = "".join(texts(matrix.draw(grid, 10, 7))[2:])
    assert "✕" in drawn
    assert "█" in drawn
    assert "down" not in "".join(texts(matrix.draw(grid, 10, 7))[:2])


def test_the_newest_column_is_at_the_right_and_older_ones_are_counted() -> None:
    drawn = texts(matrix.draw(make.matrix(6, 30), 50, 12))
    heads = next(line for line in drawn if "f30" in line).split()
    assert heads[0].startswith("⋯")
    assert heads[-1] == "f30"
    assert int(heads[0][1:]) + len(heads) - 1 == 30


def test_looking_back_shows_older_columns() -> None:
    drawn = texts(matrix.draw(make.matrix(6, 30), 50, 12, back=5))
    assert next(line for line in drawn if "f25" in line).split()[-1] == "f25"


def test_shades_say_none_some_and_all() -> None:
    assert [shade(s) for s in (0, 0.01, 0.5, 0.99, 1)] == ["·", "░", "▒", "▓", "█"]
    assert len(set(SHADES)) == 5


@given(st.integers(0, 60), st.integers(0, 6), st.integers(0, 70), st.integers(0, 20))
@settings(max_examples=150, deadline=None)
def test_a_matrix_of_any_size_fits_the_lines_it_is_given(agents: int, facts: int, width: int, height: int) -> None:
    grid = Matrix(
        "t",
        tuple(f"a{n}" for n in range(agents)),
        tuple(f"f{n}" for n in range(facts)),
        tuple(bytes(facts) for _ in range(agents)),
        (MatrixCell("·", "no", "dim"), MatrixCell("■", "yes", "good")),
    )
    assert len(matrix.draw(grid, width, height)) <= height


def test_words_that_do_not_fit_are_counted() -> None:
    many = Words("title", tuple((f"line {n}", "plain") for n in range(9)))
    assert texts(words.draw(many, 20, 4)) == ["title", "line 0", "line 1", "⋯ 7 more"]


# the stage


def test_parts_stand_side_by_side_where_there_is_room() -> None:
    lines = compose(make.stage_view().parts, 118, 12).lines
    assert "who knows what" in text(lines[0])
    assert "informed" in text(lines[0])
    assert "rounds" in text(lines[0])


def test_parts_stand_one_above_another_where_there_is_not() -> None:
    lines = compose(make.stage_view().parts, 50, 30).lines
    assert "who knows what" in text(lines[0])
    assert "informed" not in text(lines[0])
    assert any("informed" in text(line) for line in lines)


@pytest.mark.parametrize("size", [(0, 0), (3, 2), (20, 5), (80, 20), (200, 60)])
def test_a_stage_of_any_size_has_as_many_lines_as_asked_for(size: tuple[int, int]) -> None:
    width, height = size
    lines = compose(make.stage_view().parts, width, height).lines
    assert len(lines) == height
    assert all(line_cells(line) <= max(0, width) for line in lines)
