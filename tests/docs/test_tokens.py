"""Claims: every one that a token of ours can hold has a row, and every row a claim."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from broker.domain.grant import Grant
from broker.domain.ids import ApplicationId, ClientOrgId, GrantId, KeyedHash, KeyThumbprint, SessionId, UserId
from broker.domain.policy import RESERVED_CLAIMS
from broker.domain.session_token import id_token_claims, session_claims
from tests.docs.reading import names, reference, section, table

NOW = 1_800_000_000
GRANT = Grant(
    id=GrantId("gnt_1"),
    code=KeyedHash(""),
    application_id=ApplicationId("demo-app"),
    user_id=UserId("usr_1"),
    session_id=SessionId("ses_1"),
    redirect_uri="",
    scopes=("openid",),
    organization=None,
    nonce=None,
    code_challenge="",
    auth_time=NOW,
    created_at=NOW,
    kept_until=NOW + 43_260,
)


def _session(
    grant: Grant = GRANT, clients: int = 1, act: dict[str, Any] | None = None, key: KeyThumbprint | None = None
) -> dict[str, Any]:
    rights = {ClientOrgId(f"client-{number}"): ("invoices:read",) for number in range(clients)}
    return session_claims(
        grant=grant,
        issuer="https://id",
        audience="",
        jti="",
        authorizations=rights,
        attributes={},
        epoch=0,
        now=NOW,
        act=act,
        key=key,
    )


def test_every_claim_of_a_session_jwt_has_a_row() -> None:
    """Those that are always there are said to be."""
    told = table(section(reference("session-jwt"), "Claims of a session JWT"))
    narrow = _session(replace(GRANT, organization=ClientOrgId("client-0")), act={"sub": "billing"})
    several = (
        _session(),
        narrow,
        _session(clients=1000),
        _session(key=KeyThumbprint("key")),
    )

    claims = {name for name, row in told.items() if len(row) == 3 and name not in _members()}
    assert claims == set().union(*several)
    assert {name for name in claims if told[name][1] == "yes"} == set.intersection(*map(set, several))


def _members() -> list[str]:
    return names(section(reference("session-jwt"), "authorizations_ref"))


def test_every_member_of_the_reference_has_a_row() -> None:
    """What stands in the place of Authorizations that do not fit."""
    assert set(_members()) == set(_session(clients=1000)["authorizations_ref"])


def test_every_claim_of_an_id_token_has_a_row() -> None:
    """Those that are always there are said to be."""
    told = table(section(reference("session-jwt"), "Claims of an ID token"))
    header = "eyJhbGciOiJFUzI1NiJ9"  # {"alg":"ES256"}
    several = [
        id_token_claims(
            grant=grant, issuer="", access_token=f"{header}.e30.AA", attributes={}, nonce=grant.nonce, now=NOW
        )
        for grant in (GRANT, replace(GRANT, nonce="n"))
    ]

    assert told.keys() == set().union(*several)
    assert {name for name, row in told.items() if row[1] == "yes"} == set.intersection(*map(set, several))


def test_no_attribute_can_take_the_name_of_a_claim() -> None:
    """Every claim that stands in a row is reserved."""
    told = {*table(section(reference("session-jwt"), "Claims of a session JWT"))} - set(_members())
    told |= {*table(section(reference("session-jwt"), "Claims of an ID token"))}

    assert told - RESERVED_CLAIMS == set()
