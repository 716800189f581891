"""What to show of proof of work: the fork view, the agents, the figures beside theory, and the story in words."""

from __future__ import annotations

import math
from typing import Any

from msgspec.structs import replace

from engine.duration import SECOND
from engine.framing import in_words, metric_view
from engine.landmarks import teller
from engine.scenario import MetricSpec
from engine.simulation import Simulation
from engine.trace import Note, TraceEvent
from engine.views import (
    AgentRow,
    Block,
    BlockStatus,
    Chain,
    Curve,
    MetricView,
    NarrationLine,
    Plot,
    Reorganisation,
    StageView,
    Tip,
    Tone,
    Words,
)
from scenarios.landmarks import Said, as_landmark, is_milestone, is_news
from scenarios.pow import measures, theory
from scenarios.pow.chain import ID_SIZE, REWARD, WEALTH, address_in, chance_of, short, work_of
from scenarios.pow.miner import Miner
from scenarios.pow.params import PowParams

MOST_BLOCKS = 1_500
SHOWN_REORGS = 8
SHOWN_TRANSFERS = 8
SHOWN_NAMES = 12
SHARES = frozenset({"stale_rate", "heights_forked", "attacker_revenue", "rival_share"})


def supply(accounts: int, height: int) -> int:
    """All the money there is at a height."""
    return accounts * WEALTH + height * REWARD


def mark_of(name: str) -> str:
    """An agent in one to three letters: its number."""
    return name.rpartition("-")[2]


class Moment:
    """What several views of one moment need, worked out once."""

    def __init__(self, sim: Simulation) -> None:
        self.canon = measures.canon(sim)
        self.tally = measures.tally(sim)
        total = 0.0
        for agent in sim.alive():
            total += getattr(agent, "power", 0.0)
        self.power = total


def moment(sim: Simulation) -> Moment:
    """The figures of now, kept until something happens."""
    last = sim.trace.notes[-1] if sim.trace.notes else None
    key = (sim.events, sim.calendar.number, sim.now, len(sim.commands), id(last))
    kept: dict[str, Any] = sim.scenario.kept  # type: ignore[attr-defined]
    if kept.get("moment of") != key:
        kept["moment of"], kept["moment"] = key, Moment(sim)
    found: Moment = kept["moment"]
    return found


# --- agents ---------------------------------------------------------------------------------------


def agent_row(sim: Simulation, agent: Miner) -> AgentRow:
    """The agent's line in the agents pane."""
    now = moment(sim)
    tip, height = agent.tree.tip, now.tally.height
    share = agent.power / now.power if now.power and sim.lifecycle.is_alive(agent.id) else 0.0
    revenue = now.tally.canonical.get(agent.id, 0) / height if height else 0.0
    state, tone = _standing(sim, agent, now)
    return AgentRow(
        id=agent.id,
        name=agent.name,
        role=agent.role,
        health=sim.health(agent.id),
        state=state,
        cells=(
            f"{100 * share:.0f}%",
            f"{short(tip.id)}·{tip.height}" if tip.id else "",
            str(len(agent.made)),
            f"{100 * revenue:.0f}%",
            str(len(agent.reorgs) or ""),
            str(len(agent.pool) or ""),
        ),
        tone=tone,
    )


def _standing(sim: Simulation, agent: Miner, now: Moment) -> tuple[str, Tone]:
    """What an agent is doing, in a word or three."""
    tip = agent.tree.tip
    if agent.only:
        return "eclipsed", "bad"
    if agent.public is not None and agent.hidden:
        return f"hides {len(agent.hidden)}", "bad"
    if agent.coming:
        return "catches up", "warn"
    if now.canon.tip.id == tip.id:
        return ("mines" if agent.power else "follows"), "accent"
    if now.canon.holds(tip.id, tip.height):
        return "behind", "dim"
    return "other branch", "warn"


def node_look(sim: Simulation, agent: Miner) -> tuple[Tone, str]:
    """An agent in the network drawing: whether it stands on the canonical tip, and how far behind it is."""
    now = moment(sim)
    state, tone = _standing(sim, agent, now)
    lag = now.canon.tip.height - agent.tree.tip.height
    return tone, f"-{lag}" if 0 < lag < 100 and state != "mines" else ""


# --- the stage ------------------------------------------------------------------------------------


def stage(sim: Simulation) -> StageView:
    """The fork view, and the course of the figure that matters."""
    params: PowParams = sim.params
    how = " · finds are sampled, no nonce is searched" if params.mining == "sampled" else ""
    return StageView(f"The chain{how}", (chain(sim), course(sim)))


def chain(sim: Simulation) -> Chain:
    """The newest blocks of all branches, and who stands where. Worked out anew only when something has changed."""
    key = (
        len(sim.commands),
        tuple([
            (one.tree.tip.id, len(one.made), next(reversed(one.made), b""), len(one.hidden), len(one.refused),
             len(one.reorgs), one.mode, sim.lifecycle.is_alive(one.id), one.public.id if one.public else b"")
            for one in measures.miners(sim)
        ]),
    )  # fmt: skip
    kept: dict[str, Any] = sim.scenario.kept  # type: ignore[attr-defined]
    if kept.get("chain of") != key:
        kept["chain of"], kept["chain"] = key, _chain(sim)
    found: Chain = kept["chain"]
    return replace(found, now=sim.now)


def _chain(sim: Simulation) -> Chain:
    canon = measures.canon(sim)
    found = measures.finds(sim)
    lowest = 0
    if len(found) > MOST_BLOCKS:
        lowest = sorted(find.height for find in found)[-MOST_BLOCKS] + 1
    reorgs = _reorganisations(sim)
    left: dict[str, Reorganisation] = {one.left: one for one in reorgs}
    blocks: list[tuple[int, int, Block]] = []
    shown: dict[bytes, None] = {}
    first = canon.miner.tree.records.get(canon.miner.tree.active[0])
    if first is not None and lowest == 0:
        label = short(first.id)
        blocks.append((0, -1, Block(first.id.hex(), "", 0, label, "canonical", note="where all begin")))
        shown[first.id] = None
    for find in found:
        if find.height >= lowest:
            shown[find.id] = None
            blocks.append((find.height, find.time, _block(sim, canon, find, left)))
    blocks.extend(_invalid(sim, lowest, shown))
    blocks.sort(key=lambda entry: (entry[0], entry[1]))
    names = {block.id for _, _, block in blocks}
    return Chain(
        title="blocks found",
        blocks=tuple([block for _, _, block in blocks]),
        tips=tuple([tip for tip in _tips(sim) if tip.block in names]),
        reorganisations=tuple(reorgs[-SHOWN_REORGS:]),
        now=sim.now,
        hidden_note=_hidden_note(sim),
    )


def _block(sim: Simulation, canon: measures.Canon, find: measures.Find, left: dict[str, Reorganisation]) -> Block:
    maker = sim.agents[find.maker]
    assert isinstance(maker, Miner)
    status: BlockStatus = "canonical"
    note = ""
    name = find.id.hex()
    if find.hidden:
        status = "hidden"
    elif not canon.holds(find.id, find.height):
        status = "orphan" if _is_orphan(sim, maker, find.id) else "stale"
        if name in left:
            gone = left[name]
            marks = " ".join([mark_of(sim.names[agent]) for agent in gone.agents[:6]])
            note = f"left by {marks} at {gone.time / SECOND:.1f}s"
    record = maker.tree.records.get(find.id)
    parent = record.parent.hex() if record is not None else ""
    return Block(name, parent, find.height, short(find.id), status, find.maker, mark_of(maker.name), note)


def _is_orphan(sim: Simulation, maker: Miner, name: bytes) -> bool:
    """Whether nobody who is up can follow a block, though somebody has it: what it builds on went down with its
    maker."""
    if sim.lifecycle.is_alive(maker.id):
        return False
    live = [one for one in measures.miners(sim) if sim.lifecycle.is_alive(one.id)]
    if any(name in one.tree.records for one in live):
        return False
    return any(name in waiting for one in live for waiting in one.orphans.values())


def _invalid(sim: Simulation, lowest: int, shown: dict[bytes, None]) -> list[tuple[int, int, Block]]:
    """The invalid blocks that follow a block which is shown."""
    found: dict[bytes, tuple[int, int, Block]] = {}
    for one in measures.miners(sim):
        for name, (block, why) in one.refused.items():
            if block is None or name in found or name in shown or not name:
                continue
            parent = one.tree.records.get(block.header.parent)
            if parent is None or parent.height + 1 < lowest or parent.id not in shown:
                continue
            maker = block.miner if 0 <= block.miner < len(sim.names) else -1
            mark = mark_of(sim.names[maker]) if maker >= 0 else "?"
            height = parent.height + 1
            drawn = Block(name.hex(), parent.id.hex(), height, short(name), "invalid", maker, mark, why)
            found[name] = (height, block.header.time, drawn)
    return list(found.values())


def _tips(sim: Simulation) -> list[Tip]:
    standing: dict[bytes, list[Miner]] = {}
    for agent in sim.present():
        one = sim.agents[agent]
        assert isinstance(one, Miner)
        standing.setdefault(one.tree.tip.id, []).append(one)
    tips = []
    for name, agents in standing.items():
        down = [mark_of(one.name) for one in agents if not sim.lifecycle.is_alive(one.id)]
        note = f"{' '.join(down[:4])}{' …' if len(down) > 4 else ''} down" if down else ""
        tips.append(
            Tip(
                name.hex(), tuple([one.id for one in agents]), tuple([mark_of(one.name) for one in agents]), note
            )
        )  # fmt: skip
    return tips


def _reorganisations(sim: Simulation) -> list[Reorganisation]:
    """The reorganisations that agents remember, those from one tip to another as one; oldest first."""
    found: dict[tuple[bytes, bytes], list[tuple[int, int, int]]] = {}
    for one in measures.miners(sim):
        for past in one.reorgs:
            found.setdefault((past.left, past.joined), []).append((past.time, past.depth, one.id))
    whole = [
        Reorganisation(max(time for time, _, _ in entries), left.hex(), joined.hex(), entries[0][1],
                       tuple([agent for _, _, agent in entries]))
        for (left, joined), entries in found.items()
    ]  # fmt: skip
    return sorted(whole, key=lambda one: (one.time, one.left))


def _hidden_note(sim: Simulation) -> str:
    """What those who hide blocks are waiting for."""
    notes = []
    for one in measures.miners(sim):
        if not one.hidden:
            continue
        if one.public is None:
            notes.append(f"{one.name} keeps {len(one.hidden)} for good")
        elif one.attempt is not None and one.attempt.payment is not None:
            fork = one.attempt.fork
            mine, theirs = one.tree.tip.height - fork, one.public.height - fork
            wait = one.attempt.confirmations
            notes.append(f"{one.name}: {mine} against {theirs}, publishes when ahead after {wait} confirmations")
        else:
            lead = one.tree.tip.height - one.public.height
            plan = (
                "publishes it when another is found, for a tie" if lead == 1
                else "publishes all on the next find of others" if lead == 2
                else "publishes one for each that others find"
            )  # fmt: skip
            notes.append(f"{one.name}: {lead} ahead, {plan}")
    return "; ".join(notes[:2])


def course(sim: Simulation) -> Plot:
    """The share of stale blocks over time, or what the attackers earn, with what theory expects."""
    params: PowParams = sim.params
    times = tuple([time / SECOND for time in sim.series.times])
    evil = measures.attackers(sim)
    name, title = ("attacker_revenue", "attackers' revenue") if evil else ("stale_rate", "stale blocks")
    values = sim.series[name]
    curves = [Curve(title, times, values)] if values else []
    expected = _expected_numbers(sim).get(name)
    end = max(times[-1] if times else 0.0, params.interval)
    if expected is not None:
        curves.append(Curve("theory", (0.0, end), (expected, expected), theory=True))
    if evil and params.attacker == "selfish":
        share = params.attacker_share
        curves.append(Curve("its hash power", (0.0, end), (share, share), theory=True))
    highest = max([*values, expected or 0.0, 0.05])
    return Plot(title, "s", title, tuple(curves), (0.0, end), (0.0, min(1.0, 1.2 * highest)), percent=True)


# --- one thing ------------------------------------------------------------------------------------


def detail(sim: Simulation, key: str) -> Words | None:
    """All about a block, by its id or the end of it, or about an agent, by its name."""
    if key in sim.ids:
        return _account(sim, key)
    wanted = _id_of(sim, key)
    for one in measures.miners(sim) if wanted else ():
        record = one.tree.records.get(wanted)
        if record is not None and record.block is not None:
            return _about_block(sim, wanted, record.block, record.height)
        refused = one.refused.get(wanted)
        if refused is not None and refused[0] is not None:
            return _about_block(sim, wanted, refused[0], refused[0].height, refused[1])
    return None


def _id_of(sim: Simulation, key: str) -> bytes:
    """The block that a key means: its id, or the newest whose id ends like that; empty if there is none."""
    try:
        ending = bytes.fromhex(key)
    except ValueError:
        return b""
    if not ending or len(ending) == ID_SIZE:
        return ending
    return next((find.id for find in reversed(measures.finds(sim)) if find.id.endswith(ending)), b"")


def _about_block(sim: Simulation, name: bytes, block: Any, height: int, why: str = "") -> Words:
    header = block.header
    maker = sim.agents[block.miner] if 0 <= block.miner < len(sim.agents) else None
    canon = measures.canon(sim)
    found = maker.made.get(name) if isinstance(maker, Miner) else None
    hidden = isinstance(maker, Miner) and name in maker.hidden
    lies = canon.holds(name, height)
    status: tuple[str, Tone] = (
        (f"invalid: {why}", "bad") if why
        else ("hidden by its maker", "warn") if hidden
        else (f"canonical, {canon.tip.height - height + 1} confirmations", "good") if lies
        else ("stale: not on the canonical chain", "dim")
    )  # fmt: skip
    lines: list[tuple[str, Tone]] = [
        status,
        (f"hash   {name.hex()}", "plain"),
        (f"parent {header.parent.hex()}", "plain"),
        (f"nonce  {header.nonce}" + (" (stands in: mining is sampled)" if sim.params.mining == "sampled" else ""),
         "plain"),
        (f"target {header.target:08x}, met by one hash in {work_of(header.target):,}", "plain"),
        (f"miner  {maker.name if maker is not None else 'nobody'}"
         + (f", found at {found[0] / SECOND:.3f}s" if found else "") + f"; header says {header.time / SECOND:.3f}s",
         "plain"),
    ]  # fmt: skip
    total = len(block.transfers)
    fees = sum(one.fee for one in block.transfers)
    lines.append((f"{total} payment{'' if total == 1 else 's'}, {fees} in fees, reward {REWARD}", "accent"))
    names = {address_in(sim.seed, one): one for one in sim.names}
    for one in block.transfers[:SHOWN_TRANSFERS]:
        payer, payee = names.get(one.sender, one.sender[:6]), names.get(one.to, one.to[:6])
        lines.append((f"  {one.id[:4]} {payer} pays {payee} {one.amount}, fee {one.fee}", "plain"))
    if total > SHOWN_TRANSFERS:
        lines.append((f"  … and {total - SHOWN_TRANSFERS} more", "dim"))
    lines.extend(_holders(sim, name, found[0] if found else None))
    return Words(f"block {short(name)} at height {height}", tuple(lines))


def _holders(sim: Simulation, name: bytes, found: int | None) -> list[tuple[str, Tone]]:
    """Who has a block, and when each got it."""
    holders = [one for one in measures.miners(sim) if name in one.tree.records]
    lines: list[tuple[str, Tone]] = [(f"held by {len(holders)} of {len(sim.agents)}", "accent")]
    timed = sorted((one.arrivals[name], one.id, one.name) for one in holders if name in one.arrivals)
    for time, _, who in timed[:SHOWN_NAMES]:
        after = f", {(time - found) / SECOND:.3f}s after" if found is not None and time > found else ""
        lines.append((f"  {who} at {time / SECOND:.3f}s{after}", "plain"))
    if len(timed) > SHOWN_NAMES:
        lines.append((f"  … and {len(timed) - SHOWN_NAMES} more, the last at {timed[-1][0] / SECOND:.3f}s", "dim"))
    if len(timed) < len(holders):
        lines.append((f"  {len(holders) - len(timed)} have had it for long", "dim"))
    return lines


def _account(sim: Simulation, name: str) -> Words | None:
    one = sim.agents[sim.ids[name]]
    if not isinstance(one, Miner):
        return None
    ledger, address = one.tree.ledger, one.address
    lines: list[tuple[str, Tone]] = [
        (f"address {address}", "plain"),
        (f"balance {ledger.balance(address):,}, by its own chain", "plain"),
        (f"{ledger.nonce(address)} payments made, {len(one.outbox)} more wait for a block", "plain"),
        (f"tip {short(one.tree.tip.id)} at height {one.tree.tip.height}", "plain"),
        (f"{len(one.made)} blocks found by {round(one.hashes_done()):,} hashes", "plain"),
        (f"{len(one.orphans)} orphans, {len(one.coming)} blocks to come, {len(one.pool)} payments in its mempool",
         "plain"),
    ]  # fmt: skip
    return Words(name, tuple(lines))


# --- the figures ----------------------------------------------------------------------------------


def metric_views(sim: Simulation) -> tuple[MetricView, ...]:
    """The metrics with their theory where there is one."""
    measured = sim.metrics()
    numbers = _expected_numbers(sim)
    expected = {name: f"{100 * value:.1f}%" if name in SHARES else in_words(value) for name, value in numbers.items()}
    tried = sim.meters.value("double_spends_tried")
    params: PowParams = sim.params
    if tried and params.attacker == "double-spend":
        share, z = params.attacker_share, params.confirmations
        chance, his = theory.double_spend(share, z), theory.nakamoto(share, z)
        expected["double_spends_won"] = f"{chance * tried:.2f} (Nakamoto's estimate {his * tried:.2f})"

    def view(spec: MetricSpec) -> MetricView:
        value = measured[spec.name]
        if isinstance(value, dict):
            best = sorted(value.items(), key=lambda item: (-item[1], item[0]))[:2]
            value = ", ".join([f"{mark_of(name)}: {100 * share:.0f}%" for name, share in best])
        shown = metric_view(spec, value, sim.series, expected.get(spec.name, ""), percent=_is_share(spec, value))
        if spec.name in numbers and shown.series:
            shown = replace(shown, theory_series=(numbers[spec.name],) * len(shown.series))
        return shown

    return tuple(map(view, sim.scenario.metrics))


def _is_share(spec: MetricSpec, value: Any) -> bool:
    return spec.name in SHARES and value is not None


def _expected_numbers(sim: Simulation) -> dict[str, float]:
    """What theory says of some figures, for the run as it was set up."""
    params: PowParams = sim.params
    powers = [one.power for one in measures.miners(sim) if sim.lifecycle.is_alive(one.id)]
    total = 0.0
    for power in powers:
        total += power
    found: dict[str, float] = {}
    if not total:
        return found
    shares = [power / total for power in powers]
    bias = theory.retarget_bias(params.retarget) if params.retarget > 1 else 1.0
    changed = bool(sim.commands)
    if not measures.attackers(sim):
        spread = sim.meters.distributions.get("propagation")
        delay = spread.mean if spread is not None else None
        if delay is not None and not changed:
            x = delay / (params.interval * bias)
            found["stale_rate"] = theory.stale_rate(shares, x)
            others = 1.0 - 1.0 / max(2, len(powers))
            found["heights_forked"] = -math.expm1(-x * others)
        if not changed:
            found["mean_block_interval"] = params.interval * bias
        if not changed and params.latency_model == "constant" and not params.retarget:
            found["rival_share"] = theory.rival_share(shares, params.latency / params.interval)
        if not changed and not params.retarget:
            found["difficulty"] = 1.0 / chance_of(sim.agents[0].rules.target)  # type: ignore[attr-defined]
    elif params.attacker == "selfish" and not changed:
        found["attacker_revenue"] = theory.selfish_revenue(params.attacker_share, params.gamma)
    return found


# --- the story ------------------------------------------------------------------------------------


def narrate(sim: Simulation, event: TraceEvent) -> NarrationLine | None:
    """The story so far, in sentences."""
    data = event.message
    if not event.note or not isinstance(data, dict):
        return None
    who = event.agent
    tone: Tone = "plain"
    match event.kind:
        case "found" if data["hidden"]:
            text = f"{who} finds {data['block']} at height {data['height']}, and keeps it to itself."
            tone = "warn"
        case "found" if data["rival"]:
            text = (
                f"{who} finds {data['block']} at height {data['height']}, where {data['rival']} stands already: the "
                "chain forks, and the next find decides."
            )
            tone = "warn"
        case "found":
            text = f"{who} finds {data['block']} at height {data['height']}, on {data['parent']}."
        case "reorg" if data["first"]:
            depth = data["depth"]
            undone = "one block is undone" if depth == 1 else f"{depth} blocks are undone"
            text = f"{who} leaves {data['left']} for {data['joined']}, whose branch took more work: {undone}."
            tone = "accent" if depth == 1 else "warn"
        case "retarget":
            harder = "harder" if data["after"] > data["before"] else "easier"
            text = (
                f"The difficulty is set anew at height {data['height']}: blocks get {harder}, "
                f"{data['before']:,} → {data['after']:,} hashes each."
            )
        case "revealed":
            many = data["blocks"]
            blocks = "a hidden block" if many == 1 else f"{many} hidden blocks"
            text, tone = f"{who} publishes {blocks}, up to {data['block']} at height {data['height']}.", "bad"
        case "double-spend":
            text = (
                f"{who} pays {data['merchant']} ({data['payment']}), and holds a hidden block in which it keeps the "
                f"money; {data['merchant']} ships after {data['confirmations']} confirmations."
            )
            tone = "warn"
        case "double-spend-wins":
            text = f"The hidden branch of {who} is longer, {data['blocks']} blocks to {data['against']}."
            tone = "bad"
        case "double-spend-ends":
            text = f"{who} gives up its double spend: {data['blocks']} hidden blocks against {data['against']}."
            tone = "good"
        case "shipped":
            text = f"{who} has seen payment {data['payment']} confirmed {data['confirmations']} times, and ships."
        case "defrauded":
            text = f"{who} has shipped, and payment {data['payment']} is gone from its chain: the double spend worked."
            tone = "bad"
        case "refused-block" if data["first"]:
            maker = f" of {sim.names[data['maker']]}" if 0 <= data["maker"] < len(sim.names) else ""
            text, tone = f"{who} refuses block {data['block']}{maker}: {data['why']}.", "good"
        case "refused-transfer" if data["first"]:
            text, tone = f"{who} refuses payment {data['transfer']}: {data['why']}.", "good"
        case "pays":
            text = f"{who} pays {data['to']} {data['amount']}, with {data['fee']} for whoever mines it."
        case "eclipsed":
            text, tone = f"{who} is eclipsed: it hears nobody but {data['by']}.", "bad"
        case "released":
            text, tone = f"{who} hears everybody again.", "good"
        case "hashpower":
            text, tone = f"{who} has {100 * data['share']:g}% of the hash power now.", "accent"
        case _:
            return None
    return NarrationLine(event.time, text, tone)


# --- what is worth going back to ------------------------------------------------------------------


@as_landmark
def landmark(sim: Simulation, note: Note) -> Said | None:
    """Forks, reorganisations, the steps of an attack, a new difficulty, and a few heights. What a miner finds on one
    side of a split that goes on already begins no other."""
    data, who = note.data, teller(sim, note)
    match note.kind:
        case "found" if is_news(data["splits"]):
            return "fork", "⋎", f"fork at height {data['height']}", "warn"
        case "found" if is_milestone(data["height"]) and not (data["hidden"] or data["rival"]):
            return "milestone", "■", f"height {data['height']}", "plain"
        case "reorg" if is_news(data["count"]):
            depth = data["depth"]
            return "reorg", "↶", f"reorg of {_blocks(depth)} at {data['height']}", "accent" if depth == 1 else "warn"
        case "retarget":
            return "difficulty", "±", f"{data['after']:,} hashes a block from now on", "accent"
        case "revealed" if is_news(data["count"]):
            return "revealed", "▒", f"{who} publishes {_blocks(data['blocks'])}", "bad"
        case "double-spend" if is_news(data["count"]):
            return "double spend", "$", f"{who} begins to spend twice", "warn"
        case "defrauded" if is_news(data["count"]):
            return "cheated", "!", f"{who} is cheated of {data['payment']}", "bad"
        case "double-spend-ends" if is_news(data["count"]):
            return "double spend fails", "✓", f"{who} gives up its double spend", "good"
        case "eclipsed":
            return "eclipse", "◎", f"{who} is eclipsed", "bad"
        case "released":
            return "eclipse ends", "○", f"{who} hears everybody again", "good"
        case "hashpower":
            return "hash power", "∆", f"{who} has {100 * data['share']:g}% of the hash power", "accent"
    return None


def _blocks(number: int) -> str:
    return "one block" if number == 1 else f"{number} blocks"
