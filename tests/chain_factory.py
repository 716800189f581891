"""Chains for tests of the fork view, written down as a person would: `a-b-c c'-d'`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.views import Block, BlockStatus, Chain, Reorganisation, Tip


def line(parent: str, height: int, ids: str, status: BlockStatus = "canonical", maker: int = 0) -> list[Block]:
    """Blocks one above another, from `height` on; `ids` separated by blanks."""
    blocks = []
    for at, name in enumerate(ids.split()):
        blocks.append(Block(name, parent, height + at, name, status, maker, str(maker + 1)))
        parent = name
    return blocks


def chain(*lines: list[Block], tips: Mapping[str, tuple[int, ...]] | None = None, **more: Any) -> Chain:
    """A chain of these lines; `tips` says which agents stand where."""
    blocks = sorted((block for one in lines for block in one), key=lambda block: block.height)
    stands = tuple(
        Tip(block, agents, tuple(str(agent + 1) for agent in agents)) for block, agents in (tips or {}).items()
    )
    return Chain("chain", tuple(blocks), stands, **more)


def main(length: int) -> list[Block]:
    """A canonical chain `m0` to `m(length − 1)`."""
    return line("", 0, " ".join(f"m{height}" for height in range(length)))


def reorganised(left: str, joined: str, depth: int, *agents: int) -> tuple[Reorganisation, ...]:
    """One reorganisation, at second 12."""
    return (Reorganisation(12_000_000, left, joined, depth, agents),)
