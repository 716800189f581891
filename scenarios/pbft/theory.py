"""What PBFT costs by the book (Castro & Liskov 1999): messages to others only, without batching or faults."""

from __future__ import annotations


def replicas(f: int) -> int:
    """n = 3f+1."""
    return 3 * f + 1


def ordering_messages(f: int) -> int:
    """Replica to replica for each request: n−1 pre-prepares, (n−1)² prepares, n(n−1) commits: 2n(n−1) = 18f²+6f."""
    n = replicas(f)
    return (n - 1) + (n - 1) * (n - 1) + n * (n - 1)


def all_messages(f: int) -> int:
    """With the request and n replies: 18f²+9f+2."""
    return ordering_messages(f) + 1 + replicas(f)


def view_change_messages(f: int, crashed: int = 1) -> int:
    """View-changes for one new view, when so many replicas are down: each other one tells all others."""
    n = replicas(f)
    return (n - crashed) * (n - 1)


def new_view_messages(f: int) -> int:
    """New-views for one view: the new primary tells all others."""
    return replicas(f) - 1


DELAYS = 5
"""One-way delays from a request to its answer: request, pre-prepare, prepare, commit, reply."""
