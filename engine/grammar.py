"""The command language: from a line of text to a command, and what could come next while it is being typed.

A line is read by recursive descent over words, quoted text (JSON strings) and marks: `,` `|` `>`
and a lone `-`.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple

from engine import commands as c
from engine.duration import parse_duration
from engine.errors import CommandError, ParameterError
from engine.selection import suggest

_NO_OWN: Mapping[str, c.CommandSpec] = MappingProxyType({})

_WORD = re.compile(r'[,|>]|[^\s,|>"]+')
_LAST_WORD = re.compile(r"[^\s,|>]*\Z")
_DIGITS = re.compile("[0-9]+")
_DECIMAL = re.compile(r"([0-9]{1,12})(?:\.([0-9]+))?")
_FLOAT = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
_RATE = re.compile(r"([0-9.]+)(B/s|kB/s|MB/s)")
_RATE_DIGITS = {"B/s": 0, "kB/s": 3, "MB/s": 6}
_BARE = re.compile(r"\S+")
_FIELD = re.compile(r"([\w.-]+)=(?=\S)")
# Up to a comment; a '#' does not start one inside quotes that are closed.
_TEXT = re.compile(r'(?:"(?:[^"\\]|\\.)*"|(?<!\s)#|[^#])*', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")

_WHO = "agents (a name, a glob, a role, a count or a percentage)"
_TIME = "a time such as 250ms or 1.5s"
_MESSAGE = "a message such as m4711"
_PERCENTAGE = "a percentage such as 2.5%"

_ON_AGENTS = {kind.verb: kind for kind in (c.Crash, c.Restart, c.Freeze, c.Thaw, c.Leave)}
_PROBABILITIES = {kind.verb: kind for kind in (c.SetLoss, c.SetReorder)}
_ON_MESSAGE = {kind.verb: kind for kind in (c.DropMessage, c.DeliverMessage)}


def parse(text: str, own: Mapping[str, c.CommandSpec] = _NO_OWN) -> c.Timed | None:
    """The command on one line, or None where it is blank or only a comment.

    `own` are the scenario's own commands by name. Raises CommandError, with the column, for anything else.
    """
    return _Parser(text, own, []).line()


def parse_script(text: str, own: Mapping[str, c.CommandSpec] = _NO_OWN, source: str = "script") -> list[c.Timed]:
    """The commands of a script, one a line. Raises CommandError with source, line and column."""
    found = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        try:
            timed = parse(line, own)
        except CommandError as error:
            error.source, error.line = source, number
            raise
        if timed is not None:
            found.append(timed)
    return found


def parse_selector(text: str) -> c.Selector:
    """The agents that `text` (WHO) asks for. Raises CommandError with the column."""
    parser = _Parser(text, _NO_OWN, [])
    selector = parser.selector()
    parser.finish()
    return selector


def complete(
    text: str,
    own: Mapping[str, c.CommandSpec] = _NO_OWN,
    agents: Sequence[str] = (),
    roles: Sequence[str] = (),
    modes: Sequence[str] = (),
) -> list[str]:
    """What the last word of `text` (see `last_word`) could become, roles and globs before single agents."""
    word = last_word(text)
    hints: list[str] = []
    with suppress(CommandError):
        _Parser(text[: len(text) - len(word)], own, hints).line()
    names = [c.quote(name) for name in agents]
    role_names = [c.quote(role) for role in roles]
    known: dict[str, Iterable[str]] = {
        "COMMAND": _command_names(own),
        "WHO": [*role_names, *_globs(agents), *names],
        "AGENT": names,
        "ROLE": role_names,
        "MODE": [*map(c.quote, modes), "honest"],
    }
    candidates = dict.fromkeys(one for hint in hints for one in known.get(hint, (hint,)))
    return [one for one in candidates if one.startswith(word) and one != word]


def last_word(text: str) -> str:
    """The word being typed at the end of `text`, which a candidate of `complete` replaces; may be empty."""
    match = _LAST_WORD.search(text)
    return match.group() if match else ""


def _command_names(own: Mapping[str, c.CommandSpec]) -> list[str]:
    return list(dict.fromkeys([*(usage.name for usage in c.BUILTIN), *own]))


def _globs(agents: Sequence[str]) -> list[str]:
    """`miner-*` for every two or more agents whose names differ only in the number at the end."""
    stems = Counter(re.sub(r"[0-9]+\Z", "*", name) for name in agents)
    return [c.quote(stem) for stem, times in stems.items() if times > 1]


def _whole_number(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= int(text) < 2**64:
        raise OverflowError
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise OverflowError
    return value


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


# Only what every reader of JSON can hold: no NaN, nothing beyond 64 bits. Tabs may stand in quoted text.
_JSON = json.JSONDecoder(parse_int=_whole_number, parse_float=_finite, parse_constant=_no_constant, strict=False)


class _Token(NamedTuple):
    kind: str  # word, quoted, mark, end
    text: str
    start: int
    end: int


class _Parser:
    """Reads one line. `hints` collects what could stand at its very end, for completion."""

    def __init__(self, text: str, own: Mapping[str, c.CommandSpec], hints: list[str]) -> None:
        self.text = text
        self.own = own
        self.pos = 0
        self.hints = hints
        self.list_end = -1  # where the last selector ended: a comma could follow
        if bad := _SURROGATE.search(text):
            raise self.error("expected text, found half of a character", bad.start())

    # --- words ------------------------------------------------------------------------------------

    def error(self, message: str, position: int) -> CommandError:
        return CommandError(message, column=position + 1)

    def unexpected(self, expected: str, token: _Token) -> CommandError:
        raw = self.text[token.start : token.end]
        found = repr(raw if len(raw) <= 40 else raw[:39] + "…") if raw else "the end of the line"
        return self.error(f"expected {expected}, found {found}", token.start)

    def peek(self, *hints: str) -> _Token:
        """The next token, not yet taken; `hints` are what could stand here."""
        text, start = self.text, self.pos
        while start < len(text) and text[start].isspace():
            start += 1
        if start == len(text):
            self.hints += hints
            return _Token("end", "", start, start)
        if text[start] == "#" and (start == 0 or text[start - 1].isspace()):
            return _Token("end", "", start, start)
        if text[start] == '"':
            value, end = self.json(start)
            return _Token("quoted", value, start, end)
        match = _WORD.match(text, start)
        assert match is not None  # every other character begins a word or is a mark
        kind = "mark" if match.group() in {",", "|", ">", "-"} else "word"
        return _Token(kind, match.group(), start, match.end())

    def ended(self, *hints: str) -> bool:
        return self.peek(*hints).kind == "end"

    def word(self, expected: str, *hints: str) -> _Token:
        """Takes the next word, bare or quoted."""
        token = self.peek(*hints)
        if token.kind not in {"word", "quoted"}:
            raise self.unexpected(expected, token)
        self.pos = token.end
        return token

    def mark(self, *marks: str) -> str:
        """Takes the next token if it is one of `marks`, else gives ''."""
        token = self.peek(*(mark for mark in marks if mark != ","))
        if token.kind != "mark" or token.text not in marks:
            return ""
        self.pos = token.end
        return token.text

    def finish(self) -> None:
        token = self.peek()
        if token.kind != "end":
            comma = "a comma or " if self.list_end == self.pos else ""
            raise self.unexpected(f"{comma}the end of the command", token)

    def json(self, start: int) -> tuple[Any, int]:
        """The JSON value at `start`, and where it ends."""
        try:
            value, end = _JSON.raw_decode(self.text, start)
            json.dumps(value, ensure_ascii=False).encode()
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated"):
                raise self.error("expected a closing quote for the one here", error.pos) from None
            raise self.error(f"expected valid JSON, found a mistake: {error.msg}", error.pos) from None
        except OverflowError:
            raise self.error("expected numbers within 64 bits, found a larger one", start) from None
        except RecursionError:
            raise self.error("expected a value of a few levels, found one nested too deeply", start) from None
        except ValueError:
            raise self.error("expected valid JSON, found NaN, Infinity or half a character", start) from None
        return value, end

    # --- numbers and times ------------------------------------------------------------------------

    def whole(self, token: _Token, expected: str, least: int, text: str | None = None) -> int:
        digits = token.text if text is None else text
        if not re.fullmatch("[0-9]{1,15}", digits) or int(digits) < least:
            raise self.unexpected(expected, token)
        return int(digits)

    def decimal(self, token: _Token, text: str, digits: int, expected: str) -> int:
        """`text` times ten to the power of `digits`, exactly."""
        match = _DECIMAL.fullmatch(text)
        part = (match[2] or "").rstrip("0") if match else ""
        if match is None or len(part) > digits:
            raise self.unexpected(expected, token)
        return int(match[1] + part.ljust(digits, "0"))

    def number(self, token: _Token, expected: str) -> float:
        if not _FLOAT.fullmatch(token.text) or math.isinf(float(token.text)):
            raise self.unexpected(expected, token)
        return float(token.text)

    def duration(self, token: _Token, text: str | None = None) -> int:
        written = token.text if text is None else text
        if len(written) > 40:
            raise self.unexpected(_TIME, token)
        try:
            return parse_duration(written)
        except ParameterError as error:
            if "too long" in str(error):
                raise self.error(str(error), token.start) from None
            raise self.unexpected(_TIME, token) from None

    def share(self, token: _Token) -> int:
        expected = f"{_PERCENTAGE} (0% to 100%, at most four decimals)"
        value = self.decimal(token, token.text.removesuffix("%"), 4, expected)
        if not token.text.endswith("%") or value > c.MILLION:
            raise self.unexpected(expected, token)
        return value

    def message(self, token: _Token) -> int:
        if not token.text.startswith("m"):
            raise self.unexpected(_MESSAGE, token)
        return self.whole(token, _MESSAGE, 0, token.text[1:])

    # --- who and where ----------------------------------------------------------------------------

    def selector(self) -> c.Selector:
        items = [self.item()]
        while self.mark(","):
            items.append(self.item())
        self.list_end = self.pos
        return c.Selector(tuple(items))

    def item(self) -> c.Item:
        token = self.word(_WHO, "WHO")
        count = share = None
        if token.kind == "quoted":
            return c.Item(token.text)
        if _DIGITS.fullmatch(token.text):
            count = self.whole(token, "a count of agents from 1", 1)
        elif token.text.endswith("%"):
            share = self.share(token)
        else:
            return c.Item(token.text)
        following = self.peek("of")
        if following.kind != "word" or following.text != "of":
            return c.Item(count=count, share=share)
        self.pos = following.end
        return c.Item(self.word("a name, a glob or a role after 'of'", "WHO").text, count, share)

    def links(self) -> c.Links | None:
        if self.ended("WHO"):
            return None
        left = self.selector()
        between = self.mark(">", "-")
        if not between:
            raise self.unexpected("' > ' or ' - ' and the other end of the links", self.peek())
        return c.Links(left, self.selector(), both=between == "-")

    # --- commands ---------------------------------------------------------------------------------

    def line(self) -> c.Timed | None:
        if self.ended("COMMAND", "at"):
            return None
        at = after = None
        token = self.word("a command")
        if token.text == "at":
            when = self.word("a time such as 4.2s, or 'event' and its number", "event")
            if when.text == "event":
                after = self.whole(self.word("the number of an event"), "the number of an event", 0)
            else:
                at = self.duration(when)
            token = self.word("a command", "COMMAND")
        command = self.command(token)
        self.finish()
        return c.Timed(command, at, after)

    def command(self, name: _Token) -> c.Command:
        if name.text in _ON_AGENTS:
            return _ON_AGENTS[name.text](self.selector())
        if name.text in _PROBABILITIES:
            return _PROBABILITIES[name.text](self.share(self.word(_PERCENTAGE)), self.links())
        if name.text in _ON_MESSAGE:
            return _ON_MESSAGE[name.text](self.message(self.word(_MESSAGE)))
        others: dict[str, Callable[[], c.Command]] = {
            "join": self.join,
            "partition": self.partition,
            "heal": c.Heal,
            "cancel": c.Cancel,
            "latency": self.latency,
            "duplicate": self.duplicate,
            "bandwidth": self.bandwidth,
            "skew": self.skew,
            "slow": self.slow,
            "edit": self.edit,
            "byzantine": self.byzantine,
        }
        if name.text in others:
            return others[name.text]()
        if name.text in self.own:
            return self.own_command(self.own[name.text])
        if name.text == "at":
            raise self.unexpected("a command, as one 'at' is enough", name)
        nearest = suggest(name.text[:40], ["at", *_command_names(self.own)])
        expected = nearest or "; expected one such as crash, partition or heal"
        raise self.error(f"there is no command {name.text[:40]!r}{expected}", name.start)

    def join(self) -> c.Join:
        count, role = 1, ""
        token = self.peek("ROLE")
        if token.kind == "word" and _DIGITS.fullmatch(token.text):
            count = self.whole(self.word("a count"), "a count of agents from 1", 1)
        if not self.ended("ROLE"):
            role = self.word("a role").text
        return c.Join(count, role)

    def partition(self) -> c.Partition | c.OneWay:
        groups = [self.selector()]
        between = self.mark("|", ">")
        if not between:
            raise self.unexpected("' | ' or ' > ' and the other side of the partition", self.peek())
        groups.append(self.selector())
        if between == ">":
            return c.OneWay(*groups)
        while self.mark("|"):
            groups.append(self.selector())
        return c.Partition(tuple(groups))

    def latency(self) -> c.SetLatency:
        token = self.word("a time, a range such as 5ms..20ms, 'lognormal' or 'default'", "lognormal", "default")
        distribution: c.Latency | None = None
        if token.text == "lognormal":
            median = self.word(f"the median, {_TIME}")
            delay = self.duration(median)
            if delay == 0:
                raise self.unexpected("a median above 0", median)
            sigma_word = self.word("sigma, a number above 0 and at most 10")
            sigma = self.number(sigma_word, "sigma, a number above 0 and at most 10")
            if not 0 < sigma <= 10:
                raise self.unexpected("sigma above 0 and at most 10", sigma_word)
            distribution = c.LogNormal(delay, sigma)
        elif ".." in token.text:
            low, _, high = token.text.partition("..")
            distribution = c.Uniform(self.duration(token, low), self.duration(token, high))
            if distribution.low > distribution.high:
                raise self.unexpected("the shorter time first", token)
        elif token.text != "default":
            distribution = c.Constant(self.duration(token))
        return c.SetLatency(distribution, self.links())

    def duplicate(self) -> c.SetDuplicate | c.DuplicateMessage:
        token = self.word(f"{_PERCENTAGE}, or {_MESSAGE}")
        if token.text.startswith("m"):
            return c.DuplicateMessage(self.message(token))
        return c.SetDuplicate(self.share(token), self.links())

    def bandwidth(self) -> c.SetBandwidth:
        expected = "'off', or whole bytes a second such as 500B/s, 64kB/s or 1.5MB/s"
        token = self.word(expected, "off")
        if token.text == "off":
            return c.SetBandwidth(None, self.links())
        match = _RATE.fullmatch(token.text)
        rate = self.decimal(token, match[1], _RATE_DIGITS[match[2]], expected) if match else 0
        if rate < 1:
            raise self.unexpected(expected, token)
        return c.SetBandwidth(rate, self.links())

    def skew(self) -> c.Skew:
        who = self.selector()
        expected = "an amount such as +250ms, -1s or +5%"
        token = self.word(expected)
        size, sign = token.text.lstrip("+-"), -1 if token.text.startswith("-") else 1
        if len(token.text) - len(size) > 1:
            raise self.unexpected(expected, token)
        if not size.endswith("%"):
            return c.Skew(who, offset=sign * self.duration(token, size))
        rate = sign * self.decimal(token, size.removesuffix("%"), 4, f"{expected}, of at most four decimals")
        if rate <= -c.MILLION:
            raise self.unexpected("a clock that still runs, above -100%", token)
        return c.Skew(who, rate=rate)

    def slow(self) -> c.Slow:
        who = self.selector()
        expected = "a factor above 0 such as 10x or 1.5x, of at most three decimals"
        token = self.word(expected)
        factor = self.decimal(token, token.text.removesuffix("x"), 3, expected)
        if not token.text.endswith("x") or factor == 0:
            raise self.unexpected(expected, token)
        return c.Slow(who, factor)

    def edit(self) -> c.EditMessage:
        message = self.message(self.word(_MESSAGE))
        fields: dict[str, Any] = {}
        while not fields or not self.ended():
            token = self.peek()
            match = _FIELD.match(self.text, token.start)
            if match is None:
                raise self.unexpected("a change such as value=7, without blanks", token)
            if match[1] in fields:
                raise self.unexpected(f"each field once, {match[1]} being there already", token)
            fields[match[1]] = self.value(match.end())
        return c.EditMessage(message, fields)

    def value(self, start: int) -> Any:
        """The JSON value at `start`, or else the bare word there."""
        match = _BARE.match(self.text, start)
        assert match is not None  # the pattern of a field has looked ahead
        if match.group()[0] in '"[{':
            value, self.pos = self.json(start)
            if self.text[self.pos : self.pos + 1].strip():
                raise self.error(f"expected a blank, found {self.text[self.pos]!r}", self.pos)
            return value
        self.pos = match.end()
        try:
            return _JSON.decode(match.group())
        except OverflowError:
            raise self.error("expected a number within 64 bits, found a larger one", start) from None
        except ValueError:
            return match.group()

    def byzantine(self) -> c.Byzantine:
        return c.Byzantine(self.selector(), self.word("a mode, or 'honest' to end it", "MODE").text)

    def own_command(self, spec: c.CommandSpec) -> c.Own:
        args: list[c.Argument] = []
        for arg in spec.args:
            ended = self.ended(*_HINTS.get(arg.kind, ()), *map(c.quote, arg.choices))
            if ended and arg.optional:
                break
            args.append(self.argument(arg))
        return c.Own(spec.name, tuple(args))

    def argument(self, arg: c.ArgSpec) -> c.Argument:
        expected = f"{arg.name.upper()} ({_KINDS[arg.kind]})"
        if arg.choices:
            expected = repr(arg.shown) if len(arg.choices) == 1 else f"{arg.shown} ({', '.join(arg.choices)})"
        if arg.kind == "who":
            return self.selector()
        if arg.kind == "text":
            return self.rest(expected)
        token = self.word(expected)
        if self.text[self.pos : self.pos + 1].strip():  # or the rest would be taken for the next argument
            raise self.error(f"expected a blank after {arg.shown}, found {self.text[self.pos]!r}", self.pos)
        if arg.choices and token.text not in arg.choices:
            raise self.unexpected(expected, token)
        if arg.kind == "duration":
            return c.Duration(self.duration(token))
        if arg.kind == "factor":
            factor = self.decimal(token, token.text.removeprefix("x"), 3, expected)
            if not token.text.startswith("x") or factor == 0:
                raise self.unexpected(expected, token)
            return c.Factor(factor)
        if arg.kind == "number":
            return self.number(token, expected)
        if arg.kind == "int":
            negative = token.text.startswith("-")
            size = self.whole(token, expected, 0, token.text.removeprefix("-"))
            return -size if negative else size
        return token.text

    def rest(self, expected: str) -> str:
        """The rest of the line as it stands, or one quoted text."""
        token = self.peek()
        if token.kind == "end":
            raise self.unexpected(expected, token)
        if token.kind == "quoted":
            self.pos = token.end
            return token.text
        match = _TEXT.match(self.text, token.start)
        assert match is not None  # the pattern matches even nothing
        self.pos = match.end()
        return match.group().strip()


_HINTS: dict[c.ArgKind, tuple[str, ...]] = {"who": ("WHO",), "agent": ("AGENT",)}
_KINDS: dict[c.ArgKind, str] = {
    "who": _WHO,
    "agent": "an agent's name",
    "word": "a word",
    "text": "text",
    "int": "a whole number",
    "number": "a number",
    "duration": _TIME,
    "factor": "a factor above 0 such as x3 or x1.5, of at most three decimals",
}
