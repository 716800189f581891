"""Recordings: written as a run goes, read back, replayed, compared; and what is said of those that are not right."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.widgets import Input

from app import cli
from app.driver import Driver
from app.files import FileError
from app.interrupts import put_off
from app.recorder import Recorder
from app.recording import FIRST, Recording, RecordingError, parse_recording, read, source_of, split
from app.replay import Difference, begin, compare, metrics_apart, parting, verify
from app.tracefile import TraceWriter, plain
from engine.commands import Crash, Timed
from engine.errors import SwarmscopeError
from engine.grammar import parse
from engine.simulation import NEVER
from engine.streams import Stream
from scenarios.gossip.scenario import Gossip
from scenarios.launch import launch
from tests.app_fixtures import Clock, forward, playing, press, settle, shown, toasts

SCRIPT = "at 2s crash a-03\nat 4s restart a-03\n"
Write = Callable[[str, str], str]


@pytest.fixture
def recorded(tmp_path: Path, write: Write) -> str:
    """The path of a recording of a short run of gossip."""
    path = tmp_path / "run.swarm"
    script = write("faults.txt", SCRIPT)
    arguments = ["run", "gossip", "-p", "agents=12", "--seed", "3", "--script", script, "--record", str(path)]
    assert cli.main(arguments) == 0
    return str(path)


def text_of(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def silent(share: float, words: str) -> None:
    """Nobody looks at the progress."""


def complaint(text: str) -> str:
    with pytest.raises(SwarmscopeError) as raised:
        parse_recording(text, "run.swarm")
    return str(raised.value)


# --- written and read -----------------------------------------------------------------------------


def test_a_recording_is_a_few_lines_of_text(recorded: str) -> None:
    lines = text_of(recorded).splitlines()
    assert lines[0] == f"{FIRST} 2"
    assert lines[2:3] + lines[4:9] == [
        "scenario gossip",
        "seed 3",
        "param agents=12",
        "",
        "at 2s crash a-03",
        "at 4s restart a-03",
    ]
    assert lines[-1].startswith("end ")


def test_what_was_written_is_read_back(recorded: str) -> None:
    recording = read(recorded)
    assert recording.kind is Gossip
    assert (recording.seed, recording.params, recording.whole) == (3, {"agents": "12"}, True)
    (branch,) = recording.branches
    assert [timed.at for timed in branch.commands] == [2_000_000, 4_000_000]
    assert isinstance(branch.commands[0].command, Crash)
    assert not recording.is_changed


def test_it_replays_to_the_same_digests(recorded: str) -> None:
    recording = read(recorded)
    assert verify(recording, silent) is None


def test_a_long_run_has_digests_along_the_way(tmp_path: Path) -> None:
    path = str(tmp_path / "long.swarm")
    assert cli.main(["run", "gossip", "-p", "agents=400", "--until", "80", "--record", path]) == 0
    recording = read(path)
    assert len(recording.branches[0].marks) > 3
    assert verify(recording, silent) is None


def test_the_first_digest_that_differs_is_named(recorded: str) -> None:
    recording = read(recorded)
    (branch,) = recording.branches
    wrong = branch.marks[-1]._replace(digest="0" * 32)
    changed = recording._replace(branches=(branch._replace(marks=(*branch.marks[:-1], wrong)),))
    assert verify(changed, silent) == Difference(1, wrong, branch.marks[-1].digest, wrong.events)


def test_comments_and_blank_lines_do_not_count(recorded: str) -> None:
    text = text_of(recorded).replace("at 2s", "# the trouble begins\n\n  at 2s")
    assert parse_recording(text) == read(recorded)


def test_one_that_was_cut_short_holds_as_far_as_it_goes(recorded: str) -> None:
    text = text_of(recorded)
    for length in range(text.index("at 2s"), len(text) - 1):
        recording = parse_recording(text[:length])
        assert len(recording.branches[0].commands) <= 2
        assert not recording.whole
    assert parse_recording(text[:-1]) == read(recorded)  # an editor took the end of the last line away


# --- the command line -----------------------------------------------------------------------------


def test_verify_says_so_and_exits_with_0_or_1(recorded: str, capsys: pytest.CaptureFixture[str], write: Write) -> None:
    assert cli.main(["replay", recorded, "--verify"]) == 0
    assert "1 digest as recorded, up to event" in capsys.readouterr().out
    later = write("later.swarm", text_of(recorded).replace("at 4s", "at 4100ms"))
    assert cli.main(["replay", later, "--verify"]) == 1
    assert "differs at event" in capsys.readouterr().out


def test_a_recording_is_never_written_over(recorded: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = text_of(recorded)
    assert cli.main(["run", "gossip", "--record", recorded]) == 2
    assert "is there already" in capsys.readouterr().err
    assert text_of(recorded) == before


def test_a_changed_scenario_is_said_and_can_be_run_anyway(
    recorded: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write("other.swarm", text_of(recorded).replace(source_of(Gossip), "0" * 32))
    assert cli.main(["replay", other, "--verify"]) == 2
    assert "--anyway" in capsys.readouterr().err
    assert cli.main(["replay", other, "--verify", "--anyway"]) == 0


def test_a_pair_cannot_be_recorded_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "finality", "--record", str(tmp_path / "x")]) == 2
    assert "two runs" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_diff_says_where_two_part_and_what_came_of_it(
    recorded: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["diff", recorded, recorded]) == 0
    later = write("later.swarm", text_of(recorded).replace("at 4s", "at 4100ms").replace("agents=12", "agents=13"))
    assert cli.main(["diff", recorded, later]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "agents: 12 | 13" in lines
    assert any("they share" in line for line in lines)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_killed_at_any_moment_what_was_written_replays(tmp_path: Path) -> None:
    path = tmp_path / "killed.swarm"
    arguments = ["run", "gossip", "-p", "agents=300", "-p", "rumours=0", "--until", "100000", "--record", str(path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *arguments], env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and (not path.exists() or path.read_text().count("digest") < 4):
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    recording = read(str(path))
    assert not recording.whole
    assert len(recording.branches[0].marks) >= 4
    assert verify(recording, silent) is None


def is_under_way(path: Path) -> bool:
    """Whether events have been recorded."""
    return path.exists() and re.search("^digest [1-9]", path.read_text(), re.MULTILINE) is not None


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_ends_a_recording_between_two_events(tmp_path: Path) -> None:
    path = tmp_path / "stopped.swarm"
    arguments = ["run", "gossip", "-p", "agents=300", "-p", "rumours=0", "--until", "100000", "--record", str(path)]
    with subprocess.Popen([sys.executable, "-m", "app", *arguments], stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not is_under_way(path):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == cli.INTERRUPTED
    assert err.startswith("swarmscope: interrupted at ")
    recording = read(str(path))
    assert recording.whole
    assert verify(recording, silent) is None


def test_the_second_ctrl_c_does_not_wait() -> None:
    with put_off() as interrupted:
        assert not interrupted()
        signal.raise_signal(signal.SIGINT)
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_nothing_is_left_where_one_of_two_files_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there").touch()
    for record, trace, said in (
        ("new", "there", "there is there already"),
        ("there", "new", "there is there already"),
        ("new", "new", "cannot be both the recording and the trace"),
    ):
        assert cli.main(["run", "gossip", "--until", "1", "--record", record, "--trace", trace]) == 2
        assert said in capsys.readouterr().err
        assert [file.name for file in tmp_path.iterdir()] == ["there"]


def test_a_recording_that_cannot_be_written_any_more_says_so(tmp_path: Path) -> None:
    class Full(StringIO):
        name = "full.swarm"

        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(FileError, match=r"full\.swarm cannot be written any more: No space left on device"):
        Recorder(branched().history, "gossip", {"agents": 6}, Full())


async def test_the_screen_goes_on_without_a_recording_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with playing() as (screen, pilot):
        await press(pilot, "s", "enter")
        recorder = screen._recorder
        assert recorder is not None

        def fail() -> None:
            raise FileError("the disk is full")

        monkeypatch.setattr(recorder, "note", fail)
        screen.command("crash a-02")
        await settle(pilot)
        assert toasts(pilot.app) == ["the disk is full"]
        screen.command("crash a-03")
        assert screen._recorder is None


# --- on the screen --------------------------------------------------------------------------------


async def test_s_saves_the_run_and_never_writes_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with playing() as (screen, pilot):
        forward(screen, 200)
        screen.command("crash a-02")
        await press(pilot, "s", "enter")
        saved = read("gossip-7.swarm")
        assert (saved.seed, len(saved.branches[0].commands), saved.whole) == (7, 1, False)
        assert verify(saved, silent) is None
        await press(pilot, "s")
        field = screen.app.screen.query_one("#save-file", Input)
        assert field.value == "gossip-7-2.swarm"
        field.value = "gossip-7.swarm"
        await press(pilot, "enter")
        assert "is there already" in shown(screen.app)
        field.value = ""
        await press(pilot, "enter")
        assert "type a name" in shown(screen.app)
        await press(pilot, "escape")
    assert [file.name for file in tmp_path.iterdir()] == ["gossip-7.swarm"]


# --- branches -------------------------------------------------------------------------------------


def branched() -> Driver:
    """A run with three branches: cut and healed; not healed, but something crashed; nothing done at all."""
    driver = Driver(launch("gossip", {"agents": 6}, 7, record=True), paused=True, clock=Clock())
    driver.history.go_on(1_000_000, NEVER)
    driver.apply(command("partition a-01,a-02,a-03 | a-04,a-05,a-06"))
    driver.history.go_on(2_000_000, NEVER)
    driver.apply(command("heal"))
    driver.history.go_on(3_000_000, NEVER)
    driver.go_to_time(1_500_000)
    driver.apply(command("crash a-04"))
    driver.apply(command("at 9s restart a-04"))
    driver.history.go_on(4_000_000, NEVER)
    driver.go_to_time(500_000)
    driver.branch_off()
    driver.history.go_on(2_500_000, NEVER)
    return driver


def command(text: str) -> Timed:
    timed = parse(text)
    assert timed is not None
    return timed


def written(driver: Driver, path: Path) -> Recording:
    Recorder.opened(str(path), driver.history, "gossip", {"agents": 6}).end()
    return read(str(path))


def test_all_branches_are_written_and_read_and_verified(tmp_path: Path) -> None:
    driver = branched()
    recording = written(driver, tmp_path / "three.swarm")
    assert recording.whole
    assert [(one.number, one.parent, one.now) for one in recording.branches] == [
        (1, 0, 0), (2, 1, 1_500_000), (3, 1, 500_000),
    ]  # fmt: skip
    assert [[str(one) for one in branch.later] for branch in recording.branches] == [[], ["at 9s restart a-04"], []]
    assert verify(recording, silent) is None
    wrong = recording.branches[1].marks[-1]._replace(digest="0" * 32)
    second = recording.branches[1]._replace(marks=(wrong,))
    found = verify(recording._replace(branches=(recording.branches[0], second, recording.branches[2])), silent)
    assert found is not None and (found.branch, found.mark) == (2, wrong)


def test_a_recording_of_a_replay_is_the_same_recording(tmp_path: Path) -> None:
    first = written(branched(), tmp_path / "first.swarm")
    replayed = begin(first)
    for number in (1, 2, 3):
        replayed.depart(replayed.tree.branches[number])
        replayed.proceed(index=first.end_of(number).events, now=first.end_of(number).now)
    Recorder.opened(str(tmp_path / "second.swarm"), replayed, "gossip", {"agents": 6}).end()
    assert read(str(tmp_path / "second.swarm")) == first


def test_a_replay_goes_on_with_what_still_waited(tmp_path: Path) -> None:
    history = begin(written(branched(), tmp_path / "three.swarm"), 2)
    history.go_on(10_000_000, NEVER)
    assert history.sim.commands[-1] == "at 9s restart a-04"


def test_what_cannot_be_carried_out_any_more_is_left_out_of_a_recording_of_the_replay(tmp_path: Path) -> None:
    recording = written(branched(), tmp_path / "three.swarm")
    (first, *_) = recording.branches
    refused = first._replace(commands=(*first.commands[:1], command("at 1200ms restart a-05"), *first.commands[1:]))
    history = begin(recording._replace(branches=(refused,)))
    history.go_on(3_500_000, NEVER)
    assert not history.is_behind
    history.apply(command("crash a-06"))
    history.go_on(5_000_000, NEVER)
    digest = history.sim.digest
    history.go_to_time(1_100_000)
    history.go_to_time(5_000_000)
    assert history.sim.digest == digest
    Recorder.opened(str(tmp_path / "again.swarm"), history, "gossip", {"agents": 6}).end()
    again = read(str(tmp_path / "again.swarm"))
    assert [str(one.command) for one in again.branches[0].commands[1:]] == ["heal", "crash a-06"]
    assert verify(again, silent) is None


def test_a_branch_can_be_left_before_its_recorded_end(tmp_path: Path) -> None:
    """The commands that come later in a recording are of the old future, not of the new one."""
    history = begin(written(branched(), tmp_path / "three.swarm"))
    driver = Driver(history, paused=True, clock=Clock())
    driver.go_to_time(1_200_000)
    assert history.sim.network.cuts
    driver.apply(command("crash a-01"))
    history.go_on(6_000_000, NEVER)
    assert history.branch.number == 4
    assert history.sim.network.cuts


def test_a_file_written_as_the_run_goes_can_be_cut_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "run.swarm"
    driver = Driver(launch("gossip", {"agents": 6}, 7, record=True), paused=True, clock=Clock())
    recorder = Recorder.opened(str(path), driver.history, "gossip", {"agents": 6})
    driver.witness = recorder.note
    seen = []
    for text in ("partition a-01,a-02,a-03 | a-04,a-05,a-06", "heal"):
        driver.history.go_on(driver.sim.now + 1_000_000, NEVER)
        driver.apply(command(text))
        seen.append(read(str(path)).branches[0].commands[-1].command)
    assert [str(one).split()[0] for one in seen] == ["partition", "heal"]
    driver.go_to_time(1_500_000)
    driver.apply(command("crash a-04"))
    driver.switch(1)
    driver.go_to_end()
    driver.apply(command("crash a-05"))
    recording = read(str(path))
    assert [[str(one.command) for one in branch.commands] for branch in recording.branches] == [
        [str(seen[0]), "heal", "crash a-05"],
        ["crash a-04"],
    ]
    text = text_of(str(path))
    for length in range(text.index("partition"), len(text), 7):
        cut = parse_recording(text[:length])
        for branch in cut.branches:
            begin(cut, branch.number).go_on(4_000_000, NEVER)
    recorder.end()
    assert verify(read(str(path)), silent) is None


def test_a_recording_without_branches_of_version_1_is_read(recorded: str) -> None:
    assert parse_recording(text_of(recorded).replace(f"{FIRST} 2", f"{FIRST} 1")) == read(recorded)


def test_a_branch_is_named_after_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "three.swarm")
    written(branched(), tmp_path / "three.swarm")
    assert split(path) == (path, 1)
    assert split(f"{path}#2") == (path, 2)
    assert cli.main(["diff", path, f"{path}#2"]) == 1
    assert "and part at" in capsys.readouterr().out
    assert cli.main(["diff", f"{path}#2", f"{path}#2"]) == 0
    assert cli.main(["diff", path, f"{path}#7"]) == 2
    assert "has no branch 7; it has 3, counted from 1" in capsys.readouterr().err
    assert cli.main(["replay", path, "--verify"]) == 0
    assert "3 digests of 3 branches as recorded" in capsys.readouterr().out


# --- what is not right ----------------------------------------------------------------------------

BEGUN = "branch 2 of 1 at event 5 1s after 0 commands\n"
HEAD = f"{FIRST} 1\nprogram 0.1.0\nscenario gossip\nsource {'a' * 32}\nseed 7\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a recording"),
        ("hello\n", "its first line should be"),
        (f"{FIRST} 3\n", "is of another version"),
        (f"{FIRST} 1\n", "does not say which scenario"),
        (HEAD.replace("gossip", "gosip"), "did you mean 'gossip'"),
        (HEAD.replace("seed 7", "seed x"), "has no right seed"),
        (HEAD.replace("a" * 32, "abc"), "needs the line “source"),
        (HEAD + "seed 8\n", "line 6: seed is said twice"),
        (HEAD + "param agents\n", "should be NAME=VALUE"),
        (HEAD + "crash a-01\n", "line 6: “crash a-01” has no time"),
        (HEAD + "at 2s crsh a-01\n", "line 6, column 7"),
        (HEAD + "digest 5 soon abc\n", "line 6: a digest is written like"),
        (HEAD + f"digest 50 2s {'0' * 32}\ndigest 5 3s {'0' * 32}\n", "of an earlier moment"),
        (HEAD + f"end 5 2s {'0' * 32}\nat 3s heal\n", "line 7: it goes on after its end"),
        (HEAD.replace("gossip", "finality"), "is two runs"),
        (HEAD + "branch two\n", "line 6: a branch is begun like"),
        (HEAD + "branch 2 of 1 at event 5 soon\n", "line 6: a branch is begun like"),
        (HEAD + "branch 2\n", "line 6: there is no branch 2 to go on with"),
        (HEAD + "branch 3 of 1 at event 5 1s after 0 commands\n", "line 6: the next branch is number 2, not 3"),
        (HEAD + "branch 2 of 7 at event 5 1s after 0 commands\n", "line 6: there is no branch 7 that it could leave"),
        (HEAD + BEGUN + "branch 2 of 1 at event 6 2s after 0 commands\n", "line 7: branch 2 is begun twice"),
        (HEAD + BEGUN + f"digest 4 1s {'0' * 32}\n", "line 7: this digest is of an earlier"),
        (HEAD + BEGUN.replace(" 0 ", " 1 "), "line 6: branch 1 has 0 commands by here, not 1"),
        (HEAD + BEGUN + "at 500ms heal\n", "line 7: this command is of an earlier moment"),
        (HEAD + BEGUN + "at event 4 heal\n", "line 7: this command is of an earlier moment"),
        (HEAD + "at 3s heal\nat 2s heal\n", "line 7: this command is of an earlier moment"),
        (HEAD + f"at 3s heal\nend 9 2s {'0' * 32}\n", "line 7: this digest is of an earlier moment"),
        (HEAD + "param agents=8\nparam agents=9\n", "line 7: the parameter agents is said twice"),
        (HEAD + "later crash a-01\n", "line 6: “crash a-01” has no time"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(text: str, said: str) -> None:
    assert said in complaint(text)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be read"):
        read(str(tmp_path / "nothing"))
    with pytest.raises(RecordingError, match="cannot be read"):
        read(str(tmp_path))
    (tmp_path / "noise").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecordingError, match="not text"):
        read(str(tmp_path / "noise"))


@pytest.mark.slow
def test_ten_thousand_mutated_files_give_no_traceback(recorded: str) -> None:
    original = text_of(recorded)
    draws = Stream(1, "mutations")
    letters = [*sorted(set(original)), "\x00", "é", "\t", "\r"]
    told = 0
    for _ in range(10_000):
        text = list(original)
        for _ in range(draws.between(1, 4)):
            at = draws.below(len(text))
            match draws.below(3):
                case 0:
                    text[at] = draws.choice(letters)
                case 1:
                    del text[at : at + draws.between(1, 20)]
                case _:
                    text.insert(at, draws.choice(letters))
        try:
            launch_of(parse_recording("".join(text)))
        except SwarmscopeError as error:
            told += 1
            assert "\n" not in str(error)
    assert told > 1_000


def launch_of(recording: Recording) -> None:
    """What `replay` does with it before it runs."""
    if len(recording.params.get("agents", "")) < 4:
        for branch in recording.branches:
            begin(recording, branch.number).go_on(50_000, 50)


@given(st.text(max_size=200))
@settings(max_examples=200)
def test_no_text_at_all_gives_a_traceback(text: str) -> None:
    for whole in (text, HEAD + text):
        try:
            parse_recording(whole)
        except SwarmscopeError as error:
            assert str(error)


# --- comparing and tracing ------------------------------------------------------------------------


def test_two_runs_part_where_the_first_different_event_is(recorded: str) -> None:
    one = read(recorded)
    (branch,) = one.branches
    other = one._replace(branches=(branch._replace(commands=branch.commands[:1]),))
    apart = parting(begin(one), begin(other), (10_000, 10_000))
    assert apart is not None
    assert apart.moment == 4_000_000
    assert "restart a-03" in apart.left
    straight = begin(one)
    straight.go_to(apart.shared)
    assert straight.sim.now <= 4_000_000
    assert compare(one, one) == []
    assert any("restart" in line for line in compare(one, other))
    assert compare(one, one._replace(scenario="pow")) == ["one is of gossip, the other of pow"]


def test_metrics_that_agree_are_not_listed() -> None:
    left, right = (launch("gossip", {"agents": 5}, 1) for _ in range(2))
    assert list(metrics_apart(left, right)) == []


def test_the_trace_has_every_event_with_its_cause(tmp_path: Path, write: Write) -> None:
    path = tmp_path / "events.jsonl"
    script = write("faults.txt", SCRIPT)
    arguments = ["run", "gossip", "-p", "agents=60", "--seed", "3", "--until", "60", "--script", script]
    assert cli.main([*arguments, "--trace", str(path)]) == 0
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    events = [line for line in lines if "note" not in line]
    sim = launch("gossip", {"agents": 60}, 3, SCRIPT)
    sim.run(until=60)
    assert len(events) == sim.events > 5_000
    assert [line["index"] for line in events] == list(range(1, sim.events + 1))
    assert [line["index"] for line in lines] == sorted(line["index"] for line in lines)
    assert all(line.get("cause", 0) < line["index"] for line in events)
    assert [line["time"] for line in events] == sorted(line["time"] for line in events)
    assert sum("note" in line for line in lines) == sim.trace.note_count
    crash = next(line for line in lines if line["kind"] == "crash")
    assert (crash["agent"], crash["time"]) == ("a-03", 2_000_000)


def test_the_trace_has_every_note_however_many_come_at_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sim = launch("gossip", {"agents": 5}, 3)
    with TraceWriter(sim, str(path)) as writer:
        sim.apply("join 6000")
        writer.note()
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert sum("note" in line for line in lines) == sim.trace.note_count > 6000
    assert sum(line["kind"] == "join" for line in lines) == 6000


def test_any_data_of_a_note_becomes_json() -> None:
    assert json.dumps(plain({"a": (1, b"x"), 2: {3}, "c": Crash}))
