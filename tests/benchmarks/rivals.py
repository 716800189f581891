"""What the engine is measured against: the leanest loop that does the workload at all, and SimPy."""

from __future__ import annotations

from collections.abc import Callable, Generator
from heapq import heappop, heappush
from random import Random
from typing import Any

LOW, SPAN = 1_000, 9_001  # µs: delays of 1 to 10 ms


def bare_loop(agents: int, deliveries: int) -> int:
    """A heap of (time, seq, bound method, payload), the push inlined in the handler, one draw a delivery for peer and
    delay; nothing else. Returns how many were delivered."""
    getrandbits = Random(7).getrandbits
    heap: list[tuple[int, int, Callable[[Any], None], Any]] = []
    handlers: list[Callable[[Any], None]] = []
    now = seq = 0

    class Node:
        def on_message(self, payload: Any) -> None:
            nonlocal seq
            seq += 1
            word = getrandbits(32)
            heappush(heap, (now + LOW + word % SPAN, seq, handlers[word % agents], payload))

    handlers.extend(Node().on_message for _ in range(agents))
    for handler in handlers:
        handler("drop")
    for _ in range(deliveries):
        now, _, handler, payload = heappop(heap)
        handler(payload)
    return seq - agents


def simpy_stores(agents: int, deliveries: int) -> int:
    """The same in SimPy, as lean as it gets: each agent a process that waits at its Store, each message a timeout whose
    callback puts it there. Returns how many were delivered."""
    import simpy

    getrandbits = Random(7).getrandbits
    env = simpy.Environment()
    stores = [simpy.Store(env) for _ in range(agents)]
    done = env.event()
    delivered = 0

    def send(payload: Any) -> None:
        word = getrandbits(32)
        put = stores[word % agents].put
        env.timeout(LOW + word % SPAN, payload).callbacks.append(lambda event: put(event.value))  # type: ignore[arg-type]

    def agent(store: Any) -> Generator[Any, Any, None]:
        nonlocal delivered
        send("drop")
        while True:
            payload = yield store.get()
            delivered += 1
            if delivered == deliveries:
                done.succeed()
            send(payload)

    for store in stores:
        env.process(agent(store))
    env.run(until=done)
    return delivered
