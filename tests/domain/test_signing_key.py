"""The record of a key that signs tokens."""

from __future__ import annotations

from broker.domain.ids import DataKeyId
from broker.domain.sealing import Place
from broker.domain.signing_key import SigningKey, place_of
from tests.domain.world import NOW


def test_the_private_half_has_one_place() -> None:
    """It belongs to the system, to no registration and no Client."""
    assert place_of("key-1") == Place(
        table="signing_keys",
        column="sealed_private",
        row_id="key-1",
        owner="system",
        registration="-",
        client_org="-",
        generation=0,
    )
    assert place_of("key-2") != place_of("key-1")


def test_the_private_half_is_not_shown_by_repr() -> None:
    """Sealed or not."""
    key = SigningKey(
        kid="key-1",
        alg="ES256",
        active=True,
        public_jwk="{}",
        sealed_private=b"private-canary",
        data_key_id=DataKeyId("dek_1"),
        created_at=NOW,
    )

    assert "canary" not in repr(key)
