"""What the command line prints: as data for `--json`, and laid out for people."""

from __future__ import annotations

import json
import math
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from engine.duration import format_duration, parse_duration, seconds
from engine.params import ParamSpec, specs
from engine.views import Health

if TYPE_CHECKING:
    from engine.scenario import MetricSpec, Scenario
    from engine.simulation import Simulation

Data = dict[str, Any]
GAP = "  "
NARROW, WIDE = 60, 110  # bounds on the width of what people read
SHOWN = 12  # commands carried out that people are shown


def as_json(data: Any) -> str:
    """`data` as strict JSON: what is no number becomes null."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    return json.dumps(_strict(msgspec.to_builtins(data)), indent=2, allow_nan=False, ensure_ascii=ascii_only)


def _strict(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _strict(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(one) for one in value]
    return value


# As data


def outcome(sim: Simulation) -> Data:
    """The finished run as `run --json` prints it."""
    return {
        "scenario": sim.scenario.name,
        "params": msgspec.to_builtins(sim.params),
        "seed": sim.seed,
        "time": seconds(sim.now),
        "events": sim.events,
        "messages": {key: sim.messages[key] for key in ("sent", "delivered", "dropped", "duplicated")},
        "digest": sim.digest,
        "metrics": sim.metrics(),
        "invariants": [{key: one[key] for key in ("name", "kind", "holds", "detail")} for one in sim.invariants()],
        "commands": list(sim.commands),
    }


def listing(kinds: Iterable[type[Scenario]]) -> list[Data]:
    """The scenarios as `list --json` prints them."""
    return [{key: getattr(kind, key) for key in ("name", "title", "family", "teaches")} for kind in kinds]


def description(kind: type[Scenario]) -> Data:
    """A scenario as `describe --json` prints it."""
    return {
        "name": kind.name,
        "title": kind.title,
        "family": kind.family,
        "teaches": kind.teaches,
        "sources": kind.sources,
        "horizon": kind.horizon,
        "parameters": [
            {
                "name": spec.name,
                "type": spec.type,
                "range": spec.range_text,
                "low": spec.low,
                "high": spec.high,
                "choices": spec.choices,
                "default": spec.default,
                "unit": spec.unit,
                "help": spec.help,
            }
            for spec in specs(kind.Params)
        ],
        "commands": [{**msgspec.structs.asdict(spec), "syntax": spec.syntax} for spec in kind.commands],
        "misbehaviours": kind.misbehaviours,
        "metrics": kind.metrics,
        "invariants": [{"name": one.name, "kind": one.kind, "help": one.help} for one in kind.invariants],
        "experiments": kind.experiments,
    }


# For people


def outcome_text(sim: Simulation, found: Data) -> str:
    """The finished run, laid out: what was run, what happened, what came out. `found` is its `outcome`."""
    kind = type(sim.scenario)
    happened = f"{_time(sim.now)} of virtual time, {sim.events:,} events; {sim.over or 'stopped there'}"
    rows = [
        ("with", ", ".join(_changed(sim)) or "every parameter as it is"),
        ("ran", happened),
        ("agents", _agents(sim)),
        ("messages", ", ".join(f"{count:,} {key}" for key, count in found["messages"].items())),
        *(("command", text) for text in sim.commands[:SHOWN]),
        *([("", f"… and {len(sim.commands) - SHOWN} more commands")] if len(sim.commands) > SHOWN else []),
        ("digest", sim.digest),
    ]
    metrics: list[tuple[str, ...]] = []
    for spec in kind.metrics:
        value = found["metrics"].get(spec.name)
        of_each = value if isinstance(value, dict) else {}
        metrics.append((spec.name, "" if of_each else _number(value), spec.unit, _explained(spec)))
        metrics += [(f"{GAP}{name}", _number(one), "", "") for name, one in list(of_each.items())[:SHOWN]]
        if len(of_each) > SHOWN:
            metrics.append((f"{GAP}… {len(of_each) - SHOWN} more", "", "", ""))
    invariants = [(_mark(one), one["name"], one["kind"], one["detail"]) for one in found["invariants"]]
    return _page(
        f"{kind.title} ({kind.name}), seed {sim.seed}",
        ("", _table(rows)),
        ("Metrics", _table(metrics, right=(1,))),
        ("Invariants", _table(invariants)),
    )


def listing_text(kinds: Sequence[type[Scenario]]) -> str:
    """The scenarios, each with what it teaches."""
    families = dict.fromkeys(kind.family for kind in kinds)
    return _page(
        "",
        *(
            (
                family,
                _table([(kind.name, kind.title, kind.teaches) for kind in kinds if kind.family == family]),
            )
            for family in families
        ),
    )


def description_text(kind: type[Scenario]) -> str:
    """All about a scenario."""
    parameters = [
        (spec.name, _value(spec, spec.default), f"{spec.help}; {spec.range_text}") for spec in specs(kind.Params)
    ]
    tries = [(one.name, f"{one.title}. {one.watch}".strip()) for one in kind.experiments]
    return _page(
        f"{kind.title} ({kind.name})",
        ("", _wrapped(kind.teaches)),
        ("Parameters, and their defaults", _table(parameters)),
        ("Its own commands", _table([(spec.syntax, spec.help) for spec in kind.commands])),
        ("Misbehaviours", _table([(one.name, one.help) for one in kind.misbehaviours])),
        ("Metrics", _table([(spec.name, spec.unit, _explained(spec)) for spec in kind.metrics])),
        ("Invariants", _table([(one.name, one.kind, one.help) for one in kind.invariants])),
        ("Try this", _table(tries)),
        ("Sources", _table([(source,) for source in kind.sources])),
    )


def _changed(sim: Simulation) -> list[str]:
    """The parameters that differ from their defaults."""
    values = [(spec, getattr(sim.params, spec.name)) for spec in specs(type(sim.scenario).Params)]
    return [f"{spec.name}={_value(spec, value)}" for spec, value in values if value != spec.default]


def _agents(sim: Simulation) -> str:
    present = sim.present()
    health = Counter(sim.health(agent) for agent in present)
    told = [f"{count:,} {look}" for look, count in health.items() if look != Health.UP]
    return ", ".join([f"{len(present):,}", *told])


def _explained(spec: MetricSpec) -> str:
    return f"{spec.help}; theory: {spec.theory}" if spec.theory else spec.help


def _mark(invariant: Data) -> str:
    if invariant["holds"]:
        return "✓ holds"
    return "✗ broken" if invariant["kind"] == "safety" else "✗ not yet"


def _value(spec: ParamSpec, value: Any) -> str:
    if spec.type == "duration":
        return format_duration(parse_duration(value))
    if spec.type == "yes/no":
        return "yes" if value else "no"
    return str(value)


def _number(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _time(micros: int) -> str:
    return f"{seconds(micros):,.6f}".rstrip("0").rstrip(".") + " s"


# Layout


def _page(title: str, *parts: tuple[str, str]) -> str:
    """Parts under their headings, those with nothing in them left out."""
    shown = [f"{heading}\n{text}" if heading else text for heading, text in parts if text]
    return "\n\n".join(([title] if title else []) + shown)


def _table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Rows in columns, indented; the last column wraps at the width of the terminal."""
    if not rows:
        return ""
    *widths, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = []
    for *cells, last in rows:
        padded = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        lines.append(_wrapped(last, GAP.join(["", *padded, ""])))
    return "\n".join(lines)


def _wrapped(text: str, lead: str = GAP) -> str:
    """`text` after `lead`, its further lines indented as far."""
    width = min(max(shutil.get_terminal_size().columns, NARROW), WIDE)
    room = max(width - len(lead), NARROW // 2)
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    return ("\n" + " " * len(lead)).join([lead + lines[0], *lines[1:]]).rstrip()
