"""A progress bar on standard error, for a run without a screen that takes long."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import Self

PATIENCE = 1.0  # seconds before a bar appears at all
INTERVAL = 0.1  # seconds between two drawings


class Progress:
    """Shows how far a run is, on a terminal only, and leaves nothing behind."""

    def __init__(self) -> None:
        self._due = time.monotonic() + PATIENCE if sys.stderr.isatty() else float("inf")
        self._drawn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.clear()

    def update(self, share: float, text: str) -> None:
        """Show `share` (0 to 1) of the run and what it is at, if it is time to."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + INTERVAL
        width = shutil.get_terminal_size().columns - 1
        done = round(30 * min(max(share, 0.0), 1.0))
        line = f"[{'#' * done}{'-' * (30 - done)}] {share:4.0%}  {text}"[:width]
        sys.stderr.write(f"\r{line:<{width}}")
        sys.stderr.flush()
        self._drawn = True

    def clear(self) -> None:
        """Take the bar away."""
        if self._drawn:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r{'':<{width}}\r")
            sys.stderr.flush()
            self._drawn = False
