"""The demo's outgoing calls, against the demo Provider on a real socket, which can misbehave on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from broker.demo.calls import Answer, Unreachable, call
from tests.demo.provider.software import REGISTRATION, Software
from tests.servers.asgi import serving
from tests.servers.port import free_port


@pytest.fixture
def software() -> Software:
    return Software()


@pytest.fixture
def url(software: Software) -> Iterator[str]:
    with serving(software.provider.app) as url:
        yield url


def test_a_get_brings_json(url: str) -> None:
    """Status and body."""
    answer = asyncio.run(call(f"{url}/oauth2/v3/certs"))

    assert answer.status == 200
    assert len(answer.json()["keys"]) == 1


def test_a_form_is_posted_and_a_bearer_token_goes_in_the_header(software: Software, url: str) -> None:
    """Errors are answers too."""
    form = {
        "grant_type": "authorization_code",
        "code": "x",
        "client_id": REGISTRATION.client_id,
        "client_secret": REGISTRATION.client_secret,
    }
    token = software.sign_in()["access_token"]

    posted = asyncio.run(call(f"{url}/token", form=form))
    fetched = asyncio.run(call(f"{url}/v1/userinfo", bearer=token))

    assert (posted.status, posted.json()["error"]) == (400, "invalid_grant")
    assert fetched.json()["email"] == "ada@acme.example"


def test_a_redirect_is_not_followed(software: Software, url: str) -> None:
    """It is an answer like any other, and nobody goes there."""
    software.provider.faults_at["token"] = "redirect"

    assert asyncio.run(call(f"{url}/token", form={"code": "x"})).status == 302
    assert software.provider.requests["redirected"] == 0


def test_an_endless_answer_is_cut_off(software: Software, url: str) -> None:
    """At a quarter of a mebibyte."""
    software.provider.faults_at["token"] = "endless_body"

    with pytest.raises(Unreachable):
        asyncio.run(call(f"{url}/token", form={"code": "x"}))


def test_nobody_there_is_unreachable() -> None:
    """Refused connections and unknown hosts."""
    for url in (f"http://127.0.0.1:{free_port()}/", "http://nobody.invalid/"):
        with pytest.raises(Unreachable):
            asyncio.run(call(url))


@pytest.mark.parametrize("body", [b"", b"<p>", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_what_is_not_a_json_object_is_no_answer(body: bytes) -> None:
    """Whatever its status says."""
    with pytest.raises(Unreachable):
        Answer(status=200, body=body).json()


def test_an_answer_does_not_show_its_body() -> None:
    """There may be tokens in it."""
    assert "secret" not in repr(Answer(status=200, body=b'{"access_token": "secret"}'))
