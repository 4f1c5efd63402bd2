"""G16-09: AWS KMS is away, slow, throttled or forbidding: what needs no key it has yet to unwrap goes on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from broker.crypto.keyring import new_keyring
from tests.fakes.kms import FakeKms, Mood
from tests.security.browser import ask
from tests.security.template import Template
from tests.security.world import StartRefused, World, open_world
from tests.servers.asgi import serving
from tests.servers.kms import found_at

pytestmark = pytest.mark.anyio

AWAY = [Mood.DOWN, Mood.THROTTLED, Mood.FORBIDDING, Mood.SLOW]


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKms]:
    """A KMS that the broker finds as it would find AWS's."""
    fake = FakeKms()
    with serving(fake) as url:
        for name, value in found_at(url).items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture
async def in_kms(template: Template, tmp_path: Path, kms: FakeKms) -> AsyncIterator[World]:
    """A broker that wraps by a KEK in KMS; what is older is under one of its own."""
    document = json.loads(template.settings.keyring)
    document["keks"].insert(0, {"id": "aws:main:1", "arn": kms.make_key()})
    async with open_world(template, tmp_path, keyring=json.dumps(document)) as world:
        yield world


@pytest.mark.parametrize("mood", AWAY)
async def test_users_who_were_here_lately_notice_nothing(in_kms: World, kms: FakeKms, mood: Mood) -> None:
    """They sign in again, get tokens with their attributes, see their pages, and sign out."""
    ada = in_kms.browser()
    await ada.tokens_for(ask())
    kms.mood = mood
    asked = len(kms.asked)

    tokens = await ada.tokens_for(ask())
    assert (await ada.userinfo(tokens["access_token"])).json()["email"] == "ada@acme.example"
    again = in_kms.browser()
    assert (await again.sign_in("ada")).status_code == 303
    assert "ada@acme.example" in (await again.get("/account/data")).text
    assert (await again.press("/account/sign-out")).status_code in (200, 303)
    assert len(kms.asked) == asked


@pytest.mark.parametrize("mood", AWAY)
async def test_what_needs_an_unknown_key_waits_and_nothing_else(in_kms: World, kms: FakeKms, mood: Mood) -> None:
    """Of a process that was just started: 503, nothing is lost, and all is well when KMS is back."""
    ada, request = in_kms.browser(), ask()
    await ada.sign_in("ada")
    code = await ada.code_for(request)
    after = in_kms.browser(app=await in_kms.another())
    after.http.cookies = ada.http.cookies
    connections = await in_kms.rows("SELECT * FROM connections")
    kms.mood = mood

    for path in ("/.well-known/jwks.json", "/.well-known/openid-configuration", "/healthz", "/readyz"):
        assert (await after.get(path)).status_code == 200, path
    answer = await after.redeem(request, code)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["Retry-After"]
    if mood is not Mood.SLOW:
        assert (await after.get("/account/connections")).status_code == 503
        assert (await in_kms.browser().sign_in("grace")).status_code == 503  # a new User needs a new key
    assert await in_kms.rows("SELECT * FROM connections") == connections
    assert "arn:aws" not in answer.text + in_kms.watch.log.text

    kms.mood = Mood.WELL
    assert (await after.redeem(request, code)).status_code == 200
    assert "ada@acme.example" in (await after.get("/account/data")).text


async def test_tokens_without_attributes_need_no_key(in_kms: World, kms: FakeKms) -> None:
    """Nothing is opened for them."""
    request = ask(scope="openid")
    code = await in_kms.browser().code_for(request)
    after = in_kms.browser(app=await in_kms.another())
    kms.mood = Mood.DOWN

    assert (await after.redeem(request, code)).status_code == 200


async def test_a_kms_that_lies_opens_nothing(in_kms: World, kms: FakeKms) -> None:
    """G16-10: another key than the one that was wrapped is as good as none: the page says so, and shows no data."""
    ada = in_kms.browser()
    await ada.sign_in("ada")
    after = in_kms.browser(app=await in_kms.another())
    after.http.cookies = ada.http.cookies
    kms.mood = Mood.LYING

    page = (await after.get("/account/connections")).text
    assert "does not accept what we hold any more" in page
    assert "ada@acme.example" not in page


async def test_a_broker_does_not_start_without_the_kek_of_its_own_keys(
    template: Template, tmp_path: Path, kms: FakeKms
) -> None:
    """G16-08: it says why, and writes nothing."""
    document = json.loads(new_keyring()) | {"keks": [{"id": "aws:main:1", "arn": kms.make_key()}]}
    document |= {name: json.loads(template.settings.keyring)[name] for name in ("lookup_keys", "cookie_keys")}
    async with open_world(template, tmp_path) as world:
        before = await world.tables()
        for mood in (Mood.WELL, Mood.DOWN):
            kms.mood = mood
            with pytest.raises(StartRefused) as refused:
                await world.another(keyring=json.dumps(document))
            assert "local:main:1 is not in the keyring" in str(refused.value)
        assert await world.tables() == before
