"""Every kind of part that a stage can have, and how it is drawn: the one place that knows them all."""

from __future__ import annotations

from engine.views import Board, Chain, Matrix, PhaseGrid, Plot, Pool, StagePart, Words
from widgets import board, chain, matrix, phases, plot, pool, words
from widgets.lens import Lens, Picture

ENDLESS = 10_000  # the natural width of what is the better the wider it is


def draw(part: StagePart, width: int, height: int, lens: Lens) -> Picture:
    """One part in at most `height` lines of at most `width` cells."""
    match part:
        case Chain():
            return chain.draw(part, width, height, lens)
        case Board():
            return board.picture(part, width, height)
        case PhaseGrid():
            return phases.picture(part, width, height)
        case Pool():
            return pool.picture(part, width, height)
        case Matrix():
            return Picture(matrix.draw(part, width, height, lens.back), [])
        case Plot():
            return Picture(plot.draw(part, width, height), [])
        case Words():
            return Picture(words.draw(part, width, height), [])


def least_width(part: StagePart) -> int:
    """The columns below which a part says nothing."""
    match part:
        case Chain():
            return chain.LEAST_WIDTH
        case Board():
            return board.LEAST_WIDTH
        case PhaseGrid():
            return phases.LEAST_WIDTH
        case Pool():
            return pool.LEAST_WIDTH
        case Matrix():
            return matrix.LEAST_WIDTH
        case Plot():
            return plot.LEAST_WIDTH
        case Words():
            return words.LEAST_WIDTH


def most_width(part: StagePart, height: int) -> int:
    """The columns beyond which more room gains a part nothing."""
    match part:
        case Chain():
            natural = chain.natural_width(part, height)
        case Board():
            natural = board.natural_width(part, height)
        case PhaseGrid():
            natural = phases.natural_width(part, height)
        case Pool():
            natural = pool.natural_width(part, height)
        case Matrix():
            natural = matrix.natural_width(part, height)
        case Plot():
            natural = ENDLESS
        case Words():
            natural = words.natural_width(part)
    return max(least_width(part), natural)
