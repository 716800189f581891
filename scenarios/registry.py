"""Finding scenarios: the built-in ones by name, one's own by the path of its file."""

from __future__ import annotations

import sys
import traceback
from hashlib import blake2b
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ScenarioError

if TYPE_CHECKING:
    from types import ModuleType

    from engine.scenario import Scenario

SCENARIOS: dict[str, str] = {
    "gossip": "scenarios.gossip.scenario:Gossip",
    "auction": "scenarios.auction.scenario:Auction",
    "pow": "scenarios.pow.scenario:ProofOfWork",
    "pbft": "scenarios.pbft.scenario:Pbft",
    "finality": "scenarios.finality:Finality",
    "scaling": "scenarios.scaling.scenario:Scaling",
}
"""Where each built-in scenario lives, as `module:Class`; loaded when asked for."""


SOURCE = "__swarmscope_source__"
"""The attribute of a module that was loaded from a file of the user's: the bytes as they were then."""


def names() -> tuple[str, ...]:
    """The built-in scenarios, in the order of the menu."""
    return tuple(SCENARIOS)


def find(name_or_path: str) -> type[Scenario]:
    """The scenario with this name, or the one in this file: a path ends in `.py` or has a separator in it.

    Raises ScenarioError where there is none, and where a file cannot be read, fails, or leaves it open which
    of its classes is meant.
    """
    if name_or_path.endswith(".py") or "/" in name_or_path or "\\" in name_or_path:
        return load_file(Path(name_or_path))
    if name_or_path not in SCENARIOS:
        from engine.selection import suggest

        file = Path(f"{name_or_path}.py")
        nearest = f"; did you mean ./{file}?" if file.is_file() else suggest(name_or_path, SCENARIOS)
        known = f"; there is {', '.join(SCENARIOS)}, or a file of your own such as ./mine.py"
        raise ScenarioError(f"there is no scenario {name_or_path!r}{nearest or known}")
    module, _, name = SCENARIOS[name_or_path].partition(":")
    found: type[Scenario] = getattr(import_module(module), name)
    return found


def load_file(path: Path) -> type[Scenario]:
    """The scenario in a file of the user's: its only Scenario class, or the one that it names `SCENARIO`."""
    module = _load_module(path)
    found = _scenario_in(module, path)
    for attribute in ("name", "title"):
        if not isinstance(getattr(found, attribute, None), str):
            raise ScenarioError(f'{path}: {found.__name__} has no {attribute}; give it {attribute} = "…"')
    return found


def _scenario_in(module: ModuleType, path: Path) -> type[Scenario]:
    from engine.scenario import Scenario

    named = getattr(module, "SCENARIO", None)
    if named is not None:
        if isinstance(named, type) and issubclass(named, Scenario):
            return named
        raise ScenarioError(f"{path}: SCENARIO is {named!r}; it has to be a class derived from Scenario")
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Scenario) and value.__module__ == module.__name__
    ]
    if not found:
        raise ScenarioError(f"{path} defines no scenario; it needs a class derived from swarmscope.Scenario")
    if len(found) > 1:
        classes = ", ".join(one.__name__ for one in found)
        raise ScenarioError(
            f"{path} defines several scenarios: {classes}; say which with SCENARIO = {found[-1].__name__}"
        )
    return found[0]


def _load_module(path: Path) -> ModuleType:
    """The file as a module of its own, loaded once per content, so that what it defines can be pickled."""
    if path.is_dir():
        raise ScenarioError(f"{path} is a folder; a scenario is a file such as {path / 'mine.py'}")
    try:
        source = path.read_bytes()
    except FileNotFoundError:
        raise ScenarioError(f"there is no file {path}") from None
    except OSError as error:
        raise ScenarioError(f"{path} cannot be read: {error.strerror}") from None
    where = path.resolve()
    mark = blake2b(bytes(str(where), "utf-8", "surrogateescape") + b"\0" + source, digest_size=8).hexdigest()
    name = f"swarmscope_file_{mark}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, where)
    if spec is None:
        raise ScenarioError(f"{path} is not a Python file; a scenario is one such as ./mine.py")
    module = module_from_spec(spec)
    vars(module)[SOURCE] = source
    sys.modules[name] = module
    try:
        exec(compile(source, str(where), "exec", dont_inherit=True), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ScenarioError(f"{path}{_line_of(error, where)}: {_in_words(error)}") from error
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _line_of(error: BaseException, where: Path) -> str:
    """The line of the user's file that an error came from, as `, line 3`, as far as it is known."""
    if isinstance(error, SyntaxError) and error.filename == str(where):
        return f", line {error.lineno}" if error.lineno else ""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(where)]
    return f", line {lines[-1]}" if lines else ""


def _in_words(error: BaseException) -> str:
    kind = type(error).__name__
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{kind}: {text}" if text else kind
