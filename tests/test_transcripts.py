"""Transcripts: scripts of commands, each followed by what it says; `pytest --rewrite-transcripts` writes them anew.

A file in tests/transcripts begins with `scenario NAME parameter=value… seed=N`. Lines that start with `>` are given to
the run: commands in their own language; `run TIME` and `step N` to go on; `show agents`, `clocks`, `commands`, `cuts`,
`inspect AGENT`, `invariants`, `links`, `messages`, `metrics`, `timers` and `trace N` to look. The indented lines below
each are what came out. Comments start with `#`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from engine.commands import BUILTIN
from engine.describe import summary_of
from engine.duration import format_duration, parse_duration
from engine.errors import CommandError
from engine.framing import Framer, in_words
from engine.grammar import parse
from engine.scenario import Scenario
from engine.simulation import Simulation
from scenarios.auction.scenario import Auction
from scenarios.gossip.scenario import Gossip
from scenarios.launch import launch
from scenarios.pbft.scenario import Pbft
from scenarios.pow.scenario import ProofOfWork
from scenarios.scaling.scenario import Scaling
from tests.engine_fixtures import Hive, Theatre

FOLDER = Path(__file__).with_name("transcripts")
FILES = sorted(FOLDER.glob("*.txt"))
KINDS: dict[str, type[Scenario]] = {
    kind.name: kind for kind in (Theatre, Hive, Auction, Gossip, Pbft, ProofOfWork, Scaling)
}
TOLD = 12  # lines of narration that one command shows


class Player:
    """Plays one transcript."""

    def __init__(self, header: str) -> None:
        word, name, *settings = header.split()
        assert word == "scenario"
        given = dict(setting.split("=", 1) for setting in settings)
        seed = int(given.pop("seed", "0"))
        self.sim = launch(KINDS[name], given, seed)
        self.framer = Framer(self.sim)
        self.told = len(self.framer.narration())

    def play(self, line: str) -> Iterator[str]:
        """What one line says."""
        sim = self.sim
        verb, _, rest = line.partition(" ")
        if verb == "show":
            yield from self.show(*rest.split())
            return
        done = len(sim.commands)
        try:
            if verb == "run":
                sim.run_to(sim.now + parse_duration(rest))
            elif verb == "step":
                sim.run(events=int(rest))
            else:
                sim.apply(line)
        except CommandError as error:
            yield f"error: {error}"
        yield from (f"done: {command}" for command in sim.commands[done:])
        yield from self.news()
        if verb in ("run", "step"):
            yield f"now {format_duration(sim.now)}, {sim.events} events" + (f"; {sim.over}" if sim.over else "")

    def news(self) -> Iterator[str]:
        """What the narration says that it did not say before."""
        lines = self.framer.narration()[self.told :]
        self.told += len(lines)
        yield from (f"{format_duration(line.time)}  {line.text}" for line in lines[:TOLD])
        if len(lines) > TOLD:
            yield f"… and {len(lines) - TOLD} more"

    def show(self, what: str, detail: str = "") -> Iterator[str]:
        sim = self.sim
        nothing = True
        for line in getattr(self, f"show_{what}")(sim, detail):
            nothing = False
            yield line.rstrip()
        if nothing:
            yield "none"

    def show_agents(self, sim: Simulation, _: str) -> Iterator[str]:
        for row in self.framer.agents().rows:
            yield f"{row.name:6} {row.role:9} {row.health:10} {row.state}"

    def show_clocks(self, sim: Simulation, _: str) -> Iterator[str]:
        for agent in sim.alive():
            pace = f", takes {agent.ctx.slowness / 1000:g} times as long" if agent.ctx.slowness != 1000 else ""
            yield f"{agent.name:6} shows {agent.ctx.now / 1e6:g}s at {sim.seconds:g}s{pace}"

    def show_commands(self, sim: Simulation, _: str) -> Iterator[str]:
        yield from sim.commands

    def show_cuts(self, sim: Simulation, _: str) -> Iterator[str]:
        yield from self.framer.network().cuts

    def show_inspect(self, sim: Simulation, name: str) -> Iterator[str]:
        found = self.framer.inspect(sim.ids[name])
        for key, value in found.state.items():
            yield f"{key}{' (durable)' if key in found.durable else ''}: {value}"
        if found.reach:
            yield found.reach

    def show_invariants(self, sim: Simulation, _: str) -> Iterator[str]:
        for one in sim.invariants():
            state = "holds" if one["holds"] else "broken" if one["kind"] == "safety" else "not yet"
            yield f"{state}  {one['name']} ({one['kind']})  {one['detail']}"

    def show_links(self, sim: Simulation, _: str) -> Iterator[str]:
        yield f"usually {sim.network.usual}"
        for source, target in sorted(sim.network.links):
            yield f"{sim.names[source]} > {sim.names[target]} {sim.network.of(source, target)}"

    def show_messages(self, sim: Simulation, _: str) -> Iterator[str]:
        names = sim.names
        messages = {event[1]: event[5] for event in sim.calendar}
        for one in self.framer.network().moving:
            way = f"{names[one.source]} > {names[one.target]}"
            lost = ", and will not arrive" if one.lost else ""
            yield f"m{one.number}  {way}  {summary_of(messages[one.number])}  due at {format_duration(one.due)}{lost}"

    def show_metrics(self, sim: Simulation, _: str) -> Iterator[str]:
        yield from (f"{name} = {in_words(value)}" for name, value in sim.metrics().items())
        yield ", ".join(f"{count} {name}" for name, count in sim.messages.items())

    def show_timers(self, sim: Simulation, _: str) -> Iterator[str]:
        for agent in sim.agents:
            for name, event in agent.ctx.timers.items():
                yield f"{agent.name:6} {summary_of(name)} at {format_duration(event[0])}"

    def show_trace(self, sim: Simulation, count: str) -> Iterator[str]:
        for event in sim.trace.events()[-int(count) :]:
            peer = f" from {event.peer}" if event.peer and event.peer != event.agent else ""
            cause = f"  (because of {event.cause})" if event.cause and not event.note else ""
            what = f"{event.kind} {event.agent}{peer} {event.summary}".replace("  ", " ")
            yield f"{event.index:4} {format_duration(event.time):>8}  {'note ' if event.note else ''}{what}{cause}"


def played(text: str) -> str:
    """A transcript as it would be written today."""
    player: Player | None = None
    written = []
    for line in text.splitlines():
        if line.startswith("  "):
            continue  # what came out then
        written.append(line)
        if line.startswith("scenario "):
            player = Player(line)
        elif line.startswith("> "):
            assert player is not None, "a transcript begins with its scenario"
            written += [f"  {one}" for one in player.play(line[2:])]
    return "\n".join(written) + "\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_transcript(path: Path, request: pytest.FixtureRequest) -> None:
    text = path.read_text(encoding="utf-8")
    now = played(text)
    if request.config.getoption("--rewrite-transcripts"):
        path.write_text(now, encoding="utf-8")
    else:
        assert now == text


def entries() -> Iterator[tuple[type[Scenario], str, bool]]:
    """Each command of all transcripts: its scenario, its text, and whether it was carried out."""
    for path in FILES:
        lines = path.read_text(encoding="utf-8").splitlines()
        kind = KINDS[next(line for line in lines if line.startswith("scenario ")).split()[1]]
        for at, line in enumerate(lines):
            if line.startswith("> ") and line.split()[1] not in ("run", "step", "show"):
                said = list(takewhile(lambda one: one.startswith("  "), lines[at + 1 :]))
                yield kind, line[2:], not any(one.startswith("  error: ") for one in said)


def test_every_command_in_every_form_is_carried_out_in_some_transcript() -> None:
    forms = set()
    for kind, text, accepted in entries():
        timed = parse(text, {spec.name: spec for spec in kind.commands}) if accepted else None
        if timed is not None:
            forms.add((type(timed.command), getattr(timed.command, "name", "")))
    wanted = {type(timed.command) for usage in BUILTIN if (timed := parse(usage.example)) is not None}
    assert len(wanted) == len(BUILTIN)
    assert wanted <= {form for form, _ in forms}
    assert {spec.name for spec in Gossip.commands} <= {name for _, name in forms}


def test_every_command_is_refused_in_some_transcript() -> None:
    refused = {text.split()[0] for _, text, accepted in entries() if not accepted}
    assert {usage.name for usage in BUILTIN} | {spec.name for spec in Gossip.commands} <= refused


def test_a_transcript_that_is_played_twice_says_the_same() -> None:
    text = FILES[0].read_text(encoding="utf-8")
    assert played(text) == played(played(text))
