"""PBFT agrees with the published counts: messages for each request, for each view change; timeouts that double."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.duration import SECOND
from swarmscope import simulate
from tests.fidelity import Row, agree

pytestmark = pytest.mark.fidelity

SOURCE = "Castro & Liskov 1999"

# f, replica to replica for each request, with the request and the replies.
COUNTS = [(1, 24, 29), (2, 84, 92), (3, 180, 191), (5, 480, 497), (10, 1860, 1892)]


def exact(figure: str, samples: Sequence[float], expected: float) -> Row:
    """A count that must be the same in every run: the one that is furthest off."""
    worst = max(samples, key=lambda sample: abs(sample - expected))
    return Row(figure, expected, worst, 0.0, len(samples))


@pytest.mark.parametrize("authentication", ["none", "mac"])
@pytest.mark.parametrize(("f", "ordering", "total"), COUNTS)
def test_messages_for_each_request(
    request: pytest.FixtureRequest, f: int, ordering: int, total: int, authentication: str
) -> None:
    params = {"f": f, "requests": 50, "checkpoint_interval": 0, "batch": 1, "authentication": authentication}
    found = [simulate("pbft", params=params, seed=seed).metrics() for seed in range(10 if f < 5 else 2)]
    agree(
        request,
        f"f={f}, authentication {authentication}",
        [
            exact("messages, replica to replica", [one["messages_per_request"] for one in found], ordering),
            exact("messages in all", [one["messages_per_request_total"] for one in found], total),
            exact("answered", [one["committed"] for one in found], 50),
        ],
    )


@pytest.mark.parametrize("latency_model", ["constant", "uniform", "lognormal"])
@pytest.mark.parametrize("rate", [0.2, 5, 200])
def test_messages_do_not_depend_on_load_or_delays(
    request: pytest.FixtureRequest, rate: float, latency_model: str
) -> None:
    params = {
        "requests": 40, "clients": 4, "rate": rate, "latency_model": latency_model, "checkpoint_interval": 0,
        "timeout": 10,
    }  # fmt: skip
    found = [simulate("pbft", params=params, seed=seed).metrics() for seed in range(5)]
    subject = f"f=1, rate {rate}, latency {latency_model}"
    agree(request, subject, [exact("messages", [one["messages_per_request"] for one in found], 24)])


@pytest.mark.parametrize("f", [1, 2, 3, 4])
def test_a_view_change_with_a_crashed_primary(request: pytest.FixtureRequest, f: int) -> None:
    n = 3 * f + 1
    params = {"f": f, "requests": 20, "checkpoint_interval": 0}
    found = [simulate("pbft", params=params, seed=seed, script="at 3s crash r0").metrics() for seed in range(10)]
    agree(
        request,
        f"f={f}, crashed primary",
        [
            exact("view-change messages", [one["view_change_messages"] for one in found], (n - 1) ** 2),
            exact("new-view messages", [one["new_view_messages"] for one in found], n - 1),
            exact("view", [one["view"] for one in found], 1),
            exact("answered", [one["committed"] for one in found], 20),
        ],
    )


@pytest.mark.parametrize("timeout", [0.5, 1.0])
def test_the_timeout_doubles_for_each_view_that_fails(request: pytest.FixtureRequest, timeout: float) -> None:
    params = {"f": 3, "requests": 0, "timeout": timeout, "latency_model": "constant"}
    rows = []
    for seed in range(3):
        sim = simulate("pbft", params=params, seed=seed, script="at 3s crash r0,r1,r2", until=3 + 10 * timeout)
        first = {
            note.data["view"]: note.time / SECOND
            for note in reversed(sim.trace.notes)
            if note.kind == "view-change" and note.data["count"] == 1
        }
        assert sorted(first) == [1, 2, 3]
        waits = [first[2] - first[1] - params_delay(params), first[3] - first[2] - params_delay(params)]
        rows += [
            Row(f"patience with view 1, seed {seed}", timeout, waits[0], 1e-6, 1),
            Row(f"patience with view 2, seed {seed}", 2 * timeout, waits[1], 1e-6, 1),
        ]
    agree(request, f"timeout {timeout}", rows)


def params_delay(params: dict[str, object]) -> float:
    """The patience with a view begins when 2f+1 ask for it: one delay after they did."""
    return 0.05


def test_with_f_plus_one_colluders_agreement_breaks_and_with_f_it_does_not() -> None:
    for seed in range(10):
        for f in (1, 2):
            colluders = [f"r{number}" for number in range(f + 1)]
            for many, breaks in ((f, False), (f + 1, True)):
                script = f"at 2s byzantine {','.join(colluders[:many])} colluder"
                sim = simulate("pbft", params={"f": f, "requests": 20}, seed=seed, script=script, until=25)
                broken = [one["name"] for one in sim.invariants() if not one["holds"]]
                assert ("agreement" in broken) == breaks, (seed, f, many)
