"""Keys, signatures and authenticators."""

from __future__ import annotations

import pytest

from engine.signing import MAC_SIZE, is_mac, is_signed, mac, public_key, secret_key, shared_key, sign

# RFC 8032, section 7.1: secret key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_signatures_are_those_of_the_standard(secret: str, public: str, message: str, signature: str) -> None:
    key, said = bytes.fromhex(secret), bytes.fromhex(message)
    assert public_key(key).hex() == public
    assert sign(key, said).hex() == signature
    assert is_signed(bytes.fromhex(public), said, bytes.fromhex(signature))


def test_a_signature_holds_for_one_message_and_one_key() -> None:
    anna, ben = secret_key(1, "anna"), secret_key(1, "ben")
    signature = sign(anna, b"yes")
    assert is_signed(public_key(anna), b"yes", signature)
    assert not is_signed(public_key(anna), b"no", signature)
    assert not is_signed(public_key(ben), b"yes", signature)
    assert not is_signed(public_key(anna), b"yes", signature[:-1] + bytes([signature[-1] ^ 1]))


@pytest.mark.parametrize("key", [b"", b"short", bytes(33)])
def test_a_key_that_is_none_is_not_an_error(key: bytes) -> None:
    assert not is_signed(key, b"yes", bytes(64))


def test_keys_belong_to_a_seed_and_a_name() -> None:
    assert secret_key(1, "anna") == secret_key(1, "anna")
    assert len({secret_key(seed, name) for seed in (1, 2) for name in ("anna", "ben")}) == 4
    assert all(len(secret_key(1, name)) == 32 for name in ("", "anna", "é"))


def test_two_share_a_key_whoever_is_named_first() -> None:
    assert shared_key(1, "anna", "ben") == shared_key(1, "ben", "anna")
    assert len({shared_key(1, "anna", other) for other in ("ben", "cleo")} | {shared_key(2, "anna", "ben")}) == 3


def test_an_authenticator_holds_for_one_message_and_one_pair() -> None:
    key = shared_key(1, "anna", "ben")
    made = mac(key, b"yes")
    assert len(made) == MAC_SIZE
    assert is_mac(key, b"yes", made)
    assert not is_mac(key, b"no", made)
    assert not is_mac(shared_key(1, "anna", "cleo"), b"yes", made)
