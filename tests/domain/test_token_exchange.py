"""What a session JWT may be exchanged for: only something narrower, by whom it concerns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.application import Application, ApplicationType, GrantType
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import ClientOrgId
from broker.domain.token_exchange import (
    ACCESS_TOKEN,
    MOST_ACTORS,
    TOKEN_TYPES,
    Exchange,
    check_form,
    concerns,
    may_exchange,
    narrower,
)
from tests.domain.world import APPLICATION

OWN, OTHER = "https://reports.example", "https://archive.example"
ASKING: Application = replace(
    APPLICATION,
    type=ApplicationType.CONFIDENTIAL,
    grants=frozenset({GrantType.TOKEN_EXCHANGE}),
    audience=OWN,
    exchange_audiences=frozenset({OTHER}),
)
RIGHTS = {ClientOrgId("acme"): ("reports:read",), ClientOrgId("globex"): ()}


def claims(**changes: Any) -> dict[str, Any]:
    return {"client_id": ASKING.id, "aud": OWN, "scope": "openid email offline_access"} | changes


def asked(**changes: Any) -> Exchange:
    return replace(Exchange(subject_token="x", subject_token_type=ACCESS_TOKEN), **changes)


def refused(exchange: Exchange, token: dict[str, Any], application: Application = ASKING) -> str:
    with pytest.raises(OAuthRefusal) as caught:
        narrower(exchange, token, RIGHTS, application)
    return caught.value.code


@pytest.mark.parametrize("grants", [frozenset(), frozenset({GrantType.CLIENT_CREDENTIALS})])
def test_it_is_off_until_it_is_registered(grants: frozenset[GrantType]) -> None:
    """And for nobody who cannot prove who they are."""
    assert may_exchange(ASKING)
    assert not may_exchange(replace(ASKING, grants=grants))
    assert not may_exchange(replace(ASKING, type=ApplicationType.PUBLIC))


def test_a_token_concerns_whom_it_was_issued_to_and_whom_it_is_for() -> None:
    """Nobody else."""
    assert concerns(claims(aud=OTHER), ASKING)
    assert concerns(claims(client_id="another"), ASKING)
    assert not concerns(claims(client_id="another", aud=OTHER), ASKING)


@pytest.mark.parametrize("token_type", TOKEN_TYPES)
def test_a_session_jwt_is_of_two_types(token_type: str) -> None:
    """Whichever is said of it, or wanted."""
    check_form(asked(subject_token_type=token_type, requested_token_type=token_type))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"by_actor": True}, "invalid_request"),
        ({"subject_token_type": ""}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"audiences": (OWN, OTHER)}, "invalid_target"),
    ],
)
def test_what_is_not_offered_is_refused_before_the_token_is_looked_at(changes: dict[str, Any], code: str) -> None:
    """RFC 8693 section 2.2.2."""
    with pytest.raises(OAuthRefusal) as caught:
        check_form(asked(**changes))
    assert caught.value.code == code


def test_each_of_three_makes_it_narrower() -> None:
    """What is left out stays, but for the refresh token that there is none of."""
    audience = narrower(asked(audiences=(OTHER,)), claims(), RIGHTS, ASKING)
    client = narrower(asked(organization="acme"), claims(), RIGHTS, ASKING)
    scopes = narrower(asked(scope="openid"), claims(), RIGHTS, ASKING)

    assert (audience.audience, audience.organization, audience.scopes) == (OTHER, None, ("openid", "email"))
    assert (client.audience, client.organization, client.scopes) == (OWN, "acme", ("openid", "email"))
    assert (scopes.audience, scopes.organization, scopes.scopes) == (OWN, None, ("openid",))
    assert audience.act is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "invalid_request"),
        ({"audiences": (OWN,), "scope": "openid email"}, "invalid_request"),
        ({"audiences": ("https://elsewhere.example",)}, "invalid_target"),
        ({"organization": "initech"}, "invalid_request"),
        ({"organization": ""}, "invalid_request"),
        ({"scope": "openid phone"}, "invalid_scope"),
        ({"scope": "offline_access"}, "invalid_scope"),
        ({"scope": " "}, "invalid_scope"),
    ],
)
def test_what_is_not_narrower_is_refused(changes: dict[str, Any], code: str) -> None:
    """The same, wider, or elsewhere."""
    assert refused(asked(**changes), claims()) == code


def test_a_token_that_was_exchanged_for_one_service_is_not_turned_round_to_another() -> None:
    """Its audience is not the Application's own any more."""
    assert refused(asked(audiences=(OTHER,)), claims(aud="https://third.example")) == "invalid_request"


def test_who_acts_is_told_outermost_first_and_not_without_end() -> None:
    """RFC 8693 section 4.1."""
    act: Any = None
    for number in range(MOST_ACTORS):
        token = claims(client_id=f"service-{number}", **({} if act is None else {"act": act}))
        act = narrower(asked(organization="acme"), token, RIGHTS, ASKING).act
        assert act["sub"] == ASKING.id

    assert refused(asked(organization="acme"), claims(client_id="another", act=act)) == "invalid_request"
    assert narrower(asked(organization="acme"), claims(act=act), RIGHTS, ASKING).act == act
