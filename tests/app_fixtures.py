"""The application under test: a clock that stands still unless told otherwise, and what the screen shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.app import App
from textual.events import Key
from textual.keys import _character_to_key, key_to_character
from textual.pilot import Pilot

from app.application import SwarmscopeApp
from app.screens.live import LiveScreen
from app.screens.menu import MenuScreen
from app.settings import Settings
from engine.simulation import NEVER, Simulation

WIDE, NARROW = (120, 40), (80, 24)
SMALL = {"agents": 6, "topology": "ring"}


class Clock:
    """Real time, which passes only when somebody says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@asynccontextmanager
async def opened(app: SwarmscopeApp, size: tuple[int, int] = WIDE) -> AsyncIterator[Pilot[Any]]:
    """The application in a terminal of this size."""
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield pilot


@asynccontextmanager
async def playing(
    params: dict[str, Any] | None = None,
    *,
    scenario: str = "gossip",
    size: tuple[int, int] = WIDE,
    settings: Settings | None = None,
    **options: Any,
) -> AsyncIterator[tuple[LiveScreen, Pilot[Any]]]:
    """The live screen of a run that is paused at its start."""
    given = {"seed": 7, "paused": True, "clock": Clock(), "settings": settings or Settings(), **options}
    chosen = SMALL if params is None and scenario == "gossip" else params or {}
    app = SwarmscopeApp(scenario, chosen, **given)
    async with opened(app, size) as pilot:
        yield live(app), pilot


@asynccontextmanager
async def choosing(
    *, size: tuple[int, int] = WIDE, settings: Settings | None = None
) -> AsyncIterator[tuple[MenuScreen, Pilot[Any]]]:
    """The menu."""
    app = SwarmscopeApp(clock=Clock(), settings=settings or Settings())
    async with opened(app, size) as pilot:
        assert isinstance(app.screen, MenuScreen)
        yield app.screen, pilot


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, by name or character, one after the other."""
    for key in keys:
        send(pilot, key)
        await settle(pilot)


async def write(pilot: Pilot[Any], text: str) -> None:
    """Type a text, faster than anybody could."""
    for character in text:
        send(pilot, character)
    await settle(pilot)


def send(pilot: Pilot[Any], key: str) -> None:
    """Press a key, without waiting for what it does."""
    name = _character_to_key(key) if len(key) == 1 else key
    pilot.app.post_message(Key(name, key if len(key) == 1 else key_to_character(key)))


async def settle(pilot: Pilot[Any], rounds: int = 4) -> None:
    """Wait until all that is under way is done and drawn. The pilot's own `pause` sleeps; this does not, but for the
    rest of a menu, which comes by a timer."""
    while isinstance(pilot.app.screen, MenuScreen) and not pilot.app.screen.complete:
        await asyncio.sleep(0.005)
    for _ in range(rounds):
        await pilot._wait_for_screen()
        await asyncio.sleep(0)
        pilot.app.screen._on_timer_update()


def live(app: App[Any]) -> LiveScreen:
    """The live screen, which stands uppermost."""
    assert isinstance(app.screen, LiveScreen)
    return app.screen


def forward(screen: LiveScreen, events: int) -> Simulation:
    """Let so many events happen, and draw."""
    screen.driver.history.go_on(NEVER, events)
    screen.draw(everything=True)
    return screen.sim


def shown(app: App[Any]) -> str:
    """What stands on the screen."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


def toasts(app: App[Any]) -> list[str]:
    """What the notifications say."""
    return [notification.message for notification in app._notifications]
