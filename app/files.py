"""Files that the program makes: what is there already is never written over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from engine.errors import SwarmscopeError


class FileError(SwarmscopeError):
    """A file that cannot be made, or not be written any more."""


@contextmanager
def written_to(file: TextIO) -> Iterator[None]:
    """What goes wrong with writing to the file meanwhile raises FileError."""
    try:
        yield
    except OSError as error:
        raise FileError(f"{file.name} cannot be written any more: {error.strerror}") from None


def new_file(path: str) -> TextIO:
    """A file to write to as long as a run goes on. Raises FileError if there is one already, or it cannot be
    made."""
    try:
        return Path(path).open("x", encoding="utf-8")
    except FileExistsError:
        raise FileError(f"{path} is there already; name a new file, or remove that one first") from None
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}") from None


def free_file(stem: str, suffix: str) -> str:
    """The name of a file that is not there yet: stem and suffix, or with a number between them."""
    number, file = 1, f"{stem}{suffix}"
    while os.path.lexists(file):
        number += 1
        file = f"{stem}-{number}{suffix}"
    return file
