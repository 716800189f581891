"""From a key to its effect on the screen, in a real terminal, while the engine runs as fast as it can.

The run is the engine's workload with all panes. Timed are: another pane gets the focus, and a letter is typed into the
command line; and beside them the help page, which has to be built first. Each effect is looked for in the bytes that
come. How long a key waits depends on where in a slice and a frame it falls, so the presses are spread at random.
"""

from __future__ import annotations

import re
import statistics
import time
from random import Random

from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.terminal import ROOT, Terminal

FLOOD = str(ROOT / "tests" / "benchmarks" / "flood.py")
LETTERS = "àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþāăąćĉċčďđēĕėęěĝğġģĥħĩīĭįıĵķĺļľłńņňŋōŏőœŕŗřśŝşšţťŧũūŭůűųŵŷźżž"
# Their titles are drawn when the focus comes or goes. At first the second one has it.
PANES = (("1", "1 Agents"), ("2", "2 Messages"))
ESCAPE, BACKSPACE = "\x1b", "\x7f"


class Presser:
    """Presses keys now and then, and times what they bring about."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._jitter = Random(3)
        self._focused = self._typed = 0

    def focus(self) -> float:
        """Give another pane the focus; returns ms."""
        key, title = PANES[self._focused % 2]
        self._focused += 1
        return self._timed(key, title)

    def letter(self) -> float:
        """Type a letter into the command line, and leave it again."""
        letter = LETTERS[self._typed % len(LETTERS)]
        self._typed += 1
        self._timed(":", "such as")
        took = self._timed(letter, letter)
        self._timed(BACKSPACE, "such as")
        self._escape()
        return took

    def help(self) -> float:
        """Open the help page, and leave it again."""
        took = self._timed("?", "Keys: ")
        self._escape()
        return took

    def _escape(self) -> None:
        self._terminal.press(ESCAPE)
        self._terminal.rest(0.5)  # until it cannot be taken for the start of a longer sequence

    def _timed(self, key: str, effect: str) -> float:
        pressed = self._terminal.press(key)
        took = 1000 * (self._terminal.wait_for(re.escape(effect)) - pressed)
        self._rest()
        return took

    def _rest(self) -> None:
        self._terminal.rest(self._jitter.uniform(0.15, 0.25))


def measure(presses: int = 60, warm_up: float = 3.0, agents: int = 1000) -> list[Figure]:
    """Latencies in ms over `presses` of each kind, and the engine's events a second meanwhile."""
    with Terminal(["-m", "app", "play", FLOOD, "-p", f"agents={agents}", "--seed", "1", "--paused"]) as terminal:
        terminal.wait_for(r"[\d,]+ events")
        terminal.rest(1)
        press = Presser(terminal)
        still = [press.focus() for _ in range(presses)]
        terminal.press(" f")
        terminal.rest(warm_up)
        began, events_before = time.perf_counter(), _events(terminal)
        focused, typed = [], []
        for _ in range(presses):
            focused.append(press.focus())
            typed.append(press.letter())
        rate = (_events(terminal) - events_before) / (time.perf_counter() - began)
        helped = [press.help() for _ in range(presses // 2)]
    both = focused + typed
    return [
        Figure("key to screen flat out, 95th percentile", percentile(both, 0.95), "ms", at_most=50),
        Figure("key to screen flat out, median", statistics.median(both), "ms"),
        Figure("pane focused, 95th percentile", percentile(focused, 0.95), "ms"),
        Figure("letter typed, 95th percentile", percentile(typed, 0.95), "ms"),
        Figure("pane focused while paused, 95th percentile", percentile(still, 0.95), "ms"),
        Figure("help page opened, 95th percentile", percentile(helped, 0.95), "ms"),
        Figure("events meanwhile", rate, "/s", at_least=400_000),
    ]


def _events(terminal: Terminal) -> int:
    """How many events the status line says, once it is drawn anew."""
    terminal.forget()
    terminal.wait_for(r"[\d,]+ events")
    return int(re.findall(r"([\d,]+) events", terminal.text)[-1].replace(",", ""))
