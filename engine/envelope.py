"""The envelope of a message that is more than a direct one."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct


class Envelope(Struct, frozen=True):
    """What a message carries besides its body (engine/mail.py).

    `correlation` ties a reply or an acknowledgement to what it answers, and tells a flood's copies from other floods';
    `origin` is who started a flood; `hops` how often it may still be passed on; `expires` when it is too old, in µs.
    """

    purpose: Literal["request", "reply", "acked", "ack", "topic", "flood", "expiring"]
    body: Any
    correlation: int = 0
    topic: str = ""
    origin: int = 0
    hops: int = 0
    expires: int = 0
