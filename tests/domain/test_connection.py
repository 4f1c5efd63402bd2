"""The lasting link of a User to an Identity: what is kept of it, and how it is renewed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.connection import (
    DAY,
    Connection,
    ConnectionStatus,
    KeptAttribute,
    UpstreamTokens,
    attributes_from_bytes,
    attributes_to_bytes,
    corrected_attributes,
    refreshed_attributes,
    renewed,
    uncorrected_attributes,
)
from broker.domain.ids import ConnectionId, IdentityId
from broker.domain.policy import Keep, Update
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
    st.builds(
        KeptAttribute,
        name=names,
        value=texts,
        since=st.integers(0, NOW),
        taken=st.none() | st.integers(0, NOW),
        corrected=st.booleans(),
    ),
    unique_by=lambda a: a.name,
).map(tuple)


def terms(*names: str, **others: Any) -> dict[str, Keep]:
    """Each of these attributes may be kept, on the same terms."""
    return {name: Keep(purpose="To greet", **others) for name in names}


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

    assert refreshed_attributes(selected, KEPT, asked=selected, allowed=terms(*selected), now=NOW) == (
        KeptAttribute(name="email", value="ada@globex.example", since=NOW, taken=NOW),
        KeptAttribute(name="name", value="Ada", since=BEFORE, taken=NOW),
    )


def test_what_was_asked_for_and_did_not_come_goes() -> None:
    """The Provider no longer says it."""
    assert refreshed_attributes({}, KEPT, asked=["email", "name"], allowed=terms("email", "name"), now=NOW) == ()


def test_what_was_not_asked_for_stays_while_it_is_allowed() -> None:
    """The sign-in was for a Client that needs less than another one of the User's."""
    assert refreshed_attributes({}, KEPT, asked=["email"], allowed=terms("email", "name"), now=NOW) == KEPT[1:]


@pytest.mark.parametrize("asked", [[], ["email", "name"]])
def test_what_is_not_allowed_any_more_goes(asked: list[str]) -> None:
    """Whether it was asked for or not: nothing that is allowed means nothing that is kept."""
    assert refreshed_attributes({}, KEPT, asked=asked, allowed={}, now=NOW) == ()


@given(st.dictionaries(names, texts), kept, st.sets(names), st.sets(names))
def test_nothing_is_kept_that_was_not_selected_or_still_allowed(
    selected: dict[str, str], before: tuple[KeptAttribute, ...], asked: set[str], allowed: set[str]
) -> None:
    """Each name once, in order, what was selected this time with the value of this time, no date in the future."""
    before = tuple(replace(a, corrected=False) for a in before)
    after = refreshed_attributes(selected, before, asked=asked, allowed=terms(*allowed, *selected), now=NOW)

    found = {a.name: a for a in after}
    assert list(found) == sorted(found)
    assert len(found) == len(after)
    assert {name: found[name].value for name in selected} == selected
    for name in found.keys() - selected.keys():
        assert name in allowed - asked
        assert found[name] in before
    assert all(a.since <= NOW for a in after)


EMAIL = KEPT[0]


def email_after(before: KeptAttribute | None, told: str | None, **on: Any) -> KeptAttribute | None:
    """What is kept of the e-mail address after a sign-in that asked for it."""
    selected = {} if told is None else {"email": told}
    kept = () if before is None else (before,)
    after = refreshed_attributes(selected, kept, asked=["email"], allowed=terms("email", **on), now=NOW)
    return after[0] if after else None


@pytest.mark.parametrize("told", ["ada@globex.example", "ada@acme.example", None])
def test_a_value_that_its_user_put_right_is_not_overwritten(told: str | None) -> None:
    """Whatever the Provider says meanwhile."""
    corrected = replace(EMAIL, value="ada@example.org", corrected=True)

    assert email_after(corrected, told) == corrected


def test_of_an_attribute_that_is_taken_once_the_first_value_stays() -> None:
    """A new one is taken where there is none."""
    first = email_after(None, "ada@acme.example", update=Update.FIRST)

    assert first == replace(EMAIL, since=NOW, taken=NOW)
    assert email_after(EMAIL, "ada@globex.example", update=Update.FIRST) == EMAIL
    assert email_after(EMAIL, None, update=Update.FIRST) == EMAIL


def test_an_attribute_that_is_never_taken_is_only_what_was_kept_before() -> None:
    """Nothing begins."""
    assert email_after(None, "ada@acme.example", update=Update.NEVER) is None
    assert email_after(EMAIL, "ada@globex.example", update=Update.NEVER) == EMAIL


def test_what_is_kept_for_some_days_is_over_after_them() -> None:
    """Counted from when the Provider last told it, to the second."""
    of_a_day, taken = Keep(purpose="To greet", days=1), replace(EMAIL, taken=BEFORE + 500)

    assert not EMAIL.is_over(Keep(purpose="To greet"), NOW * 2)
    assert [EMAIL.is_over(of_a_day, BEFORE + DAY + late) for late in (-1, 0)] == [False, True]
    assert [taken.is_over(of_a_day, BEFORE + 500 + DAY + late) for late in (-1, 0)] == [False, True]


def test_what_is_over_goes_at_a_sign_in_also_where_it_was_not_asked_for() -> None:
    """And where it is told again, it begins anew."""
    old = replace(EMAIL, since=NOW - DAY)
    allowed = terms("email", days=1)

    assert refreshed_attributes({}, (old,), asked=[], allowed=allowed, now=NOW) == ()
    assert email_after(old, "ada@acme.example", days=1) == replace(EMAIL, since=NOW, taken=NOW)
    assert email_after(old, "ada@acme.example", days=1, update=Update.FIRST) == replace(EMAIL, since=NOW, taken=NOW)


def test_attributes_that_were_sealed_with_less_about_them_open() -> None:
    """As if they had been taken when they were first kept."""
    assert attributes_from_bytes(b'[["email", "ada@acme.example", 7]]') == (
        KeptAttribute(name="email", value="ada@acme.example", since=7),
    )


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


def test_a_correction_takes_the_place_of_what_was_kept() -> None:
    """In the order of the names; the same value keeps its date."""
    email, name = KEPT
    right = KeptAttribute(name="name", value="Ada King", since=NOW, taken=NOW, corrected=True)

    assert corrected_attributes(KEPT, "name", "Ada King", now=NOW) == (email, right)
    same = KeptAttribute(name="name", value="Ada", since=BEFORE, taken=NOW, corrected=True)
    assert corrected_attributes(KEPT, "name", "Ada", now=NOW) == (email, same)
    added = KeptAttribute(name="locale", value="fr", since=NOW, taken=NOW, corrected=True)
    assert corrected_attributes(KEPT, "locale", "fr", now=NOW) == (email, added, name)


@pytest.mark.parametrize(("update", "stays"), [(Update.EVERY, True), (Update.FIRST, False), (Update.NEVER, False)])
def test_a_correction_is_taken_back(update: Update, stays: bool) -> None:
    """It stays until the next sign-in where that brings another value, and goes where none would."""
    keep = Keep(purpose="x", update=update)
    corrected = corrected_attributes(KEPT, "name", "Ada King", now=NOW)
    (email, *rest) = uncorrected_attributes(corrected, "name", keep)

    assert email == KEPT[0]
    assert [(a.value, a.corrected) for a in rest] == ([("Ada King", False)] if stays else [])
    assert uncorrected_attributes(KEPT, "name", keep) == KEPT
