"""Checkpoints: a moment of a run as plain bytes, made and read in milliseconds.

How far apart checkpoints can lie depends on what taking one costs, and so does the way from one to any other moment.
What there are thousands of (agents, contexts, the events of the trace) is therefore written in columns, one for each
attribute: no attribute's name is written more than once, and containers that are empty are only counted.
"""

from __future__ import annotations

import gc
import pickle
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from sys import getrefcount
from typing import Any

from msgspec import Struct

from engine.agent import ENGINE_ATTRIBUTES, Agent

CONTAINERS = frozenset({dict, list, set})
LEVEL = 3  # of compression; more of it takes three times as long for a few percent


class Checkpoint(Struct, frozen=True):
    """A moment of a run, to go back to. `data` is a pickle of plain state, compressed if it `is_packed`; read only what
    this program wrote."""

    index: int
    time: int
    data: bytes
    is_packed: bool = False

    @property
    def size(self) -> int:
        """Bytes of memory that it takes; it shares none of them with other checkpoints."""
        return len(self.data)

    def packed(self) -> Checkpoint:
        """The same in a third of the memory or so: it takes a sixth longer to make, and is read almost as quickly."""
        if self.is_packed:
            return self
        from zstandard import compress  # which most runs never need

        return Checkpoint(self.index, self.time, compress(self.data, LEVEL), is_packed=True)

    def state(self) -> dict[str, Any]:
        """What `write` was given."""
        data = self.data
        if self.is_packed:
            from zstandard import decompress

            data = decompress(data)
        state: dict[str, Any] = pickle.loads(data)
        return state


def write(state: dict[str, Any]) -> bytes:
    """A run's state as bytes."""
    return pickle.dumps(state, protocol=pickle.HIGHEST_PROTOCOL)


@contextmanager
def without_collection() -> Iterator[None]:
    """No garbage is collected meanwhile: Python would look at all that a checkpoint brings back, several times, and
    none of it is garbage. What was made then counts as old."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()


# Columns


def columns(rows: Iterable[Iterable[Any]]) -> list[tuple[Any, ...]]:
    """Rows of equal length as columns."""
    return list(zip(*rows, strict=True))


def rows(columns: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Columns of equal length as rows."""
    return zip(*columns, strict=True)


def gather(agents: Sequence[Agent]) -> list[tuple[Any, ...]]:
    """The attributes of all agents but those that the engine set. Agents with the same ones, in the same order, have
    their values in columns: (their ids, the names, a column for each name)."""
    groups: dict[tuple[str, ...], list[int]] = {}
    ids: list[int] = []
    last: list[str] = []
    every = list(map(vars, agents))
    for place, attributes in enumerate(every):
        names = list(attributes)
        if names != last:
            ids, last = groups.setdefault(tuple(names), []), names
        ids.append(place)
    return [_group(ids, names, [every[place] for place in ids]) for names, ids in groups.items()]


def _group(ids: list[int], names: Sequence[str], those: list[dict[str, Any]]) -> tuple[Any, ...]:
    found = zip(names, columns(map(dict.values, those)), strict=True)
    state = {name: column for name, column in found if name not in ENGINE_ATTRIBUTES}
    return ids, tuple(state), tuple(map(_thinned, state.values()))


class Thinned(Struct, frozen=True, array_like=True):
    """A column of lists, dicts or sets of which most are empty: how many there are, and those that are not."""

    kind: type[Any]
    length: int
    filled: dict[int, Any]  # by their places

    def column(self) -> list[Any]:
        """The column as it was."""
        kind = self.kind
        whole = [kind() for _ in range(self.length)]
        for place, value in self.filled.items():
            whole[place] = value
        return whole


def _thinned(column: tuple[Any, ...]) -> Thinned | tuple[Any, ...]:
    """A column without its empty containers, unless somebody else holds them too."""
    kind = type(column[0])
    if kind not in CONTAINERS or not _ALONE.issuperset(map(getrefcount, column)) or len(set(map(type, column))) > 1:
        return column
    filled = {place: value for place, value in enumerate(column) if value}
    return column if 2 * len(filled) > len(column) else Thinned(kind, len(column), filled)


def _references() -> int:
    """How many there are to a container in a column that only an agent's attribute holds besides."""
    attributes: dict[str, list[Any]] = {"own": []}
    return next(map(getrefcount, tuple(attributes.values())))


_ALONE = frozenset({_references()})


def spread(agents: Sequence[Agent], groups: list[tuple[Any, ...]]) -> None:
    """Give agents the attributes that `gather` found, and no others."""
    for ids, names, found in groups:
        those = [vars(agents[place]) for place in ids]
        columns = [given.column() if isinstance(given, Thinned) else given for given in found]
        values = zip(*columns, strict=True) if columns else repeat(())
        fitting: list[str] | None = None  # most have the same attributes as the one before
        for attributes, own in zip(those, values, strict=bool(columns)):  # by agent: its dict stays in the cache
            fits = list(attributes) == fitting
            if not fits:
                _make_room(attributes, names)
            attributes.update(zip(names, own, strict=True))
            if not fits:
                fitting = list(attributes)


def _make_room(attributes: dict[str, Any], names: Sequence[str]) -> None:
    """Take an agent's attributes away, unless it has these, in this order, and no others."""
    own = [name for name in attributes if name not in ENGINE_ATTRIBUTES]
    if own != list(names):
        for name in own:
            del attributes[name]
