"""Make the pictures of the README from the real screen: `make pictures`."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from app.application import SwarmscopeApp
from app.screens.live import LiveScreen
from app.settings import Settings
from scenarios.launch import read_script
from scenarios.registry import find

HERE = Path(__file__).parent / "pictures"
SCRIPT = """
at 2600ms rumour a-17 the bridge is closed
at 2700ms crash a-09,a-30
at 3100ms partition a-0*,a-1*,a-20 | a-2[1-9],a-3*,a-40
"""
UNTIL = 5_600_000  # µs of virtual time


def save(app: SwarmscopeApp, name: str) -> None:
    """The screen as it is now, with whatever fixed-width font the reader has: no font is fetched from anywhere."""
    picture = re.sub(r"@font-face \{.*?\}", "", app.export_screenshot(), flags=re.DOTALL)
    picture = re.sub(r"Fira Code(, monospace)?", "DejaVu Sans Mono, Menlo, Consolas, monospace", picture)
    (HERE / f"{name}.svg").write_text(picture, encoding="utf-8")


async def live(name: str, size: tuple[int, int]) -> None:
    """The live screen in the middle of a split network."""
    script = read_script(SCRIPT, find("gossip"))
    app = SwarmscopeApp(
        "gossip",
        {"topology": "small-world"},
        seed=7,
        script=script,
        paused=True,
        settings=Settings(),
        clock=lambda: 0.0,
    )
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, LiveScreen)
        screen.sim.run_to(UNTIL)
        screen.draw(everything=True)
        await pilot.pause()
        save(app, name)


async def menu(name: str, size: tuple[int, int]) -> None:
    """The menu."""
    app = SwarmscopeApp(settings=Settings())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        save(app, name)


def main() -> None:
    """Make them all."""
    HERE.mkdir(exist_ok=True)
    asyncio.run(live("live", (120, 40)))
    asyncio.run(menu("menu", (120, 40)))


if __name__ == "__main__":
    main()
