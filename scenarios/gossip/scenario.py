"""Gossip: anti-entropy and rumour mongering, after A. Demers et al., Epidemic Algorithms for Replicated Database
Maintenance, PODC 1987 (tables: report CSL-89-1).

Every agent now and then picks a partner at random and the two compare what they know: who learned of something first
tells (push), who has not heard asks (pull), or both. With anti-entropy everybody goes on for ever, and everybody ends
up knowing everything. With rumour mongering an agent tells a fact while it is hot, and loses interest when it finds
others know it already: far fewer messages, and a few agents who never hear.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import Struct

from engine.agent import Agent
from engine.commands import ArgSpec, CommandSpec
from engine.duration import SECOND, seconds
from engine.errors import CommandError
from engine.params import NetworkParams, param
from engine.scenario import InvariantSpec, MetricSpec, Misbehaviour, Scenario
from engine.simulation import Simulation
from engine.trace import Note, TraceEvent
from engine.views import AgentRow, Column, Landmark, MetricView, NarrationLine, StageView, Tone
from scenarios.gossip import measures
from scenarios.gossip import views as gossip_views
from scenarios.gossip.experiments import EXPERIMENTS
from scenarios.gossip.state import BAD_REPUTATION, REPUTATION, Advert, Entry, View

FIRST_TEXT = "the ferry leaves at noon"
CAPABILITIES = ("store", "sense", "compute", "relay")
REDRAWS = 4  # how often a badly reputed partner is drawn again; then it is called all the same, and may redeem itself
LIE = ", says "  # what a liar puts between a fact's words and its own name
GREETED = 3  # neighbours to whom a new agent shows itself
RETOLD = 4  # how often each agent that hears of a newcomer passes it on
CONTRADICTION = -2  # what telling something else than others costs; the teller may have been lied to itself


class Push(Struct, frozen=True):
    """What the sender knows (anti-entropy) or finds hot (rumour mongering); with `asks`, it wants the same back."""

    entries: tuple[Entry, ...]
    advert: Advert
    asks: bool = False


class Pull(Struct, frozen=True):
    """A question: what do you have that is newer than this?"""

    known: tuple[Entry, ...]
    advert: Advert


class Answer(Struct, frozen=True):
    """What the asker may not know."""

    entries: tuple[Entry, ...]
    advert: Advert


class Feedback(Struct, frozen=True):
    """Of what I was just told, this was new to me, and this I knew."""

    new: tuple[str, ...]
    known: tuple[str, ...]


class GossipParams(NetworkParams, frozen=True, kw_only=True):
    """What a run of gossip can be given."""

    agents: Annotated[int, param("how many agents", low=2, high=10_000)] = 40
    mode: Annotated[
        Literal["push", "pull", "push-pull"],
        param("who tells what it knows: the agent that calls, the one that is called, or both"),
    ] = "push-pull"
    protocol: Annotated[
        Literal["anti-entropy", "rumour"],
        param("compare everything for ever, or tell what is hot until interest is lost"),
    ] = "anti-entropy"
    timing: Annotated[
        Literal["rounds", "periodic", "poisson"],
        param("when agents call: all at once, in rounds; each at regular times of its own; each at random times"),
    ] = "periodic"
    fanout: Annotated[int, param("partners that an agent calls each time", low=1, high=100)] = 1
    interval: Annotated[float, param("time between an agent's calls (the mean of it, for poisson)", unit="s",
                                     low=0.001, high=3600.0)] = 1.0  # fmt: skip
    removal: Annotated[
        Literal["counter", "coin"],
        param("rumour: interest is lost after k vain calls in a row, or after any vain call, by a chance of 1 in k"),
    ] = "counter"
    feedback: Annotated[
        bool, param("rumour: a call is vain only if the partner says it knew already; without feedback every call is")
    ] = True
    k: Annotated[int, param("rumour: how many vain calls an agent puts up with", low=1, high=100)] = 3
    rumours: Annotated[int, param("facts that are known at the start, each to one agent", low=0, high=20)] = 1
    trust: Annotated[bool, param("pass over partners that keep silent or contradict what others say")] = True


class Gossiper(Agent):
    """One agent. In synchronous rounds it acts on what it knew when the round began: what arrives meanwhile waits in
    `arriving`."""

    durable = ("facts", "learned", "cycles", "view", "reputation", "down")

    def __init__(self, params: GossipParams, capability: str) -> None:
        self.facts: dict[str, Entry] = {}
        self.learned: dict[str, int] = {}  # when the agent first heard of a key, in µs
        self.cycles: dict[str, int] = {}  # and in which cycle after the fact's start
        self.hot: dict[str, int] = {}  # what the agent spreads → vain calls in a row
        self.telling: tuple[Entry, ...] = ()  # `facts`, or what is hot of it, as a message carries it
        self.reputation: dict[int, int] = {}
        self.unanswered: list[int] = []
        self.capability = capability
        self.advert = Advert(-1, capability, 0)  # until it starts
        self.view = View()
        self.fresh: dict[int, int] = {}  # newcomers → how often to pass on that they are there
        self.discovered: list[int] = []  # whom it calls besides those it was linked with when it started
        self.knocking = False  # whether it is new, and has heard from nobody yet
        self.cycle = 0  # the round that `arriving` and `vain` belong to
        self.arriving: list[Entry] = []
        self.vain: dict[str, bool] = {}  # whether all of this round's calls were in vain
        self.down = False
        self._tells = params.mode != "pull"  # when it calls
        self._asks = params.mode != "push"
        self._rumour = params.protocol == "rumour"
        self._timing = params.timing
        self._in_rounds = params.timing == "rounds"
        self._interval = round(params.interval * SECOND)
        self._fanout = params.fanout
        self._by_counter = params.removal == "counter"
        self._feedback = params.feedback
        self._k = params.k
        self._trust = params.trust
        self._contacts: Sequence[int] = ()  # whom it was linked with when it started
        self._ticked = False  # whether its first call was set; that one comes at a random moment
        self._next_cycle = 0  # the round that the timer will begin
        self._started_among = 0  # how many agents there ever were when it started
        self._changes = 0  # how many had joined and left when it last looked around

    # What happens

    def on_start(self) -> None:
        self._contacts = self.ctx.neighbours
        self._started_among = len(self.ctx.sim.agents)
        self._look_around()
        self.advert = Advert(self.id, self.capability, self.ctx.now)
        self._retell()
        if self.ctx.now > 0:
            self.knocking = True
            self._say_hello()
        if self._has_business():
            self._wake()

    def on_timer(self, name: Any) -> None:
        if self._in_rounds:
            self._enter_round(self._next_cycle)
        if self.unanswered:
            self._doubt_the_silent()
        if self.knocking:
            self._say_hello()
        if self._has_business():
            for _ in range(self._fanout):
                self._call()
            self._wake()

    def on_message(self, sender: int, message: Any) -> None:
        if self._in_rounds:
            self._enter_round()
        self.knocking = False
        if isinstance(message, Push):
            back = self._newer_than(message.entries) if message.asks else ()
            known = self._hear(sender, message.entries, message.advert)
            if message.asks:
                self._answer(sender, back)
            self._give_feedback(sender, message.entries, known)
        elif isinstance(message, Answer):
            if sender in self.unanswered:
                self.unanswered.remove(sender)
            self._judge(sender, +1)
            known = self._hear(sender, message.entries, message.advert)
            self._give_feedback(sender, message.entries, known)
        elif isinstance(message, Pull):
            self._meet(message.advert)
            self._answer(sender, self._newer_than(message.known))
        elif isinstance(message, Feedback):
            for key in message.new:
                self._was_told(key, vain=False)
            for key in message.known:
                self._was_told(key, vain=True)

    def on_crash(self) -> None:
        self._count_in(-1)
        self.down = True
        waiting = dict.fromkeys(entry.key for entry in self.arriving)
        for key in dict.fromkeys([*self.hot, *waiting]) if self._rumour else ():
            self.ctx.count(f"hot {key}", -1)
            self._say_if_cold(key)
        for key in waiting:
            if key not in self.facts:  # heard, and lost before it could be written down
                del self.learned[key], self.cycles[key]

    def on_restart(self) -> None:
        if self.down:
            self.down = False
            self._count_in(+1)
        self.on_start()
        self.on_misbehave(self.mode)

    def on_misbehave(self, mode: str) -> None:
        if mode == "fabricator":
            self.be_told(Entry(f"lie of {self.name}", 1, self.id, "the ferry has sunk"))

    def be_told(self, entry: Entry) -> None:
        """Know something that no other agent told."""
        self._heard(entry, told=True)
        self._kindle(entry.key)
        self._learn(entry)

    # Calls

    def _call(self) -> None:
        """Call one partner, to tell (push), to ask (pull), or both."""
        entries = self._spoken(self.telling) if self._tells else ()
        partner = self._draw_partner() if entries or self._asks else None
        if partner is None:
            return
        if self._tells:
            self._tell(partner, Push(entries, self._any_advert(), self._asks))
        else:
            self.ctx.send(partner, Pull(() if self._rumour else self.telling, self._any_advert()))
        if self._asks and not self._rumour:
            self.unanswered.append(partner)

    def _answer(self, asker: int, entries: tuple[Entry, ...]) -> None:
        """Tell what was asked for. With nothing hot a rumour-monger says nothing."""
        if self.mode == "silent" or (self._rumour and not entries):
            return
        self._tell(asker, Answer(self._spoken(entries), self._any_advert()))

    def _tell(self, to: int, message: Push | Answer) -> None:
        self.ctx.send(to, message)
        if message.entries:
            self.ctx.count("updates", len(message.entries))
            if self._rumour and not self._feedback:
                for entry in message.entries:
                    self._was_told(entry.key, vain=True)

    def _draw_partner(self) -> int | None:
        """Anybody the agent knows, each as likely; those of bad repute are drawn again, a few times."""
        sim = self.ctx.sim
        gone = sim.lifecycle.left
        if self._changes != len(sim.agents) + len(gone):
            self._look_around()
        contacts, discovered = self._contacts, self.discovered
        known = len(contacts)
        count = known + len(discovered)
        partner = None
        for _ in range(REDRAWS if count else 0):
            drawn = self.rng.below(count)
            partner = contacts[drawn] if drawn < known else discovered[drawn - known]
            if partner in gone:
                partner = None
            elif not self._trust or self.reputation.get(partner, 0) > BAD_REPUTATION:
                break
        return partner

    def _newer_than(self, known_there: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """What the other side should hear: what is newer here, or whatever is hot."""
        if self._rumour or not known_there:
            return self.telling
        if known_there == self.telling:
            return ()
        there = {entry.key: entry for entry in known_there}
        return tuple([entry for entry in self.telling if entry.newer_than(there.get(entry.key))])

    def _spoken(self, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """What the agent says when it means `entries`: a liar changes the words, a silent one says nothing."""
        if self.mode == "silent":
            return ()
        if self.mode == "liar":
            return tuple([Entry(e.key, e.version, e.origin, _distorted(e.text, self.name)) for e in entries])
        return entries

    # Hearing

    def _hear(self, sender: int, entries: tuple[Entry, ...], advert: Advert) -> list[str]:
        """Take in what was told; returns the keys that were no news, by what the agent knew (in synchronous rounds:
        when the round began)."""
        self._meet(advert)
        known: list[str] = []
        if not entries:
            return known
        for entry in entries:
            mine = self.facts.get(entry.key)
            if entry is mine or not entry.newer_than(mine):
                known.append(entry.key)
            elif self._in_rounds:
                self._arrive(entry)
            else:
                self._heard(entry)
                self._kindle(entry.key)
                self._learn(entry)
            if mine is not None and entry is not mine and entry.contradicts(mine):
                self._judge(sender, CONTRADICTION)
        self.ctx.count("received", len(entries))
        if known:
            self.ctx.count("redundant", len(known))
            for key in known if self._rumour else ():
                self._say_if_cold(key)
        return known

    def _arrive(self, entry: Entry) -> None:
        """In synchronous rounds news waits for the next one, but counts as heard."""
        if entry not in self.arriving:
            self._heard(entry)
            self._kindle(entry.key)
            self.arriving.append(entry)
        self._wake()

    def _enter_round(self, at_least: int = 0) -> None:
        """When a new synchronous round has begun: what arrived in the last one is now known, and what was told in vain
        cools down. A clock that runs too fast or slow must not keep a round from coming, nor let one come twice."""
        cycle = max(at_least, self.ctx.now // self._interval + 1)
        if cycle <= self.cycle:
            return
        self.cycle = cycle
        for entry in self.arriving:
            if entry.newer_than(self.facts.get(entry.key)):
                self._learn(entry)
        self.arriving.clear()
        for key, vain in self.vain.items():
            self._cool(key, vain)
        self.vain.clear()

    def _learn(self, entry: Entry) -> None:
        """A fact, or a newer version of it, is known from now on, and hot."""
        before = self.facts.get(entry.key)
        self.facts[entry.key] = entry
        self.ctx.count(measures.holding(entry))
        if before is not None:
            self.ctx.count(measures.holding(before), -1)
            if before != entry and measures.held_by(self.ctx.sim, entry) == measures.live_count(self.ctx.sim):
                self.ctx.note("agreed", key=entry.key, version=entry.version, text=entry.text)
        if self._rumour:
            self.hot[entry.key] = 0
        self._retell()
        self._wake()

    def _heard(self, entry: Entry, *, told: bool = False) -> None:
        """Write down when and how news came: from another agent, or told from elsewhere."""
        key = entry.key
        first: dict[str, int] = {}
        if key not in self.learned:
            sim = self.ctx.sim
            self.learned[key] = sim.now
            self.cycles[key] = cycle = 0 if told else self._cycles_since(sim.meters.gauges.get(f"start {key}", sim.now))
            if f"start {key}" in sim.meters.gauges:
                sim.meters.gauge("last cycle", max(cycle, sim.meters.gauges.get("last cycle", 0)))
            self.ctx.count(f"heard {key}")
            count, live, again = measures.heard_by(sim, key), measures.live_count(sim), f"all heard {key}"
            first = {"count": count, "of": live, "again": sim.meters.value(again)}
            self.ctx.count(again, count == live)
        self.ctx.note("heard", key=key, version=entry.version, origin=entry.origin, text=entry.text, **first)

    def _cycles_since(self, start: float) -> int:
        """In which cycle, from 1, after `start` (µs) it is now; in rounds, the first is the next that begins."""
        now, interval = self.ctx.calendar.now, self._interval
        if self._in_rounds:
            return now // interval + 1 + int(-start // interval)
        return int(now - start) // interval + 1

    def _count_in(self, by: int) -> None:
        """Count for this agent, or no longer."""
        self.ctx.count("down", -by)
        for key in self.learned:
            self.ctx.count(f"heard {key}", by)
        for entry in self.facts.values():
            self.ctx.count(measures.holding(entry), by)

    # Losing interest (Demers et al., section 1.4)

    def _give_feedback(self, sender: int, entries: tuple[Entry, ...], known: list[str]) -> None:
        if self._rumour and self._feedback and entries and self.mode != "silent":
            new = [entry.key for entry in entries if entry.key not in known]
            self.ctx.send(sender, Feedback(tuple(new), tuple(known)))

    def _was_told(self, key: str, *, vain: bool) -> None:
        """Act on how it went to tell a fact: now, or in synchronous rounds at their end, when one useful call saves the
        round."""
        if self._in_rounds:
            self.vain[key] = vain and self.vain.get(key, True)
        else:
            self._cool(key, vain)

    def _kindle(self, key: str) -> None:
        """Count as somebody who spreads `key`."""
        if self._rumour and key not in self.hot and all(entry.key != key for entry in self.arriving):
            self.ctx.count(f"hot {key}")

    def _cool(self, key: str, vain: bool) -> None:
        if key not in self.hot:
            return
        if not vain:
            self.hot[key] = 0
            return
        self.hot[key] += 1
        if (self.hot[key] >= self._k) if self._by_counter else (self.rng.below(self._k) == 0):
            del self.hot[key]
            self._retell()
            self.ctx.note("lost-interest", key=key)
            self.ctx.count(f"hot {key}", -1)
            self._say_if_cold(key)

    def _say_if_cold(self, key: str) -> None:
        """Note it if nobody spreads `key` any more."""
        sim = self.ctx.sim
        if not sim.meters.value(f"hot {key}") and not measures.under_way(sim, key):
            self.ctx.note("cold", key=key, count=measures.heard_by(sim, key), of=measures.live_count(sim))

    # The others

    def _meet(self, advert: Advert) -> None:
        """Hear of an agent. One that started after this one is news, to be passed on; one that has started anew is
        forgiven its silence; and one that is linked with this one becomes a partner."""
        agent = advert.agent
        held = self.view.get(agent)
        if held is None or advert.time > held.time:
            self.view.take(advert, self.rng)
            if advert.time > self.advert.time:
                self.fresh[agent] = RETOLD
            if held is not None and self.reputation.get(agent, 0) < 0:
                self._judge(agent, -self.reputation[agent])
        if agent >= self._started_among and agent not in self.discovered:
            sim = self.ctx.sim
            if sim.topology.connected(self.id, agent):
                self.discovered.append(agent)
                count, live = self.ctx.count(f"discovered {agent}"), measures.live_count(sim)
                self.ctx.note("discovered", other=sim.names[agent], capability=advert.capability, count=count, of=live)

    def _any_advert(self) -> Advert:
        """The advertisement that rides on a message: the agent's own, or every other time one that it holds, those of
        newcomers first."""
        order = self.view.order
        drawn = self.rng.below(2 * len(order)) if order else 0
        if drawn >= len(order):
            return self.advert
        if not self.fresh:
            return order[drawn]
        newest, left = self.fresh.popitem()
        if left > 1:
            self.fresh[newest] = left - 1
        return self.view.get(newest, self.advert)

    def _say_hello(self) -> None:
        """Show a few neighbours that there is somebody new."""
        for to in self.rng.sample(self._contacts, min(len(self._contacts), GREETED)):
            self.ctx.send(to, Push((), self.advert))

    def _look_around(self) -> None:
        """Somebody joined or left: links that are gone are used no more, those that mend the network are used at once.
        Newcomers have to be heard of first. (A mesh needs no mending.)"""
        sim = self.ctx.sim
        self._changes = len(sim.agents) + len(sim.lifecycle.left)
        if sim.topology.kind != "mesh":
            self._contacts = tuple([other for other in self.ctx.neighbours if other < self._started_among])
        self.discovered = [other for other in self.discovered if sim.topology.connected(self.id, other)]

    def _doubt_the_silent(self) -> None:
        for partner in self.unanswered:
            self._judge(partner, -1)
        self.unanswered.clear()

    def _judge(self, other: int, amount: int) -> None:
        before = self.reputation.get(other, 0)
        after = max(-REPUTATION, min(REPUTATION, before + amount))
        if after == before:
            return
        self.reputation[other] = after
        if (after <= BAD_REPUTATION) != (before <= BAD_REPUTATION):
            sim, bad = self.ctx.sim, after <= BAD_REPUTATION
            count = self.ctx.count(f"distrusted {other}", 1 if bad else -1)
            if bad:
                first = self.ctx.count("distrusts") == 1
                live = measures.live_count(sim)
                self.ctx.note("distrusts", other=sim.names[other], why=amount, first=first, count=count, of=live)

    # Small things

    def _retell(self) -> None:
        told = self.hot if self._rumour else self.facts
        self.telling = tuple([self.facts[key] for key in told])

    def _has_business(self) -> bool:
        return self._asks or bool(self.telling) or self.knocking

    def _wake(self) -> None:
        """See to it that the timer runs: at the next round, after the interval, or at a random time."""
        if "call" in self.ctx.timers:
            return
        interval = self._interval
        if self._in_rounds:
            now = self.ctx.now
            begun = max(self.cycle, -(-now // interval))
            self._next_cycle = begun + 1
            delay = begun * interval - now
        elif self._timing == "poisson":
            delay = round(self.rng.exponential(interval))
        else:
            delay = interval if self._ticked else self.rng.below(interval)
        self._ticked = True
        self.ctx.set_timer("call", delay)


def _distorted(text: str, by: str) -> str:
    """What a liar makes of `text`; the same whatever other liars made of it before."""
    return f"{text.partition(LIE)[0]}{LIE}{by}"


class Gossip(Scenario):
    """Knowledge spreading through a network of agents."""

    name = "gossip"
    title = "Gossip"
    family = "Dissemination"
    teaches = (
        "How a rumour reaches everybody although nobody keeps a list of who has heard it: each agent only ever calls "
        "a few random others, yet the number of those who know doubles and doubles again, and neither crashes nor lost "
        "messages stop it. Compare push with pull, everlasting comparison with rumours that go cold, and see what a "
        "partition kept apart come together again."
    )
    sources = (
        "A. Demers et al., Epidemic Algorithms for Replicated Database Maintenance, PODC 1987; report CSL-89-1",
        "A. Frieze, G. Grimmett, The shortest-path problem for graphs with random arc-lengths, 1985 (push)",
        "B. Pittel, On spreading a rumor, SIAM J. Appl. Math. 47, 1987 (push)",
        "R. Karp et al., Randomized rumor spreading, FOCS 2000 (pull and push-pull)",
    )
    Params = GossipParams
    horizon = 120.0
    commands = (
        CommandSpec(
            "rumour",
            (
                ArgSpec("agent", "agent", "who knows it first"),
                ArgSpec("text", "text", "what there is to know"),
            ),
            "let an agent know something new",
            'rumour a-03 "the bridge is closed"',
        ),
        CommandSpec(
            "update",
            (
                ArgSpec("agent", "agent", "who puts it anew"),
                ArgSpec("fact", "word", "which fact: f1, f2, …"),
                ArgSpec("text", "text", "what it says from now on"),
            ),
            "let an agent that knows a fact put out a newer version of it",
            'update a-03 f1 "the ferry leaves at one"',
        ),
    )
    misbehaviours = (
        Misbehaviour("silent", "listens and asks, but tells and answers nothing"),
        Misbehaviour("liar", "changes the words of every fact it passes on, and keeps the version"),
        Misbehaviour("fabricator", "makes up a fact of its own and spreads it"),
    )
    metrics = (
        MetricSpec("coverage", "share of the live agents that have heard, averaged over the facts"),
        MetricSpec(
            "rounds_to_all",
            "rounds from a fact's start until the last live agent heard, for the slowest fact; synchronous rounds only",
            "rounds",
            "exact to a tenth on a complete network: Pittel 1987, Karp et al. 2000",
        ),
        MetricSpec(
            "time_to_all",
            "time from a fact's start until the last live agent heard, for the slowest fact",
            "s",
            "2(n−1)/n·H(n−1) intervals for push or pull, half of that for push-pull, for Poisson calls without delays",
        ),
        MetricSpec("residue", "share of the live agents that have not heard", theory="e^−updates per agent, for push"),
        MetricSpec("messages_per_agent", "messages sent, questions and feedback included, for each agent"),
        MetricSpec("updates_per_agent", "facts told, news or not, for each agent: the traffic of Demers et al."),
        MetricSpec("redundant_share", "share of the facts told that the other side knew already"),
        MetricSpec(
            "last_informed_cycle",
            "cycle (one interval) after a fact's start in which the last of those that heard did so",
            "cycles",
        ),
    )
    invariants = (
        InvariantSpec(
            "one-text-per-version",
            "safety",
            "two agents that hold the same version of a fact, from the same origin, hold the same words",
            "check_one_text",
            on="heard",
        ),
        InvariantSpec(
            "nothing-from-nowhere",
            "safety",
            "an agent only knows what somebody was told by a command or at the start",
            "check_known_fact",
            on="heard",
        ),
        InvariantSpec(
            "everybody-hears",
            "liveness",
            "in the end every live agent has heard of every fact",
            "missing",
        ),
        InvariantSpec(
            "knowledge-converges",
            "liveness",
            "in the end all live agents hold the same version of every fact",
            "differing",
        ),
    )
    experiments = EXPERIMENTS
    columns = (
        Column("facts", "facts", "right", 5, "facts that it knows"),
        Column("hot", "hot", "right", 4, "facts that it spreads (rumour mongering)"),
        Column("heard", "heard", "right", 7, "when it heard of the newest fact"),
        Column("known", "peers", "right", 5, "agents whose advertisement it holds"),
        Column("doubts", "doubts", "right", 6, "how many of the others distrust it"),
        Column("offers", "offers", "left", 8, "what it advertises that it can do"),
    )

    params: GossipParams

    def population(self) -> Sequence[tuple[str, str]]:
        width = max(2, len(str(self.params.agents)))
        return [(f"a-{number:0{width}d}", "gossiper") for number in range(1, self.params.agents + 1)]

    def next_name(self, role: str, number: int) -> str:
        return f"a-{number:0{max(2, len(str(self.params.agents)))}d}"

    def create(self, name: str, role: str) -> Gossiper:
        return Gossiper(self.params, CAPABILITIES[int(name.rpartition("-")[2]) % len(CAPABILITIES)])

    def begin(self, sim: Simulation) -> None:
        for number in range(self.params.rumours):
            text = FIRST_TEXT if number == 0 else f"fact number {number + 1}"
            self._spread(sim, _gossiper(sim, number % len(sim.agents)), text)

    def perform(self, sim: Simulation, name: str, args: Sequence[Any]) -> None:
        agent = _gossiper(sim, args[0])
        if not sim.lifecycle.is_alive(agent.id):
            raise CommandError(f"{agent.name} is down, so it cannot be told anything; restart it first")
        if name == "rumour":
            self._spread(sim, agent, args[1])
            return
        fact = agent.facts.get(args[1])
        if fact is None:
            known = ", ".join(agent.facts) or "nothing yet"
            raise CommandError(f"{agent.name} knows no fact {args[1]!r}; it knows {known}")
        self._put(sim, agent, Entry(fact.key, fact.version + 1, agent.id, args[2]))

    def _spread(self, sim: Simulation, agent: Gossiper, text: str) -> None:
        key = f"f{sim.meters.count('facts')}"
        cut = len(sim.reachability().cut_from(agent.id)) if sim.network.cuts else 0
        live = measures.live_count(sim)
        sim.meters.gauge(f"start {key}", sim.now)
        sim.meters.gauge(f"live {key}", live)
        sim.meters.gauge(f"among {key}", live - cut)
        self._put(sim, agent, Entry(key, 1, agent.id, text))

    def _put(self, sim: Simulation, agent: Gossiper, entry: Entry) -> None:
        sim.note(agent.id, "rumour", {"key": entry.key, "version": entry.version, "text": entry.text})
        agent.be_told(entry)

    # Goals and invariants

    def over(self, sim: Simulation) -> str:
        if not sim.meters.value("facts"):
            return ""
        if self.params.protocol == "anti-entropy":
            waiting = not measures.all_heard(sim) or self.differing(sim)
            return "" if waiting else "every live agent knows every fact"
        if measures.is_spread(sim):
            return ""
        missing = self.missing(sim)
        return "nobody spreads anything any more" + (f", and {missing}" if missing else "; every live agent has heard")

    def missing(self, sim: Simulation) -> str:
        """Who has not heard of what; empty when all live agents have heard of all facts."""
        live = measures.live_count(sim)
        lacking = [key for key in measures.facts(sim) if measures.heard_by(sim, key) < live]
        if not lacking:
            return ""
        count = live - measures.heard_by(sim, lacking[0])
        names = [agent.name for agent in measures.live_agents(sim) if lacking[0] not in agent.learned]
        some = f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
        more = f"; nor do all know {', '.join(lacking[1:4])}{' …' if len(lacking) > 4 else ''}" if lacking[1:] else ""
        return f"{count} of {live} agents {'has' if count == 1 else 'have'} not heard of {lacking[0]}: {some}{more}"

    def differing(self, sim: Simulation) -> str:
        """Which facts are held in more than one version; empty when all live agents that hold one agree."""
        several = measures.disputed(sim)
        return f"{', '.join(several)} held in more than one version" if several else ""

    def check_one_text(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        heard = note.data
        which = (heard["key"], heard["version"], heard["origin"])
        first = memory.setdefault(which, heard["text"])
        if first == heard["text"]:
            return ""
        return f"{sim.names[note.agent]} hears {heard['key']} as “{heard['text']}”; others hold “{first}”"

    def check_known_fact(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        key = note.data["key"]
        if f"start {key}" in sim.meters.gauges:
            return ""
        return f"{sim.names[note.agent]} has heard of {key!r}, which nobody was ever told"

    # Figures

    def measure(self, sim: Simulation) -> dict[str, Any]:
        count = len(sim.agents)
        received = sim.meters.value("received")
        coverage = measures.mean_coverage(sim)
        to_all = measures.to_all(sim)
        return {
            "coverage": coverage,
            "rounds_to_all": to_all[1] if to_all and self.params.timing == "rounds" else None,
            "time_to_all": seconds(to_all[0]) if to_all else None,
            "residue": 1.0 - coverage,
            "messages_per_agent": sim.network.sent / count,
            "updates_per_agent": sim.meters.value("updates") / count,
            "redundant_share": sim.meters.value("redundant") / received if received else None,
            "last_informed_cycle": measures.last_cycle(sim),
        }

    def sample(self, sim: Simulation) -> dict[str, float]:
        count, live = len(sim.agents), max(1, measures.live_count(sim))
        values = {f"heard {key}": measures.heard_by(sim, key) / live for key in measures.facts(sim)}
        values["coverage"] = measures.mean_coverage(sim)
        values["residue"] = 1.0 - values["coverage"]
        values["messages_per_agent"] = sim.network.sent / count
        values["updates_per_agent"] = sim.meters.value("updates") / count
        received = sim.meters.value("received")
        values["received_per_agent"] = received / count
        values["redundant_share"] = sim.meters.value("redundant") / received if received else 0.0
        return values

    # Views

    def agent_row(self, sim: Simulation, agent: Agent) -> AgentRow | None:
        assert isinstance(agent, Gossiper)
        return gossip_views.agent_row(sim, agent)

    def node_look(self, sim: Simulation, agent: Agent) -> tuple[Tone, str]:
        assert isinstance(agent, Gossiper)
        return gossip_views.node_look(sim, agent)

    def stage(self, sim: Simulation) -> StageView | None:
        return gossip_views.stage(sim)

    def metric_views(self, sim: Simulation) -> tuple[MetricView, ...]:
        return gossip_views.metric_views(sim)

    def narrate(self, sim: Simulation, event: TraceEvent) -> NarrationLine | str | None:
        return gossip_views.narrate(sim, event)

    def landmark(self, sim: Simulation, note: Note) -> Landmark | None:
        return gossip_views.landmark(sim, note)


def _gossiper(sim: Simulation, agent: int) -> Gossiper:
    found = sim.agent(agent)
    assert isinstance(found, Gossiper)
    return found
