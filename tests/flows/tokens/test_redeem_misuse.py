"""Applications that do not prove themselves, and codes that are presented as they must not be."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.changes import RevokeGrant
from broker.domain.errors import OAuthRefusal
from broker.domain.grant import CODE_LIFETIME, CODE_REUSED, CodeMisused
from broker.flows.possession import ShownToken
from broker.flows.tokens.userinfo import userinfo
from tests.flows.refusals import refusal
from tests.flows.setting import NOW, SECRETS, VERIFIER
from tests.flows.world import World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("secret", [SECRETS["crm"], "crm-old-secret-canary"], ids=["the new one", "the old one"])
async def test_an_application_may_have_two_secrets_for_a_while(world: World, secret: str) -> None:
    """So that it can be given a new one without a pause."""
    with refusal(OAuthRefusal, "invalid_grant"):  # it has proven itself; the code is unknown
        await world.redeem("no-such-code", "crm", secret=secret)


@pytest.mark.parametrize(
    ("application", "secret"),
    [
        ("crm", None),
        ("crm", ""),
        ("crm", "wrong"),
        ("crm", SECRETS["reports"]),
        ("crm", SECRETS["crm"] + " "),
        ("demo-app", ""),
        ("demo-app", "anything"),
        ("elsewhere", None),
        ("elsewhere", SECRETS["crm"]),
        ("", None),
    ],
)
async def test_an_application_that_does_not_prove_itself_gets_nothing(
    world: World, application: str, secret: str | None
) -> None:
    """Unknown, without its secret, with another's; a public one that sends any. All sound the same."""
    code = await world.code()
    world.forget()

    for presented in (code, "no-such-code"):
        with refusal(OAuthRefusal, "invalid_client") as caught:
            await world.redeem(presented, application, secret=secret)
        assert (caught.value.sentence, caught.value.detail) == (
            "The application is unknown or its secret is wrong.",
            "",
        )
    assert world.written == []


async def test_an_application_has_to_be_registered_for_codes(world: World) -> None:
    """One that only asks in its own name may not redeem any."""
    with refusal(OAuthRefusal, "unauthorized_client"):
        await world.redeem("no-such-code", "robot")


@pytest.mark.parametrize("code", ["", "no-such-code", "ünicode"])
async def test_an_unknown_code_is_refused(world: World, code: str) -> None:
    """Nothing is burnt, and nothing written."""
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.redeem(code)

    assert world.written == []


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": ""},
        {"redirect_uri": "https://demo-app.example/callback/"},
        {"code_verifier": ""},
        {"code_verifier": "x" * 43},
        {"code_verifier": VERIFIER + "x"},
        {"application_id": "reports", "secret": SECRETS["reports"]},
    ],
    ids=["no redirect", "another redirect", "no verifier", "another", "a longer one", "another Application"],
)
async def test_a_code_that_is_presented_wrongly_is_burnt(world: World, changes: dict[str, Any]) -> None:
    """Whoever presents it so has stolen it: the right request comes too late (RFC 9700 section 4.5)."""
    code = await world.code()
    world.forget()

    with refusal(CodeMisused, "invalid_grant"):
        await world.redeem(code, **changes)
    with refusal(CodeMisused, "invalid_grant"):
        await world.redeem(code)
    event = world.event()
    (grant,) = world.store.tables.grants.values()
    assert (event.action, event.outcome, event.reason) == ("grant.revoke", "done", "code_misused")
    assert not grant.warns
    assert (event.application_id, event.object_id, event.request_id) == ("demo-app", grant.id, "")


@pytest.mark.parametrize("later", [0, 1, 30])
async def test_a_code_presented_again_ends_the_tokens_of_its_first_use(world: World, later: int) -> None:
    """At whatever time (RFC 6749 section 4.1.2)."""
    code = await world.code()
    tokens = await world.redeem(code)
    world.clock.advance(later)
    world.forget()

    with refusal(CodeMisused, "invalid_grant"):
        await world.redeem(code)
    with refusal(OAuthRefusal, "invalid_token"):
        await userinfo(ShownToken(text=tokens.access_token), world.ports)
    assert world.event().reason == "code_reused"


async def test_the_user_is_told_of_it_whoever_presented_it(world: World) -> None:
    """Somebody may have had the tokens, so another Application's attempt is told like the Application's own."""
    code = await world.code()
    await world.redeem(code)
    with refusal(CodeMisused, "invalid_grant"):
        await world.redeem(code, application_id="reports", secret=SECRETS["reports"])
    (grant,) = world.store.tables.grants.values()

    assert (grant.revoked_for, grant.warns) == (CODE_REUSED, True)


async def test_a_code_presented_a_third_time_changes_nothing_more(world: World) -> None:
    """It is refused, and whoever goes on presenting it does not fill the ledger."""
    code = await world.code()
    await world.redeem(code)
    with refusal(CodeMisused, "invalid_grant"):
        await world.redeem(code)
    world.forget()

    with refusal(CodeMisused, "invalid_grant"):
        await world.redeem(code)
    assert world.written == []


async def test_a_code_lives_for_a_minute(world: World) -> None:
    """And not a second more."""
    in_time, late = await world.code(), await world.code()
    world.clock.advance(CODE_LIFETIME - 1)
    await world.redeem(in_time)
    world.clock.advance(1)

    with refusal(CodeMisused, "invalid_grant"):
        await world.redeem(late)


@pytest.mark.parametrize("rival", ["redeems it", "revokes it"])
async def test_a_code_redeemed_meanwhile_gets_nobody_anything(world: World, rival: str) -> None:
    """Two at once is misuse too: the loser ends what the winner got, since nobody can tell which one was the thief."""
    code = await world.code()
    (grant,) = world.store.tables.grants.values()
    won: list[str] = []

    async def act() -> None:
        if rival == "redeems it":
            won.append((await world.redeem(code)).access_token)
        else:
            await world.store.write(RevokeGrant(grant_id=grant.id, reason="test", at=NOW))

    world.store.before("write", act)
    world.forget()
    with refusal(CodeMisused, "invalid_grant"):
        await world.redeem(code)
    for token in won:
        with refusal(OAuthRefusal, "invalid_token"):
            await userinfo(ShownToken(text=token), world.ports)
    assert [event.action for event in world.events()] == ["redeem"] * len(won) + ["grant.revoke"]
    assert world.store.tables.grants[grant.id].warns is bool(won)
