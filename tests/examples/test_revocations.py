"""The example that follows revocations, against the running broker."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import jwt
import pytest

from tests.examples import files
from tests.world.clock import RunningClock
from tests.world.plain_browser import PlainBrowser
from tests.world.world import World, open_world

pytestmark = pytest.mark.anyio

SECRET = "a-secret-that-the-service-has"
FOLLOWER = """
[applications.feed]
name = "Feed"
type = "confidential"
secret = { file = "feed-secret" }
grants = ["client_credentials"]
scopes = ["revocations"]
audience = "https://api.partner-ops.example"

[applications.page]
name = "Page"
type = "public"
redirect_uris = ["{application}/nowhere"]
post_logout_redirect_uris = ["{application}/"]
audience = "https://api.partner-ops.example"
first_party = true
"""
CLAIMS: dict[str, Any] = {
    "sub": "usr_1",
    "sid": "ses_1",
    "jti": "gnt_1.tok_1",
    "client_id": "app",
    "iat": 100,
    "epoch": 3,
    "authorizations": {"acme": ["reports:read"]},
}
UNTIL = 4_000_000_000


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path, clock=RunningClock()) as world:
        (tmp_path / "feed-secret").write_text(SECRET)
        await world.declare(FOLLOWER.replace("{application}", world.application))
        world.provider.consent_automatically("ada")
        yield world


@pytest.fixture
def feed(world: World) -> Iterator[Any]:
    """It follows."""
    feed = files.module("revocations").Revocations(world.issuer, "feed", SECRET)
    threading.Thread(target=feed.follow, daemon=True).start()
    yield feed
    feed.over.set()


async def test_who_signs_out_is_heard_of(world: World, feed: Any) -> None:
    """The session JWT was good, and is so no longer; another person's is."""
    with PlainBrowser() as browser:
        application = files.module("application").Application(world.issuer, "page", f"{world.application}/nowhere")
        url, trip = application.sign_in()
        came = browser.submit(browser.get(url), "/sign-in/google").url
        _, tokens = application.callback(str(came), trip)
        token = tokens["access_token"]
        claims, kid = jwt.decode(token, options={"verify_signature": False}), jwt.get_unverified_header(token)["kid"]
        await until(lambda: feed.knows(within=60))
        assert not feed.covers(claims, kid)
        assert browser.get(application.sign_out(tokens["id_token"], back := f"{world.application}/")).url == back

    await until(lambda: feed.covers(claims, kid))
    assert not feed.covers(CLAIMS, kid)


async def test_it_comes_back_to_where_it_was(world: World, feed: Any) -> None:
    """After the broker was away it sends the last id, and hears what it missed and no more."""
    await until(lambda: feed.cursor is not None)
    heard_at = feed.heard_at
    await anyio.to_thread.run_sync(world.restart, "broker")

    await until(lambda: feed.heard_at > heard_at)
    assert feed.cursor is not None


@pytest.mark.parametrize(
    ("notice", "covered"),
    [
        ({"claim": "sid", "value": "ses_1"}, True),
        ({"claim": "sid", "value": "ses_2"}, False),
        ({"claim": "sub", "value": "usr_1", "epoch": 4}, True),
        ({"claim": "sub", "value": "usr_1", "epoch": 3}, False),
        ({"claim": "jti", "value": "gnt_1"}, True),
        ({"claim": "jti", "value": "gnt_1.tok_1"}, True),
        ({"claim": "jti", "value": "gnt_1.tok_2"}, False),
        ({"claim": "client_id", "value": "app", "before": 100}, True),
        ({"claim": "client_id", "value": "app", "before": 99}, False),
        ({"claim": "org", "value": "acme"}, True),
        ({"claim": "org", "value": "globex"}, False),
        ({"claim": "kid", "value": "key_1"}, True),
    ],
)
def test_a_notice_means_what_its_page_says(notice: dict[str, Any], covered: bool) -> None:
    """docs/reference/revocations.md, row by row."""
    feed = files.module("revocations").Revocations("https://id.example", "feed", SECRET)
    feed._hold(notice | {"until": UNTIL})

    assert feed.covers(CLAIMS, "key_1") is covered


def test_a_snapshot_replaces_and_what_has_ended_is_forgotten() -> None:
    """So that it does not grow."""
    feed = files.module("revocations").Revocations("https://id.example", "feed", SECRET)
    feed._hold({"claim": "sid", "value": "ses_1", "until": UNTIL})
    feed._hear({"event": "snapshot", "id": "7", "data": '{"cursor": 7, "revoked": []}'})
    assert (feed.held, feed.cursor) == ({}, "7")

    feed._hold({"claim": "sid", "value": "ses_1", "until": 100})
    feed._hear({"event": "heartbeat", "data": '{"at": 200}'})
    assert feed.held == {}


def test_an_unknown_claim_is_a_notice_that_was_missed() -> None:
    """Nothing is known for sure until the tokens that it may have meant have expired."""
    feed = files.module("revocations").Revocations("https://id.example", "feed", SECRET)
    feed.heard_at = int(time.time())
    assert feed.knows(within=60)
    feed._hold({"claim": "colour", "value": "red", "until": UNTIL})

    assert not feed.knows(within=60)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for it. Raises `TimeoutError`."""
    with anyio.fail_after(30):
        while not holds():  # noqa: ASYNC110 - by a thread
            await anyio.sleep(0.05)
