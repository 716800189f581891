"""The program in a real pseudo-terminal: what is on its screen, how it ends, and that it leaves no traces."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
termios = pytest.importorskip("termios", reason="there are no pseudo-terminals here")
pyte = pytest.importorskip("pyte")

pytestmark = pytest.mark.terminal

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0  # seconds to wait for something on a machine that has much else to do
KEYS = {"enter": "\r", "escape": "\x1b", "space": " ", "tab": "\t", "down": "\x1b[B"}
MODES = {
    "alternate screen": (b"\x1b[?1049h", b"\x1b[?1049l"),
    "bracketed paste": (b"\x1b[?2004h", b"\x1b[?2004l"),
    "mouse": (b"\x1b[?1000h", b"\x1b[?1000l"),
    "mouse moves": (b"\x1b[?1003h", b"\x1b[?1003l"),
    "cursor hidden": (b"\x1b[?25l", b"\x1b[?25h"),
    "reports of focus": (b"\x1b[?1004h", b"\x1b[?1004l"),
}


class Terminal:
    """A pseudo-terminal with the program in it."""

    def __init__(self, *arguments: str, size: tuple[int, int] = (120, 40), **environment: str) -> None:
        self.screen = pyte.Screen(*size)
        self.written = b""
        self._stream = pyte.ByteStream(self.screen)
        self._master, self._slave = pty.openpty()
        self._set_size(*size)
        self.flags = termios.tcgetattr(self._slave)
        env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT), **environment}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=env,
            cwd=ROOT,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    # the screen

    @property
    def text(self) -> str:
        """What can be read on it now."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self, seconds: float = 0.05) -> None:
        """Take in what the program has written, waiting so long for it."""
        while select.select([self._master], [], [], seconds)[0]:
            try:
                data = os.read(self._master, 1 << 16)
            except OSError as problem:
                if problem.errno == errno.EIO:  # the other side is closed
                    return
                raise
            self.written += data
            self._stream.feed(data)
            seconds = 0.0

    def wait_for(self, *texts: str, gone: str = "") -> str:
        """Wait until all these texts stand on the screen, and `gone` does not."""
        return self.wait_until(
            lambda: all(text in self.text for text in texts) and not (gone and gone in self.text),
            f"{texts}{f', and not {gone!r}' if gone else ''}",
        )

    def wait_until(self, condition: Callable[[], bool], what: str) -> str:
        """Wait until a condition holds."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                pytest.fail(f"waited {PATIENCE:.0f} s for {what}; the screen shows\n{self.text}")
            self.read()
            if self.process.poll() is not None:
                self.read()
                if not condition():
                    pytest.fail(f"the program ended while waiting for {what}; the screen shows\n{self.text}")
        return self.text

    # what a person does

    def press(self, *keys: str) -> None:
        """Press keys, by name or character."""
        for key in keys:
            os.write(self._master, KEYS.get(key, key).encode())

    def click(self, text: str) -> None:
        """Click on a text that stands on the screen."""
        row = next(y for y, line in enumerate(self.screen.display) if text in line)
        column = self.screen.display[row].index(text)
        where = f"{column + 1};{row + 1}"
        os.write(self._master, f"\x1b[<0;{where}M\x1b[<0;{where}m".encode())

    def resize(self, width: int, height: int) -> None:
        """Make the window larger or smaller."""
        self.read(0.0)
        self.screen.resize(height, width)
        self._set_size(width, height)
        self.process.send_signal(signal.SIGWINCH)

    def _set_size(self, width: int, height: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    # the end

    def status(self) -> int:
        """Wait for the end; returns the exit status."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            if time.monotonic() > end:
                pytest.fail(f"the program does not end; the screen shows\n{self.text}")
            self.read()
        self.read()
        return self.process.returncode

    def modes(self) -> dict[str, bool]:
        """What is switched on."""
        return {name: self.written.rfind(on) > self.written.rfind(off) for name, (on, off) in MODES.items()}

    def assert_restored(self) -> None:
        """The terminal is as it was before the program."""
        assert self.modes() == dict.fromkeys(MODES, False)
        assert termios.tcgetattr(self._slave) == self.flags


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Opens terminals, and closes them at the end."""
    opened: list[Terminal] = []

    def open_one(*arguments: str, **options: Any) -> Terminal:
        opened.append(Terminal(*arguments, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.__exit__(None, None, None)


Open = Callable[..., Terminal]
GOSSIP = ("play", "gossip", "-p", "agents=8", "--seed", "7")


def test_from_the_menu_through_trouble_and_back(terminal: Open) -> None:
    here = terminal()
    here.wait_for("Gossip", "Experiments", "Play")
    assert here.modes()["alternate screen"] and here.modes()["cursor hidden"]
    here.press("enter")
    here.wait_for("gossip", "40 agents", "1 Agents", "2 Messages", "5 What just happened")
    here.press("space")
    here.wait_for("paused")
    here.press("1")
    here.wait_for("┏ 1 Agents")
    here.press("down", "c")
    here.wait_for("✕ a-02", "a-02 crashes")
    here.press("p")
    here.wait_for("Partition the network", "20 agents")
    here.press("enter")
    here.wait_for("The network splits", gone="Partition the network")
    here.press("h")
    here.wait_for("The network is whole again")
    here.press("r")
    here.wait_for("a-02 is up again")
    here.press(":")
    here.wait_for("tab completes")
    here.press(*"freeze a-03", "enter")
    here.wait_for("a-03 freezes", gone="tab completes")
    here.press("m")
    here.wait_for("Experiments", "Parameters")
    here.press("q")
    assert here.status() == 0
    here.assert_restored()


def test_a_run_is_stepped_taken_back_and_goes_on(terminal: Open) -> None:
    here = terminal(*GOSSIP, "--paused", "--speed", "8")
    here.wait_for("paused", "0 events")
    here.press(".", ".", ".")
    here.wait_for("3 events")
    here.press(",")
    here.wait_for("2 events")
    here.press("space")
    here.wait_for("done", "is the last to hear", gone="paused")
    here.press("q")
    assert here.status() == 0
    here.assert_restored()


def test_two_futures_of_a_partition_are_compared_saved_killed_and_replayed(terminal: Open, tmp_path: Path) -> None:
    here = terminal("play", "pow", "--seed", "5", "--paused")

    def go_to(moment: str) -> None:
        here.press("g")
        here.wait_for("Go to a moment")
        here.read(0.3)  # as long as a person takes at least
        here.press(*moment, "enter")
        here.wait_for(f"t {moment[:-1]}.00s", gone="Go to a moment")

    here.wait_for("paused", "0 events")
    go_to("20s")
    here.press("p")
    here.wait_for("Partition the network")
    here.press("enter")
    here.wait_for("The network splits", gone="Partition the network")
    go_to("60s")
    here.press("h")
    here.wait_for("The network is whole again")
    go_to("90s")
    here.press("[", "[", "[")
    here.wait_for("of 90.0s")
    go_to("59s")
    here.press("n")
    here.wait_for("A new branch at 59s", "at 60s heal")
    here.press("enter")
    here.wait_for("branch 2 of 2", gone="A new branch")
    go_to("90s")
    here.press("d")
    here.wait_for("branch 1: The chain", "branch 2: The chain", "and part at 60s", "command heal")
    here.press("escape")
    here.wait_for("3 The chain", gone="branch 1: The chain")
    here.press("w")
    here.wait_for("Why: ")
    here.press("escape")
    here.wait_for("3 The chain", gone="Why: ")
    file = tmp_path / "two.swarm"
    here.press("s")
    here.wait_for("Save the run as a recording")
    here.read(0.3)
    here.press(*str(file), "enter")
    here.wait_for("saved as", gone="Save the run as a recording")
    here.press("c")
    here.wait_for("crashes")
    here.process.kill()
    here.process.wait()
    verified = subprocess.run(
        [sys.executable, "-m", "app", "replay", str(file), "--verify"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "of 2 branches as recorded" in verified.stdout
    assert " crash miner-1" in file.read_text(encoding="utf-8")
    again = terminal("replay", str(file), "--paused")
    again.wait_for("paused", "0.0s of 90.0s", "branch 1 of 2")
    again.press("x")
    again.wait_for("branch 2 of 2")
    again.press("q")
    assert again.status() == 0
    again.assert_restored()


def test_the_mouse_reaches_agents_panes_and_keys(terminal: Open) -> None:
    here = terminal(*GOSSIP, "--paused")
    here.wait_for("paused", "a-05")
    here.click("● a-05")
    here.wait_for("▸● a-05")
    here.click("c Crash")
    here.wait_for("✕ a-05", "a-05 crashes")
    here.click("log ")
    here.wait_for("crash")
    here.click("q Quit")
    assert here.status() == 0
    here.assert_restored()


def test_other_sizes(terminal: Open) -> None:
    here = terminal(*GOSSIP, "--paused")
    here.wait_for("1 Agents", "3 Who knows what", "q Quit")
    here.resize(80, 24)
    here.wait_for("1 Agents    2 Messages    3 Stage", "q Quit")
    here.resize(20, 5)
    here.wait_for("needs", "60×18", "20×5")
    here.resize(120, 40)
    here.wait_for("1 Agents", "3 Who knows what", "q Quit")
    here.press("q")
    assert here.status() == 0
    here.assert_restored()


@pytest.mark.parametrize("arguments", [(), GOSSIP])
def test_a_tiny_terminal_gets_one_sentence(terminal: Open, arguments: tuple[str, ...]) -> None:
    here = terminal(*arguments, size=(20, 5))
    here.wait_for("Swarmscope needs", "60×18")
    assert " ".join(here.text.split()) == "Swarmscope needs 60×18 characters; this terminal has 20×5."
    here.press("q")
    assert here.status() == 0
    here.assert_restored()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_ended_from_outside_the_terminal_is_restored(terminal: Open, number: int, status: int) -> None:
    here = terminal(*GOSSIP, "--speed", "max")
    here.wait_for("1 Agents", "done")
    here.process.send_signal(number)
    assert here.status() == status
    here.assert_restored()


BROKEN_VIEW = """\
from swarmscope import SECOND, Agent, Scenario


class Quiet(Agent):
    def on_start(self):
        self.ctx.set_timer("tick", SECOND)


class Broken(Scenario):
    name = "broken"
    title = "A stage that falls"

    def population(self):
        return [("romeo", "actor"), ("juliet", "actor")]

    def create(self, name, role):
        return Quiet()

    def stage(self, sim):
        raise RuntimeError("the curtain fell")
"""


def test_an_error_of_a_scenario_ends_in_its_traceback_on_a_restored_terminal(
    terminal: Open, write: Callable[[str, str], str]
) -> None:
    here = terminal("play", write("broken.py", BROKEN_VIEW))
    assert here.status() == 70
    here.assert_restored()
    assert "RuntimeError: the curtain fell" in here.text
    assert "this is a fault in Swarmscope, or in the scenario if it is your own" in " ".join(here.text.split())
    assert len(here.written) < 60_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("play", "gossip", "-p", "agents=none"), ("agents=none is not right", "2 to 10000")),
        (("play", "gossip", "-p", "agens=3"), ("agens", "did you mean agents?")),
        (("play", "gosip"), ("gosip", "did you mean 'gossip'?")),
        (("play", "gossip", "--script", "nowhere.txt"), ("there is no script nowhere.txt",)),
    ],
)
def test_what_cannot_be_played_is_said_before_the_screen_opens(
    terminal: Open, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    here = terminal(*arguments)
    assert here.status() == 2
    said = " ".join(here.text.split())
    assert all(word in said for word in words)
    assert said.startswith("swarmscope: ")
    assert MODES["alternate screen"][0] not in here.written
    here.assert_restored()


def test_an_agent_that_raises_does_not_end_the_run(terminal: Open, relay: str) -> None:
    here = terminal("play", relay, "-p", "stumble=yes")
    here.wait_for("stumbled")
    here.press("q")
    assert here.status() == 0
    here.assert_restored()


def test_a_scenario_of_ones_own_is_played(terminal: Open, relay: str) -> None:
    here = terminal("play", relay, "--paused")
    here.wait_for("relay", "4 agents", "r-1", "How a baton goes round.")
    here.press("q")
    assert here.status() == 0
    here.assert_restored()


def test_the_inspector_the_help_and_the_log(terminal: Open) -> None:
    here = terminal(*GOSSIP, "--paused")
    here.wait_for("paused")
    here.press("enter")
    here.wait_for("survives a crash", "last events")
    here.press("escape")
    here.wait_for("Who knows what", gone="last events")
    here.press("?")
    here.wait_for("Keys: Time", "Let one event happen")
    here.press("escape")
    here.wait_for("Who knows what", gone="Keys: Time")
    here.press(".", ".", ".", "v")
    here.wait_for("start")
    here.press("q")
    assert here.status() == 0
    here.assert_restored()
