"""What to show."""
from __future__ import annotations
from typing import Any
def sample(sim: Any) -> dict[str, float]:
    return {}
def agent_row(sim: Any, agent: Any) -> Any: return None
def node_look(sim: Any, agent: Any) -> Any: return "plain", ""
def stage(sim: Any) -> Any: return None
def detail(sim: Any, key: str) -> Any: return None
def metric_views(sim: Any) -> Any: return ()
def narrate(sim: Any, event: Any) -> Any: return None
