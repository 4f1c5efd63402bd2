"""The outbox: an Application is told of Sessions that have ended until it knows (Back-Channel Logout 1.0)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jwt
import pytest

from broker.crypto.signing_keys import generate
from broker.domain.changes import RemoveApplication, RetryLogout, SetUserStatus
from broker.domain.errors import Fault
from broker.domain.ids import ApplicationId
from broker.domain.ledger import AuditEvent
from broker.domain.logout import EVENT, GIVE_UP_AFTER, LIFETIME, LogoutResult, PendingLogout
from broker.domain.outbox import FIRST_RETRY
from broker.domain.user import UserStatus
from broker.flows.sessions.deliver import deliver_logouts
from broker.flows.sessions.sign_out import sign_out
from tests.crypto.examples import loaded
from tests.fakes.applications import ScriptedApplications
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, APPLICATIONS, ISSUER, NOW
from tests.flows.texts import answer_of
from tests.flows.world import World

pytestmark = pytest.mark.anyio

REPORTS = ApplicationId("reports")
URL = "https://reports.example/logout"
FIRST_WAIT = 2 * FIRST_RETRY
OWN = loaded(generate("EdDSA"))


async def signed_out(world: World) -> PendingLogout:
    """Ada was at reports, and has signed out; what reports is yet to be told."""
    await world.declare(applications=APPLICATIONS | {REPORTS: APPLICATIONS[REPORTS] | {"backchannel_logout_uri": URL}})
    finished = await world.sign_in(ADA, await world.request(REPORTS))
    await world.redeem(answer_of(finished.url)["code"], REPORTS)
    signed_in = await world.session_of(finished)
    await sign_out({}, signed_in, world.ports, confirmed=True, request_id="req-out")
    world.forget()
    (pending,) = [p for p in stored(world) if p.session_id == signed_in.session.id]
    return pending


def stored(world: World) -> Sequence[PendingLogout]:
    """As they are now."""
    return tuple(world.store.tables.pending_logouts.values())


def claims_of(world: World, token: str) -> dict[str, Any]:
    """Of a logout token of ours that is good now."""
    claims = world.signer.verify(token, typ="logout+jwt", audience=REPORTS, now=world.clock.now())
    assert claims is not None
    return claims


async def deliver(world: World, applications: ScriptedApplications) -> Sequence[LogoutResult]:
    """One run."""
    return await deliver_logouts(REPORTS, applications, world.ports)


async def test_an_application_is_told_once(world: World) -> None:
    """By a logout token with the claims of section 2.4 and no others; the ledger has one line."""
    applications, pending = ScriptedApplications(), await signed_out(world)

    assert await deliver(world, applications) == [LogoutResult.DELIVERED]
    ((url, token),) = applications.told
    claims = claims_of(world, token)
    assert (url, claims.pop("jti") != "") == (URL, True)
    assert claims == {
        "iss": ISSUER,
        "sub": pending.user_id,
        "aud": "reports",
        "iat": NOW,
        "exp": NOW + LIFETIME,
        "events": {EVENT: {}},
        "sid": pending.session_id,
    }
    assert world.event() == AuditEvent(
        at=NOW,
        action="session.tell_application",
        outcome="done",
        reason="delivered",
        user_id=pending.user_id,
        application_id=REPORTS,
        object_id=pending.session_id,
    )
    assert await deliver(world, applications) == []


async def test_a_suspended_user_is_signed_out_everywhere(world: World) -> None:
    """Without `sid`, which means every session that the Application has with this person (section 2.4)."""
    applications = ScriptedApplications()
    await signed_out(world)
    await deliver(world, applications)
    ada = await world.known(ADA)
    assert ada is not None
    await world.redeem(await world.code(ADA, REPORTS), REPORTS)
    await world.store.write(SetUserStatus(user_id=ada.user.id, status=UserStatus.SUSPENDED, at=NOW))

    assert await deliver(world, applications) == [LogoutResult.DELIVERED]
    claims = claims_of(world, applications.told[-1][1])
    assert (claims["sub"], "sid" in claims) == (ada.user.id, False)


async def test_an_application_that_does_not_answer_is_told_later(world: World) -> None:
    """Later and later, each time by a token of its own, until it answers."""
    applications, _ = ScriptedApplications(), await signed_out(world)
    applications.answers[URL] = LogoutResult.PENDING
    waits = []
    for _ in range(4):
        assert await deliver(world, applications) == [LogoutResult.PENDING]
        assert await deliver(world, applications) == []
        waits.append(stored(world)[0].next_try_at - world.clock.now())
        world.clock.advance(waits[-1])
    applications.answers.clear()

    assert await deliver(world, applications) == [LogoutResult.DELIVERED]
    assert waits == [FIRST_WAIT * 2**n for n in range(4)]
    assert len({jwt.decode(token, options={"verify_signature": False})["jti"] for _, token in applications.told}) == 5
    assert claims_of(world, applications.told[-1][1])["iat"] == world.clock.now()
    assert len(world.events()) == 1


@pytest.mark.parametrize(
    ("answer", "after", "reason"),
    [(LogoutResult.REFUSED, 0, "refused"), (LogoutResult.PENDING, GIVE_UP_AFTER, "given_up")],
)
async def test_it_is_over_when_the_application_refuses_or_a_day_has_passed(
    world: World, answer: LogoutResult, after: int, reason: str
) -> None:
    """Nobody is asked again, and the ledger says that it failed."""
    applications, _ = ScriptedApplications(), await signed_out(world)
    applications.answers[URL] = answer
    world.clock.advance(after)

    assert await deliver(world, applications) == [LogoutResult(reason)]
    assert (world.event().outcome, world.event().reason) == ("failed", reason)
    world.clock.advance(GIVE_UP_AFTER)
    assert await deliver(world, applications) == []


@pytest.mark.parametrize("gone", ["application", "its address"])
async def test_who_cannot_be_told_any_more_is_not(world: World, gone: str) -> None:
    """The Application was removed, or asks no more."""
    applications, _ = ScriptedApplications(), await signed_out(world)
    if gone == "application":
        await world.store.write(RemoveApplication(application_id=REPORTS, at=NOW))
    else:
        await world.declare()

    world.forget()
    assert await deliver(world, applications) == [LogoutResult.GIVEN_UP]
    assert applications.told == []


async def test_two_processes_at_once_tell_it_once(world: World) -> None:
    """Whoever claims it."""
    applications, pending = ScriptedApplications(), await signed_out(world)
    world.store.before("write", lambda: deliver(world, applications))

    assert await deliver(world, applications) == []
    assert len(applications.told) == 1
    assert [p.tries for p in stored(world) if p.about == pending.about] == [1]


async def test_one_that_fails_does_not_cut_the_others_short(world: World) -> None:
    """The store went away for one claim; the other is told, and the first one at the next run."""
    applications, first = ScriptedApplications(), await signed_out(world)
    second = await signed_out(world)

    async def down() -> None:
        raise Fault("storage_unavailable", "The service cannot reach its storage at the moment.")

    world.store.before("write", down)
    with refusal(Fault, "storage_unavailable"):
        await deliver(world, applications)
    assert len(applications.told) == 1
    assert await deliver(world, applications) == [LogoutResult.DELIVERED]
    assert {first.result, second.result} == {LogoutResult.PENDING}


async def test_a_try_that_died_is_made_again(world: World) -> None:
    """Between claim and answer the process was killed: the claim runs out."""
    applications, pending = ScriptedApplications(), await signed_out(world)
    await world.store.write(
        RetryLogout(about=pending.about, application_id=REPORTS, expected_tries=0, next_try_at=NOW + FIRST_WAIT)
    )
    assert await deliver(world, applications) == []
    world.clock.advance(FIRST_WAIT)

    assert await deliver(world, applications) == [LogoutResult.DELIVERED]


async def test_the_algorithm_is_the_applications(world: World) -> None:
    """As with its other tokens."""
    applications, _ = ScriptedApplications(), await signed_out(world)
    world.signer.use([*world.signer.keys, OWN])
    known = world.store.tables.applications[REPORTS]
    world.store.tables.applications[REPORTS] = replace(known, signing_algorithm="EdDSA")
    await deliver(world, applications)

    assert jwt.get_unverified_header(applications.told[0][1]) == {"alg": "EdDSA", "kid": OWN.kid, "typ": "logout+jwt"}
