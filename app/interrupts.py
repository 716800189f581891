"""Signals that end the program, at moments that do no harm."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

INTERRUPT = (signal.SIGINT,)
ENDINGS = tuple(one for one in map(signal.Signals.__members__.get, ("SIGINT", "SIGTERM", "SIGHUP")) if one is not None)
"""Ctrl+C, being ended, and being left alone by the terminal, as far as this system has them."""


class EndedError(Exception):
    """A signal came meanwhile, and this is a moment at which it does no harm."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by signal {number}")
        self.number = number


@contextmanager
def put_off(signals: Sequence[signal.Signals] = INTERRUPT) -> Iterator[Callable[[], int]]:
    """The first signal is only remembered, for whoever asks for its number (0 while none has come); a second one ends
    the program as ever. Where this is not the main thread, signals are none of our business."""
    came = 0
    before: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None] = {}

    def give_back() -> None:
        for one, old in before.items():
            signal.signal(one, old)
        before.clear()

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = number
        give_back()

    if threading.current_thread() is threading.main_thread():
        before.update({one: signal.signal(one, remember) for one in signals})
    try:
        yield lambda: came
    finally:
        give_back()
