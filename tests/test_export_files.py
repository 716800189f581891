"""`swarmscope export`: what it makes and where, what it refuses, and that it leaves nothing half done."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from app import cli
from app.cli import main
from app.export import export as exporting
from app.recording import read
from app.replay import begin
from engine.duration import SECOND
from engine.simulation import NEVER

SCRIPT = "at 2s crash a-03\nat 3s partition a-0* | a-1*\n"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def recorded(capsys: pytest.CaptureFixture[str]) -> str:
    """A recording of six seconds of gossip."""
    Path("faults.txt").write_text(SCRIPT, encoding="utf-8")
    arguments = [
        "run",
        "gossip",
        "-p",
        "agents=12",
        "--seed",
        "3",
        "--until",
        "6",
        "--script",
        "faults.txt",
        "--record",
        "run.swarm",
    ]
    assert main(arguments) == 0
    capsys.readouterr()
    return "run.swarm"


def export(*arguments: str) -> int:
    return main(["export", *arguments])


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one sentence with which an export is refused; nothing is left behind."""
    before = sorted(Path().iterdir())
    assert export(*arguments) == cli.USAGE
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("swarmscope: ") and err.count("\n") == 1
    assert sorted(Path().iterdir()) == before
    return err.removeprefix("swarmscope: ").rstrip("\n")


def table(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- where it goes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "suffix", "first"),
    [("shiviz", ".log", b"(?<host>"), ("csv", ".csv", b"time,"), ("svg", ".svg", b"<svg"), ("cast", ".cast", b"{"),
     ("gif", ".gif", b"GIF89a")],
)  # fmt: skip
def test_an_export_lies_beside_its_recording(
    capsys: pytest.CaptureFixture[str], recorded: str, form: str, suffix: str, first: bytes
) -> None:
    stretch = ["--from", "5s", "--fps", "2", "--size", "80x24"] if form in ("cast", "gif") else []
    assert export(recorded, "--to", form, *stretch) == 0
    assert Path(f"run{suffix}").read_bytes().startswith(first)
    out, err = capsys.readouterr()
    assert out.startswith(f"run{suffix}: ") and err == ""


def test_what_is_there_is_never_written_over(capsys: pytest.CaptureFixture[str], recorded: str) -> None:
    Path("run.gif").write_bytes(b"mine")
    found = refusal(capsys, recorded, "--to", "gif")
    assert found == "run.gif is there already; name a new file, or remove that one first"
    assert Path("run.gif").read_bytes() == b"mine"


def test_a_file_that_cannot_be_written_is_named(capsys: pytest.CaptureFixture[str], recorded: str) -> None:
    assert "cannot be written" in refusal(capsys, recorded, "--to", "csv", "-o", "no/such/folder.csv")


@pytest.mark.parametrize("form", ["shiviz", "csv", "svg", "cast", "gif"])
def test_an_export_that_fails_leaves_no_file(
    recorded: str, form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device", "the disk")

    for method in ("go_to", "go_on"):
        monkeypatch.setattr(exporting.Stretch, method, fail)
    assert export(recorded, "--to", form, "-o", "half", *(["--fps", "1"] if form in ("cast", "gif") else [])) != 0
    assert not Path("half").exists()


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("svg --from 2s", "--from makes no sense with --to svg: a picture is of one moment; it is for csv, cast, gif"),
        ("shiviz --from 2s", "--from makes no sense with --to shiviz: a ShiViz log begins where the run does; "
                             "it is for csv, cast, gif"),
        ("gif --at 2s", "--at makes no sense with --to gif; it is for svg"),
        ("csv --pane all", "--pane makes no sense with --to csv; it is for svg, cast, gif"),
        ("gif --every 2s", "--every makes no sense with --to gif; it is for csv"),
        ("svg --fps 3", "--fps makes no sense with --to svg; it is for cast, gif"),
        ("svg --at 9s", "--at 9s is past the end of the recording, which is at 6s"),
        ("gif --from 5s --until 2s", "--from is later than --until; the stretch goes from the earlier to the later"),
        ("gif --pane stage --face log", "--face is of the messages pane; with --pane stage leave it out"),
        ("gif --speed max", "a film needs a speed of 1e-06 to 1,000,000 virtual seconds per second, such as --speed 4"),
        ("gif --speed 0.001", "this film would have more than 6,000 frames; take a shorter stretch with --from "
                              "and --until, a higher --speed, or fewer --fps"),
        ("csv --every 10us", "these would be 600,001 rows, more than 100,000; take a longer --every, or a shorter "
                             "stretch"),
        ("gif --speed 1e-318", "a film needs a speed of 1e-06 to 1,000,000 virtual seconds per second, "
                               "such as --speed 4"),
        ("csv --every 0", "--every 0 would never end; say how far apart the figures are, such as --every 500ms"),
        ("svg --size 20x10", "'20x10' is no size of a screen; write columns x rows, such as 120x40, 60x18 to 400x200"),
        ("svg --size big", "'big' is no size of a screen; write columns x rows, such as 120x40, 60x18 to 400x200"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str], recorded: str, arguments: str, sentence: str
) -> None:
    assert refusal(capsys, recorded, "--to", *arguments.split()) == sentence


def test_a_recording_of_a_scenario_that_has_changed_needs_anyway(
    capsys: pytest.CaptureFixture[str], recorded: str
) -> None:
    text = Path(recorded).read_text(encoding="utf-8")
    Path(recorded).write_text(text.replace(f"source {read(recorded).source}", f"source {'0' * 32}"), encoding="utf-8")
    assert refusal(capsys, recorded, "--to", "csv").endswith("export --anyway runs it all the same")
    assert export(recorded, "--to", "csv", "--anyway") == 0


def test_a_recording_without_a_digest_is_refused(capsys: pytest.CaptureFixture[str], recorded: str) -> None:
    lines = Path(recorded).read_text(encoding="utf-8").splitlines(keepends=True)
    Path(recorded).write_text("".join(lines[:-1]), encoding="utf-8")
    assert "cut short before its first digest" in refusal(capsys, recorded, "--to", "csv")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("form", "number", "ending"),
    [("shiviz", "SIGINT", (cli.INTERRUPTED, "swarmscope: interrupted\n")),
     ("gif", "SIGINT", (cli.INTERRUPTED, "swarmscope: interrupted\n")),
     ("gif", "SIGTERM", (128 + 15, "")),
     ("csv", "SIGHUP", (128 + 1, ""))],
)  # fmt: skip
def test_a_signal_ends_an_export_without_a_file(
    tmp_path: Path, form: str, number: str, ending: tuple[int, str]
) -> None:
    assert main(["run", "gossip", "-p", "agents=300", "--seed", "3", "--until", "400", "--record", "long.swarm"]) == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "export", "long.swarm", "--to", form, "-o", "half"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not Path("half").exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.Signals[number])
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (ending[0], "", ending[1])
    assert not Path("half").exists()


# --- figures --------------------------------------------------------------------------------------


def test_the_figures_are_those_of_the_run_at_each_moment(recorded: str) -> None:
    assert export(recorded, "--to", "csv", "--from", "1s", "--until", "4s", "--every", "1s") == 0
    rows = table("run.csv")
    assert [float(row["time"]) for row in rows] == [1, 2, 3, 4]
    history = begin(read(recorded))
    for row in rows:
        history.go_on(round(float(row["time"]) * SECOND), NEVER)
        found = history.sim.metrics()
        assert set(row) == {"time", *found}
        for name, value in found.items():
            assert row[name] == ("" if value is None else str(value))


def test_the_last_row_is_the_end_of_the_recording(recorded: str) -> None:
    assert export(recorded, "--to", "csv") == 0
    rows = table("run.csv")
    recording = read(recorded)
    history = begin(recording)
    history.go_on(recording.end_of(1).now, NEVER)
    sim = history.sim
    assert len(rows) == 121  # a round step of 50 ms
    assert float(rows[-1]["time"]) == 6
    assert rows[-1]["messages_per_agent"] == str(sim.metrics()["messages_per_agent"])


def test_a_figure_of_each_agent_has_a_column_of_each_agent(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "pow", "--seed", "3", "--until", "60", "--record", "pow.swarm"]) == 0
    assert export("pow.swarm", "--to", "csv", "--every", "30s") == 0
    sim = begin(read("pow.swarm")).sim
    sim.run_to(60 * SECOND)
    of_each = {name: value for name, value in sim.metrics().items() if isinstance(value, dict)}
    row = table("pow.csv")[-1]
    assert of_each
    for name, values in of_each.items():
        assert name not in row
        assert {f"{name}.{agent}": str(value) for agent, value in values.items()}.items() <= row.items()
