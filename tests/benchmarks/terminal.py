"""A program in a pseudo-terminal, read as raw bytes with the time at which they came."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import gettempdir
from types import TracebackType

ROOT = Path(__file__).parents[2]
SIZE = (120, 40)
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[PX^_\]].*?(?:\x1b\\|\x07)|[ -/]*[0-~])", re.DOTALL)


def usual_environment() -> dict[str, str]:
    """What a program finds that runs for the second time and has no settings: compiled modules are kept."""
    nowhere = str(Path(gettempdir()) / "swarmscope-benchmarks-without-settings")
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"), nowhere)
    return {**own, **homes, "PYTHONPATH": str(ROOT)}


class NothingCameError(Exception):
    """What was waited for did not come in time."""


class Terminal:
    """`python ARGV…` with a terminal of its own; leave the `with` block to end it."""

    def __init__(
        self, argv: Sequence[str], size: tuple[int, int] = SIZE, environment: Mapping[str, str] | None = None
    ) -> None:
        self._master, slave = pty.openpty()
        width, height = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        env = {**usual_environment(), "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})}
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, *argv], stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True
        )
        os.close(slave)
        self._raw = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGTERM)
        end = time.perf_counter() + 5
        while self.process.poll() is None and time.perf_counter() < end:
            self._take(0.05)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    @property
    def text(self) -> str:
        """What came since `press` or `forget`, without escape sequences."""
        return ESCAPES.sub("", self._raw.decode("utf-8", "replace"))

    @property
    def received(self) -> int:
        """How many bytes came since `press` or `forget`."""
        return len(self._raw)

    def forget(self) -> None:
        """Begin to gather anew."""
        self._raw = b""

    def press(self, keys: str) -> float:
        """Send keys, and gather what comes from now on; returns when."""
        self.rest(0)
        self.forget()
        now = time.perf_counter()
        os.write(self._master, keys.encode())
        return now

    def rest(self, seconds: float) -> None:
        """Read on for so long."""
        end = time.perf_counter() + seconds
        while self._take(max(0.0, end - time.perf_counter())) or time.perf_counter() < end:
            pass

    def wait_for(self, pattern: str, timeout: float = 20.0) -> float:
        """When text that matches `pattern` had come. Raises NothingCameError."""
        compiled = re.compile(pattern)
        end = time.perf_counter() + timeout
        while not compiled.search(self.text):
            left = end - time.perf_counter()
            if left <= 0 or (not self._take(left) and self.process.poll() is not None):
                raise NothingCameError(f"nothing like {pattern!r} came; this did: {self.text[-300:]!r}")
        return time.perf_counter()

    def _take(self, timeout: float) -> bool:
        """Read what there is, or wait for something; whether anything came."""
        if not select.select([self._master], [], [], timeout)[0]:
            return False
        try:
            came = os.read(self._master, 1 << 16)
        except OSError:  # the other side is closed
            return False
        self._raw += came
        return bool(came)
