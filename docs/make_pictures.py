"""Make the pictures of the README from the real screen: `make pictures`."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from app.application import SwarmscopeApp
from app.screens.live import LiveScreen
from app.settings import Settings
from app.twin import TwinDriver
from scenarios.launch import read_script
from scenarios.registry import find

HERE = Path(__file__).parent / "pictures"
SIZE = (120, 40)


class Picture(NamedTuple):
    """A run at one moment: what to do until then, and what to press."""

    name: str
    scenario: str
    until: float  # seconds of virtual time
    params: dict[str, Any]
    script: str = ""
    keys: tuple[str, ...] = ()
    seed: int = 7


PICTURES = (
    Picture(
        "gossip",
        "gossip",
        5.6,
        {"topology": "small-world"},
        """
        at 2600ms rumour a-17 the bridge is closed
        at 2700ms crash a-09,a-30
        at 3100ms partition a-0*,a-1*,a-20 | a-2[1-9],a-3*,a-40
        """,
    ),
    Picture(
        "auction",
        "auction",
        9.5,
        {},
        """
        at 6s crash c-03
        at 7s byzantine c-05 silent
        """,
        ("3",),
    ),
    Picture(
        "pow",
        "pow",
        260.0,
        {"topology": "small-world"},
        """
        at 90s partition miner-[1-5] | miner-[6-8]
        at 190s heal
        at 200s byzantine miner-3 selfish
        """,
        ("3",),
    ),
    Picture("pbft", "pbft", 6.35, {}, "at 5s crash r0", ("3",)),
    Picture("scaling", "scaling", 60.0, {}, "at 30s kill 1", ("3",)),
    Picture(
        "finality",
        "finality",
        170.0,
        {},
        """
        at 60s partition node-[1-4] | node-[5-7]
        at 150s heal
        """,
    ),
)


def save(app: SwarmscopeApp, name: str) -> None:
    """The screen as it is now, with whatever fixed-width font the reader has: no font is fetched from anywhere."""
    picture = re.sub(r"@font-face \{.*?\}", "", app.export_screenshot(), flags=re.DOTALL)
    picture = re.sub(r"Fira Code(, monospace)?", "DejaVu Sans Mono, Menlo, Consolas, monospace", picture)
    (HERE / f"{name}.svg").write_text(picture, encoding="utf-8")


async def live(picture: Picture) -> None:
    """The live screen at the picture's moment."""
    app = SwarmscopeApp(
        picture.scenario,
        picture.params,
        seed=picture.seed,
        script=read_script(picture.script, find(picture.scenario)),
        paused=True,
        settings=Settings(),
        clock=lambda: 0.0,
    )
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, LiveScreen)
        driver = screen.driver
        for sim in (driver.sim, driver.right) if isinstance(driver, TwinDriver) else (driver.sim,):
            sim.run(until=picture.until)
        screen.draw(everything=True)
        await pilot.press(*picture.keys)
        await pilot.pause()
        save(app, picture.name)


async def menu() -> None:
    """The menu."""
    app = SwarmscopeApp(settings=Settings())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        save(app, "menu")


def main(names: Sequence[str]) -> None:
    """Make those with these names; without names, all."""
    HERE.mkdir(exist_ok=True)
    for picture in PICTURES:
        if not names or picture.name in names:
            asyncio.run(live(picture))
    if not names or "menu" in names:
        asyncio.run(menu())


if __name__ == "__main__":
    main(sys.argv[1:])
