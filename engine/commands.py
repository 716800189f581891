"""Commands: plain data for everything that a person, a key, a script or a recording can do to a run.

Each command is a frozen struct; `str(command)` is its canonical text, which `engine.grammar.parse` reads back
as an equal value, and msgspec writes and reads `Command` and `Timed` as JSON. Times are whole microseconds,
probabilities and clock rates parts per million, factors thousandths, rates bytes per second, so that
nothing is rounded between text and data.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from msgspec import Meta, Struct

from engine.duration import format_duration
from engine.errors import ScenarioError

MILLION = 1_000_000
PERCENT = MILLION // 100
"""Parts per million in one percent."""

Micros = Annotated[int, Meta(ge=0)]
Ppm = Annotated[int, Meta(ge=0, le=MILLION)]
Positive = Annotated[int, Meta(ge=1)]

_PLAIN = re.compile(r"(?!-$|[0-9]+$)[\w.*?!\[\]/:@+-]+")
_RATE_UNITS = ((1_000_000, "MB/s"), (1_000, "kB/s"), (1, "B/s"))


def quote(text: str) -> str:
    """`text` as one word of a command: bare where it cannot be misread, else quoted as a JSON string."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _decimal(value: int, scale: int) -> str:
    """`value / scale` in exact decimals; `scale` is a power of ten."""
    whole, rest = divmod(value, scale)
    return f"{whole}.{rest:0{len(str(scale)) - 1}d}".rstrip("0") if rest else str(whole)


def _percent(ppm: int) -> str:
    return _decimal(ppm, PERCENT) + "%"


def _rate(rate: int) -> str:
    scale, unit = next((scale, unit) for scale, unit in _RATE_UNITS if rate >= scale or scale == 1)
    return _decimal(rate, scale) + unit


# --- who and where --------------------------------------------------------------------------------


class Item(Struct, frozen=True):
    """One item of a selector: everything called `name`, or only so many of it, drawn from the seed.

    `name` is an agent, a role or a glob; `count` (from 1) or `share` (ppm) limits it, never both.
    """

    name: str = "*"
    count: Positive | None = None
    share: Ppm | None = None

    def __str__(self) -> str:
        if self.count is None and self.share is None:
            return quote(self.name)
        amount = str(self.count) if self.share is None else _percent(self.share)
        return amount if self.name == "*" else f"{amount} of {quote(self.name)}"


class Selector(Struct, frozen=True, tag=True):
    """Some agents (WHO): the union of its items. `engine.selection.resolve` turns it into ids."""

    items: tuple[Item, ...]

    def __str__(self) -> str:
        return ",".join(map(str, self.items))


class Links(Struct, frozen=True):
    """The links from `left` to `right`, and back as well where `both`."""

    left: Selector
    right: Selector
    both: bool = False

    def __str__(self) -> str:
        return f"{self.left} {'-' if self.both else '>'} {self.right}"


# --- latency distributions ------------------------------------------------------------------------


class Constant(Struct, frozen=True, tag=True):
    """Every message takes `delay` µs."""

    delay: Micros

    def __str__(self) -> str:
        return format_duration(self.delay)


class Uniform(Struct, frozen=True, tag=True):
    """Uniform between `low` and `high` µs; `low` is not above `high`."""

    low: Micros
    high: Micros

    def __str__(self) -> str:
        return f"{format_duration(self.low)}..{format_duration(self.high)}"


class LogNormal(Struct, frozen=True, tag=True):
    """Log-normal: `median` in µs (from 1), `sigma` the deviation of the logarithm, above 0 and at most 10."""

    median: Positive
    sigma: Annotated[float, Meta(gt=0, le=10)]

    def __str__(self) -> str:
        return f"lognormal {format_duration(self.median)} {self.sigma!r}"


Latency: TypeAlias = Constant | Uniform | LogNormal


# --- commands on agents ---------------------------------------------------------------------------


class _OnAgents(Struct, frozen=True, tag=True):
    who: Selector
    verb: ClassVar[str]

    def __str__(self) -> str:
        return f"{self.verb} {self.who}"


class Crash(_OnAgents, frozen=True):
    """Stop agents at once; all but their durable state is lost."""

    verb = "crash"


class Restart(_OnAgents, frozen=True):
    """Start crashed agents again from their durable state."""

    verb = "restart"


class Freeze(_OnAgents, frozen=True):
    """Keep agents alive but not answering."""

    verb = "freeze"


class Thaw(_OnAgents, frozen=True):
    """Let frozen agents go on."""

    verb = "thaw"


class Leave(_OnAgents, frozen=True):
    """Take agents out of the run for good."""

    verb = "leave"


class Join(Struct, frozen=True, tag=True):
    """Add `count` new agents of `role` ('' is the scenario's usual one)."""

    count: Positive = 1
    role: str = ""

    def __str__(self) -> str:
        count = [str(self.count)] if self.count != 1 else []
        return " ".join(["join", *count, *([quote(self.role)] if self.role else [])])


class Skew(Struct, frozen=True, tag=True):
    """Set agents' clocks: `offset` µs ahead (negative: behind), or `rate` ppm fast (negative: slow).

    Exactly one of the two is given, and the other stays as it is. A rate is above -100 %.
    """

    who: Selector
    offset: int | None = None
    rate: Annotated[int, Meta(gt=-MILLION)] | None = None

    def __str__(self) -> str:
        value = self.offset if self.rate is None else self.rate
        size = abs(value or 0)
        amount = format_duration(size) if self.rate is None else _percent(size)
        return f"skew {self.who} {'-' if (value or 0) < 0 else '+'}{amount}"


class Slow(Struct, frozen=True, tag=True):
    """Let agents' work take `factor` thousandths of its usual time: 10_000 is ten times slower."""

    who: Selector
    factor: Positive

    def __str__(self) -> str:
        return f"slow {self.who} {_decimal(self.factor, 1000)}x"


class Byzantine(Struct, frozen=True, tag=True):
    """Let agents misbehave in the scenario's `mode`; `honest` ends it."""

    who: Selector
    mode: str

    def __str__(self) -> str:
        return f"byzantine {self.who} {quote(self.mode)}"


# --- commands on the network ----------------------------------------------------------------------


class Partition(Struct, frozen=True, tag=True):
    """Cut each of the groups (two or more) from the others; agents in no group keep all their links."""

    groups: Annotated[tuple[Selector, ...], Meta(min_length=2)]

    def __str__(self) -> str:
        return "partition " + " | ".join(map(str, self.groups))


class OneWay(Struct, frozen=True, tag=True):
    """Let nothing from `source` reach `target`; the other way stays open."""

    source: Selector
    target: Selector

    def __str__(self) -> str:
        return f"partition {self.source} > {self.target}"


class Heal(Struct, frozen=True, tag=True):
    """Remove every partition."""

    def __str__(self) -> str:
        return "heal"


class Cancel(Struct, frozen=True, tag=True):
    """Forget all commands that wait for their time."""

    def __str__(self) -> str:
        return "cancel"


def _on_links(words: str, links: Links | None) -> str:
    return words if links is None else f"{words} {links}"


class SetLatency(Struct, frozen=True, tag=True):
    """Set the latency of links (None: of all); None as the distribution is the scenario's own again."""

    latency: Latency | None
    links: Links | None = None

    def __str__(self) -> str:
        return _on_links(f"latency {self.latency or 'default'}", self.links)


class _Probability(Struct, frozen=True, tag=True):
    probability: Ppm
    links: Links | None = None
    verb: ClassVar[str]

    def __str__(self) -> str:
        return _on_links(f"{self.verb} {_percent(self.probability)}", self.links)


class SetLoss(_Probability, frozen=True):
    """Lose each message with `probability` (ppm) on links (None: on all)."""

    verb = "loss"


class SetDuplicate(_Probability, frozen=True):
    """Deliver each message twice with `probability` (ppm) on links (None: on all)."""

    verb = "duplicate"


class SetReorder(_Probability, frozen=True):
    """Let each message be overtaken with `probability` (ppm) on links (None: on all)."""

    verb = "reorder"


class SetBandwidth(Struct, frozen=True, tag=True):
    """Limit links (None: all) to `rate` bytes a second; None is no limit."""

    rate: Positive | None
    links: Links | None = None

    def __str__(self) -> str:
        return _on_links(f"bandwidth {'off' if self.rate is None else _rate(self.rate)}", self.links)


# --- commands on one message in flight ------------------------------------------------------------


class _OnMessage(Struct, frozen=True, tag=True):
    message: Micros
    verb: ClassVar[str]

    def __str__(self) -> str:
        return f"{self.verb} m{self.message}"


class DropMessage(_OnMessage, frozen=True):
    """Lose the message with this number."""

    verb = "drop"


class DeliverMessage(_OnMessage, frozen=True):
    """Deliver the message with this number now."""

    verb = "deliver"


class DuplicateMessage(_OnMessage, frozen=True):
    """Send a second copy of the message with this number."""

    verb = "duplicate"


class EditMessage(Struct, frozen=True, tag=True):
    """Change fields of the message with this number; values are plain JSON data."""

    message: Micros
    fields: dict[str, Any]

    def __str__(self) -> str:
        fields = (
            f"{name}={json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"
            for name, value in self.fields.items()
        )
        return " ".join([f"edit m{self.message}", *fields])


# --- a scenario's own commands --------------------------------------------------------------------


class Duration(Struct, frozen=True, tag=True):
    """A time in µs among the arguments of an own command, told apart from a plain whole number."""

    micros: Micros

    def __str__(self) -> str:
        return format_duration(self.micros)


class Factor(Struct, frozen=True, tag=True):
    """How many times as much, in thousandths, among the arguments of an own command."""

    thousandths: Positive

    def __str__(self) -> str:
        return f"x{_decimal(self.thousandths, 1000)}"


Argument: TypeAlias = Selector | Duration | Factor | str | int | float


class Own(Struct, frozen=True, tag=True):
    """A scenario's own command; optional arguments that were left out are missing at the end of `args`."""

    name: str
    args: tuple[Argument, ...] = ()

    @property
    def values(self) -> tuple[Selector | str | int | float, ...]:
        """The arguments as a scenario's handler takes them: a duration is a number of µs, a factor of thousandths."""
        return tuple(
            arg.micros if isinstance(arg, Duration) else arg.thousandths if isinstance(arg, Factor) else arg
            for arg in self.args
        )

    def __str__(self) -> str:
        args = (quote(arg) if isinstance(arg, str) else str(arg) for arg in self.args)
        return " ".join([self.name, *args])


ArgKind = Literal["who", "agent", "word", "text", "int", "number", "duration", "factor"]


class ArgSpec(Struct, frozen=True):
    """An argument of an own command: `agent` is one name, `who` a selector, `text` the rest of the line, `factor` a
    multiple such as `x3`. A `word` with `choices` is one of them; with a single choice it is a word that always stands
    there, such as the `for` of `spike x3 for 20s`."""

    name: str
    kind: ArgKind
    help: str = ""
    optional: bool = False
    choices: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The argument as help shows it: `AGENT`, or the one word that can stand there."""
        return self.choices[0] if len(self.choices) == 1 else self.name.upper()


class CommandSpec(Struct, frozen=True):
    """A scenario's own command, as the scenario declares it.

    Raises ScenarioError when the name is not a plain word or is taken, when an argument that must be given
    follows an optional one, or when anything follows a `text`.
    """

    name: str
    args: tuple[ArgSpec, ...] = ()
    help: str = ""
    example: str = ""

    def __post_init__(self) -> None:
        if not _PLAIN.fullmatch(self.name):
            raise ScenarioError(f"{self.name!r} cannot name a command; use letters, digits, '-' and '_'")
        if self.name == "at" or any(self.name == usage.name for usage in BUILTIN):
            raise ScenarioError(f"the command {self.name!r} is built in; a scenario's own needs another name")
        for arg, following in zip(self.args, self.args[1:], strict=False):
            if arg.kind == "text" or (arg.optional and not following.optional):
                why = "text, which takes the rest of the line" if arg.kind == "text" else "optional"
                raise ScenarioError(f"argument {arg.name!r} of {self.name!r} is {why}, and so must come last")

    @property
    def syntax(self) -> str:
        """The command as help shows it, such as `rumour AGENT [TEXT]`."""
        words = (f"[{arg.shown}]" if arg.optional else arg.shown for arg in self.args)
        return " ".join([self.name, *words])


# --- all of them ----------------------------------------------------------------------------------

Command: TypeAlias = (
    Crash
    | Restart
    | Freeze
    | Thaw
    | Leave
    | Join
    | Partition
    | OneWay
    | Heal
    | Cancel
    | SetLatency
    | SetLoss
    | SetDuplicate
    | SetReorder
    | SetBandwidth
    | Skew
    | Slow
    | DropMessage
    | DeliverMessage
    | DuplicateMessage
    | EditMessage
    | Byzantine
    | Own
)


class Timed(Struct, frozen=True):
    """A command and its moment: virtual time `at` (µs), right `after` an event (its number), or else now."""

    command: Command
    at: Micros | None = None
    after: Micros | None = None

    def __str__(self) -> str:
        if self.after is not None:
            return f"at event {self.after} {self.command}"
        return str(self.command) if self.at is None else f"at {format_duration(self.at)} {self.command}"


class Usage(Struct, frozen=True):
    """How a built-in command is written; a CommandSpec has the same four attributes."""

    name: str
    syntax: str
    help: str
    example: str


BUILTIN: tuple[Usage, ...] = (
    Usage("crash", "crash WHO", "stop agents at once; all but durable state is lost", "crash miner-*"),
    Usage("restart", "restart WHO", "start crashed agents again from their durable state", "restart a-01,a-02"),
    Usage("freeze", "freeze WHO", "keep agents alive but not answering", "freeze 2 of miner"),
    Usage("thaw", "thaw WHO", "let frozen agents go on", "thaw *"),
    Usage("leave", "leave WHO", "take agents out of the run for good", "leave 10%"),
    Usage("join", "join [COUNT] [ROLE]", "add new agents", "join 3 miner"),
    Usage(
        "partition",
        "partition WHO | WHO [| WHO…]",
        "cut groups from each other",
        "partition a-01,a-02 | a-03",
    ),
    Usage("partition", "partition WHO > WHO", "let nothing from left reach right", "partition a-01 > a-02"),
    Usage("heal", "heal", "remove every partition", "heal"),
    Usage("cancel", "cancel", "forget all commands that wait for their time", "cancel"),
    Usage(
        "latency",
        "latency TIME|TIME..TIME|lognormal TIME SIGMA|default [WHO >|- WHO]",
        "set how long messages take, on some links or on all",
        "latency 5ms..20ms a-01 - *",
    ),
    Usage("loss", "loss P% [WHO >|- WHO]", "lose messages at random", "loss 2.5%"),
    Usage("duplicate", "duplicate P% [WHO >|- WHO]", "deliver messages twice at random", "duplicate 1%"),
    Usage("reorder", "reorder P% [WHO >|- WHO]", "let messages overtake each other at random", "reorder 10%"),
    Usage("bandwidth", "bandwidth RATE|off [WHO >|- WHO]", "limit links' bytes a second", "bandwidth 64kB/s"),
    Usage("skew", "skew WHO ±TIME|±P%", "set clocks ahead or behind, fast or slow", "skew a-01 +250ms"),
    Usage("slow", "slow WHO FACTOR", "make agents' work take longer; 1x is usual", "slow a-01 10x"),
    Usage("drop", "drop MSG", "lose one message in flight", "drop m4711"),
    Usage("deliver", "deliver MSG", "deliver one message in flight now", "deliver m4711"),
    Usage("duplicate", "duplicate MSG", "send a second copy of one message in flight", "duplicate m4711"),
    Usage("edit", "edit MSG FIELD=VALUE…", "change one message in flight", 'edit m4711 value=7 note="hi"'),
    Usage("byzantine", "byzantine WHO MODE", "let agents misbehave; honest ends it", "byzantine a-01 honest"),
)
"""Every form of every built-in command, in the order of the help screen."""
