"""Frames: what panes may see of a run, made when they ask."""

from __future__ import annotations

from collections import namedtuple
from enum import Enum
from typing import Any

import pytest

from engine.framing import PARTS, SHOWN_MESSAGES, STORY_LINES, Framer, in_words, letters_for
from engine.simulation import Simulation
from engine.trace import CAPACITY
from engine.views import AgentRow, Health, MovingMessage, NarrationLine
from tests.engine_fixtures import MS, Do, Parcel, Theatre, TheatreParams, hive, picture, theatre


def stories(framer: Framer) -> list[str]:
    return [line.text for line in framer.narration()]


# --- frames ---------------------------------------------------------------------------------------


def test_a_frame_has_the_parts_that_were_asked_for() -> None:
    framer = Framer(hive())
    whole = framer.frame()
    assert all(getattr(whole, part) is not None for part in PARTS)
    for part in PARTS:
        frame = framer.frame([part])
        assert [one for one in PARTS if getattr(frame, one) is not None] == [part]
        assert frame.status == whole.status


def test_looking_changes_nothing() -> None:
    plain, watched = hive(), hive()
    framer = Framer(watched)
    plain.run(events=600)
    for _ in range(60):
        watched.run(events=10)
        framer.frame()
        framer.inspect(0)
    assert picture(watched) == picture(plain)


def test_the_status_line() -> None:
    sim = theatre(3, seed=9, topology="ring")
    framer = Framer(sim)
    status = framer.status()
    assert (status.scenario, status.title, status.seed) == ("theatre", "Puppet theatre", 9)
    assert (status.about, status.now, status.events) == ("3 agents · ring", 0, 3)
    assert (status.holding, status.broken, status.waiting) == (1, (), ("somebody famous",))
    assert status.over == "nothing is left to happen"
    for _ in range(2):
        sim.agent(0).ctx.note("scandal", by="p-1")
    sim.apply("leave p-3")
    status = framer.status("a test")
    assert (status.holding, status.broken, status.about) == (0, ("no scandal",), "a test")
    assert framer.status().about.startswith("2 agents")


def test_each_agent_has_a_row_until_it_leaves() -> None:
    sim = theatre(4)
    for command in ("crash p-1", "freeze p-2", "leave p-3", "byzantine p-4 liar", "join"):
        sim.apply(command)
    view = Framer(sim).agents()
    assert view.columns == ()
    assert [(row.id, row.name, row.role, row.health) for row in view.rows] == [
        (0, "p-1", "puppet", Health.CRASHED),
        (1, "p-2", "puppet", Health.FROZEN),
        (3, "p-4", "puppet", Health.BYZANTINE),
        (4, "p-5", "puppet", Health.UP),
    ]


def test_a_scenario_may_make_rows_of_its_own() -> None:
    class Proud(Theatre):
        def agent_row(self, sim: Simulation, agent: Any) -> AgentRow | None:
            return AgentRow(agent.id, agent.name, "star", Health.UP, "bows") if agent.id == 1 else None

    rows = Framer(Simulation(Proud(TheatreParams(agents=2)), 1)).agents().rows
    assert [(row.role, row.state) for row in rows] == [("puppet", "up"), ("star", "bows")]


# --- the network ----------------------------------------------------------------------------------


def test_what_moves_in_the_network() -> None:
    sim = theatre(3, latency=0.01)
    sim.apply("loss 100% p-1 > p-3")
    sim.agent(0).ctx.send(1, Parcel())
    sim.agent(0).ctx.send(2, ("plea", 1))
    sim.agent(1).ctx.set_timer("tea", 5 * MS)
    sim.run(until=0.004)
    sim.agent(1).ctx.request(0, "time?", timeout=9 * MS)
    view = Framer(sim).network()
    first, second, third = view.moving
    assert first == MovingMessage(
        number=4, source=0, target=1, kind="parcel", letter="p", sent=0, due=10 * MS, lost=False
    )
    assert (second.kind, second.letter, second.target, second.lost) == ("plea", "l", 2, True)
    assert (third.kind, third.letter, third.sent, third.due) == ("text", "t", 4 * MS, 14 * MS)
    assert view.kinds == (("p", "parcel", 1), ("l", "plea", 1), ("t", "text", 1))
    assert (view.moving_total, view.now) == (3, 4 * MS)
    sim.apply("drop m4")
    assert Framer(sim).network().moving[0].lost
    sim.run(until=1)
    assert Framer(sim).network().moving == ()


def test_only_so_many_messages_are_drawn() -> None:
    sim = theatre(2)
    for number in range(SHOWN_MESSAGES + 100):
        sim.agent(0).ctx.send(1, number)
    view = Framer(sim).network()
    assert (len(view.moving), view.moving_total) == (SHOWN_MESSAGES, SHOWN_MESSAGES + 100)
    assert view.kinds == (("i", "int", SHOWN_MESSAGES + 100),)
    numbers = [message.number for message in view.moving]
    assert numbers == sorted(numbers)  # the soonest


def test_mail_to_nobody_is_not_drawn() -> None:
    sim = theatre(2)
    for nobody in (99, -1, "p-2"):
        sim.agent(0).ctx.send(nobody, "hello")
    framer = Framer(sim)
    assert framer.network().moving == ()
    sim.run(until=1)
    assert list(framer.log().lines)
    assert framer.frame().agents is not None


def test_a_partition_in_the_drawing() -> None:
    sim = theatre(4)
    framer = Framer(sim)
    assert framer.network().cuts == ()
    assert {node.group for node in framer.network().nodes} == {0}
    sim.apply("partition p-1 | p-2,p-3,p-4")
    view = framer.network()
    assert view.cuts == ("{p-2…p-4} | {p-1}",)
    assert [node.group for node in view.nodes] == [1, 0, 0, 0]
    sim.apply("crash p-1")
    assert framer.network().cuts == ()  # nobody is cut from anybody who is up
    sim.apply("heal")
    assert framer.network().cuts == ()


def test_a_layout_is_kept_until_somebody_comes_or_goes() -> None:
    sim = theatre(4, topology="ring")
    framer = Framer(sim)
    first = framer.layout()
    sim.apply("crash p-1")
    assert framer.layout() is first
    checkpoint = sim.checkpoint()
    sim.apply("join")
    joined = framer.layout()
    assert joined.version > first.version
    assert len(joined.positions) == 5
    sim.restore(checkpoint)
    assert framer.layout().version > joined.version
    assert framer.layout().positions == first.positions


def test_kinds_have_letters_of_their_own() -> None:
    assert letters_for(["push", "pull", "push", "answer"]) == {"answer": "a", "pull": "p", "push": "u"}
    letters = letters_for(f"a{'b' * number}" for number in range(6))
    assert letters["a"] == "a" and letters["ab"] == "b" and letters["abb"] == "A"
    assert letters_for(["", "-x"]) == {"": "?", "-x": "x"}


# --- log and narration ----------------------------------------------------------------------------


def test_the_log_makes_lines_when_they_are_asked_for() -> None:
    sim = hive()
    sim.run(events=CAPACITY + 500)
    log = Framer(sim).log()
    assert log.total == sim.events
    notes = sum(note.index > sim.events - CAPACITY for note in sim.trace.notes)
    assert len(log.lines) == CAPACITY + notes
    last = log.lines[-1]
    assert log.lines[-1:] == [last]
    assert last.index == sim.events
    assert [line.index for line in log.lines] == sorted(line.index for line in log.lines)


def test_lines_of_the_log_have_a_tone() -> None:
    sim = theatre(3)
    sim.apply("loss 100% p-1 > p-3")
    sim.agent(0).ctx.send(1, "fine")
    sim.agent(0).ctx.send(2, "lost")
    sim.agent(0).ctx.set_timer("tea", 5 * MS)
    sim.run(until=0.01)
    sim.agent(0).ctx.note("heard", key="f1")
    sim.apply("crash p-3")
    lines = Framer(sim).log().lines
    tones = {f"{line.kind} {line.summary}".strip(): line.tone for line in lines}
    assert tones == {
        "start": "dim",
        "command loss 100% p-1 > p-3": "accent",
        "link loss 100% p-1 > p-3": "accent",
        "deliver fine": "plain",
        "lost lost": "bad",
        "timer tea": "dim",
        "heard key=f1": "accent",
        "command crash p-3": "accent",
        "crash": "bad",
    }
    delivered = next(line for line in lines if line.summary == "fine")
    timer = next(line for line in lines if line.kind == "timer")
    assert (delivered.agent, delivered.peer, timer.agent, timer.peer) == ("p-2", "p-1", "p-1", "")


@pytest.mark.parametrize(
    ("command", "story", "tone"),
    [
        ("crash p-1", "p-1 crashes: it loses all but its durable state.", "bad"),
        ("restart p-3", "p-3 is up again, with its durable state only.", "good"),
        ("freeze p-1", "p-1 freezes: alive, but it answers nothing.", "warn"),
        ("thaw p-4", "p-4 thaws, and finds its mail.", "good"),
        ("join", "p-5 joins.", "accent"),
        ("leave p-1", "p-1 leaves for good.", "plain"),
        ("byzantine p-1 mute", "p-1 misbehaves from now on: mute.", "bad"),
        ("byzantine p-1 honest", "p-1 is honest again.", "good"),
        ("partition p-1 | p-2,p-4", "The network splits: {p-2, p-4} | {p-1}.", "bad"),
        ("heal", "The network is whole again.", "good"),
        ("latency 5ms p-1 - p-2", "Links change: latency 5ms p-1 - p-2.", "accent"),
        ("tell p-1 stumble", None, ""),
    ],
)
def test_the_engine_has_stories_of_its_own(command: str, story: str | None, tone: str) -> None:
    sim = theatre(4)
    sim.apply("crash p-3")
    sim.apply("freeze p-4")
    if command == "heal":
        sim.apply("partition p-1 | p-2")
    elif "honest" in command:
        sim.apply("byzantine p-1 liar")
    framer = Framer(sim)
    before = len(framer.narration())
    if story is None:
        with pytest.raises(ValueError, match="stumbled"):
            sim.apply(command)
        return
    sim.apply(command)
    assert framer.narration()[before:] == (NarrationLine(0, story, tone, sim.events),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "kind", ["crash", "failed", "byzantine", "partition", "link", "broken", "refused", "join", "own"]
)
def test_notes_of_an_agent_may_have_the_same_kinds(kind: str) -> None:
    sim = theatre(2)
    sim.agent(0).ctx.note(kind, strange=7)
    framer = Framer(sim)
    assert len(framer.narration()) == (kind != "own")
    assert list(framer.log().lines)


def test_failures_refusals_and_broken_invariants_are_told() -> None:
    sim = theatre(3)
    framer = Framer(sim)
    sim.agent(0).ctx.send(1, "stumble")
    sim.run(until=0.01)
    for _ in range(2):
        sim.agent(0).ctx.note("scandal", by="p-1")
    with pytest.raises(Exception, match="no agent or role"):
        sim.apply("crash p-9")
    assert stories(framer) == [
        "p-2 fails with an error of its own: ValueError: stumbled",
        "Invariant no scandal is broken: p-1 made a scandal.",
        "A command could not be carried out: crash p-9: no agent or role matches 'p-9'; did you mean 'p-3'?",
    ]


def test_a_scenario_narrates_what_it_knows_better() -> None:
    sim = hive()
    framer = Framer(sim)
    sim.run(until=0.05)
    told = stories(framer)
    flowers = sum(note.kind == "flower" for note in sim.trace.notes)
    assert len(told) == flowers > 0
    assert all(text.endswith("visits a flower.") for text in told)
    sim.run(until=0.1)
    assert stories(framer)[: len(told)] == told


def test_the_story_goes_back_with_the_run() -> None:
    sim = theatre(3)
    framer = Framer(sim)
    sim.apply("crash p-1")
    checkpoint = sim.checkpoint()
    assert len(stories(framer)) == 1
    sim.apply("crash p-2")
    sim.apply("restart p-1")
    assert len(stories(framer)) == 3
    sim.restore(checkpoint)
    assert stories(framer) == ["p-1 crashes: it loses all but its durable state."]
    sim.apply("crash p-3")
    assert len(stories(framer)) == 2


def test_the_story_takes_another_course_even_if_nobody_looked_at_the_fork() -> None:
    sim = theatre(3)
    framer = Framer(sim)
    checkpoint = sim.checkpoint()
    sim.apply("crash p-1")
    assert stories(framer)[0].startswith("p-1 crashes")
    sim.restore(checkpoint)
    sim.apply("crash p-2")
    sim.apply("crash p-3")
    assert [text[:11] for text in stories(framer)] == ["p-2 crashes", "p-3 crashes"]


def test_the_story_is_bounded() -> None:
    sim = theatre(2)
    framer = Framer(sim)
    for _ in range(STORY_LINES):
        sim.apply("freeze p-1")
        sim.apply("thaw p-1")
    assert len(framer.narration()) == STORY_LINES
    for _ in range(CAPACITY):
        sim.agent(0).ctx.note("whisper")
    assert len(framer.narration()) == STORY_LINES  # what was told stays told


# --- one agent ------------------------------------------------------------------------------------


def test_everything_about_one_agent() -> None:
    sim = theatre(3, latency=0.005)
    sim.agent(0).ctx.send(1, "fame")
    sim.run(until=0.006)
    sim.agent(0).ctx.send(1, "on its way")
    sim.agent(1).ctx.set_timer("tea", 20 * MS)
    sim.agent(1).ctx.set_timer("cake", 30 * MS)
    sim.agent(1).ctx.send(2, "not its mail")
    found = Framer(sim).inspect(1)
    assert (found.row.name, found.row.health) == ("p-2", Health.UP)
    assert found.state["fame"] == 1
    assert found.state["log"] == [(0, "start"), (5 * MS, "message", 0, "fame")]
    assert found.durable == ("fame",)
    assert found.timers == (("cake", 36 * MS), ("tea", 26 * MS))
    assert [(mail.source, mail.due) for mail in found.mail] == [(0, 11 * MS)]
    assert found.senders == {0: "p-1"}
    assert [line.kind for line in found.events] == ["start", "deliver"]
    assert found.reach == ""


def test_whom_it_cannot_reach() -> None:
    sim = theatre(4)
    sim.apply("partition p-1 | p-2,p-3,p-4")
    assert Framer(sim).inspect(0).reach == "is cut from p-2…p-4"
    sim.apply("heal")
    sim.apply("partition p-1 > p-2,p-3,p-4")
    assert Framer(sim).inspect(0).reach == "cannot reach p-2…p-4"
    assert Framer(sim).inspect(2).reach == "hears nothing from p-1"


def test_one_that_has_left_can_still_be_looked_at() -> None:
    sim = theatre(3)
    sim.apply("leave p-2")
    assert Framer(sim).inspect(1).row.health == Health.CRASHED


class Colour(Enum):
    RED = 1


class Node:
    def __init__(self, parent: Node | None) -> None:
        self.parent = parent
        self.height = 0 if parent is None else parent.height + 1


def test_its_state_is_opened_as_far_as_people_look() -> None:
    sim = theatre(2)
    agent: Any = sim.agent(0)
    agent.parcel = {"inside": [Parcel(size=1)]}
    agent.point = namedtuple("Point", "x y")(1, Node(None))
    agent.colour = Colour.RED
    agent.kind = Parcel
    agent._secret = 1
    agent.chain = None
    for _ in range(2_000):
        agent.chain = Node(agent.chain)
    state = Framer(sim).inspect(0).state
    assert state["parcel"] == {"inside": [{"size": 1, "label": "plain"}]}
    assert state["point"] == {"x": 1, "y": {"parent": None, "height": 0}}
    assert (state["colour"], state["kind"]) == (Colour.RED, Parcel)
    assert "_secret" not in state
    assert state["chain"]["parent"]["height"] == 1_998
    assert "ctx" not in state and "rng" not in state


# --- figures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "percent", "words"),
    [
        (None, False, "–"),
        (float("nan"), False, "–"),
        (True, False, "yes"),
        (False, False, "no"),
        (1234567, False, "1,234,567"),
        (3.14159, False, "3.14"),
        (1234.5, False, "1,234.50"),
        (0.0, False, "0.00"),
        (0.00421, False, "0.0042"),
        (0.123456, True, "12.3%"),
        ("push", False, "push"),
    ],
)
def test_figures_in_words(value: Any, percent: bool, words: str) -> None:
    assert in_words(value, percent=percent) == words


def test_a_scenario_without_views_of_its_own_shows_its_figures_plainly() -> None:
    sim = hive(record=True)
    sim.run(until=0.5)
    honey, flowers = Framer(sim).frame(["metrics"]).metrics or ()
    assert (honey.name, honey.label, honey.help) == ("honey", "honey", "honey in the hive")
    assert honey.value == str(sim.metrics()["honey"])
    assert honey.series == ()
    assert flowers.series == sim.series["flowers"]
    sim.run(until=9.0)
    _, flowers = Framer(sim).frame(["metrics"]).metrics or ()
    assert 60 <= len(flowers.series) <= 130


def test_a_scenario_without_a_stage_says_what_it_teaches() -> None:
    stage = Framer(theatre(2)).stage()
    [words] = stage.parts
    assert [text for text, _ in words.lines] == [  # type: ignore[union-attr]
        "Nothing moves by itself.",
        "nobody, nowhere, 1900",
        "Try: Let one fall. watch it lie",
    ]


def test_messages_that_agents_send_each_other_in_orders_are_told_shortly() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.send(1, Do((("note", "x"),) * 9))
    assert Framer(sim).network().kinds == (("d", "do", 1),)
