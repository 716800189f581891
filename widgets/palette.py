"""One colour for each agent, the same in every pane, readable on a dark and on a light ground."""

from __future__ import annotations

import math
from functools import lru_cache

GOLDEN_ANGLE = 137.50776405003785
"""Degrees. Turning by it gives neighbouring numbers hues far apart, and no two numbers the same."""

ANSI = (
    "bright_cyan",
    "bright_yellow",
    "bright_magenta",
    "bright_green",
    "bright_blue",
    "cyan",
    "yellow",
    "magenta",
    "green",
    "blue",
)
"""For themes that keep to the terminal's own colours; red stays free for what is wrong."""


@lru_cache(maxsize=20_000)
def agent_colour(agent: int, dark: bool = True) -> str:
    """The colour of an agent as `#rrggbb`: equally light and equally vivid for all, only the hue differs."""
    hue = math.radians((215.0 + agent * GOLDEN_ANGLE) % 360.0)
    lightness, chroma = (0.80, 0.095) if dark else (0.48, 0.11)
    return _oklch(lightness, chroma, hue)


def ansi_colour(agent: int) -> str:
    """The colour of an agent among the terminal's own."""
    return ANSI[agent % len(ANSI)]


def _oklch(lightness: float, chroma: float, hue: float) -> str:
    """An OKLCH colour as `#rrggbb`, clipped to sRGB (matrices: Björn Ottosson, A perceptual color space, 2020)."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _gamma(value)):02x}" for value in linear)


def _gamma(value: float) -> float:
    value = min(1.0, max(0.0, value))
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
