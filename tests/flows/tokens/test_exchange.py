"""Token exchange: what a service gets to call another one on a User's behalf, and what it never gets."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.changes import EndSession, Record, RevokeGrant, SetUserStatus, TakeAssertion
from broker.domain.errors import Fault, OAuthRefusal
from broker.domain.ids import GrantId, SessionId, UserId
from broker.domain.session_token import LIFETIME
from broker.domain.token_exchange import ACCESS_TOKEN, TOKEN_TYPES
from broker.domain.user import UserStatus
from broker.flows.tokens.exchange import ExchangedToken
from broker.flows.tokens.for_itself import token_for_itself
from tests.flows.proofs import Holder
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, CLIENTS, NOW
from tests.flows.tokens.exchanging import (
    BILLING,
    GRANT,
    SERVICES,
    SHIPPING,
    STORE,
    claims_of,
    proof,
    signed_in,
    swap,
    with_services,
)
from tests.flows.world import World

pytestmark = pytest.mark.anyio

SERVICE = Holder()

KIND = "urn:ietf:params:oauth:token-type"
OFFLINE = "openid email profile offline_access"
REFUSED = "The subject token is not valid, not this application's to exchange, or not wider than what was asked for."


@pytest.fixture
async def world() -> World:
    """Where the services are registered."""
    return await with_services()


async def test_a_service_calls_another_one_on_the_users_behalf(world: World) -> None:
    """RFC 8693 section 4.1: the same User and sign-in, another audience, and who acts. One line in the ledger."""
    before = claims_of(world, subject := (await signed_in(world, scope=OFFLINE)).access_token)
    world.clock.advance(100)
    world.forget()
    exchanged = await swap(world, subject, "api", BILLING)

    assert [name for name, *_ in world.store.received] == ["grant", "application", "write"]
    after = claims_of(world, exchanged.access_token)
    differs = {name: value for name, value in after.items() if before.get(name) != value and name != "jti"}
    assert differs == {
        "aud": BILLING,
        "client_id": "api",
        "act": {"sub": "api"},
        "iat": NOW + 100,
        "scope": "openid email profile",
    }
    assert before.keys() <= after.keys()
    assert before["jti"] != after["jti"] and before["jti"].split(".")[0] == after["jti"].split(".")[0]
    assert (exchanged.issued_token_type, exchanged.expires_in) == (ACCESS_TOKEN, LIFETIME - 100)
    assert exchanged.scope == "openid email profile"
    event = world.event()
    assert (event.action, event.outcome, event.application_id) == ("exchange", "done", "api")
    assert (event.user_id, event.object_id) == (before["sub"], before["jti"].split(".")[0])
    assert (event.request_id, event.client_org) == ("req-exchange", None)


async def test_a_bound_token_is_exchanged_for_one_that_is_bound_too(world: World) -> None:
    """To the key of whoever asks: else a service that was sent the token with its proof could free it of its key."""
    code = await world.code(ADA)
    subject = (await world.redeem(code, proof=Holder().sent())).access_token
    with refusal(OAuthRefusal, "invalid_request"):
        await swap(world, subject, "api", BILLING)
    exchanged = await swap(world, subject, "api", BILLING, sent=(sent := SERVICE.sent()))

    assert exchanged.token_type == "DPoP"
    assert claims_of(world, exchanged.access_token)["cnf"] == {"jkt": SERVICE.thumbprint}
    with refusal(OAuthRefusal, "invalid_dpop_proof"):
        await swap(world, subject, "api", BILLING, sent=sent)


async def test_a_free_token_may_be_exchanged_for_a_bound_one(world: World) -> None:
    """By a proof; the line of the ledger and the proof are one write."""
    subject = (await signed_in(world)).access_token
    world.forget()
    exchanged = await swap(world, subject, "api", BILLING, sent=SERVICE.sent())

    assert claims_of(world, exchanged.access_token)["cnf"] == {"jkt": SERVICE.thumbprint}
    assert [[type(change) for change in changes] for changes in world.store.writes] == [[TakeAssertion, Record]]


async def test_an_application_narrows_its_own_token_to_one_client(world: World) -> None:
    """One read. Nobody else acts, so there is no `act`; the attributes are those that this Client's policy releases."""
    subject = (await signed_in(world, "reports", scope=OFFLINE)).access_token
    world.forget()
    exchanged = await swap(world, subject, "reports", organization="globex")

    assert [name for name, *_ in world.store.received] == ["grant", "write"]
    claims = claims_of(world, exchanged.access_token)
    assert (claims["org_id"], claims["authorizations"]) == ("globex", {"globex": ["reports:read"]})
    assert (claims["aud"], claims["client_id"]) == ("https://reports.example", "reports")
    assert "act" not in claims and "name" not in claims
    assert world.event().client_org == "globex"


@pytest.mark.parametrize(
    ("scope", "attributes"), [("openid", set()), ("email", {"email"}), (" profile openid ", set())]
)
async def test_fewer_scopes_carry_fewer_attributes(world: World, scope: str, attributes: set[str]) -> None:
    """In the order of the subject token."""
    subject = (await signed_in(world)).access_token
    exchanged = await swap(world, subject, scope=scope)

    assert set(exchanged.scope.split()) == set(scope.split())
    assert claims_of(world, exchanged.access_token).keys() & {"email", "name"} == attributes


@pytest.mark.parametrize("wanted", TOKEN_TYPES)
async def test_a_session_jwt_is_an_access_token_and_a_jwt(world: World, wanted: str) -> None:
    """RFC 8693 section 3: either name will do, and is the answer's."""
    subject = (await signed_in(world)).access_token
    exchanged = await swap(world, subject, "api", BILLING, subject_token_type=wanted, requested_token_type=wanted)

    assert exchanged.issued_token_type == wanted


async def test_who_has_acted_before_stands_inside(world: World) -> None:
    """RFC 8693 section 4.1. The fourth in a row is refused."""
    token = (await signed_in(world)).access_token
    chain: dict[str, Any] = {}
    for name, audience in (("api", BILLING), ("billing", STORE), ("store", SHIPPING)):
        token = (await swap(world, token, name, audience)).access_token
        chain = {"sub": name, "act": chain} if chain else {"sub": name}
        assert claims_of(world, token)["act"] == chain
    again = await swap(world, token, "store", scope="openid")
    assert claims_of(world, again.access_token)["act"] == chain

    with refusal(OAuthRefusal, "invalid_request") as caught:
        await swap(world, token, "shipping", BILLING)
    assert caught.value.detail == "too many have acted"


@pytest.mark.parametrize(
    ("by", "code"), [("robot", "unauthorized_client"), ("crm", "unauthorized_client"), ("nobody", "invalid_client")]
)
async def test_it_is_off_until_an_application_is_registered_for_it(world: World, by: str, code: str) -> None:
    """G10-09."""
    subject = (await signed_in(world, "crm" if by == "crm" else "demo-app")).access_token if by != "crm" else "x"
    with refusal(OAuthRefusal, code):
        await swap(world, subject, by, scope="openid")
    assert not [event for event in world.events() if event.action == "exchange"]


async def test_a_public_application_gets_nothing_however_it_is_registered(world: World) -> None:
    """It cannot prove that it is the one it says it is."""
    with refusal(OAuthRefusal, "unauthorized_client"):
        await swap(world, (await signed_in(world)).access_token, "demo-app", organization="acme")


async def over(world: World, how: str) -> str:
    """A token that is not to be exchanged by `api`."""
    tokens = await signed_in(world, scope=OFFLINE)
    claims = claims_of(world, tokens.access_token)
    match how:
        case "none":
            return "a.b.c"
        case "ID token":
            return tokens.id_token
        case "refresh token":
            return tokens.refresh_token or ""
        case "somebody else's":
            return (await signed_in(world, "reports")).access_token
        case "an application's own":
            await world.declare(
                applications=SERVICES | {"api": SERVICES["api"] | {"grants": [GRANT, "client_credentials"]}}
            )
            return (await token_for_itself(proof("api"), None, None, world.ports)).access_token
        case "expired":
            world.clock.advance(LIFETIME)
        case "revoked":
            await world.store.write(
                RevokeGrant(grant_id=GrantId(claims["jti"].split(".")[0]), reason="revoked_by_application", at=NOW)
            )
        case "signed out":
            await world.store.write(
                EndSession(session_id=SessionId(claims["sid"]), user_id=UserId(claims["sub"]), at=NOW)
            )
        case "switched off":
            await world.store.write(SetUserStatus(user_id=UserId(claims["sub"]), status=UserStatus.SUSPENDED, at=NOW))
        case "application removed":
            await world.declare(applications={k: v for k, v in SERVICES.items() if k != "demo-app"})
        case "withdrawn":
            narrow = await swap(world, tokens.access_token, organization="acme")
            await world.declare(
                applications=SERVICES, clients=CLIENTS | {"acme": CLIENTS["acme"] | {"authorizations": []}}
            )
            return narrow.access_token
        case "seal broken":
            await world.damage(sealed_attributes=b"\x01\x01damaged")
    return tokens.access_token


@pytest.mark.parametrize(
    "how",
    [
        "none",
        "ID token",
        "refresh token",
        "somebody else's",
        "an application's own",
        "expired",
        "revoked",
        "signed out",
        "switched off",
        "application removed",
        "withdrawn",
        "seal broken",
    ],
)
async def test_a_token_that_is_over_or_not_theirs_is_not_exchanged(world: World, how: str) -> None:
    """G10-09, RFC 8693 section 2.2.2: one answer to all of them, and nothing is written but that a seal is broken."""
    subject = await over(world, how)
    world.forget()
    with refusal(OAuthRefusal, "invalid_request") as caught:
        await swap(world, subject, "api", BILLING, scope="openid email")

    assert caught.value.sentence == REFUSED
    assert [event.action for event in world.events()] == (["vault.open"] if how == "seal broken" else [])
    assert len(world.written) == (2 if how == "seal broken" else 0)


async def narrowed(world: World) -> ExchangedToken:
    """For billing, for acme, without the profile."""
    subject = (await signed_in(world, scope=OFFLINE)).access_token
    return await swap(world, subject, "api", BILLING, organization="acme", scope="openid email")


@pytest.mark.parametrize(
    ("by", "audiences", "asked", "code"),
    [
        ("billing", [STORE], {"organization": "globex"}, "invalid_request"),
        ("api", [SERVICES["api"]["audience"]], {"scope": "openid"}, "invalid_target"),
        ("billing", [SHIPPING], {}, "invalid_target"),
        ("billing", [""], {}, "invalid_target"),
        ("billing", [STORE, STORE], {}, "invalid_target"),
        ("billing", [STORE], {"scope": "openid email profile"}, "invalid_scope"),
        ("billing", [STORE], {"scope": "offline_access"}, "invalid_scope"),
        ("billing", [STORE], {"scope": " "}, "invalid_scope"),
        ("billing", [], {}, "invalid_request"),
        ("billing", [BILLING], {"organization": "acme", "scope": "email openid"}, "invalid_request"),
        ("billing", [STORE], {"by_actor": True}, "invalid_request"),
        ("billing", [STORE], {"subject_token_type": f"{KIND}:id_token"}, "invalid_request"),
        ("billing", [STORE], {"requested_token_type": f"{KIND}:refresh_token"}, "invalid_request"),
    ],
)  # fmt: skip
async def test_nothing_that_is_not_narrower_is_given(
    world: World, by: str, audiences: list[str], asked: dict[str, Any], code: str
) -> None:
    """In no direction; nor what the grant does not offer."""
    token = (await narrowed(world)).access_token
    world.forget()
    with refusal(OAuthRefusal, code):
        await swap(world, token, by, *audiences, **asked)

    assert world.written == []


async def test_a_token_on_its_way_to_one_service_is_not_turned_round_to_another(world: World) -> None:
    """Though its Application may ask for either."""
    subject = (await signed_in(world, "reports")).access_token
    there = (await swap(world, subject, "reports", BILLING)).access_token

    with refusal(OAuthRefusal, "invalid_request") as caught:
        await swap(world, there, "reports", STORE)
    assert caught.value.detail == "its audience was exchanged before"


async def test_without_audiences_a_service_narrows_within_its_own(world: World) -> None:
    """Absent means none."""
    await world.declare(applications=SERVICES | {"api": {**SERVICES["api"], "exchange_audiences": []}})
    subject = (await signed_in(world)).access_token

    with refusal(OAuthRefusal, "invalid_target"):
        await swap(world, subject, "api", BILLING)
    exchanged = await swap(world, subject, "api", SERVICES["api"]["audience"], organization="acme")
    assert claims_of(world, exchanged.access_token)["aud"] == SERVICES["api"]["audience"]


async def test_the_rights_are_those_of_now(world: World) -> None:
    """And so is the epoch by which services are told of changes."""
    subject = (await signed_in(world)).access_token
    await world.declare(applications=SERVICES, clients=CLIENTS | {"acme": CLIENTS["acme"] | {"authorizations": []}})
    claims = claims_of(world, (await swap(world, subject, "api", BILLING)).access_token)

    assert claims["authorizations"] == {"globex": ["reports:read"]}
    assert claims["epoch"] == claims_of(world, subject)["epoch"] + 1


async def test_what_is_not_in_the_ledger_is_not_handed_out(world: World) -> None:
    """The line is written first."""
    subject = (await signed_in(world)).access_token
    world.store.stop_before("write")

    with refusal(Fault, "storage_unavailable"):
        await swap(world, subject, "api", BILLING)


def test_a_token_is_not_shown() -> None:
    """In a log, say."""
    shown = ExchangedToken(
        access_token="canary", token_type="Bearer", issued_token_type=ACCESS_TOKEN, expires_in=1, scope=""
    )
    assert "canary" not in repr(shown)
