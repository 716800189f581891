"""Invariants: checked as the run goes; a broken one says when and by which event, once."""

from __future__ import annotations

from typing import Any

import pytest

from engine.events import Event
from engine.scenario import InvariantSpec
from engine.simulation import Simulation
from engine.views import Health
from tests.engine_fixtures import MS, Puppet, Theatre, TheatreParams, heard, hive, picture, puppet, theatre


class Watched(Theatre):
    """Nobody may be called names, which is checked after each event."""

    invariants = (
        InvariantSpec("polite", "safety", "nobody hears a rude word", "rude"),
        InvariantSpec("counted", "safety", "fewer than a thousand events", "count"),
    )

    def rude(self, sim: Simulation, event: Event, memory: dict[Any, Any]) -> str:
        words = [entry[3] for agent in sim.agents if isinstance(agent, Puppet) for entry in agent.log if len(entry) > 3]
        if "bug" in words:
            raise LookupError("no such word")
        return "a rude word" if "rude" in words else ""

    def count(self, sim: Simulation, event: Event, memory: dict[Any, Any]) -> str:
        memory.setdefault("kinds", []).append(event[4])
        return ""


def watched() -> Simulation:
    return Simulation(Watched(TheatreParams(agents=3, latency=0.001, latency_model="constant")), 1)


def report(sim: Simulation, name: str) -> dict[str, Any]:
    return next(one for one in sim.invariants() if one["name"] == name)


def test_a_report_says_all_about_each() -> None:
    assert theatre(2).invariants() == [
        {"name": "no scandal", "kind": "safety", "holds": True, "detail": ""},
        {"name": "somebody famous", "kind": "liveness", "holds": False, "detail": "nobody is famous"},
    ]


def test_liveness_is_asked_when_somebody_asks() -> None:
    sim = theatre(2)
    puppet(sim, 1).fame = 1
    assert report(sim, "somebody famous")["holds"]
    puppet(sim, 1).fame = 0
    assert not report(sim, "somebody famous")["holds"]


def test_safety_is_checked_at_each_note_that_it_listens_to() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.note("quarrel", by="p-1")
    assert sim.invariants_kept.memory["no scandal"] == {}
    for number in range(3):
        sim.run(until=0.001 * (number + 1))
        sim.agent(0).ctx.note("scandal", by=f"p-{number}")
    assert report(sim, "no scandal") == {
        "name": "no scandal",
        "kind": "safety",
        "holds": False,
        "detail": "broken at 2ms by event 2: p-1 made a scandal",
    }
    broken = [note for note in sim.trace.notes if note.kind == "broken"]
    assert [(note.time, note.data) for note in broken] == [
        (2 * MS, {"invariant": "no scandal", "text": "p-1 made a scandal"})
    ]
    assert sim.invariants_kept.memory["no scandal"]["count"] == 2  # nobody asks again once it is broken


def test_safety_is_checked_after_each_event_and_each_command() -> None:
    sim = watched()
    sim.run(until=0)
    sim.agent(0).ctx.send(1, "kind")
    number = sim.agent(0).ctx.send(1, "kind")
    sim.agent(0).ctx.send(1, "rude")
    sim.apply(f"drop m{number}")
    sim.run(until=1)
    assert report(sim, "polite")["detail"] == "broken at 1ms by event 7: a rude word"
    event = sim.trace.event(7)
    assert event is not None and event.summary == "rude"
    kinds = sim.invariants_kept.memory["counted"]["kinds"]
    assert len(kinds) == sim.events == 7


def test_a_command_can_break_one() -> None:
    sim = watched()
    sim.run(until=0)
    sim.apply("tell p-2 rude")
    assert "by event 4" in report(sim, "polite")["detail"]


def test_it_is_checked_after_an_event_over_which_an_agent_fell() -> None:
    sim = watched()
    sim.run(until=0)
    puppet(sim, 1).log.append((0, "message", 0, "rude"))
    sim.agent(0).ctx.send(1, "stumble")
    sim.run(until=1)
    assert sim.health(1) == Health.FAILED
    assert "by event 4" in report(sim, "polite")["detail"]


@pytest.mark.parametrize("way", ["note", "event"])
def test_a_check_that_raises_says_so_and_no_agent_is_blamed(way: str) -> None:
    if way == "note":
        sim = theatre(2)
        sim.agent(0).ctx.note("scandal", by="p-1", bug=True)
        name, error = "no scandal", "KeyError: 'bug'"
    else:
        sim = watched()
        sim.run(until=0)
        sim.agent(0).ctx.send(1, "bug")
        sim.run(until=1)
        assert heard(sim, 1) == ["bug"]
        name, error = "polite", "LookupError: no such word"
    assert report(sim, name)["detail"].endswith(f": the check itself raised {error}")
    assert all(sim.health(agent.id) == Health.UP for agent in sim.agents)
    [broken] = [note for note in sim.trace.notes if note.kind == "broken"]
    assert "Traceback" in broken.data["traceback"]


def test_so_does_one_of_liveness() -> None:
    class Buggy(Theatre):
        def unknown(self, sim: Simulation) -> str:
            raise ZeroDivisionError("nobody to share with")

    sim = Simulation(Buggy(), 1)
    assert report(sim, "somebody famous") == {
        "name": "somebody famous",
        "kind": "liveness",
        "holds": False,
        "detail": "the check itself raised ZeroDivisionError: nobody to share with",
    }


def test_going_back_mends_what_was_not_broken_then() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.note("scandal", by="p-1")
    checkpoint = sim.checkpoint()
    sim.agent(0).ctx.note("scandal", by="p-2")
    assert not report(sim, "no scandal")["holds"]
    sim.restore(checkpoint)
    assert report(sim, "no scandal")["holds"]
    sim.agent(0).ctx.note("scandal", by="p-3")
    assert "p-3" in report(sim, "no scandal")["detail"]


def test_it_does_not_matter_how_a_run_is_cut() -> None:
    whole, stepped = hive(), hive()
    whole.run(events=1_500)
    while stepped.events < 1_500:
        stepped.step()
    assert whole.invariants_kept.broken.keys() == {"not too sweet"}
    assert picture(whole) == picture(stepped)
