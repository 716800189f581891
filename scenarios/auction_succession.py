"""Who acts for a house: two managers and a witness, of whom two have to agree.

One manager acts and sends beats to the other and to the witness. Its mandate lasts as long as one of them answered not
long ago, counted from when it sent the beat. The other one, when it hears no beats, claims the next term; the witness
grants that only when it has heard no beat for a whole mandate itself, and follows the old term no more. So the old
manager's mandate has always ended before the new one's begins, in a partition as well: leases (Gray & Cheriton 1989)
with a voter that keeps no data (J.-F. Pâris, Voting with witnesses, ICDCS 1986).
"""

from __future__ import annotations

from typing import Any, ClassVar

from engine.agent import Agent
from scenarios import auction_params as setting
from scenarios.auction_messages import Beat, BeatAck, Claim, Grant
from scenarios.auction_params import AuctionParams

BEATS = 4  # in one mandate
PATIENCE = (5, 4)  # mandates without a beat after which a manager claims; more than one, or the witness would refuse


class Voter(Agent):
    """What a witness and a manager that does not act have in common: they answer beats, and grant terms.

    What was promised survives a crash. When a voter last heard a beat does not, so it takes the moment of its start for
    one.
    """

    durable: ClassVar[tuple[str, ...]] = ("promised",)

    def __init__(self, params: AuctionParams) -> None:
        self.promised: dict[int, int] = {}  # house → the term followed
        self.heard: dict[int, int] = {}  # house → when its beat came last
        self.started = 0
        self._mandate = setting.mandate(params)

    def on_start(self) -> None:
        self.started = self.ctx.now

    def quiet(self, house: int) -> int:
        """How long no beat has come, in µs of this agent's clock."""
        return self.ctx.now - self.heard.get(house, self.started)

    def hear(self, sender: int, beat: Beat, *, stale: bool = False) -> bool:
        """Answer a beat; False if its term is over."""
        if beat.term < self.promised.get(beat.house, 1):
            self.say(sender, Grant(beat.house, self.promised[beat.house]))
            return False
        self.promised[beat.house] = beat.term
        self.heard[beat.house] = self.ctx.now
        self.say(sender, BeatAck(beat.house, beat.term, beat.sent, stale))
        return True

    def judge(self, sender: int, claim: Claim) -> bool:
        """Grant a claim if nobody has acted for a mandate."""
        if claim.term <= self.promised.get(claim.house, 1) or self.quiet(claim.house) < self._mandate:
            return False
        self.promised[claim.house] = claim.term
        self.heard[claim.house] = self.ctx.now  # it has a mandate's time to begin
        self.say(sender, Grant(claim.house, claim.term))
        return True

    def say(self, to: int, message: Any) -> None:
        """Send what is no part of the Contract Net itself."""
        self.ctx.count("upkeep")
        self.ctx.send(to, message)


class Witness(Voter):
    """Knows nothing of tasks, and sees to it that at most one manager of each house acts."""

    def on_message(self, sender: int, message: Any) -> None:
        if isinstance(message, Beat):
            self.hear(sender, message)
        elif isinstance(message, Claim):
            self.judge(sender, message)
