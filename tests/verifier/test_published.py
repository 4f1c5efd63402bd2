"""How long keys are good, who fetches them anew and how often: decided without a network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from partner_ops_verifier.errors import TokenRefused, VerifierUnavailable
from partner_ops_verifier.http import Answer, HttpFailed, Request, walk
from partner_ops_verifier.jwk import VerifyingKey, key_set
from partner_ops_verifier.published import (
    KEPT_SECONDS,
    REFETCH_SECONDS,
    RETRY_SECONDS,
    PublishedKeys,
    Refresh,
    Source,
    published_keys,
)
from partner_ops_verifier.testing import TestKey

KEY = TestKey(kid="one")
KEYS = key_set({"keys": [KEY.jwk]}, {})
ISSUER = "https://id.example/tenant"
METADATA = {"issuer": ISSUER, "jwks_uri": "https://id.example/keys"}


def taken(at: float = 0.0, fresh_for: float = 300.0) -> PublishedKeys:
    keys = PublishedKeys()
    keys.take(dict(KEYS), fresh_for, at)
    return keys


def looked(keys: PublishedKeys, kid: str, at: float) -> tuple[str | None, Refresh]:
    key, refresh = keys.look(kid, at)
    return None if key is None else key.kid, refresh


def test_without_keys_they_have_to_be_fetched() -> None:
    """Before the first token."""
    assert looked(PublishedKeys(), "one", 0.0) == (None, Refresh.NEEDED)


def test_fresh_keys_are_used_and_old_ones_too_but_refreshed() -> None:
    """For as long as the issuer said."""
    assert looked(taken(), "one", 299.9) == ("one", Refresh.NO)
    assert looked(taken(), "one", 300.0) == ("one", Refresh.WORTHWHILE)
    assert taken().holds(KEYS["one"], 299.9)
    assert not taken().holds(KEYS["one"], 300.0)


def test_an_unknown_key_is_looked_for_now_and_then() -> None:
    """A flood of made-up names costs one look in half a minute."""
    with pytest.raises(TokenRefused) as refused:
        taken().look("two", REFETCH_SECONDS - 0.1)
    assert refused.value.code == "unknown_key"
    assert looked(taken(), "two", REFETCH_SECONDS) == (None, Refresh.NEEDED)


def test_when_nobody_answers_the_last_good_keys_are_used() -> None:
    """And somebody tries again after a while; for a day."""
    keys = taken()
    keys.fail(400.0)

    assert looked(keys, "one", 400.0 + RETRY_SECONDS - 0.1) == ("one", Refresh.NO)
    assert looked(keys, "one", 400.0 + RETRY_SECONDS) == ("one", Refresh.WORTHWHILE)
    assert looked(keys, "one", KEPT_SECONDS - 0.1) == ("one", Refresh.WORTHWHILE)
    assert looked(keys, "one", KEPT_SECONDS) == (None, Refresh.NEEDED)


def test_when_nobody_answers_an_unknown_key_is_neither_good_nor_bad() -> None:
    """Nobody can tell: 503, not 401."""
    for keys in (taken(), PublishedKeys()):
        keys.fail(400.0)
        with pytest.raises(VerifierUnavailable) as unavailable:
            keys.look("two", 400.0 + RETRY_SECONDS - 0.1)
        assert unavailable.value.code == "keys_unavailable"
        assert looked(keys, "two", 400.0 + RETRY_SECONDS) == (None, Refresh.NEEDED)


def test_keys_that_are_too_old_are_not_held_however_recently_nobody_answered() -> None:
    """What was remembered falls with them."""
    keys = taken()
    keys.fail(KEPT_SECONDS - 1)

    assert keys.holds(KEYS["one"], KEPT_SECONDS - 0.1)
    assert not keys.holds(KEYS["one"], KEPT_SECONDS)
    with pytest.raises(VerifierUnavailable):
        keys.look("one", KEPT_SECONDS)


def test_a_key_that_is_not_published_any_more_is_not_held() -> None:
    """Nor is another one under its name."""
    keys = taken()
    keys.take({}, 300.0, 10.0)
    assert not keys.holds(KEYS["one"], 11.0)
    keys.take(key_set({"keys": [TestKey(kid="one").jwk]}, {}), 300.0, 12.0)
    assert not keys.holds(KEYS["one"], 13.0)


class Pages:
    """An `Http` over a few documents; others are not found."""

    def __init__(self, **pages: Any) -> None:
        self.pages = {
            "https://id.example/tenant/.well-known/openid-configuration": pages.get("metadata", METADATA),
            "https://id.example/keys": pages.get("keys", {"keys": [KEY.jwk]}),
            "https://keys.example/keys": {"keys": [KEY.jwk]},
        }
        self.headers = {"cache-control": pages.get("cache", "")}

    def fetch(self, request: Request) -> Answer:
        page = self.pages[request.url]
        if isinstance(page, Answer):
            return page
        body = page if isinstance(page, bytes) else json.dumps(page).encode()
        return Answer(status=200, headers=self.headers, body=body)

    def open(self, request: Request) -> Any:
        raise HttpFailed("no streams here")


def fetched(pages: Pages, *trusted: str) -> tuple[dict[str, VerifyingKey], float]:
    return walk(published_keys(Source(issuer=ISSUER, trusted_origins=trusted), {}), pages)


@pytest.mark.parametrize(
    ("said", "fresh_for"),
    [
        ("", 300.0),
        ("public, max-age=600, stale-if-error=86400", 600.0),
        ("MAX-AGE=120", 120.0),
        ("max-age=0", 60.0),
        ("no-store", 300.0),
        ("max-age=999999", 3600.0),
        ("s-max-age=600", 300.0),
        ("max-age=ten", 300.0),
    ],
)
def test_the_issuer_says_how_long_keys_are_fresh_within_bounds(said: str, fresh_for: float) -> None:
    """Neither asked all the time nor never."""
    keys, seconds = fetched(Pages(cache=said))

    assert (set(keys), seconds) == ({"one"}, fresh_for)


@pytest.mark.parametrize(
    "metadata",
    [
        Answer(status=404, headers={}, body=b"{}"),
        Answer(status=302, headers={"location": "https://id.example/keys"}, body=b""),
        b"<html>",
        b"[]",
        b'{"issuer": "https://id.example/tenant", "issuer": "https://id.example/tenant"}',
        {},
        METADATA | {"issuer": "https://id.example"},
        METADATA | {"issuer": None},
        {"issuer": ISSUER},
        METADATA | {"jwks_uri": 7},
        METADATA | {"jwks_uri": "https://keys.example/keys"},
        METADATA | {"jwks_uri": "https://id.example:444/keys"},
        METADATA | {"jwks_uri": "http://id.example/keys"},
        METADATA | {"jwks_uri": "https://id.example@keys.example/keys"},
        METADATA | {"jwks_uri": "https://id.example\\@keys.example/keys"},
        METADATA | {"jwks_uri": "file:///etc/keys"},
        METADATA | {"jwks_uri": "//keys.example/keys"},
        METADATA | {"jwks_uri": "https://id.example:port/keys"},
    ],
)
def test_metadata_of_somebody_else_is_not_believed(metadata: Any) -> None:
    """Another issuer's, malformed, or leading elsewhere."""
    with pytest.raises(HttpFailed):
        fetched(Pages(metadata=metadata))


def test_another_origin_may_be_trusted_by_name() -> None:
    """Where keys lie at a host of their own."""
    pages = Pages(metadata=METADATA | {"jwks_uri": "https://keys.example/keys"})

    assert set(fetched(pages, "https://keys.example")[0]) == {"one"}
    with pytest.raises(HttpFailed):
        fetched(pages, "https://other.example")


@pytest.mark.parametrize("keys", [Answer(status=500, headers={}, body=b""), b"", b"[]", {}, {"keys": 7}])
def test_what_is_no_key_set_is_nobodys_answer(keys: Any) -> None:
    """And the last good one stays."""
    with pytest.raises(HttpFailed):
        fetched(Pages(keys=keys))
