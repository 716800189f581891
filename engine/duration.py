"""Durations as people write them, and as the engine counts them: whole microseconds."""

from __future__ import annotations

import re

from engine.errors import ParameterError

MICROSECOND = 1
MILLISECOND = 1_000
SECOND = 1_000_000

_UNITS = {"us": 1, "µs": 1, "ms": MILLISECOND, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "": SECOND}
_PATTERN = re.compile(r"(?P<whole>[0-9]{1,20})(?:\.(?P<part>[0-9]{1,20}))?\s*(?P<unit>us|µs|ms|s|m|h|)")
_LIMIT = 10**17  # over three thousand years, and safely inside a 64-bit count


def parse_duration(value: str | float | int) -> int:
    """Microseconds in `value`: a number of seconds, or a text such as `90`, `1.5s`, `250ms`, `2m`.

    Raises ParameterError for anything else, for less than nothing, and beyond three thousand years.
    """
    if isinstance(value, bool):
        raise ParameterError(f"{value!r} is not a duration; write it like 90, 1.5s, 250ms or 2m")
    text = str(value).strip()
    if isinstance(value, float) and "e" in text:
        text = f"{value:.9f}"
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ParameterError(f"{text!r} is not a duration; write it like 90, 1.5s, 250ms or 2m")
    unit = _UNITS[match["unit"]]
    part = match["part"] or ""
    # Whole numbers all the way, so that 0.1s is 100,000 µs on every machine; halves round up.
    scaled = int(match["whole"] + part) * unit
    base: int = 10 ** len(part)
    micros = (2 * scaled + base) // (2 * base)
    if micros > _LIMIT:
        raise ParameterError(f"{text!r} is too long a duration; the longest is {_LIMIT // (3600 * SECOND)}h")
    return micros


def format_duration(micros: int) -> str:
    """A short text, in seconds or less, that `parse_duration` reads back as exactly `micros`."""
    if micros == 0:
        return "0s"
    if micros < MILLISECOND:
        return f"{micros}us"
    scale, unit = (MILLISECOND, "ms") if micros < SECOND else (SECOND, "s")
    whole, rest = divmod(micros, scale)
    if not rest:
        return f"{whole}{unit}"
    digits = len(str(scale)) - 1
    return f"{whole}.{rest:0{digits}d}".rstrip("0") + unit


def brief_duration(micros: int) -> str:
    """A duration as people like to read it, to three or four digits: `9.66s`, `230ms`, `1,204s`."""
    if micros < 0:
        return f"−{brief_duration(-micros)}"
    if micros < MILLISECOND:
        return f"{micros}us" if micros else "0s"
    if round(micros, -3) < SECOND:
        return f"{round(micros / MILLISECOND)}ms"
    if micros < 100 * SECOND:
        return f"{micros / SECOND:.2f}".rstrip("0").rstrip(".") + "s"
    return f"{micros / SECOND:,.0f}s"


def seconds(micros: int) -> float:
    """Microseconds as seconds, for people and for `--json`."""
    return micros / SECOND
