"""The key for exports: its dialog, what is made beside the run, and that nothing half done stays behind."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Select

from app.files import free_file
from app.screens import exporting
from app.screens.exporting import ExportDialog
from app.screens.live import LiveScreen
from engine.duration import SECOND
from tests.app_fixtures import forward, playing, press, settle, shown, toasts


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def field(pilot: Pilot[Any], name: str) -> Input:
    return pilot.app.screen.query_one(f"#export-{name}", Input)


async def opened_dialog(screen: LiveScreen, pilot: Pilot[Any], form: str = "gif") -> None:
    """The dialog, after a run of 14 seconds."""
    screen.sim.run_to(14 * SECOND)
    await press(pilot, "e")
    pilot.app.screen.query_one("#export-format", Select).value = form
    await settle(pilot)


async def finished(pilot: Pilot[Any]) -> list[str]:
    """Wait for what is made beside the run; what the notifications say then."""
    await pilot.app.workers.wait_for_complete([one for one in pilot.app.workers if one.group == "export"])
    return toasts(pilot.app)


async def test_a_film_is_proposed_of_the_last_ten_seconds() -> None:
    async with playing() as (screen, pilot):
        await opened_dialog(screen, pilot)
        assert isinstance(pilot.app.screen, ExportDialog)
        proposed = {name: field(pilot, name).value for name in ("from", "until", "file")}
        assert proposed == {"from": "4s", "until": "14s", "file": "gossip-7.gif"}


async def test_another_format_proposes_what_suits_it() -> None:
    async with playing() as (screen, pilot):
        await opened_dialog(screen, pilot, "shiviz")
        assert field(pilot, "from").disabled
        assert field(pilot, "file").value == "gossip-7.log"
        assert pilot.app.screen.query_one("#export-pane").disabled


def test_a_name_that_is_taken_gets_a_number() -> None:
    Path("a.gif").touch()
    assert free_file("a", ".gif") == "a-2.gif"
    assert free_file("a", ".svg") == "a.svg"


@pytest.mark.parametrize("form", ["svg", "csv"])
async def test_an_export_is_made_while_the_run_goes_on(form: str) -> None:
    async with playing() as (screen, pilot):
        await opened_dialog(screen, pilot, form)
        await press(pilot, "enter")
        assert pilot.app.screen is screen
        forward(screen, 10)
        told = await finished(pilot)
        assert any(one.startswith(f"gossip-7.{form}: ") for one in told)
        assert Path(f"gossip-7.{form}").stat().st_size > 1000
        if form == "csv":
            assert Path("gossip-7.csv").read_text(encoding="utf-8").splitlines()[-1].startswith("14.0,")


async def test_what_went_wrong_is_said_in_one_sentence() -> None:
    async with playing() as (screen, pilot):
        await opened_dialog(screen, pilot, "csv")
        field(pilot, "file").value = "no/such/folder.csv"
        await press(pilot, "enter")
        told = await finished(pilot)
        assert "no/such/folder.csv cannot be written: No such file or directory" in told


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"from": "9s", "until": "5s"}, "from is later than until"),
        ({"until": "20s"}, "it is 14s now; until must not be later"),
        ({"from": "soon"}, "soon"),
        ({"file": ""}, "an export needs a file to be in"),
        ({"file": "mine.gif"}, "mine.gif is there already"),
    ],
)
async def test_what_cannot_be_is_refused_in_the_dialog(values: dict[str, str], sentence: str) -> None:
    Path("mine.gif").write_bytes(b"mine")
    async with playing() as (screen, pilot):
        await opened_dialog(screen, pilot)
        for name, value in values.items():
            field(pilot, name).value = value
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, ExportDialog)
        assert sentence in " ".join(shown(pilot.app).split())
    assert Path("mine.gif").read_bytes() == b"mine"


async def test_leaving_the_program_leaves_no_half_file() -> None:
    processes = []
    begin = asyncio.create_subprocess_exec

    async def watched(*command: Any, **options: Any) -> Any:
        processes.append(await begin(*command, **options))
        return processes[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporting.asyncio, "create_subprocess_exec", watched)
        async with playing() as (screen, pilot):
            await opened_dialog(screen, pilot)
            field(pilot, "from").value = "0"
            await press(pilot, "enter")
            async with asyncio.timeout(60):
                while not Path("gossip-7.gif").exists():
                    await asyncio.sleep(0.01)
            assert processes[0].returncode is None
    async with asyncio.timeout(60):
        while processes[0].returncode is None or Path("gossip-7.gif").exists():
            await asyncio.sleep(0.01)
    assert processes[0].returncode == -signal.SIGKILL


async def test_two_runs_side_by_side_cannot_be_exported() -> None:
    async with playing({}, scenario="finality") as (screen, pilot):
        await press(pilot, "e")
        assert pilot.app.screen is screen
        assert any("one of the two scenarios to export it" in one for one in toasts(pilot.app))
