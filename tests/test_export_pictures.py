"""Pictures and films: what they show is the real screen, cell by cell."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rich.style import Style
from textual.strip import Segment, Strip

from app.branches import Mark
from app.export.cast import changes
from app.export.cells import HEIGHT, WIDTH, arms, mask
from app.export.export import export
from app.export.gif import LAST, SAME, Look, Painter, Palette, look_of
from app.export.screen import Film, Frame, cells_of
from app.export.stretch import Stretch
from app.export.wish import ExportError, Wish
from engine.duration import MILLISECOND, SECOND
from engine.simulation import Simulation
from scenarios.launch import launch
from widgets import glyphs

SMALL = (80, 24)


def silent(share: float, words: str) -> None:
    """Nobody looks at the progress."""


def run() -> Simulation:
    return launch("gossip", {"agents": 8}, 3, "at 2s crash a-03\nat 2500ms partition a-01,a-02 | a-0[4-8]\n")


def end() -> Mark:
    sim = run()
    sim.run_to(3 * SECOND)
    return Mark(sim.events, sim.now, sim.digest)


def made(path: Path, form: str, **options: Any) -> Path:
    """The file of an export."""
    export(run(), end(), Wish(form, str(path), **options), silent)
    return path


def frames_of(**options: Any) -> tuple[Film, list[Frame]]:
    """The frames of a film, as they come from the screen."""
    film = Film(Stretch(run(), end()), Wish("cast", "", **options))
    frames: list[Frame] = []
    film.run(lambda number, lines: frames.append(lines), silent)
    return film, frames


def text_of(frame: Frame) -> list[str]:
    return [line.text.rstrip() for line in frame]


# --- the moments of a film ------------------------------------------------------------------------


def film(**options: Any) -> Film:
    return Film(Stretch(run(), end()), Wish("gif", "", **options))


def test_a_film_has_frames_from_its_beginning_to_its_end() -> None:
    moments = film(since=SECOND, until=2 * SECOND, fps=4, speed=0.5).moments
    assert moments == [SECOND + number * 125 * MILLISECOND for number in range(9)]


def test_the_end_of_a_stretch_is_shown_also_when_no_frame_falls_on_it() -> None:
    assert film(since=0, until=250 * MILLISECOND, fps=10, speed=1.0).moments[-2:] == [
        200 * MILLISECOND,
        250 * MILLISECOND,
    ]


def test_a_film_plays_at_the_pace_of_its_scenario_unless_told_otherwise() -> None:
    assert film().speed == run().scenario.pace


def test_each_frame_shows_the_run_at_its_moment() -> None:
    shot, frames = frames_of(since=SECOND, until=2 * SECOND, fps=2, speed=1.0, size=SMALL)
    assert [float(re.search(r"t ([0-9.]+)s", text_of(frame)[0])[1]) for frame in frames] == [  # type: ignore[index]
        moment / SECOND for moment in shot.moments
    ]
    assert all("▶" in text_of(frame)[0] for frame in frames)


def test_a_film_goes_no_further_than_the_recording() -> None:
    stretch = Stretch(run(), end())
    stretch.go_to(9 * SECOND)
    assert (stretch.sim.events, stretch.sim.now, stretch.sim.digest) == end()


# --- SVG ------------------------------------------------------------------------------------------


def words_of(picture: Path) -> str:
    text = re.sub(r"<[^>]*>", " ", picture.read_text(encoding="utf-8"))
    return text.replace("&#160;", " ")


def test_a_picture_shows_the_screen_at_its_moment(tmp_path: Path) -> None:
    words = words_of(made(tmp_path / "a.svg", "svg", at=2 * SECOND))
    assert "2.00s" in words and "paused" in words
    assert all(title in words for title in ("Agents", "Messages", "Metrics", "What just happened"))


def test_a_picture_fetches_nothing_from_anywhere(tmp_path: Path) -> None:
    text = made(tmp_path / "a.svg", "svg").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\s\"']+", text)) == {"http://www.w3.org/2000/svg"}
    assert "@font-face" not in text


def test_a_pane_can_stand_alone(tmp_path: Path) -> None:
    words = words_of(made(tmp_path / "a.svg", "svg", pane="metrics"))
    assert "coverage" in words and "What just happened" not in words


def test_the_messages_pane_can_show_another_face(tmp_path: Path) -> None:
    words = words_of(made(tmp_path / "a.svg", "svg", pane="messages", face="log"))
    assert "deliver" in words or "→" in words


def test_a_face_that_the_pane_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="has no face 'back'"):
        made(tmp_path / "a.svg", "svg", face="back")
    assert not (tmp_path / "a.svg").exists()


# --- asciicast ------------------------------------------------------------------------------------


def test_a_cast_played_in_a_terminal_shows_each_frame(tmp_path: Path) -> None:
    options: dict[str, Any] = {"since": SECOND, "until": 3 * SECOND, "fps": 4, "speed": 1.0, "size": SMALL}
    path = made(tmp_path / "a.cast", "cast", **options)
    head, *events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert (head["version"], head["width"], head["height"]) == (2, *SMALL)
    assert [time for time, _, _ in events] == sorted(time for time, _, _ in events)
    assert {kind for _, kind, _ in events} == {"o"}
    screen = pyte.Screen(*SMALL)
    stream = pyte.Stream(screen)
    shot, frames = frames_of(**options)
    for number, frame in enumerate(frames):
        while events and events[0][0] <= number / shot.fps + 1e-9:
            stream.feed(events.pop(0)[2])
        assert [line.rstrip() for line in screen.display] == text_of(frame)
    assert [data for _, _, data in events] == ["\x1b[0m\x1b[?25h"]


STYLES = [Style.parse(text) for text in ("red", "bold #00ff00 on blue", "reverse", "not bold")]
lines = st.lists(
    st.tuples(st.text(alphabet="ab │⣿漢", min_size=1, max_size=6), st.sampled_from(STYLES)), min_size=1, max_size=4
).map(lambda parts: Strip([Segment(*part) for part in parts]).crop(0, 12).extend_cell_length(12))


@settings(deadline=None)
@given(st.lists(st.lists(lines, min_size=3, max_size=3), min_size=1, max_size=4))
def test_what_is_written_for_a_frame_leads_from_the_one_before_to_it(frames: list[Frame]) -> None:
    one, other = pyte.Screen(12, 3), pyte.Screen(12, 3)
    stream = pyte.Stream(one)
    before: Frame = []
    for frame in frames:
        stream.feed(changes(before, frame))
        other.reset()
        pyte.Stream(other).feed(changes([], frame))
        assert one.buffer == other.buffer
        assert [line.rstrip() for line in other.display] == text_of(frame)
        assert changes(frame, frame) == ""
        before = frame


# --- GIF ------------------------------------------------------------------------------------------


def test_a_gif_shows_each_frame_for_its_time(tmp_path: Path) -> None:
    options: dict[str, Any] = {"since": SECOND, "until": 3 * SECOND, "fps": 5, "speed": 1.0, "size": SMALL}
    shot, frames = frames_of(**options)
    with Image.open(made(tmp_path / "a.gif", "gif", **options)) as picture:
        assert picture.size == (SMALL[0] * WIDTH, SMALL[1] * HEIGHT)
        assert picture.info["loop"] == 0
        painted = []
        for number in range(picture.n_frames):  # type: ignore[attr-defined]
            picture.seek(number)
            painted += [np.asarray(picture.convert("RGB"))] * round(picture.info["duration"] * shot.fps / 1000)
    assert len(painted) == len(frames) + LAST * shot.fps
    for frame, pixels in zip(frames, painted, strict=False):
        assert same_cells(frame, pixels)


def same_cells(frame: Frame, pixels: Any) -> bool:
    """Whether cells that look alike on the screen look alike in the picture, and others do not."""
    seen: dict[Look, bytes] = {}
    for row, line in enumerate(frame):
        for column, cell in enumerate(cells_of(line)):
            y, x = row * HEIGHT, column * WIDTH
            look = look_of(cell)
            tile = pixels[y : y + HEIGHT, x : x + WIDTH].tobytes()
            if seen.setdefault(look, tile) != tile:
                return False
            if (
                look.character == " "
                and len(np.unique(pixels[y : y + HEIGHT - 2, x : x + WIDTH].reshape(-1, 3), axis=0)) > 1
            ):
                return False
    return len(set(seen.values())) > len(seen) // 2


def test_a_still_film_is_one_frame(tmp_path: Path) -> None:
    black = Look(" ", (255, 255, 255), (0, 0, 0), False, False, 1)
    palette = Palette(Counter([black]))
    painter = Painter((1, 1), palette)
    data = painter.head() + b"".join(painter.frame({(0, 0): black}, 100)) + b";"
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.n_frames == 1  # type: ignore[attr-defined]
        assert picture.convert("RGB").getcolors() == [(WIDTH * HEIGHT, (0, 0, 0))]


def test_rare_colours_of_cells_go_before_frequent_ones_of_edges() -> None:
    common = Look("a", (250, 250, 250), (0, 0, 0), False, False, 1)
    rare = [Look("b", (number, 99, 7), (0, 0, 0), False, False, 1) for number in range(200)]
    palette = Palette(Counter([common] * 1000 + rare))
    assert len(palette.colours) == SAME
    assert {look.fore for look in rare} <= set(palette.colours)


GLYPHS = sorted({character for value in vars(glyphs).values() for character in str(value) if ord(character) > 127})


@pytest.mark.parametrize("bold", [False, True])
def test_every_glyph_of_the_screen_can_be_painted(bold: bool) -> None:
    nothing = mask("\U0010ffff").tobytes()  # what a font shows for what it does not have
    characters = [*GLYPHS, *map(chr, range(0x2500, 0x25A0)), *map(chr, range(0x2801, 0x2900)), *"äéσ²₁≤√–…"]
    shapes = {character: mask(character, bold).tobytes() for character in characters}
    assert [character for character, shape in shapes.items() if shape == nothing or not any(shape)] == []
    braille = {shape for character, shape in shapes.items() if 0x2801 <= ord(character) < 0x2900}
    assert len(braille) == 255


def test_lines_and_blocks_meet_those_of_the_next_cell() -> None:
    for character, edges in {
        "─": "lr",
        "│": "ud",
        "┌": "rd",
        "┼": "lrud",
        "┛": "lu",
        "╰": "ru",
        "█": "lrud",
        "▄": "lrd",
    }.items():
        pixels = np.asarray(mask(character))
        touched = {"l": pixels[:, 0], "r": pixels[:, -1], "u": pixels[0], "d": pixels[-1]}
        assert {edge for edge, line in touched.items() if line.any()} == set(edges)


def test_the_arms_of_a_line_are_read_from_its_name() -> None:
    assert arms("LIGHT DOWN AND RIGHT") == {"DOWN": 1, "RIGHT": 1}
    assert arms("DOWN HEAVY AND HORIZONTAL LIGHT") == {"DOWN": 3, "LEFT": 1, "RIGHT": 1}
    assert arms("LIGHT LEFT AND HEAVY RIGHT") == {"LEFT": 1, "RIGHT": 3}
    assert arms("VERTICAL SINGLE AND RIGHT DOUBLE") == {"UP": 1, "DOWN": 1, "RIGHT": 3}
