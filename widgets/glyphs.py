"""Every mark that carries a status, in one place. All are one cell wide; none needs its colour to be understood."""

from __future__ import annotations

from engine.views import Health, Tone

HEALTH: dict[Health, str] = {
    Health.UP: "●",
    Health.SLOW: "◐",
    Health.FROZEN: "◐",
    Health.CRASHED: "✕",
    Health.FAILED: "✗",
    Health.BYZANTINE: "☠",
    Health.STARTING: "◌",
    Health.DRAINING: "▽",
}

HEALTH_TONE: dict[Health, Tone] = {
    Health.UP: "plain",
    Health.SLOW: "warn",
    Health.FROZEN: "warn",
    Health.CRASHED: "bad",
    Health.FAILED: "bad",
    Health.BYZANTINE: "bad",
    Health.STARTING: "dim",
    Health.DRAINING: "dim",
}

NODE: dict[Tone, str] = {"plain": "●", "good": "◉", "bad": "■", "warn": "▲", "accent": "◆", "dim": "○"}
"""An agent that is up, in the network drawing, by its tone."""

MEMBER: dict[Tone, str] = {"plain": "•", "good": "●", "bad": "■", "warn": "▲", "accent": "◆", "dim": "·"}
"""The same for a member of a cluster, where there is room for a dot only."""

SHADES = "·░▒▓█"
"""A share, from none to all: the first is nobody, the last everybody."""

TONE: dict[Tone, str] = {"plain": " ", "good": "✓", "bad": "✗", "warn": "!", "accent": "▸", "dim": " "}
"""In front of a sentence, so that its tone is not told by colour alone."""

EVENT: dict[str, str] = {
    "deliver": "→",
    "lost": "✶",
    "drop": "✶",
    "timer": "◷",
    "start": "◌",
    "join": "◌",
    "leave": "▽",
    "crash": "✕",
    "restart": "●",
    "freeze": "◐",
    "thaw": "●",
    "failed": "✗",
    "broken": "✗",
    "byzantine": "☠",
    "partition": "╎",
    "heal": "○",
    "command": "›",
    "note": "·",
}

EVENT_TONE: dict[str, Tone] = {
    "lost": "bad",
    "drop": "bad",
    "crash": "bad",
    "failed": "bad",
    "broken": "bad",
    "byzantine": "bad",
    "partition": "warn",
    "freeze": "warn",
    "command": "accent",
    "timer": "dim",
}

LOST = "✶"
LOST_FADING = "·"
DOT = "•"
CUT = "╎"
CURSOR = "▸"
YES = "✓"
NO = "✗"
DIFFERS = "≠"
ALIKE = "="
PLAY = "▶"
PAUSE = "‖"
WAITING = "◌"
OVER = "■"
DURABLE = "◆"
ELLIPSIS = "…"
FOLD = "⋯"
OPEN = "▾"
CLOSED = "▸"
DONE_PART = "▓"
OPEN_PART = "░"
AMOUNT = "▇"
NO_AMOUNT = "▁"
CROWN = "♛"
VOTE = "●"
NO_VOTE = "○"
UNHEARD = "·"
SUSPECT = "?"
GAUGE = "┈┈"
SELF_SENT = "↻"
ARROW = ("▶", "◀")
"""The head of a message that has arrived, to the right and to the left."""
ARROW_MOVING = ("▹", "◃")
ARROW_HELD = ("▷", "◁")
STANDS = "▌"
HAPPENED, AHEAD = "━", "─"
COMMAND = "›"


def node(health: Health, tone: Tone) -> str:
    """The mark of an agent in the network: its tone while it is up, else what is wrong with it."""
    return NODE[tone] if health == Health.UP else HEALTH[health]


def member(health: Health, tone: Tone) -> str:
    """The mark of a cluster's member: its tone while it is up, else what is wrong with it."""
    return MEMBER[tone] if health == Health.UP else HEALTH[health]


def shade(share: float) -> str:
    """The block that stands for a share of 0 to 1. Only nobody is `·`, only everybody `█`."""
    if share <= 0:
        return SHADES[0]
    if share >= 1:
        return SHADES[4]
    return SHADES[1 + min(2, int(share * 3))]


def event_glyph(kind: str) -> str:
    """The mark of a kind of event in the log."""
    return EVENT.get(kind, "·")
