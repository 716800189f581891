"""The screen at one moment, as SVG."""

from __future__ import annotations

import re
from typing import TextIO

from app.export.screen import Shown, show
from app.export.stretch import Progress, Stretch
from app.export.wish import Wish
from engine.duration import seconds

FONTS = "DejaVu Sans Mono, Menlo, Consolas, monospace"


def write_picture(file: TextIO, stretch: Stretch, wish: Wish, progress: Progress) -> str:
    """Go to the moment, and take the picture."""
    moment = stretch.end.now if wish.at is None else wish.at
    title = f"Swarmscope: {stretch.sim.scenario.name}, {seconds(moment):,g} s"

    async def act(shown: Shown) -> None:
        await shown.go_to(moment)
        file.write(without_addresses(shown.app.export_screenshot(title=title)))

    show(stretch, wish, None, act)
    progress(1.0, "")
    return f"the screen at {seconds(moment):,g} s"


def without_addresses(picture: str) -> str:
    """The picture with whatever fixed-width font the reader has: none is fetched from anywhere."""
    picture = re.sub(r"<!--.*?-->", "", picture, flags=re.DOTALL)
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    return re.sub(r"Fira Code(, monospace)?", FONTS, picture)
