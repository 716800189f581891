"""The command language: what each command looks like, what goes wrong, and that text and data are one."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import commands as c
from engine.errors import CommandError, ScenarioError
from engine.grammar import complete, last_word, parse, parse_script, parse_selector

OWN = {
    spec.name: spec
    for spec in (
        c.CommandSpec("rumour", (c.ArgSpec("agent", "agent"), c.ArgSpec("text", "text"))),
        c.CommandSpec(
            "spend",
            (
                c.ArgSpec("who", "who"),
                c.ArgSpec("coins", "int"),
                c.ArgSpec("fee", "number"),
                c.ArgSpec("wait", "duration", optional=True),
                c.ArgSpec("kind", "word", optional=True),
            ),
        ),
        c.CommandSpec("tell", (c.ArgSpec("who", "who", optional=True),)),
    )
}


def who(*names: str) -> c.Selector:
    return c.Selector(tuple(c.Item(name) for name in names))


def command(text: str) -> c.Command:
    timed = parse(text, OWN)
    assert timed is not None
    assert (timed.at, timed.after) == (None, None)
    return timed.command


def error(text: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        parse(text, OWN)
    return caught.value


A, B = who("a"), who("b")
A_TO_B, A_WITH_B = c.Links(A, B), c.Links(A, B, both=True)


# --- each command ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("crash a", c.Crash(A)),
        ("restart a,b", c.Restart(who("a", "b"))),
        ("freeze a , b", c.Freeze(who("a", "b"))),
        ("thaw *", c.Thaw(who("*"))),
        ("leave miner-[12]", c.Leave(who("miner-[12]"))),
        ("join", c.Join()),
        ("join 3", c.Join(3)),
        ("join miner", c.Join(1, "miner")),
        ("join 3 miner", c.Join(3, "miner")),
        ("partition a,b | c-1", c.Partition((who("a", "b"), who("c-1")))),
        ("partition a|b|3", c.Partition((A, B, c.Selector((c.Item(count=3),))))),
        ("partition a > b", c.OneWay(A, B)),
        ("heal", c.Heal()),
        ("latency 20ms", c.SetLatency(c.Constant(20_000))),
        ("latency 5ms..0.02s a > b", c.SetLatency(c.Uniform(5_000, 20_000), A_TO_B)),
        ("latency lognormal 20ms 0.5 a - b", c.SetLatency(c.LogNormal(20_000, 0.5), A_WITH_B)),
        ("latency default", c.SetLatency(None)),
        ("loss 2.5%", c.SetLoss(25_000)),
        ("loss 0.0001% a > b", c.SetLoss(1, A_TO_B)),
        ("duplicate 100%", c.SetDuplicate(1_000_000)),
        ("reorder 1% a - b", c.SetReorder(10_000, A_WITH_B)),
        ("bandwidth 500B/s", c.SetBandwidth(500)),
        ("bandwidth 1.5MB/s a > b", c.SetBandwidth(1_500_000, A_TO_B)),
        ("bandwidth 64kB/s", c.SetBandwidth(64_000)),
        ("bandwidth off", c.SetBandwidth(None)),
        ("skew a +250ms", c.Skew(A, offset=250_000)),
        ("skew a -1s", c.Skew(A, offset=-1_000_000)),
        ("skew a +5%", c.Skew(A, rate=50_000)),
        ("skew a -0.5%", c.Skew(A, rate=-5_000)),
        ("slow a 10x", c.Slow(A, 10_000)),
        ("slow a 1.5x", c.Slow(A, 1_500)),
        ("drop m4711", c.DropMessage(4711)),
        ("deliver m0", c.DeliverMessage(0)),
        ("duplicate m1", c.DuplicateMessage(1)),
        (
            'edit m1 a=7 b=word c="two words" d={"x": [1, null]} e=true f=1.5 g=a,b|c',
            c.EditMessage(
                1,
                {
                    "a": 7,
                    "b": "word",
                    "c": "two words",
                    "d": {"x": [1, None]},
                    "e": True,
                    "f": 1.5,
                    "g": "a,b|c",
                },
            ),
        ),
        ("byzantine a equivocate", c.Byzantine(A, "equivocate")),
        ("byzantine a honest", c.Byzantine(A, "honest")),
        ("rumour a hello, world | yes > no", c.Own("rumour", ("a", "hello, world | yes > no"))),
        ("spend a 5 2.5", c.Own("spend", (A, 5, 2.5))),
        ("spend a -5 1e3 2m slow", c.Own("spend", (A, -5, 1000.0, c.Duration(120_000_000), "slow"))),
        ("tell", c.Own("tell")),
        ("tell a,b", c.Own("tell", (who("a", "b"),))),
    ],
)
def test_a_command_is_read_as_its_data(text: str, expected: c.Command) -> None:
    assert command(text) == expected


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("miner-3", [c.Item("miner-3")]),
        ("3", [c.Item(count=3)]),
        ("30%", [c.Item(share=300_000)]),
        ("2 of miner", [c.Item("miner", count=2)]),
        ("10% of miner-*,a-7", [c.Item("miner-*", share=100_000), c.Item("a-7")]),
        ("3 of *", [c.Item(count=3)]),
        ("of", [c.Item("of")]),
        ('"3", "two words"', [c.Item("3"), c.Item("two words")]),
        ('1 of "50%"', [c.Item("50%", count=1)]),
    ],
)
def test_a_selector_is_a_list_of_items(text: str, items: list[c.Item]) -> None:
    assert parse_selector(text) == c.Selector(tuple(items))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("crash   a ,  b", "crash a,b"),
        ("crash 3 of *", "crash 3"),
        ("join 1 miner", "join miner"),
        ("latency 1000ms a  -  b", "latency 1s a - b"),
        ("bandwidth 1500kB/s", "bandwidth 1.5MB/s"),
        ("skew a 0.25s", "skew a +250ms"),
        ("skew a -0s", "skew a +0s"),
        ("slow a 10.0x", "slow a 10x"),
        ("loss 2.50%", "loss 2.5%"),
        ("edit m1 a=word b={ }", 'edit m1 a="word" b={}'),
        ("rumour a hello world", 'rumour a "hello world"'),
        ("rumour a hello", "rumour a hello"),
        ("at 90 heal", "at 90s heal"),
        ("at event 007 heal", "at event 7 heal"),
    ],
)
def test_a_command_is_printed_in_one_way(text: str, canonical: str) -> None:
    assert str(parse(text, OWN)) == canonical


def test_the_prefix_at_gives_a_time_or_the_number_of_an_event() -> None:
    assert parse("at 4.2s heal") == c.Timed(c.Heal(), at=4_200_000)
    assert parse("at 0 heal") == c.Timed(c.Heal(), at=0)
    assert parse("at event 12 heal") == c.Timed(c.Heal(), after=12)


@pytest.mark.parametrize("text", ["", "  \t ", "# crash a", "   # crash a"])
def test_blank_lines_and_comments_are_no_command(text: str) -> None:
    assert parse(text) is None


def test_a_comment_starts_after_a_blank_and_outside_quotes() -> None:
    assert command("crash a # not b") == c.Crash(A)
    assert command("crash a#1") == c.Crash(who("a#1"))
    assert command("crash a,#1") == c.Crash(who("a", "#1"))
    assert command("join # miner") == c.Join()
    assert command('rumour a "x # y" # z') == c.Own("rumour", ("a", "x # y"))
    assert command('rumour a x "# y" z#1 # w') == c.Own("rumour", ("a", 'x "# y" z#1'))
    assert command('rumour a 5" wide # w') == c.Own("rumour", ("a", '5" wide'))
    assert command('edit m1 a="# b" # c') == c.EditMessage(1, {"a": "# b"})


def test_quoted_text_may_hold_anything() -> None:
    assert command(r'rumour a "say \"hi\" \\ then\n go"') == c.Own("rumour", ("a", 'say "hi" \\ then\n go'))
    assert command('crash "my agent"') == c.Crash(who("my agent"))
    assert command('rumour a ""') == c.Own("rumour", ("a", ""))


def test_a_handler_gets_durations_as_microseconds() -> None:
    own = command("spend a 5 1 2s")
    assert isinstance(own, c.Own)
    assert own.values == (A, 5, 1.0, 2_000_000)


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        (
            "crash",
            6,
            "expected agents (a name, a glob, a role, a count or a percentage), found the end of the line",
        ),
        (
            "crash a,",
            9,
            "expected agents (a name, a glob, a role, a count or a percentage), found the end of the line",
        ),
        ("crash a b", 9, "expected a comma or the end of the command, found 'b'"),
        ("crash 0", 7, "expected a count of agents from 1, found '0'"),
        ("crash 3 of", 11, "expected a name, a glob or a role after 'of', found the end of the line"),
        (
            "crash 120%",
            7,
            "expected a percentage such as 2.5% (0% to 100%, at most four decimals), found '120%'",
        ),
        ('crash "a', 7, "expected a closing quote for the one here"),
        ("heal all", 6, "expected the end of the command, found 'all'"),
        ("join 0", 6, "expected a count of agents from 1, found '0'"),
        (
            "partition a",
            12,
            "expected ' | ' or ' > ' and the other side of the partition, found the end of the line",
        ),
        ("partition a > b > c", 17, "expected a comma or the end of the command, found '>'"),
        ("latency soon", 9, "expected a time such as 250ms or 1.5s, found 'soon'"),
        ("latency 9ms..5ms", 9, "expected the shorter time first, found '9ms..5ms'"),
        ("latency lognormal 0s 1", 19, "expected a median above 0, found '0s'"),
        ("latency lognormal 5ms 0", 23, "expected sigma above 0 and at most 10, found '0'"),
        (
            "latency 5ms a",
            14,
            "expected ' > ' or ' - ' and the other end of the links, found the end of the line",
        ),
        ("loss 2", 6, "expected a percentage such as 2.5% (0% to 100%, at most four decimals), found '2'"),
        (
            "loss 1.00001%",
            6,
            "expected a percentage such as 2.5% (0% to 100%, at most four decimals), found '1.00001%'",
        ),
        (
            "duplicate x",
            11,
            "expected a percentage such as 2.5% (0% to 100%, at most four decimals), found 'x'",
        ),
        ("duplicate mx", 11, "expected a message such as m4711, found 'mx'"),
        (
            "bandwidth 5",
            11,
            "expected 'off', or whole bytes a second such as 500B/s, 64kB/s or 1.5MB/s, found '5'",
        ),
        ("skew a", 7, "expected an amount such as +250ms, -1s or +5%, found the end of the line"),
        ("skew a -100%", 8, "expected a clock that still runs, above -100%, found '-100%'"),
        (
            "slow a 10",
            8,
            "expected a factor above 0 such as 10x or 1.5x, of at most three decimals, found '10'",
        ),
        (
            "slow a 0x",
            8,
            "expected a factor above 0 such as 10x or 1.5x, of at most three decimals, found '0x'",
        ),
        ("drop 4711", 6, "expected a message such as m4711, found '4711'"),
        ("edit m1", 8, "expected a change such as value=7, without blanks, found the end of the line"),
        ("edit m1 a = 7", 9, "expected a change such as value=7, without blanks, found 'a'"),
        ("edit m1 a=1 a=2", 13, "expected each field once, a being there already, found 'a=2'"),
        ("edit m1 a=[1,", 14, "expected valid JSON, found a mistake: Expecting value"),
        ("edit m1 a=[NaN]", 11, "expected valid JSON, found NaN, Infinity or half a character"),
        ("edit m1 a=1e999", 11, "expected a number within 64 bits, found a larger one"),
        ("edit m1 a=[]x", 13, "expected a blank, found 'x'"),
        ("byzantine a", 12, "expected a mode, or 'honest' to end it, found the end of the line"),
        ("rumour a", 9, "expected TEXT (text), found the end of the line"),
        ('rumour a "x" y', 14, "expected the end of the command, found 'y'"),
        ("spend a five 1", 9, "expected COINS (a whole number), found 'five'"),
        ("spend a 5 lots", 11, "expected FEE (a number), found 'lots'"),
        ("spend a 5 1 soon", 13, "expected a time such as 250ms or 1.5s, found 'soon'"),
        ("at", 3, "expected a time such as 4.2s, or 'event' and its number, found the end of the line"),
        ("at noon heal", 4, "expected a time such as 250ms or 1.5s, found 'noon'"),
        ("at event x heal", 10, "expected the number of an event, found 'x'"),
        ("at 5s", 6, "expected a command, found the end of the line"),
        ("at 5s at 6s heal", 7, "expected a command, as one 'at' is enough, found 'at'"),
        (", a", 1, "expected a command, found ','"),
    ],
)
def test_an_error_says_where_and_what_was_expected(text: str, column: int, message: str) -> None:
    caught = error(text)
    assert (caught.column, caught.message) == (column, message)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("crahs a", 1, "there is no command 'crahs'; did you mean 'crash'?"),
        ("at 5s partitoin a | b", 7, "there is no command 'partitoin'; did you mean 'partition'?"),
        ("rumor a hello", 1, "there is no command 'rumor'; did you mean 'rumour'?"),
        ("zzz", 1, "there is no command 'zzz'; expected one such as crash, partition or heal"),
    ],
)
def test_an_unknown_command_suggests_the_nearest(text: str, column: int, message: str) -> None:
    caught = error(text)
    assert (caught.column, caught.message) == (column, message)


@pytest.mark.parametrize(
    "text",
    [
        "crash " + "9" * 5000,
        "latency " + "9" * 5000,
        "latency " + "9" * 30,
        "edit m1 a=" + "9" * 5000,
        "edit m1 a=" + "[" * 100_000,
        'edit m1 a="\\ud800"',
        "crash \ud800",
    ],
)
def test_what_no_computer_could_hold_is_an_ordinary_error(text: str) -> None:
    assert error(text).column is not None


# --- scripts --------------------------------------------------------------------------------------


def test_a_script_is_one_command_a_line() -> None:
    text = "\ufeff# a fault schedule\r\n\r\nat 2s crash a  # the leader\r\nat 4s restart a\n"
    assert parse_script(text) == [c.Timed(c.Crash(A), at=2_000_000), c.Timed(c.Restart(A), at=4_000_000)]


def test_a_scripts_error_names_source_line_and_column() -> None:
    with pytest.raises(CommandError) as caught:
        parse_script("# one\n\nheal\n  crash a b\n", source="faults.txt")
    assert (caught.value.source, caught.value.line, caught.value.column) == ("faults.txt", 4, 11)
    assert str(caught.value).startswith("faults.txt, line 4, column 11: expected a comma or")


# --- a scenario's own commands and the help table -------------------------------------------------


def test_an_own_commands_syntax_is_made_from_its_arguments() -> None:
    assert OWN["spend"].syntax == "spend WHO COINS FEE [WAIT] [KIND]"


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("two words", ()),
        ("crash", ()),
        ("at", ()),
        ("x", (c.ArgSpec("a", "int", optional=True), c.ArgSpec("b", "int"))),
        ("x", (c.ArgSpec("a", "text"), c.ArgSpec("b", "int"))),
    ],
)
def test_an_own_command_that_could_not_be_read_is_refused(name: str, args: tuple[c.ArgSpec, ...]) -> None:
    with pytest.raises(ScenarioError):
        c.CommandSpec(name, args)


def test_the_help_table_has_a_working_example_of_every_command() -> None:
    examples = [(usage, command(usage.example)) for usage in c.BUILTIN]
    for usage, example in examples:
        assert usage.example.split()[0] == usage.syntax.split()[0] == usage.name
        assert str(example) == usage.example
    assert {type(example) for _, example in examples} == set(get_args(c.Command)) - {c.Own}


# --- completion -----------------------------------------------------------------------------------


def completed(text: str) -> list[str]:
    return complete(text, OWN, agents=["a-1", "a-2", "boss"], roles=["miner", "user"], modes=["lie", "mute"])


EVERYBODY = ["miner", "user", "a-*", "a-1", "a-2", "boss"]


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("cr", ["crash"]),
        ("at", []),
        ("at ", ["event"]),
        ("at 5s he", ["heal"]),
        ("ru", ["rumour"]),
        ("crash ", EVERYBODY),
        ("crash a", ["a-*", "a-1", "a-2"]),
        ("crash a-1,b", ["boss"]),
        ("crash 3 ", ["of"]),
        ("crash 3 of mi", ["miner"]),
        ("crash # ", []),
        ("join 3 ", ["miner", "user"]),
        ("partition a-1 ", ["|", ">"]),
        ("partition a-1 | ", EVERYBODY),
        ("latency ", ["lognormal", "default"]),
        ("loss 5% bo", ["boss"]),
        ("loss 5% boss ", [">", "-"]),
        ("bandwidth o", ["off"]),
        ("byzantine boss ", ["lie", "mute", "honest"]),
        ("rumour ", ["a-1", "a-2", "boss"]),
        ("rumour boss ", []),
        ("tell u", ["user"]),
        ("heal ", []),
        ("nonsense ", []),
        ("crash \ud800 ", []),
    ],
)
def test_completion_offers_what_could_stand_there(text: str, candidates: list[str]) -> None:
    assert completed(text) == candidates


def test_completion_of_an_empty_line_offers_every_command() -> None:
    candidates = completed("")
    assert {usage.name for usage in c.BUILTIN} | set(OWN) | {"at"} == set(candidates)
    assert len(candidates) == len(set(candidates))


def test_the_last_word_is_what_a_candidate_replaces() -> None:
    assert [last_word(text) for text in ("", "cr", "crash ", "crash a-1,a", "partition a|b")] == [
        "",
        "cr",
        "",
        "a",
        "b",
    ]


# --- text and data are one ------------------------------------------------------------------------

awkward = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "3",
        "5%",
        "-",
        "of",
        "at",
        "event",
        "a,b",
        "a b",
        "#",
        "a #b",
        '"',
        "\\",
        "m1",
        "default",
        "\r\n",
        "\u2028",
        ">",
    ]
)
names = st.sampled_from(["a", "a-01", "miner-*", "x[12]?", "dc/rack.3", "é"]) | awkward
micros = st.integers(0, 10**15)
ppm = st.integers(0, c.MILLION)
items = (
    st.builds(c.Item, names)
    | st.builds(c.Item, names, count=st.integers(1, 10**15 - 1))
    | st.builds(c.Item, names, share=ppm)
)
selectors = st.lists(items, min_size=1, max_size=3).map(lambda some: c.Selector(tuple(some)))
links = st.none() | st.builds(c.Links, selectors, selectors, st.booleans())
latencies = (
    st.none()
    | st.builds(c.Constant, micros)
    | st.tuples(micros, micros).map(lambda pair: c.Uniform(min(pair), max(pair)))
    | st.builds(c.LogNormal, st.integers(1, 10**15), st.floats(0, 10, exclude_min=True))
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | awkward,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(awkward, inner, max_size=3),
    max_leaves=4,
)
fields = st.dictionaries(st.from_regex(r"[a-z_][\w.-]{0,5}", fullmatch=True), json_values, min_size=1, max_size=3)
numbers = st.floats(allow_nan=False, allow_infinity=False)
spends = st.tuples(
    selectors, st.integers(-(10**15) + 1, 10**15 - 1), numbers, st.builds(c.Duration, micros), awkward
).flatmap(lambda args: st.integers(3, 5).map(lambda kept: c.Own("spend", args[:kept])))

BY_TYPE: dict[type, st.SearchStrategy[Any]] = {
    **{kind: st.builds(kind, selectors) for kind in (c.Crash, c.Restart, c.Freeze, c.Thaw, c.Leave)},
    **{kind: st.builds(kind, ppm, links) for kind in (c.SetLoss, c.SetDuplicate, c.SetReorder)},
    **{
        kind: st.builds(kind, micros.map(lambda n: n % 10**15))
        for kind in (c.DropMessage, c.DeliverMessage, c.DuplicateMessage)
    },
    c.Join: st.builds(c.Join, st.integers(1, 10**6), awkward),
    c.Partition: st.lists(selectors, min_size=2, max_size=4).map(lambda groups: c.Partition(tuple(groups))),
    c.OneWay: st.builds(c.OneWay, selectors, selectors),
    c.Heal: st.just(c.Heal()),
    c.Cancel: st.just(c.Cancel()),
    c.SetLatency: st.builds(c.SetLatency, latencies, links),
    c.SetBandwidth: st.builds(c.SetBandwidth, st.none() | st.integers(1, 10**15), links),
    c.Skew: st.builds(c.Skew, selectors, offset=st.integers(-(10**15), 10**15))
    | st.builds(c.Skew, selectors, rate=st.integers(1 - c.MILLION, 10**15)),
    c.Slow: st.builds(c.Slow, selectors, st.integers(1, 10**12)),
    c.EditMessage: st.builds(c.EditMessage, st.integers(0, 10**15 - 1), fields),
    c.Byzantine: st.builds(c.Byzantine, selectors, awkward),
    c.Own: spends
    | st.builds(lambda *args: c.Own("rumour", args), names, awkward)
    | st.lists(selectors, max_size=1).map(lambda args: c.Own("tell", tuple(args))),
}


@st.composite
def timed_commands(draw: st.DrawFn, kind: type) -> c.Timed:
    at, after = draw(st.sampled_from([(True, False), (False, True), (False, False)]))
    number = draw(st.integers(0, 10**15 - 1))
    return c.Timed(draw(BY_TYPE[kind]), number if at else None, number if after else None)


@pytest.mark.parametrize("kind", get_args(c.Command), ids=lambda kind: kind.__name__)
def test_printing_and_reading_a_command_gives_it_back(kind: type) -> None:
    @settings(max_examples=40, deadline=None)
    @given(timed_commands(kind))
    def round_trip(timed: c.Timed) -> None:
        text = str(timed)
        assert parse_script(text + "\r\n" + text, OWN) == [timed, timed]
        assert str(parse(text + " # comment", OWN)) == text
        assert msgspec.json.decode(msgspec.json.encode(timed), type=c.Timed) == timed

    round_trip()


words = st.sampled_from(
    [
        *sorted({usage.name for usage in c.BUILTIN} | set(OWN)),
        *[
            "at",
            "event",
            "of",
            "a",
            "m1",
            "5%",
            "3",
            "-1",
            "1s",
            "2x",
            "off",
            "x=",
            "x={",
            "x=[1]",
            ",",
            "|",
            ">",
            "-",
            "#",
            '"',
        ],
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30) | st.lists(words | st.text(max_size=4), max_size=7).map(" ".join))
def test_arbitrary_text_is_a_command_or_a_command_error(text: str) -> None:
    complete(text, OWN, ["a"], ["miner"], ["lie"])
    try:
        timed = parse(text, OWN)
    except CommandError as error:
        assert error.column is not None
        assert 1 <= error.column <= len(text) + 1
    else:
        assert timed is None or parse(str(timed), OWN) == timed
