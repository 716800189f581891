"""Signals that end the program, at moments that do no harm."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = [one for one in map(signal.Signals.__members__.get, ("SIGTERM", "SIGHUP")) if one is not None]


@contextmanager
def put_off() -> Iterator[Callable[[], bool]]:
    """Ctrl+C is only remembered, for whoever asks whether it came; the second one raises KeyboardInterrupt as ever."""
    came = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            signal.default_int_handler(number, frame)
        came = True

    with _handled([signal.SIGINT], remember):
        yield lambda: came


@contextmanager
def cleaned_up() -> Iterator[None]:
    """Being ended, or left alone by the terminal, raises SystemExit with 128 and the signal's number as its status, so
    that what is half done can be removed."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    with _handled(ENDING, leave):
        yield


@contextmanager
def _handled(signals: list[signal.Signals], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Where this is not the main thread, signals are none of our business."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, handler) for one in signals}
    try:
        yield
    finally:
        for one, old in before.items():
            signal.signal(one, old)
