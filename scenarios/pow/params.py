"""What a run of proof of work can be given, and what its agents say to each other besides blocks and transfers."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Struct

from engine.params import NetworkParams, param
from scenarios.pow.chain import Header


class PowParams(NetworkParams, frozen=True, kw_only=True):
    """What a run of proof of work can be given."""

    miners: Annotated[int, param("how many agents; each holds the chain and mines", low=2, high=2_000)] = 8
    interval: Annotated[float, param("mean time between blocks at the initial difficulty", unit="s",
                                     low=0.001, high=1e6)] = 10.0  # fmt: skip
    mining: Annotated[
        Literal["real", "sampled"],
        param("search nonces, or draw the time of each find from the exact distribution, for long runs"),
    ] = "real"
    bits: Annotated[
        float, param("initial difficulty: a block takes 2^bits hashes on average; may be a fraction", low=1, high=40)
    ] = 12.0
    retarget: Annotated[
        int, param("blocks after which the difficulty follows the hash power; 0 keeps it", low=0, high=100_000)
    ] = 0
    blocks: Annotated[int, param("blocks found, stale ones too, after which the run ends; 0 for never",
                                 low=0, high=10_000_000)] = 0  # fmt: skip
    relay: Annotated[
        Literal["inventory", "direct"],
        param("announce, ask and deliver along the links; or each block straight to everybody"),
    ] = "inventory"
    transactions: Annotated[
        float, param("payments a second in the whole network; 0 for none", low=0.0, high=1e4)
    ] = 0.5  # fmt: skip
    hashpower: Annotated[
        Literal["equal", "zipf"], param("shares of the hash power: all alike, or 1 to 1/2 to 1/3 …")
    ] = "equal"
    attacker: Annotated[
        Literal["none", "selfish", "double-spend"], param("what the last miner is up to from the start")
    ] = "none"
    attacker_share: Annotated[float, param("the attacker's share of the hash power", low=0.001, high=0.999)] = 0.3
    gamma: Annotated[
        float, param("share of the honest power that takes a selfish miner's side in a tie", low=0.0, high=1.0)
    ] = 0.0
    confirmations: Annotated[
        int, param("blocks, its own included, after which a payment counts as settled", low=1, high=1_000)
    ] = 6


class Inv(Struct, frozen=True):
    """I have these blocks and transfers."""

    blocks: tuple[bytes, ...] = ()
    transfers: tuple[str, ...] = ()


class GetData(Struct, frozen=True):
    """Send me these blocks and transfers."""

    blocks: tuple[bytes, ...] = ()
    transfers: tuple[str, ...] = ()


class GetHeaders(Struct, frozen=True):
    """What follows the first of these blocks that you have on your branch? They are a locator, newest first."""

    locator: tuple[bytes, ...]


class Headers(Struct, frozen=True):
    """Headers in the order of their heights; as many as fit."""

    headers: tuple[Header, ...]


class Order(Struct, frozen=True):
    """To a merchant: I pay with the transfer `payment`; ship when it has so many confirmations."""

    payment: str
    confirmations: int
