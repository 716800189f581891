"""Makes one export of a run, whatever its format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from app.branches import Mark
from app.export.stretch import Progress, Stretch
from app.export.wish import ExportError, Wish
from app.files import new_file
from app.history import History
from app.recording import Recording
from engine.simulation import Simulation


def end_of(recording: Recording, number: int) -> Mark:
    """The last moment that a recording knows of the branch with this number. Raises ExportError where it has none."""
    if not recording.branches[number - 1].marks:
        raise ExportError("the recording was cut short before its first digest, so nobody knows how far the run went")
    return recording.end_of(number)


def export(run: Simulation | History, end: Mark, wish: Wish, progress: Progress) -> str:
    """Write a run that stands at its start, and ends at `end`, to a new file; returns in words what it holds.

    Raises ExportError or FileError. Whatever ends it before it is done, no half-written file is left behind.
    """
    wish.check(end)
    stretch = Stretch(run, end)
    with _fresh(wish.out) as file:
        match wish.format:
            case "shiviz":
                from app.export.shiviz import write_log

                return write_log(file, stretch, wish, progress)
            case "csv":
                from app.export.metrics_csv import write_metrics

                return write_metrics(file, stretch, wish, progress)
            case "svg":
                from app.export.svg import write_picture

                return write_picture(file, stretch, wish, progress)
            case "cast":
                from app.export.cast import write_cast

                return write_cast(file, stretch, wish, progress)
            case _:
                from app.export.gif import write_gif

                return write_gif(file.buffer, stretch, wish, progress)


@contextmanager
def _fresh(path: str) -> Iterator[TextIO]:
    """A new file, which is removed again if what is written into it does not come to its end."""
    file = new_file(path)
    try:
        with file:
            yield file
    except BaseException as error:
        Path(path).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ExportError(f"{path} cannot be written: {error.strerror}") from None
        raise
