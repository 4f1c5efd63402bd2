"""What the demo's apps keep of the broker's metadata and keys, for how long, and what they leave out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from broker.demo.calls import Unreachable
from broker.demo.published import Published
from tests.demo.fake_broker import ISSUER, NOW, FakeBroker, Key, Wire


class Reader:
    """A reader of a fake broker's documents, at a time that can be moved."""

    def __init__(self) -> None:
        self.broker = FakeBroker()
        self.wire = Wire({ISSUER: self.broker.app})
        self.now = NOW
        self.published = Published(issuer=ISSUER, call=self.wire, clock=lambda: self.now)

    def key(self, kid: str) -> Any:
        return asyncio.run(self.published.key(kid))


@pytest.fixture
def reader() -> Reader:
    return Reader()


def test_documents_are_kept_for_five_minutes(reader: Reader) -> None:
    """Then fetched again."""
    for later in (0, 299, 300):
        reader.now = NOW + later
        assert reader.key("one").key_id == "one"

    assert (reader.broker.requests["metadata"], reader.broker.requests["jwks"]) == (2, 2)


def test_an_unknown_key_is_looked_for_once_in_ten_seconds(reader: Reader) -> None:
    """A flood of made-up ids is not a flood of fetches; a new key is found."""
    reader.key("one")
    for _ in range(100):
        assert reader.key("two") is None
    assert reader.broker.requests["jwks"] == 1

    reader.broker.jwks = {"keys": [Key("two").jwk()]}
    reader.now += 10

    assert reader.key("two").key_id == "two"
    assert reader.key("one") is None
    assert reader.broker.requests["jwks"] == 2


@pytest.mark.parametrize(
    "garbage",
    [
        None,
        "x",
        {},
        {"kty": "RSA", "kid": "bad", "n": "!", "e": 65537},
        {"kty": "EC", "kid": "bad", "crv": "P-256"},
        {"kty": "oct", "kid": "bad", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "what"},
    ],
)
def test_a_malformed_key_does_not_spoil_the_good_ones(reader: Reader, garbage: Any) -> None:
    """It is left out, and the others are used."""
    reader.broker.jwks["keys"].insert(0, garbage)

    assert reader.key("one").key_id == "one"
    assert reader.key("bad") is None


def test_keys_for_other_uses_and_without_ids_are_left_out(reader: Reader) -> None:
    """Only keys for signatures, and only by name."""
    nameless = {name: value for name, value in Key("x").jwk().items() if name != "kid"}
    reader.broker.jwks = {"keys": [Key("enc").jwk() | {"use": "enc"}, nameless]}

    assert reader.key("enc") is None
    assert reader.key("") is None


@pytest.mark.parametrize("jwks", [{}, {"keys": None}, {"keys": {}}, {"keys": []}])
def test_a_set_without_keys_has_no_keys(reader: Reader, jwks: Any) -> None:
    """Empty means nothing."""
    reader.broker.jwks = jwks

    assert reader.key("one") is None


@pytest.mark.parametrize("issuer", [None, "", f"{ISSUER}/", "https://other.example"])
def test_metadata_of_another_issuer_is_refused(reader: Reader, issuer: str | None) -> None:
    """OpenID Connect Discovery section 4.3."""
    reader.broker.metadata = {"issuer": issuer}

    with pytest.raises(Unreachable):
        reader.key("one")


@pytest.mark.parametrize("endpoint", [None, 1, ["x"]])
def test_an_endpoint_that_is_not_there_is_said_to_be_missing(reader: Reader, endpoint: Any) -> None:
    """Nothing is guessed."""
    reader.broker.metadata = {"jwks_uri": endpoint}

    with pytest.raises(Unreachable):
        reader.key("one")


def test_a_document_that_is_not_there_is_unreachable(reader: Reader) -> None:
    """As is an issuer that is down."""
    reader.broker.metadata = {"jwks_uri": f"{ISSUER}/nowhere"}
    with pytest.raises(Unreachable):
        reader.key("one")

    reader.wire.down.add(ISSUER)
    with pytest.raises(Unreachable):
        reader.key("one")
