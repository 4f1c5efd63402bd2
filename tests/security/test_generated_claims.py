"""G15: whatever a Provider says, in whatever shape, what the policy drops is neither stored, told, logged nor measured.

The documents are hypothesis's; every piece of text in them is a canary, and so is every name that nobody knows.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.fakes.providers.keys import compact
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.provider import Json
from tests.security.browser import Ask, Browser, answered, ask
from tests.security.opened import everything_kept, text_of
from tests.security.staged import staged
from tests.security.template import Template
from tests.security.world import World
from tests.world.contents import files_of, keys_of
from tests.world.search import search

pytestmark = pytest.mark.anyio

CANARY = "zq7canary4x"
"""A part of everything that may be nowhere."""
KEPT = ("email", "name")
DOCUMENTS = 20
_NAMES = st.sampled_from(
    [
        *("email", "name", "picture", "given_name", "address", "phone_number", "birthdate", "groups", "roles"),
        *(
            "Email",
            "EMAIL",
            " email",
            "email ",
            "n\u0430me",
            "name\u200b",
            "\uff4eame",
            "name#de",
            "email.name",
            "e-mail",
        ),
        *("__proto__", "constructor", "$ref", "authorizations", "org_id", "claims", "_claim_sources", "keep", "0", ""),
    ]
) | st.integers(0, 99).map(lambda number: f"{CANARY}name{number}")
_LEAVES = st.sampled_from(["text", "text", "control", "number", "none"])
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=30,
)
_DOCUMENTS = st.dictionaries(_NAMES, _TREES | st.sampled_from(["long", "too long", "deep"]), min_size=3, max_size=25)
MEGABYTE = 1_000_000
WAYS = ("told", "forged", "told", "refused", "told", "no object", "no JSON", "told", "another subject", "declined")


def drawn() -> list[Json]:
    """So many documents. What is found with them is looked for once, in the end."""
    found: list[Json] = []

    @settings(max_examples=DOCUMENTS, database=None, suppress_health_check=list(HealthCheck))
    @given(_DOCUMENTS)
    def collect(document: Json) -> None:
        found.append({name: _grown(_unkept(name, tree), name) for name, tree in document.items()})

    collect()
    # What hypothesis might not happen to think of.
    for name in (*KEPT, "picture"):
        found += [{name: _grown(kind, name)} for kind in ("too long", "control", "deep")]
        found += [{name: {"value": f"{CANARY} {name}"}}, {name: [f"{CANARY} {name}"]}]
    return found


def _unkept(name: str, tree: Any) -> Any:
    """What is kept has to be of another kind: a line of text under its name is what the policy lets through."""
    return ["text"] if name in KEPT and tree in ("text", "number", "none") else tree


def _grown(tree: Any, name: str) -> Any:
    """A canary for every leaf."""
    if isinstance(tree, list):
        return [_grown(inner, name) for inner in tree]
    if isinstance(tree, dict):
        return {key: _grown(inner, name) for key, inner in tree.items()}
    deep: Any = f"{CANARY} at the bottom"
    for _ in range(60):
        deep = {"a": [deep]}
    return {
        "text": f"{CANARY} of {name}",
        "control": f"{CANARY}\n\x00\u202e of {name}",
        "long": CANARY * 200,
        "too long": CANARY * (MEGABYTE // len(CANARY)),
        "number": 71_077_007,
        "none": None,
        "deep": deep,
    }[tree]


@dataclass(kw_only=True)
class Trial:
    """A world, and a Provider that says what it is given to say. `ends`: how the sign-ins went."""

    world: World
    fake: FakeOpenIdProvider
    tokens: list[bytes] = field(default_factory=list)
    ends: set[str] = field(default_factory=set)

    def say(self, document: Json, way: str) -> None:
        """In the ID token, at userinfo and beside the tokens; in a refusal; where something is wrong with it."""
        # An answer that is too long is none: what is longer is said at userinfo alone, so that there is a sign-in.
        short: Json = document if len(json.dumps(document)) < 100_000 else {}
        self.fake.bend_claims = lambda claims: short | claims
        self.fake.bend_answer = lambda answer: short | answer
        self.fake.bend_userinfo = lambda told: told | document
        self.fake.instead, self.fake.sign = {}, compact
        if way == "forged":
            self.fake.sign = lambda header, claims, sign: compact(header, claims, sign)[:-8] + "AAAAAAAA"
        elif way == "refused":
            refusal = {"error": "invalid_grant", "error_description": document, **document}
            self.fake.instead["token"] = answering(JSONResponse(refusal, 400))
        elif way == "no object":
            self.fake.instead["userinfo"] = answering(JSONResponse([document]))
        elif way == "no JSON":
            self.fake.instead["userinfo"] = answering(
                Response(json.dumps(document)[:-1], media_type="application/json")
            )
        elif way == "another subject":
            self.fake.bend_userinfo = lambda told: told | document | {"sub": f"{CANARY} sub"}

    async def live(self, *, declines: bool, disconnects: bool) -> None:
        """A sign-in for an Application, all that can be done with its tokens, one's own pages, and the end of it."""
        browser, request = self.world.browser(), ask(scope="openid email profile offline_access")
        url = await browser.begin("twin", request)
        if declines:
            state = parse_qs(urlsplit(url).query)["state"][0]
            words = {"error": "server_error", "error_description": f"{CANARY} words", "error_uri": CANARY, CANARY: "x"}
            answer = await browser.get(
                f"/callback/twin?{urlencode({'state': state, 'iss': self.fake.issuer, **words})}"
            )
        else:
            answer = await browser.get(await browser.visit(url))
        if "code=" in answer.headers.get("Location", ""):
            await self._use(browser, request, answered(answer)["code"])
            self.ends.add("signed in")
        else:
            self.ends.add(await self.world.reason())
        for path in ("/account", "/account/data", "/account/connections"):
            await browser.get(path)
        if disconnects and await browser.is_signed_in():
            (row,) = await self.world.rows("SELECT id FROM connections WHERE status != 'revoked'")
            await browser.press(f"/account/connections/{row['id']}/disconnect")

    async def _use(self, browser: Browser, request: Ask, code: str) -> None:
        tokens = (await browser.redeem(request, code)).json()
        self.tokens += [body_of(tokens[name]) for name in ("access_token", "id_token")]
        await browser.userinfo(tokens["access_token"])
        await browser.about_token("introspect", tokens["access_token"])
        self.tokens.append(body_of((await browser.refresh(tokens["refresh_token"])).json()["access_token"]))

    async def everything(self) -> dict[str, list[bytes]]:
        """Wherever anything could be."""
        world = self.world
        answers = [seen.answer for seen in world.watch.seen]
        redis_url = world.settings.redis_url
        return {
            "rows": [repr(await world.tables()).encode()],
            "files": list(files_of(world.settings.database_url).values()),
            "Redis": [piece for pieces in (keys_of(redis_url) if redis_url else {}).values() for piece in pieces],
            "sealed": [text_of(await everything_kept(world)).encode()],
            "log": [world.watch.log.text.encode()],
            "metrics": [(await world.browser().get("/metrics")).content],
            "answers": list({answer.content for answer in answers}),
            "headers": list({repr(answer.headers).encode() for answer in answers}),
            "tokens": self.tokens,
        }


def body_of(token: str) -> bytes:
    """What a JWT says."""
    body = token.split(".")[1]
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))


def answering(response: Response) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that says this."""

    async def endpoint(_request: Request) -> Response:
        return response

    return endpoint


@pytest.fixture(params=["sqlite", "postgresql and redis"])
async def trial(request: pytest.FixtureRequest, template: Template, tmp_path: Path) -> AsyncIterator[Trial]:
    """On each of the stores."""
    settings: dict[str, Any] = {}
    if request.param != "sqlite":
        urls = (request.getfixturevalue("filled_url"), request.getfixturevalue("redis_url"))
        settings = dict(zip(("database_url", "redis_url"), urls, strict=True))
    async with staged(template, tmp_path, FakeOpenIdProvider, keep=KEPT, release=("email",), settings=settings) as (
        world,
        fake,
    ):
        yield Trial(world=world, fake=fake)


async def test_what_the_policy_drops_is_nowhere(trial: Trial) -> None:
    """Through sign-ins that work, that fail in every way, and everything that comes after them."""
    for number, document in enumerate(drawn()):
        way = WAYS[number % len(WAYS)]
        trial.say(document, way)
        await trial.live(declines=way == "declined", disconnects=number % 7 == 0)
    trial.say({}, "told")
    await trial.live(declines=False, disconnects=False)

    assert trial.ends >= {
        *("signed in", "invalid_id_token", "subject_mismatch"),
        *("upstream_error", "provider_unavailable"),
    }
    everything = await trial.everything()
    assert sum(map(len, everything["answers"])) > 10_000
    assert search(everything, {"canary": CANARY, "another": CANARY.upper()}) == []
    kept = [one["attributes"] for one in (await everything_kept(trial.world)).values()]
    assert kept == [{"email": "ada@corp.example", "name": "Ada Lovelace"}]


async def test_the_search_would_find_one(trial: Trial) -> None:
    """A value that the policy lets through is found where it belongs, and nowhere else."""
    trial.say({"name": f"{CANARY} of name"}, "told")
    await trial.live(declines=False, disconnects=False)

    found = search(await trial.everything(), {"canary": CANARY})
    assert {line.split()[2] for line in found} == {"sealed", "answers"}
