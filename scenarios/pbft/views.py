"""What to show of PBFT: replicas by phases, the chain that never forks, and the story in words."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from engine.agent import Agent
from engine.duration import SECOND, brief_duration
from engine.framing import metric_view
from engine.landmarks import teller
from engine.ledger import Transfer, address_of
from engine.scenario import MetricSpec
from engine.signing import public_key, secret_key
from engine.simulation import Simulation
from engine.trace import Note, TraceEvent
from engine.views import (
    AgentRow,
    Chain,
    MetricView,
    NarrationLine,
    PhaseCell,
    PhaseGrid,
    PhaseRow,
    StageView,
    Tip,
    Tone,
    Words,
)
from engine.views import Block as BlockView
from scenarios.landmarks import Said, as_landmark, is_milestone
from scenarios.pbft import measures, theory
from scenarios.pbft.client import Client
from scenarios.pbft.messages import GENESIS, Block, Request
from scenarios.pbft.replica import Replica
from scenarios.pbft.state import Executed, Slot

PHASES = ("pre", "prep", "comm", "exec")
SHOWN_REQUESTS = 4  # numbers in the grid, newest at the right
SHOWN_BLOCKS = 400  # heights in the fork view
LABEL = 4  # hex digits of a block's label
NAME = 16  # hex digits that name a block
SHOWN_TRANSFERS = 12


# --- rows -----------------------------------------------------------------------------------------


def agent_row(sim: Simulation, agent: Agent) -> AgentRow | None:
    """The agent's line in the agents pane."""
    if isinstance(agent, Client):
        return _client_row(sim, agent)
    if not isinstance(agent, Replica):
        return None
    state, tone = _state(agent)
    return AgentRow(
        id=agent.id,
        name=agent.name,
        role=agent.role,
        health=sim.health(agent.id),
        state=state,
        cells=(
            f"{'→' if agent.changing else ''}{agent.view}",
            str(agent.executed),
            str(agent.stable),
            str(len(agent.log)),
            str(len(agent.waiting) or ""),
            agent.head[: LABEL // 2].hex() if agent.executed else "",
        ),
        tone=tone,
    )


def _state(agent: Replica) -> tuple[str, Tone]:
    if not agent.takes_part:
        return "no member", "dim"
    if agent.changing:
        return f"wants view {agent.view}", "warn"
    return ("primary", "accent") if agent.is_primary else ("backup", "plain")


def _client_row(sim: Simulation, agent: Client) -> AgentRow:
    since = sim.now - agent.since
    late = agent.pending is not None and since > agent.patience
    state = f"waits {brief_duration(since)}" if agent.pending is not None else "idle"
    return AgentRow(
        id=agent.id,
        name=agent.name,
        role=agent.role,
        health=sim.health(agent.id),
        state=state,
        cells=("", str(agent.answered), "", "", str(len(agent.backlog) or ""), agent.last_result[:6]),
        tone="warn" if late else "accent" if agent.pending is not None else "dim",
    )


def node_look(sim: Simulation, agent: Agent) -> tuple[Tone, str]:
    """An agent in the network drawing: the primary has a crown, a replica that wants another view an arrow."""
    if isinstance(agent, Client):
        return ("accent" if agent.pending is not None else "dim"), "c"
    assert isinstance(agent, Replica)
    tone = _state(agent)[1]
    return tone, "♛" if agent.is_primary and agent.takes_part else "→" if agent.changing else ""


# --- the stage ------------------------------------------------------------------------------------


def stage(sim: Simulation) -> StageView:
    """The requests in flight, and the chain of those that were carried out."""
    return StageView("Agreement", (grid(sim), chain(sim)))


def group_view(sim: Simulation) -> int:
    """The latest view that has begun for a correct replica."""
    return max([measures.begun(one) for one in measures.correct(sim)], default=0)


def grid(sim: Simulation) -> PhaseGrid:
    """Replicas by phases, for the newest numbers."""
    group = measures.replicas(sim)
    trusted = measures.correct(sim) or group
    newest = max([max(one.executed, one.furthest) for one in trusted])
    shown = range(max(1, newest - SHOWN_REQUESTS + 1), newest + 1)
    view = group_view(sim)
    banner, banner_tone = _banner(sim, trusted, view)
    rows = []
    for one in group:
        state, tone = _state(one)
        alive = sim.lifecycle.is_alive(one.id)
        if one.changing:
            votes = sum([change.view == one.view for change in one.changes.values()])
            state = f"wants view {one.view}, {votes} of {one.settings.quorum}"
        elif alive:
            state = f"view {one.view}"
        rows.append(
            PhaseRow(
                id=one.id,
                name=one.name,
                health=sim.health(one.id),
                crowned=one.is_primary,
                note=state if alive else "down",
                cells=tuple([_cells(one, seq) for seq in shown]),
                tone=tone if alive else "dim",
            )
        )
    return PhaseGrid(
        title=f"view {view}, primary {sim.names[view % len(group)]} ♛, quorum {2 * sim.params.f + 1} of {len(group)}",
        phases=PHASES,
        requests=tuple([f"seq {seq}" for seq in shown]),
        rows=tuple(rows),
        banner=banner,
        banner_tone=banner_tone,
    )


def _banner(sim: Simulation, trusted: list[Replica], view: int) -> tuple[str, Tone]:
    """A view change under way: the view that most want, and the votes that one of them holds."""
    wanted = [one for one in trusted if one.changing and one.view > view]
    if not wanted:
        return "", "warn"
    views = [one.view for one in wanted]
    target = max(sorted(set(views)), key=views.count)
    votes = max([sum([change.view == target for change in one.changes.values()]) for one in wanted])
    quorum = 2 * sim.params.f + 1
    primary = sim.names[target % (3 * sim.params.f + 1)]
    rest = f", {primary} is to begin it" if votes >= quorum else ""
    return f"view {view} → {target}: {votes} of {quorum} votes for {primary}{rest}", "warn"


def _cells(replica: Replica, seq: int) -> tuple[PhaseCell | None, ...]:
    """How far a replica is with a number. The pre-prepare counts as the primary's vote among the prepares."""
    quorum = replica.settings.quorum
    slot = replica.log.get(seq)
    done = replica.executed >= seq
    if slot is None:
        if not done:
            return (None,) * len(PHASES)
        votes = quorum if seq <= replica.stable else 0
        return PhaseCell(1, 1), PhaseCell(votes, quorum), PhaseCell(votes, quorum), PhaseCell(1, 1)
    accepted = slot.pre_prepare is not None
    prepares, wrong_prepares = _tally(slot, {key: votes.mask for key, votes in slot.prepares.items()}, replica.view)
    commits, wrong_commits = _tally(slot, slot.commits, replica.view)
    return (
        PhaseCell(int(accepted), 1),
        PhaseCell(min(quorum, prepares + accepted), quorum, wrong_prepares),
        PhaseCell(min(quorum, commits), quorum, wrong_commits),
        PhaseCell(int(done), 1),
    )


def _tally(slot: Slot, votes: dict[tuple[int, bytes], int], view: int) -> tuple[int, int]:
    """Votes of this view that match, and that do not."""
    right = wrong = 0
    for (of_view, digest), mask in votes.items():
        if of_view != view:
            continue
        if slot.pre_prepare is None or digest == slot.digest:
            right = max(right, mask.bit_count())
        else:
            wrong += mask.bit_count()
    return right, wrong


def chain(sim: Simulation) -> Chain:
    """The blocks that were carried out. A second branch is there only if agreement is broken."""
    group = measures.replicas(sim)
    found = _blocks(group)
    lowest = _lowest(found)
    kept = {id: one for id, one in found.items() if one.block.seq >= lowest}
    canonical = _canonical(group, kept)
    heads: dict[bytes, list[Replica]] = {}
    for one in group:
        heads.setdefault(one.head, []).append(one)
    everywhere = min([one.executed for one in group])
    blocks = []
    if lowest <= 1:
        blocks.append(BlockView(GENESIS[: NAME // 2].hex(), "", 0, "0", "canonical", note="the beginning"))
    for done in sorted(kept.values(), key=lambda done: (done.block.seq, done.time)):
        block = done.block
        maker = done.view % len(group)
        note = ""
        if block.id not in canonical:
            note = "agreement is broken"
        elif block.seq > everywhere:
            note = f"{sum([replica.executed >= block.seq for replica in group])} of {len(group)}"
        blocks.append(
            BlockView(
                id=block.name,
                parent=block.parent[: NAME // 2].hex(),
                height=block.seq,
                label=block.name[:LABEL],
                status="canonical" if block.id in canonical else "stale",
                maker=maker,
                mark=_mark(sim.names[maker]),
                note=note,
            )
        )
    shown = {block.id for block in blocks}
    tips = [
        Tip(
            block=head[: NAME // 2].hex(),
            agents=tuple([one.id for one in held]),
            marks=tuple([_mark(one.name) for one in held]),
        )
        for head, held in heads.items()
        if head[: NAME // 2].hex() in shown
    ]
    final = measures.final_height(sim)
    return Chain("chain", tuple(blocks), tuple(tips), now=sim.now, final=final)


def _mark(name: str) -> str:
    return name if len(name) <= 3 else name.rpartition("-")[2][-3:]


def _blocks(group: list[Replica]) -> dict[bytes, Executed]:
    """The blocks of the latest heights, each as the replica that was furthest then carried it out."""
    top = max([one.executed for one in group])
    found: dict[bytes, Executed] = {}
    for replica in sorted(group, key=lambda one: -one.executed):
        for one in reversed(replica.chain):
            if one.block.id in found or one.block.seq <= top - SHOWN_BLOCKS:
                break
            found[one.block.id] = one
    return found


def _lowest(found: dict[bytes, Executed]) -> int:
    """From which height on each block's parent is there too."""
    loose = [one.block.seq for one in found.values() if one.block.parent not in found]
    return max(loose, default=1)


def _canonical(group: list[Replica], found: dict[bytes, Executed]) -> set[bytes]:
    """The branch that most of the correct replicas are on."""
    parents = {one.block.parent for one in found.values()}
    best: set[bytes] = set()
    best_rank = (-1, -1)
    for id, one in found.items():
        if id in parents:
            continue
        branch: set[bytes] = set()
        at: bytes = id
        while at in found:
            branch.add(at)
            at = found[at].block.parent
        rank = (sum([replica.head in branch and not replica.tainted for replica in group]), one.block.seq)
        if rank > best_rank:
            best, best_rank = branch, rank
    return best


# --- details --------------------------------------------------------------------------------------


def detail(sim: Simulation, key: str) -> Words | None:
    """All there is to say of a block, by its id or the beginning of it, or of a number such as `seq 7`."""
    word, _, rest = key.partition(" ")
    if word == "seq" and rest.isdigit():
        return _number(sim, int(rest))
    if len(key) < LABEL:
        return None
    holders = [
        (replica, one) for replica in measures.replicas(sim) for one in replica.chain if one.block.name.startswith(key)
    ]
    if not holders:
        return None
    block = holders[0][1].block
    return _block_words(sim, block, [(replica, one) for replica, one in holders if one.block == block])


def _number(sim: Simulation, seq: int) -> Words | None:
    group = measures.replicas(sim)
    lines: list[tuple[str, Tone]] = []
    blocks: dict[bytes, Block] = {}
    for one in group:
        done = _executed(one, seq)
        if done is not None:
            blocks[done.block.id] = done.block
        slot = one.log.get(seq)
        if slot is None and done is None:
            continue
        text, tone = _progress(one, seq, done)
        lines.append((f"{one.name}{' ♛' if one.is_primary else ''}: {text}", tone))
    if not lines:
        return None
    batch = next(iter(blocks.values())).batch if blocks else _proposed(group, seq)
    named = [f"block {block.name}" for block in blocks.values()]
    head: list[tuple[str, Tone]] = [(one, "accent" if len(named) == 1 else "bad") for one in named]
    return Words(f"seq {seq}", (*head, *_transfers(sim, batch), *lines))


def _proposed(group: list[Replica], seq: int) -> tuple[Request, ...]:
    for one in group:
        slot = one.log.get(seq)
        if slot is not None and slot.pre_prepare is not None:
            return slot.batch
    return ()


def _progress(replica: Replica, seq: int, done: Executed | None) -> tuple[str, Tone]:
    if done is not None:
        return f"carried out at {_time(done.time)} in view {done.view}", "good"
    cells = [cell for cell in _cells(replica, seq) if cell is not None]
    words = ", ".join([f"{name} {cell.have} of {cell.need}" for name, cell in zip(PHASES, cells, strict=False)])
    wrong = sum([cell.wrong for cell in cells])
    return words + (f"; {wrong} votes for something else" if wrong else ""), "warn" if wrong else "plain"


def _executed(replica: Replica, seq: int) -> Executed | None:
    first = replica.chain[0].block.seq if replica.chain else 0
    place = seq - first
    return replica.chain[place] if replica.chain and 0 <= place < len(replica.chain) else None


def _block_words(sim: Simulation, block: Block, holders: list[tuple[Replica, Executed]]) -> Words:
    views = sorted({one.view for _, one in holders})
    n = 3 * sim.params.f + 1
    primaries = ", ".join([f"{view} (primary {sim.names[view % n]})" for view in views])
    final = len(holders) >= 2 * sim.params.f + 1 or block.seq <= measures.final_height(sim)
    lines: list[tuple[str, Tone]] = [
        (f"number {block.seq}, carried out in view {primaries}", "accent"),
        (f"parent {block.parent[: NAME // 2].hex()}", "plain"),
        (f"digest of the batch {block.digest[: NAME // 2].hex()}", "plain"),
        ("final: 2f+1 replicas have carried it out" if final else "not final yet", "good" if final else "warn"),
        *_transfers(sim, block.batch),
    ]
    lines += [(f"{replica.name} at {_time(one.time)}", "plain") for replica, one in holders]
    return Words(f"block {block.name}", tuple(lines))


def _transfers(sim: Simulation, batch: tuple[Request, ...]) -> list[tuple[str, Tone]]:
    if not batch:
        return [("the null request: nothing, to fill a gap", "dim")]
    lines: list[tuple[str, Tone]] = [
        (f"{sim.names[one.client]} request {one.timestamp}: {payment(sim, one.transfer)}", "plain")
        for one in batch[:SHOWN_TRANSFERS]
    ]
    more = len(batch) - SHOWN_TRANSFERS
    return [*lines, (f"and {more} more", "dim")] if more > 0 else lines


def payment(sim: Simulation, transfer: Transfer) -> str:
    """A transfer in words, such as `5 to c-2`."""
    return f"{transfer.amount} to {owner(sim, transfer.to)}"


def owner(sim: Simulation, address: str) -> str:
    """Whose account it is, as far as anybody here owns it."""
    return next((name for name in sim.names if _address(sim.seed, name) == address), address[:8])


@lru_cache(maxsize=4_096)
def _address(seed: int, name: str) -> str:
    return address_of(public_key(secret_key(seed, name)))


def _time(micros: int) -> str:
    return f"{micros / SECOND:.3f}s"


# --- the figures ----------------------------------------------------------------------------------


def metric_views(sim: Simulation) -> tuple[MetricView, ...]:
    """The metrics with their theory where there is one."""
    measured = sim.metrics()
    expected = _expected(sim, measured)
    return tuple([_metric(sim, spec, measured, expected) for spec in sim.scenario.metrics])


def _metric(sim: Simulation, spec: MetricSpec, measured: dict[str, Any], expected: dict[str, str]) -> MetricView:
    return metric_view(spec, measured[spec.name], sim.series, expected.get(spec.name, ""))


def _expected(sim: Simulation, measured: dict[str, Any]) -> dict[str, str]:
    """What theory says of some figures, without faults; of the view change, for each crashed primary."""
    f, params = sim.params.f, sim.params
    told = {"commit_latency_p50": f"about {theory.DELAYS * params.latency:.2f}"}
    if params.batch == 1:
        told["messages_per_request"] = str(theory.ordering_messages(f))
        told["messages_per_request_total"] = str(theory.all_messages(f))
    if measured["view_changes"]:
        told["view_change_messages"] = f"{theory.view_change_messages(f)} for a crashed primary"
        told["new_view_messages"] = str(theory.new_view_messages(f) * measured["view_changes"])
    return told


# --- the story ------------------------------------------------------------------------------------


def narrate(sim: Simulation, event: TraceEvent) -> NarrationLine | None:
    """The story so far, in sentences."""
    data = event.message
    if not event.note or not isinstance(data, dict):
        return None
    told = _tell(sim, event, data)
    return None if told is None else NarrationLine(event.time, *told)


def _tell(sim: Simulation, event: TraceEvent, data: dict[str, Any]) -> tuple[str, Tone] | None:
    who, names = event.agent, sim.names
    n = 3 * sim.params.f + 1
    match event.kind:
        case "final":
            what = _requests(sim, data)
            return f"Number {data['seq']} is final: {data['count']} of {n} replicas have carried out {what}.", "good"
        case "asks-all":
            return f"{who} gets no answer to its request {data['timestamp']}, and asks all replicas.", "warn"
        case "answered" if data["result"] != "paid":
            return f"{who} has an answer to its request {data['timestamp']}: {data['result']}.", "warn"
        case "answered" if data["waited"] > sim.params.timeout * SECOND:
            waited = brief_duration(data["waited"])
            return f"{who} has its answer at last, after {waited}.", "good"
        case "view-change" if data["count"] == 1:
            view = data["view"]
            if data["joins"]:
                why = "hears f+1 others ask for a later view"
            else:
                failed = names[data["before"] % n]
                why = f"has lost patience with {failed}" if failed != who else "gets nothing done as primary"
            return f"{who} {why}: it asks for view {view}, whose primary is {names[data['primary']]}.", "warn"
        case "view-change" if data["count"] == 2 * sim.params.f + 1:
            enough = f"enough for {names[data['primary']]} to begin it, once it has heard of them"
            return f"{data['count']} replicas want view {data['view']} by now: {enough}.", "warn"
        case "new-view" if data["first"]:
            kept = data["kept"]
            over = "nothing was promised before" if not kept else f"it carries over {_count(kept, 'number')}"
            return f"View {data['view']} begins with {names[data['primary']]} as its primary; {over}.", "accent"
        case "stable" if data["first"]:
            quorum = 2 * sim.params.f + 1
            return (
                f"Checkpoint {data['seq']} is stable: {quorum} replicas vouch for it, and logs end there now.",
                "plain",
            )
        case "state":
            source, before = names[data["source"]], data["before"]
            where = f"it had got to number {before}, and takes over the state at checkpoint {data['seq']} from {source}"
            return f"{who} had fallen behind: {where}, which others vouch for.", "accent"
        case "rejected":
            what = f"{data['what']} in the name of {data['claims']}"
            return f"{who} rejects a {what}: it is not from there, or cannot be right ({data['count']} so far).", "warn"
        case "equivocates":
            return f"{who} gives number {data['seq']} to two requests: one half of the others hears each.", "bad"
        case "two-faced":
            return f"{who} sends two different requests under one timestamp, {data['timestamp']}.", "bad"
    return None


def _requests(sim: Simulation, data: dict[str, Any]) -> str:
    """What a block brought about."""
    if not data["requests"]:
        return "nothing new"
    if len(data["requests"]) > 1:
        return _count(len(data["requests"]), "request")
    client, timestamp, _ = data["requests"][0]
    for one in measures.replicas(sim):
        done = _executed(one, data["seq"])
        if done is not None and done.block.name == data["block"]:
            for request in done.block.batch:
                if (request.client, request.timestamp) == (client, timestamp):
                    return f"{sim.names[client]}'s {payment(sim, request.transfer)}"
    return f"request {timestamp} of {sim.names[client]}"


def _count(many: int, thing: str) -> str:
    return f"{many} {thing}{'' if many == 1 else 's'}"


# --- what is worth going back to ------------------------------------------------------------------


@as_landmark
def landmark(sim: Simulation, note: Note) -> Said | None:
    """Views that are asked for and begin, who lies, who catches up, and a few numbers. What all replicas say in turn
    counts when the first one does."""
    data, who = note.data, teller(sim, note)
    match note.kind:
        case "final" if is_milestone(data["seq"]):
            return "final", "✓", f"number {data['seq']} is final", "plain"
        case "view-change" if data["count"] == 1:
            return "view change", "↻", f"{who} asks for view {data['view']}", "warn"
        case "new-view" if data["first"]:
            return "new view", "♛", f"view {data['view']}, primary {sim.names[data['primary']]}", "accent"
        case "equivocates" if data["first"]:
            return "equivocation", "≠", f"{who} equivocates in view {data['view']}", "bad"
        case "two-faced" if data["first"]:
            return "two faces", "≠", f"{who} sends two requests as one", "bad"
        case "rejected" if data["count"] == 1:
            return "rejected", "⊘", f"{who} rejects a {data['what']}", "warn"
        case "state":
            return "catches up", "↥", f"{who} catches up to number {data['seq']}", "good"
    return None
