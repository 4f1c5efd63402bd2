"""The lasting link of a User to an Identity: what is kept of it, and how it is renewed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.connection import (
    Connection,
    ConnectionStatus,
    KeptAttribute,
    UpstreamTokens,
    attributes_from_bytes,
    attributes_to_bytes,
    refreshed_attributes,
    renewed,
)
from broker.domain.ids import ConnectionId, IdentityId
from tests.domain.world import ADA, GOOGLE, NOW

BEFORE = NOW - 1000
KEPT = (
    KeptAttribute(name="email", value="ada@acme.example", since=BEFORE),
    KeptAttribute(name="name", value="Ada", since=BEFORE),
)
CONNECTION = Connection(
    id=ConnectionId("con_1"),
    user_id=ADA,
    identity_id=IdentityId("idn_1"),
    registration=GOOGLE,
    status=ConnectionStatus.ACTIVE,
    sealed_attributes=b"attributes-canary",
    sealed_tokens=b"tokens-canary",
    granted_scopes=frozenset({"openid", "email"}),
    generation=7,
    created_at=BEFORE,
    last_used_at=BEFORE + 10,
    revoked_at=None,
)
texts = st.text(max_size=30)
names = st.sampled_from(["email", "name", "picture", "locale"])
kept = st.lists(
    st.builds(KeptAttribute, name=names, value=texts, since=st.integers(0, NOW)), unique_by=lambda a: a.name
).map(tuple)


def again(before: Connection | None) -> Connection:
    return renewed(
        before,
        id=ConnectionId("con_new"),
        user_id=ADA,
        identity_id=IdentityId("idn_1"),
        registration=GOOGLE,
        granted_scopes=frozenset({"openid"}),
        now=NOW,
    )


@given(texts, st.none() | texts, st.none() | st.integers(0, 2**40))
def test_tokens_are_opened_as_they_were_sealed(access: str, refresh: str | None, expires_at: int | None) -> None:
    """Whatever characters a Provider puts into them."""
    tokens = UpstreamTokens(access_token=access, refresh_token=refresh, expires_at=expires_at)

    assert UpstreamTokens.from_bytes(tokens.to_bytes()) == tokens


@given(kept)
def test_attributes_are_opened_as_they_were_sealed(attributes: tuple[KeptAttribute, ...]) -> None:
    """With their dates, in their order."""
    assert attributes_from_bytes(attributes_to_bytes(attributes)) == attributes


def test_neither_tokens_nor_values_are_shown_by_repr() -> None:
    """Nor the sealed form of them."""
    tokens = UpstreamTokens(access_token="access-canary", refresh_token="refresh-canary", expires_at=NOW)

    assert "canary" not in repr((tokens, CONNECTION, KeptAttribute(name="name", value="canary", since=NOW)))


def test_an_unchanged_value_keeps_its_date_and_a_new_one_begins_now() -> None:
    """So a User sees since when it is kept."""
    selected = {"name": "Ada", "email": "ada@globex.example"}

    assert refreshed_attributes(selected, KEPT, asked=selected, allowed=selected, now=NOW) == (
        KeptAttribute(name="email", value="ada@globex.example", since=NOW),
        KeptAttribute(name="name", value="Ada", since=BEFORE),
    )


def test_what_was_asked_for_and_did_not_come_goes() -> None:
    """The Provider no longer says it."""
    assert refreshed_attributes({}, KEPT, asked=["email", "name"], allowed=["email", "name"], now=NOW) == ()


def test_what_was_not_asked_for_stays_while_it_is_allowed() -> None:
    """The sign-in was for a Client that needs less than another one of the User's."""
    assert refreshed_attributes({}, KEPT, asked=["email"], allowed=["email", "name"], now=NOW) == KEPT[1:]


@pytest.mark.parametrize("asked", [[], ["email", "name"]])
def test_what_is_not_allowed_any_more_goes(asked: list[str]) -> None:
    """Whether it was asked for or not: nothing that is allowed means nothing that is kept."""
    assert refreshed_attributes({}, KEPT, asked=asked, allowed=[], now=NOW) == ()


@given(st.dictionaries(names, texts), kept, st.sets(names), st.sets(names))
def test_nothing_is_kept_that_was_not_selected_or_still_allowed(
    selected: dict[str, str], before: tuple[KeptAttribute, ...], asked: set[str], allowed: set[str]
) -> None:
    """Each name once, in order, what was selected this time with the value of this time, no date in the future."""
    after = refreshed_attributes(selected, before, asked=asked, allowed=allowed, now=NOW)

    found = {a.name: a for a in after}
    assert list(found) == sorted(found)
    assert len(found) == len(after)
    assert {name: found[name].value for name in selected} == selected
    for name in found.keys() - selected.keys():
        assert name in allowed - asked
        assert found[name] in before
    assert all(a.since <= NOW for a in after)


def test_a_first_connection_begins_now() -> None:
    """In its first generation, without envelopes."""
    assert again(None) == Connection(
        id=ConnectionId("con_new"),
        user_id=ADA,
        identity_id=IdentityId("idn_1"),
        registration=GOOGLE,
        status=ConnectionStatus.ACTIVE,
        sealed_attributes=None,
        sealed_tokens=None,
        granted_scopes=frozenset({"openid"}),
        generation=1,
        created_at=NOW,
        last_used_at=NOW,
        revoked_at=None,
    )


@pytest.mark.parametrize("status", [ConnectionStatus.ACTIVE, ConnectionStatus.NEEDS_REAUTH])
def test_a_connection_that_lasted_keeps_its_id_and_its_beginning(status: ConnectionStatus) -> None:
    """And goes on in its next generation, healthy, with the scopes of this time."""
    after = again(replace(CONNECTION, status=status))

    assert after == replace(again(None), id=CONNECTION.id, generation=8, created_at=BEFORE)


def test_a_revoked_connection_begins_anew() -> None:
    """Its row goes on, its past does not."""
    revoked = replace(
        CONNECTION, status=ConnectionStatus.REVOKED, sealed_attributes=None, sealed_tokens=None, revoked_at=NOW - 5
    )

    assert again(revoked) == replace(again(None), id=CONNECTION.id, generation=8)
