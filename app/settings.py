"""The user's own settings: `settings.toml` in the folder for configuration, read once at the start.

[keys]
crash = "x"           # names of actions as `?` lists them
flat-out = "F,ctrl+f"

[look]
theme = "textual-light"
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from platformdirs import user_config_path
from textual.keys import Keys, _character_to_key, key_to_character

from app.keys import BY_ID, COMPARED, LIVE, MENU, Action
from engine.errors import SwarmscopeError

FILE_NAME = "settings.toml"
TABLES = ("keys", "look")
LOOK = ("theme",)
NAMED = frozenset(key.value for key in Keys)


class SettingsError(SwarmscopeError):
    """A settings file that cannot be used; the program starts with its defaults instead."""


class Settings(Struct, frozen=True):
    """What the user chose: keys by the name of the action, and a theme."""

    keys: dict[str, str] = {}
    theme: str = ""


def settings_file() -> Path:
    """Where the settings are looked for."""
    return user_config_path("swarmscope") / FILE_NAME


def read_settings(path: Path | None = None) -> Settings:
    """The settings in `path`, or the defaults where there is no such file. Raises SettingsError."""
    path = settings_file() if path is None else path
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as TOML: {error}") from None
    _know(path, data, TABLES, "table")
    keys, look = data.get("keys", {}), data.get("look", {})
    if not isinstance(keys, dict) or not isinstance(look, dict):
        raise SettingsError(f"{path}: keys and look must be tables, like [keys]")
    _know(path, keys, BY_ID, "action")
    _know(path, look, LOOK, "setting")
    chosen = {name: _key(path, name, key) for name, key in keys.items()}
    for actions in ((*LIVE, *COMPARED), MENU):
        _no_key_twice(path, actions, chosen)
    theme = look.get("theme", "")
    if not isinstance(theme, str):
        raise SettingsError(f"{path}: theme must be a text, like 'textual-light'")
    return Settings(chosen, theme)


def _know(path: Path, given: Iterable[str], known: Collection[str], what: str) -> None:
    """Complain about the first name that nobody knows."""
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            all_of_them = "? lists them" if known is BY_ID else f"there is {' and '.join(known)}"
            hint = f"did you mean {near[0]}?" if near else all_of_them
            raise SettingsError(f"{path}: there is no {what} {name!r}; {hint}")


def _key(path: Path, name: str, text: Any) -> str:
    """One or more keys, separated by commas, in Textual's words."""
    if not isinstance(text, str) or not text:
        raise SettingsError(f"{path}: the key of {name} must be a text, like {BY_ID[name].key!r}")
    keys = []
    for part in ["comma"] if text == "," else text.split(","):
        key = part.strip()
        last = key.rpartition("+")[2] if len(key) > 1 else key
        if not last or not (len(last) == 1 or last in NAMED or key_to_character(last)):
            raise SettingsError(f"{path}: {part!r} is no key, for {name}; write one such as x, F, ctrl+x, f5 or space")
        keys.append(_character_to_key(key) if len(key) == 1 else key)
    return ",".join(keys)


def _no_key_twice(path: Path, actions: Iterable[Action], chosen: Mapping[str, str]) -> None:
    owners: dict[str, str] = {}
    for action in actions:
        for key in chosen.get(action.id, action.key).split(","):
            other = owners.setdefault(key, action.id)
            if other != action.id:
                raise SettingsError(
                    f"{path}: {key} would be the key of both {other} and {action.id}; give one of them another"
                )
