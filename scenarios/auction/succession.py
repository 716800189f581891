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
from scenarios.auction import params as setting
from scenarios.auction.messages import Beat, BeatAck, Claim, Grant
from scenarios.auction.params import AuctionParams

BEATS = 4  # in one mandate
BEAT, WATCH = ("beat", ""), ("watch", "")  # timers
FOR_EVER = 1 << 62
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


class Contender(Voter):
    """One of the two who may act for a house. A subclass says what it means to act."""

    def __init__(self, params: AuctionParams, house: int, first: bool) -> None:
        super().__init__(params)
        self.house = house
        self.acting = first
        self.term = 1
        self.until = self._mandate if first else 0  # when its mandate ends, by its own clock
        self.claimed = 0  # the term that it last asked for
        self.asked = 0  # and when
        self.stale = False  # whether it has to be told everything

    # For a subclass to fill in

    def mandate_renewed(self) -> None:
        """Its mandate lasts for a while again."""

    def send_everything(self, to: int) -> None:
        """The other one asks for all that it missed."""

    def stood_down(self) -> None:
        """It acts no more, since the other one does."""

    def took_over(self) -> None:
        """It acts from now on."""

    # Who is there

    @property
    def other(self) -> int:
        """The other one of the house; itself where there is none."""
        letter, _, number = self.name.partition("-")
        return self.ctx.sim.ids.get(f"{'s' if letter == 'm' else 'm'}-{number}", self.id)

    def _voters(self) -> list[int]:
        witness = self.ctx.sim.ids.get("w-1", self.id)
        return [voter for voter in (self.other, witness) if voter != self.id]

    # What happens

    def on_start(self) -> None:
        super().on_start()
        if self.other == self.id:  # it joined alone, so nobody could ever take over
            self.acting = True
            self.until = FOR_EVER
        else:
            self.until = self.ctx.now + self._mandate if self.acting else 0
        self.watch()
        if self.acting:
            self.beat()

    def come_back(self) -> None:
        """It was down: it does not know who acts."""
        self.acting = False
        self.stale = True
        self.term = self.promised.get(self.house, 1)

    def contend(self, sender: int, message: Any) -> None:
        """A beat, a claim, or an answer to one."""
        if getattr(message, "house", None) != self.house:
            return
        if isinstance(message, Beat):
            self._beaten(sender, message)
        elif isinstance(message, BeatAck):
            self._acknowledged(sender, message)
        elif isinstance(message, Claim):
            self._claimed(sender, message)
        elif isinstance(message, Grant):
            self._granted(message)

    # Acting

    def beat(self) -> None:
        """Show that it acts, and have its mandate renewed."""
        if self.until >= FOR_EVER:
            return
        for voter in self._voters():
            self.say(voter, Beat(self.house, self.term, self.ctx.now))
        self.ctx.set_timer(BEAT, self._mandate // BEATS)

    def _acknowledged(self, sender: int, ack: BeatAck) -> None:
        if not self.acting or ack.term != self.term or ack.sent > self.ctx.now:
            return
        self.until = max(self.until, ack.sent + self._mandate)
        if self.ctx.now < self.until:
            self.mandate_renewed()
        if ack.stale:
            self.send_everything(sender)

    def _follow(self, term: int) -> None:
        """Somebody else acts in this term."""
        self.stale = self.stale or self.acting or term > self.term  # it may have missed news, or know what nobody does
        self.term = max(self.term, term)
        if self.acting:
            self.acting = False
            self.stood_down()

    # Standing by

    def _beaten(self, sender: int, beat: Beat) -> None:
        if self.acting and beat.term <= self.term:
            return
        self.stale = self.stale or beat.term > self.term
        if self.hear(sender, beat, stale=self.stale):
            self._follow(beat.term)

    def watch(self) -> None:
        """Claim the next term when nobody has acted for too long."""
        patience = self._mandate * PATIENCE[0] // PATIENCE[1]
        if not self.acting and self.other != self.id and self.quiet(self.house) >= patience:
            self.claimed = max(self.term, self.claimed, self.promised.get(self.house, 1)) + 1
            self.asked = self.ctx.now
            for voter in self._voters():
                self.say(voter, Claim(self.house, self.claimed))
        left = patience - self.quiet(self.house)
        self.ctx.set_timer(WATCH, left if left > 0 and not self.acting else patience // 2)

    def _claimed(self, sender: int, claim: Claim) -> None:
        if sender != self.other:
            return
        if self.acting:
            if self.ctx.now < self.until + self._mandate // BEATS:
                return
            self.heard[self.house] = self.until - self._mandate  # its own mandate has ended; it had no other news
        if self.judge(sender, claim):
            self._follow(claim.term)

    def _granted(self, grant: Grant) -> None:
        if self.acting:
            if grant.term > self.term:  # the answer to a beat of a term that is over
                self.promised[self.house] = max(grant.term, self.promised.get(self.house, 1))
                self._follow(grant.term)
            return
        # Its own vote is free only if it has heard no beat, and granted no claim, since it claimed.
        free = self.promised.get(self.house, 1) < grant.term and self.quiet(self.house) >= self._mandate
        if grant.term == self.claimed and free and self.ctx.now < self.asked + self._mandate:
            self.term = self.promised[self.house] = grant.term
            self.acting, self.stale = True, False
            self.until = self.asked + self._mandate  # the other's vote was given after it was asked for
            self.beat()
            self.took_over()


class Witness(Voter):
    """Knows nothing of tasks, and sees to it that at most one manager of each house acts."""

    def on_message(self, sender: int, message: Any) -> None:
        if isinstance(message, Beat):
            self.hear(sender, message)
        elif isinstance(message, Claim):
            self.judge(sender, message)
