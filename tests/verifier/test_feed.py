"""Following revocations, without a network: what events mean, what is asked, and when silence is too long."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from partner_ops_verifier import Feed, VerifierUnavailable
from partner_ops_verifier.feed import LONGEST_WAIT, SHORTEST_WAIT, AccessToken, Following, access_token
from partner_ops_verifier.http import Answer, HttpFailed, Request
from partner_ops_verifier.published import Source
from tests.verifier.hands import NOW

ISSUER = "https://id.example"
SOURCE = Source(issuer=ISSUER)
ACCESS = AccessToken(text="access", good_until=1e9)
METADATA = {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/oauth/token"}
MARK = ("sub", "usr_1")


def following(**options: Any) -> Following:
    """A follower whose stream was just opened."""
    follower = Following(SOURCE, Feed(application_id="reports", secret="s", **options), leeway=10)
    follower.request(ACCESS)
    return follower


def event(kind: str, document: Any, cursor: object = None) -> bytes:
    line = "" if cursor is None else f"id: {cursor}\n"
    return f"{line}event: {kind}\ndata: {json.dumps(document)}\n\n".encode()


def entry(**more: Any) -> dict[str, Any]:
    return {"claim": "sub", "value": "usr_1", "until": NOW + 300} | more


def snapshot(*entries: Any, cursor: Any = 7) -> bytes:
    return event("snapshot", {"cursor": cursor, "revoked": list(entries)})


def revoked(follower: Following) -> bool:
    return follower.revoked.covers([MARK], None, NOW)


def test_a_snapshot_is_the_whole_set_and_events_add_to_it() -> None:
    """Each moves the cursor, at which the next connection goes on."""
    follower = following()
    assert "Last-Event-ID" not in follower.request(ACCESS).headers
    follower.received(snapshot(), NOW, 0.0)
    assert follower.request(ACCESS).headers["Last-Event-ID"] == "7"
    assert not revoked(follower)
    follower.received(event("revoked", entry(), 8), NOW, 0.0)

    assert revoked(follower)
    assert follower.request(ACCESS).headers["Last-Event-ID"] == "8"
    follower.received(snapshot(cursor=9), NOW, 0.0)
    assert not revoked(follower)


def test_what_is_asked_is_authorised_and_a_stream() -> None:
    """At the issuer's own address."""
    asked = following().request(ACCESS)

    assert asked.url == f"{ISSUER}/api/v1/revocations"
    assert asked.headers["Authorization"] == "Bearer access"
    assert asked.headers["Accept"] == "text/event-stream"
    assert "access" not in repr(asked)


def test_a_heartbeat_forgets_what_is_over() -> None:
    """The set is as large as what can still be presented."""
    follower = following()
    follower.received(snapshot(entry()), NOW, 0.0)
    follower.received(event("heartbeat", {"at": NOW}), NOW + 310, 0.0)
    assert len(follower.revoked) == 1
    follower.received(event("heartbeat", {"at": NOW}), NOW + 311, 0.0)
    assert len(follower.revoked) == 0


def test_an_unknown_kind_of_event_is_ignored() -> None:
    """A later broker may say more."""
    follower = following()
    follower.received(snapshot() + event("news", "anything", 12), NOW, 0.0)

    assert follower.cursor == 7


@pytest.mark.parametrize(
    "broken",
    [
        event("snapshot", []),
        event("snapshot", {}),
        event("snapshot", {"cursor": "7", "revoked": []}),
        event("snapshot", {"cursor": 7, "revoked": {}}),
        event("snapshot", {"cursor": 7, "revoked": [7]}),
        event("snapshot", {"cursor": 7, "revoked": [{}]}),
        event("revoked", entry()),
        event("revoked", entry(), "eight"),
        event("revoked", entry(), "8.5"),
        event("revoked", entry(), "-8"),
        event("revoked", {}, 8),
        event("revoked", entry(until=None), 8),
        b"id: 8\nevent: revoked\ndata: {\n\n",
        b"id: 8\nevent: revoked\ndata: \xff\n\n",
        b"data: " + b"a" * 2000 + b"\n\n",
    ],
)
def test_what_cannot_be_read_makes_it_begin_anew(broken: bytes) -> None:
    """The connection ends, and the next one asks for everything; what was known stays known."""
    follower = following(most=2)
    follower.received(snapshot(entry()), NOW, 0.0)
    follower.request(ACCESS)

    with pytest.raises(HttpFailed, match="cannot be read"):
        follower.received(broken, NOW, 0.0)
    assert follower.cursor is None
    assert "Last-Event-ID" not in follower.request(ACCESS).headers
    assert revoked(follower)


def test_open_is_the_default_and_bears_any_silence() -> None:
    """Without a feed, tokens are good until they expire."""
    following().check(NOW, 1e9)


def test_closed_bears_silence_for_so_long() -> None:
    """Not before the whole set was heard either; any event is a word."""
    follower = following(closed_after=30)

    def check(at: float) -> None:
        follower.check(NOW, at)

    def closed(at: float) -> None:
        with pytest.raises(VerifierUnavailable) as unavailable:
            check(at)
        assert unavailable.value.code == "revocations_unavailable"

    closed(0.0)
    follower.received(event("heartbeat", {"at": NOW}), NOW, 0.0)
    closed(0.0)
    follower.received(snapshot(), NOW, 10.0)
    check(40.0)
    closed(40.1)
    follower.received(event("heartbeat", {"at": NOW}), NOW, 50.0)
    check(80.0)
    follower.received(event("revoked", entry(), 8), NOW, 70.0)
    check(100.0)
    closed(100.1)


def test_closed_is_closed_while_more_was_revoked_than_is_held() -> None:
    """And open all the same where the service chose so."""
    for closed_after in (30, None):
        follower = following(closed_after=closed_after, most=1)
        follower.received(snapshot(entry(), entry(value="usr_2", until=NOW + 100)), NOW, 0.0)
        if closed_after is None:
            follower.check(NOW, 0.0)
            continue
        with pytest.raises(VerifierUnavailable):
            follower.check(NOW, 0.0)
        follower.check(NOW + 111, 0.0)


def test_waits_grow_and_are_never_all_the_same() -> None:
    """So that an issuer that comes back is not met by everybody at once."""
    follower = following()
    waits = [follower.wait() for _ in range(12)]

    assert SHORTEST_WAIT / 2 <= waits[0] <= SHORTEST_WAIT
    assert all(LONGEST_WAIT / 2 <= wait <= LONGEST_WAIT for wait in waits[7:])
    assert len(set(waits)) > 6
    follower.received(snapshot(), NOW, 0.0)
    assert follower.wait() <= SHORTEST_WAIT


def test_a_token_is_kept_until_it_is_nearly_over_or_refused() -> None:
    """One for many connections."""
    follower = following()
    follower.request(AccessToken(text="access", good_until=100.0))

    assert follower.access(99.9) is not None
    assert follower.access(100.0) is None
    follower.opened(200)
    for status in (500, 302, 204):
        with pytest.raises(HttpFailed):
            follower.opened(status)
        assert follower.access(0.0) is not None
    with pytest.raises(HttpFailed):
        follower.opened(401)
    assert follower.access(0.0) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"application_id": ""},
        {"secret": ""},
        {"most": 0},
        {"closed_after": 0},
        {"closed_after": -1},
        {"closed_after": float("inf")},
        {"closed_after": float("nan")},
    ],
)
def test_a_feed_that_could_not_be_right_is_not_made(wrong: dict[str, Any]) -> None:
    """At the start of a service; an empty secret is often a variable that nobody set."""
    with pytest.raises(ValueError, match="feed"):
        Feed(**{"application_id": "reports", "secret": "s"} | wrong)


def test_the_secret_is_sent_to_the_issuer_alone() -> None:
    """Also where keys may lie elsewhere."""
    source = Source(issuer=ISSUER, trusted_origins=("https://keys.example",))
    steps = access_token(source, Feed(application_id="a", secret="s"), 0.0)
    next(steps)
    with pytest.raises(HttpFailed, match="token_endpoint"):
        steps.send(_json(METADATA | {"token_endpoint": "https://keys.example/oauth/token"}))


def asked_for(answer: Any, feed: Feed | None = None) -> tuple[Request, AccessToken]:
    """The token request, and what came of the answer."""
    steps = access_token(SOURCE, feed or Feed(application_id="a:b", secret="s+ %ä"), 1000.0)
    next(steps)
    asked = steps.send(Answer(status=200, headers={}, body=json.dumps(METADATA).encode()))
    try:
        steps.send(answer if isinstance(answer, Answer) else _json(answer))
    except StopIteration as done:
        return asked, done.value
    raise AssertionError("it asks for more")


def _json(document: Any) -> Answer:
    return Answer(status=200, headers={}, body=json.dumps(document).encode())


def test_a_token_is_asked_for_by_client_credentials() -> None:
    """Name and secret are encoded before they are joined (RFC 6749 section 2.3.1); neither is in a repr."""
    asked, token = asked_for({"access_token": "t", "token_type": "bearer", "expires_in": 300})

    assert (asked.url, asked.body) == (f"{ISSUER}/oauth/token", b"grant_type=client_credentials&scope=revocations")
    basic = base64.b64decode(asked.headers["Authorization"].removeprefix("Basic "))
    assert basic == b"a%3Ab:s%2B+%25%C3%A4"
    assert (token.text, token.good_until) == ("t", 1240.0)
    assert "'t'" not in repr(token)
    assert "s+" not in repr(Feed(application_id="a", secret="s+ %ä"))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=401, headers={}, body=b'{"error": "invalid_client"}'),
        Answer(status=200, headers={}, body=b"token"),
        {},
        {"access_token": 7, "token_type": "Bearer"},
        {"access_token": "a\r\nb", "token_type": "Bearer"},
        {"access_token": "ä", "token_type": "Bearer"},
        {"access_token": "t", "token_type": "DPoP"},
        {"access_token": "t"},
        {"access_token": "t", "token_type": "Bearer", "expires_in": "300"},
    ],
)
def test_what_is_no_token_answer_is_none(answer: Any) -> None:
    """And nothing of it is sent anywhere."""
    with pytest.raises(HttpFailed):
        asked_for(answer)
