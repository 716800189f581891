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
from engine.scenario import Experiment, InvariantSpec, MetricSpec, Misbehaviour, Scenario
from engine.simulation import Simulation
from engine.trace import Note, TraceEvent
from engine.views import AgentRow, Column, MetricView, NarrationLine, StageView, Tone
from scenarios import gossip_views
from scenarios.gossip_measures import facts, heard_by, last_cycle, live_agents, mean_coverage, time_to_all
from scenarios.gossip_state import BAD_REPUTATION, Advert, Entry, View

FIRST_TEXT = "the ferry leaves at noon"
CAPABILITIES = ("store", "sense", "compute", "relay")
REDRAWS = 4  # how often a badly reputed partner is drawn again


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
        param("who tells: the caller, the one that is called, or both"),
    ] = "push-pull"
    protocol: Annotated[
        Literal["anti-entropy", "rumour"],
        param("compare everything for ever, or spread what is hot until interest is lost"),
    ] = "anti-entropy"
    timing: Annotated[
        Literal["rounds", "periodic", "poisson"],
        param("all at once in synchronous rounds, each at its own regular times, or at random times"),
    ] = "periodic"
    fanout: Annotated[int, param("partners an agent contacts each time", low=1, high=100)] = 1
    interval: Annotated[float, param("time between an agent's contacts (the mean, for poisson)", unit="s",
                                     low=0.001, high=3600.0)] = 1.0  # fmt: skip
    removal: Annotated[
        Literal["counter", "coin"],
        param("rumour: lose interest after k vain contacts, or after each with probability 1/k"),
    ] = "counter"
    feedback: Annotated[bool, param("rumour: a contact is vain only if the partner knew; without, each is")] = True
    k: Annotated[int, param("rumour: how slowly interest is lost", low=1, high=100)] = 3
    rumours: Annotated[int, param("facts that the first agents know at the start", low=0, high=20)] = 1
    trust: Annotated[bool, param("pass over partners that did not answer or told contradictions")] = True


class Gossiper(Agent):
    """One agent. In synchronous rounds it acts on what it knew when the round began: what arrives meanwhile waits in
    `arriving`."""

    durable = ("facts", "learned", "rounds", "view")

    def __init__(self, params: GossipParams, capability: str) -> None:
        self.params = params
        self.interval = round(params.interval * SECOND)
        self.capability = capability
        self.advert = Advert(-1, capability, 0)  # until it starts
        self.facts: dict[str, Entry] = {}
        self.learned: dict[str, int] = {}  # when the agent first heard of a key, in µs
        self.rounds: dict[str, int] = {}  # and in which cycle
        self.view = View()
        self.reputation: dict[int, int] = {}
        self.hot: dict[str, int] = {}  # what the agent spreads → vain contacts in a row
        self.arriving: list[Entry] = []
        self.vain: dict[str, bool] = {}  # this cycle's feedback: whether all contacts were in vain
        self.cycle = 0  # the round that `arriving` and `vain` belong to
        self.unanswered: list[int] = []
        self.contacts: Sequence[int] = ()
        self.discovered: list[int] = []
        self._ticked = False  # whether its first contact was set; that one comes at a random moment
        self.telling: tuple[Entry, ...] = ()  # `facts` or what is hot, as a message carries it

    # What happens

    def on_start(self) -> None:
        self.contacts = self.ctx.neighbours
        self.advert = Advert(self.id, self.capability, self.ctx.now)
        if self.ctx.now > 0:  # somebody new: the neighbours shall know
            hello = Push((), self.advert)
            for to in self.rng.sample(self.contacts, min(len(self.contacts), 3)):
                self.ctx.send(to, hello)
        self._retell()
        if self.facts or self.params.mode != "push":
            self._wake()

    def on_timer(self, name: Any) -> None:
        self._enter_round()
        self._doubt_the_silent()
        if self._has_business():
            for _ in range(self.params.fanout):
                self._contact()
            self._wake()

    def on_message(self, sender: int, message: Any) -> None:
        self._enter_round()
        match message:
            case Push(entries, advert, asks):
                before = self._to_tell_back(entries) if asks else ()
                known = self._hear(sender, entries, advert)
                if asks:
                    self._answer(sender, before)
                self._give_feedback(sender, entries, known)
            case Pull(known_there, advert):
                self._meet(advert)
                self._answer(sender, self._to_tell_back(known_there))
            case Answer(entries, advert):
                if sender in self.unanswered:
                    self.unanswered.remove(sender)
                    self._judge(sender, +1)
                known = self._hear(sender, entries, advert)
                self._give_feedback(sender, entries, known)
            case Feedback(new, known):
                for key in new:
                    self._contact_was(key, vain=False)
                for key in known:
                    self._contact_was(key, vain=True)

    def on_misbehave(self, mode: str) -> None:
        if mode == "fabricator":
            self._learn(Entry(f"lie of {self.name}", 1, self.id, "the ferry has sunk"))

    # Contacts

    def _contact(self) -> None:
        """Call one partner, as the mode says."""
        partner = self._draw_partner()
        if partner is None:
            return
        mode = self.params.mode
        if mode == "pull":
            known = () if self.params.protocol == "rumour" else tuple(self.facts.values())
            self.ctx.send(partner, Pull(known, self._advert()))
        else:
            entries = self._spoken()
            self.ctx.count("updates", len(entries))
            self.ctx.send(partner, Push(entries, self._advert(), asks=mode == "push-pull"))
            self._count_blind(entries)
        if mode != "push" and self.params.protocol == "anti-entropy":
            self.unanswered.append(partner)

    def _draw_partner(self) -> int | None:
        """Anybody the agent knows, each as likely; those of bad repute are drawn again, a few times."""
        base = len(self.contacts)
        count = base + len(self.discovered)
        if not count:
            return None
        for _ in range(REDRAWS):
            drawn = self.rng.below(count)
            partner = self.contacts[drawn] if drawn < base else self.discovered[drawn - base]
            if not self.params.trust or self.reputation.get(partner, 0) > BAD_REPUTATION:
                break
        return partner

    def _answer(self, asker: int, entries: tuple[Entry, ...]) -> None:
        """Tell what was asked for. With nothing hot a rumour-monger says nothing."""
        if self.mode == "silent" or (not entries and self.params.protocol == "rumour"):
            return
        entries = self._spoken(entries)
        self.ctx.count("updates", len(entries))
        self.ctx.send(asker, Answer(entries, self._advert()))
        self._count_blind(entries)

    def _to_tell_back(self, known_there: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """What the other side should hear: what is newer here, or whatever is hot."""
        if self.params.protocol == "rumour":
            return self.telling
        there = {entry.key: entry for entry in known_there}
        return tuple([entry for entry in self.facts.values() if entry.newer_than(there.get(entry.key))])

    def _spoken(self, entries: tuple[Entry, ...] | None = None) -> tuple[Entry, ...]:
        """What the agent says when it means `entries`: a liar changes the words, a silent one says nothing."""
        entries = self.telling if entries is None else entries
        if self.mode == "silent":
            return ()
        if self.mode == "liar":
            return tuple([Entry(e.key, e.version, e.origin, f"{e.text}, says {self.name}") for e in entries])
        return entries

    # Hearing

    def _hear(self, sender: int, entries: tuple[Entry, ...], advert: Advert) -> tuple[str, ...]:
        """Take in what was told; returns the keys that were no news, by what the agent knew (in synchronous rounds:
        when the round began)."""
        self._meet(advert)
        known = []
        for entry in entries:
            mine = self.facts.get(entry.key)
            if mine is not None and entry.contradicts(mine):
                self._judge(sender, -5)
            if entry.newer_than(mine):
                if self.params.timing == "rounds":
                    self._arrive(entry)
                else:
                    self._learn(entry)
            else:
                known.append(entry.key)
        self.ctx.count("received", len(entries))
        self.ctx.count("redundant", len(known))
        return tuple(known)

    def _arrive(self, entry: Entry) -> None:
        """In synchronous rounds news waits for the next one, but counts as heard."""
        self._heard(entry)
        self.arriving.append(entry)
        self._wake()

    def _enter_round(self) -> None:
        """When a new synchronous round has begun: what arrived in the last one is now known, and what was vain in it
        cools down."""
        if self.params.timing != "rounds" or self.cycle == (cycle := self._cycle()):
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
        self._heard(entry)
        self.facts[entry.key] = entry
        self.hot[entry.key] = 0
        self._retell()
        self._wake()

    def _heard(self, entry: Entry) -> None:
        key = entry.key
        heard_of: dict[str, int] = {}
        if key not in self.learned:
            self.learned[key] = self.ctx.calendar.now
            self.rounds[key] = self._cycle()
            heard_of["count"] = self.ctx.count(f"heard {key}")
        self.ctx.note("heard", key=key, version=entry.version, origin=entry.origin, text=entry.text, **heard_of)

    def _meet(self, advert: Advert) -> None:
        """Hear of an agent; one that nobody mentioned before may become a partner."""
        if self.view.take(advert, self.rng) and advert.agent != self.id and advert.agent not in self.contacts:
            linked = self.ctx.sim.topology.connected(self.id, advert.agent)
            if linked and advert.agent not in self.discovered:
                self.discovered.append(advert.agent)
                self.ctx.note("discovered", other=self.ctx.sim.names[advert.agent], capability=advert.capability)

    def _advert(self) -> Advert:
        """The advertisement that rides on a message: the agent's own, or every other time one that it holds."""
        if self.rng.below(2):
            return self.view.any(self.rng) or self.advert
        return self.advert

    # Losing interest (Demers et al., section 1.4)

    def _give_feedback(self, sender: int, entries: tuple[Entry, ...], known: tuple[str, ...]) -> None:
        if self.params.protocol == "rumour" and self.params.feedback and entries:
            new = tuple([entry.key for entry in entries if entry.key not in known])
            self.ctx.send(sender, Feedback(new, known))

    def _count_blind(self, entries: tuple[Entry, ...]) -> None:
        if self.params.protocol == "rumour" and not self.params.feedback:
            for entry in entries:
                self._contact_was(entry.key, vain=True)

    def _contact_was(self, key: str, *, vain: bool) -> None:
        """Remember, or act on, how a contact went. In synchronous rounds one useful contact saves the round."""
        if self.params.timing == "rounds" and self.params.feedback:
            self.vain[key] = vain and self.vain.get(key, True)
        else:
            self._cool(key, vain)

    def _cool(self, key: str, vain: bool) -> None:
        if key not in self.hot:
            return
        if not vain:
            self.hot[key] = 0
            return
        self.hot[key] += 1
        k = self.params.k
        if (self.hot[key] >= k) if self.params.removal == "counter" else (self.rng.below(k) == 0):
            del self.hot[key]
            self._retell()
            self.ctx.note("lost-interest", key=key)

    # Small things

    def _retell(self) -> None:
        told = self.facts if self.params.protocol == "anti-entropy" else self.hot
        self.telling = tuple([self.facts[key] for key in told])

    def _has_business(self) -> bool:
        return self.params.mode != "push" or bool(self.telling)

    def _wake(self) -> None:
        """See to it that the timer runs: at the next round, after the interval, or at a random time."""
        if "contact" in self.ctx.timers:
            return
        interval = self.interval
        if self.params.timing == "rounds":
            now = self.ctx.now
            delay = interval - now % interval if now or self._ticked else 0
        elif self.params.timing == "poisson":
            delay = round(self.rng.exponential(interval))
        elif not self._ticked:
            delay = self.rng.below(interval)
        else:
            delay = interval
        self._ticked = True
        self.ctx.set_timer("contact", delay)

    def _cycle(self) -> int:
        """The number of the present cycle, from 1; what is known before the first message was learned in cycle 0."""
        return self.ctx.now // self.interval + 1 if self.ctx.calendar.index else 0

    def _judge(self, other: int, amount: int) -> None:
        self.reputation[other] = max(-10, min(10, self.reputation.get(other, 0) + amount))

    def _doubt_the_silent(self) -> None:
        for partner in self.unanswered:
            self._judge(partner, -1)
        self.unanswered.clear()

    def knows(self, key: str) -> bool:
        """Whether the agent has heard of `key`, be it only in the present round."""
        return key in self.learned


class Gossip(Scenario):
    """Knowledge spreading through a network of agents."""

    name = "gossip"
    title = "Gossip"
    family = "Dissemination"
    teaches = (
        "How a rumour reaches everybody without a list of who has heard it: each agent only ever talks to a few random "
        "others, yet the number of informed agents doubles round by round, and neither crashes nor lost messages stop "
        "it. Compare push with pull, everlasting comparison with rumours that go cold, and watch what a partition "
        "keeps apart come together again."
    )
    sources = (
        "A. Demers et al., Epidemic Algorithms for Replicated Database Maintenance, PODC 1987; report CSL-89-1",
        "A. Frieze, G. Grimmett, The shortest-path problem for graphs with random arc-lengths, 1985 (push)",
        "B. Pittel, On spreading a rumor, SIAM J. Appl. Math. 47, 1987 (push)",
        "R. Karp et al., Randomized rumor spreading, FOCS 2000 (pull and push-pull)",
    )
    Params = GossipParams
    horizon = 120.0
    pace = 0.5
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
        Misbehaviour("silent", "listens, but never tells or answers anything"),
        Misbehaviour("liar", "changes the words of every fact it passes on, under the same version"),
        Misbehaviour("fabricator", "makes up a fact of its own and spreads it"),
    )
    metrics = (
        MetricSpec("coverage", "share of live agents that have heard, averaged over the facts"),
        MetricSpec("rounds_to_all", "cycle in which the last live agent heard; synchronous rounds only", "rounds"),
        MetricSpec("time_to_all", "time from a fact's start until every live agent had heard it", "s"),
        MetricSpec("residue", "share of live agents that have not heard", theory="e^−updates per agent, for push"),
        MetricSpec("messages_per_agent", "messages sent, questions and feedback included, for each agent"),
        MetricSpec("updates_per_agent", "facts told, for each agent: the traffic of Demers et al."),
        MetricSpec("redundant_share", "share of the facts told that the other side knew already"),
        MetricSpec("last_informed_cycle", "cycle in which the last of the agents that heard did so", "rounds"),
    )
    invariants = (
        InvariantSpec(
            "one-text-per-version",
            "safety",
            "two agents that hold the same version of a fact, of one origin, hold the same words",
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
    experiments = (
        Experiment(
            "partition",
            "Split the network, and heal it",
            "Half of the agents cannot hear of the new rumour; after the heal it crosses over within a few rounds.",
            {"agents": 40},
            "at 5s partition a-01,a-0*,a-1* | a-2*,a-3*,a-40\nat 6s rumour a-01 the bridge is closed\nat 15s heal",
            "h heals it earlier; watch the second column of the stage",
        ),
        Experiment(
            "cold",
            "A rumour that dies too early",
            "With k=1 about one agent in five never hears: interest is lost before the last ones are found. Press R "
            "after setting k=3 in the menu, and almost nobody is left out.",
            {"agents": 200, "protocol": "rumour", "mode": "push", "timing": "rounds", "k": 1},
            "",
            "watch residue in the metrics beside its theory",
        ),
        Experiment(
            "crash",
            "A third of the agents crash",
            "Gossip asks for no list of members: the rest hear all the same, a little later. Press r on a crashed agent "
            "and see it catch up.",
            {"agents": 60},
            "at 2s crash 33%",
            "r restarts the selected agent",
        ),
        Experiment(
            "liar",
            "One liar",
            "A liar passes facts on with other words under the same version. Two versions of the truth spread, one wins "
            "everywhere, and the invariant says by which event it was broken.",
            {"agents": 30},
            "at 1s byzantine a-05 liar",
            "watch the invariants in the status line",
        ),
    )
    columns = (
        Column("facts", "facts", "right", 5, "facts known"),
        Column("hot", "hot", "right", 4, "facts that the agent spreads"),
        Column("heard", "heard", "right", 7, "when it heard of the newest fact"),
        Column("known", "peers", "right", 5, "agents whose advertisement it holds"),
        Column("repute", "repute", "right", 6, "its reputation with the others, on average"),
        Column("offers", "offers", "left", 8, "its capability"),
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
            self._tell(sim, _gossiper(sim, number % len(sim.agents)), text)

    def perform(self, sim: Simulation, name: str, args: Sequence[Any]) -> None:
        agent = _gossiper(sim, args[0])
        if not sim.lifecycle.is_alive(agent.id):
            raise CommandError(f"{agent.name} is down, so it cannot be told anything; restart it first")
        if name == "rumour":
            self._tell(sim, agent, args[1])
            return
        fact = agent.facts.get(args[1])
        if fact is None:
            known = ", ".join(agent.facts) or "nothing yet"
            raise CommandError(f"{agent.name} knows no fact {args[1]!r}; it knows {known}")
        self._put(sim, agent, Entry(fact.key, fact.version + 1, agent.id, args[2]))

    def _tell(self, sim: Simulation, agent: Gossiper, text: str) -> None:
        sim.meters.count("facts")
        key = f"f{sim.meters.value('facts')}"
        sim.meters.gauge(f"start {key}", sim.now)
        self._put(sim, agent, Entry(key, 1, agent.id, text))

    def _put(self, sim: Simulation, agent: Gossiper, entry: Entry) -> None:
        sim.note(agent.id, "rumour", {"key": entry.key, "version": entry.version, "text": entry.text})
        agent._learn(entry)

    # Goals and invariants

    def over(self, sim: Simulation) -> str:
        if self.params.protocol == "rumour":
            live = live_agents(sim)
            if any(agent.hot or agent.arriving for agent in live) or not facts(sim):
                return ""
            return "nobody spreads anything any more" if not _news_under_way(sim) else ""
        return "" if self.missing(sim) or self.differing(sim) or not facts(sim) else "every live agent knows every fact"

    def missing(self, sim: Simulation) -> str:
        """How many live agents have not heard of something; empty when all have heard of all."""
        keys = facts(sim)
        lacking = [agent.name for agent in live_agents(sim) if not all(map(agent.knows, keys))]
        return f"{_some(lacking)} not heard of everything" if lacking else ""

    def differing(self, sim: Simulation) -> str:
        """Which facts are held in more than one version; empty when all live agents that hold one agree."""
        held: dict[str, set[Entry]] = {}
        for agent in live_agents(sim):
            for entry in agent.facts.values():
                held.setdefault(entry.key, set()).add(entry)
        several = sorted(key for key, entries in held.items() if len(entries) > 1)
        return f"{', '.join(several)} held in more than one version" if several else ""

    def check_one_text(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        heard = note.data
        which = (heard["key"], heard["version"], heard["origin"])
        first = memory.setdefault(which, heard["text"])
        if first == heard["text"]:
            return ""
        return f"{sim.names[note.agent]} holds {heard['key']} as {heard['text']!r}, others as {first!r}"

    def check_known_fact(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        key = note.data["key"]
        if key in facts(sim):
            return ""
        return f"{sim.names[note.agent]} heard of {key!r}, which nobody was ever told"

    # Figures

    def measure(self, sim: Simulation) -> dict[str, Any]:
        count = len(sim.agents)
        updates = sim.meters.value("updates")
        received = sim.meters.value("received")
        coverage = mean_coverage(sim)
        spans = [time_to_all(sim, key) for key in facts(sim)]
        all_heard = bool(spans) and None not in spans
        last = last_cycle(sim)
        return {
            "coverage": coverage,
            "rounds_to_all": last if all_heard and self.params.timing == "rounds" else None,
            "time_to_all": seconds(max(span for span in spans if span is not None)) if all_heard else None,
            "residue": 1.0 - coverage,
            "messages_per_agent": sim.network.sent / count,
            "updates_per_agent": updates / count,
            "redundant_share": sim.meters.value("redundant") / received if received else None,
            "last_informed_cycle": last,
        }

    def sample(self, sim: Simulation) -> dict[str, float]:
        count = len(sim.agents)
        live = max(1, len(live_agents(sim)))
        values = {f"heard {key}": heard_by(sim, key) / live for key in facts(sim)}
        values["coverage"] = mean_coverage(sim)
        values["residue"] = 1.0 - values["coverage"]
        values["messages_per_agent"] = sim.network.sent / count
        values["updates_per_agent"] = sim.meters.value("updates") / count
        received = sim.meters.value("received")
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


def _gossiper(sim: Simulation, agent: int) -> Gossiper:
    found = sim.agent(agent)
    assert isinstance(found, Gossiper)
    return found


def _news_under_way(sim: Simulation) -> bool:
    return any(getattr(event[5], "entries", ()) for event in sim.calendar)


def _some(names: list[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} has"
    return f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''} have"
