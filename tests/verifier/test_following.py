"""Revocations over a real network: they arrive, also after the connection broke, and their absence is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from starlette.responses import Response

from partner_ops_verifier import Feed, TokenRefused, VerifierUnavailable
from tests.verifier.issuer import APPLICATION, KEYS, METADATA, REVOCATIONS, SECRET, TOKEN, LocalIssuer, local_issuer
from tests.verifier.kinds import KINDS, Asked, Kind, verifying

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("kind", KINDS)]

PATIENCE = 20.0


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    with local_issuer() as issuer:
        yield issuer


def feed(**options: Any) -> Feed:
    return Feed(application_id=APPLICATION, secret=SECRET, **options)


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    """Wait for it."""
    async with asyncio.timeout(PATIENCE):
        while not await happened():  # noqa: ASYNC110 - what is waited for happens in another thread
            await asyncio.sleep(0.01)


async def until_refused(verifier: Asked, token: str) -> None:
    async def is_refused() -> bool:
        try:
            await verifier.verify(token)
        except TokenRefused as refusal:
            return refusal.code == "revoked"
        return False

    await until(is_refused)


async def until_listening(issuer: LocalIssuer, times: int = 1) -> None:
    async def listens() -> bool:
        return len(issuer.resumed) >= times and issuer.listening > 0

    await until(listens)


async def until_open(verifier: Asked, token: str) -> None:
    async def is_open() -> bool:
        try:
            await verifier.verify(token)
        except VerifierUnavailable:
            return False
        return True

    await until(is_open)


async def until_closed(verifier: Asked, token: str) -> None:
    async def is_closed() -> bool:
        try:
            await verifier.verify(token)
        except VerifierUnavailable as problem:
            return problem.code == "revocations_unavailable"
        return False

    await until(is_closed)


async def test_a_revocation_arrives_and_ends_what_was_good(issuer: LocalIssuer, kind: Kind) -> None:
    """By session; the token of another session stays good."""
    mine, other = issuer.tokens.mint("usr_ada", sid="ses_1"), issuer.tokens.mint("usr_ada", sid="ses_2")
    async with verifying(kind, issuer.url, feed=feed()) as verifier:
        assert (await verifier.verify(mine)).id == "ses_1"
        await until_listening(issuer)
        issuer.revoke("sid", "ses_1")
        await until_refused(verifier, mine)
        assert (await verifier.verify(other)).id == "ses_2"

    assert issuer.credentials == [("reports", "a+secret%3A+with+%2B+all+%25+kinds+of+characters", "revocations")]


@pytest.mark.parametrize("claim", ["sub", "jti", "client_id", "org", "kid"])
async def test_everything_can_be_revoked(issuer: LocalIssuer, kind: Kind, claim: str) -> None:
    """By whatever a token says; a snapshot says so as well as an event."""
    issuer.tokens.key.kid = "key-1"
    token = issuer.tokens.mint("usr_ada", {"acme": ["x"]}, jti="token-1")
    value = {"sub": "usr_ada", "jti": "token-1", "client_id": "test-app", "org": "acme", "kid": "key-1"}[claim]
    async with verifying(kind, issuer.url, feed=feed()) as verifier:
        await verifier.verify(token)
        await until_listening(issuer)
        issuer.revoke(claim, value)
        await until_refused(verifier, token)
    async with verifying(kind, issuer.url, feed=feed()) as another:
        await until_refused(another, token)


async def test_a_client_can_be_revoked_that_is_not_in_the_token_itself(issuer: LocalIssuer, kind: Kind) -> None:
    """Where its Authorizations had to be fetched."""
    token = issuer.tokens.mint_by_reference("usr_ada", {"acme": ["x"], "globex": ["x"]})
    async with verifying(kind, issuer.url, feed=feed()) as verifier:
        await verifier.verify(token)
        await until_listening(issuer)
        issuer.revoke("org", "globex")
        await until_refused(verifier, token)


async def test_an_epoch_ends_older_tokens_alone(issuer: LocalIssuer, kind: Kind) -> None:
    """A right was withdrawn: the next token is good."""
    old, new = issuer.tokens.mint("usr_ada", epoch=4), issuer.tokens.mint("usr_ada", epoch=5)
    issuer.revoke("sub", "usr_ada", epoch=5)
    async with verifying(kind, issuer.url, feed=feed()) as verifier:
        await until_refused(verifier, old)
        assert (await verifier.verify(new)).epoch == 5


async def test_what_was_revoked_while_nobody_listened_arrives_afterwards(issuer: LocalIssuer, kind: Kind) -> None:
    """The connection goes on at its last event."""
    token = issuer.tokens.mint("usr_ada")
    async with verifying(kind, issuer.url, feed=feed()) as verifier:
        await verifier.verify(token)
        await until_listening(issuer)
        issuer.faults[REVOCATIONS] = lambda: Response(status_code=503)
        issuer.cut()
        issuer.revoke("sub", "usr_ada")
        issuer.faults.clear()
        await until_refused(verifier, token)

    assert issuer.resumed[:2] == [None, "100"]


async def test_who_was_away_for_too_long_gets_everything_anew(issuer: LocalIssuer, kind: Kind) -> None:
    """A cursor too old is answered by a snapshot, which takes the place of what was known."""
    one, two = issuer.tokens.mint("usr_1"), issuer.tokens.mint("usr_2")
    issuer.revoke("sub", "usr_1")
    async with verifying(kind, issuer.url, feed=feed()) as verifier:
        await until_refused(verifier, one)
        issuer.events.clear()
        issuer.revoke("sub", "usr_2")
        issuer.forget()
        issuer.cut()
        await until_refused(verifier, two)
        assert (await verifier.verify(one)).user == "usr_1"


async def test_a_token_for_the_feed_that_is_refused_is_replaced(issuer: LocalIssuer, kind: Kind) -> None:
    """And while it is good, it is used again."""
    token = issuer.tokens.mint("usr_ada")
    async with verifying(kind, issuer.url, feed=feed()) as verifier:
        await until_listening(issuer)
        issuer.cut()
        await until_listening(issuer, 2)
        assert len(issuer.credentials) == 1
        issuer.good_access = "another"
        issuer.cut()
        await until_listening(issuer, 3)
        issuer.revoke("sub", "usr_ada")
        await until_refused(verifier, token)

    assert len(issuer.credentials) == 2


async def test_an_open_verifier_goes_on_without_its_feed(issuer: LocalIssuer, kind: Kind) -> None:
    """By default; whoever has no access to the feed is warned in the log."""
    issuer.faults[TOKEN] = lambda: Response(status_code=401)
    async with verifying(kind, issuer.url, feed=feed()) as verifier:
        assert (await verifier.verify(issuer.tokens.mint("usr_ada"))).user == "usr_ada"


async def test_a_closed_verifier_is_closed_until_it_hears_and_when_it_hears_no_more(
    issuer: LocalIssuer, kind: Kind
) -> None:
    """Silence is no news; the next heartbeat opens it again."""
    token = issuer.tokens.mint("usr_ada")
    issuer.faults[REVOCATIONS] = lambda: Response(status_code=503)
    async with verifying(kind, issuer.url, feed=feed(closed_after=1.0)) as verifier:
        with pytest.raises(VerifierUnavailable):
            await verifier.verify(token)
        issuer.faults.clear()
        await until_open(verifier, token)
        issuer.silent = True
        await until_closed(verifier, token)
        issuer.silent = False
        await until_open(verifier, token)


async def test_an_outage_does_not_open_a_closed_verifier(issuer: LocalIssuer, kind: Kind) -> None:
    """Whatever the issuer answers instead."""
    token = issuer.tokens.mint("usr_ada")
    async with verifying(kind, issuer.url, feed=feed(closed_after=0.5)) as verifier:
        await until_open(verifier, token)
        for path in (REVOCATIONS, METADATA, KEYS, TOKEN):
            issuer.faults[path] = lambda: Response("<html>", status_code=200)
        issuer.cut()
        await until_closed(verifier, token)
        issuer.faults.clear()
        await until_open(verifier, token)


async def test_without_a_feed_nothing_is_followed(issuer: LocalIssuer, kind: Kind) -> None:
    """Keys are all that is asked for."""
    async with verifying(kind, issuer.url) as verifier:
        await verifier.verify(issuer.tokens.mint())

    assert set(issuer.asked) == {METADATA, KEYS}


async def test_closing_ends_the_connection(issuer: LocalIssuer, kind: Kind) -> None:
    """At once, though the feed says nothing."""
    issuer.silent = True
    async with verifying(kind, issuer.url, feed=feed()):
        await until_listening(issuer)
        begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < 5

    async def gone() -> bool:
        return issuer.listening == 0

    await until(gone)
