"""Exporting the run so far without leaving the screen: a dialog that asks what to make, and a process that makes it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.containers import Grid
from textual.widgets import Input, Label, Select

from app.export.wish import FORMATS, LEAST, MOST, PANES, WHOLE
from app.files import free_file
from app.recorder import Recorder
from app.screens.dialogs import Dialog
from engine.duration import SECOND, format_duration, parse_duration
from engine.errors import ParameterError, SwarmscopeError
from widgets.messages import MessagesPane

if TYPE_CHECKING:
    from textual.app import App

    from app.screens.live import LiveScreen

ROOT = Path(__file__).resolve().parents[2]  # where the program's own packages lie
STRETCH = 10 * SECOND  # of virtual time, that a film is proposed of
CHOICES = (
    ("gif", "GIF: a film of the last stretch"),
    ("svg", "SVG: a picture of the screen"),
    ("cast", "asciicast: a film for terminals"),
    ("csv", "CSV: the metrics over time"),
    ("shiviz", "ShiViz: a log with vector clocks"),
)
FILMS, PICTURES = ("gif", "cast"), ("gif", "cast", "svg")
BEGINS = ("gif", "cast", "csv")  # what has a beginning of its own


class Job(NamedTuple):
    """An export: to which format, into which file, and the further options of `swarmscope export`."""

    format: str
    out: str
    options: tuple[str, ...]


class ExportDialog(Dialog):
    """What to make of the run so far, of which stretch, and into which file."""

    HEADING, ACCEPT = "Export the run so far", "Export"
    ABOUT = "it is made beside the run, which goes on meanwhile"

    def __init__(self, stem: str, now: int, pane: str, export: Callable[[Job], None]) -> None:
        super().__init__()
        self._stem, self._now, self._pane, self._export = stem, now, pane, export

    def fields(self) -> ComposeResult:
        """Format, what to show, from when until when, file."""
        with Grid(id="export-grid"):
            yield Label("format")
            yield Select([(words, form) for form, words in CHOICES], value=CHOICES[0][0], allow_blank=False,
                         id="export-format", compact=True)  # fmt: skip
            yield Label("show")
            shown = [("the whole screen", WHOLE), (f"the {self._pane} pane alone", self._pane)]
            yield Select(shown, value=WHOLE, allow_blank=False, id="export-pane", compact=True)
            yield Label("from")
            yield Input(id="export-from", compact=True)
            yield Label("until")
            yield Input(format_duration(self._now), id="export-until", compact=True)
            yield Label("file")
            yield Input(id="export-file", compact=True)

    def on_mount(self) -> None:
        """Begin where enter is the answer."""
        self._input("file").focus()

    @on(Select.Changed, "#export-format")
    def _chosen(self) -> None:
        """Another format: propose what suits it, and put out of reach what it does not take."""
        form = self._form()
        begin = max(0, self._now - STRETCH) if form in FILMS else 0
        since = self._input("from")
        since.disabled = form not in BEGINS
        since.value = "" if since.disabled else format_duration(begin)
        self.query_one("#export-pane").disabled = form not in PICTURES
        self._input("file").value = free_file(self._stem, FORMATS[form])

    def action_accept(self) -> None:
        """Begin the export and close, or say what is wrong."""
        try:
            job = self._job()
        except SwarmscopeError as error:
            self.complain(str(error))
            return
        self._export(job)
        self.dismiss()

    def _job(self) -> Job:
        form, out = self._form(), self._input("file").value.strip()
        if not out:
            raise ParameterError("an export needs a file to be in; type a name")
        if os.path.lexists(out):
            raise ParameterError(f"{out} is there already; name a new file, or remove that one first")
        until = self._moment("until", self._now)
        if until > self._now:
            raise ParameterError(f"it is {format_duration(self._now)} now; until must not be later")
        options = ["--at" if form == "svg" else "--until", f"{until}us"]
        if form in BEGINS:
            since = self._moment("from", 0)
            if since > until:
                raise ParameterError("from is later than until; the stretch goes from the earlier to the later")
            options += ["--from", f"{since}us"]
        if form in PICTURES:
            options += ["--pane", str(self.query_one("#export-pane", Select).value)]
        return Job(form, out, tuple(options))

    def _moment(self, name: str, otherwise: int) -> int:
        text = self._input(name).value.strip()
        return parse_duration(text) if text else otherwise

    def _form(self) -> str:
        return str(self.query_one("#export-format", Select).value)

    def _input(self, name: str) -> Input:
        return self.query_one(f"#export-{name}", Input)


def ask_export(screen: LiveScreen, scenario: str, record: Callable[[str], Recorder], pane: int) -> ExportDialog:
    """The dialog for a screen; `record` opens a recorder of its run into a file, `pane` is the current one, from 1."""

    def export(job: Job) -> None:
        job = job._replace(options=(*job.options, *_looks(screen, job)))
        folder = TemporaryDirectory(prefix="swarmscope-")
        try:
            file = str(Path(folder.name) / "run.swarm")
            record(file).end()
            recording = f"{file}#{screen.driver.history.branch.number}"
        except SwarmscopeError as error:
            folder.cleanup()
            screen.notify(str(error), title="Not exported", severity="error", markup=False)
            return
        screen.app.run_worker(_make(screen.app, job, recording, folder), group="export", exit_on_error=False)

    sim = screen.sim
    return ExportDialog(f"{Path(scenario).stem}-{sim.seed}", sim.now, PANES[pane - 1], export)


def _looks(screen: LiveScreen, job: Job) -> list[str]:
    """The options that make a picture look like the screen does."""
    if job.format not in PICTURES:
        return []
    columns, rows = (
        min(max(cells, least), most) for cells, least, most in zip(screen.app.size, LEAST, MOST, strict=True)
    )
    looks = ["--size", f"{columns}x{rows}"]
    pane = job.options[job.options.index("--pane") + 1]
    if pane in (WHOLE, "messages"):
        looks += ["--face", screen.query_one(MessagesPane).face]
    if job.format in FILMS and screen.driver.speed is not None:
        looks += ["--speed", f"{screen.driver.speed:g}"]
    return looks


async def _make(app: App[object], job: Job, recording: str, folder: TemporaryDirectory[str]) -> None:
    """Run `swarmscope export` on the recording, and say how it ended; when this is cancelled, it leaves no file."""
    command = ["export", recording, "--to", job.format, "-o", job.out, "--anyway", *job.options]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = False
    process = None
    try:
        app.notify(f"exporting to {job.out}", markup=False)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "app", *command,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path}, start_new_session=True,
        )  # fmt: skip
        told, wrong = (text.decode("utf-8", "replace").strip() for text in await process.communicate())
        done = True
        if process.returncode == 0:
            app.notify(told, title="Exported", timeout=10, markup=False)
        else:
            sentence = wrong.splitlines()[-1].removeprefix("swarmscope: ") if wrong else "it ended without a word"
            app.notify(sentence, title="Not exported", severity="error", timeout=10, markup=False)
    except OSError as error:
        app.notify(f"{sys.executable} cannot be started: {error.strerror}", title="Not exported", severity="error")
    finally:
        try:
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()
        finally:  # also when the program, as it ends, cancels this once more
            if process is not None and not done:
                Path(job.out).unlink(missing_ok=True)
            folder.cleanup()
