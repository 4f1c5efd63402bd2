"""G08: the tokens that this product issues: told apart, complete, short-lived, and verified by libraries of others.

Elsewhere: G08-04 in test_attribute_policy.py, G08-06 also in tests/domain/test_session_token_size.py, G08-09 and G08-10
in test_signing_keys.py; G08-10 is also held after every answer of every case (invariants.py).
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from broker.crypto.keyring import parse_keyring
from broker.crypto.vault import LocalVault
from broker.domain.changes import SetUserStatus
from broker.domain.ids import UserId
from broker.domain.session_token import LIFETIME
from broker.domain.user import UserStatus
from broker.flows.possession import ShownToken
from broker.flows.tokens.authorizations import authorizations
from tests.flows.setting import CLIENTS as TWO_CLIENTS
from tests.flows.tokens.exchanging import BILLING, GRANT, SERVICES, claims_of, signed_in, swap, with_services
from tests.security.browser import Browser, answered, ask
from tests.security.mutations import good, mutations
from tests.security.template import CLIENTS, SECRETS
from tests.security.verifiers import VERIFIERS
from tests.security.world import World, private_halves

pytestmark = pytest.mark.anyio

_REPORTS = '[applications.reports]\nname = "Reports"\ntype = "confidential"\n'
_GRANTS = (
    f'grants = ["authorization_code", "refresh_token", "client_credentials", "{GRANT}"]\nscopes = ["revocations"]\n'
)
EVERYTHING = CLIENTS.replace(_REPORTS, _REPORTS + _GRANTS)
"""`reports` may have every kind of token that there is."""


async def fetched(browser: Browser, grant_type: str, **parameters: str) -> httpx2.Response:
    """From the token endpoint, as `reports`."""
    form = {"grant_type": grant_type, "client_id": "reports", "client_secret": SECRETS["reports"], **parameters}
    return await browser.send("POST", "/oauth/token", form=form, may_change=["taken_attempts"])


async def exchanged(browser: Browser, token: str, **parameters: str) -> httpx2.Response:
    """For one Client, unless something else is asked for."""
    asked = {"subject_token": token, "subject_token_type": "urn:ietf:params:oauth:token-type:access_token"}
    return await fetched(browser, GRANT, **asked, **(parameters or {"organization": "acme"}))


async def every_kind(browser: Browser) -> dict[str, str]:
    """One token of each."""
    request = ask("reports", scope="openid email profile offline_access")
    tokens = await browser.tokens_for(request)
    own = (await fetched(browser, "client_credentials", scope="revocations")).json()
    return {
        "session JWT": tokens["access_token"],
        "exchanged": (await exchanged(browser, tokens["access_token"])).json()["access_token"],
        "own": own["access_token"],
        "ID token": tokens["id_token"],
        "refresh token": tokens["refresh_token"],
        "code": await browser.code_for(ask("reports")),
    }


# ── G08-01, G08-02, G08-07


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _introspected(browser: Browser, token: str) -> bool:
    return bool((await browser.about_token("introspect", token, "reports")).json()["active"])


async def _followed(browser: Browser, token: str) -> bool:
    return (await browser.send("HEAD", "/api/v1/revocations", headers=bearer(token))).status_code == 200


async def _hinted(browser: Browser, token: str) -> bool:
    """`id_token_hint`: who is signed in must be the one it names."""
    return "code" in answered(await browser.get(ask("reports", prompt="none", id_token_hint=token).url))


async def _refreshed(browser: Browser, token: str) -> bool:
    return (await fetched(browser, "refresh_token", refresh_token=token)).status_code == 200


async def _swapped(browser: Browser, token: str) -> bool:
    return (await exchanged(browser, token, scope="openid")).status_code == 200


async def _redeemed(browser: Browser, token: str) -> bool:
    request = ask("reports")
    return (await browser.redeem(request, token, may_change=["grants"])).status_code == 200


async def _shown(browser: Browser, token: str) -> bool:
    return (await browser.userinfo(token)).status_code == 200


async def _referred(browser: Browser, token: str) -> bool:
    return (await browser.get("/api/v1/authorizations", headers=bearer(token))).status_code == 200


PLACES: dict[str, tuple[Callable[[Browser, str], Awaitable[bool]], set[str]]] = {
    "userinfo": (_shown, {"session JWT", "exchanged"}),
    "authorizations": (_referred, {"session JWT", "exchanged"}),
    "revocations": (_followed, {"own"}),
    "introspection": (_introspected, {"session JWT", "exchanged", "own", "refresh token"}),
    "subject_token": (_swapped, {"session JWT", "exchanged"}),
    "id_token_hint": (_hinted, {"ID token"}),
    "refresh_token": (_refreshed, {"refresh token"}),
    "code": (_redeemed, set()),  # a good one is redeemed in every other test; this one lacks its verifier
}
"""Where a token is taken, and which kinds of it."""


async def test_no_kind_of_token_passes_for_another(world: World, ada: Browser) -> None:
    """G08-01: every kind at every place, all of one Application and one User (RFC 8725 section 3.11)."""
    await world.declare(clients=EVERYTHING)
    kinds = await every_kind(ada)

    accepted = {
        name: {kind for kind, token in kinds.items() if await takes(ada, token)} for name, (takes, _) in PLACES.items()
    }
    assert accepted == {name: kinds for name, (_, kinds) in PLACES.items()}


async def test_every_token_says_all_that_it_must_and_lives_for_minutes(world: World, ada: Browser) -> None:
    """G08-01, G08-02, G08-07: its type, RFC 9068 section 2.2, one audience, ten minutes at most, no token of others."""
    await world.declare(clients=EVERYTHING)
    kinds = await every_kind(ada)
    always = {"iss", "sub", "aud", "exp", "iat"}
    as_access_token = always | {"jti", "client_id", "scope"}

    for kind, typ, needed in (
        ("session JWT", "at+jwt", as_access_token),
        ("exchanged", "at+jwt", as_access_token | {"org_id"}),
        ("own", "at+jwt", as_access_token),
        ("ID token", "JWT", always | {"auth_time", "nonce", "at_hash", "sid"}),
    ):
        payload = base64.urlsafe_b64decode(kinds[kind].split(".")[1] + "==")
        claims = json.loads(payload)
        assert jwt.get_unverified_header(kinds[kind])["typ"] == typ
        assert needed <= claims.keys(), kind
        assert type(claims["aud"]) is str
        assert claims["exp"] - claims["iat"] == LIFETIME <= 600
        assert world.watch.canaries.leaked(payload) == [], kind
        assert {"email"} == claims.keys() & {"email", "name", "picture", "locale", "hd"} or kind == "own"


# ── G08-03


@pytest.mark.parametrize(
    ("library", "alg"),
    [
        pytest.param(name, alg, marks=[pytest.mark.requires_node] if "npm" in name else [])
        for name, (_, algs) in VERIFIERS.items()
        for alg in algs
    ],
)
def test_five_libraries_accept_the_good_token_and_no_other(library: str, alg: str) -> None:
    """G08-03: each of the mutations that mutations.py names, by libraries that know nothing of each other."""
    verify, _ = VERIFIERS[library]
    bent = mutations(alg)
    first, *others = verify(alg, [good(alg), *bent.values()])

    assert len(bent) >= 40
    assert first is True
    assert [name for name, accepted in zip(bent, others, strict=True) if accepted] == []


# ── G08-06, and what counts rights


async def test_five_hundred_clients_become_a_reference_and_one_of_them_its_rights() -> None:
    """G08-06: never cut; narrowed to one Client, the token holds that one's Authorization again."""
    world = await with_services()
    invited = {"user": "ada@acme.example", "rights": ["reports:read"]}
    one = {"name": "One of many", "rights": ["reports:read"], "authorizations": [invited]}
    await world.declare(applications=SERVICES, clients={f"client-{number:03}": one for number in range(500)})
    tokens = await signed_in(world)
    narrow = (await swap(world, tokens.access_token, "api", BILLING, organization="client-042")).access_token

    claims = claims_of(world, tokens.access_token)
    assert "authorizations" not in claims
    shown = ShownToken(text=tokens.access_token)
    assert claims["authorizations_ref"]["count"] == 500 == len(await authorizations(shown, world.ports))
    assert claims_of(world, narrow)["authorizations"] == {"client-042": ["reports:read"]}
    assert len(narrow) < 4096 > len(tokens.access_token)


async def test_the_epoch_grows_with_every_change_of_rights() -> None:
    """So that of two tokens of one User the one with the smaller epoch is out of date."""
    world = await with_services()
    acme: dict[str, Any] = TWO_CLIENTS["acme"]
    globex = TWO_CLIENTS["globex"]
    first = claims_of(world, (await signed_in(world)).access_token)

    async def switched(status: UserStatus) -> None:
        await world.store.write(SetUserStatus(user_id=UserId(first["sub"]), status=status, at=world.clock.now()))

    def invited(*rights: str) -> dict[str, Any]:
        return acme | {"authorizations": [{"user": "ada@acme.example", "rights": list(rights)}]}

    epochs = [first["epoch"]]
    for clients in (
        {"acme": invited("invoices:read"), "globex": globex},
        {"acme": invited("invoices:read", "invoices:write"), "globex": globex},
        {
            "acme": invited("invoices:read", "invoices:write") | {"rights": ["invoices:read", "invoices:write"]},
            "globex": globex,
        },
        {"acme": acme | {"authorizations": []}, "globex": globex},
        {"acme": acme, "globex": globex},
        {"acme": acme},
    ):
        await world.declare(applications=SERVICES, clients=clients)
        epochs.append(claims_of(world, (await signed_in(world)).access_token)["epoch"])
    await switched(UserStatus.SUSPENDED)
    await switched(UserStatus.ACTIVE)
    epochs.append(claims_of(world, (await signed_in(world)).access_token)["epoch"])

    assert epochs == sorted(set(epochs))


# ── G08-10


async def test_the_watch_would_notice_a_private_key(world: World, ada: Browser) -> None:
    """G08-10: as a member of a JWK, in hex, in a file, whoever asks wherever; and the published keys are none."""
    (der,) = await private_halves(world.store, LocalVault(parse_keyring(world.settings.keyring)))
    key = load_der_private_key(der, password=None)
    assert isinstance(key, EllipticCurvePrivateKey)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).replace(b"\n", b"")
    jwk = json.dumps({"kty": "EC", "d": jwt.algorithms.ECAlgorithm.to_jwk(key, as_dict=True)["d"]}).encode()

    for text in (pem, jwk, f"{key.private_numbers().private_value:064x}".encode()):
        assert world.watch.canaries.leaked(text) == ["private key"], text[:40]
    assert world.watch.canaries.leaked((await ada.get("/.well-known/jwks.json")).content) == []


# ── G08-08


async def test_a_revocation_is_seen_by_every_process_within_a_second(any_world: World) -> None:
    """G08-08: of a session JWT, of what it was exchanged for, and of the refresh token; by the clock on the wall."""
    await any_world.declare(clients=EVERYTHING)
    one, other = any_world.browser(), any_world.browser(app=await any_world.another())
    kinds = await every_kind(one)
    alive = [kinds[kind] for kind in ("session JWT", "exchanged", "refresh token")]
    assert [await _introspected(other, token) for token in alive] == [True] * 3

    began = time.monotonic()
    assert (await one.about_token("revoke", kinds["session JWT"], "reports")).status_code == 200
    assert [await _introspected(other, token) for token in alive] == [False] * 3
    assert time.monotonic() - began < 1
