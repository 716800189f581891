"""The program in a real pseudo-terminal: what a person sees, and what is left of the terminal afterwards."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyte
import pytest

pytestmark = pytest.mark.terminal

ROOT = Path(__file__).parents[1]
PATIENCE = 40.0  # seconds; generous, because nothing here is about speed


class Terminal:
    """A program with a terminal of its own, and what stands on its screen."""

    def __init__(self, argv: list[str], size: tuple[int, int], home: Path) -> None:
        self._master, self._slave = pty.openpty()
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._set_size(size)
        self.modes_before = termios.tcgetattr(self._slave)[:4]
        env = {
            **os.environ,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "PYTHONPATH": str(ROOT),
            "LC_ALL": "C.UTF-8",
        }
        env.update(HOME=str(home), XDG_CONFIG_HOME=str(home))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", *argv], stdin=self._slave, stdout=self._slave, stderr=self._slave, env=env,
            cwd=home, start_new_session=True,
        )  # fmt: skip

    def _set_size(self, size: tuple[int, int]) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def resize(self, *size: int) -> None:
        width, height = size
        self.screen.resize(height, width)
        self._set_size((width, height))
        self.process.send_signal(signal.SIGWINCH)

    def wait(self, until: Callable[[], bool], what: str) -> None:
        """Read on until something is so; fail with the screen otherwise."""
        end = time.monotonic() + PATIENCE
        while not until():
            assert time.monotonic() < end, f"{what} did not come; the screen:\n{self.text}"
            self._take(0.1)

    def wait_for(self, text: str) -> None:
        self.wait(lambda: text in self.text, repr(text))

    def wait_for_end(self) -> int:
        self.wait(lambda: self.process.poll() is not None, "the end of the program")
        while self._take(0.1):
            pass
        return self.process.returncode

    def is_restored(self) -> bool:
        """Alternate screen left, cursor shown, mouse and bracketed paste off, line discipline as it was."""
        pairs = ((b"?1049h", b"?1049l"), (b"?25l", b"?25h"), (b"?1000h", b"?1000l"), (b"?2004h", b"?2004l"))
        undone = all(self.raw.rfind(b"\x1b[" + on) <= self.raw.rfind(b"\x1b[" + off) for on, off in pairs)
        return undone and termios.tcgetattr(self._slave)[:4] == self.modes_before

    def _take(self, timeout: float) -> bool:
        if not select.select([self._master], [], [], timeout)[0]:
            return False
        came = os.read(self._master, 1 << 16)
        self.raw += came
        self._stream.feed(came)
        return bool(came)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)
        os.close(self._slave)


@contextmanager
def program(home: Path, *argv: str, size: tuple[int, int] = (120, 40)) -> Iterator[Terminal]:
    terminal = Terminal(list(argv), size, home)
    try:
        yield terminal
    finally:
        terminal.close()


def test_menu_play_pause_crash_heal_quit(tmp_path: Path) -> None:
    with program(tmp_path) as it:
        it.wait_for("Experiments")
        it.press("\r")
        it.wait_for("What just happened")
        it.wait_for("has news, f1")
        it.press(" ")
        it.wait_for("paused")
        it.press("1")
        it.press("c")
        it.wait_for("a-01 crashes")
        it.press("p")
        it.wait_for("Partition the network")
        it.press("\r")
        it.wait_for("The network splits")
        it.press("h")
        it.wait_for("The network is whole again")
        it.press("r")
        it.wait_for("a-01 is up again")
        it.press("q")
        assert it.wait_for_end() == 0
        assert it.is_restored()


def test_a_run_goes_on_and_can_be_stepped_and_taken_back(tmp_path: Path) -> None:
    with program(tmp_path, "play", "gossip", "-p", "agents=8", "--seed", "7", "--paused") as it:
        it.wait_for("paused")
        it.wait_for("0 events")
        it.press("...")
        it.wait_for("3 events")
        it.press(",")
        it.wait_for("2 events")
        it.press(" ")
        it.wait(lambda: "paused" not in it.text and "2 events" not in it.text, "a run that goes on")
        it.press("q")
        assert it.wait_for_end() == 0
        assert it.is_restored()


def test_sizes_large_small_and_too_small(tmp_path: Path) -> None:
    with program(tmp_path, "play", "gossip", "--seed", "7", size=(80, 24)) as it:
        it.wait_for("1 Agents    2 Messages    3 Stage")
        it.resize(20, 5)
        it.wait(lambda: "60×18" in it.text.replace("\n", ""), "the size that is needed")
        it.resize(120, 40)
        it.wait_for("What just happened")
        it.press("q")
        assert it.wait_for_end() == 0
        assert it.is_restored()


def test_a_terminal_of_20_by_5_gets_one_sentence(tmp_path: Path) -> None:
    with program(tmp_path, size=(20, 5)) as it:
        it.wait(lambda: "20×5" in it.text.replace("\n", ""), "its size")
        it.press("q")
        assert it.wait_for_end() == 0
        assert it.is_restored()


def test_a_wrong_parameter_is_said_before_the_screen_opens(tmp_path: Path) -> None:
    with program(tmp_path, "play", "gossip", "-p", "agents=1") as it:
        assert it.wait_for_end() == 2
        assert "agents is 2 to 10000" in it.text
        assert b"?1049h" not in it.raw


def test_a_scenario_whose_agent_raises_goes_on(tmp_path: Path) -> None:
    scenario = tmp_path / "mine.py"
    scenario.write_text(
        "from swarmscope import Agent, Scenario\n"
        "class Worker(Agent):\n"
        "    def on_start(self):\n"
        "        raise ValueError('out of luck')\n"
        "class Mine(Scenario):\n"
        "    name, title = 'mine', 'My own'\n"
        "    def population(self):\n"
        "        return [('w-1', 'worker'), ('w-2', 'worker')]\n"
        "    def create(self, name, role):\n"
        "        return Worker()\n"
    )
    with program(tmp_path, "play", "./mine.py") as it:
        it.wait_for("out of luck")
        it.press("q")
        assert it.wait_for_end() == 0
        assert it.is_restored()
