"""What all tests share: an environment that is the same everywhere, and a scenario of a user's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from tests.fidelity import pytest_terminal_summary  # noqa: F401 - prints the table of what was published

settings.register_profile("swarmscope", deadline=None, derandomize=True)
settings.load_profile("swarmscope")

RELAY = '''\
"""A ring of runners that hand a baton on, faster than they are allowed to once `limit` is reached."""

from typing import Annotated

from swarmscope import (
    Agent, ArgSpec, CommandSpec, InvariantSpec, MetricSpec, Misbehaviour, NetworkParams, Scenario, param,
)


class Params(NetworkParams, frozen=True, kw_only=True):
    agents: Annotated[int, param("how many runners", low=2, high=1000)] = 4
    limit: Annotated[int, param("hand-overs that are allowed", low=1)] = 1_000_000
    laps: Annotated[int, param("laps to run", low=1)] = 5
    stumble: Annotated[bool, param("whether the first runner stumbles")] = False


class Runner(Agent):
    def __init__(self, params):
        self.params = params
        self.handed = 0

    def on_start(self):
        if self.id == 0:
            self.ctx.send(1, "baton")

    def on_message(self, sender, message):
        if self.params.stumble:
            raise ValueError("stumbled")
        self.handed += 1
        self.ctx.send((self.id + 1) % self.params.agents, "baton")


class Relay(Scenario):
    name = "relay"
    title = "Relay race"
    teaches = "How a baton goes round."
    sources = ("nobody, nowhere, 1900",)
    Params = Params
    horizon = 3600.0
    commands = (CommandSpec("cheer", (ArgSpec("runner", "agent"),), "cheer a runner", "cheer r-1"),)
    misbehaviours = (Misbehaviour("trip", "trips the next runner"),)
    metrics = (
        MetricSpec("handed", "batons handed on", theory="laps times agents"),
        MetricSpec("pace", "nobody knows", unit="s"),
    )
    invariants = (
        InvariantSpec("limit kept", "safety", "never more than `limit`", "within"),
        InvariantSpec("laps run", "liveness", "all laps are run in the end", "missing"),
    )

    def population(self):
        return [(f"r-{i + 1}", "runner") for i in range(self.params.agents)]

    def create(self, name, role):
        return Runner(self.params)

    def perform(self, sim, name, args):
        sim.note(args[0], "cheered", {})

    def handed(self, sim):
        return sum(agent.handed for agent in sim.agents)

    def over(self, sim):
        return "" if self.missing(sim) else "all laps are run"

    def measure(self, sim):
        return {"handed": self.handed(sim), "pace": float("nan")}

    def within(self, sim, event, memory):
        return "too many" if self.handed(sim) > self.params.limit else ""

    def missing(self, sim):
        left = self.params.laps * self.params.agents - self.handed(sim)
        return f"{left} hand-overs are missing" if left > 0 else ""
'''


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-transcripts",
        action="store_true",
        help="write what the commands in tests/transcripts say now into these files, instead of comparing",
    )
    parser.addoption(
        "--fidelity-page", metavar="FILE", help="write the table of what was held against published figures into FILE"
    )


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes what belongs to whoever runs it, nor depends on their terminal."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def relay(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a scenario of a user's own."""
    path = tmp_path_factory.mktemp("own") / "relay.py"
    path.write_text(RELAY, encoding="utf-8")
    return str(path)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], str]:
    """Writes a text to a file, and gives its path."""

    def write_file(name: str, text: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write_file
