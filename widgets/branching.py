"""Which branches of a run a timeline draws, in which order, and what of its forebears each of them shows."""

from __future__ import annotations

from typing import NamedTuple

from engine.views import BranchView, TimelineView


class Stretch(NamedTuple):
    """A part of a branch's course, in µs, both ends included."""

    branch: BranchView
    start: int
    end: int


class Row(NamedTuple):
    """A branch that is drawn. It hangs from row `above` (−1: from none) where it `begins` to go its own way.

    A row that hangs from none shows the whole course from 0. `course` is what is drawn, forebears that have no row of
    their own included, earliest first.
    """

    branch: BranchView
    above: int
    begins: int
    course: tuple[Stretch, ...]

    @property
    def number(self) -> int:
        """Of the branch."""
        return self.branch.number

    @property
    def ends(self) -> int:
        """How far it has been run, in µs."""
        return max(self.begins, self.branch.end)


def lineage(view: TimelineView) -> list[BranchView]:
    """The current branch, its parent, and so on up to the first one; empty where there is no branch."""
    known = {branch.number: branch for branch in view.branches}
    line: list[BranchView] = []
    branch = known.get(view.current, view.branches[-1] if view.branches else None)
    while branch is not None:
        line.append(branch)
        branch = known.get(branch.parent) if branch.parent < branch.number else None
    return line


def rows(view: TimelineView, most: int) -> list[Row]:
    """At most so many branches: the current one, its forebears, the newest others. Below each come those that hang
    from it, the last to leave it first, so that no line has to cross another."""
    known = {branch.number: branch for branch in view.branches}
    line = [branch.number for branch in lineage(view)]
    newest = sorted((number for number in known if number not in line), reverse=True)
    kept = set([*line, *newest][: max(1, most)])
    hanging: dict[int, list[tuple[int, int, tuple[Stretch, ...]]]] = {}
    for number in kept:
        above, begins, course = _course(known, known[number], kept)
        hanging.setdefault(above, []).append((-begins, number, course))
    found: list[Row] = []

    def add(above: int, at: int) -> None:
        for begins, number, course in sorted(hanging.get(above, ()), key=lambda item: item[:2]):
            found.append(Row(known[number], at, -begins, course))
            add(number, len(found) - 1)

    add(0, -1)
    return found


def _course(known: dict[int, BranchView], branch: BranchView, kept: set[int]) -> tuple[int, int, tuple[Stretch, ...]]:
    """From which drawn branch one hangs (0: none), where it begins to differ from that, and its course from there."""
    course = [Stretch(branch, branch.start, max(branch.start, branch.end))]
    while True:
        parent = known.get(branch.parent) if branch.parent < branch.number else None
        if parent is None:
            return 0, 0, tuple(course[::-1])
        if parent.number in kept:
            return parent.number, branch.start, tuple(course[::-1])
        course.append(Stretch(parent, parent.start, branch.start))
        branch = parent
