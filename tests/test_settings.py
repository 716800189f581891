"""The user's settings: keys and theme, and one sentence for whatever is wrong with the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.application import SwarmscopeApp
from app.keys import BY_ID, COMPARED, LIVE, MENU
from app.screens.menu import MenuScreen
from app.settings import Settings, SettingsError, read_settings, settings_file
from tests.app_fixtures import Clock, live, opened, press, shown, toasts

Write = Callable[[str, str], str]


def read(write: Write, text: str) -> Settings:
    return read_settings(Path(write("settings.toml", text)))


def complaint(write: Write, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(write, text)
    sentence = str(caught.value)
    assert "settings.toml" in sentence and "\n" not in sentence
    return sentence.partition("settings.toml")[2].lstrip(": ")


def test_without_a_file_there_are_the_defaults(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "none.toml") == Settings()
    assert read_settings() == Settings()


def test_an_empty_file_is_fine(write: Write) -> None:
    assert read(write, "") == Settings()


def test_the_file_lies_where_the_system_keeps_such_files() -> None:
    assert settings_file().name == "settings.toml"
    assert settings_file().parent.name == "swarmscope"


def test_keys_and_theme_are_read(write: Write) -> None:
    settings = read(write, '[keys]\ncrash = "y"\nflat-out = "F, ctrl+f"\n[look]\ntheme = "nord"\n')
    assert settings == Settings({"crash": "y", "flat-out": "F,ctrl+f"}, "nord")


@pytest.mark.parametrize(
    ("text", "key"),
    [("!", "exclamation_mark"), (",", "comma"), ("space", "space"), ("f5", "f5"), ("shift+up", "shift+up"), ("ä", "ä")],
)
def test_keys_may_be_written_as_they_are_typed(write: Write, text: str, key: str) -> None:
    # `,` is taken by another action, which has to give way.
    assert read(write, f'[keys]\ncrash = "{text}"\nback = "b,B"\nmisbehave = "M"\npause = "O"').keys["crash"] == key


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[keys]\ncrahs = 'x'", "there is no action 'crahs'; did you mean crash?"),
        ("[keys]\nxyzzy = 'x'", "there is no action 'xyzzy'; ? lists them"),
        ("[key]\ncrash = 'x'", "there is no table 'key'; did you mean keys?"),
        ("[colours]\n", "there is no table 'colours'; there is keys and look"),
        ("[look]\nthem = 'x'", "there is no setting 'them'; did you mean theme?"),
        ("[keys]\ncrash = 7", "the key of crash must be a text, like 'c'"),
        ("[keys]\ncrash = ''", "the key of crash must be a text, like 'c'"),
        ("[keys]\ncrash = 'x,,y'", "'' is no key, for crash; write one such as x, F, ctrl+x, f5 or space"),
        ("[keys]\ncrash = 'strg+x+'", "'strg+x+' is no key, for crash; write one such as x, F, ctrl+x, f5 or space"),
        ("[keys]\ncrash = 'spcae'", "'spcae' is no key, for crash; write one such as x, F, ctrl+x, f5 or space"),
        ("[keys]\ncrash = 'r'", "r would be the key of both crash and restart; give one of them another"),
        ("keys = 3", "keys and look must be tables, like [keys]"),
        ("[look]\ntheme = 3", "theme must be a text, like 'textual-light'"),
    ],
)
def test_each_mistake_is_a_sentence(write: Write, text: str, sentence: str) -> None:
    assert complaint(write, text) == sentence


def test_two_actions_may_swap_their_keys(write: Write) -> None:
    assert read(write, "[keys]\ncrash = 'r'\nrestart = 'c'").keys == {"crash": "r", "restart": "c"}


def test_the_same_key_may_serve_in_menu_and_run(write: Write) -> None:
    assert read(write, "[keys]\ncrash = 'ctrl+s'").keys == {"crash": "ctrl+s"}


def test_what_is_no_toml_is_a_sentence(write: Write) -> None:
    assert complaint(write, "[keys\n").startswith("cannot be read as TOML: ")


def test_a_file_that_is_no_text_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(path)


def test_every_action_can_be_given_another_key(write: Write) -> None:
    spare = [f"f{number}" for number in range(1, 13)] + [f"ctrl+f{number}" for number in range(1, 13)]
    spare += [f"{held}+f{number}" for held in ("shift", "alt") for number in range(1, 13)]
    for actions in ((*LIVE, *COMPARED), MENU):
        text = "\n".join(f'"{action.id}" = "{key}"' for action, key in zip(actions, spare, strict=False))
        assert read(write, f"[keys]\n{text}").keys.keys() == {action.id for action in actions}
    assert len(BY_ID) == len(LIVE) + len(COMPARED) + len(MENU)


async def test_the_file_is_read_at_the_start() -> None:
    path = settings_file()
    path.parent.mkdir(parents=True)
    path.write_text('[keys]\ncrash = "y"\nhelp = "f1"\n[look]\ntheme = "textual-light"\n', encoding="utf-8")
    app = SwarmscopeApp("gossip", {"agents": "4"}, seed=7, paused=True, clock=Clock())
    async with opened(app) as pilot:
        assert app.theme == "textual-light"
        assert "y Crash" in shown(app) and "f1 Help" in shown(app)
        await press(pilot, "y")
        assert live(app).sim.commands[-1].endswith(" crash a-01")
        await press(pilot, "f1")
        text = shown(app)
        assert any("y " in row and "Crash the selected agent" in row for row in text.splitlines())


async def test_with_a_bad_file_the_program_starts_and_says_so() -> None:
    path = settings_file()
    path.parent.mkdir(parents=True)
    path.write_text("[keys]\ncrahs = 'x'\n", encoding="utf-8")
    app = SwarmscopeApp(clock=Clock())
    async with opened(app):
        assert isinstance(app.screen, MenuScreen)
        [told] = toasts(app)
        assert told.endswith("there is no action 'crahs'; did you mean crash?")
