"""Finding scenarios: by name, and in files of the user's own."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

import swarmscope
from engine.errors import CommandError, ParameterError, ScenarioError
from engine.scenario import Scenario
from scenarios.registry import SCENARIOS, find, names

Write = Callable[[str, str], str]

ONE = """\
from swarmscope import Scenario


class One(Scenario):
    name = "one"
    title = "One"
"""


@pytest.mark.parametrize("name", names())
def test_every_scenario_is_found_by_its_own_name(name: str) -> None:
    kind = find(name)
    assert issubclass(kind, Scenario)
    assert kind.name == name
    assert kind.title and kind.teaches and kind.sources and kind.experiments
    assert f"{kind.__module__}:{kind.__name__}" == SCENARIOS[name]


def test_an_unknown_name_is_answered_with_the_nearest_or_with_all() -> None:
    with pytest.raises(ScenarioError, match=r"^there is no scenario 'gosip'; did you mean 'gossip'\?$"):
        find("gosip")
    with pytest.raises(ScenarioError, match=r"^there is no scenario 'x'; there is gossip.*such as \./mine\.py$"):
        find("x")


def test_a_file_is_meant_where_only_its_ending_is_missing(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(write("one.py", ONE)).parent)
    with pytest.raises(ScenarioError, match=r"did you mean \./one\.py\?"):
        find("one")


def test_a_file_is_loaded_once_for_each_content(write: Write) -> None:
    first = find(write("one.py", ONE))
    assert find(write("one.py", ONE)) is first
    second = find(write("one.py", ONE.replace('"One"', '"Another"')))
    assert (first.title, second.title) == ("One", "Another")


def test_what_a_file_defines_can_be_pickled(write: Write) -> None:
    kind = find(write("one.py", ONE))
    assert pickle.loads(pickle.dumps(kind)) is kind


def test_a_run_of_a_users_own_scenario_goes_back_to_a_checkpoint(relay: str) -> None:
    sim = swarmscope.simulate(relay, events=30)
    there, digest = sim.checkpoint(), sim.digest
    sim.run(events=30)
    assert sim.digest != digest
    sim.restore(there)
    assert sim.digest == digest


def test_a_scenario_that_is_only_imported_does_not_count(write: Write) -> None:
    own = "from scenarios.gossip.scenario import Gossip\n\n\nclass Mine(Gossip):\n    name = 'mine'\n"
    assert find(write("mine.py", own)).name == "mine"


def test_a_file_says_which_of_several_it_means(write: Write) -> None:
    two = ONE + "\n\nclass Two(One):\n    name = 'two'\n"
    with pytest.raises(ScenarioError, match=r"two\.py defines several scenarios: One, Two; .*SCENARIO = Two"):
        find(write("two.py", two))
    assert find(write("two.py", two + "\n\nSCENARIO = Two\n")).name == "two"


def test_future_statements_of_ours_do_not_leak_into_a_file(write: Write) -> None:
    source = ONE + "\n    kind: int = 1\n\n\nassert One.__annotations__['kind'] is int\n"
    assert find(write("one.py", source)).name == "one"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "one.py defines no scenario; it needs a class derived from swarmscope.Scenario"),
        ("SCENARIO = 3", "SCENARIO is 3; it has to be a class derived from Scenario"),
        ("x = 1\ndef f(:\n", "one.py, line 2: SyntaxError: "),
        ("\n\nx = nowhere\n", "one.py, line 3: NameError: name 'nowhere' is not defined"),
        ("def f():\n    import nowhere\n\nf()\n", "one.py, line 2: ModuleNotFoundError: "),
        ("import sys\nsys.exit()\n", "one.py, line 2: SystemExit"),
        ("x = '\0'\n", "one.py"),
        ("from swarmscope import CommandSpec\nCommandSpec('crash')\n", "one.py, line 2: ScenarioError: "),
        (ONE.replace('    name = "one"\n', ""), 'One has no name; give it name = "…"'),
        (ONE.replace('    title = "One"\n', ""), 'One has no title; give it title = "…"'),
    ],
)
def test_a_mistake_in_a_file_is_one_sentence_with_its_line(write: Write, text: str, sentence: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        find(write("one.py", text))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(write: Write, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"^there is no file nowhere/mine\.py$"):
        find("nowhere/mine.py")
    with pytest.raises(ScenarioError, match="is a folder; a scenario is a file"):
        find(f"{tmp_path}/")
    with pytest.raises(ScenarioError, match="is not a Python file"):
        find(write("notes.txt", "hello"))
    latin = tmp_path / "latin.py"
    latin.write_bytes(b"name = 'caf\xe9'\n")
    with pytest.raises(ScenarioError, match=r"latin\.py.*SyntaxError"):
        find(str(latin))


# --- swarmscope.simulate --------------------------------------------------------------------------


def test_simulate_takes_a_name_a_file_or_a_class(relay: str) -> None:
    by_path = swarmscope.simulate(relay, seed=4, events=40)
    by_class = swarmscope.simulate(find(relay), seed=4, events=40)
    assert by_path.digest == by_class.digest
    assert by_path.events == 40
    assert swarmscope.simulate("gossip", params={"agents": 5}, until=0.5).now == 500_000


def test_simulate_has_the_seed_0_unless_told_otherwise(relay: str) -> None:
    plain = swarmscope.simulate(relay, events=40)
    assert plain.seed == 0
    assert plain.digest == swarmscope.simulate(relay, seed=0, events=40).digest
    assert plain.digest != swarmscope.simulate(relay, seed=1, events=40).digest


def test_simulate_refuses_what_the_command_line_refuses(relay: str) -> None:
    with pytest.raises(ParameterError):
        swarmscope.simulate(relay, params={"agents": 1})
    with pytest.raises(ScenarioError, match="seed"):
        swarmscope.simulate(relay, seed=2**64)
    with pytest.raises(CommandError, match=r"^script, line 2, column 1: "):
        swarmscope.simulate(relay, script="heal\nhael")
    with pytest.raises(ScenarioError):
        swarmscope.simulate("gosip")
