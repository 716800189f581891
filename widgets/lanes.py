"""Where the blocks of the fork view stand: heights in columns, of which dull stretches fold, and branches in lanes."""

from __future__ import annotations

from typing import NamedTuple

from engine.views import Block, Chain

HEAD = 5  # newest heights that never fold; more where there is room
AROUND = 2  # heights on either side of a selected block that never fold
LEAST_FOLD = 3  # heights; fewer do not fold
BETWEEN = 2  # columns between two branches that share a lane, for the words after the first of them


class Column(NamedTuple):
    """A height, or several that are folded into one."""

    first: int
    last: int

    @property
    def folded(self) -> int:
        """How many heights are hidden here; 0 for a height that is shown."""
        return self.last - self.first + 1 if self.last > self.first else 0


class Branch(NamedTuple):
    """Blocks one above another that left the canonical chain, or another branch; lane 0 is the canonical chain's."""

    blocks: tuple[Block, ...]
    lane: int


class Tree(NamedTuple):
    """All that is needed to draw a chain: `place` gives the column of each height that is shown."""

    columns: list[Column]
    place: dict[int, int]
    branches: list[Branch]  # the canonical chain first
    blocks: dict[str, Block]

    @property
    def forks(self) -> int:
        """How many branches there are beside the canonical chain."""
        return len(self.branches) - 1


def arrange(chain: Chain, room: int, watched: str = "") -> Tree:
    """The places of all blocks. Nothing folds if all heights fit into `room` columns; what is around the block
    `watched` never does."""
    blocks = {block.id: block for block in chain.blocks}
    columns = _columns(chain, blocks, room, watched)
    place = {column.first: at for at, column in enumerate(columns) if not column.folded}
    return Tree(columns, place, _branches(chain, place, len(columns)), blocks)


def _columns(chain: Chain, blocks: dict[str, Block], room: int, watched: str) -> list[Column]:
    if not blocks:
        return []
    low = min(block.height for block in chain.blocks)
    high = max(block.height for block in chain.blocks)
    if high - low < room:
        return [Column(height, height) for height in range(low, high + 1)]
    shown = {low}
    for block in chain.blocks:
        if block.status != "canonical":
            shown.update((block.height - 1, block.height))
    for tip in chain.tips:
        if tip.block in blocks:
            shown.add(blocks[tip.block].height)
    if watched in blocks:
        height = blocks[watched].height
        shown.update(range(height - AROUND, height + AROUND + 1))
    whole = _folded(low, high, shown | set(range(high - room + 3, high + 1)))
    if len(whole) <= room and watched not in blocks:
        return whole
    return _folded(low, high, shown | set(range(high - max(HEAD, room // 2) + 1, high + 1)))


def _folded(low: int, high: int, shown: set[int]) -> list[Column]:
    """The heights from `low` to `high`: those in `shown`, and what lies between them folded."""
    columns = []
    height = low
    while height <= high:
        end = height
        while end <= high and end not in shown:
            end += 1
        if end - height >= LEAST_FOLD:
            columns.append(Column(height, end - 1))
            height = end
        else:
            columns.append(Column(height, height))
            height += 1
    return columns


def _branches(chain: Chain, place: dict[int, int], columns: int) -> list[Branch]:
    """The canonical chain, and every branch in the lowest lane that is free from where it leaves to where it ends.
    Branches are placed by the height at which they leave, so that those that come later move none of the earlier."""
    main = [block for block in chain.blocks if block.status == "canonical"]
    grown: list[list[Block]] = []
    of: dict[str, int] = {}
    for block in chain.blocks:
        if block.status == "canonical":
            continue
        at = of.get(block.parent)
        if at is None or grown[at][-1].id != block.parent:
            at = len(grown)
            grown.append([])
        grown[at].append(block)
        of[block.id] = at
    taken: list[int] = []  # for each lane, the first column that is free
    branches = [Branch(tuple(main), 0)]
    for path in grown:
        start = place.get(path[0].height, 0)
        end = place.get(path[-1].height, columns)
        lane = next((at for at, free in enumerate(taken) if free <= start), len(taken))
        if lane == len(taken):
            taken.append(0)
        taken[lane] = end + 1 + BETWEEN
        branches.append(Branch(tuple(path), lane + 1))
    return branches


def step(chain: Chain, tree: Tree, key: str, across: int, down: int) -> str:
    """The block to go to from the one named `key`: to its parent, to a child, or to another of its height. From
    nowhere, to the end of the canonical chain. Where there is none, it stays."""
    here = tree.blocks.get(key)
    main = tree.branches[0].blocks if tree.branches else ()
    if here is None:
        last = main[-1] if main else (chain.blocks[-1] if chain.blocks else None)
        return "" if last is None else last.id
    if across < 0:
        return here.parent if here.parent in tree.blocks else key
    if across > 0:
        children = [block for block in chain.blocks if block.parent == key]
        best = next((block for block in children if block.status == "canonical"), None)
        return (best or children[0]).id if children else key
    lanes = {
        block.id: branch.lane for branch in tree.branches for block in branch.blocks if block.height == here.height
    }
    order = sorted(lanes, key=lanes.__getitem__)
    at = order.index(key) + down
    return order[at] if 0 <= at < len(order) else key
