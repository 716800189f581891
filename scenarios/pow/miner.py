"""A node of a proof-of-work network: it keeps the chain, passes on what it hears, pays, and mines.

Nakamoto 2008, section 5, with the messages of Bitcoin's protocol: inventories, and headers first for what was missed.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Sequence, ValuesView
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from engine.agent import Agent
from engine.duration import SECOND
from engine.ledger import Transfer, transfer
from engine.signing import secret_key
from scenarios.pow import attacks
from scenarios.pow.chain import (
    MOST_TRANSFERS,
    Block,
    Header,
    Record,
    Rules,
    address_in,
    chance_of,
    genesis,
    id_of,
    judge,
    median,
    place,
    root_of,
    seal_of,
    search,
    short,
    target_of,
    work_of,
)
from scenarios.pow.params import GetData, GetHeaders, Headers, Inv, Order, PowParams
from scenarios.pow.pool import Mempool
from scenarios.pow.tree import MOST_HEADERS, BlockTree, Switch

T = TypeVar("T")

MOST_PEERS, FEW_PEERS = 48, 12  # neighbours that are too many to speak to all; how many are drawn then
TICKS = 16  # in a mean interval: how often a miner that searches looks up
MOST_NONCES = 1 << 16  # that it tries in a tick
NONCES = 1 << 32  # there are of a header
AHEAD = 12  # mean intervals that a block's time may be ahead of one's own clock: two hours of ten minutes
MOST_ORPHANS = 100
MOST_COMING = 20_000
WINDOW = 32  # blocks asked for at once while catching up
TRIES = 6  # peers that are asked for a thing before it is given up
REMEMBERED = 256  # blocks of which an agent knows when they came; and refused ones
KNOWN_TRANSFERS = 1_024
REORGS = 8  # reorganisations that an agent remembers
LARGEST_PAYMENT, LARGEST_FEE = 20, 5
MOST_UNPAID = 32  # of its own transfers that wait at once
QUIET = 2  # mean intervals between two times that an agent tells somebody its tip


class Past(Struct, frozen=True):
    """A reorganisation that an agent went through."""

    time: int
    left: bytes
    joined: bytes
    depth: int


class Sale(Struct, frozen=True):
    """What a merchant knows of an order."""

    payment: Transfer
    confirmations: int
    block: bytes  # that holds the payment, and its height
    height: int


class Notebook(Generic[T]):
    """A dict from block ids to what an agent knows of those blocks, which an inspector shows in one line."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: dict[bytes, T] = {}

    def __repr__(self) -> str:
        names = [short(name) for name in self.entries]
        return f"{len(names)}: {' '.join(['…', *names[-8:]] if len(names) > 8 else names)}" if names else "none"

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __getitem__(self, name: bytes) -> T:
        return self.entries[name]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.entries)

    def __reversed__(self) -> Iterator[bytes]:
        return reversed(self.entries)

    def get(self, name: bytes) -> T | None:
        """What is written down for a block, or None."""
        return self.entries.get(name)

    def items(self) -> ItemsView[bytes, T]:
        """Ids and what is written down for them, oldest first."""
        return self.entries.items()

    def values(self) -> ValuesView[T]:
        """What is written down, oldest first."""
        return self.entries.values()

    def put(self, name: bytes, what: T, most: int = 0) -> None:
        """Write something down for a block; of more than `most`, if that is given, the oldest goes."""
        self.entries[name] = what
        if most and len(self.entries) > most:
            del self.entries[next(iter(self.entries))]


class Miner(Agent):
    """One agent. `tree` is its view of the chain; where it misbehaves, that ends in blocks which it hides, and `public`
    is the end of what it lets others see."""

    durable = (
        "tree", "rules", "power", "made", "hashes", "outbox", "hidden", "public", "branch", "attempt", "orders",
        "sales", "shipped", "arrivals", "refused", "reorgs", "only", "shuns", "acting",
    )  # fmt: skip

    def __init__(self, params: PowParams, accounts: tuple[str, ...], power: float) -> None:
        self.power = power  # hash power in units of what the whole network has at the start
        self.rules = Rules(
            params.mining == "sampled", target_of(params.bits), round(params.interval * SECOND), params.retarget
        )
        self.tree = BlockTree(Record(b"", b"", 0, 0, self.rules.target, 0, (0,)), {})  # until it starts
        self.pool = Mempool()
        self.made: Notebook[tuple[int, int]] = Notebook()  # its own valid blocks → when found (µs), and their height
        self.hashes = 0.0
        self.outbox: dict[int, Transfer] = {}  # its own transfers that no block holds yet, by nonce
        self.acting = "honest"  # the mode that it acts by; the engine sets `mode` even while it is down
        self.hidden: list[bytes] = []  # its own blocks that nobody else knows, oldest first
        self.public: Record | None = None  # while it misbehaves: the best tip that others know
        self.branch = 0  # length of a selfish miner's own branch
        self.attempt: attacks.Attempt | None = None
        self.orders: dict[str, int] = {}  # a merchant's: payments to come → confirmations to wait for
        self.sales: dict[str, Sale] = {}  # paid, and not shipped yet
        self.shipped: dict[str, Sale] = {}
        self.arrivals: Notebook[int] = Notebook()  # when the newest blocks came, µs
        self.refused: Notebook[tuple[Block | None, str]] = Notebook()  # the newest invalid blocks, and why
        self.reorgs: list[Past] = []
        self.only: tuple[int, ...] = ()  # eclipsed: the only agents that it hears and speaks to
        self.circle: list[int] = []  # the peers that it keeps to, where the topology links it with very many
        self.shuns: tuple[int, ...] = ()  # whom it helps to eclipse
        self.orphans: dict[bytes, dict[bytes, Block]] = {}  # by the parent that is missing
        self.coming: dict[bytes, Record] = {}  # headers whose blocks are still to come
        self.wanted: dict[bytes, int] = {}  # blocks asked for → how often
        self._asked: dict[str, None] = {}
        self.asking = 0  # how often headers were asked for without an answer
        self._known: dict[str, None] = {}  # transfers heard of
        self.header: Header | None = None  # whose nonces it searches in this tick
        self.contents: tuple[Transfer, ...] = ()
        self.since = 0  # when this tick, or this stretch of sampled mining, began
        self.next_nonce = 0  # to be tried, or the one that was found
        self.mining = 0  # the target that it mines for; 0 while it does not
        self._accounts = accounts
        self.params = params
        self.direct = params.relay == "direct"
        self._per_us = params_rate(params)  # hashes a µs of the whole network at the start
        self._timeout = round(max(1.0, 8.0 * params.latency) * SECOND)
        self._quiet = max(QUIET * self.rules.interval, round(16 * params.latency * SECOND))

    # What happens

    def boot(self) -> None:
        """Begin with the first block; nothing happens where there is a chain already."""
        if not self.tree.tip.id:
            first, balances = genesis(self.rules, self.ctx.sim.seed, self._accounts)
            self.tree = BlockTree(first, dict(balances))

    def on_start(self) -> None:
        self.boot()
        if self.ctx.calendar.now > 0:
            self.ask_headers(self._some_peer())
        self.ctx.set_timer("sync", int(self.rng.uniform() * self._quiet) + 1)
        self.plan_payment()
        self.mine()

    def on_restart(self) -> None:
        self._known = dict.fromkeys(one.id for one in self.outbox.values())
        for one in self.outbox.values():
            if not self.pool.problem(one, self.tree.ledger):
                self.pool.add(one)
        self.on_start()

    def on_crash(self) -> None:
        self._stop_hashing()

    def on_misbehave(self, mode: str) -> None:
        attacks.change(self)

    def on_timer(self, name: Any) -> None:
        if self.mode != self.acting:
            attacks.change(self)
        match name:
            case "find":
                self._stop_hashing()
                self._find_sampled()
            case "tick":
                self._stop_hashing()
                self._tick()
            case "hit":
                self._hit()
            case "sync":
                self._sync()
            case "pay":
                self.pay_somebody()
                self.plan_payment()
            case "retry":
                self._retry()

    def on_message(self, sender: int, message: Any) -> None:
        if self.mode != self.acting:
            attacks.change(self)
        if (self.only and sender not in self.only) or sender in self.shuns:
            return
        if type(message) is Block:
            self.receive(sender, message)
        elif type(message) is Transfer:
            self._receive_transfer(sender, message)
        elif type(message) is Inv:
            self._hear_of(sender, message)
        elif type(message) is GetData:
            self._deliver(sender, message)
        elif type(message) is GetHeaders:
            self.ctx.send(sender, Headers(tuple(self._shown_headers(message.locator))))
        elif type(message) is Headers:
            self._receive_headers(sender, message.headers)
        elif type(message) is Order:
            self.orders[message.payment] = message.confirmations

    # Mining

    @property
    def address(self) -> str:
        """The account that its rewards and payments go to and come from."""
        return address_in(self.ctx.sim.seed, self.name)

    def mine(self) -> None:
        """Mine on the tip, from now on."""
        if self.rules.sampled:
            if self.mining != self.tree.tip.next_target or self.is_done():
                self._stop_hashing()
                self._draw_find()
        else:
            self._stop_hashing()
            self.header = None
            self._tick()

    def is_done(self) -> bool:
        """Whether as many blocks were found as the run is to have; an attack under way is brought to its end."""
        blocks = self.params.blocks
        return bool(blocks) and self.ctx.sim.meters.value("mined") >= blocks and not attacks.under_way(self.ctx.sim)

    def set_power(self, power: float) -> None:
        """Have another hash power from now on."""
        self._stop_hashing()
        self.power = power
        self.mining = 0
        self.mine()

    def hashes_done(self) -> float:
        """How many hashes it has tried so far; on average, where mining is sampled."""
        return self.hashes + self._since_then()

    def _since_then(self) -> float:
        if not self.mining or not self.ctx.sim.lifecycle.is_alive(self.id):
            return 0.0
        tried = max(0, self.ctx.calendar.now - self.since) * self._per_us * self.power
        return tried if self.rules.sampled else float(min(int(tried), self._nonces()))

    def _stop_hashing(self) -> None:
        """Stop the search or the draw that is under way, and count what was done of it."""
        self.hashes += self._since_then()
        self.mining = 0
        for name in ("find", "tick", "hit"):
            if name in self.ctx.timers:
                self.ctx.cancel_timer(name)

    def _draw_find(self) -> None:
        """Finds are a Poisson process: its exact law, drawn. It has no memory, so a new tip needs no new draw."""
        target = self.tree.tip.next_target
        rate = self._per_us * self.power * chance_of(target)
        if rate <= 0.0 or self.is_done():
            return
        self.mining, self.since = target, self.ctx.calendar.now
        self.ctx.set_timer("find", max(1, min(1 << 60, round(self.rng.exponential(1.0 / rate)))))

    def _find_sampled(self) -> None:
        if self.is_done():
            return
        header = self._template()
        self._found(Block(replace(header, nonce=seal_of(header)), *self._contents()))

    def _nonces(self) -> int:
        """How many nonces it tries in a tick: always the same, however quick the machine."""
        wanted = self._per_us * self.power * self.rules.interval / TICKS
        return max(1, min(MOST_NONCES, int(wanted)))

    def _tick(self) -> None:
        """Search the nonces of one tick of virtual time, at once; a find happens at its own moment within the tick."""
        if self.power <= 0.0 or self.is_done():
            self.header = None
            return
        count = self._nonces()
        self.header = header = self._template()
        self.mining, self.since = header.target, self.ctx.calendar.now
        first = self.next_nonce if self.next_nonce + count < NONCES else 0
        nonce = search(header, first, count)
        each = 1.0 / (self._per_us * self.power)
        if nonce is None:
            self.next_nonce = first + count
            self.ctx.set_timer("tick", max(1, round(count * each)))
        else:
            self.next_nonce = nonce
            self.ctx.set_timer("hit", max(1, round((nonce - first + 1) * each)))

    def _hit(self) -> None:
        header = self.header
        self.hashes += self._since_then()
        self.mining = 0
        if header is None or self.is_done():
            return
        self.header = None
        self._found(Block(replace(header, nonce=self.next_nonce), *self._contents()))

    def _template(self) -> Header:
        """The header of a block on the tip, with what the mempool has; its nonce is 0."""
        tip = self.tree.tip
        self.contents = attacks.contents(self)
        height, miner, reward_to, transfers = self._contents()
        time = max(self.ctx.now, median(tip.times) + 1)
        return Header(tip.id, root_of(height, miner, reward_to, transfers), time, tip.next_target, 0)

    def _contents(self) -> tuple[int, int, str, tuple[Transfer, ...]]:
        return self.tree.tip.height + 1, self.id, self.address, self.contents

    def choose(self) -> tuple[Transfer, ...]:
        """What an honest miner puts into its block."""
        return self.pool.choose(self.tree.ledger, MOST_TRANSFERS) if self.pool.waiting else ()

    def _found(self, block: Block) -> None:
        """It found a block."""
        block = attacks.spoiled(self, block)
        record = judge(self.rules, self.tree.tip, block)
        if isinstance(record, str) or self.mode == "invalid-blocks":
            self._note_spoiled(block)
        else:
            self.ctx.count("mined")
            self.made.put(record.id, (self.ctx.calendar.now, record.height))
            self._remember(record.id)
            self.tree.add(record)
            attacks.found(self, record)
        self.mine()

    def _note_spoiled(self, block: Block) -> None:
        self.ctx.note("spoiled", block=short(id_of(block.header)), height=block.height)
        self.send_all(block)

    def note_found(self, record: Record, hidden: bool) -> None:
        """Say that it found a block; whether it `splits` the chain (a rival has the same parent), and how many have."""
        rival, splits = "", 0
        for other in self.ctx.sim.agents:
            active = other.tree.active if isinstance(other, Miner) and not other.hidden else []
            if record.height < len(active) and active[record.height] != record.id:
                rival = short(active[record.height])
                splits = self.ctx.count("splits") if active[record.height - 1] == record.parent else 0
                break
        self.ctx.note(
            "found", block=short(record.id), height=record.height, parent=short(record.parent), hidden=hidden,
            rival=rival, splits=splits,
        )  # fmt: skip
        assert record.block is not None
        before = work_of(record.block.header.target)
        if record.next_target != record.block.header.target:
            self.ctx.note("retarget", height=record.height, before=before, after=work_of(record.next_target))

    # Who hears what

    def peers(self) -> Sequence[int]:
        """Whom it speaks to of its own accord."""
        if self.only:
            return self.only
        found = self.ctx.sim.others(self.id) if self.direct else self._circle_of(self.ctx.neighbours)
        return [peer for peer in found if peer not in self.shuns] if self.shuns else found

    def _circle_of(self, neighbours: Sequence[int]) -> Sequence[int]:
        """Its neighbours; of very many a dozen that it once drew, as a node of Bitcoin keeps to few connections."""
        if len(neighbours) <= MOST_PEERS:
            return neighbours
        gone = self.ctx.sim.lifecycle.left
        if not self.circle or any(peer in gone for peer in self.circle):
            self.circle = self.rng.sample(neighbours, FEW_PEERS)
        return self.circle

    def _some_peer(self) -> int | None:
        peers = self.peers()
        return self.rng.choice(peers) if peers else None

    def send_all(self, message: Any, besides: int = -1) -> None:
        """Send a message to each peer, except one."""
        for peer in self.peers():
            if peer != besides:
                self.ctx.send(peer, message)

    def publish(self, record: Record) -> None:
        """Let everybody have a block: the block itself, or the word that it is there."""
        if self.direct:
            self.send_all(record.block)
        else:
            self.send_all(Inv(blocks=(record.id,)))

    def shown(self) -> Record:
        """The best tip that it lets others see."""
        return self.tree.tip if self.public is None else self.public

    def _sync(self) -> None:
        """Tell somebody the tip, and repeat what no block holds yet: what was lost on the way is made good."""
        self.ctx.set_timer("sync", self._quiet)
        peer = self._some_peer()
        if peer is None:
            return
        self.ctx.send(peer, Inv(blocks=(self.shown().id,)))
        for nonce in sorted(self.outbox)[:4]:
            self.ctx.send(peer, self.outbox[nonce])

    def _hear_of(self, sender: int, inv: Inv) -> None:
        for name in inv.blocks:
            record = self.tree.records.get(name)
            if record is None:
                if name not in self.refused:
                    self._want(name, sender)
            elif record.work < (shown := self.shown()).work:
                self.ctx.send(sender, Inv(blocks=(shown.id,)))  # it is behind, or soon will not be
        transfers = [
            name for name in inv.transfers if name not in self._known and name not in self._asked
        ]  # fmt: skip
        if transfers:
            self._asked.update(dict.fromkeys(transfers))
            _trim(self._asked, KNOWN_TRANSFERS)
            self.ctx.send(sender, GetData(transfers=tuple(transfers)))

    def _want(self, name: bytes, peer: int) -> None:
        if name not in self.wanted:
            self.wanted[name] = 1
            self.ctx.send(peer, GetData(blocks=(name,)))
            self._await()

    def _await(self) -> None:
        if "retry" not in self.ctx.timers:
            self.ctx.set_timer("retry", self._timeout)

    def _retry(self) -> None:
        """What did not come is asked of somebody else."""
        for name, tries in list(self.wanted.items()):
            peer = self._some_peer()
            if tries >= TRIES or peer is None:
                del self.wanted[name]
            else:
                self.wanted[name] = tries + 1
                self.ctx.send(peer, GetData(blocks=(name,)))
        if self.coming and not self.wanted:
            self.coming.clear()
        if self.asking:
            peer = self._some_peer()
            if self.asking >= TRIES or peer is None:
                self.asking = 0
            else:
                self.asking += 1
                self.ctx.send(peer, GetHeaders(self._locator()))
        if self.wanted or self.asking:
            self._await()

    def _deliver(self, sender: int, wish: GetData) -> None:
        for name in wish.blocks:
            record = self.tree.records.get(name)
            if record is not None and record.block is not None and name not in self.hidden and record.height:
                self.ctx.send(sender, record.block)
        for number in wish.transfers:
            found = self.pool.waiting.get(number)
            if found is not None:
                self.ctx.send(sender, found)

    # Headers first

    def ask_headers(self, peer: int | None) -> None:
        """Ask a peer for the headers of what it has and this agent lacks."""
        if peer is not None and not self.asking:
            self.asking = 1
            self.ctx.send(peer, GetHeaders(self._locator()))
            self._await()

    def _locator(self) -> tuple[bytes, ...]:
        return tuple([name for name in self.tree.locator() if name not in self.hidden])

    def _shown_headers(self, locator: Sequence[bytes]) -> list[Header]:
        headers = self.tree.headers_after(locator)
        if self.hidden:
            for at, header in enumerate(headers):
                if id_of(header) in self.hidden:
                    return headers[:at]
        return headers

    def _receive_headers(self, sender: int, headers: Sequence[Header]) -> None:
        if self.asking:
            self.asking = 0
        last: Record | None = None
        for header in headers:
            name = id_of(header)
            known = self.tree.records.get(name) or self.coming.get(name)
            if known is None:
                parent = self.tree.records.get(header.parent) or self.coming.get(header.parent)
                found = "" if parent is None or name in self.refused else place(self.rules, parent, header)
                if isinstance(found, str):
                    break
                known = self.coming[name] = found
            last = known
        if last is None:
            return
        if len(headers) >= MOST_HEADERS and len(self.coming) < MOST_COMING:
            self.asking = 1
            self.ctx.send(sender, GetHeaders((last.id,)))
            self._await()
        elif last.work <= self.tree.tip.work and last.id in self.coming:
            self.coming.clear()
        self._fetch(sender)

    def _fetch(self, peer: int) -> None:
        """Ask for the blocks whose headers are here, a windowful at a time."""
        room = WINDOW - len(self.wanted)
        for name, record in self.coming.items():
            if room <= 0:
                break
            if name not in self.wanted and name not in self.orphans.get(record.parent, ()):
                self._want(name, peer)
                room -= 1

    # Blocks

    def receive(self, sender: int, block: Block) -> None:
        """A block has come."""
        name = id_of(block.header)
        if name in self.tree.records or name in self.refused:
            return
        if self.wanted:
            self.wanted.pop(name, None)
        parent = self.tree.records.get(block.header.parent)
        if parent is None:
            self._keep_orphan(sender, name, block)
            return
        if block.header.time > self.ctx.now + AHEAD * self.rules.interval:
            return  # not yet: it may be asked for again when its time has come
        record = judge(self.rules, parent, block)
        if isinstance(record, str):
            self._refuse(name, block, record)
            return
        self.tree.add(record)
        self._remember(name)
        self._measure(record)
        attacks.consider(self, record, sender)
        if self.coming:
            self.coming.pop(name, None)
            self._fetch(sender)
        if name in self.orphans:
            for child in self.orphans.pop(name).values():
                self.receive(sender, child)

    def _keep_orphan(self, sender: int, name: bytes, block: Block) -> None:
        missing = block.header.parent
        if missing in self.refused:
            self._refuse(name, block, "it follows an invalid block")
            return
        if not name:
            return
        self.orphans.setdefault(missing, {})[name] = block
        if len(self.orphans) > MOST_ORPHANS:
            del self.orphans[next(iter(self.orphans))]
        if missing not in self.coming:
            self.ask_headers(sender)

    def _remember(self, name: bytes) -> None:
        self.arrivals.put(name, self.ctx.calendar.now, REMEMBERED)

    def _measure(self, record: Record) -> None:
        """How long a block took to come here from its maker, if that did not keep it back."""
        block = record.block
        assert block is not None
        sim = self.ctx.sim
        maker = sim.agents[block.miner] if 0 <= block.miner < len(sim.agents) else None
        if isinstance(maker, Miner) and maker.mode == "honest":
            found = maker.made.get(record.id)
            if found is not None:
                sim.meters.observe("propagation", (sim.calendar.now - found[0]) / SECOND)

    def _refuse(self, name: bytes, block: Block | None, why: str) -> None:
        self.refused.put(name, (block, why), REMEMBERED)
        self.coming.pop(name, None)
        self.ctx.count("refused_blocks")
        first = self.ctx.count(f"refused {short(name)}") == 1
        maker = -1 if block is None else block.miner
        self.ctx.note("refused-block", block=short(name), why=why, maker=maker, first=first)

    def adopt(self, record: Record) -> bool:
        """Follow the branch that ends in `record`; False if it turns out to be invalid."""
        left = self.tree.tip
        changed = self.tree.switch(record)
        if changed.invalid is not None:
            self._cast_out(changed)
            return False
        for one in changed.applied:
            assert one.block is not None
            if one.block.transfers:
                self.pool.confirmed(one.block.transfers)
        if changed.undone:
            self._reorganised(left, record, changed)
        if self.outbox:
            spent = self.tree.ledger.nonce(self.address)
            self.outbox = {nonce: one for nonce, one in self.outbox.items() if nonce >= spent}
        if self.sales or self.orders or (self.shipped and changed.undone):
            self._look_after_sales(changed)
        self.ctx.note("adopted", block=short(record.id), height=record.height)
        return True

    def _cast_out(self, changed: Switch) -> None:
        """A block whose transfers cannot be applied goes, and so do all that follow it."""
        bad = changed.invalid
        assert bad is not None
        blocks = {name: record.block for name, record in self.tree.records.items()}
        for name in self.tree.forget(bad):
            why = changed.why if name == bad.id else "it follows an invalid block"
            self._refuse(name, blocks[name], why)

    def _reorganised(self, left: Record, joined: Record, changed: Switch) -> None:
        depth = len(changed.undone)
        for record in reversed(changed.undone):
            assert record.block is not None
            for one in record.block.transfers:
                if not self.pool.problem(one, self.tree.ledger):
                    self.pool.add(one)
                    if one.sender == self.address:
                        self.outbox[one.nonce] = one
        if self.mode == "honest":
            self.ctx.count("reorgs")
            meters = self.ctx.sim.meters
            self.ctx.gauge("max reorg depth", max(depth, meters.gauges.get("max reorg depth", 0)))
            self.reorgs.append(Past(self.ctx.calendar.now, left.id, joined.id, depth))
            del self.reorgs[:-REORGS]
            first = not any(
                past.left == left.id and past.joined == joined.id
                for other in self.ctx.sim.agents
                if other is not self
                for past in getattr(other, "reorgs", ())
            )
            count = self.ctx.count(f"reorgs of {depth}") if first else 0
            self.ctx.note(
                "reorg", left=short(left.id), joined=short(joined.id), depth=depth, height=joined.height, first=first,
                count=count,
            )  # fmt: skip

    # Transfers

    def pay(self, to: str, amount: int, fee: int) -> Transfer:
        """Sign a transfer from its own account, and let everybody have it."""
        nonce = self.pool.next_nonce(self.address, self.tree.ledger)
        one = transfer(secret_key(self.ctx.sim.seed, self.name), to, amount, fee, nonce)
        if not self._take_in(one):
            self.outbox[nonce] = one
        return one

    def spendable(self) -> int:
        """What its account holds, less what its waiting payments will take."""
        return self.tree.ledger.balance(self.address) - sum(one.amount + one.fee for one in self.outbox.values())

    def _take_in(self, one: Transfer, sender: int = -1) -> str:
        wrong = self.pool.problem(one, self.tree.ledger)
        if not wrong:
            self.pool.add(one)
            self._know(one.id)
            if not self.direct:
                self.send_all(Inv(transfers=(one.id,)), sender)
            elif sender < 0:
                self.send_all(one)
        return wrong

    def _know(self, name: str) -> None:
        self._known[name] = None
        _trim(self._known, KNOWN_TRANSFERS)

    def _receive_transfer(self, sender: int, one: Transfer) -> None:
        name = one.id
        if name in self.pool.waiting:
            return
        self._asked.pop(name, None)
        seen = name in self._known
        wrong = self._take_in(one, sender)
        if wrong and not seen:
            self._know(name)
            self.ctx.count("refused_transfers")
            if "already" not in wrong or "double spend" in wrong:
                first = self.ctx.count(f"refused {name[:8]}") == 1
                self.ctx.note("refused-transfer", transfer=name[:4], why=wrong, first=first)

    def plan_payment(self) -> None:
        """When this agent's wallet pays next: a Poisson process, its part of the whole network's load."""
        rate = self.params.transactions
        if rate > 0:
            mean = len(self._accounts) * SECOND / rate
            self.ctx.set_timer("pay", max(1, round(self.rng.exponential(mean))))
        elif self.mode == "invalid-transactions":
            self.ctx.set_timer("pay", max(1, round(self.rng.exponential(self.rules.interval))))

    def keep_paying(self) -> None:
        """See to it that a payment is planned, where there is to be one."""
        if "pay" not in self.ctx.timers and self.tree.tip.id:
            self.plan_payment()

    def pay_somebody(self) -> None:
        """The load: a small amount to some other account, drawn. A scenario with a load of its own overrides this."""
        payee = self.rng.choice(self._accounts)
        amount = self.rng.between(1, LARGEST_PAYMENT)
        fee = self.rng.between(1, LARGEST_FEE)
        if self.mode == "invalid-transactions":
            attacks.pay_badly(self)
        elif payee == self.name or self.mode == "double-spender" or len(self.outbox) >= MOST_UNPAID:
            return
        elif self.spendable() >= amount + fee:
            self.pay(address_in(self.ctx.sim.seed, payee), amount, fee)

    def _look_after_sales(self, changed: Switch) -> None:
        """A merchant ships once a payment has its confirmations, and may find later that it is gone."""
        tree = self.tree
        for record in changed.applied:
            assert record.block is not None
            for one in record.block.transfers:
                sale = self.sales.get(one.id) or self.shipped.get(one.id)
                wait = self.orders.pop(one.id, None) if sale is None else sale.confirmations
                if wait is not None:
                    kept = self.shipped if one.id in self.shipped else self.sales
                    kept[one.id] = Sale(one, wait, record.id, record.height)
        for name, sale in list(self.sales.items()):
            if self._is_gone(sale):
                del self.sales[name]
            elif self._holds(sale) and (depth := tree.tip.height - sale.height + 1) >= sale.confirmations:
                self.shipped[name] = self.sales.pop(name)
                self.ctx.note("shipped", payment=name[:4], confirmations=depth)
        for name, sale in list(self.shipped.items()) if changed.undone else ():
            if self._is_gone(sale):
                del self.shipped[name]
                count = self.ctx.count("double_spends_won")
                self.ctx.note("defrauded", payment=name[:4], confirmations=sale.confirmations, count=count)

    def _holds(self, sale: Sale) -> bool:
        """Whether the payment is in the chain, where it was seen last."""
        return sale.height < len(self.tree.active) and self.tree.active[sale.height] == sale.block

    def _is_gone(self, sale: Sale) -> bool:
        """Whether the money was spent otherwise, so that the payment can never come."""
        payment = sale.payment
        return not self._holds(sale) and self.tree.ledger.nonce(payment.sender) > payment.nonce


def params_rate(params: PowParams) -> float:
    """Hashes a µs of a whole network that finds a block every `interval` at the initial difficulty."""
    return 1.0 / (chance_of(target_of(params.bits)) * round(params.interval * SECOND))


def _trim(found: dict[Any, Any], most: int) -> None:
    while len(found) > most:
        del found[next(iter(found))]
