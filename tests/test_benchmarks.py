"""The benchmarks run, and what they report is well formed. How quick anything is, they say themselves."""

from __future__ import annotations

import json
import math
import platform
import subprocess
import sys

import pytest

from tests.benchmarks import (
    __main__ as command,
)
from tests.benchmarks import (
    checkpoints,
    engine,
    idle,
    latency,
    memory,
    network_pane,
    small_runs,
    start,
)
from tests.benchmarks.figures import Figure, cpu_seconds, interleaved, median_ratio, percentile
from tests.benchmarks.rivals import bare_loop, simpy_stores
from tests.benchmarks.terminal import ROOT, NothingCameError, Terminal


def assert_sound(figures: list[Figure]) -> None:
    assert figures
    assert len({figure.name for figure in figures}) == len(figures)
    for figure in figures:
        assert math.isfinite(figure.value) and figure.value >= 0
        assert figure.unit
        assert figure.at_most is None or figure.at_least is None
        assert command.row_of(figure).startswith(f"  {figure.name} ")


# --- figures --------------------------------------------------------------------------------------


def test_an_aim_is_met_or_missed() -> None:
    assert Figure("a", 2.0, at_most=2.0).met is True
    assert Figure("a", 2.1, at_most=2.0).met is False
    assert Figure("a", 5.0, at_least=5.0).met is True
    assert Figure("a", 4.9, at_least=5.0).met is False
    assert Figure("a", 4.9).met is None
    assert Figure("a", 1.0, "×", at_most=2.0).plain() == {
        "name": "a", "value": 1.0, "unit": "×", "at_most": 2.0, "at_least": None, "met": True,
    }  # fmt: skip


def test_sides_take_turns() -> None:
    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return float(len(order))

    taken = interleaved({"a": lambda: side("a"), "b": lambda: side("b")}, 2)
    assert order == ["a", "b", "a", "b"]
    assert taken == {"a": [1.0, 3.0], "b": [2.0, 4.0]}
    assert median_ratio([2.0, 9.0, 4.0], [1.0, 3.0, 1.0]) == 3.0


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(n) for n in range(20, 0, -1)]
    assert percentile(values, 0.95) == 19.0
    assert percentile(values, 1.0) == 20.0
    assert percentile(values, 0.5) == 10.0
    assert percentile([7.0], 0.95) == 7.0


def test_work_is_timed_without_the_collector() -> None:
    import gc

    seen: list[bool] = []
    assert cpu_seconds(lambda: seen.append(gc.isenabled())) >= 0.0
    assert seen == [False]
    assert gc.isenabled() and gc.get_freeze_count() == 0


# --- the workload ---------------------------------------------------------------------------------


def test_all_sides_do_the_same_work() -> None:
    assert bare_loop(20, 500) == 500
    assert simpy_stores(20, 500) == 500
    sim = engine.prepared(20)
    before = sim.messages
    sim.run(events=500)
    after = sim.messages
    assert after["delivered"] - before["delivered"] == after["sent"] - before["sent"] == 500
    assert after["sent"] - after["delivered"] == 20
    waits = [event[0] - event[7] for event in sim.calendar]
    assert all(1_000 <= wait <= 10_000 for wait in waits)


def test_a_run_without_a_digest_is_the_same_run() -> None:
    with_digest, without = engine.prepared(20), engine.prepared(20, digest=False)
    for sim in (with_digest, without):
        sim.run(events=3_000)
    assert without.digest == ""
    assert list(with_digest.calendar) == list(without.calendar)
    assert with_digest.messages == without.messages
    point = without.checkpoint()
    without.run(events=10)
    without.restore(point)
    assert (without.events, without.digest) == (with_digest.events, "")


def test_the_watched_workload_watches() -> None:
    sim = engine.prepared(10, scenario=engine.WatchedFlood)
    [report] = sim.invariants()
    assert report["holds"]
    memory = sim.invariants_kept.memory["time goes on"]
    assert memory["time"] == sim.now


# --- each benchmark, tiny -------------------------------------------------------------------------


def test_engine() -> None:
    figures = engine.measure(agents=20, deliveries=900, repetitions=2)
    assert_sound(figures)
    assert [figure.aim for figure in figures[:3]] == ["≤ 2", "≤ 1.6", "≥ 5"]


def test_checkpoints() -> None:
    assert_sound(checkpoints.measure(agents=(5, 10), until=1.0, repetitions=1))


def test_memory() -> None:
    assert_sound(memory.measure(early=2_000, late=3_000, agents=20))


def test_small_runs() -> None:
    assert_sound(small_runs.measure(runs=4, agents=5, batches=2))


def test_network_pane(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = network_pane.measure(agents=(20,), frames=3)
    monkeypatch.setattr(network_pane, "measure", lambda: [*rows, {**rows[0], "agents": 60}])
    figures = command.figures_of("network")
    assert_sound(figures)
    assert [figure.at_most for figure in figures] == [None, None, 4.0, 25.0]


@pytest.mark.terminal
def test_start() -> None:
    assert_sound(start.measure(repetitions=1))


@pytest.mark.terminal
def test_idle() -> None:
    assert_sound(idle.measure(seconds=0.5))


@pytest.mark.terminal
def test_latency() -> None:
    assert_sound(latency.measure(presses=2, warm_up=0.5, agents=40))


@pytest.mark.terminal
def test_a_terminal_says_what_came_instead() -> None:
    with Terminal(["-c", "print('one'); input(); print('two')"]) as terminal:
        terminal.wait_for("one")
        with pytest.raises(NothingCameError, match=r"'two' came; this did: 'one"):
            terminal.wait_for("two", timeout=0.2)
        pressed = terminal.press("\r")
        assert terminal.wait_for("two") > pressed
    assert terminal.process.poll() is not None


# --- the command ----------------------------------------------------------------------------------


def test_the_table_says_what_is_missed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    figures = [
        Figure("speed", 1234.5, "/s", at_least=2000),
        Figure("cost", 1.5, "×", at_most=2),
        Figure("size", 3, "B"),
    ]
    monkeypatch.setattr(command, "figures_of", lambda name: figures)
    assert command.main(["--only", "idle"]) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading == f"idle: {command.BENCHMARKS['idle']}"
    assert [row.split() for row in rows] == [
        ["speed", "1,234", "/s", "≥", "2000", "MISSED"],
        ["cost", "1.5", "×", "≤", "2", "met"],
        ["size", "3", "B"],
    ]


def test_json_is_one_object_that_knows_no_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def figures_of(name: str) -> list[Figure]:
        if name == "idle":
            raise NothingCameError("nothing came")
        return [Figure(f"{name} speed", 5.0, "/s", at_least=6.0)]

    monkeypatch.setattr(command, "figures_of", figures_of)
    assert command.main(["--json", "--only", "engine", "--only", "idle"]) == 1
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found.pop("busy") in (True, False)
    assert found == {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "figures": [
            {"benchmark": "engine", "name": "engine speed", "value": 5.0, "unit": "/s", "at_most": None,
             "at_least": 6.0, "met": False},
        ],
        "missed": ["engine speed"],
        "failed": {"idle": "nothing came"},
    }  # fmt: skip
    assert "idle could not be measured: nothing came" in captured.err


def test_without_a_choice_all_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command, "figures_of", lambda name: [Figure(name, 1.0, "s")])
    assert command.main([]) == 0
    measured = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert measured == list(command.BENCHMARKS)


def test_an_unknown_benchmark_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--only", "engin"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "invalid choice: 'engin'" in done.stderr and "'engine'" in done.stderr
