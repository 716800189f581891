"""How messages are put into words: kind, letter and summary, whatever plain data they are."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from msgspec import Struct

from engine.envelope import Envelope

MAX_SUMMARY = 60


def kind_of(message: Any) -> str:
    """The kind of a message in words: its class in lower case, its first word if it is a tuple of them, its type."""
    if isinstance(message, Envelope):
        inner = kind_of(message.body) if message.body is not None else ""
        return f"{message.purpose} {inner}".strip() if message.purpose in ("reply", "ack") else inner
    if isinstance(message, tuple) and message and isinstance(message[0], str):
        return message[0]
    if isinstance(message, str):
        return "text"
    return _class_words(type(message).__name__)


@lru_cache(maxsize=512)
def _class_words(name: str) -> str:
    return "".join(("-" if c.isupper() and i else "") + c.lower() for i, c in enumerate(name))


def letter_of(kind: str) -> str:
    """The one-character mark of a kind in the network drawing."""
    return kind[0] if kind else "?"


def summary_of(message: Any, limit: int = MAX_SUMMARY) -> str:
    """A message in one short line: its kind and what it carries."""
    if message is None:
        return ""
    if isinstance(message, Envelope):
        extra = f" {message.topic}" if message.topic else ""
        text = f"{message.purpose}{extra} {summary_of(message.body, limit)}".strip()
    elif isinstance(message, str):
        text = message
    elif isinstance(message, Struct):
        parts = [f"{name}={_short(getattr(message, name))}" for name in message.__struct_fields__]
        text = " ".join([kind_of(message), *parts])
    elif isinstance(message, tuple):
        text = " ".join(_short(part) for part in message)
    else:
        text = _short(message)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _short(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()[:8]
    if isinstance(value, (tuple, list, dict, set, frozenset)) and len(value) > 3:
        return f"({len(value)} items)"
    if isinstance(value, (set, frozenset)):
        return f"({', '.join(sorted(map(_short, value)))})"
    if isinstance(value, (tuple, list)):
        return f"({', '.join(_short(v) for v in value)})"
    if isinstance(value, Struct):
        return summary_of(value, 40)
    return str(value)


def plural(number: int, noun: str) -> str:
    """So many of something: `1 row`, `2,000 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
