"""The sequence diagram: who sent what to whom, in the order of events, from the trace and from what is on its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from heapq import nsmallest
from itertools import islice

from engine.describe import kind_of, summary_of
from engine.events import IN_FLIGHT, NOBODY, Event, Kind
from engine.simulation import Simulation
from engine.trace import CAPACITY, MASK, Note, Trace, TraceEvent
from engine.views import Fate, SequenceArrow, SequenceItem, SequenceLane, SequenceMark, SequenceView, Tone

ITEMS = 400  # things that happened, in one view
MOVING = 12  # messages on their way, in one view
LOOKED_AT = 2_000  # of the events to come, when it looks for them
LANES = 24  # agents in one view
RECENT = 512  # events that say who matters now
EVERYONE = -1  # the agent of a mark that concerns all

_FATES: dict[int, Fate] = {Kind.LOST: "lost", Kind.CUT: "cut", Kind.DROPPED: "dropped", Kind.HELD: "held"}
_MARKS = frozenset({Kind.TIMER, Kind.START, Kind.COMMAND})
_GOES_DOWN = frozenset({"crash", "failed", "leave"})
_BAD = frozenset({"crash", "failed", "broken", "partition", "refused", "byzantine"})


def sequence(sim: Simulation, agent: int | None = None, only: str = "") -> SequenceView:
    """What happened last, as the agent with the id `agent` sees it.

    Who gets a lane: with `only`, the agents with that text in their names; else all that have not left. Of these the
    chosen one comes first, then those with whom it exchanged most messages, of late and before, then those to whom
    most happened.
    What is shown: all of the chosen agent (with `only`, of all that have the text), and what lies between the others.
    """
    trace = sim.trace
    who = [a for a in sim.present() if only.casefold() in sim.names[a].casefold()]
    ranked = _ranked(trace, who, agent)
    chosen = frozenset(ranked if only else ranked[:1] if agent in who else ())
    items = _happened(sim, frozenset(ranked), chosen)
    down, born, since = _absences(trace.notes, ranked, sim)
    shown: list[SequenceItem] = []
    for index, what in items:
        if isinstance(what, Note):
            shown.append(mark_of(trace.describe_note(what), what.serial))
        elif what[4] in _MARKS:
            shown.append(mark_of(trace.describe(index, what)))
        else:
            shown.append(_arrow(sim.names, index, what, since))
    return SequenceView(
        lanes=tuple([SequenceLane(a, sim.names[a], sim.health(a), tuple(down[a]), born.get(a, 0)) for a in ranked]),
        items=(*shown, *_moving(sim, frozenset(ranked), chosen)),
        chosen=tuple(sorted(chosen)),
        agents=len(who),
        total=trace.total,
        now=sim.now,
        only=only,
    )


def sequence_of(sim: Simulation, chain: Sequence[TraceEvent]) -> SequenceView:
    """Some events as a diagram of their own, with the lanes of those who take part in them and of no one else."""
    names, present = sim.names, frozenset(sim.present())
    people = sorted({a for e in chain for a in (e.agent_id, e.peer_id) if a < len(names)})
    down, born, since = _absences(sim.trace.notes, people, sim)
    items: list[SequenceItem] = []
    for event in chain:
        if event.kind in ("timer", "start", "command") or event.note:
            items.append(mark_of(event))
        else:
            kind = event.summary.split(" ", 1)[0] if event.message is None else kind_of(event.message)
            fate: Fate = _FATES.get(Kind[event.kind.upper()], "arrived")
            items.append(
                SequenceArrow(
                    index=event.index,
                    time=event.time,
                    number=event.number,
                    source=event.peer_id,
                    target=event.agent_id,
                    sender=event.peer,
                    receiver=event.agent,
                    kind=kind,
                    summary=event.summary,
                    sent=event.sent,
                    cause=event.cause,
                    fate=fate,
                    reason=reason_of(fate, event.agent, since.get(event.agent_id)),
                )
            )
    return SequenceView(
        lanes=tuple(
            [SequenceLane(a, names[a], sim.health(a), tuple(down[a]), born.get(a, 0), a not in present) for a in people]
        ),
        items=tuple(items),
        chosen=tuple(people),
        agents=len(people),
        total=sim.trace.total,
        now=sim.now,
    )


def reason_of(fate: Fate, receiver: str, down_since: int | None = None) -> str:
    """Why a message was not taken, in words; `down_since` is when (µs) its receiver went down, if it is down."""
    match fate:
        case "lost":
            return "lost on the link"
        case "cut":
            return "stopped by a partition"
        case "held":
            return f"{receiver} is frozen: it waits"
        case "dropped" if down_since is not None:
            return f"{receiver} is down since {down_since / 1_000_000:,.1f}s"
        case "dropped":
            return f"{receiver} did not take it"
        case _:
            return ""


def mark_of(event: TraceEvent, serial: int = 0) -> SequenceMark:
    """What is no message: a timer, a start, a command, a note."""
    tone: Tone = "dim"
    if event.note:
        tone = "bad" if event.kind in _BAD else "accent"
    elif event.kind == "command":
        tone = "accent"
    nobody = event.agent_id == NOBODY
    return SequenceMark(
        index=event.index,
        serial=serial,
        time=event.time,
        agent=EVERYONE if nobody else event.agent_id,
        who=event.agent,
        kind=event.kind,
        text=event.summary,
        cause=event.cause,
        tone=tone,
    )


def _ranked(trace: Trace, who: list[int], agent: int | None) -> list[int]:
    """The ids of those who matter most, the most important first."""
    ring, total = trace.ring, trace.total
    recent = [ring[index & MASK] for index in range(max(1, total - RECENT + 1), total + 1)]
    lately, ever = _partners(recent, agent), _partners(ring, agent)
    busy = Counter([event[2] for event in ring if event is not None]) if len(who) > LANES else Counter[int]()
    return nsmallest(LANES, who, key=lambda a: (a != agent, -lately[a], -ever[a], -busy[a], a))


def _partners(events: Iterable[Event | None], agent: int | None) -> Counter[int]:
    """With whom an agent exchanged how many of these messages."""
    return Counter([e[3] if e[2] == agent else e[2] for e in events if e and (e[2] == agent or e[3] == agent)])


def _happened(sim: Simulation, lanes: frozenset[int], chosen: frozenset[int]) -> list[tuple[int, Event | Note]]:
    """The last events and notes that are to be shown, oldest first."""
    trace = sim.trace
    ring, total = trace.ring, trace.total
    earliest = max(1, total - CAPACITY + 1)
    found: list[tuple[int, int, Event | Note]] = []
    for index in range(total, earliest - 1, -1):
        event = ring[index & MASK]
        if event is None:
            continue
        target, source = event[2], event[3]
        if target in lanes:
            shown = target in chosen or source in lanes or event[4] in _MARKS
        else:
            shown = source in chosen or event[4] == Kind.COMMAND
        if shown:
            found.append((index, 0, event))
            if len(found) == ITEMS:
                break
    first = found[-1][0] if len(found) == ITEMS else 0
    for note in reversed(trace.notes):
        if note.index < first:
            break
        if note.agent in lanes or note.agent == NOBODY:
            found.append((note.index, note.serial, note))
    found.sort(key=_by_place)
    return [(index, what) for index, _, what in found[-ITEMS:]]


def _by_place(item: tuple[int, int, Event | Note]) -> tuple[int, int]:
    return item[0], item[1]


def _absences(
    notes: Iterable[Note], agents: Collection[int], sim: Simulation
) -> tuple[dict[int, list[tuple[int, int]]], dict[int, int], dict[int, int]]:
    """For each agent when it was down, as indices of events; for those that joined the event by which they did; and
    for those that went down, since when."""
    down: dict[int, list[tuple[int, int]]] = {agent: [] for agent in agents}
    open_since: dict[int, int] = {}
    born: dict[int, int] = {}
    since: dict[int, int] = {}
    known: set[int] = set()
    for note in notes:
        agent, kind = note.agent, note.kind
        if kind in _GOES_DOWN:
            since[agent] = note.time
            if agent in down:
                open_since.setdefault(agent, note.index)
                known.add(agent)
        elif kind == "restart" and agent in down:
            if agent in open_since or agent not in known:
                down[agent].append((open_since.pop(agent, 0), note.index))
            known.add(agent)
        elif kind == "join" and agent in down:
            born[agent] = note.index
    is_alive = sim.lifecycle.is_alive
    for agent in agents:
        if agent in open_since:
            down[agent].append((open_since[agent], 0))
        elif agent not in known and not is_alive(agent):  # it went down before the notes begin
            down[agent].append((0, 0))
    return down, born, since


def _arrow(names: Sequence[str], index: int, event: Event, since: dict[int, int]) -> SequenceArrow:
    time, number, target, source, kind, message, cause, sent = event
    receiver = names[target] if target < len(names) else str(target)
    fate: Fate = "moving" if not index else _FATES.get(kind, "arrived")
    down_since = since.get(target)
    return SequenceArrow(
        index=index,
        time=time,
        number=number,
        source=source,
        target=target,
        sender=names[source] if source < len(names) else "",
        receiver=receiver,
        kind=kind_of(message),
        summary=summary_of(message),
        sent=sent,
        cause=cause or None,
        fate=fate,
        reason=reason_of(fate, receiver, down_since if down_since is not None and down_since <= time else None),
    )


def _moving(sim: Simulation, lanes: frozenset[int], chosen: frozenset[int]) -> list[SequenceArrow]:
    found: list[SequenceArrow] = []
    for event in islice(sim.calendar, LOOKED_AT):
        target, source = event[2], event[3]
        if event[4] in IN_FLIGHT and (
            (target in lanes and source in lanes) or ((target in chosen or source in chosen) and source != target)
        ):
            found.append(_arrow(sim.names, 0, event, {}))
            if len(found) == MOVING:
                break
    return found
