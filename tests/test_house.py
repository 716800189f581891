"""The rules of the house, as far as a machine holds them: who imports what, what a release says of itself."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import swarmscope

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("app", "engine", "scenarios", "styles", "widgets")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def modules(*packages: str) -> Iterator[tuple[Path, ast.Module]]:
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    """The top-level names of all that a module imports, wherever it does so."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.add((node.module or "").partition(".")[0])
    return found


MODULES = {"pillow": "PIL"}  # where a package is imported by another name


def required(*extras: str) -> dict[str, str]:
    """What the project asks for: name, as in constraints.txt, and the versions that will do."""
    lines = list(PROJECT["project"]["dependencies"])
    for extra in extras:
        lines += PROJECT["project"]["optional-dependencies"][extra]
    found = dict(re.fullmatch(r"([\w-]+)(?:\[.*\])?(.*)", line).groups() for line in lines)  # type: ignore[union-attr]
    return {name: versions for name, versions in found.items() if name != "swarmscope"}


def pinned() -> dict[str, str]:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.lower().replace("_", "-").split("==") for line in lines)


# --- what is imported -----------------------------------------------------------------------------


def test_what_the_program_imports_is_what_it_asks_for() -> None:
    allowed = {*sys.stdlib_module_names, *PACKAGES, "swarmscope", *(MODULES.get(name, name) for name in required())}
    strangers = {str(path): extra for path, tree in modules(*PACKAGES) if (extra := imported(tree) - allowed)}
    assert strangers == {}


def test_widgets_know_nothing_of_a_run_but_its_views() -> None:
    allowed = {"engine.views", "engine.duration"}
    strangers = {
        f"{path}: {node.module}"
        for path, tree in modules("widgets")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("engine")
        if node.module not in allowed
    }
    assert strangers == set()


def test_a_run_asks_nothing_of_the_world() -> None:
    forbidden = {"hash", "input", "open", "print"}
    calls = {
        f"{path}:{node.lineno}: {node.func.id}"
        for path, tree in modules("engine", "scenarios")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in forbidden
    }
    assert calls == set()


# --- the public face ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", swarmscope.__all__)
def test_every_public_name_is_there_and_explains_itself(name: str) -> None:
    value = getattr(swarmscope, name)
    if isinstance(value, type) or callable(value):
        assert value.__doc__


def test_what_type_checkers_see_is_what_there_is() -> None:
    tree = ast.parse((ROOT / "swarmscope.py").read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    seen = {
        (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module != "types"
        for alias in node.names
    }
    assert seen == {(module, name) for name, module in swarmscope._WHERE.items()}
    assert {name for _, name in seen} == set(swarmscope.__all__) - {"__version__", "main", "simulate"}
    assert all(getattr(import_module(str(module)), name) is getattr(swarmscope, name) for module, name in seen)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Scenery'"):
        swarmscope.Scenery  # noqa: B018


# --- what a release says of itself ----------------------------------------------------------------


def test_the_version_has_one_source_and_a_place_in_the_changelog() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "swarmscope.py"
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", changelog, re.MULTILINE)[0] == swarmscope.__version__


def test_the_wheel_holds_all_packages() -> None:
    listed = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert sorted(listed) == sorted([*PACKAGES, "swarmscope.py"])
    assert all((ROOT / one).exists() for one in listed)


def test_constraints_pin_everything_that_the_project_asks_for() -> None:
    versions = pinned()
    assert required("test", "dev").keys() <= versions.keys()
    for name, wanted in required("test", "dev").items():
        if wanted.startswith("=="):
            assert versions[name] == wanted.removeprefix("==")


def test_no_address_of_a_package_index_is_committed() -> None:
    index = re.compile(r"https?://[^\s)>\"]*(?:pypi|pythonhosted)|--(?:extra-)?index-url|--hash")
    for name in ("pyproject.toml", "constraints.txt", "Makefile", ".ci/run"):
        assert not index.search((ROOT / name).read_text(encoding="utf-8")), name


def test_the_license_is_that_of_the_metadata() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["project"]["license"] == "MIT"
    assert text.startswith("MIT License\n") and "the Swarmscope authors" in text
