"""The fork view: heights from left to right, the canonical chain on top, every branch in a lane below it.

A block is a mark for what has become of it, its maker, and the beginning of its hash. Far from the head, heights at
which nothing happened fold into one column.
"""

from __future__ import annotations

from itertools import pairwise

from engine.views import Block, BlockStatus, Chain
from widgets.glyphs import FOLD
from widgets.lanes import AROUND, Branch, Tree, arrange
from widgets.lens import AT_EASE, Item, Lens, Picture
from widgets.text import Line, cells, clean, clip, fit_line, seconds

LEAST_WIDTH = 30
BLOCK: dict[BlockStatus, str] = {"canonical": "■", "stale": "□", "hidden": "▒", "invalid": "◇", "orphan": "◌"}
MEANING: dict[BlockStatus, str] = {
    "canonical": "canonical",
    "stale": "stale",
    "hidden": "hidden",
    "invalid": "invalid",
    "orphan": "without parent",
}
INK: dict[BlockStatus, str] = {
    "canonical": "plain",
    "stale": "dim",
    "hidden": "warn",
    "invalid": "bad",
    "orphan": "dim",
}
TIP, BELOW = "◀", "▲"
BACK = "↶"
GUTTER = 10
WIDE = 70  # cells from which the lanes have names
FOLDED = 7  # cells of a folded column
LEAST_COLUMNS = 4
YOUNG = 6  # heights that a branch may lie back, and still count as young; twice as many for one that was just left
MOST_MARKS = 16  # cells of the agents at a tip
_EAST, _SOUTH, _WEST, _NORTH = 1, 2, 4, 8
_LIGHT = " ╶╷┌╴─┐┬╵└│├┘┴┤┼"  # by the sum of the directions
_CROSSED = {"━": "┿", "═": "╪", "┈": "┼"}
_FORKED = {"━": "┯", "═": "╤", "┈": "┬"}


def natural_width(chain: Chain, height: int) -> int:
    """The columns beyond which more room gains nothing."""
    heights = {block.height for block in chain.blocks}
    return max(LEAST_WIDTH, GUTTER + len(heights) * _cell(chain, 2) + MOST_MARKS + 4)


def draw(chain: Chain, width: int, height: int, lens: Lens = AT_EASE) -> Picture:
    """The chain in at most `height` lines of at most `width` cells."""
    if width < 1 or height < 1:
        return Picture([], [])
    if not chain.blocks:
        return Picture([[("no block yet", "dim")]], [])
    return _Painter(chain, width, height, lens).paint()


def _cell(chain: Chain, zoom: int) -> int:
    """The cells of a column."""
    if zoom <= 0:
        return 2
    return _text_width(chain, zoom) + 3


def _text_width(chain: Chain, zoom: int) -> int:
    """The cells of a block."""
    if zoom <= 0:
        return 1
    mark = max((cells(block.mark) for block in chain.blocks), default=0)
    label = max((cells(block.label) for block in chain.blocks), default=0)
    return 1 + mark + (label + 1 if zoom > 1 and label else 0)


class _Painter:
    """Draws one chain: a grid of characters, and the line that goes through each cell."""

    def __init__(self, chain: Chain, width: int, height: int, lens: Lens) -> None:
        self.chain, self.width, self.height, self.lens = chain, width, height, lens
        self.gutter = GUTTER if width >= WIDE else 1
        self.margin = min(MOST_MARKS + 4, width // 4)
        self.zoom = self._zoom()
        self.cell, self.text = _cell(chain, self.zoom), _text_width(chain, self.zoom)
        room = width - self.gutter - self.margin
        self.tree: Tree = arrange(chain, max(1, room // self.cell), lens.selected)
        self.low, self.x = self._window(room)
        self.tips = {tip.block: tip for tip in chain.tips}
        self.grid = [[" "] * width for _ in range(height)]
        self.inks = [["plain"] * width for _ in range(height)]
        self.ways = [[0] * width for _ in range(height)]
        self.items: list[Item] = []
        self.crowded = False  # whether there is no room for those at the end of the canonical chain

    def _zoom(self) -> int:
        """As near as asked for, if some columns fit then; but at most one step farther, if that brings into sight where
        a branch left that is young still."""
        room = self.width - self.gutter - self.margin
        zoom = self.lens.zoom
        while zoom > 0 and room < LEAST_COLUMNS * _cell(self.chain, zoom):
            zoom -= 1
        wanted = self._young() if zoom > 1 and not self.lens.back and not self.lens.selected else 0
        if room < wanted * _cell(self.chain, zoom) and room >= wanted * _cell(self.chain, zoom - 1):
            zoom -= 1
        return zoom

    def _young(self) -> int:
        """How many columns there are from where the oldest young branch left to the newest height."""
        high = max(block.height for block in self.chain.blocks)
        status = {block.id: block.status for block in self.chain.blocks}
        end_of: dict[str, int] = {}  # first block of a branch → the height of its last
        first_of: dict[str, Block] = {}
        for block in self.chain.blocks:
            if block.status in ("canonical", "orphan"):
                continue
            first = block if status.get(block.parent, "canonical") == "canonical" else first_of.get(block.parent, block)
            first_of[block.id] = first
            end_of[first.id] = max(block.height, end_of.get(first.id, 0))
        just_left = {one.left for one in self.chain.reorganisations[-1:]}
        young = [
            first.height
            for block, first in first_of.items()
            if end_of[first.id] > high - (2 * YOUNG if block in just_left else YOUNG)
        ]
        return high - min(young) + 2 if young else 0

    def _window(self, room: int) -> tuple[int, dict[int, int]]:
        """The first column that is shown, and where each of those shown begins. What is selected is in sight."""
        columns = self.tree.columns
        selected = self.tree.blocks.get(self.lens.selected)
        end = max(1, len(columns) - max(0, self.lens.back))
        if selected is not None:
            at = self.tree.place[selected.height]
            end = max(end, at + 1)
        low = self._first(end, room)
        if selected is not None and at < low:
            low = max(0, at - AROUND)
        x: dict[int, int] = {}
        left = self.gutter
        for column in range(low, len(columns)):
            size = self._size(column)
            if left + size > self.gutter + room and x:
                break
            x[column] = left
            left += size
        return low, x

    def _first(self, end: int, room: int) -> int:
        used, low = 0, end
        while low > 0 and used + self._size(low - 1) <= room:
            low -= 1
            used += self._size(low)
        return min(low, end - 1)

    def _size(self, column: int) -> int:
        return max(self.cell, FOLDED) if self.tree.columns[column].folded else self.cell

    # The whole

    def paint(self) -> Picture:
        """All lines."""
        legend, heights, foot = self.height >= 5, self.height >= 3, self.height >= 7
        top = int(legend) + int(heights)
        rows = self._rows(top, self.height - int(foot))
        if heights:
            self._heights(top - 1)
        if self.low > 0:
            self._put(self.gutter - 1, rows[0], FOLD, "dim")
        for branch in self.tree.branches:
            if branch.lane in rows:
                self._branch(branch, rows)
        self._join()
        self._ends(rows)
        self._marks(rows)
        for lane, y in rows.items():
            self._name(lane, y)
        lines = [_runs(characters, inks) for characters, inks in zip(self.grid, self.inks, strict=True)]
        if legend:
            lines[0] = fit_line(self._legend(len(set(self._lanes()) - set(rows))), self.width)
        if foot:
            lines[-1] = fit_line(self._news(), self.width)
        return Picture(lines, self.items)

    def _lanes(self) -> list[int]:
        """The lanes of which something is in sight, lane 0 first."""
        seen = {0}
        for branch in self.tree.branches[1:]:
            if any(self._column(block) in self.x for block in branch.blocks):
                seen.add(branch.lane)
        return sorted(seen)

    def _rows(self, top: int, bottom: int) -> dict[int, int]:
        """The line of each lane that has room: the canonical chain, hidden branches, then those that live longest. A
        line below the canonical chain is kept for those who stand on a block of it."""
        lanes = self._lanes()
        room = bottom - top
        below = 1 if room >= 3 else 0
        if len(lanes) + below > room:
            wanted = sorted(lanes[1:], key=self._weight, reverse=True)[: max(0, room - 1 - below)]
            lanes = [0, *sorted(wanted)]
        return {lane: top if lane == 0 else top + below + at for at, lane in enumerate(lanes)}

    def _weight(self, lane: int) -> tuple[bool, bool, int]:
        blocks = [block for branch in self.tree.branches if branch.lane == lane for block in branch.blocks]
        blocks = [block for block in blocks if self._column(block) in self.x]
        hidden = any(block.status == "hidden" for block in blocks)
        return hidden, any(block.id in self.tips for block in blocks), max(block.height for block in blocks)

    # Branches

    def _branch(self, branch: Branch, rows: dict[int, int]) -> None:
        y = rows[branch.lane]
        begun = False
        for block in branch.blocks:
            x = self.x.get(self._column(block))
            if x is None:
                continue
            if not begun:
                self._leave(block, branch.lane, x, y, rows)
            begun = True
            self._block(block, x, y)
        if branch.lane == 0:
            self._main_line(y)

    def _leave(self, first: Block, lane: int, x: int, y: int, rows: dict[int, int]) -> None:
        """The line from the parent to the first block of a branch that is in sight."""
        if lane == 0:
            return
        parent = self.tree.blocks.get(first.parent)
        turn = x - 2 if self.zoom else x - 1
        if parent is None:
            return
        home = next(b.lane for b in self.tree.branches if parent in b.blocks) if parent.status != "canonical" else 0
        if home == lane or self._column(parent) not in self.x or home not in rows:
            self._put(x - 1, y, FOLD, "dim")
            return
        begin = rows[home]
        ink = "dim" if first.status != "hidden" else "warn"
        low, high = sorted((begin, y))
        for at in range(low, high + 1):
            ways = (_NORTH if at > low else 0) | (_SOUTH if at < high else 0)
            self._way(turn, at, ways, ink)
        self._way(turn, y, _EAST, ink)
        for at in range(turn + 1, x):
            self._way(at, y, _EAST | _WEST, ink)
        if home:  # from the parent's end to where the branch turns off
            start = self.x[self.tree.place[parent.height]] + cells(self._words(parent))
            for at in range(start, turn):
                self._way(at, begin, _EAST | _WEST, "dim")
            self._way(turn, begin, _WEST, "dim")

    def _block(self, block: Block, x: int, y: int) -> None:
        text = self._words(block)
        ink = f"@{block.maker}!" if block.status == "canonical" and block.maker >= 0 else INK[block.status]
        if block.status == "canonical" and block.maker < 0:
            ink = "title!"
        if block.id in self.lens.fresh:
            ink = "accent!"
        self._put(x, y, text, ink)
        if x < self.width:
            self.items.append(Item(y, x, cells(text), block.id))
        following = self._following(block)
        if following is not None:
            ink = "warn" if block.status == "hidden" else "dim"
            for at in range(x + cells(text), following):
                self._way(at, y, _EAST | _WEST, ink)

    def _following(self, block: Block) -> int | None:
        """Where the next block of the same branch stands, if it stands in the next column."""
        if block.status == "canonical":
            return None
        column = self.tree.place[block.height] + 1
        branch = next((b for b in self.tree.branches[1:] if block in b.blocks), None)
        if branch is None or branch.blocks[-1] is block or column not in self.x:
            return None
        return self.x[column]

    def _main_line(self, y: int) -> None:
        """The canonical chain is drawn strongly from its first block in sight to its last; doubly as far as it is
        final; and folded where nothing happened."""
        shown = [column for column in self.x if self._has_main(column)]
        for column, following in pairwise(shown):
            x = self.x[column]
            folded = self.tree.columns[column].folded
            line = "═" if self.tree.columns[following].last <= self.chain.final else "━"
            start = x
            if not folded:
                block = self._main_at(column)
                start = x + (cells(self._words(block)) if block else 1)
            for at in range(start, min(self.x[following], self.width)):
                if self.grid[y][at] == " ":
                    self._put(at, y, line, "plain")
            if folded:
                text = f"{FOLD}{folded}{FOLD}" if cells(str(folded)) + 4 <= self._size(column) else FOLD
                self._put(x + (self._size(column) - cells(text)) // 2, y, text, "dim")
        first = shown[0] if shown else None
        if first is not None and self.tree.columns[first].folded and len(shown) == 1:
            self._put(self.x[first], y, FOLD, "dim")

    def _has_main(self, column: int) -> bool:
        return bool(self.tree.columns[column].folded) or self._main_at(column) is not None

    def _main_at(self, column: int) -> Block | None:
        main = self.tree.branches[0].blocks
        if not main:
            return None
        at = self.tree.columns[column].first - main[0].height
        return main[at] if 0 <= at < len(main) else None

    def _join(self) -> None:
        """Turn the ways through each cell into a line, with what is there already."""
        for y, row in enumerate(self.ways):
            for x, ways in enumerate(row):
                if not ways:
                    continue
                there = self.grid[y][x]
                if there in _CROSSED:
                    joined = _CROSSED[there] if ways & _NORTH and ways & _SOUTH else _FORKED[there]
                    self.grid[y][x] = joined if ways & (_NORTH | _SOUTH) else there
                elif there == " ":
                    line = _LIGHT[ways]
                    self.grid[y][x] = "┈" if line == "─" and self.inks[y][x] == "warn" else line

    # Words

    def _words(self, block: Block) -> str:
        glyph = BLOCK[block.status]
        if not self.zoom:
            return glyph
        mark = clean(block.mark)
        if self.zoom == 1:
            return glyph + mark
        return f"{glyph}{mark} {clean(block.label)}" if block.label else glyph + mark

    def _ends(self, rows: dict[int, int]) -> None:
        """What stands behind the last block of each branch."""
        for branch in self.tree.branches:
            if branch.lane in rows and branch.blocks and self._column(branch.blocks[-1]) in self.x:
                fits = self._end(branch.blocks[-1], rows[branch.lane])
                self.crowded = self.crowded or (branch.lane == 0 and not fits)

    def _column(self, block: Block) -> int:
        return self.tree.place.get(block.height, -1)

    def _end(self, block: Block, y: int) -> bool:
        """Who stands at the end of a branch, and what there is to say of it, while there is room; whether there was."""
        tip = self.tips.get(block.id)
        x = self.x[self.tree.place[block.height]] + cells(self._words(block)) + 1
        pieces = []
        if tip is not None:
            pieces.append((f"{TIP} {marks_text(tip.marks)}", "plain"))
            if tip.note:
                pieces.append((clean(tip.note), "dim"))
        if block.status == "hidden" and self.chain.hidden_note:
            pieces.append((clean(self.chain.hidden_note), "warn"))
        if block.note:
            pieces.append((clean(block.note), "dim"))
        for text, ink in pieces:
            room = self._room(x, y)
            if room < min(4, cells(text)):
                return False
            self._put(x, y, clip(text, room), ink)
            x += cells(text) + 2
        return True

    def _room(self, x: int, y: int) -> int:
        """How many cells are free from here to the next thing on the line."""
        end = x
        while end < self.width and self.grid[y][end] == " " and not self.ways[y][end]:
            end += 1
        return end - x - (end < self.width)

    def _marks(self, rows: dict[int, int]) -> None:
        """Who stands on the canonical chain, but not at its end: below the block."""
        y = rows[0]
        main = self.tree.branches[0].blocks
        if len(rows) > 1 and rows[min(lane for lane in rows if lane)] == y + 1:
            return
        if y + 1 >= self.height:
            return
        for block in main if self.crowded else main[:-1]:
            tip = self.tips.get(block.id)
            if tip is not None and self._column(block) in self.x:
                x = self.x[self._column(block)]
                text = f"{BELOW} {marks_text(tip.marks, self.cell)}" if self.zoom else BELOW
                self._put(x, y + 1, clip(text, max(1, self._room(x, y + 1))), "plain")

    def _heights(self, y: int) -> None:
        gutter = "height" if self.gutter > 6 else ""
        self._put(1, y, gutter, "faint")
        end = self.gutter
        for column, x in self.x.items():
            one = self.tree.columns[column]
            text = str(one.first)
            if not one.folded and x >= end and x + len(text) <= self.width:
                self._put(x, y, text, "dim")
                end = x + len(text) + 1

    def _name(self, lane: int, y: int) -> None:
        if self.gutter < GUTTER:
            return
        statuses = {
            block.status
            for branch in self.tree.branches
            if branch.lane == lane
            for block in branch.blocks
            if self._column(block) in self.x
        }
        order: tuple[BlockStatus, ...] = ("hidden", "stale", "invalid", "orphan")
        name = "canonical" if lane == 0 else next((MEANING[one] for one in order if one in statuses), "")
        self._put(0, y, clip(name, GUTTER - 1), "plain" if lane == 0 else "dim")

    def _legend(self, left_out: int) -> Line:
        line: Line = []
        present = {block.status for block in self.chain.blocks}
        for status, glyph in BLOCK.items():
            if status in present:
                line += [
                    (f"{glyph} ", "plain" if status == "canonical" else INK[status]),
                    (f"{MEANING[status]}  ", "dim"),
                ]
        if self.chain.final >= 0:
            line += [("═ ", "plain"), (f"final, up to {self.chain.final}  ", "dim")]
        top = max(block.height for block in self.chain.blocks)
        forks = self.tree.forks
        words = f"height {top}, {forks} branch{'' if forks == 1 else 'es'}" if forks else f"height {top}, no fork"
        line.append((words, "dim"))
        if left_out:
            line.append((f"  {FOLD} {left_out} more lane{'s' if left_out > 1 else ''} than fit here", "warn"))
        if self.lens.back:
            line.append((f"  {self.lens.back} columns back", "accent"))
        return line

    def _news(self) -> Line:
        """The last line: the latest reorganisation."""
        if not self.chain.reorganisations:
            return []
        last = self.chain.reorganisations[-1]
        mark_of = {agent: mark for tip in self.chain.tips for agent, mark in zip(tip.agents, tip.marks, strict=False)}
        who = marks_text(tuple([mark_of.get(agent, "?") for agent in last.agents]))
        blocks = "1 block" if last.depth == 1 else f"{last.depth} blocks"
        return [
            (f"{BACK} ", "accent"),
            (f"{seconds(last.time, 1)}s  ", "dim"),
            (f"{who} went over from {self._short(last.left)} to {self._short(last.joined)}: ", "plain"),
            (f"{blocks} undone", "warn"),
        ]

    def _short(self, block: str) -> str:
        found = self.tree.blocks.get(block)
        return clean(block[:4]) if found is None else f"{clean(found.label)} ({found.height})"

    # The grid

    def _put(self, x: int, y: int, text: str, ink: str) -> None:
        for at, character in enumerate(text, x):
            if 0 <= at < self.width and 0 <= y < self.height:
                self.grid[y][at] = character
                self.inks[y][at] = ink

    def _way(self, x: int, y: int, ways: int, ink: str) -> None:
        if 0 <= x < self.width and 0 <= y < self.height:
            self.ways[y][x] |= ways
            if self.grid[y][x] == " ":
                self.inks[y][x] = ink


def marks_text(marks: tuple[str, ...], most: int = MOST_MARKS) -> str:
    """Agents in few words: `1 2 5–8`, or how many they are."""
    words: list[str] = []
    numbers = sorted(int(mark) for mark in marks if mark.isdecimal())
    start = 0
    for at, number in enumerate(numbers):
        if at + 1 < len(numbers) and numbers[at + 1] == number + 1:
            continue
        first = numbers[start]
        words.append(
            str(number) if first == number else f"{first} {number}" if number == first + 1 else f"{first}–{number}"
        )
        start = at + 1
    words += [clean(mark) for mark in marks if not mark.isdecimal()]
    text = " ".join(words)
    return text if cells(text) <= most else f"×{len(marks)}"


def _runs(characters: list[str], inks: list[str]) -> Line:
    """A line of the grid, neighbours in the same ink together."""
    line: Line = []
    start = 0
    for at in range(1, len(characters) + 1):
        if at == len(characters) or inks[at] != inks[start]:
            line.append(("".join(characters[start:at]), inks[start]))
            start = at
    return line
