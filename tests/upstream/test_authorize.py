"""The authorize request: what each Provider is told beyond what all are."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from broker.domain.attempt import Purpose
from tests.fakes.providers.github import FakeGitHub
from tests.fakes.providers.google_like import FakeGoogle
from tests.fakes.providers.microsoft import FakeEntra
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.provider import FakeProvider
from tests.fakes.providers.trip import trip_to

pytestmark = pytest.mark.anyio


async def sent(kind: type[FakeProvider], *, purpose: Purpose = Purpose.SIGN_IN, **said: Any) -> dict[str, str]:
    async with trip_to(kind) as trip:
        asked: dict[str, Any] = {"login_hint": None, "prompt_login": False} | said
        url = await trip.gateway.authorize_url(trip.attempt("email", purpose=purpose), **asked)
        pairs = parse_qsl(urlsplit(url).query, strict_parsing=True)
        assert len(pairs) == len(dict(pairs))
        return dict(pairs)


ALL = {"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"}


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (FakeGoogle, {"nonce", "access_type"}),
        (FakeEntra, {"nonce"}),
        (FakeGitHub, set()),
        (FakeOpenIdProvider, {"nonce"}),
    ],
)
async def test_nothing_is_sent_that_is_not_needed(kind: type[FakeProvider], more: set[str]) -> None:
    """Nor twice."""
    assert (await sent(kind)).keys() == ALL | more


@pytest.mark.parametrize(
    ("kind", "login", "connect", "both"),
    [
        (FakeGoogle, "select_account", "consent", "select_account consent"),
        (FakeEntra, "login", "consent", "login consent"),
        (FakeGitHub, "select_account", None, "select_account"),
        (FakeOpenIdProvider, "login", None, "login"),
    ],
)
async def test_a_provider_is_asked_to_ask(
    kind: type[FakeProvider], login: str | None, connect: str | None, both: str | None
) -> None:
    """In its own words: who it is, or whether to allow lasting access."""
    connecting = {"purpose": Purpose.CONNECT}

    assert (await sent(kind, prompt_login=True)).get("prompt") == login
    assert (await sent(kind, **connecting)).get("prompt") == connect
    assert (await sent(kind, prompt_login=True, **connecting)).get("prompt") == both


@pytest.mark.parametrize(
    ("kind", "told"), [(FakeGoogle, True), (FakeEntra, True), (FakeGitHub, False), (FakeOpenIdProvider, True)]
)
async def test_a_hint_is_handed_on_where_it_is_understood(kind: type[FakeProvider], told: bool) -> None:
    """Whatever characters it has; an empty one is none."""
    hint = "ada+é&prompt=none@acme.example"

    assert (await sent(kind, login_hint=hint)).get("login_hint") == (hint if told else None)
    assert "login_hint" not in await sent(kind, login_hint="")


async def test_a_query_of_the_endpoint_itself_stays() -> None:
    """RFC 6749 section 3.1."""
    async with trip_to(FakeOpenIdProvider) as trip:
        trip.fake.bend_metadata = lambda document: (
            document | {"authorization_endpoint": f"{trip.fake.base}/authorize?audience=api"}
        )
        url = await trip.gateway.authorize_url(trip.attempt(), login_hint=None, prompt_login=False)

    assert dict(parse_qsl(urlsplit(url).query))["audience"] == "api"
