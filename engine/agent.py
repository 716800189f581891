"""An agent: a plain state machine that handles what happens to it, and acts through its context."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from engine.context import Context
    from engine.mail import Request
    from engine.streams import Stream

ENGINE_ATTRIBUTES = frozenset({"ctx", "id", "name", "role", "rng"})


class Agent:
    """Base class of all agents. What a subclass keeps in attributes is its state: plain data that can be pickled.

    The engine sets, before `on_start`:

    - `ctx`: how it acts; `rng`: its own stream of random numbers, which a restart does not rewind;
    - `id`, `name`, `role`: who it is;
    - `mode`: how it behaves: `honest`, or one of the scenario's misbehaviours.

    A crash loses every attribute that `durable` does not name.
    """

    durable: ClassVar[tuple[str, ...]] = ()

    ctx: Context
    rng: Stream
    id: int
    name: str
    role: str
    mode: str = "honest"

    def on_start(self) -> None:
        """The run begins, or the agent joins it."""

    def on_message(self, sender: int, message: Any) -> None:
        """A message from `sender` has arrived."""

    def on_timer(self, name: Hashable) -> None:
        """The timer set under `name` has run out."""

    def on_crash(self) -> None:
        """The agent goes down at once: a last look at what it loses, and no time to act. Its timers end with it."""

    def on_restart(self) -> None:
        """The agent is up again, new but for its durable attributes."""
        self.on_start()

    def on_misbehave(self, mode: str) -> None:
        """`mode` has just been set by the command `byzantine`."""

    def on_request(self, sender: int, message: Any, request: Request) -> None:
        """A request has arrived; answer it with `ctx.reply(request, …)`, now or later. Retries may repeat it."""
        self.on_message(sender, message)

    def on_reply(self, correlation: int, sender: int, message: Any) -> None:
        """The first reply to the request that `ctx.request` numbered `correlation`."""

    def on_no_reply(self, correlation: int, to: int, message: Any) -> None:
        """No reply came, and no try is left."""

    def on_acknowledged(self, correlation: int, to: int, message: Any) -> None:
        """A message sent by `ctx.send_acknowledged` has arrived."""

    def on_unacknowledged(self, correlation: int, to: int, message: Any) -> None:
        """No acknowledgement came, and no try is left; the message may have arrived all the same."""

    def on_topic(self, topic: str, sender: int, message: Any) -> None:
        """A message published to a topic that the agent has joined."""
        self.on_message(sender, message)

    def state(self) -> dict[str, Any]:
        """The agent's attributes but those that the engine set."""
        return {key: value for key, value in vars(self).items() if key not in ENGINE_ATTRIBUTES}
