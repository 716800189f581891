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
from pathlib import Path
from typing import Any

from msgspec import Struct
from platformdirs import user_config_path

from app.keys import BY_ID
from engine.errors import SwarmscopeError

FILE_NAME = "settings.toml"


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
    keys, look = data.get("keys", {}), data.get("look", {})
    if not isinstance(keys, dict) or not isinstance(look, dict):
        raise SettingsError(f"{path}: keys and look must be tables, like [keys]")
    for name, key in keys.items():
        if name not in BY_ID:
            near = difflib.get_close_matches(name, BY_ID, n=1)
            hint = f"did you mean {near[0]}?" if near else "? lists the names"
            raise SettingsError(f"{path}: there is no action {name!r}; {hint}")
        if not isinstance(key, str) or not key:
            raise SettingsError(f"{path}: the key of {name} must be a text, like {BY_ID[name].key!r}")
    theme = look.get("theme", "")
    if not isinstance(theme, str):
        raise SettingsError(f"{path}: theme must be a text, like 'textual-light'")
    return Settings(keys, theme)
