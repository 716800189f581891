"""What queueing theory expects, for Poisson arrivals, and exponential work unless it says otherwise."""

from __future__ import annotations

import math

TERMS = 200


def erlang_c(servers: int, load: float) -> float:
    """The probability that a task has to wait in M/M/c, for an offered load λ/μ below the number of servers (Erlang
    1917); 1 from there on. By the recursion of Erlang B, which does not overflow."""
    if load >= servers:
        return 1.0
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return servers * blocked / (servers - load * (1.0 - blocked))


def mean_wait(servers: int, arrival_rate: float, service_rate: float, variation: float = 1.0) -> float:
    """The mean wait in M/M/c, in seconds; endless for a load that is too high. With a squared coefficient of variation
    of the work other than 1 it is exact for one server (Pollaczek 1930, Khinchine 1932), and close for more."""
    spare = servers * service_rate - arrival_rate
    if spare <= 0 or math.isinf(variation):
        return math.inf
    return erlang_c(servers, arrival_rate / service_rate) / spare * (1.0 + variation) / 2.0


def variation(service: str, tail: float) -> float:
    """The squared coefficient of variation of the work; endless for a Pareto tail of 2 and below."""
    match service:
        case "deterministic":
            return 0.0
        case "uniform":
            return 1.0 / 3.0
        case "pareto":
            return 1.0 / (tail * (tail - 2.0)) if tail > 2.0 else math.inf
    return 1.0


def time_with_choices(choices: int, load: float) -> float:
    """The mean time in system, in service times, of a large pool where each task joins the shortest of so many queues
    drawn at random: Σ λ^((d^i − d)/(d − 1)) (Mitzenmacher 2001; Vvedenskaya et al. 1996). 1/(1 − λ) for one."""
    if load >= 1.0:
        return math.inf
    if choices == 1:
        return 1.0 / (1.0 - load)
    total = 0.0
    exponent = 0
    for _ in range(TERMS):
        term = load**exponent
        total += term
        if term < 1e-15 * total:
            break
        exponent = exponent * choices + choices
    return total
