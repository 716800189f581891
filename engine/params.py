"""Parameters of a scenario: declared once, as a msgspec Struct, and read from text, JSON or Python alike.

    class Params(NetworkParams, frozen=True, kw_only=True):
        agents: Annotated[int, param("how many agents", low=2, high=10_000)] = 40
        interval: Annotated[float, param("mean time between exchanges", unit="s", low=0.001)] = 1.0

A parameter whose unit is `s` is a duration: a number of seconds, or a text such as `250ms`.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from engine.duration import parse_duration, seconds
from engine.errors import ParameterError
from engine.topology import TOPOLOGIES

P = TypeVar("P", bound=Struct)


def param(help: str, *, unit: str = "", low: float | None = None, high: float | None = None) -> Meta:
    """What a parameter means, its unit (`s` makes it a duration) and its range, ends included."""
    return Meta(description=help, ge=low, le=high, extra={"unit": unit})


class NetworkParams(Struct, frozen=True, kw_only=True):
    """What every scenario lets its user say about the network."""

    topology: Annotated[str, param("who is linked to whom")] = "mesh"
    latency: Annotated[float, param("typical delay of a link (its median)", unit="s", low=0.0, high=3600.0)] = 0.05
    latency_model: Annotated[
        Literal["constant", "uniform", "lognormal"],
        param("how delays vary: always the same, from half to one and a half times, or with a long tail"),
    ] = "uniform"
    loss: Annotated[float, param("share of messages lost on the way", low=0.0, high=1.0)] = 0.0


class ParamSpec(Struct, frozen=True):
    """One parameter as `describe`, the menu and error messages show it."""

    name: str
    type: str  # integer, number, duration, choice, yes/no, text
    default: Any
    help: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def range_text(self) -> str:
        """`2 to 10000`, `push, pull or push-pull`, `yes or no`: what a value may be, in words."""
        if self.choices:
            return _either(self.choices)
        if self.type == "yes/no":
            return "yes or no"
        unit = f" {self.unit}" if self.unit else ""
        if self.low is not None and self.high is not None:
            return f"{_plain(self.low)} to {_plain(self.high)}{unit}"
        if self.low is not None:
            return f"{_plain(self.low)}{unit} or more"
        if self.high is not None:
            return f"{_plain(self.high)}{unit} or less"
        return f"an {self.type}" if self.type == "integer" else f"a {self.type}"


def _plain(number: float) -> str:
    return f"{number:g}" if abs(number) < 1e6 else f"{number:.0f}"


def _either(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


@lru_cache(maxsize=64)
def specs(params: type[Struct]) -> tuple[ParamSpec, ...]:
    """The parameters that `params` declares, in order: the scenario's own first, the network's last."""
    found = []
    for field in msgspec.structs.fields(params):
        kind, meta = field.type, None
        if hasattr(kind, "__metadata__"):
            meta = next((m for m in kind.__metadata__ if isinstance(m, Meta)), None)
            kind = kind.__origin__
        extra = (meta.extra or {}) if meta else {}
        unit = extra.get("unit", "")
        choices = tuple(str(a) for a in kind.__args__) if getattr(kind, "__origin__", None) is Literal else ()
        if field.name == "topology":
            choices = tuple(TOPOLOGIES)
        type_name = (
            "choice" if choices
            else "yes/no" if kind is bool
            else "integer" if kind is int
            else "duration" if kind is float and unit == "s"
            else "number" if kind is float
            else "text"
        )  # fmt: skip
        found.append(
            ParamSpec(
                name=field.name,
                type=type_name,
                default=field.default,
                help=(meta.description or "") if meta else "",
                unit=unit,
                low=meta.ge if meta else None,
                high=meta.le if meta else None,
                choices=choices,
            )
        )
    network = set(NetworkParams.__struct_fields__)
    found.sort(key=lambda spec: spec.name in network)
    return tuple(found)


def read_value(spec: ParamSpec, value: Any) -> Any:
    """`value`, text or not, as the type that `spec` says, within its range; else ParameterError."""
    problem = ParameterError(f"{spec.name}={value} is not right: {spec.name} is {spec.range_text}")
    text = str(value).strip()
    try:
        if spec.type == "choice":
            if text not in spec.choices:
                raise problem
            return text
        if spec.type == "yes/no":
            answer = {"yes": True, "true": True, "on": True, "1": True,
                      "no": False, "false": False, "off": False, "0": False}.get(text.lower())  # fmt: skip
            if answer is None:
                raise problem
            return answer
        if spec.type == "text":
            return text
        number: float
        if spec.type == "duration":
            number = seconds(parse_duration(value))
        elif isinstance(value, bool):
            raise problem
        elif spec.type == "integer":
            if isinstance(value, float) and not value.is_integer():
                raise problem
            number = int(value) if isinstance(value, (int, float)) else int(text)
        else:
            number = float(text)
    except (ValueError, OverflowError, ParameterError):
        raise problem from None
    low_enough = spec.high is None or number <= spec.high
    if not (low_enough and (spec.low is None or number >= spec.low) and math.isfinite(number)):
        raise problem
    return number


def read_params(params: type[P], given: Mapping[str, Any], scenario: str = "the scenario") -> P:
    """An instance of `params` from the values in `given`; the rest keep their defaults.

    Raises ParameterError, naming the parameter, for one that is unknown, of the wrong type or out of range.
    """
    known = {spec.name: spec for spec in specs(params)}
    values = {}
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
            raise ParameterError(f"{scenario} has no parameter {name!r}; {hint}")
        values[name] = read_value(known[name], value)
    return params(**values)
