"""Signatures and authenticators: Ed25519 (RFC 8032) for all to check, keyed BLAKE2b (RFC 7693) between two.

A key pair belongs to a seed and a name, so that a run has the same keys each time. Keys are plain bytes, which a
checkpoint can hold; checking is a pure function, so what was checked once is remembered. The library is loaded when it
is first needed, so that a menu of scenarios opens sooner.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest

MAC_SIZE = 10  # bytes; as many as Castro & Liskov 1999, section 5.1, send of an MD5 authenticator


def secret_key(seed: int, name: str) -> bytes:
    """The 32 secret bytes that belong to `name` in a run with this seed."""
    return blake2b(f"{seed}/key/{name}".encode(), digest_size=32).digest()


@lru_cache(maxsize=16_384)
def public_key(secret: bytes) -> bytes:
    """The 32 public bytes that go with a secret key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


@lru_cache(maxsize=16_384)
def sign(secret: bytes, message: bytes) -> bytes:
    """The 64 bytes that only the holder of `secret` can make for `message`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(secret).sign(message)


@lru_cache(maxsize=65_536)
def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` was made for `message` with the secret key that goes with `public`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def shared_key(seed: int, one: str, other: str) -> bytes:
    """The 32 bytes that two agents share in a run with this seed, whoever of them is named first."""
    low, high = sorted((one, other))
    return blake2b(f"{seed}/shared/{low}/{high}".encode(), digest_size=32).digest()


def mac(key: bytes, message: bytes) -> bytes:
    """What shows the other holder of `key`, and nobody else, that `message` is from one of the two."""
    return blake2b(message, key=key, digest_size=MAC_SIZE).digest()


def is_mac(key: bytes, message: bytes, authenticator: bytes) -> bool:
    """Whether `authenticator` was made for `message` with `key`."""
    return compare_digest(mac(key, message), authenticator)
