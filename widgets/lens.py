"""How a person looks at the stage (what is selected, how far back, how near), and what there is to select on it."""

from __future__ import annotations

from typing import NamedTuple

from widgets.text import Line

NEAREST, FARTHEST = 2, 0


class Lens(NamedTuple):
    """`back` columns before the newest, at `zoom` 0 (far) to 2 (near); `fresh` are the keys of what just changed."""

    back: int = 0
    zoom: int = NEAREST
    selected: str = ""
    fresh: frozenset[str] = frozenset()


AT_EASE = Lens()
"""Near, at the newest, with nothing selected."""


class Item(NamedTuple):
    """Something on the stage that can be selected: where it was drawn, and the key that names it."""

    y: int
    x: int
    width: int
    key: str


class Picture(NamedTuple):
    """A part as it is drawn, and what in it can be selected."""

    lines: list[Line]
    items: list[Item]


def item_at(items: list[Item], x: int, y: int) -> Item | None:
    """The item at a place; None where there is none."""
    return next((item for item in items if item.y == y and item.x <= x < item.x + item.width), None)


def next_item(items: list[Item], key: str, across: int, down: int) -> Item | None:
    """The item to go to from the one named `key`, by a step to the side or down (−1, 0, 1): the nearest in that
    direction. From nowhere, the first; None where there is nothing further."""
    here = next((item for item in items if item.key == key), None)
    if here is None:
        return items[0] if items else None

    def far(item: Item) -> tuple[int, int]:
        x, y = item.x - here.x, item.y - here.y
        return (abs(y) * 100 + abs(x), 0) if across else (abs(y) * 4 + abs(x), abs(x))

    ahead = [i for i in items if (i.x - here.x) * across + (i.y - here.y) * down > 0 and i.key != key]
    return min(ahead, key=far, default=None)
