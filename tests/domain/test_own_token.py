"""Session JWTs of Applications that act for themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.application import Application, ApplicationType, GrantType
from broker.domain.errors import OAuthRefusal
from broker.domain.own_token import acts_for_itself, chosen_scopes, is_own, may_have, own_claims
from broker.domain.session_token import LIFETIME
from tests.domain.world import APPLICATION, NOW

ISSUER = "https://id.example"


def robot(**changes: object) -> Application:
    """One that may follow revocations."""
    made = replace(
        APPLICATION,
        type=ApplicationType.CONFIDENTIAL,
        grants=frozenset({GrantType.CLIENT_CREDENTIALS}),
        scopes=frozenset({"revocations"}),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [(None, ()), ("", ()), (" ", ()), ("revocations", ("revocations",)), ("revocations revocations", ("revocations",))],
)
def test_what_was_given_can_be_asked_for(asked: str | None, chosen: tuple[str, ...]) -> None:
    """And nothing comes by itself."""
    assert chosen_scopes(asked, robot()) == chosen


@pytest.mark.parametrize("asked", ["openid", "revocations openid", "REVOCATIONS", "revocation", "revocations,x", "*"])
def test_nothing_else_can(asked: str) -> None:
    """Not even beside what was given; nor anything at all by who was given nothing."""
    for one in (robot(), robot(scopes=frozenset())):
        with pytest.raises(OAuthRefusal) as caught:
            chosen_scopes(asked, one)
        assert caught.value.code == "invalid_scope"


def test_the_claims_are_rfc_9068s() -> None:
    """`sub` is the Application; no Session, no time of a sign-in, no Authorizations."""
    claims = own_claims(robot(), ("revocations",), issuer=ISSUER, jti="tok_x", now=NOW)

    assert claims == {
        "iss": ISSUER,
        "sub": robot().id,
        "aud": robot().audience,
        "exp": NOW + LIFETIME,
        "iat": NOW,
        "jti": "tok_x",
        "client_id": robot().id,
        "scope": "revocations",
    }
    assert "scope" not in own_claims(robot(), (), issuer=ISSUER, jti="tok_x", now=NOW)


def test_such_a_token_is_told_from_a_users() -> None:
    """By what neither can have."""
    own = own_claims(robot(), (), issuer=ISSUER, jti="tok_x", now=NOW)

    assert is_own(own)
    assert not is_own(own | {"sid": "ses_x"})
    assert not is_own(own | {"sub": "usr_x"})
    assert not is_own({})


@pytest.mark.parametrize(
    ("changes", "may"),
    [
        ({}, True),
        ({"scopes": frozenset({"revocations", "more"})}, True),
        ({"scopes": frozenset()}, False),
        ({"grants": frozenset({GrantType.AUTHORIZATION_CODE})}, False),
        ({"grants": frozenset()}, False),
        ({"type": ApplicationType.PUBLIC}, False),
    ],
)
def test_what_was_taken_away_is_noticed(changes: dict[str, object], may: bool) -> None:
    """A scope, the grant, or that it can keep a secret."""
    claims = own_claims(robot(), ("revocations",), issuer=ISSUER, jti="tok_x", now=NOW)

    assert may_have(robot(**changes), claims) is may
    if "scopes" not in changes:
        assert acts_for_itself(robot(**changes)) is may
