"""A pair for tests: gossip that tells against gossip that asks, each with a chain on its stage."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec.structs import replace

from engine.commands import ArgSpec, CommandSpec
from engine.scenario import Experiment
from engine.simulation import Simulation
from engine.views import StageView, Words
from scenarios.gossip.scenario import Gossip, GossipParams
from scenarios.pair import Pair, Side
from tests.chain_factory import chain, line, main

SHOUT = CommandSpec("shout", (ArgSpec("agent", "agent"),), "let an agent shout", "shout a-01")


class Teller(Gossip):
    """Gossip with a chain on its stage, and a command that the other side does not know."""

    commands = (*Gossip.commands, SHOUT)

    def perform(self, sim: Simulation, name: str, args: Any) -> None:
        if name == "shout":
            sim.note(args[0], "shouted", {"text": "hear, hear"})
        else:
            super().perform(sim, name, args)

    def stage(self, sim: Simulation) -> StageView:
        length = 2 + sim.events // 20
        blocks = chain(main(length), line("m0", 1, "s1", "stale", 3), tips={f"m{length - 1}": (0, 1)})
        return StageView("blocks", (blocks, *super().stage(sim).parts))  # type: ignore[union-attr]

    def detail(self, sim: Simulation, key: str) -> Words | None:
        return Words(f"block {key}", (("found by nobody", "plain"),)) if key else None


class Asker(Teller):
    """The other side."""

    commands = Gossip.commands


class Race(Pair):
    """Push against pull."""

    name = "race"
    title = "Telling against asking"
    teaches = "Which is quicker."
    labels: ClassVar[tuple[str, str]] = ("push", "pull")
    Params = GossipParams
    commands = Teller.commands
    horizon = 20.0
    experiments = (Experiment("cut", "Cut both", "Both stop at the cut.", {}, "at 1s partition a-01 | a-0[2-9]", "h"),)

    def sides(self) -> tuple[Side, Side]:
        tells, asks = (replace(self.params, mode=mode) for mode in ("push", "pull"))
        return Side("push", Teller(tells), ("coverage",)), Side("pull", Asker(asks), ("coverage", "time_to_all"))
