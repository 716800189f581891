"""The program as a process of its own: what it imports, and how it bears pipes, signals and odd folders."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
START = "import sys; from swarmscope import main; sys.exit(main())"
"""What the installed command does; with `-c`, the current folder comes first on Python's path."""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and signals of POSIX")


def environment(*path: str, **others: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*path, str(ROOT)]), **others}


def program(
    *args: str, cwd: Path, path: tuple[str, ...] = (), start: tuple[str, ...] = ("-c", START)
) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of the program."""
    done = subprocess.run(
        [sys.executable, *start, *args],
        cwd=cwd,
        env=environment(*path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


# --- what is imported -----------------------------------------------------------------------------


HEAVY = ["asyncio", "networkx", "numpy", "rich", "textual"]


@pytest.mark.parametrize(
    ("args", "unwanted"),
    [
        (["--help"], [*HEAVY, "engine.simulation", "msgspec"]),
        (["run", "--help"], [*HEAVY, "engine.simulation", "msgspec"]),
        (["run", "gossip", "--until", "1s", "--json"], HEAVY),
        (["run", "gossip", "--until", "1s"], HEAVY),
        (["describe", "gossip"], HEAVY),
    ],
)
def test_a_command_imports_only_what_it_needs(args: list[str], unwanted: list[str], tmp_path: Path) -> None:
    code = "import sys; from swarmscope import main; main(); "
    code += f"print(*sys.modules.keys() & {unwanted}, file=sys.stderr)"
    status, out, err = program(*args, cwd=tmp_path, start=("-c", code))
    assert (status, err) == (0, "\n")
    assert out


# --- pipes, signals and no terminal ---------------------------------------------------------------


def test_a_reader_that_leaves_early_is_no_error(relay: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", START, "run", relay, "--json"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 141


def test_no_standard_output_at_all_is_no_error(relay: str, tmp_path: Path) -> None:
    command = f'exec "$0" -c "$1" run {relay} --json >&- 2>errors'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, START], cwd=tmp_path, env=environment(), timeout=60, check=False
    )
    assert done.returncode == 0
    assert (tmp_path / "errors").read_text() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_in_a_sentence(relay: str, tmp_path: Path) -> None:
    command = f'exec "$0" -c "$1" run {relay} --json >/dev/full 2>errors'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, START], cwd=tmp_path, env=environment(), timeout=60, check=False
    )
    assert done.returncode == 2
    assert (tmp_path / "errors").read_text() == "swarmscope: standard output: No space left on device\n"


def test_what_the_terminal_cannot_show_is_replaced(relay: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", START, "run", relay],
        cwd=tmp_path,
        env=environment(PYTHONIOENCODING="latin-1"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"? holds" in done.stdout


def test_ctrl_c_in_the_middle_of_a_run(relay: str, tmp_path: Path) -> None:
    started = tmp_path / "started"
    source = Path(relay).read_text(encoding="utf-8")
    endless = source.replace(
        "        if self.id == 0:", f"        open({str(started)!r}, 'w').close()\n        if self.id == 0:"
    )
    (tmp_path / "endless.py").write_text(endless, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-c", START, "run", "./endless.py", "--until", "100000h", "--json"],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for _ in range(6000):
            if started.exists() or process.poll() is not None:
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.startswith("swarmscope: interrupted at ")
    assert err.count("\n") == 1


def test_play_without_a_terminal(tmp_path: Path) -> None:
    status, out, err = program("play", "gossip", cwd=tmp_path)
    assert (status, out) == (2, "")
    assert err.startswith("swarmscope: play needs a terminal") and err.count("\n") == 1


# --- folders that hold packages of the same names as ours -----------------------------------------


@pytest.fixture
def crowded(tmp_path: Path, relay: str) -> Path:
    """A folder with an `engine`, an `app` and a `scenarios` of its own."""
    for name in ("engine", "scenarios", "styles", "widgets"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise SystemExit('the wrong {name}')\n")
    (tmp_path / "relay.py").write_text(Path(relay).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("path", [(), (".",)])
def test_the_command_uses_its_own_packages(crowded: Path, path: tuple[str, ...]) -> None:
    (crowded / "app").mkdir()
    (crowded / "app" / "__init__.py").write_text("raise SystemExit('the wrong app')\n")
    status, out, err = program("run", "./relay.py", "--json", cwd=crowded, path=path)
    assert (status, err) == (0, "")
    assert json.loads(out)["scenario"] == "relay"


def test_python_m_app_uses_its_own_packages(crowded: Path) -> None:
    status, out, err = program("run", "./relay.py", "--json", cwd=crowded, start=("-m", "app"))
    assert (status, err) == (0, "")
    assert json.loads(out)["scenario"] == "relay"


@pytest.mark.parametrize(
    "use",
    [
        "from swarmscope import Scenario",
        "import swarmscope; swarmscope.Agent",
        "import swarmscope; swarmscope.simulate('gossip')",
    ],
)
def test_the_library_says_what_shadows_it(crowded: Path, use: str) -> None:
    code = f"try:\n    {use}\nexcept ImportError as error:\n    print(error)"
    status, out, err = program(cwd=crowded, start=("-c", code))
    assert (status, err) == (0, "")
    assert out.startswith(f"another 'engine' shadows Swarmscope's own package of that name: {crowded / 'engine'}; ")
    assert out.count("\n") == 1


def test_the_library_says_what_was_there_before_it(tmp_path: Path) -> None:
    (tmp_path / "engine.py").write_text("")
    attempt = "try:\n    swarmscope.Agent\nexcept ImportError as error:\n    print(error)"
    code = f"import engine, swarmscope\n{attempt}"
    _, out, _ = program(cwd=tmp_path, start=("-c", code))
    assert str(tmp_path / "engine.py") in out


def test_the_command_says_what_was_there_before_it(tmp_path: Path) -> None:
    (tmp_path / "engine.py").write_text("")
    status, out, err = program("list", cwd=tmp_path, start=("-c", f"import engine; {START}"))
    assert (status, out) == (2, "")
    assert err.startswith("swarmscope: another 'engine' shadows") and err.count("\n") == 1
