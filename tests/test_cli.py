"""The command line, in the process of the test: what each command prints, and its exit status."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import swarmscope
from app import cli, progress
from app.cli import main

ERRORS = 2


def told(capsys: pytest.CaptureFixture[str], *args: str, status: int = 0) -> str:
    """What a command prints; it must end with `status` and complain of nothing."""
    found = main(args)
    out, err = capsys.readouterr()
    assert (found, err) == (status, "")
    return out


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """The one sentence with which a command is refused."""
    status = main(args)
    out, err = capsys.readouterr()
    assert (status, out) == (ERRORS, "")
    assert err.startswith("swarmscope: ") and err.count("\n") == 1
    return err.removeprefix("swarmscope: ").rstrip("\n")


# --- help -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], ["play"], ["run"], ["list"], ["describe"], ["completion"]])
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    text = told(capsys, *command, "--help")
    assert text.startswith("Usage: swarmscope")
    assert text == told(capsys, *command, "-h")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "--version") == f"swarmscope, version {swarmscope.__version__}\n"


# --- run ------------------------------------------------------------------------------------------


def test_run_prints_one_json_object_with_exactly_these_fields(capsys: pytest.CaptureFixture[str], relay: str) -> None:
    found = json.loads(
        told(capsys, "run", relay, "-p", "agents=3", "--seed", "7", "--json"),
        parse_constant=lambda word: pytest.fail(f"{word} is not JSON"),
    )
    assert list(found) == [
        "scenario",
        "params",
        "seed",
        "time",
        "events",
        "messages",
        "digest",
        "metrics",
        "invariants",
        "commands",
    ]
    assert found["scenario"] == "relay"
    assert found["params"]["agents"] == 3
    assert found["params"]["latency"] == 0.05
    assert found["seed"] == 7
    assert list(found["messages"]) == ["sent", "delivered", "dropped", "duplicated"]
    assert found["metrics"] == {"handed": found["metrics"]["handed"], "pace": None}  # NaN is no JSON
    assert found["metrics"]["handed"] >= 15
    assert found["invariants"] == [
        {"name": "limit kept", "kind": "safety", "holds": True, "detail": ""},
        {"name": "laps run", "kind": "liveness", "holds": True, "detail": ""},
    ]
    assert found["commands"] == []


def test_python_and_the_command_line_give_the_same_run(capsys: pytest.CaptureFixture[str], relay: str) -> None:
    script = "at 100ms slow r-2 3x\nat 300ms loss 0%\n"
    sim = swarmscope.simulate(relay, params={"agents": 5}, seed=3, until=1.5, script=script)
    file = Path(relay).with_name("script.txt")
    file.write_text(script, encoding="utf-8")
    args = [
        "run",
        relay,
        "-p",
        "agents=5",
        "--seed",
        "3",
        "--until",
        "1500ms",
        "--script",
        str(file),
        "--json",
    ]
    found = json.loads(told(capsys, *args))
    assert (found["digest"], found["events"], found["time"]) == (sim.digest, sim.events, 1.5)
    assert found["commands"] == sim.commands == script.splitlines()


def test_run_ends_when_the_scenario_is_over_or_where_it_is_told_to(
    capsys: pytest.CaptureFixture[str], relay: str
) -> None:
    over = json.loads(told(capsys, "run", relay, "--json"))
    assert over["metrics"]["handed"] < 200  # far from the horizon of an hour
    later = json.loads(told(capsys, "run", relay, "--until", "1m", "--json"))
    assert later["time"] == 60.0
    few = json.loads(told(capsys, "run", relay, "--events", "9", "--json"))
    assert few["events"] == 9


def test_run_does_not_depend_on_how_it_is_cut_into_pieces(
    capsys: pytest.CaptureFixture[str], relay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = told(capsys, "run", relay, "--json")
    monkeypatch.setattr(cli, "CHUNK", 7)
    assert told(capsys, "run", relay, "--json") == whole


def test_run_tells_people_what_happened(
    capsys: pytest.CaptureFixture[str], relay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    text = told(capsys, "run", relay, "-p", "agents=3", "-p", "latency=0.1", "--seed", "7", "--until", "0.2s")
    sim = swarmscope.simulate(relay, params={"agents": 3, "latency": 0.1}, seed=7, until=0.2)
    lines = [line.rstrip() for line in text.splitlines()]
    assert lines[0] == "Relay race (relay), seed 7"
    assert "  with      agents=3, latency=100ms" in lines
    assert f"  ran       0.2 s of virtual time, {sim.events} events; stopped there" in lines
    assert "  agents    3" in lines
    assert f"  digest    {sim.digest}" in lines
    assert any(line.startswith("  handed") and "theory: laps times agents" in line for line in lines)
    assert "  ✓ holds    limit kept  safety" in lines
    assert any(line.startswith("  ✗ not yet  laps run    liveness") for line in lines)


def test_run_tells_of_agents_that_are_down(capsys: pytest.CaptureFixture[str], relay: str) -> None:
    text = told(capsys, "run", relay, "-p", "stumble=yes")
    assert "agents    4, 1 failed" in text


def test_a_broken_safety_invariant_is_exit_status_1(capsys: pytest.CaptureFixture[str], relay: str) -> None:
    args = ["run", relay, "-p", "limit=3"]
    found = json.loads(told(capsys, *args, "--json", status=1))
    assert found["invariants"][0]["holds"] is False
    assert "too many" in found["invariants"][0]["detail"]
    assert "✗ broken" in told(capsys, *args, status=1)


def test_run_reads_a_script_from_standard_input(
    capsys: pytest.CaptureFixture[str], relay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"# faults\nat 100ms crash r-2\n")))
    found = json.loads(told(capsys, "run", relay, "--script", "-", "--until", "1s", "--json"))
    assert found["commands"] == ["at 100ms crash r-2"]


def test_a_scenarios_own_command_is_part_of_the_language(
    capsys: pytest.CaptureFixture[str], relay: str, write: Callable[[str, str], str]
) -> None:
    found = json.loads(told(capsys, "run", relay, "--script", write("cheers.txt", "at 1ms cheer r-3"), "--json"))
    assert found["commands"] == ["at 1ms cheer r-3"]


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["run", "gosip"], "there is no scenario 'gosip'; did you mean 'gossip'?"),
        (["run", "nonsense"], "there is gossip"),
        (["describe", "gosip"], "did you mean 'gossip'?"),
        (["play", "gosip"], "did you mean 'gossip'?"),
        (["run", "./none.py"], "there is no file none.py"),
        (["run", "RELAY", "-p", "agents=1"], "agents=1 is not right: agents is 2 to 1000"),
        (["run", "RELAY", "-p", "agents=many"], "agents=many is not right: agents is 2 to 1000"),
        (["run", "RELAY", "-p", "loss=1.5"], "loss is 0 to 1"),
        (["run", "RELAY", "-p", "loss=nan"], "loss is 0 to 1"),
        (["run", "RELAY", "-p", "stumble=perhaps"], "stumble is yes or no"),
        (["run", "RELAY", "-p", "agens=9"], "relay has no parameter 'agens'; did you mean agents?"),
        (["run", "RELAY", "-p", "agents"], "write it as NAME=VALUE"),
        (["run", "RELAY", "-p", "=9"], "write it as NAME=VALUE"),
        (["run", "RELAY", "-p", "topology=star", "-p", "topology=rnig"], "topology is star, mesh"),
        (["play", "RELAY", "-p", "agents=1"], "agents=1 is not right"),
        (["run", "RELAY", "--seed", "-1"], "'-1' is no seed; write a whole number from 0 to 184467"),
        (["run", "RELAY", "--seed", str(2**64)], "is no seed"),
        (["run", "RELAY", "--seed", "1.5"], "is no seed"),
        (["run", "RELAY", "--until", "soon"], "'soon' is not a duration; write it like 90, 1.5s"),
        (["run", "RELAY", "--until", "-1s"], "is not a duration"),
        (["run", "RELAY", "--events", "-1"], "--events"),
        (["run", "RELAY", "--evnts", "1"], "(see swarmscope run --help)"),
        (["run"], "SCENARIO"),
        (["ruin"], "No such command 'ruin'"),
        (["gossip"], "'gossip' is a scenario; write swarmscope play gossip, or swarmscope run gossip"),
        (["play", "RELAY", "--speed", "0"], "'0' is no speed"),
        (["play", "RELAY", "--speed", "fast"], "'fast' is no speed"),
        (["play", "RELAY", "--script", "-"], "play needs the keyboard"),
        (["completion", "tcsh"], "tcsh"),
    ],
)  # fmt: skip
def test_bad_usage_is_one_sentence_and_exit_status_2(
    capsys: pytest.CaptureFixture[str], relay: str, args: list[str], sentence: str
) -> None:
    assert sentence in refused(capsys, *[relay if arg == "RELAY" else arg for arg in args])


def test_a_topology_that_is_too_small_is_refused(capsys: pytest.CaptureFixture[str], relay: str) -> None:
    assert "at least" in refused(capsys, "run", relay, "-p", "agents=2", "-p", "topology=ring")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("heal\nat 2s crahs r-1", "SCRIPT, line 2, column 7: there is no command 'crahs'; did you mean 'cr"),
        ("loss 200%", "SCRIPT, line 1, column 6: "),
        ("at 2s crash r-9", "no agent or role matches 'r-9'"),
        ("crash miner", "no agent or role matches 'miner'"),
        ("cheer", "SCRIPT, line 1, column 6: expected RUNNER"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_script_is_named_with_its_place(
    capsys: pytest.CaptureFixture[str],
    relay: str,
    write: Callable[[str, str], str],
    text: str,
    sentence: str,
) -> None:
    script = write("faults.txt", text)
    assert sentence.replace("SCRIPT", script) in refused(capsys, "run", relay, "--script", script, "--until", "9s")


def test_a_script_that_cannot_be_read_is_refused(
    capsys: pytest.CaptureFixture[str], relay: str, tmp_path: Path
) -> None:
    missing, latin = tmp_path / "none.txt", tmp_path / "latin.txt"
    latin.write_bytes(b"# faults\ncrash caf\xe9\n")
    assert refused(capsys, "run", relay, "--script", str(missing)) == f"there is no script {missing}"
    assert "is a folder" in refused(capsys, "run", relay, "--script", str(tmp_path))
    assert f"{latin}, line 2: this is not UTF-8" in refused(capsys, "run", relay, "--script", str(latin))


def test_a_fault_of_the_program_is_no_broken_invariant(
    capsys: pytest.CaptureFixture[str], write: Callable[[str, str], str], relay: str
) -> None:
    broken = Path(relay).read_text(encoding="utf-8").replace('float("nan")', "1 / 0")
    assert main(["run", write("broken.py", broken)]) == cli.FAULT
    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err
    assert err.splitlines()[-1].startswith("swarmscope: this is a fault")


# --- list and describe ----------------------------------------------------------------------------


def test_list_names_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(told(capsys, "list", "--json"))
    assert [set(one) for one in found] == [{"name", "title", "family", "teaches"}] * len(found)
    assert "gossip" in [one["name"] for one in found]
    text = told(capsys, "list")
    assert all(one["name"] in text and one["title"] in text for one in found)


def test_describe_says_all_about_a_scenario(capsys: pytest.CaptureFixture[str], relay: str) -> None:
    found = json.loads(told(capsys, "describe", relay, "--json"))
    assert (found["name"], found["sources"], found["experiments"]) == ("relay", ["nobody, nowhere, 1900"], [])
    parameters = {one.pop("name"): one for one in found["parameters"]}
    assert parameters["agents"] == {
        "type": "integer",
        "range": "2 to 1000",
        "low": 2,
        "high": 1000,
        "choices": [],
        "default": 4,
        "unit": "",
        "help": "how many runners",
    }
    assert parameters["latency"]["unit"] == "s"
    assert "mesh" in parameters["topology"]["choices"]
    assert found["commands"][0]["syntax"] == "cheer RUNNER"
    assert found["misbehaviours"] == [{"name": "trip", "help": "trips the next runner"}]
    assert found["invariants"][0] == {
        "name": "limit kept",
        "kind": "safety",
        "help": "never more than `limit`",
    }
    assert [one["name"] for one in found["metrics"]] == ["handed", "pace"]


def test_describe_is_laid_out_for_people(
    capsys: pytest.CaptureFixture[str], relay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    text = told(capsys, "describe", relay)
    assert max(map(len, text.splitlines())) <= 72
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert headings == [
        "Relay race (relay)",
        "Parameters, and their defaults",
        "Its own commands",
        "Misbehaviours",
        "Metrics",
        "Invariants",
        "Sources",
    ]
    assert "50ms" in text and "cheer RUNNER" in text


# --- play and the menu ----------------------------------------------------------------------------


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A terminal, and an application that only writes down how it is called."""
    calls: list[tuple[Any, ...]] = []
    application = ModuleType("app.application")
    application.run_app = lambda *args: calls.append(args) or 0  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app.application", application)
    monkeypatch.setattr(cli, "_has_terminal", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    return calls


def test_no_command_opens_the_menu(capsys: pytest.CaptureFixture[str], screen: list[tuple[Any, ...]]) -> None:
    told(capsys)
    assert screen == [(None, {}, None, None, None, False)]


def test_play_goes_straight_in(
    capsys: pytest.CaptureFixture[str],
    screen: list[tuple[Any, ...]],
    relay: str,
    write: Callable[[str, str], str],
) -> None:
    script = write("one.txt", "at 2s crash r-1")
    args = ["-p", "agents=9", "--seed", "5", "--speed", "4x", "--script", script, "--paused"]
    told(capsys, "play", relay, *args)
    told(capsys, "play", "gossip")
    [(scenario, params, seed, speed, commands, paused), plain] = screen
    assert (scenario, params, seed, speed, paused) == (relay, {"agents": "9"}, 5, 4.0, True)
    assert list(map(str, commands)) == ["at 2s crash r-1"]
    assert plain == ("gossip", {}, None, None, None, False)


@pytest.mark.parametrize("args", [["play", "gossip"], []])
def test_without_a_terminal_the_screen_is_refused(capsys: pytest.CaptureFixture[str], args: list[str]) -> None:
    assert "needs a terminal" in refused(capsys, *args)


def test_a_terminal_that_cannot_move_its_cursor_is_refused(
    capsys: pytest.CaptureFixture[str], screen: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert "not dumb" in refused(capsys, "play", "gossip")
    assert screen == []


# --- the progress bar -----------------------------------------------------------------------------


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_long_run_shows_a_bar_on_a_terminal_and_leaves_nothing_behind(
    relay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    monkeypatch.setattr(cli, "CHUNK", 10)
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["run", relay, "--until", "10s", "--json"]) == 0
    shown = terminal.getvalue().split("\r")
    assert any("events" in one and "#" in one for one in shown)
    assert max(map(len, shown)) == 59
    assert shown[-2:] == [" " * 59, ""]


def test_there_is_no_bar_where_nobody_looks(
    capsys: pytest.CaptureFixture[str], relay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(cli, "CHUNK", 10)
    told(capsys, "run", relay)


# --- completion -----------------------------------------------------------------------------------


def completed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> list[list[str]]:
    """What fish would offer for the last of `words`, and the help beside it."""
    monkeypatch.setenv("_SWARMSCOPE_COMPLETE", "fish_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["swarmscope", *words]))
    monkeypatch.setenv("COMP_CWORD", words[-1])
    return [line.partition(",")[2].split("\t") for line in told(capsys).splitlines() if line]


def test_scenarios_and_parameters_are_completed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, relay: str
) -> None:
    assert completed(capsys, monkeypatch, "run", "gos") == [["gossip"]]
    assert completed(capsys, monkeypatch, "run", relay, "-p", "ag") == [["agents=", "how many runners"]]
    assert completed(capsys, monkeypatch, "run", relay, "-p", "stumble=") == [["stumble=yes"], ["stumble=no"]]
    assert completed(capsys, monkeypatch, "run", relay, "-p", "topology=sm") == [["topology=small-world"]]
    assert completed(capsys, monkeypatch, "run", relay, "-p", "agents=") == []
    assert completed(capsys, monkeypatch, "run", "nobody", "-p", "ag") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_calls_the_program_back(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    assert f"_SWARMSCOPE_COMPLETE={shell}_complete" in told(capsys, "completion", shell)


def test_bash_completes_what_stands_before_the_cursor(capsys: pytest.CaptureFixture[str], relay: str) -> None:
    root = Path(swarmscope.__file__).parent
    setup = f"""
        swarmscope() {{ {sys.executable} {root / "swarmscope.py"} "$@"; }}
        compopt() {{ echo "compopt $*"; }}
        {told(capsys, "completion", "bash")}
        try() {{
            COMP_LINE=$1 COMP_POINT=${{#1}}
            _swarmscope_completion swarmscope
            printf '%s\\n' "${{COMPREPLY[@]}}"
        }}
        try 'swarmscope ru'
        try 'swarmscope run {relay} -p age'
        try 'swarmscope run {relay} -p stumble=y'
        """
    done = subprocess.run(["bash", "-c", setup], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split("\n") == ["run", "compopt -o nospace", "agents=", "yes", ""]
    assert done.stderr == ""
