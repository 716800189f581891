"""The ShiViz log: it is parsed by the expression that it names, and its clocks say what happened before what."""

from __future__ import annotations

import io
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.branches import Mark
from app.export.shiviz import COMMANDS, write_log
from app.export.stretch import Stretch
from app.export.wish import Wish
from app.history import go_on
from app.tracefile import TraceWriter
from engine.simulation import Simulation
from tests.engine_fixtures import FAULTS, MS, Hive, hive, theatre

Happening = tuple[str, dict[str, int], str]
Act = tuple[int, str]
"""An event and who acted at it: its index, a name."""


def silent(share: float, words: str) -> None:
    """Nobody looks at the progress."""


def log_of(sim: Simulation, end: Mark, until: int | None = None) -> list[Happening]:
    """Host, clock and event of each entry of the log, found as ShiViz finds them; nothing may be left over."""
    file = io.StringIO()
    write_log(file, Stretch(sim, end), Wish("shiviz", "", until=until), silent)
    expression, delimiter, log = file.getvalue().split("\n", 2)
    assert delimiter == ""
    parser = re.compile(f"^{re.sub('[(][?]<(?=[a-z])', '(?P<', expression)}$", re.MULTILINE)
    found = list(parser.finditer(log))
    assert "".join(f"{one[0]}\n" for one in found) == log
    return [(one["host"], json.loads(one["clock"]), one["event"]) for one in found]


def marked(sim: Simulation) -> Mark:
    return Mark(sim.events, sim.now, sim.digest)


def before(one: dict[str, int], other: dict[str, int]) -> bool:
    """Whether the first clock is earlier than the second."""
    return one != other and all(count <= other.get(host, 0) for host, count in one.items())


def traced(sim: Simulation, until: int) -> tuple[list[dict[str, Any]], Mark]:
    """Every event and note of a run, by its trace, and where it ended."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        with TraceWriter(sim, str(path)) as trace:
            while go_on(sim, until, 500):
                trace.note()
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()], marked(sim)


def acts_of(lines: list[dict[str, Any]], sim: Simulation) -> tuple[list[Act], dict[Act, list[Act]]]:
    """Who acted when, in the order in which it happened, and which acts each of them comes right after; by the trace
    alone, but for what was still on its way at the end."""
    own: dict[int, Act] = {}
    acts: set[Act] = set()
    for line in lines:
        index = line["index"]
        if "note" in line:
            acts |= {(index, line["agent"])} if "agent" in line else set()
            continue
        if line["kind"] == "command":
            own[index] = (index, COMMANDS)
        elif line["kind"] in ("deliver", "timer", "start"):
            own[index] = (index, line["agent"])
        if "peer" in line:
            acts.add((line.get("cause", 0), line["peer"]))
    acts |= {(event[6], sim.names[event[3]]) for event in sim.calendar if event[3] < len(sim.names)}
    order = sorted(acts | set(own.values()), key=lambda act: (act[0], own.get(act[0]) != act, sim.ids.get(act[1], -1)))
    last: dict[str, Act] = {}
    sources: dict[Act, list[Act]] = {}
    sent = {
        line["index"]: (line["cause"], line["peer"]) for line in lines if line["kind"] == "deliver" and "cause" in line
    }
    for act in order:
        index, name = act
        sources[act] = [last[name]] if name in last else []
        if own.get(index) == act and index in sent:
            sources[act].append(sent[index])
        elif index in own and own[index] != act:
            sources[act].append(own[index])
        last[name] = act
    return order, sources


def check(make: Any, until: int) -> list[Happening]:
    """Hold the clocks of a run against what the trace of the same run says about what led to what."""
    sim = make()
    lines, end = traced(sim, until)
    order, sources = acts_of(lines, sim)
    log = log_of(make(), end)
    assert [host for host, _, _ in log] == [name for _, name in order]
    place = {act: number for number, act in enumerate(order)}
    earlier: list[int] = []  # a bit for each act that happened before
    for act in order:
        bits = 0
        for source in sources[act]:
            bits |= earlier[place[source]] | 1 << place[source]
        earlier.append(bits)
    for later, (_, clock, _) in enumerate(log):
        found = {number for number, (_, other, _) in enumerate(log) if before(other, clock)}
        assert found == {number for number in range(len(log)) if earlier[later] >> number & 1}
    return log


commands = st.lists(st.tuples(st.integers(0, 150), st.sampled_from(FAULTS)), max_size=12)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.integers(0, 1000), commands)
def test_one_event_happened_before_another_if_and_only_if_its_clock_is_smaller(
    agents: int, seed: int, given_commands: list[tuple[int, str]]
) -> None:
    def make() -> Simulation:
        sim = hive(agents, seed)
        for moment, command in sorted(given_commands):
            sim.schedule(command, at=moment * MS)
        return sim

    check(make, 160 * MS)


def test_every_host_counts_its_own_events_from_one_on() -> None:
    sim = hive(4, 3)
    sim.schedule("crash b-2", at=50 * MS)
    sim.schedule("restart b-2", at=80 * MS)
    sim.run(until=0.3)
    again = hive(4, 3)
    again.schedule("crash b-2", at=50 * MS)
    again.schedule("restart b-2", at=80 * MS)
    counts: dict[str, int] = {}
    for host, clock, _ in log_of(again, marked(sim)):
        counts[host] = counts.get(host, 0) + 1
        assert clock[host] == counts[host]
    assert counts[COMMANDS] == 2


def play(*script: tuple[int, str], until: int = 100) -> list[Happening]:
    def make() -> Simulation:
        sim = theatre()
        for moment, command in script:
            sim.schedule(command, at=moment * MS)
        return sim

    return check(make, until * MS)


def entry(log: list[Happening], host: str, words: str) -> dict[str, int]:
    return next(clock for one, clock, event in log if one == host and words in event)


def test_a_message_carries_the_clock_of_its_sending() -> None:
    log = play((1, "send p-1 p-2 hello"), (20, "send p-2 p-3 bye"))
    sent, taken = entry(log, "p-1", "acts"), entry(log, "p-2", "hello")
    assert before(sent, taken)
    assert not before(sent, entry(log, "p-3", "start"))
    assert before(taken, entry(log, "p-3", "bye"))
    assert before(entry(log, COMMANDS, "send p-1"), sent)


def test_mail_for_a_frozen_agent_counts_when_it_is_taken() -> None:
    log = play((1, "freeze p-2"), (2, "send p-1 p-2 hello"), (40, "thaw p-2"))
    assert [event for host, _, event in log if host == "p-2" and "hello" in event] == ["40ms deliver from p-1: hello"]
    assert before(entry(log, "p-2", "thaw"), entry(log, "p-2", "hello"))
    assert not before(entry(log, "p-1", "acts"), entry(log, "p-2", "thaw"))


def test_what_nobody_took_is_an_event_of_nobody() -> None:
    log = play((1, "crash p-2"), (2, "send p-1 p-2 hello"), (20, "partition p-1 | p-3"), (21, "send p-1 p-3 psst"))
    assert not [event for host, _, event in log if host in ("p-2", "p-3") and ("hello" in event or "psst" in event)]
    assert before(entry(log, COMMANDS, "crash"), entry(log, "p-2", "crash"))


def test_names_with_spaces_become_hosts_without() -> None:
    class Odd(Hive):
        def population(self) -> list[tuple[str, str]]:
            return [("a b", "bee"), ("a_b", "bee"), (COMMANDS, "bee")]

    def make() -> Simulation:
        params = Hive.Params(agents=3)
        return Simulation(Odd(params), 1)

    sim = make()
    sim.run_to(50 * MS)
    log = log_of(make(), marked(sim))
    assert {host for host, _, _ in log} == {"a_b", "a_b_", f"{COMMANDS}_"}


def test_the_log_ends_where_it_is_told_to() -> None:
    sim = hive(3, 2)
    sim.run_to(200 * MS)
    log = log_of(hive(3, 2), marked(sim), until=90 * MS)
    whole = log_of(hive(3, 2), marked(sim))
    assert 0 < len(log) < len(whole)
    assert whole[: len(log)] == log
