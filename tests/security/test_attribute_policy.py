"""G15: of a person only what the policy names is kept, and less of it told; everything else is gone at the door."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from broker.demo.provider.oversharing import oversharing
from broker.demo.provider.personas import PERSONAS
from broker.settings.load import load
from broker.settings.model import SettingsProblems
from tests.fakes.providers.google_like import FakeGoogle
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.security.browser import Browser, ask
from tests.security.canaries import forms_of
from tests.security.opened import everything_kept, text_of
from tests.security.staged import staged
from tests.security.template import POLICY, Template
from tests.security.world import World, open_world

pytestmark = pytest.mark.anyio

ADA = PERSONAS[0]
KEPT = {"email": "ada@acme.example", "name": "Ada Lovelace"}


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token, unverified."""
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def values_in(claims: object) -> Iterator[str]:
    """Every text in a claim, however deep."""
    if isinstance(claims, dict):
        for value in claims.values():
            yield from values_in(value)
    elif isinstance(claims, list):
        for value in claims:
            yield from values_in(value)
    elif isinstance(claims, str) and len(claims) > 5:
        yield claims


def dropped() -> set[str]:
    """What the Provider tells about Ada and nobody has a purpose for, where it is not a part of what is kept."""
    told = {*values_in(oversharing(ADA)), ADA.sub, "/pictures/ada.svg", "en-GB"}
    allowed = {"acme", "globex", "invoices:write", "superuser", *KEPT.values()}
    return {value for value in told if value not in allowed and not any(value in kept for kept in KEPT.values())}


async def test_what_is_not_named_is_not_kept(world: World, ada: Browser) -> None:
    """G15-01: of some seventy claims two are; no other stands anywhere, sealed or not."""
    assert len(dropped()) >= 50
    tokens = await ada.tokens_for(ask())
    await ada.get(await ada.connect("ada", "corp"))
    kept = await everything_kept(world)
    assert sorted((k["attributes"] for k in kept.values()), key=len) == [{"email": KEPT["email"]}, KEPT]

    pages = [
        (await ada.get(p)).text for p in ("/account", "/account/data", "/account/connections", "/account/sessions")
    ]
    told = (await ada.userinfo(tokens["access_token"])).text
    places = {
        "kept": text_of(kept),
        "database": repr(await world.tables()),
        "log": world.watch.log.text,
        "pages": "".join(pages),
        "tokens": json.dumps([claims_of(tokens["access_token"]), claims_of(tokens["id_token"])]),
        "userinfo": told,
        "metrics": (await ada.get("/metrics")).text,
    }
    for place, text in places.items():
        found = [value for value in dropped() for form in forms_of(value) if form in text.encode()]
        assert found == [], place


async def test_a_claim_cannot_pass_for_another(world: World, ada: Browser) -> None:
    """G15-01: look-alikes, other namespaces, and claims that would say who may do what."""
    tokens = await ada.tokens_for(ask())
    claims = claims_of(tokens["access_token"])

    assert claims["authorizations"] == {"acme": ["invoices:read", "reports:read"], "globex": ["reports:read"]}
    assert "org_id" not in claims
    assert claims.keys() <= {
        *("iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "auth_time", "acr", "amr", "sid", "epoch"),
        *("authorizations", "email", "name"),
    }


@pytest.mark.parametrize(
    "name", ["sub", "iss", "aud", "authorizations", "org_id", "client_id", "scope", "exp", "nonce"]
)
async def test_no_claim_of_a_provider_takes_a_reserved_name(world: World, ada: Browser, name: str) -> None:
    """G15-01: what a token says of rights and audience is the broker's own."""
    world.google.claims["ada"] = {} if name in ("iss", "aud", "exp", "nonce", "sub") else {name: "evil"}
    tokens = await ada.tokens_for(ask())

    for token in (tokens["access_token"], tokens["id_token"]):
        assert claims_of(token).get(name) != "evil"
        assert claims_of(token)["sub"] != ADA.sub


@pytest.mark.parametrize(
    ("keep", "scopes"),
    [
        ([], {"openid"}),
        (["hd"], {"openid"}),
        (["email"], {"openid", "email"}),
        (["name"], {"openid", "profile"}),
        (["email", "name", "picture"], {"openid", "email", "profile"}),
    ],
)
async def test_only_scopes_with_a_purpose_are_asked_for(
    template: Template, tmp_path: Path, keep: list[str], scopes: set[str]
) -> None:
    """G15-02: and of the Application's wishes none is passed on (OWASP ASVS 10.2.3)."""
    rules = {"google": {"keep": dict.fromkeys(keep, "For this test")}}
    async with open_world(template, tmp_path, rules=rules) as world:
        for request in (None, ask(), ask(scope="openid profile email https://www.googleapis.com/auth/drive")):
            url = await world.browser().begin("google", request)
            assert set(parse_qs(urlsplit(url).query)["scope"][0].split()) == scopes


async def test_a_client_narrows_what_is_asked_for(template: Template, tmp_path: Path) -> None:
    """G15-02: a request for one Client asks for what that Client keeps."""
    rules = {"google": {"keep": {"email": "x", "name": "y"}, "clients": {"acme": {"keep": ["email"], "release": []}}}}
    async with open_world(template, tmp_path, rules=rules) as world:
        url = await world.browser().begin("google", ask(organization="acme"))

    assert set(parse_qs(urlsplit(url).query)["scope"][0].split()) == {"openid", "email"}


BROKEN = {
    "not TOML": "[google.keep",
    "unknown registration": '[gogle.keep]\nemail = "x"',
    "unknown key": '[google.kept]\nemail = "x"',
    "unknown attribute": '[google.keep]\nsalary = "x"',
    "wildcard": '[google.keep]\n"*" = "everything"',
    "pattern": '[google.keep]\n"e.*" = "x"',
    "no purpose": '[google.keep]\nemail = ""',
    "blank purpose": '[google.keep]\nemail = "  "',
    "purpose is no text": "[google.keep]\nemail = true",
    "reserved claim": '[google.keep]\nsub = "x"',
    "reserved claim of ours": '[google.keep]\nauthorizations = "x"',
    "release of what is not kept": '[google.keep]\nname = "x"\n[google.release]\nemail = "y"',
    "a Client widens": '[google.keep]\nname = "x"\n[google.clients.acme]\nkeep = ["email"]\nrelease = []',
    "a Client releases more": '[google.keep]\nname = "x"\n[google.clients.acme]\nkeep = ["name"]\nrelease = ["name"]',
    "a list for a table": 'google = ["email"]',
    "terms without a purpose": "[google.keep.email]\ndays = 5",
    "terms that are none": '[google.keep.email]\npurpose = "x"\ndays = -1',
    "an unknown purpose": '[google.keep.email]\npurpose = "x"\noptional = "news"',
    "an empty document": '[documents.terms]\nfile = "broker.toml"\nrevised = 2026-11-22',
    "no end": '[retention]\nsessions = "unlimited"',
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_policy_with_a_fault_is_refused_whole(template: Template, tmp_path: Path, name: str) -> None:
    """G15-04: the broker does not start with half of it; every problem is named."""
    for path in template.folder.iterdir():
        if path.suffix in (".toml", ".json", ""):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    assert load(tmp_path / "broker.toml", {}).policy.keeps(next(iter(template.settings.registrations)))
    (tmp_path / "policy.toml").write_text(BROKEN[name])

    with pytest.raises(SettingsProblems) as refused:
        load(tmp_path / "broker.toml", {})

    assert refused.value.problems
    assert all("policy.toml" in problem for problem in refused.value.problems)


async def test_without_a_section_nothing_is_kept(template: Template, tmp_path: Path) -> None:
    """G15-04: an empty policy is a valid one, and denies."""
    async with open_world(template, tmp_path, rules={}) as world:
        ada = world.browser()
        tokens = await ada.tokens_for(ask())

        assert [k["attributes"] for k in (await everything_kept(world)).values()] == [{}]
        assert (await ada.userinfo(tokens["access_token"])).json().keys() == {"sub"}
        assert "ada@acme.example" not in (await ada.get("/account/data")).text


async def test_no_raw_answer_of_a_provider_is_kept(world: World, ada: Browser) -> None:
    """G15-05: neither an ID token nor userinfo, in clear or sealed; the Provider's own tokens are, sealed."""
    await ada.sign_in()
    await ada.get(await ada.connect())
    kept = text_of(await everything_kept(world))
    issued = {
        kind: [i.value for u in (world.google, world.corp) for i in u.provider.issued if i.kind == kind]
        for kind in ("id_token", "access_token", "code")
    }

    assert not [value for value in issued["id_token"] + issued["code"] if value in kept]
    assert all(value in kept for value in issued["access_token"])
    assert ADA.sub not in kept


ODD: list[Any] = [
    {"formatted": "Ada"},
    ["Ada"],
    [{"value": "x", "primary": True}],
    5,
    5.5,
    True,
    False,
    "x" * 2000,
    "a\nb",
    "a\x00b",
]
ODD += ["\u202eadA", "", {"$ref": "#"}, [[[[]]]]]


@pytest.mark.parametrize("value", ODD)
async def test_what_is_not_a_line_of_text_is_dropped(template: Template, tmp_path: Path, value: Any) -> None:
    """G15-06: objects, lists, numbers, control characters, too much: not kept, and the sign-in goes on."""
    async with staged(template, tmp_path, FakeGoogle, keep=("name", "email", "picture")) as (world, google):
        google.person |= {"name": value, "picture": value}
        ada = world.browser()
        assert (await ada.sign_in(registration="twin")).headers["Location"].endswith("/account")

        (kept,) = (await everything_kept(world)).values()
        assert kept["attributes"] == {"email": "ada@acme.example"}
        assert (await ada.get("/account/data")).status_code == 200
        assert await world.reason() == ("" if value == "" else "attribute_malformed")


async def test_a_flood_of_claims_is_no_trouble(template: Template, tmp_path: Path) -> None:
    """G15-06: thousands of claims, deep ones among them, at userinfo."""
    async with staged(template, tmp_path, FakeOpenIdProvider, keep=("email", "name")) as (world, fake):
        deep: Any = "x"
        for _ in range(200):
            deep = {"a": [deep]}
        fake.bend_userinfo = lambda told: told | {f"claim{n}": n for n in range(5000)} | {"deep": deep, "name": deep}
        ada = world.browser()
        assert (await ada.sign_in(registration="twin")).status_code == 303

        (kept,) = (await everything_kept(world)).values()
        assert kept["attributes"] == {"email": "ada@corp.example"}


RELEASED = [("acme", {"email"}), ("globex", {"email", "name"}), (None, {"email"})]


@pytest.mark.parametrize(("organization", "names"), RELEASED)
async def test_each_client_has_its_own_release(
    world: World, ada: Browser, organization: str | None, names: set[str]
) -> None:
    """G15-07: a token for Acme has no name, one for Globex has; one for both has what both allow."""
    assert 'release = ["email"]' in POLICY
    tokens = await ada.tokens_for(ask(organization=organization))

    told = (await ada.userinfo(tokens["access_token"])).json()
    for claims in (claims_of(tokens["access_token"]), claims_of(tokens["id_token"]), told):
        assert claims.keys() & KEPT.keys() == names


@pytest.mark.parametrize(
    ("scope", "names"), [("openid", set()), ("openid email", {"email"}), ("openid profile", {"name"})]
)
async def test_an_application_is_told_what_it_asked_for(
    world: World, ada: Browser, scope: str, names: set[str]
) -> None:
    """G15-07: of what may be released only what its scopes cover."""
    tokens = await ada.tokens_for(ask(organization="globex", scope=scope))

    assert (await ada.userinfo(tokens["access_token"])).json().keys() == {"sub", *names}


async def test_the_narrowest_client_decides_what_is_kept(template: Template, tmp_path: Path) -> None:
    """G15-07: an attribute that none of the User's Clients keeps is not kept."""
    rules = {
        "google": {
            "keep": {"email": "x", "name": "y"},
            "clients": {"acme": {"keep": ["email"], "release": []}, "globex": {"keep": ["email"], "release": []}},
        }
    }
    async with open_world(template, tmp_path, rules=rules) as world:
        ada, stranger = world.browser(), world.browser()
        await ada.sign_in("ada")
        await stranger.sign_in("stranger")

        kept = sorted(sorted(k["attributes"]) for k in (await everything_kept(world)).values())
        assert kept == [["email"], ["email", "name"]]
