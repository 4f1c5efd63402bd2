"""The feed over a real socket: who may follow, what they are told and when, and how it ends."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

import httpx2
import pytest

from broker.domain.changes import Announce, RemoveApplication
from broker.domain.revocation import Claim, Notice
from broker.web import events, feed
from tests.fakes.clock import SettableClock
from tests.flows.setting import NOW
from tests.flows.world import World, open_world
from tests.web.following import FEED, PATH, PATIENCE, Broker, CountedStore, document_of, following, notice_of, served

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> World:
    return await open_world()


@pytest.fixture
async def store(world: World) -> CountedStore:
    return CountedStore(world.store)


@pytest.fixture
async def broker(world: World, store: CountedStore) -> AsyncIterator[Broker]:
    async with served(replace(world.ports, store=store)) as broker:
        yield broker


def session(number: int, *, until: int = NOW + 300) -> Notice:
    return Notice(claim=Claim.SID, value=f"ses_{number}", until=until)


async def announce(broker: Broker, *notices: Notice) -> None:
    await broker.ports.store.write(*(Announce(notice=one) for one in notices))


async def test_whoever_knows_nothing_gets_a_snapshot_and_then_what_comes(broker: Broker) -> None:
    """In their order, each under its cursor, to the letter of the contract."""
    every = Notice(claim=Claim.SUB, value="usr_ada", epoch=3, before=NOW, until=NOW + 330)
    await announce(broker, session(1), session(2, until=NOW), every)
    async with following(broker) as stream:
        snapshot = await stream.event()
        await announce(broker, session(4), every)
        fourth, fifth = await stream.events(2)

    assert (snapshot.kind, snapshot.last_id) == ("snapshot", "3")
    assert notice_of(snapshot) == {"cursor": 3, "revoked": [document_of(session(1)), document_of(every)]}
    assert [(one.kind, one.last_id) for one in (fourth, fifth)] == [("revoked", "4"), ("revoked", "5")]
    assert notice_of(fourth) == {"claim": "sid", "value": "ses_4", "until": NOW + 300}
    assert notice_of(fifth) == document_of(every)


async def test_the_answer_is_a_stream_that_nothing_in_between_keeps_back(broker: Broker) -> None:
    """WHATWG HTML section 9.2; nginx's own header; no length, no compression, nothing stored."""
    async with following(broker) as stream:
        headers = stream.answer.headers

    assert headers["Content-Type"] == "text/event-stream"
    assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-store", "no")
    assert "Content-Length" not in headers and "Content-Encoding" not in headers
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_head_is_answered_without_a_stream(broker: Broker) -> None:
    """With the same type, and nobody follows afterwards."""
    async with httpx2.AsyncClient() as http:
        answer = await http.head(broker.url + PATH, headers={"Authorization": f"Bearer {broker.token()}"})

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream")
    assert broker.metric("broker_followers") == 0


async def test_whoever_comes_back_misses_nothing_and_hears_nothing_twice(broker: Broker) -> None:
    """With the last cursor; after the break others came."""
    await announce(broker, session(1), session(2))
    async with following(broker) as stream:
        await stream.event()
        await announce(broker, session(3))
        third = await stream.event()
    await announce(broker, session(4), session(5))
    async with following(broker, last=third.last_id) as stream:
        missed = await stream.events(2)
        await announce(broker, session(6))
        missed.append(await stream.event())
    async with following(broker, last=missed[-1].last_id) as stream:
        beat = await stream.event(beats=True)

    assert [notice_of(one)["value"] for one in missed] == ["ses_4", "ses_5", "ses_6"]
    assert [one.last_id for one in missed] == ["4", "5", "6"]
    assert (beat.kind, notice_of(beat)) == ("heartbeat", {"at": NOW})


@pytest.mark.parametrize("last", ["", "0", "99", "-1", "1.0", "abc", "9" * 19, "9" * 40, "\u0661"])
async def test_a_cursor_that_is_not_known_is_answered_with_a_snapshot(broker: Broker, last: str) -> None:
    """Of another database, too old, or nonsense."""
    await announce(broker, session(1))
    headers = [(b"Authorization", f"Bearer {broker.token()}".encode()), (b"Last-Event-ID", last.encode())]
    async with httpx2.AsyncClient() as http, http.stream("GET", broker.url + PATH, headers=headers) as answer:
        first = await anext(aiter(answer.aiter_raw()))

    assert first.startswith(b"id: 1\nevent: snapshot\n")


REFUSED = {
    "no token": ({}, 401, "no_token"),
    "no bearer": ({"Authorization": "Basic YTpi"}, 401, "no_token"),
    "nonsense": ({"Authorization": "Bearer nonsense"}, 401, "invalid_token"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_nobody_follows_without_a_token(broker: Broker, case: str) -> None:
    """RFC 6750 section 3.1, as problem+json."""
    headers, status, code = REFUSED[case]
    async with httpx2.AsyncClient() as http:
        answer = await http.get(broker.url + PATH, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_another_scope_is_not_enough(broker: Broker) -> None:
    """403, and which scope it takes."""
    async with httpx2.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {broker.token(scope='openid email')}"}
        answer = await http.get(broker.url + PATH, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert 'Bearer realm="api", error="insufficient_scope", scope="revocations"' in answer.headers["WWW-Authenticate"]


async def test_while_nobody_follows_the_database_is_left_alone(broker: Broker, store: CountedStore) -> None:
    """Before the first, and after the last; one looks for all."""
    await asyncio.sleep(3 * feed.EVERY)
    assert store.asked == 0
    async with following(broker) as one, following(broker) as two, following(broker) as three:
        before, began = store.asked, time.monotonic()
        await asyncio.sleep(5 * feed.EVERY)
        looks = (time.monotonic() - began) / feed.EVERY
        assert 0 < store.asked - before <= looks + 1
        assert broker.metric("broker_followers") == 3
        await announce(broker, session(1))
        assert {(await stream.event()).kind for stream in (one, two, three)} == {"snapshot"}
        assert {(await stream.event()).last_id for stream in (one, two, three)} == {"1"}
    await until_nobody_follows(broker)
    asked = store.asked
    await asyncio.sleep(3 * feed.EVERY)
    assert store.asked == asked


async def until_nobody_follows(broker: Broker) -> None:
    async with asyncio.timeout(5):
        while broker.metric("broker_followers") > 0:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.01)


async def test_a_stream_ends_with_its_token(broker: Broker) -> None:
    """Cleanly, so that the follower comes back with another one, from where it was."""
    now = broker.ports.clock.now()
    began = time.monotonic()
    async with following(broker, token=broker.token(exp=now + 1)) as stream:
        await stream.event()
        assert await stream.ends() == []

    assert time.monotonic() - began < 5
    await until_nobody_follows(broker)
    assert broker.metric('broker_follows_ended_total{end="expired"}') == 1


async def test_a_stream_ends_when_its_application_is_removed(broker: Broker) -> None:
    """That is the last which it is told."""
    async with following(broker) as stream:
        await stream.event()
        await announce(broker, session(1))
        gone = RemoveApplication(application_id=FEED, at=NOW)
        await broker.ports.store.write(gone)
        rest = await stream.ends()

    assert [notice_of(one)["value"] for one in rest] == ["ses_1", "feed"]
    await until_nobody_follows(broker)
    assert broker.metric('broker_follows_ended_total{end="revoked"}') == 1


async def test_a_revoked_token_that_comes_again_is_told_so_and_sent_away(broker: Broker) -> None:
    """By the snapshot itself."""
    await announce(broker, Notice(claim=Claim.JTI, value="tok_1", until=NOW + 300))
    async with following(broker) as stream:
        await stream.event()
        assert await stream.ends() == []


async def test_a_shutdown_ends_every_stream_at_once(world: World) -> None:
    """Though requests in flight would have half a minute."""
    async with served(world.ports) as broker, following(broker) as one, following(broker) as two:
        await one.event()
        await two.event()
        began = time.monotonic()
        broker.stop()
        assert (await one.ends(), await two.ends()) == ([], [])
        seconds = time.monotonic() - began

    assert seconds < 5
    assert broker.metric('broker_follows_ended_total{end="shutdown"}') == 2


async def test_whoever_asks_while_the_process_ends_is_told_what_is_in_force(broker: Broker) -> None:
    """And nothing more."""
    await announce(broker, session(1))
    broker.feed.end()
    async with following(broker) as stream:
        assert notice_of(await stream.event())["revoked"] == [document_of(session(1))]
        assert await stream.ends() == []


async def test_a_stream_is_measured_by_its_beginning(broker: Broker) -> None:
    """However long it lasts, it is a request that was answered at once; what it told is counted when it ends."""
    await announce(broker, session(1))
    async with following(broker) as stream:
        await stream.event()
        await asyncio.sleep(0.6)
        answered = broker.metric('broker_requests_total{route="revocations",status="200"}')
    await until_nobody_follows(broker)

    assert answered == 1
    assert broker.metric('broker_request_seconds_bucket{le="0.5",route="revocations"}') == 1
    assert broker.metric('broker_requests_total{route="revocations",status="200"}') == 1
    assert broker.metric('broker_follows_ended_total{end="gone"}') == 1
    assert broker.metric("broker_notices_told_total") == 1


async def test_a_follower_who_does_not_read_is_cut_off(broker: Broker) -> None:
    """The others go on; what waited for it is let go; it comes back with its cursor."""
    place = urlsplit(broker.url)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(slow, (place.hostname, place.port))
    request = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {broker.token()}\r\n\r\n"
    await loop.sock_sendall(slow, request.encode())
    long = "v" * 4000  # what the sockets hold is soon full
    async with following(broker) as quick:
        await quick.event()
        async with asyncio.timeout(10 * PATIENCE):
            sent = heard = 0
            while broker.metric('broker_follows_ended_total{end="slow"}') == 0:
                many = feed.QUEUE // 2
                await announce(broker, *(Notice(claim=Claim.SID, value=long, until=NOW + 300) for _ in range(many)))
                sent += many
                while heard < sent:
                    await quick.event()
                    heard += 1
            while broker.metric("broker_followers") != 1:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.01)
    slow.close()


async def test_more_followers_than_there_is_room_for_are_sent_elsewhere(broker: Broker) -> None:
    """503 with `Retry-After`; a place that becomes free can be taken."""
    broker.feed._places = feed.FOLLOWERS
    async with httpx2.AsyncClient() as http:
        answer = await http.get(broker.url + PATH, headers={"Authorization": f"Bearer {broker.token()}"})
    assert (answer.status_code, answer.json()["code"]) == (503, "feed_full")
    assert int(answer.headers["Retry-After"]) > 0
    broker.feed._places = 0
    async with following(broker) as stream:
        assert (await stream.event()).kind == "snapshot"


async def test_without_the_database_there_are_no_heartbeats(broker: Broker, store: CountedStore) -> None:
    """They say that everything was told; and once it answers again, what came meanwhile is."""
    async with following(broker) as stream:
        await stream.event()
        assert broker.feed.complete_until == NOW
        store.down = True
        await asyncio.sleep(12 * feed.EVERY)
        assert broker.feed.complete_until is None
        await announce(broker, session(1))
        store.down = False
        assert (await stream.event()).last_id == "1"
        assert broker.feed.complete_until == NOW


def test_heartbeats_come_every_fifteen_seconds() -> None:
    """As the contract says; a verifier may close itself after a few that did not come."""
    assert events.HEARTBEAT_EVERY == 15
    assert events.heartbeat(SettableClock(NOW).now()) == f'event: heartbeat\ndata: {{"at":{NOW}}}\n\n'.encode()
