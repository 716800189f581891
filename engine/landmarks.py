"""Landmarks: moments of any run that are worth going to, whatever the scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.trace import Note
from engine.views import Landmark, Tone

if TYPE_CHECKING:
    from engine.simulation import Simulation

GLYPHS: dict[str, tuple[str, Tone]] = {
    "crash": ("✕", "bad"),
    "restart": ("●", "good"),
    "freeze": ("◐", "warn"),
    "thaw": ("●", "good"),
    "join": ("◌", "accent"),
    "leave": ("▽", "plain"),
    "failed": ("✗", "bad"),
    "byzantine": ("☠", "bad"),
    "slowed": ("◐", "warn"),
    "clock": ("◷", "warn"),
    "partition": ("✂", "warn"),
    "heal": ("○", "good"),
    "link": ("≈", "accent"),
    "broken": ("✗", "bad"),
}
"""Glyph and tone of the engine's own notes; `refused` is none, for nothing happened."""


def plain_landmark(note: Note, who: str, *, commanded: bool = True) -> Landmark | None:
    """The landmark that a note of the engine's own kinds is; None for any other. `who` is its agent's name. Agents that
    come and go because the protocol says so, and not because they were `commanded`, are none."""
    look = GLYPHS.get(note.kind)
    if look is None or (note.kind in ("join", "leave") and not commanded):
        return None
    data: Any = note.data
    match note.kind:
        case "partition":
            text = f"partition {data.get('text', '')}".strip()
        case "link":
            text = str(data.get("text", "links change"))
        case "heal":
            text = "heal"
        case "broken":
            text = f"broken: {data.get('invariant', '')}"
        case "byzantine":
            text = f"{who} {data.get('mode', '')}".strip()
        case _:
            text = f"{who} {note.kind}".strip()
    glyph, tone = look
    return Landmark(note.index, note.time, note.kind, glyph, text, tone)


def teller(sim: Simulation, note: Note) -> str:
    """The name of the agent that made a note; empty where it was none."""
    return sim.names[note.agent] if note.agent < len(sim.names) else ""
