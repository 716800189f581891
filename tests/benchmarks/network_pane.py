"""What a frame of the network pane costs: CPU milliseconds and bytes, with 200 moving messages, in 120 by 40.

    python -m tests.benchmarks.network_pane [--json]

The frames go through Textual's compositor and its terminal encoding into a buffer; making the views is not counted.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

from rich.color import ColorSystem
from textual.app import App, ComposeResult
from textual.drivers.headless_driver import HeadlessDriver

from tests.view_factories import layout, network_view
from widgets.network import NetworkPane

AGENTS = (20, 60, 200, 1000)
MOVING = 200
SIZE = (120, 40)
FRAMES = 60
STYLES = Path(__file__).parents[2] / "styles" / "panes.tcss"


class BufferDriver(HeadlessDriver):
    """Takes what a terminal would get, and counts it. Not headless: headless apps skip the encoding."""

    written = 0

    @property
    def is_headless(self) -> bool:
        """No: what is drawn is encoded."""
        return False

    def write(self, data: str) -> None:
        """Count the bytes."""
        self.written += len(data.encode())


class PaneApp(App[None]):
    """Nothing but the pane."""

    CSS_PATH = STYLES
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__(driver_class=BufferDriver)
        self.console._color_system = ColorSystem.TRUECOLOR  # the dearest, whatever terminal this runs in
        self.drawn = asyncio.Event()

    def compose(self) -> ComposeResult:
        """The pane."""
        yield NetworkPane()

    def post_display_hook(self) -> None:
        """A frame has been written."""
        self.drawn.set()


async def _measure(agents: int, frames: int) -> dict[str, Any]:
    lay = layout(agents)
    views = [network_view(agents, MOVING, tick, lay=lay) for tick in range(frames + 10)]
    app = PaneApp()
    times: list[float] = []
    sizes: list[int] = []
    task = asyncio.create_task(app.run_async(size=SIZE, mouse=False))
    try:
        await asyncio.sleep(0.4)
        driver = app._driver
        assert isinstance(driver, BufferDriver)
        pane = app.query_one(NetworkPane)
        for number, view in enumerate(views):
            app.drawn.clear()
            bytes_before, before = driver.written, time.process_time()
            pane.show(view)
            await asyncio.wait_for(app.drawn.wait(), 5)
            if number >= 10:  # the first frames fill caches
                times.append(1000 * (time.process_time() - before))
                sizes.append(driver.written - bytes_before)
    finally:
        app.exit()
        await task
    return {
        "agents": agents,
        "moving": MOVING,
        "size": f"{SIZE[0]}x{SIZE[1]}",
        "frames": frames,
        "cpu_ms": round(statistics.median(times), 2),
        "cpu_ms_p95": round(sorted(times)[int(0.95 * len(times))], 2),
        "kilobytes": round(statistics.median(sizes) / 1000, 1),
    }


def measure(agents: tuple[int, ...] = AGENTS, frames: int = FRAMES) -> list[dict[str, Any]]:
    """For each number of agents: median and 95th percentile of CPU ms a frame, and median kB a frame."""
    return [asyncio.run(_measure(number, frames)) for number in agents]


def main() -> None:
    """Print the figures as a table, or as JSON."""
    results = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(results))
        return
    print(f"network pane, {MOVING} messages moving, {SIZE[0]}x{SIZE[1]}, medians of {FRAMES} frames")
    print(f"{'agents':>7} {'CPU ms':>8} {'p95':>8} {'kB':>8}")
    for row in results:
        print(f"{row['agents']:>7} {row['cpu_ms']:>8.2f} {row['cpu_ms_p95']:>8.2f} {row['kilobytes']:>8.1f}")


if __name__ == "__main__":
    main()
