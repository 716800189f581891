"""Make the pictures of the README from the real screen: `make pictures`."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from app.application import SwarmscopeApp
from app.screens.live import LiveScreen
from app.screens.menu import MenuScreen
from app.settings import Settings
from app.twin import TwinDriver
from engine.duration import SECOND
from engine.simulation import NEVER
from scenarios.launch import read_script
from scenarios.registry import find

HERE = Path(__file__).parent / "pictures"
SIZE = (120, 40)
BRANCH = (*"g250s", "enter", *"n", "enter", *"g320s", "enter", *"d3")
"""Back to before the heal, on without it, and both futures side by side."""


class Picture(NamedTuple):
    """A scenario, one of its experiments, a moment in it (seconds of virtual time), and keys to press then."""

    scenario: str
    experiment: str
    moment: float
    keys: tuple[str, ...] = ("3",)
    name: str = ""


PICTURES = (
    Picture("gossip", "partition", 6.9),
    Picture("auction", "winners-crash", 9.0),
    Picture("pow", "partition", 263.0),
    Picture("pbft", "crash", 5.07),
    Picture("scaling", "startup", 38.0),
    Picture("finality", "cut", 158.0),
    Picture("pow", "partition", 320.0, BRANCH, "branches"),
)
SEED = 7


def save(app: SwarmscopeApp, name: str) -> None:
    """The screen as it is now, with whatever fixed-width font the reader has: no font is fetched from anywhere."""
    picture = re.sub(r"@font-face \{.*?\}", "", app.export_screenshot(), flags=re.DOTALL)
    picture = re.sub(r"Fira Code(, monospace)?", "DejaVu Sans Mono, Menlo, Consolas, monospace", picture)
    (HERE / f"{name}.svg").write_text(picture, encoding="utf-8")


async def live(picture: Picture) -> None:
    """The live screen at the picture's moment."""
    kind = find(picture.scenario)
    experiment = next(one for one in kind.experiments if one.name == picture.experiment)
    app = SwarmscopeApp(
        picture.scenario,
        experiment.params,
        seed=SEED,
        script=read_script(experiment.script, kind),
        paused=True,
        settings=Settings(),
        clock=lambda: 0.0,
    )
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, LiveScreen)
        driver = screen.driver
        both = isinstance(driver, TwinDriver)
        for history in (driver.history, driver.right_history) if both else (driver.history,):
            history.go_on(round(picture.moment * SECOND), NEVER)
        screen.draw(everything=True)
        await pilot.press(*picture.keys)
        await pilot.pause()
        save(app, picture.name or picture.scenario)


async def menu() -> None:
    """The menu."""
    app = SwarmscopeApp(settings=Settings())
    async with app.run_test(size=SIZE) as pilot:
        while not (isinstance(app.screen, MenuScreen) and app.screen.complete):
            await pilot.pause(0.01)
        await pilot.pause()
        save(app, "menu")


def main(names: Sequence[str]) -> None:
    """Make those of these scenarios, or of the `menu`; without names, all."""
    HERE.mkdir(exist_ok=True)
    for picture in PICTURES:
        if not names or picture.scenario in names:
            asyncio.run(live(picture))
    if not names or "menu" in names:
        asyncio.run(menu())


if __name__ == "__main__":
    main(sys.argv[1:])
