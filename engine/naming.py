"""Sets of agents in words, short enough for a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

Names = Callable[[int], str]
"""What the agent with an id is called."""

_MOST_RUNS = 6
_MOST_GROUPS = 8


def listed(agents: Iterable[int], names: Names) -> str:
    """The names of `agents` by id, a run of three or more as `a-01…a-20`; after six runs, how many more."""
    runs: list[list[int]] = []
    for agent in sorted(agents):
        if runs and runs[-1][-1] == agent - 1 and _stem(names(runs[-1][-1])) == _stem(names(agent)):
            runs[-1].append(agent)
        else:
            runs.append([agent])
    said = []
    for run in runs[:_MOST_RUNS]:
        first, last = names(run[0]), names(run[-1])
        said.append(first if len(run) == 1 else f"{first}, {last}" if len(run) == 2 else f"{first}…{last}")
    more = sum(map(len, runs[_MOST_RUNS:]))
    return ", ".join(said) + (f" and {more:,} more" if more else "")


def apart(groups: Sequence[Iterable[int]], names: Names) -> str:
    """Groups cut from one another: `{a-01…a-20} | {a-21…a-40}`. Of many, loners share an entry."""
    told = [sorted(group) for group in groups]
    alone: list[int] = []
    if len(told) > _MOST_GROUPS:
        alone = [agent for group in told if len(group) == 1 for agent in group]
        told = [group for group in told if len(group) > 1]
    said = [f"{{{listed(group, names)}}}" for group in told[:_MOST_GROUPS]]
    if len(told) > _MOST_GROUPS:
        said.append(f"{len(told) - _MOST_GROUPS:,} more groups")
    if alone:
        said.append(f"each alone: {listed(alone, names)}")
    return " | ".join(said)


def deaf(target: Iterable[int], source: Iterable[int], names: Names) -> str:
    """One direction cut: `a-01…a-05 hear nothing from a-06…a-10`."""
    hearers = sorted(target)
    verb = "hears" if len(hearers) == 1 else "hear"
    return f"{listed(hearers, names)} {verb} nothing from {listed(source, names)}"


def _stem(name: str) -> str:
    return name.rstrip("0123456789")
