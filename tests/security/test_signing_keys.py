"""G08-09, G08-10, G09-01 to G09-04: keys that sign change hands, are refused, are stolen, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from broker.crypto.jwk import public_jwk, public_members
from broker.crypto.keyring import parse_keyring
from broker.crypto.signing_keys import generate, generate_signing_key
from broker.crypto.vault import LocalVault
from broker.domain.changes import AddSigningKey, RetireSigningKey
from broker.domain.sealing import SYSTEM_OWNER
from broker.domain.signing_key import JWKS_MAX_AGE, RELOAD_EVERY, WINDOW, KeyState, due, place_of
from broker.flows.keys.add import add
from broker.flows.keys.promote import promote
from broker.flows.keys.revoke import revoke
from broker.flows.keys.rotate import rotate
from broker.flows.signing_key import KeyTools, carried_out
from broker.storage.migrate import migrate
from broker.storage.store import SqlStore
from tests.fakes.clock import SettableClock
from tests.fakes.store import MemoryStore
from tests.security.browser import Browser, answered, ask
from tests.security.replicas import Replica, UnknownKey, Verifier
from tests.security.template import Template
from tests.security.world import StartRefused, World, open_world, private_halves

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000
AGE = 90 * 24 * 3600
JWKS = "/.well-known/jwks.json"
DISCOVERY = "/.well-known/openid-configuration"


def tools_of(world: World) -> KeyTools:
    """What an operator of this deployment has at hand."""
    vault = LocalVault(parse_keyring(world.settings.keyring))
    return KeyTools(store=world.store, vault=vault, clock=world.clock, generate=generate_signing_key)


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def published(browser: Browser) -> list[dict[str, Any]]:
    """The keys that everybody may have."""
    keys: list[dict[str, Any]] = (await browser.get(JWKS)).json()["keys"]
    return keys


# ── G09-01


async def test_a_hundred_rotations_fail_no_verification() -> None:
    """G09-01: two processes, one always as late as it may be; five verifiers ask as seldom as they may."""
    chance = random.Random(901)
    clock, store = SettableClock(NOW), MemoryStore()
    early, late = Replica("early", store, clock), Replica("late", store, clock)
    for replica in (early, late):
        await replica.start()
    verifiers = [Verifier(clock=clock) for _ in range(5)]
    tokens: deque[tuple[int, str]] = deque()
    signed_with: set[str] = set()

    def load() -> None:
        for replica in (early, late):
            token = replica.token()
            signed_with.add(kid_of(token))
            tokens.append((clock.now(), token))
        while tokens[0][0] <= clock.now() - 300:
            tokens.popleft()
        for verifier in verifiers:
            for token in (tokens[0][1], tokens[-1][1], chance.choice(tokens)[1]):
                verifier.verify(token, chance.choice((early, late)))

    while len(signed_with) < 101:
        clock.advance(chance.randrange(20, 45))
        await early.rotate(WINDOW + 60)
        await early.reload()
        load()
        clock.advance(RELOAD_EVERY)
        await late.reload()
        load()
    assert len(verifiers[0].parsed) > 50


async def test_the_verifiers_of_that_test_would_notice() -> None:
    """A key which signs as soon as it is made is unknown to whoever asked a moment before."""
    clock, store = SettableClock(NOW), MemoryStore()
    replica, verifier = Replica("one", store, clock), Verifier(clock=clock)
    await replica.start()
    verifier.verify(replica.token(), replica)
    await revoke(replica.signs_with(), replica.tools, algorithm="ES256")
    await replica.reload()

    with pytest.raises(UnknownKey):
        verifier.verify(replica.token(), replica)
    clock.advance(JWKS_MAX_AGE)
    verifier.verify(replica.token(), replica)


# ── G09-02


async def test_no_process_signs_with_what_another_does_not_publish_yet() -> None:
    """G09-02: at the first moment at which a key may sign, the latest process has published it, and every old copy of
    the published keys has expired."""
    clock, store = SettableClock(NOW), MemoryStore()
    early, late = Replica("early", store, clock), Replica("late", store, clock)
    for replica in (early, late):
        await replica.start()
    made = await add("ES256", early.tools)
    await early.reload()
    clock.advance(RELOAD_EVERY - 1)
    verifier = Verifier(clock=clock)
    verifier.verify(late.token(), late)
    assert (made.kid in early.kids(), made.kid in late.kids(), made.kid in verifier.keys) == (True, False, False)

    clock.advance(1)
    await late.reload()
    clock.advance(WINDOW - RELOAD_EVERY)
    await promote(made.kid, early.tools)
    await early.reload()
    assert (early.signs_with() == made.kid, late.signs_with() == made.kid) == (True, False)
    verifier.verify(early.token(), late)
    verifier.verify(late.token(), early)


# ── G09-03


async def test_a_stolen_key_is_worth_nothing_at_once(world: World, ada: Browser) -> None:
    """G09-03: in every process its tokens are no tokens, and the Session goes on with the next key."""
    request = ask("reports")
    tokens = await ada.tokens_for(request)
    other = world.browser(app=await world.another())
    old = kid_of(tokens["access_token"])
    assert [key["kid"] for key in await published(other)] == [old]
    assert (await ada.about_token("introspect", tokens["access_token"], "reports")).json()["active"] is True

    new = await revoke(old, tools_of(world), algorithm="ES256")
    for browser in (ada, other):
        for _ in range(30 * RELOAD_EVERY):
            if [key["kid"] for key in await published(browser)] == [new]:
                break
            await asyncio.sleep(0.1)
        about = await browser.about_token("introspect", tokens["access_token"], "reports")
        assert about.json() == {"active": False}
        assert (await browser.userinfo(tokens["access_token"])).status_code == 401

    again = ask("reports", prompt="none")
    fresh = (await ada.redeem(again, answered(await ada.get(again.url))["code"])).json()
    assert kid_of(fresh["access_token"]) == kid_of(fresh["id_token"]) == new
    assert (await ada.about_token("introspect", fresh["access_token"], "reports")).json()["active"] is True


# ── G09-04


@contextlib.asynccontextmanager
async def two_stores(url: str) -> AsyncIterator[tuple[SqlStore, SqlStore]]:
    """Of two processes at one database."""
    await migrate(url)
    async with SqlStore(url) as one, SqlStore(url) as other:
        yield one, other


async def test_two_processes_that_rotate_together_make_one_key(postgres_url: str) -> None:
    """G09-04: at every step of the rotation; with the lease, which spares work, and without it, where SQL decides."""
    clock = SettableClock(NOW)
    async with two_stores(postgres_url) as stores:
        replicas = [Replica(f"run_{n}", stores[n % 2], clock) for n in range(8)]
        await asyncio.gather(*(replica.start() for replica in replicas))
        for step in range(12):
            if step % 2:
                await asyncio.gather(*(replica.rotate(WINDOW) for replica in replicas))
            else:
                now = clock.now()
                decide = lambda keys, now=now: due(keys, ("ES256",), now, WINDOW)  # noqa: E731
                await asyncio.gather(*(carried_out(decide, replica.tools) for replica in replicas[:4]))
            keys = await stores[0].signing_keys()
            states = [key.state for key in keys]
            assert states.count(KeyState.ACTIVE) == 1
            assert states.count(KeyState.PENDING) <= 1
            clock.advance(WINDOW)
            await asyncio.gather(*(replica.reload() for replica in replicas))
            assert len({replica.signs_with() for replica in replicas}) == 1
        deeds = [event.action for event in await stores[0].events(1000) if event.action.startswith("signing_key.")]
        assert deeds.count("signing_key.add") == len(keys) <= 14
        assert (
            deeds.count("signing_key.promote")
            == deeds.count("signing_key.retire")
            == len(keys) - 1 - (KeyState.PENDING in states)
        )


async def test_two_operators_revoke_together_and_one_key_takes_over(postgres_url: str) -> None:
    """G09-04: one of them does it, the others are told that it was done."""
    clock = SettableClock(NOW)
    async with two_stores(postgres_url) as stores:
        replicas = [Replica(f"run_{n}", stores[n % 2], clock) for n in range(6)]
        await asyncio.gather(*(replica.start() for replica in replicas))
        stolen = replicas[0].signs_with()
        results = await asyncio.gather(
            *(revoke(stolen, replica.tools, algorithm="ES256") for replica in replicas), return_exceptions=True
        )
        done = [result for result in results if isinstance(result, str)]

        assert len(done) == 1
        assert {key.state for key in await stores[0].signing_keys()} == {KeyState.REVOKED, KeyState.ACTIVE}
        assert len(await stores[0].signing_keys()) == 2


# ── G08-09, G08-10


def der_of(private: Any) -> bytes:
    der: bytes = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return der


WEAK: dict[str, tuple[str, Callable[[], Any]]] = {
    "RSA of 1024 bits": ("RS256", lambda: rsa.generate_private_key(65537, 1024)),
    "RSA with exponent 3": ("RS256", lambda: rsa.generate_private_key(3, 2048)),
    "another curve": ("ES256", lambda: ec.generate_private_key(ec.SECP384R1())),
    "another kind": ("ES256", ed25519.Ed25519PrivateKey.generate),
    "an algorithm nobody knows": ("HS256", lambda: ec.generate_private_key(ec.SECP256R1())),
}


async def planted(world: World, alg: str, private: Any, *, active: bool, jwk: dict[str, str] | None = None) -> str:
    """A key in the database which is sealed as it should be, and is not what it should be."""
    tools = tools_of(world)
    data_key = await world.store.data_key(SYSTEM_OWNER)
    assert data_key is not None
    (good,) = await world.store.signing_keys()
    kid = "planted"
    spelt = jwk or public_jwk(kid, alg, public_members(private.public_key()))
    record = replace(
        good,
        kid=kid,
        alg=alg,
        active=active,
        public_jwk=json.dumps(spelt),
        sealed_private=await tools.vault.seal(data_key, place_of(kid), der_of(private)),
        created_at=world.clock.now(),
        retired_at=None if active else world.clock.now(),
    )
    if active and alg == good.alg:
        await world.store.write(RetireSigningKey(kid=good.kid, at=world.clock.now()))
    await world.store.write(AddSigningKey(key=record))
    return kid


@pytest.mark.parametrize("active", [True, False], ids=["signs", "verifies"])
@pytest.mark.parametrize("weak", WEAK)
async def test_a_weak_key_keeps_the_broker_from_starting(world: World, weak: str, active: bool) -> None:
    """G08-09: whether it would sign, or only verify."""
    alg, make = WEAK[weak]
    await planted(world, alg, make(), active=active)

    with pytest.raises(StartRefused, match="signing_key_refused"):
        await world.another()


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "RS256"])
async def test_a_public_half_that_is_not_derived_keeps_the_broker_from_starting(world: World, alg: str) -> None:
    """G08-10: what is published is what the private half makes, to the letter (CVE-2026-102275)."""
    new, other = generate(alg), generate(alg)
    private = load_der_private_key(new.private_der, password=None)
    await planted(world, alg, private, active=alg == "ES256", jwk=json.loads(other.public_jwk) | {"kid": "planted"})

    with pytest.raises(StartRefused, match="planted: its public half"):
        await world.another()


async def test_no_private_member_is_ever_served(world: World) -> None:
    """G08-10: not with the keys of any algorithm, in any document that everybody may read."""
    tools = tools_of(world)
    for alg in ("EdDSA", "RS256"):
        await add(alg, tools)
    browser = world.browser(app=await world.another())
    keys = await published(browser)

    assert sorted(key["alg"] for key in keys) == ["ES256", "EdDSA", "RS256"]
    public = {"kty", "use", "alg", "kid", "crv", "x", "y", "n", "e"}
    assert {member for key in keys for member in key} == public
    private = await private_halves(world.store, tools.vault)
    for path in (JWKS, DISCOVERY, "/metrics", "/readyz", "/healthz"):
        body = (await browser.get(path)).content
        assert not [der for der in private if der in body or der.hex().encode() in body]


# ── what is published


async def test_the_published_keys_may_be_kept_and_are_asked_for_cheaply(world: World, ada: Browser) -> None:
    """With a time, and a tag by which the same keys are not sent again; other keys have another tag."""
    for path in (JWKS, DISCOVERY):
        first = await ada.get(path)
        tag = first.headers["ETag"]
        assert first.headers["Cache-Control"] == f"public, max-age={JWKS_MAX_AGE}, stale-if-error=86400"
        same = await ada.get(path, headers={"If-None-Match": f'"other", {tag}'})
        assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)

        await add("EdDSA" if path == JWKS else "RS256", tools_of(world))
        later = world.browser(app=await world.another())
        other = await later.get(path, headers={"If-None-Match": tag})
        assert (other.status_code, other.headers["ETag"] != tag) == (200, True)


CHOOSES = """
[applications.chooses]
name = "Chooses"
type = "public"
redirect_uris = ["https://app.example/callback"]
audience = "https://api.example"
first_party = true
signing_algorithm = "RS256"
"""


async def test_an_application_gets_tokens_by_its_own_algorithm_once_its_key_may_sign(
    template: Template, tmp_path: Path
) -> None:
    """Both tokens of it, and nobody else's; until then the default signs, so that everybody can verify them."""
    async with open_world(template, tmp_path) as world:
        await world.declare(CHOOSES)
        tools = tools_of(world)
        assert await rotate(tools, algorithm="ES256", age=AGE, holder="operator") == 1

        for waited, algs in ((0, {"ES256"}), (WINDOW, {"RS256"})):
            world.clock.advance(waited)
            await rotate(tools, algorithm="ES256", age=AGE, holder="operator")
            ada = world.browser(app=await world.another())
            discovery = (await ada.get(DISCOVERY)).json()
            assert discovery["id_token_signing_alg_values_supported"] == ["ES256", "RS256"]
            request = ask(client_id="chooses")
            answer = await ada.redeem(request, await ada.code_for(request), client_id="chooses")
            tokens = answer.json()
            keys = {key["kid"]: jwt.PyJWK(key) for key in await published(ada)}
            for name, audience in (("access_token", "https://api.example"), ("id_token", "chooses")):
                token = tokens[name]
                key = keys[kid_of(token)]
                assert {jwt.get_unverified_header(token)["alg"]} == algs
                claims = json.loads(jwt.PyJWS().decode(token, key, algorithms=list(algs)))
                assert claims["aud"] == audience
            others = await ada.tokens_for(ask("reports"))
            assert jwt.get_unverified_header(others["id_token"])["alg"] == "ES256"


async def test_a_restarted_process_has_the_keys_that_there_are(world: World, ada: Browser) -> None:
    """Retiring ones too: what was signed before is good, and so is the hint that an old ID token is."""
    tools = tools_of(world)
    tokens = await ada.tokens_for(ask())
    made = await add("ES256", tools)
    world.clock.advance(WINDOW)
    await promote(made.kid, tools)
    app = await world.another()
    there = world.browser(app=app)

    assert {key["kid"] for key in await published(there)} == {kid_of(tokens["id_token"]), made.kid}
    out = await there.get(f"/oauth/end-session?id_token_hint={tokens['id_token']}&client_id=demo-app")
    assert out.status_code != 400


async def test_every_process_rotates_by_itself(world: World) -> None:
    """A week before the key is as old as the settings say the next one is made, published, and left to wait."""
    world.clock.advance((30 - 7) * 24 * 3600)
    browser = world.browser(app=await world.another(signing_key_days=30))
    for _ in range(30 * RELOAD_EVERY):
        if len(await published(browser)) == 2:
            break
        await asyncio.sleep(0.1)

    assert [key.state for key in await world.store.signing_keys()] == [KeyState.ACTIVE, KeyState.PENDING]
    assert [key["kid"] for key in await published(browser)] == [key.kid for key in await world.store.signing_keys()]
