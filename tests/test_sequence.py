"""The sequence diagram: what the view holds, who gets a lane, what stands in a row, and how one looks around in it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.events import Kind
from engine.framing import Framer
from engine.sequence import ITEMS, LANES, sequence
from engine.simulation import Simulation
from engine.views import Fate, Health, SequenceArrow, SequenceItem, SequenceLane, SequenceMark, SequenceView
from tests.engine_fixtures import MS, S, hive, theatre
from tests.test_widgets import bench, screen, told
from widgets.messages import MessagesPane
from widgets.sequence import SequencePane
from widgets.text import cells
from widgets.weaving import LEAST, Sheet, choose, fitting, label, left_of, shorten

# --- the view -------------------------------------------------------------------------------------


def sent(sim: Simulation, source: int, target: int, message: object) -> None:
    sim.agent(source).ctx.send(target, message)


def arrows(view: SequenceView) -> list[SequenceArrow]:
    return [item for item in view.items if isinstance(item, SequenceArrow)]


def marks(view: SequenceView) -> list[SequenceMark]:
    return [item for item in view.items if isinstance(item, SequenceMark)]


def test_a_message_is_an_arrow_from_its_sender_to_its_receiver() -> None:
    sim = theatre(3)
    sent(sim, 0, 2, ("vote", 7))
    on_its_way = arrows(sequence(sim, 0))
    assert [(one.fate, one.index) for one in on_its_way] == [("moving", 0)]
    sim.run(until=1)
    [one] = arrows(sequence(sim, 0))
    assert (one.sender, one.receiver, one.kind, one.summary) == ("p-1", "p-3", "vote", "vote 7")
    assert one.fate == "arrived" and one.sent < one.time and one.number == on_its_way[0].number


def test_a_lost_message_says_why() -> None:
    sim = theatre(3)
    sim.apply("crash p-2")
    sent(sim, 0, 1, "hello")
    sim.apply("partition p-1,p-2 | p-3")
    sent(sim, 0, 2, "hello")
    sim.run(until=1)
    said = {one.receiver: (one.fate, one.reason) for one in arrows(sequence(sim, 0))}
    assert said == {"p-2": ("dropped", "p-2 is down since 0.0s"), "p-3": ("cut", "stopped by a partition")}


def test_a_lane_is_down_from_the_crash_to_the_restart() -> None:
    sim = theatre(2)
    sim.apply("crash p-2")
    crash = sim.events
    [_, lane] = sorted(sequence(sim).lanes, key=lambda one: one.id)
    assert lane.down == ((crash, 0),) and lane.health == Health.CRASHED
    sim.apply("restart p-2")
    [_, lane] = sorted(sequence(sim).lanes, key=lambda one: one.id)
    assert lane.down == ((crash, sim.events),)


def test_starts_timers_commands_and_notes_are_marks() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.set_timer("tick", MS)
    sim.run(until=1)
    sim.apply("crash p-1")
    happened = [(mark.kind, mark.agent) for mark in marks(sequence(sim))]
    assert ("start", 0) in happened and ("start", 1) in happened and ("timer", 0) in happened
    assert happened[-2:] == [("command", -1), ("crash", 0)]


def test_the_view_is_bounded_and_in_order() -> None:
    sim = hive(6)
    sim.run(events=6_000)
    view = sequence(sim, 0)
    happened = [(item.index, item.serial if isinstance(item, SequenceMark) else 0) for item in view.items if item.index]
    assert happened == sorted(happened)
    assert len(happened) == ITEMS
    assert happened[-1][0] == sim.events


def test_of_many_agents_the_watched_one_and_its_correspondents_come_first() -> None:
    sim = theatre(60)
    sim.run(until=1)
    for _ in range(3):
        sent(sim, 40, 50, "often")
    sent(sim, 55, 40, "once")
    sent(sim, 2, 3, "elsewhere")
    sim.run(until=2)
    view = sequence(sim, 40)
    assert len(view.lanes) == LANES and view.agents == 60
    assert [lane.id for lane in view.lanes[:3]] == [40, 50, 55]
    assert view.chosen == (40,)


def test_a_filter_leaves_lanes_only_to_agents_with_the_text() -> None:
    sim = theatre(30)
    sent(sim, 10, 3, "hello")
    sim.run(until=1)
    view = sequence(sim, 0, "P-1")
    names = {lane.name for lane in view.lanes}
    assert names == {"p-1", *(f"p-{number}" for number in range(10, 20))}
    assert [one.receiver for one in arrows(view)] == ["p-4"]  # from p-11, whose every message is shown
    assert sequence(sim, 0, "nobody").lanes == ()


def test_the_framer_makes_it_only_when_asked() -> None:
    framer = Framer(theatre(2))
    assert framer.frame({"log"}).sequence is None
    framer.watched = 1
    view = framer.frame({"sequence"}).sequence
    assert view is not None and view.chosen == (1,)


def test_a_held_message_waits() -> None:
    sim = theatre(2)
    sim.apply("freeze p-2")
    sent(sim, 0, 1, "hello")
    sim.run(until=1)
    [one] = arrows(sequence(sim))
    assert (one.fate, one.reason) == ("held", "p-2 is frozen: it waits")
    assert {event[4] for event in sim.trace.ring if event and event[5] == "hello"} == {Kind.HELD}


# --- lanes and rows -------------------------------------------------------------------------------


def lane(number: int, name: str = "", **more: object) -> SequenceLane:
    return SequenceLane(number, name or f"r{number}", Health.UP, **more)  # type: ignore[arg-type]


def arrow(
    index: int, source: int, target: int, *, time: int = 0, cause: int | None = None, fate: Fate = "arrived"
) -> SequenceArrow:
    return SequenceArrow(
        index=index,
        time=time or index * S,
        number=index or 99,
        source=source,
        target=target,
        sender=f"r{source}",
        receiver=f"r{target}",
        kind="vote",
        summary=f"vote view=0 seq={index}",
        sent=(time or index * S) - 12 * MS,
        cause=cause,
        fate=fate,
        reason="lost on the link" if fate == "lost" else "",
    )


def timer(index: int, agent: int, cause: int | None = None) -> SequenceMark:
    return SequenceMark(index, 0, index * S, agent, f"r{agent}", "timer", "tick", cause)


def view(
    items: Sequence[SequenceItem], lanes: Sequence[SequenceLane] | int = 4, chosen: tuple[int, ...] = (), now: int = 0
) -> SequenceView:
    lanes = [lane(number) for number in range(lanes)] if isinstance(lanes, int) else lanes
    last = max((item.index for item in items), default=0)
    return SequenceView(tuple(lanes), tuple(items), chosen, len(lanes), last, now or last * S)


def sheet(shown: SequenceView, width: int = 80) -> Sheet:
    return Sheet(shown, choose(shown, width), width)


def texts(one: Sheet, path: Sequence[int] = ()) -> list[str]:
    emphasis = one.emphasis(path)
    return ["".join(text for text, _ in one.draw(row, emphasis)).rstrip() for row in range(len(one.rows))]


def test_arrows_go_from_lane_to_lane_with_their_words_and_how_long_they_took() -> None:
    shown = sheet(view([arrow(1, 0, 2), arrow(2, 3, 0)]))
    first, second = texts(shown)
    assert first.index("▶") == shown.column[2] - 1 and first[shown.column[0]] == "├" and "12ms" in first
    assert second.index("◀") == shown.column[0] + 1 and second[shown.column[3]] == "┤"


def test_time_stands_only_where_it_changes_and_one_instant_shares_a_row() -> None:
    at = 5 * S
    shown = texts(sheet(view([arrow(1, 0, 1, time=at), arrow(2, 2, 3, time=at), arrow(3, 0, 1, time=at)])))
    assert len(shown) == 2
    assert shown[0].count("▶") == 2 and shown[0].strip().startswith("5.000")
    assert "5.000" not in shown[1]


def test_what_another_event_of_the_instant_led_to_stands_below_it() -> None:
    at = 5 * S
    shown = texts(sheet(view([arrow(1, 0, 1, time=at), arrow(2, 2, 3, time=at, cause=1)])))
    assert len(shown) == 2


def test_a_lost_message_ends_on_its_way_with_the_reason() -> None:
    [row] = texts(sheet(view([arrow(1, 0, 1, fate="lost")])))
    assert "✶" in row and "▶" not in row and "│ lost on the link" in row


def test_a_crashed_lane_is_broken_from_the_crash_on() -> None:
    lanes = [lane(0), lane(1, down=((2, 4),)), lane(2)]
    one = sheet(view([timer(index, 0) for index in range(1, 6)], lanes))
    assert [row[one.column[1]] for row in texts(one)] == ["│", "╎", "╎", "│", "│"]


def test_an_agent_has_no_lane_before_it_joins() -> None:
    one = sheet(view([timer(index, 0) for index in range(1, 4)], [lane(0), lane(1, born=2)]))
    assert [row.ljust(80)[one.column[1]] for row in texts(one)] == [" ", "│", "│"]


def test_an_arrow_to_an_agent_without_a_lane_names_it() -> None:
    lanes = [lane(0), lane(1)]
    shown = texts(sheet(view([arrow(1, 0, 9), arrow(2, 9, 0), arrow(3, 1, 9)], lanes, chosen=(0,))))
    assert len(shown) == 2  # the third concerns nobody who was chosen
    assert shown[0].rstrip(" │").endswith("▶ r9")
    assert "◀" in shown[1] and "r9" in shown[1]


def test_a_path_of_causes_is_heavy_from_the_lane_where_it_began() -> None:
    items = [timer(1, 0), arrow(2, 1, 2), arrow(3, 0, 2, cause=1), arrow(4, 2, 3, cause=3)]
    one = sheet(view(items))
    shown = texts(one, path=(1, 3, 4))
    assert shown[1][one.column[0]] == "┃"  # down the sender's lane
    assert "━" in shown[2] and "━" in shown[3] and "━" not in shown[1]
    assert shown[3][one.column[2]] == "┣"
    assert not any(set("━┃┣") & set(row) for row in texts(one))


def test_as_many_lanes_as_fit_and_those_shown_stay() -> None:
    lanes = tuple(lane(number) for number in (9, 8, 7, 6, 5, 4, 3, 2, 1, 0))
    crowd, width = replace(view([]), lanes=lanes), 45
    assert fitting(width, left_of(crowd)) == 4
    assert [one.id for one in choose(crowd, width)] == [6, 7, 8, 9]
    assert [one.id for one in choose(crowd, width, shown=(5, 4, 3, 0))] == [4, 5, 8, 9]


@pytest.mark.parametrize("seconds", [1, 999, 1_000, 97_110, 1_000_000])
def test_the_whole_time_is_read_whatever_stands_beside_it(seconds: int) -> None:
    moment = seconds * S
    one = sheet(replace(view([replace(timer(1, 0), time=moment)]), now=moment))
    (row,) = texts(one, path=(1,))
    assert row.split("▐")[0] == f" {seconds:,}.000".rjust(max(9, len(f"{seconds:,}.000") + 1))
    assert row[0] == " "  # where the cursor comes


def test_an_agent_that_has_left_is_not_taken_for_one_that_has_crashed() -> None:
    gone = replace(view([timer(1, 0)]), lanes=(replace(lane(0), health=Health.CRASHED, gone=True),))
    (line,) = [Sheet(gone, gone.lanes, 60).head()]
    text = "".join(words for words, _ in line)
    assert "▽" in text and "✕" not in text


def test_words_of_one_value_are_one_value() -> None:
    assert label(replace(arrow(1, 0, 1), kind="refusal", summary="refusal task=t-10 house=0 reason=is busy"), 40) == (
        "refusal(t-10,0,is busy)"
    )


def test_names_keep_the_number_that_tells_them_apart() -> None:
    assert shorten("contractor-12", 8) == "contr…12"
    assert shorten("c-12", 8) == "c-12"


def test_a_label_says_as_much_as_there_is_room_for() -> None:
    one = arrow(7, 0, 1)
    assert [label(one, room) for room in (20, 8, 7, 3, 1)] == ["vote(0,7)", "vote(0)", "vote(0)", "vo…", ""]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_row_is_exactly_as_wide_as_the_pane(data: st.DataObject) -> None:
    agents = data.draw(st.integers(1, 12))
    fates = st.sampled_from(["arrived", "lost", "cut", "dropped", "held"])
    ends = st.integers(0, agents + 1)
    items: list[SequenceItem] = []
    time = 0
    for index in range(1, data.draw(st.integers(1, 20))):
        time += data.draw(st.sampled_from([0, 1, S]))
        if data.draw(st.booleans()):
            items.append(arrow(index, data.draw(ends), data.draw(ends), time=time or 1, fate=data.draw(fates)))
        else:
            items.append(SequenceMark(index, 0, time, data.draw(st.integers(-1, agents - 1)), "r", "timer", "語" * 9))
    items.append(arrow(0, data.draw(ends), data.draw(ends), time=time + S, fate="moving"))
    width = data.draw(st.integers(12, 130))
    one = sheet(view(items, agents, chosen=(0,), now=time + S // 2), width)
    emphasis = one.emphasis(range(20), None)
    for row in range(len(one.rows)):
        assert sum(cells(text) for text, _ in one.draw(row, emphasis)) == width
    assert sum(cells(text) for text, _ in one.head()) == width
    assert all(b - a >= LEAST for a, b in zip(one.column.values(), list(one.column.values())[1:], strict=False))


# --- the pane -------------------------------------------------------------------------------------


def many(first: int, last: int) -> SequenceView:
    return view([arrow(index, index % 4, (index + 1) % 4, cause=index - 1 or None) for index in range(first, last)])


def drawn(pane: SequencePane) -> str:
    return "\n".join(screen(pane))


async def test_it_follows_the_end_until_one_looks_back_and_then_stands_still() -> None:
    pane = SequencePane()
    async with bench(pane) as (_, pilot):
        pane.focus()
        pane.show(many(1, 100))
        await pilot.pause()
        assert "99.000" in drawn(pane)
        pane.show(many(50, 150))
        assert "149.000" in drawn(pane)
        await pilot.press("pageup", "pageup")
        held = screen(pane)[1]
        pane.show(many(60, 160))
        assert screen(pane)[1] == held
        pane.show(many(600, 700))  # nothing of what is in sight is left in it
        assert screen(pane)[1] == held
        await pilot.press("escape")
        pane.show(many(601, 701))
        assert "700.000" in drawn(pane)


async def test_arrows_select_and_the_last_line_tells_all_about_it() -> None:
    pane = SequencePane()
    async with bench(pane, size=(100, 24)) as (app, pilot):
        pane.focus()
        pane.show(many(1, 10))
        await pilot.pause()
        await pilot.press("up", "up", "down", "up")
        assert pane.selected == 8
        assert [event.index for event in told(app, SequencePane.Selected)] == [9, 8, 9, 8]
        line = screen(pane)[-1]
        for word in ("#8", "vote", "r0 → r1", "sent 7.988s", "arrived 8.000s", "12ms", "by event 7"):
            assert word in line
        assert "━" in drawn(pane)
        await pilot.press("escape")
        assert pane.selected is None
        assert "━" not in drawn(pane)


async def test_a_click_selects_what_is_nearest() -> None:
    pane = SequencePane()
    async with bench(pane) as (_, pilot):
        pane.show(view([arrow(1, 0, 1, time=S), arrow(2, 2, 3, time=S)]))
        await pilot.pause()
        await pilot.click(SequencePane, offset=(pane._sheet.column[3], 1))
        assert pane.selected == 2


async def test_a_path_stays_heavy_until_escape() -> None:
    pane = SequencePane()
    async with bench(pane) as (_, pilot):
        pane.focus()
        pane.show(many(1, 10))
        await pilot.pause()
        pane.path = (4, 5)
        assert drawn(pane).count("▶") and "━" in drawn(pane)
        pane.show(many(1, 12))
        assert "━" in drawn(pane)
        await pilot.press("escape")
        assert "━" not in drawn(pane)


async def test_the_pane_says_how_many_agents_have_a_lane() -> None:
    pane = MessagesPane()
    async with bench(pane, size=(50, 20)) as (_, pilot):
        pane.show_sequence(view([arrow(1, 0, 1)], 12))
        pane.face = "sequence"
        await pilot.pause()
        assert pane.corner == f"{len(pane.sequence.lanes)} of 12 agents"
        assert 1 < len(pane.sequence.lanes) < 12
        await pilot.resize_terminal(140, 20)
        await pilot.pause()
        assert pane.corner == ""


async def test_home_and_end_are_left_to_the_timeline() -> None:
    keys = {key for binding in SequencePane.BINDINGS for key in binding.key.split(",")}  # type: ignore[union-attr]
    assert not keys & {"home", "end"}
    assert not {"home", "end"} & set(SequencePane()._bindings.key_to_bindings)


@pytest.mark.parametrize(("only", "words"), [("x", "no agent matches “x”"), ("", "nothing has happened yet")])
async def test_an_empty_diagram_says_why(only: str, words: str) -> None:
    pane = SequencePane()
    async with bench(pane):
        pane.show(SequenceView((), (), (), 0, 0, 0, only))
        assert words in drawn(pane)
