"""From a selector (WHO) to the agents it means, drawn from the seed where it asks for some of many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar

from engine.commands import MILLION, Item, Selector
from engine.errors import CommandError

T = TypeVar("T")


class Sampler(Protocol):
    """The one thing that selection asks of a random stream."""

    def sample(self, population: Sequence[T], k: int) -> list[T]: ...


def resolve(selector: Selector, names: Mapping[str, int], roles: Mapping[str, str], stream: Sampler) -> list[int]:
    """The ids that `selector` means, ascending and each once.

    `names` gives each agent's id, in id order, and `roles` each agent's role. A word is the agent of that
    name, else the role, else a glob over names. Raises CommandError where it matches nothing, or fewer
    agents than asked for.
    """
    chosen: set[int] = set()
    for item in selector.items:
        ids = _named(item.name, names, roles)
        amount = _amount(item, len(ids))
        chosen.update(ids if amount is None else stream.sample(ids, amount))
    return sorted(chosen)


def suggest(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` with the nearest of the `known` words, or nothing where none is near."""
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _named(name: str, names: Mapping[str, int], roles: Mapping[str, str]) -> list[int]:
    if name in names:
        return [names[name]]
    ids = [id for agent, id in names.items() if roles.get(agent) == name]
    if not ids and any(char in name for char in "*?["):
        ids = [id for agent, id in names.items() if fnmatchcase(agent, name)]
    if not ids:
        known = dict.fromkeys([*names, *roles.values()])
        raise CommandError(f"no agent or role matches {name!r}" + (suggest(name, known) or _examples(names)))
    return ids


def _amount(item: Item, available: int) -> int | None:
    """How many of the `available` agents to draw: shares round half up, but never down to nobody."""
    if item.share is not None:
        rounded = (2 * item.share * available + MILLION) // (2 * MILLION)
        return max(1, rounded) if item.share else 0
    if item.count is not None and item.count > available:
        of = "" if item.name == "*" else f" that match {item.name!r}"
        raise CommandError(f"{item.count} agents were asked for, but there are only {available}{of}")
    return item.count


def _examples(names: Mapping[str, int]) -> str:
    if not names:
        return ": there are no agents"
    first, last = next(iter(names)), list(names)[-1]
    return f"; the agents are {first} to {last}" if len(names) > 1 else f"; the only agent is {first}"
