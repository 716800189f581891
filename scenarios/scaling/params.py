"""What a run of scaling can be given."""

from __future__ import annotations

from typing import Annotated, Literal

from engine.params import NetworkParams, param

Policy = Literal["fixed", "target-utilisation", "queue-length", "predictive", "budget"]
POLICIES: tuple[Policy, ...] = ("fixed", "target-utilisation", "queue-length", "predictive", "budget")


class ScalingParams(NetworkParams, frozen=True, kw_only=True):
    """What a run of scaling can be given."""

    workers: Annotated[int, param("workers at the start; the fixed policy keeps just as many", low=1, high=5000)] = 3
    min_workers: Annotated[
        int, param("the pool never shrinks below this; it begins with so many, if `workers` is less", low=1, high=5000)
    ] = 2
    max_workers: Annotated[
        int, param("the pool never grows beyond this (or beyond `workers`, if that is more)", low=1, high=5000)
    ] = 20
    arrivals: Annotated[
        Literal["poisson", "spike", "diurnal", "trace"],
        param(
            "when tasks come: at a steady rate; with bursts now and then; in waves, as by day and night; from a file"
        ),
    ] = "spike"
    arrival_rate: Annotated[
        float, param("tasks a second; between the bursts, or averaged over a day", low=0.001, high=100_000.0)
    ] = 3.0
    service: Annotated[
        Literal["exponential", "uniform", "deterministic", "pareto"],
        param(
            "how long tasks take: at random; from 0 to twice the mean; all the same; mostly short and a few very long"
        ),
    ] = "exponential"
    service_rate: Annotated[
        float, param("tasks that a worker gets done in a second of work", low=0.0001, high=10_000.0)
    ] = 1.0
    policy: Annotated[
        Policy,
        param(
            "who decides on the number of workers: nobody; the busy share of their time (the rule of Kubernetes); the "
            "tasks there are; a forecast of what will come; or the busy share within a budget"
        ),
    ] = "target-utilisation"
    routing: Annotated[
        Literal["central", "random", "round-robin", "least-loaded", "two-choices", "weighted"],
        param(
            "where tasks wait: in one queue for all; or each at a worker: any; in turn; the one with the least to do; "
            "the better of two drawn at random; any, by their speed"
        ),
    ] = "central"
    target: Annotated[
        float,
        param(
            "busy share of the workers' time to aim at; for queue-length, tasks for each worker", low=0.01, high=100.0
        ),
    ] = 0.7
    startup: Annotated[float, param("time that a new worker needs to start", unit="s", low=0.0, high=3600.0)] = 3.0
    horizon: Annotated[
        float, param("how long tasks arrive; the run ends when the last one is done", unit="s", low=0.001, high=1e7)
    ] = 180.0

    warmup: Annotated[
        float,
        param(
            "share of the horizon whose arrivals are left out of wait_mean, wait_probability and time_in_system_mean, "
            "once later ones are done, since the pool starts empty; fixed policy only",
            low=0.0,
            high=0.9,
        ),
    ] = 0.2
    interval: Annotated[float, param("time between two decisions on the pool", unit="s", low=0.01, high=3600.0)] = 2.0
    stabilisation: Annotated[
        float,
        param("how long a high recommendation keeps the pool from shrinking (Kubernetes: 300s)", unit="s", low=0.0,
              high=3600.0),
    ] = 10.0  # fmt: skip
    scale_period: Annotated[
        float,
        param("in one such period the pool may double or grow by 4, whichever is more (Kubernetes: 15s)", unit="s",
              low=0.01, high=3600.0),
    ] = 5.0  # fmt: skip
    spike_factor: Annotated[float, param("spike: how many times as many tasks come", low=1.0, high=1000.0)] = 4.0
    spike_length: Annotated[float, param("spike: how long it lasts", unit="s", low=0.01, high=86_400.0)] = 10.0
    spike_every: Annotated[
        float,
        param("spike: time from one to the next; the first comes at a tenth of it", unit="s", low=0.1, high=1e6),
    ] = 45.0
    period: Annotated[float, param("diurnal: how long a day lasts", unit="s", low=1.0, high=1e6)] = 60.0
    swing: Annotated[float, param("diurnal: how far the rate goes up and down, as a share", low=0.0, high=1.0)] = 0.8
    tail: Annotated[
        float, param("pareto: the exponent; below 2 the variance is without bounds", low=1.05, high=10.0)
    ] = 2.2
    trace: Annotated[
        str, param("trace: a CSV file of times (s) and, if you like, service (s) and priority; empty: a built-in one")
    ] = ""
    kinds: Annotated[int, param("kinds of tasks; each worker is a specialist for one", low=1, high=8)] = 1
    mismatch: Annotated[
        float, param("how much longer a task takes with a worker of another kind", low=1.0, high=100.0)
    ] = 3.0
    spread: Annotated[
        float, param("how many times as fast as the slowest the fastest workers are, by design", low=1.0, high=16.0)
    ] = 1.0
    teams: Annotated[int, param("teams, each with a lead and one worker at least; 1: no leads", low=1, high=64)] = 1
    detector: Annotated[
        Literal["timeout", "phi"], param("who decides that a worker is down: a fixed limit, or what is unusual (φ)")
    ] = "phi"
    heartbeat: Annotated[float, param("time between a worker's heartbeats", unit="s", low=0.01, high=3600.0)] = 1.0
    timeout: Annotated[float, param("timeout: the silence after which a worker is suspected", unit="s", low=0.01,
                                    high=3600.0)] = 3.0  # fmt: skip
    phi: Annotated[float, param("phi: the suspicion from which a worker is suspected", low=0.1, high=100.0)] = 8.0
    lease: Annotated[
        float,
        param(
            "how long a silent worker keeps its tasks, and how late a task may be", unit="s", low=0.01, high=86_400.0
        ),
    ] = 6.0
    retries: Annotated[int, param("how often a task is given out again before it counts as lost", low=0, high=100)] = 3
    backoff: Annotated[
        float, param("wait before a task is given out again; doubles each time", unit="s", low=0.0, high=3600.0)
    ] = 0.5
    shed: Annotated[
        float,
        param(
            "tasks waiting for each worker from which on a pool that may not grow turns low priorities away; 0: never",
            low=0.0,
            high=1e6,
        ),
    ] = 2.0
    eject: Annotated[
        float,
        param("a worker that takes so many times longer than expected is replaced; 0: never", low=0.0, high=1e6),
    ] = 4.0
    budget: Annotated[float, param("budget: worker-seconds to be spent until the horizon", low=1.0, high=1e9)] = 1200.0
