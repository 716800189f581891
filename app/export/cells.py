"""Painting one cell of the screen: which of its pixels belong to a character, and how much.

Letters and signs come from DejaVu Sans Mono. Machines may have no fonts at all, so it is the copy that the package
python-barcode brings along: the smallest well-kept package with a free font that has every sign the screen uses. Lines,
blocks and braille dots are drawn here, so that they meet those of the next cell without a gap.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFont

from app.export.wish import ExportError

WIDTH, HEIGHT = 9, 18  # pixels of a cell
FONT_SIZE = 15  # at which a character is 9.03 pixels wide
BASELINE = 14
MIDDLE = (WIDTH // 2, HEIGHT // 2)
WEIGHTS = {"LIGHT": 1, "SINGLE": 1, "HEAVY": 3, "DOUBLE": 3}
ARMS = {
    "UP": ("UP",),
    "DOWN": ("DOWN",),
    "LEFT": ("LEFT",),
    "RIGHT": ("RIGHT",),
    "VERTICAL": ("UP", "DOWN"),
    "HORIZONTAL": ("LEFT", "RIGHT"),
}
DASHES = {"DOUBLE DASH": 2, "TRIPLE DASH": 3, "QUADRUPLE DASH": 4}
SHADES = {"░": 64, "▒": 128, "▓": 191}
PAUSE = "‖"  # the one sign that the font lacks
QUADRANTS = "▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"  # by the bits upper left, upper right, lower left, lower right: 1 to 15
BRAILLE = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))  # column and row of each bit


@lru_cache(maxsize=8192)
def mask(character: str, bold: bool = False, cells: int = 1) -> Image.Image:
    """How much of each pixel a character covers, from 0 to 255."""
    picture = Image.new("L", (WIDTH * cells, HEIGHT))
    if character.isspace() or not character:
        return picture
    draw = ImageDraw.Draw(picture)
    code = ord(character[0])
    if character == PAUSE:
        draw.rectangle((2, 4, 3, BASELINE), fill=255)
        draw.rectangle((6, 4, 7, BASELINE), fill=255)
    elif 0x2800 <= code <= 0x28FF:
        _braille(draw, code - 0x2800)
    elif not (0x2580 <= code <= 0x259F and _block(draw, character)) and not (
        0x2500 <= code <= 0x257F and _lines(draw, character)
    ):
        draw.text((0, BASELINE), character, fill=255, font=_font(), anchor="ls")
        if bold:  # the font has no bold face: draw it again, a bit to the right
            again = Image.new("L", picture.size)
            ImageDraw.Draw(again).text((0.6, BASELINE), character, fill=255, font=_font(), anchor="ls")
            picture = ImageChops.lighter(picture, again)
    return picture


@cache
def _font() -> ImageFont.FreeTypeFont:
    package = find_spec("barcode")
    if package is None or package.origin is None:
        raise ExportError("a GIF needs the package python-barcode for its font; install Swarmscope anew")
    return ImageFont.truetype(str(Path(package.origin).parent / "fonts" / "DejaVuSansMono.ttf"), FONT_SIZE)


def _braille(draw: ImageDraw.ImageDraw, bits: int) -> None:
    for bit, (column, row) in enumerate(BRAILLE):
        if bits >> bit & 1:
            x, y = 2 + 4 * column, 2 + 4 * row + row // 2
            draw.rectangle((x - 1, y - 1, x, y), fill=255)


def _block(draw: ImageDraw.ImageDraw, character: str) -> bool:
    """Draw a block element; all of them are rectangles."""
    code = ord(character)
    if character in SHADES:
        draw.rectangle((0, 0, WIDTH, HEIGHT), fill=SHADES[character])
    elif 0x2581 <= code <= 0x2588:  # lower one eighth to full
        draw.rectangle((0, HEIGHT - round(HEIGHT * (code - 0x2580) / 8), WIDTH, HEIGHT), fill=255)
    elif 0x2589 <= code <= 0x258F:  # left seven eighths to one eighth
        draw.rectangle((0, 0, round(WIDTH * (0x2590 - code) / 8) - 1, HEIGHT), fill=255)
    elif character == "▔":
        draw.rectangle((0, 0, WIDTH, round(HEIGHT / 8) - 1), fill=255)
    elif character == "▕":
        draw.rectangle((WIDTH - 1, 0, WIDTH, HEIGHT), fill=255)
    else:
        bits = QUADRANTS.index(character) + 1
        x, y = MIDDLE
        for bit, box in enumerate(
            ((0, 0, x - 1, y - 1), (x, 0, WIDTH, y - 1), (0, y, x - 1, HEIGHT), (x, y, WIDTH, HEIGHT))
        ):
            if bits >> bit & 1:
                draw.rectangle(box, fill=255)
    return True


def _lines(draw: ImageDraw.ImageDraw, character: str) -> bool:
    """Draw a box-drawing character by its Unicode name; False for diagonals, which the font draws."""
    name = unicodedata.name(character).removeprefix("BOX DRAWINGS ")
    if "DIAGONAL" in name:
        return False
    pieces = next((count for dash, count in DASHES.items() if dash in name), 1)
    for dash in DASHES:
        name = name.replace(f" {dash}", "")
    x, y = MIDDLE
    for arm, weight in arms(name).items():
        half = weight // 2
        box = {
            "UP": (x - half, 0, x + half, y + half),
            "DOWN": (x - half, y - half, x + half, HEIGHT),
            "LEFT": (0, y - half, x + half, y + half),
            "RIGHT": (x - half, y - half, WIDTH, y + half),
        }[arm]
        draw.rectangle(box, fill=255)
    for gap in range(pieces if pieces > 1 else 0):
        if "VERTICAL" in name:
            end = round(HEIGHT * (gap + 1) / pieces)
            draw.rectangle((0, end - 2, WIDTH, end - 1), fill=0)
        else:
            end = round(WIDTH * (gap + 1) / pieces)
            draw.rectangle((end - 1, 0, end - 1, HEIGHT), fill=0)
    return True


def arms(name: str) -> dict[str, int]:
    """The arms of a box-drawing character, each with its weight in pixels, from its name: LIGHT DOWN AND RIGHT, DOWN
    HEAVY AND HORIZONTAL LIGHT, LIGHT LEFT AND HEAVY RIGHT."""
    words = name.replace("ARC ", "").split()
    leads = words[0] in WEIGHTS  # whether a weight stands before its directions, or after them
    found: dict[str, int] = {}
    weight = 1
    waiting: list[str] = []
    for word in words:
        if word in WEIGHTS:
            weight = WEIGHTS[word]
            found.update(dict.fromkeys(waiting, weight))
            waiting = []
        elif word in ARMS and leads:
            found.update(dict.fromkeys(ARMS[word], weight))
        elif word in ARMS:
            waiting += ARMS[word]
    return found
