"""The engine's benchmark workload as a scenario: one message in flight for each agent, each delivery sends another.

`swarmscope play tests/benchmarks/flood.py` shows it; the command `latency 1ms..10ms` makes its delays the workload's.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from swarmscope import Agent, MetricSpec, NetworkParams, Scenario, Simulation, param


class FloodParams(NetworkParams, frozen=True, kw_only=True):
    """How many agents; the delays lie near the workload's."""

    agents: Annotated[int, param("how many agents, and messages in flight", low=2, high=10_000)] = 1000
    latency: Annotated[float, param("typical delay of a link", unit="s", low=0.0, high=3600.0)] = 0.0055
    latency_model: Literal["constant", "uniform", "lognormal"] = "uniform"


class Flooder(Agent):
    """Passes what it gets to anybody."""

    def __init__(self, agents: int) -> None:
        self.agents = agents

    def on_start(self) -> None:
        self.ctx.send(self.rng.below(self.agents), "drop")

    def on_message(self, sender: int, message: Any) -> None:
        self.ctx.send(self.rng.below(self.agents), message)


class Flood(Scenario):
    """Traffic without end."""

    name = "flood"
    title = "Flood"
    teaches = "Nothing: it keeps the engine busy."
    Params = FloodParams
    horizon = 3600.0
    metrics = (MetricSpec("delivered", "messages delivered"),)

    def population(self) -> list[tuple[str, str]]:
        return [(f"a-{number:04}", "agent") for number in range(self.params.agents)]

    def create(self, name: str, role: str) -> Agent:
        return Flooder(self.params.agents)

    def measure(self, sim: Simulation) -> dict[str, Any]:
        return {"delivered": sim.messages["delivered"]}
