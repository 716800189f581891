"""The panes: what they show, how they are driven, and that they draw no more than has changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.geometry import Region
from textual.message import Message
from textual.pilot import Pilot
from textual.theme import BUILTIN_THEMES
from textual.widget import Widget

from engine.views import AgentsView, Column, Health, LogView, NarrationLine, NetworkView
from tests import view_factories as make
from widgets import glyphs, legend
from widgets.agents import AgentsPane, AgentsTable, lay_out, load_bar
from widgets.drawing import Drawing
from widgets.inspector import Inspector
from widgets.linelist import LineList
from widgets.log import LogPane
from widgets.messages import MessagesPane
from widgets.metrics import MetricsPane, draw_course
from widgets.motion import nearest_towards, progress
from widgets.narration import NarrationPane
from widgets.network import NetworkPane
from widgets.palette import agent_colour, ansi_colour
from widgets.placing import place
from widgets.stage import Stage, StagePane
from widgets.status import StatusLine
from widgets.status import compose as compose_status
from widgets.strips import Inks, LeanStrip
from widgets.text import Line, cells

STYLES = Path(__file__).parents[1] / "styles" / "panes.tcss"


class Bench(App[None]):
    """Holds the widgets under test, and keeps the messages they post."""

    CSS_PATH = STYLES
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None

    def __init__(self, *widgets: Widget) -> None:
        super().__init__()
        self.widgets = widgets
        self.told: list[Message] = []

    def compose(self) -> ComposeResult:
        yield from self.widgets

    def on_agents_pane_selected(self, event: AgentsPane.Selected) -> None:
        self.told.append(event)

    on_agents_pane_inspect = on_agents_pane_selected
    on_network_pane_agent_clicked = on_agents_pane_selected
    on_network_pane_selected = on_agents_pane_selected
    on_network_pane_inspect = on_agents_pane_selected
    on_network_pane_link_clicked = on_agents_pane_selected
    on_network_pane_message_clicked = on_agents_pane_selected
    on_log_pane_event_selected = on_agents_pane_selected
    on_log_pane_event_opened = on_agents_pane_selected
    on_sequence_pane_selected = on_agents_pane_selected
    on_narration_pane_opened = on_agents_pane_selected
    on_messages_pane_face_changed = on_agents_pane_selected


@asynccontextmanager
async def bench(*widgets: Widget, size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[Bench, Pilot[None]]]:
    app = Bench(*widgets)
    async with app.run_test(size=size) as pilot:
        yield app, pilot


def screen(widget: Widget) -> list[str]:
    """What the widget's own lines say."""
    return [widget.render_line(y).text.rstrip() for y in range(widget.outer_size.height)]


def told(app: Bench, kind: type[Message]) -> list[Any]:
    return [message for message in app.told if isinstance(message, kind)]


# strips


def encoded(*pieces: tuple[str, Style]) -> tuple[str, LeanStrip]:
    inks = Inks(ColorSystem.TRUECOLOR)
    strip = LeanStrip(
        [(text, inks.number(style)) for text, style in pieces], sum(cells(text) for text, _ in pieces), inks
    )
    return strip.render(Console(color_system="truecolor", force_terminal=True)), strip


RED, BOLD_RED, BLUE = Style.parse("red on black"), Style.parse("bold red on black"), Style.parse("blue on black")


def test_only_what_differs_is_written() -> None:
    line, _ = encoded(("a", RED), ("b", BOLD_RED), ("c", BLUE))
    assert line == "\x1b[31;40ma\x1b[1mb\x1b[0;34;40mc\x1b[0m"


def test_blanks_take_the_style_of_their_neighbour() -> None:
    line, _ = encoded(("  ", RED), ("a", BLUE), (" ", RED), ("b", BLUE))
    assert line == "\x1b[34;40m  a b\x1b[0m"


def test_blanks_keep_a_ground_of_their_own() -> None:
    line, _ = encoded(("a", RED), (" ", Style.parse("red on white")), ("b", RED))
    assert line == "\x1b[31;40ma\x1b[47m \x1b[40mb\x1b[0m"


def test_underlined_blanks_are_not_merged() -> None:
    line, _ = encoded(("a", RED), (" ", Style.parse("underline red on black")), ("b", RED))
    assert "\x1b[4m " in line


def test_a_lean_strip_can_be_cut_like_any_other() -> None:
    _, strip = encoded(("abc", RED), ("def", BLUE))
    left, right = strip.divide([2, 6])
    assert (left.text, right.text) == ("ab", "cdef")
    assert strip.crop(1, 4).text == "bcd"
    assert [segment.style for segment in strip] == [RED, BLUE]
    assert strip.divide([6]) == [strip]


# colours and glyphs


def test_every_agent_keeps_its_colour_and_neighbours_differ() -> None:
    colours = [agent_colour(agent) for agent in range(40)]
    assert colours == [agent_colour(agent) for agent in range(40)]
    assert len(set(colours)) == 40


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("dark", "ground"), [(True, "#1e1e1e"), (False, "#e0e0e0")])
def test_colours_of_agents_can_be_read_on_their_ground(dark: bool, ground: str) -> None:
    for agent in range(200):
        light, low = sorted((luminance(agent_colour(agent, dark)), luminance(ground)), reverse=True)
        assert (light + 0.05) / (low + 0.05) >= 3.5


def test_every_health_and_every_tone_has_a_glyph_one_cell_wide() -> None:
    assert set(glyphs.HEALTH) == set(Health)
    assert set(glyphs.HEALTH_TONE) == set(Health)
    drawn = {*glyphs.HEALTH.values(), *glyphs.NODE.values(), *glyphs.MEMBER.values(), *glyphs.EVENT.values()}
    assert all(cells(glyph) == 1 for glyph in drawn)
    assert len(set(glyphs.NODE.values())) == len(glyphs.NODE)
    assert len(set(glyphs.MEMBER.values())) == len(glyphs.MEMBER)


# placing


def test_agents_stand_in_cells_of_their_own_inside_the_drawing() -> None:
    for agents in (3, 60, 200):
        view = make.network_view(agents, 0)
        spots = place(view.layout, view.nodes, 90, 30).spots
        assert len(set(spots.values())) == agents
        assert all(0 <= x < 90 and 0 <= y < 30 for x, y in spots.values())


def test_names_overlap_neither_one_another_nor_agents() -> None:
    view = make.network_view(60, 0)
    placing = place(view.layout, view.nodes, 98, 38)
    taken = list(placing.spots.values())
    for x, y, words in placing.names.values():
        taken += [(x + at, y) for at in range(cells(words))]
    assert len(placing.names) > 50
    assert len(taken) == len(set(taken))


def test_names_are_left_out_where_they_would_crowd() -> None:
    view = make.network_view(60, 0)
    assert place(view.layout, view.nodes, 40, 10).names == {}


def test_members_of_a_cluster_stand_together() -> None:
    view = make.network_view(1000, 0)
    placing = place(view.layout, view.nodes, 98, 38)
    assert placing.gathered
    assert len(set(placing.spots.values())) == 1000
    assert [words for _, _, words in placing.heads][:2] == ["c1", "c2"]
    xs = [placing.spots[agent][0] for agent in view.layout.clusters[0][1]]
    assert max(xs) - min(xs) <= 16


def test_where_members_have_to_share_cells_each_is_in_one() -> None:
    view = make.network_view(1000, 0)
    placing = place(view.layout, view.nodes, 40, 12)
    assert len(placing.spots) == 1000
    assert (
        sum(len(crowd) for crowd in placing.crowds.values())
        + sum(spot not in placing.crowds for spot in placing.spots.values())
        == 1000
    )


def test_a_message_moves_with_time_and_a_lost_one_stops_half_way() -> None:
    message = make.network_view(5, 1).moving[0]
    there = msgspec.structs.replace(message, sent=0, due=100, lost=False)
    assert [progress(there, now) for now in (-5, 0, 25, 100, 150)] == [0, 0, 0.25, 1, 1]
    assert progress(msgspec.structs.replace(there, lost=True), 80) == 0.5
    assert progress(msgspec.structs.replace(there, due=0), 0) == 1


def test_arrows_go_to_the_nearest_agent_in_their_direction() -> None:
    spots = {0: (10, 5), 1: (14, 5), 2: (30, 5), 3: (10, 1), 4: (2, 6)}
    assert nearest_towards(spots, 0, "right") == 1
    assert nearest_towards(spots, 1, "right") == 2
    assert nearest_towards(spots, 0, "up") == 3
    assert nearest_towards(spots, 0, "left") == 4
    assert nearest_towards(spots, 2, "right") is None


# the agents pane


def test_columns_that_do_not_fit_are_left_out_from_the_right() -> None:
    widths = {"name": 5, "role": 4, "state": 8, "load": 6}
    columns = (Column("a", "alpha", width=8), Column("b", "beta", width=8))
    assert [field.title for field in lay_out(80, widths, columns)] == [
        "agent",
        "role",
        "state",
        "load",
        "alpha",
        "beta",
    ]
    assert [field.title for field in lay_out(40, widths, columns)] == ["agent", "role", "state", "load", "alpha"]
    assert [field.title for field in lay_out(12, widths, columns)] == ["agent"]


def test_a_load_bar_is_as_long_as_the_load() -> None:
    assert load_bar(0.0) == ("", "──────")
    assert load_bar(0.5) == ("━━━", "───")
    assert load_bar(0.55, 10) == ("━━━━━╸", "────")
    assert load_bar(7.0) == ("━━━━━━", "")


async def test_an_agent_is_a_line_with_glyph_name_and_state() -> None:
    pane = AgentsPane()
    async with bench(pane) as (_, pilot):
        pane.show(make.agents_view(12))
        await pilot.pause()
        lines = screen(pane.query_one(AgentsTable))
        assert lines[0].split()[:4] == ["agent", "role", "state", "load"]
        assert lines[1].startswith("▸● a-01")
        assert lines[8].split()[:4] == ["✕", "a-08", "peer", "crashed"]
        assert screen(pane)[0].startswith("┌ 1 Agents ─")


async def test_keys_choose_an_agent_and_enter_inspects_it() -> None:
    pane = AgentsPane()
    async with bench(pane) as (app, pilot):
        pane.show(make.agents_view(100))
        pane.focus()
        await pilot.press("down", "down", "up", "ctrl+end", "ctrl+home", "pagedown", "enter")
        chosen = [event.agent_id for event in told(app, AgentsPane.Selected)]
        assert chosen[:5] == [1, 2, 1, 99, 0]
        assert pane.selected == chosen[-1] > 10
        assert [event.agent_id for event in told(app, AgentsPane.Inspect)] == [pane.selected]


async def test_the_chosen_agent_stays_chosen_when_others_come_and_go() -> None:
    pane = AgentsPane()
    async with bench(pane) as (_, pilot):
        view = make.agents_view(30)
        pane.show(view)
        pane.select(20)
        pane.show(AgentsView(view.columns, view.rows[10:]))
        await pilot.pause()
        assert pane.selected == 20
        assert any(line.startswith("▸") and "a-21" in line for line in screen(pane.query_one(AgentsTable)))
        pane.show(AgentsView(view.columns, view.rows[:5]))
        assert pane.selected == 4


async def test_a_click_chooses_and_a_double_click_inspects() -> None:
    pane = AgentsPane()
    async with bench(pane) as (app, pilot):
        pane.show(make.agents_view(30))
        await pilot.pause()
        await pilot.click(AgentsTable, offset=(6, 4))
        assert pane.selected == 3
        await pilot.click(AgentsTable, offset=(6, 5), times=2)
        assert [event.agent_id for event in told(app, AgentsPane.Inspect)] == [4]


async def test_a_filter_keeps_matching_agents_and_says_how_many() -> None:
    pane = AgentsPane()
    async with bench(pane) as (_, pilot):
        pane.show(make.agents_view(40))
        pane.set_filter("CRASH")
        await pilot.pause()
        table = pane.query_one(AgentsTable)
        assert [line.split()[1] for line in screen(table)[1:] if line.strip()] == ["a-08"]
        assert "/CRASH  1 of 40" in screen(pane)[-1]
        pane.set_filter("nobody")
        assert "no agent matches" in screen(table)[1]
        pane.set_filter("")
        assert pane.selected == 0


async def test_only_lines_that_changed_are_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    pane = AgentsPane()
    async with bench(pane) as (_, pilot):
        view = make.agents_view(10)
        pane.show(view)
        await pilot.pause()
        refreshed: list[int] = []
        monkeypatch.setattr(AgentsTable, "refresh_lines", lambda _self, lines: refreshed.extend(lines))
        pane.show(make.agents_view(10))
        assert refreshed == []
        rows = list(view.rows)
        rows[3] = msgspec.structs.replace(rows[3], state="busy")
        pane.show(AgentsView(view.columns, tuple(rows)))
        assert refreshed == [4]


async def test_only_rows_in_sight_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    pane = AgentsPane()
    async with bench(pane) as (_, pilot):
        table = pane.query_one(AgentsTable)
        drawn: list[int] = []
        draw = table.draw_row

        def draw_and_note(index: int, width: int) -> Line:
            drawn.append(index)
            return draw(index, width)

        monkeypatch.setattr(table, "draw_row", draw_and_note)
        pane.show(make.agents_view(1000))
        await pilot.pause()
        assert len(set(drawn)) == table.room


async def test_the_bar_at_the_right_scrolls() -> None:
    pane = AgentsPane()
    async with bench(pane) as (_, pilot):
        pane.show(make.agents_view(200))
        await pilot.pause()
        table = pane.query_one(AgentsTable)
        await pilot.mouse_down(AgentsTable, offset=(table.size.width - 1, table.size.height - 1))
        await pilot.mouse_up(AgentsTable, offset=(table.size.width - 1, table.size.height - 1))
        assert table.at_end
        assert pane.selected == 0


# the network


def network_at(agents: int = 12, **options: Any) -> NetworkView:
    return make.network_view(agents, options.pop("moving", 0), **options)


async def test_agents_links_and_legend_are_drawn() -> None:
    pane = NetworkPane()
    async with bench(pane, size=(100, 30)) as (_, pilot):
        pane.show(network_at(moving=6))
        await pilot.pause()
        drawn = "\n".join(screen(pane))
        assert all(make.name_of(agent) in drawn for agent in range(12))
        assert {"✕", "◐", "○"} <= set(drawn)
        assert "push" in drawn
        assert any("⠁" <= c <= "⣿" for c in drawn)


async def test_a_spreading_rumour_is_seen_without_colour() -> None:
    pane = NetworkPane()
    async with bench(pane, size=(100, 30)) as (_, pilot):
        counts = []
        for tick in (0, 30, 80):
            pane.show(network_at(20, tick=tick))
            await pilot.pause()
            counts.append("\n".join(screen(pane)).count("◉"))
        assert counts[0] < counts[1] < counts[2]


async def test_messages_move_and_only_their_lines_are_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    pane = NetworkPane()
    async with bench(pane, size=(100, 30)) as (_, pilot):
        view = network_at(4)
        message = make.network_view(4, 1).moving[0]
        a, b = 0, 2
        view = msgspec.structs.replace(
            view, moving=(msgspec.structs.replace(message, source=a, target=b, sent=0, due=100, lost=False),), now=40
        )
        pane.show(view)
        await pilot.pause()
        before = screen(pane)
        refreshed: list[int] = []
        monkeypatch.setattr(NetworkPane, "refresh_lines", lambda _self, lines: refreshed.extend(lines))
        pane.show(view)
        assert refreshed == []
        pane.show(msgspec.structs.replace(view, now=60))
        after = screen(pane)
        assert refreshed
        assert [y for y in range(30) if before[y] != after[y]] == sorted(refreshed)


async def test_a_lost_message_stops_half_way_and_fades() -> None:
    pane = NetworkPane()
    async with bench(pane, size=(100, 30)) as (_, pilot):
        view = network_at(4)
        one = msgspec.structs.replace(
            make.network_view(4, 1).moving[0], source=0, target=2, sent=0, due=100, lost=True, letter="z"
        )
        seen = []
        for now in (30, 60, 90):
            pane.show(msgspec.structs.replace(view, moving=(one,), now=now))
            await pilot.pause()
            canvas = "\n".join(line[:78] for line in screen(pane))
            seen.append(("z" in canvas, "✶" in canvas))
        assert seen == [(True, False), (False, True), (False, False)]
        assert "lost" in "\n".join(screen(pane))


async def test_a_partition_marks_the_links_it_cuts_and_is_told_below() -> None:
    pane = NetworkPane()
    async with bench(pane, size=(100, 30)) as (_, pilot):
        pane.show(network_at(8))
        await pilot.pause()
        whole = "".join(screen(pane))
        pane.show(network_at(8, split=True))
        await pilot.pause()
        split = "".join(screen(pane))
        assert "╳" in split
        assert "╳" not in whole
        assert "╎ cut {a-01…a-04} | {a-05…a-08}" in split


async def test_a_click_on_an_agent_tells_and_chooses_it() -> None:
    pane = NetworkPane()
    async with bench(pane, size=(100, 30)) as (app, pilot):
        pane.show(network_at(8))
        await pilot.pause()
        spots = place(network_at(8).layout, network_at(8).nodes, 80, 29).spots
        await pilot.click(NetworkPane, offset=spots[5])
        assert [event.agent_id for event in told(app, NetworkPane.AgentClicked)] == [5]
        assert pane.selected == 5
        await pilot.pause()
        assert "[" in "".join(screen(pane))
        assert "a-06 up" in screen(pane)[-1]


async def test_a_click_on_a_link_or_a_message_tells_which() -> None:
    pane = NetworkPane()
    async with bench(pane, size=(100, 30)) as (app, pilot):
        view = network_at(8)
        spots = place(view.layout, view.nodes, 100 - legend.WIDTH, 29).spots
        a, b = next((a, b) for a, b in view.layout.edges if abs(spots[a][0] - spots[b][0]) > 20)
        middle = ((spots[a][0] + spots[b][0] + 1) // 2, (spots[a][1] + spots[b][1] + 1) // 2)
        pane.show(view)
        await pilot.pause()
        await pilot.click(NetworkPane, offset=middle)
        (link,) = told(app, NetworkPane.LinkClicked)
        assert link.a < link.b
        assert (link.a, link.b) in view.layout.edges
        one = msgspec.structs.replace(
            make.network_view(8, 1).moving[0], number=77, source=a, target=b, sent=0, due=100, lost=False
        )
        pane.show(msgspec.structs.replace(view, moving=(one,), now=50))
        await pilot.pause()
        await pilot.click(NetworkPane, offset=middle)
        assert [event.number for event in told(app, NetworkPane.MessageClicked)] == [77]


async def test_arrow_keys_walk_the_network_and_enter_inspects() -> None:
    pane = NetworkPane()
    async with bench(pane, size=(100, 30)) as (app, pilot):
        pane.show(network_at(8))
        pane.focus()
        await pilot.pause()
        await pilot.press("left", "left", "enter")
        chosen = [event.agent_id for event in told(app, NetworkPane.Selected)]
        assert chosen[0] == 0
        assert len(chosen) == 2
        assert [event.agent_id for event in told(app, NetworkPane.Inspect)] == [chosen[1]]


async def test_a_thousand_agents_are_drawn_as_clusters() -> None:
    pane = NetworkPane()
    async with bench(pane, size=(120, 40)) as (_, pilot):
        view = network_at(1000, tick=40)
        pane.show(view)
        await pilot.pause()
        drawn = "\n".join(line[:100] for line in screen(pane))
        informed = sum(node.tone == "good" and node.health == Health.UP for node in view.nodes)
        assert drawn.count("●") == informed
        assert "c20" in drawn


async def test_agents_that_share_a_cell_are_a_shade() -> None:
    pane = NetworkPane()
    async with bench(pane, size=(60, 16)) as (_, pilot):
        pane.show(network_at(3000, tick=30))
        await pilot.pause()
        assert set("░▒▓") & set("".join(screen(pane)))


@pytest.mark.parametrize("size", [(1, 1), (12, 3), (40, 8), (91, 9)])
async def test_no_size_upsets_the_network(size: tuple[int, int]) -> None:
    pane = NetworkPane()
    async with bench(pane, size=size) as (_, pilot):
        for agents in (5, 300):
            pane.show(network_at(agents, moving=20, split=True))
            pane.selected = 3
            await pilot.pause()
            assert all(strip.cell_length == size[0] for strip in map(pane.render_line, range(size[1])))


# messages: faces, log


async def test_faces_turn_by_key_and_by_click_on_their_name() -> None:
    pane = MessagesPane()
    async with bench(pane) as (app, pilot):
        pane.show_network(network_at(8))
        pane.show_log(make.log_view(50))
        pane.focus()
        await pilot.pause()
        assert "2 Messages ─ network · sequence · log" in screen(pane)[0].replace("━", "─")
        await pilot.press("v")
        assert pane.face == "sequence"
        assert app.focused is pane.sequence
        await pilot.press("v")
        assert pane.face == "log"
        assert "push fact" in "".join(screen(pane.log_face))
        assert app.focused is pane.log_face
        column = screen(pane)[0].index("network")
        await pilot.click(MessagesPane, offset=(column + 2, 0))
        assert pane.face == "network"
        assert [event.face for event in told(app, MessagesPane.FaceChanged)] == ["sequence", "log", "network"]


async def test_the_log_follows_its_end_until_one_scrolls_up() -> None:
    pane = LogPane()
    async with bench(pane) as (app, pilot):
        pane.focus()
        pane.show(make.log_view(100))
        await pilot.pause()
        assert " a-21" in screen(pane)[-1]
        pane.show(make.log_view(200))
        top = pane.row_key(pane.top).index
        assert top == 200 - 24 + 1
        await pilot.press("up", "pageup")
        held = pane.row_key(pane.top).index
        assert not pane.following
        pane.show(make.log_view(260))
        assert pane.row_key(pane.top).index == held
        await pilot.press("ctrl+end")
        pane.show(make.log_view(300))
        assert pane.row_key(pane.top).index == 300 - 24 + 1
        assert told(app, LogPane.EventSelected)


async def test_a_chosen_event_stays_chosen_as_the_log_moves_on() -> None:
    pane = LogPane()
    async with bench(pane) as (app, pilot):
        pane.show(make.log_view(100, kept=50))
        await pilot.pause()
        await pilot.click(LogPane, offset=(10, 5))
        chosen = pane.chosen
        assert [event.index for event in told(app, LogPane.EventSelected)] == [chosen]
        pane.show(make.log_view(110, kept=50))
        assert pane.cursor is not None
        assert pane.row_key(pane.cursor).index == chosen
        pane.show(make.log_view(1000, kept=50))
        assert pane.cursor is None


async def test_only_log_lines_in_sight_are_put_into_words() -> None:
    pane = LogPane()
    async with bench(pane) as (_, pilot):
        pane.show(make.log_view(4096))
        await pilot.pause()
        view = make.log_view(4196)
        pane.show(view)
        await pilot.pause()
        assert view.lines.made < 200  # type: ignore[attr-defined]


async def test_a_filter_shows_matching_events_and_looks_at_each_once() -> None:
    pane = LogPane()
    async with bench(pane) as (_, pilot):
        pane.show(make.log_view(1000))
        pane.set_filter("LOST")
        for _ in range(10):
            await pilot.pause()
        expected = [index for index in range(1, 1001) if make.log_line(index).kind == "lost"]
        assert [pane.row_key(row).index for row in range(pane.rows)] == expected
        view = make.log_view(1010)
        pane.show(view)
        assert pane.rows == len(expected) + 1
        assert view.lines.made < 100  # type: ignore[attr-defined]
        pane.set_filter("")
        assert pane.rows == 1010


async def test_a_filter_keeps_up_when_all_lines_are_new() -> None:
    pane = LogPane()
    async with bench(pane) as (_, pilot):
        pane.show(make.log_view(500))
        pane.set_filter("crash 30%")
        for total in (20_000, 40_000):
            view = make.log_view(total)
            pane.show(view)
            assert view.lines.made < 700  # type: ignore[attr-defined]
        for _ in range(30):
            await pilot.pause()
        expected = [i for i in range(40_000 - 4095, 40_001) if make.log_line(i).kind == "command"]
        assert [pane.row_key(row).index for row in range(pane.rows)] == expected


async def test_going_back_in_time_starts_the_log_anew() -> None:
    pane = LogPane()
    async with bench(pane) as (_, pilot):
        pane.set_filter("lost")
        pane.show(make.log_view(300))
        await pilot.pause()
        pane.show(make.log_view(30))
        await pilot.pause()
        assert [pane.row_key(row).index for row in range(pane.rows)] == [4, 14, 24]


async def test_lost_events_are_marked_by_a_glyph() -> None:
    pane = LogPane()
    async with bench(pane) as (_, pilot):
        pane.show(LogView(lines=[make.log_line(4)], total=1))
        await pilot.pause()
        assert "✶ lost" in screen(pane)[0]


# the other panes


async def test_the_stage_shows_its_title_and_its_parts() -> None:
    pane = StagePane()
    async with bench(pane, size=(120, 16)) as (_, pilot):
        pane.show(make.stage_view())
        await pilot.pause()
        assert "3 Who knows what" in screen(pane)[0]
        first = pane.children[0].render_line(0).text
        assert "informed" in first
        assert "rounds" in first


async def test_a_heading_and_a_corner_are_drawn_when_they_change() -> None:
    """`screen` reads what would be drawn; here it is asked what is drawn anew."""
    pane = StagePane()
    async with bench(pane, size=(60, 10)) as (_, pilot):
        await pilot.pause()
        pane._repaint_regions.clear()
        pane.heading = "another heading"
        assert pane._repaint_regions == {Region(0, 0, 60, 1)}
        pane._repaint_regions.clear()
        pane.corner = "a corner"
        assert pane._repaint_regions == {Region(0, 9, 60, 1)}


async def test_metrics_are_aligned_and_the_chosen_one_explained() -> None:
    pane = MetricsPane()
    async with bench(pane) as (_, pilot):
        pane.show(make.metrics_view())
        pane.focus()
        await pilot.press("down")
        lines = screen(pane.children[0])
        assert lines[-1].strip() == "rounds until everybody knows"
        assert lines[0].index("┈┈ theory") == lines[1].index("┈┈ theory")
        assert "80.9" not in lines[1]


def test_a_course_is_drawn_from_nothing_when_that_is_near() -> None:
    def first_dot(*series: float) -> int:
        (cell, _), *_ = draw_course(series, (), 1)
        return (ord(cell) - 0x2800) & 0x47  # the left column of the cell

    assert first_dot(1.9, 4.0) == 0x04  # the third row: 1.9 of 4, from nothing
    assert first_dot(2.1, 4.0) == 0x40  # the lowest row
    assert draw_course((), (), 3) == [("···", "faint")]


async def test_narration_keeps_the_newest_sentence_in_sight() -> None:
    pane = NarrationPane()
    async with bench(pane, size=(40, 12)) as (_, pilot):
        pane.show(make.narration(30))
        await pilot.pause()
        lines = screen(pane.children[0])
        assert "Everybody knows." in "".join(lines[-2:])
        pane.show((*make.narration(30), NarrationLine(60_000_000, "word " * 30, "bad")))
        await pilot.pause()
        body = pane.children[0]
        assert isinstance(body, LineList)
        lines = screen(body)
        assert any(line.split()[:2] == ["60.0", "✗"] for line in lines)
        assert max(map(len, lines)) <= 38


def said(width: int, **options: Any) -> str:
    paused = options.pop("paused", False)
    return "".join(text for text, _ in compose_status(make.status(**options), "4×", paused, width))


def test_the_status_line_says_everything_where_there_is_room() -> None:
    line = said(120)
    for words in ("gossip", "40 agents · small world", "seed 7", "t 184.20s", "41,208 events", "▶ 4×", "✓ 4", "✗ 0"):
        assert words in line


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_the_status_line_is_as_wide_as_the_screen(width: int) -> None:
    for options in ({}, {"paused": True}, {"broken": 2}, {"over": "everybody knows"}):
        line = said(width, **options)
        assert cells(line) <= width or width < 60
        assert "gossip" in line or width < 60


def test_what_is_broken_is_never_left_out() -> None:
    assert "✗ 1 broken: agreement" in said(130, broken=1)
    assert "✗ 1" in said(60, broken=1)


def test_the_status_line_says_when_it_is_paused_or_over() -> None:
    assert "‖ paused" in said(80, paused=True)
    assert "■ done: everybody knows" in said(150, over="everybody knows")


async def test_the_inspector_shows_state_timers_mail_and_events() -> None:
    inspector = Inspector()
    async with bench(inspector, size=(100, 44)) as (_, pilot):
        inspector.show(make.inspection())
        await pilot.pause()
        drawn = screen(inspector)
        assert "a-04" in drawn[0]
        assert "cut from a-21…a-40" in drawn[0]
        assert any("◆ facts" in line for line in drawn)
        assert any("reputation" in line and "◆" not in line for line in drawn)
        assert any("retry m41" in line for line in drawn)
        assert any("✶ will not arrive" in line for line in drawn)
        assert any("deliver" in line for line in drawn)


async def test_the_inspector_folds_and_remembers_it() -> None:
    inspector = Inspector()
    async with bench(inspector, size=(100, 44)) as (_, pilot):
        inspector.show(make.inspection())
        inspector.focus()
        await pilot.press("down", "left")
        assert not any("f1  dict" in line for line in screen(inspector))
        inspector.show(make.inspection())
        assert not any("f1  dict" in line for line in screen(inspector))
        await pilot.press("right", "down", "space")
        assert any("the bridge is closed”" in line and "text" in line for line in screen(inspector))


async def test_a_pane_shows_its_focus_in_more_than_colour_and_can_be_zoomed() -> None:
    first, second = AgentsPane(), MetricsPane()
    async with bench(first, second) as (_, pilot):
        first.focus()
        await pilot.pause()
        assert screen(first)[0].startswith("┏ 1 Agents")
        assert screen(second)[0].startswith("┌ 4 Metrics")
        second.focus()
        await pilot.pause()
        assert screen(first)[0].startswith("┌")
        second.zoomed = True
        assert second.has_class("-zoomed")


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark"])
async def test_a_theme_changes_the_inks_of_what_is_drawn(theme: str) -> None:
    pane = AgentsPane()
    async with bench(pane) as (app, pilot):
        pane.show(make.agents_view(5))
        await pilot.pause()
        app.theme = "nord"
        await pilot.pause()
        app.theme = theme
        await pilot.pause()
        name = next(s for s in pane.query_one(AgentsTable).render_line(2) if "a-02" in s.text)
        assert name.style is not None
        assert name.style.color is not None
        kind = BUILTIN_THEMES[theme]
        assert name.style.color.name == (ansi_colour(1) if kind.ansi else agent_colour(1, kind.dark))


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (20, 5), (60, 18)])
async def test_no_size_upsets_a_pane(size: tuple[int, int]) -> None:
    panes: list[Drawing] = [AgentsPane(), StagePane(), MetricsPane(), NarrationPane(), MessagesPane(), StatusLine()]
    for pane in panes:
        async with bench(pane, size=size) as (_, pilot):
            show_anything(pane)
            await pilot.pause()
            width, height = pane.outer_size
            lines = pane.render_lines(Region(0, 0, width, height))
            assert all(line.cell_length == cells(line.text) == width for line in lines)


def show_anything(pane: Widget) -> None:
    if isinstance(pane, AgentsPane):
        pane.show(make.agents_view(9))
    elif isinstance(pane, StagePane):
        pane.show(make.stage_view())
    elif isinstance(pane, MetricsPane):
        pane.show(make.metrics_view())
    elif isinstance(pane, NarrationPane):
        pane.show(make.narration(9))
    elif isinstance(pane, MessagesPane):
        pane.show_network(network_at(9))
        pane.show_log(make.log_view(9))
    elif isinstance(pane, StatusLine):
        pane.show(make.status(), "4×", False)


@pytest.mark.parametrize("kind", [LineList, NetworkPane, MessagesPane, Stage, Inspector])
def test_every_binding_has_an_id_of_its_own_and_says_what_it_does(kind: type[Widget]) -> None:
    bindings = [binding for binding in kind.BINDINGS if isinstance(binding, Binding)]
    assert len(bindings) == len(kind.BINDINGS)
    assert len({binding.id for binding in bindings}) == len(bindings)
    assert all(binding.id and binding.tooltip for binding in bindings)
