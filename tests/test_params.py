"""Parameters: declared once, read from text and from data, refused with a sentence."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import pytest

from engine.errors import ParameterError
from engine.params import NetworkParams, ParamSpec, param, read_params, read_value, specs
from engine.topology import TOPOLOGIES


class Params(NetworkParams, frozen=True, kw_only=True):
    count: Annotated[int, param("how many", low=1, high=10_000)] = 5
    share: Annotated[float, param("which share", low=0.0, high=1.0)] = 0.5
    pause: Annotated[float, param("how long", unit="s", low=0.001)] = 1.0
    mode: Annotated[Literal["push", "pull", "both"], param("which way")] = "push"
    loud: Annotated[bool, param("whether to shout")] = False
    motto: Annotated[str, param("what to say")] = "hello"
    depth: Annotated[int, param("how deep", high=0, unit="m")] = -1
    any_number: Annotated[float, param("whatever")] = 0.0
    any_integer: Annotated[int, param("whatever")] = 0
    large: Annotated[int, param("a lot", low=1, high=1_000_000)] = 9
    only: Annotated[Literal["this"], param("no choice")] = "this"
    plain: int = 3


def spec(name: str) -> ParamSpec:
    return next(one for one in specs(Params) if one.name == name)


def test_what_is_declared_is_what_is_shown() -> None:
    assert spec("count") == ParamSpec("count", "integer", 5, "how many", low=1, high=10_000)
    assert spec("pause") == ParamSpec("pause", "duration", 1.0, "how long", unit="s", low=0.001)
    assert spec("mode") == ParamSpec("mode", "choice", "push", "which way", choices=("push", "pull", "both"))
    assert spec("loud").type == "yes/no"
    assert spec("motto").type == "text"
    assert spec("share").type == "number"
    assert spec("plain") == ParamSpec("plain", "integer", 3, "")
    assert spec("topology").choices == tuple(TOPOLOGIES)


def test_a_scenarios_own_come_before_the_networks() -> None:
    names = [one.name for one in specs(Params)]
    assert names[-4:] == ["topology", "latency", "latency_model", "loss"]
    assert names[0] == "count"
    assert [one.name for one in specs(NetworkParams)] == names[-4:]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("count", "1 to 10000"),
        ("share", "0 to 1"),
        ("pause", "0.001 s or more"),
        ("mode", "push, pull or both"),
        ("loud", "yes or no"),
        ("motto", "a text"),
        ("depth", "0 m or less"),
        ("any_number", "a number"),
        ("large", "1 to 1000000"),
        ("only", "this"),
        ("any_integer", "an integer"),
    ],
)
def test_ranges_in_words(name: str, words: str) -> None:
    assert spec(name).range_text == words


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("count", "7", 7),
        ("count", " 7 ", 7),
        ("count", 7, 7),
        ("count", 7.0, 7),
        ("count", "10000", 10_000),
        ("share", "0.25", 0.25),
        ("share", 1, 1.0),
        ("pause", "250ms", 0.25),
        ("pause", "2", 2.0),
        ("pause", 0.5, 0.5),
        ("pause", "2m", 120.0),
        ("mode", "pull", "pull"),
        ("mode", " pull ", "pull"),
        ("loud", "yes", True),
        ("loud", "TRUE", True),
        ("loud", "on", True),
        ("loud", 1, True),
        ("loud", "no", False),
        ("loud", "off", False),
        ("loud", False, False),
        ("motto", " good day ", "good day"),
        ("any_number", "-1e3", -1000.0),
        ("any_integer", "-12", -12),
        ("depth", "-40", -40),
    ],
)
def test_a_value_is_read_from_text_and_from_data(name: str, given: Any, value: Any) -> None:
    found = read_value(spec(name), given)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("count", "0"),
        ("count", "10001"),
        ("count", "many"),
        ("count", "7.5"),
        ("count", 7.5),
        ("count", ""),
        ("count", True),
        ("count", math.nan),
        ("count", math.inf),
        ("count", "9" * 5_000),
        ("share", "1.01"),
        ("share", "nan"),
        ("share", True),
        ("share", None),
        ("pause", "0"),
        ("pause", "soon"),
        ("pause", "-1s"),
        ("pause", True),
        ("mode", "pulls"),
        ("mode", "Pull"),
        ("loud", "perhaps"),
        ("loud", 2),
        ("depth", "1"),
        ("any_number", "inf"),
        ("any_number", "-Infinity"),
        ("any_integer", "1e3"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_would(name: str, given: Any) -> None:
    with pytest.raises(ParameterError) as caught:
        read_value(spec(name), given)
    assert str(caught.value).startswith(f"{name}={given} is not right: {name} is {spec(name).range_text}")


def test_the_rest_keep_their_defaults() -> None:
    params = read_params(Params, {"count": "9", "topology": "ring", "latency": "20ms"})
    assert (params.count, params.share, params.topology, params.latency) == (9, 0.5, "ring", 0.02)
    assert read_params(Params, {}) == Params()


def test_an_unknown_parameter_is_refused_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match=r"gossip has no parameter 'cuont'; did you mean count\?"):
        read_params(Params, {"cuont": 1}, "gossip")
    with pytest.raises(ParameterError, match="the scenario has no parameter 'xyz'; it has count, share, pause"):
        read_params(Params, {"xyz": 1})


def test_parameters_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Params().count = 6  # type: ignore[misc]
