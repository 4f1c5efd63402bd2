"""Minimisation, proven from outside: after all kinds of sign-ins, what was not to be kept is nowhere to be found.

The Provider's claims are canaries, its tokens are known; all that is stored, logged, measured and issued is searched.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import asyncpg
import httpx2
import jwt
import pytest
import redis
import structlog

from broker.demo.provider import FAULTS, DemoProvider
from tests.journeys.canaries import Canaries
from tests.world.dumps import pg_dump, rdb_of, wal_position, wal_since
from tests.world.files import POLICY, PROVIDER_CLIENT_SECRET
from tests.world.plain_browser import PlainBrowser
from tests.world.search import search
from tests.world.world import World, open_world

pytestmark = pytest.mark.anyio

Haystacks = dict[str, list[bytes]]

TWO_WAYS_IN = {"google": "google", "corp": "oidc"}
# The one takes all from the ID token, the other asks userinfo too: zoneinfo is told only there.
CORP_POLICY = '[corp.keep]\nemail = "Contact address"\nname = "Shown to colleagues"\nzoneinfo = "Times on pages"\n'
HARMLESS = {"slow", "jwks_garbage_key"}  # the sign-in succeeds all the same


@dataclass(frozen=True, kw_only=True, slots=True)
class Postgres:
    """The server's programs, and where its write-ahead log was before anything happened."""

    programs: Path
    began_at: str


class Life:
    """What happens in the world of the canaries, and all secrets that were ever in anybody's hands."""

    def __init__(self, world: World, canaries: Canaries, postgres: Postgres | None) -> None:
        self.world = world
        self.canaries = canaries
        self.postgres = postgres
        self.handed_out: set[str] = set()
        self.jwts: list[str] = []

    def lead(self) -> None:
        """Sign-ins that work, sign-ins that fail in every way, callers with bad manners, and the end."""
        provider = self.world.provider
        provider.slow_seconds = 0.1
        with PlainBrowser() as ada, PlainBrowser() as another, PlainBrowser() as stranger:
            self._sign_in(ada, "ada")
            self._sign_in(another, "ada")
            self._sign_in(another, "ada", registration="corp")
            self._sign_in(stranger, "stranger")
            for name in FAULTS:
                self._fail(name)
            self._decline()
            self._bad_manners()
            self._sign_in(ada, "ada")
            self._look_around(ada)
            self._disconnect(ada)
            for browser in (ada, another, stranger):
                self.handed_out |= browser.secrets

    def needles(self) -> dict[str, str]:
        """What may be nowhere at all."""
        return {**self.canaries.forbidden, **_tokens(self.world.provider), "our secret there": PROVIDER_CLIENT_SECRET}

    def needles_at_rest(self) -> dict[str, str]:
        """What may be on its way, but neither stored nor logged."""
        handed_out = {f"handed out {number}": value[-24:] for number, value in enumerate(sorted(self.handed_out))}
        jwts = {f"JWT {number}": token.rpartition(".")[2] for number, token in enumerate(self.jwts)}
        return self.needles() | self.canaries.kept | handed_out | jwts

    def _sign_in(self, browser: PlainBrowser, persona: str, registration: str = "google") -> None:
        self.world.provider.consent_automatically(persona)
        browser.http.cookies.clear()
        page = browser.sign_in(self.world.application, registration)
        assert page.url == f"{self.world.application}/", page.text
        self.jwts.append(page.text.partition('<p class="raw"><code>')[2].partition("</code>")[0])
        away = browser.http.post(f"{self.world.application}/sign-out", follow_redirects=False)
        self.jwts += parse_qs(urlsplit(away.headers["location"]).query)["id_token_hint"]

    def _fail(self, name: str) -> None:
        """One sign-in under this fault, when what is published has become old, and last failures are forgotten."""
        provider = self.world.provider
        provider.consent_automatically("ada")
        provider.fault = name
        self.world.clock.advance(3600)
        with PlainBrowser() as browser:
            page = browser.sign_in(self.world.application, "corp" if name == "userinfo_other_sub" else "google")
            self.handed_out |= browser.secrets
        provider.fault = None
        signed_in = "session JWT, claim by claim" in page.text
        assert signed_in is (name in HARMLESS), name

    def _decline(self) -> None:
        self.world.provider.consent_automatically(None)
        with PlainBrowser() as browser:
            choose = browser.sign_in(self.world.application)
            page = browser.submit(choose, "/auth/consent", decision="deny")
            assert "You are not signed in" in page.text

    def _bad_manners(self) -> None:
        """Secrets where they do not belong: in queries, forms, headers, cookies and paths of refused requests."""
        issuer, planted = self.world.issuer, self.canaries.plant
        with PlainBrowser() as browser:
            http = browser.http
            http.get(
                f"{issuer}/callback/google", params={"state": planted("query state"), "code": planted("query code")}
            )
            http.get(f"{issuer}/callback/{planted('path')}", params={"state": "s", "error": planted("query error")})
            self._chosen_words(browser)
            http.get(f"{issuer}/{planted('unknown path')}?{planted('unknown query')}=1")
            http.post(f"{issuer}/oauth/token", data={"grant_type": planted("form"), "code": planted("form code")})
            http.post(
                f"{issuer}/oauth/token",
                data={"grant_type": "authorization_code", "code": planted("good form's code"), "client_id": "demo-app"},
                headers={"Origin": f"https://{planted('origin')}.example"},
            )
            http.post(f"{issuer}/oauth/token", data={"code": "c"}, auth=("demo-app", planted("application secret")))
            http.get(f"{issuer}/oauth/userinfo", headers={"Authorization": f"Bearer {planted('bearer')}"})
            http.get(f"{issuer}/account", headers={"Cookie": f"partner_ops_session={planted('cookie')}"})
            http.get(f"{issuer}/account", headers={"User-Agent": planted("user agent")})
            http.post(f"{issuer}/oauth/end-session", data={"id_token_hint": planted("hint")})

    def _chosen_words(self, browser: PlainBrowser) -> None:
        """A whole sign-in with a good authorize request, whose free parameters hold what they should not."""
        self.world.provider.consent_automatically("ada")
        away = browser.http.get(f"{self.world.application}/sign-in", follow_redirects=False)
        chosen = {name: self.canaries.plant(name) for name in ("organization", "login_hint", "ui_locales", "anything")}
        browser.submit(browser.get(f"{away.headers['location']}&{urlencode(chosen)}"), "/sign-in/google")

    def _look_around(self, browser: PlainBrowser) -> None:
        for page in ("", "/connections", "/sessions", "/data"):
            assert browser.get(f"{self.world.issuer}/account{page}").status_code == 200

    def _disconnect(self, browser: PlainBrowser) -> None:
        page = browser.get(f"{self.world.issuer}/account/connections")
        link = page.text.partition('/disconnect"')[0].rpartition('href="')[2]
        done = browser.submit(browser.get(f"{self.world.issuer}{link}/disconnect"), "/disconnect")
        # A sign-in that was refused had its tokens ended, and with them the whole grant.
        assert "Google had ended this already. What was kept here is deleted." in done.text

    async def at_rest(self) -> Haystacks:
        """Everything that is stored, or written down."""
        tables = await self.world.tables()
        cells = {
            f"{table}.{column}": [_bytes(row[column]) for row in rows]
            for table, rows in tables.items()
            for column in (rows[0] if rows else ())
        }
        metrics = httpx2.get(f"{self.world.issuer}/metrics").content
        carried_away = {}
        if self.postgres is not None:
            url = self.world.database_url
            carried_away["dump"] = [await pg_dump(self.postgres.programs, url)]
            carried_away["WAL"] = [await wal_since(url, self.postgres.began_at)]
        if self.world.redis_url is not None:
            carried_away["RDB"] = [rdb_of(self.world.redis_url)]
        return {
            **carried_away,
            **cells,
            **{name: [content] for name, content in self.world.files().items()},
            **{f"Redis {number}": pieces for number, pieces in enumerate(self.world.keys().values())},
            "log": [self.world.log.text.encode()],
            "metrics": [metrics],
        }

    def in_tokens(self) -> Haystacks:
        """The session JWTs and the broker's ID tokens, as they are and as they read."""
        read = [json.dumps(jwt.decode(token, options={"verify_signature": False})) for token in self.jwts]
        return {"JWTs": [token.encode() for token in self.jwts], "claims": [text.encode() for text in read]}


def _tokens(provider: DemoProvider) -> dict[str, str]:
    """Of every secret that the Provider ever issued, the parts which nothing else has: the ends of it, also alone."""
    needles: dict[str, str] = {}
    for number, issued in enumerate(provider.issued):
        name = f"{issued.kind} {number}"
        payload = issued.value.split(".")[1] if issued.kind == "id_token" else issued.value
        signature = issued.value.rpartition(".")[2]
        needles[name] = payload
        needles[f"{name}'s end"] = payload[-16:]
        if len(signature) >= 16:
            needles[f"{name}'s signature"] = signature[-16:]
        if issued.kind != "id_token":
            needles[f"{name}'s beginning"] = issued.value[:16]
    return needles


def _bytes(cell: object) -> bytes:
    return cell if isinstance(cell, bytes) else str(cell).encode()


@pytest.fixture(params=["sqlite", "postgresql and redis"])
async def life(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Life]:
    """A world whose people are random and whose claims are canaries."""
    database_url = request.getfixturevalue("postgres_url") if "postgresql" in request.param else None
    redis_url = request.getfixturevalue("redis_url") if "redis" in request.param else None
    canaries, postgres = Canaries(), None
    if database_url is not None:
        server = request.getfixturevalue("worker_postgres")
        postgres = Postgres(programs=server.programs, began_at=await wal_position(database_url))
    async with open_world(
        tmp_path,
        database_url=database_url,
        redis_url=redis_url,
        personas=canaries.personas,
        extra_claims=canaries.extra_claims,
        registrations=TWO_WAYS_IN,
        policy=POLICY + CORP_POLICY,
        clients=canaries.clients(),
    ) as world:
        yield Life(world, canaries, postgres)


async def test_what_is_not_to_be_kept_is_nowhere(life: Life) -> None:
    """Nothing forbidden anywhere; nothing kept in the clear; no token, code, cookie or secret written down."""
    await asyncio.to_thread(life.lead)

    assert len(life.canaries.forbidden) > 300
    assert {issued.kind for issued in life.world.provider.issued} == {
        "code",
        "access_token",
        "refresh_token",
        "id_token",
    }
    haystacks = await life.at_rest()
    assert {"connections.sealed_attributes", "ledger.reason", "identities.hash", "log", "metrics"} <= haystacks.keys()
    kinds = {"dump", "WAL", "RDB", "Redis 0"} if life.world.redis_url else {"broker.sqlite-wal"}
    assert kinds <= haystacks.keys()
    assert await asyncio.to_thread(search, haystacks, life.needles_at_rest()) == []
    assert len(life.jwts) == 10
    assert search(life.in_tokens(), life.needles()) == []


async def test_the_search_would_find_it(life: Life) -> None:
    """What is kept is found where it belongs; what is planted is found where it does not."""
    world, provider = life.world, life.world.provider
    provider.consent_automatically("ada")
    with PlainBrowser() as browser:
        page = browser.sign_in(world.application)
        life.jwts.append(page.text.partition('<p class="raw"><code>')[2].partition("</code>")[0])
    assert _places(search(life.in_tokens(), life.canaries.kept)) == {"ada address", "ada mailbox", "ada domain"}

    token = next(issued.value for issued in provider.issued if issued.kind == "refresh_token")
    await _run(world, f"UPDATE ledger SET reason = '{token}'")
    structlog.get_logger("broker").info("planted", value=life.canaries.forbidden["ada birthdate"])
    logging.getLogger("broker.planted").warning(
        "planted %s", life.canaries.forbidden["ada health.blood_type"].encode().hex()
    )
    if world.redis_url:
        with redis.Redis.from_url(world.redis_url) as connection:
            connection.hset("planted", life.canaries.forbidden["ada sub"], "x")

    found = search(await life.at_rest(), life.needles_at_rest())
    assert {"ada birthdate", "ada health.blood_type", *({"ada sub"} if world.redis_url else ())} < _places(found)
    assert any(name.startswith("refresh_token") for name in _places(found))
    places = {line.partition(" in ")[2].partition(" as ")[0].partition("-wal")[0] for line in found}
    stores = {"Redis 0", "RDB", "dump", "WAL"} if world.redis_url else {"broker.sqlite"}
    assert places == {"ledger.reason", "log"} | stores


def _places(found: Iterable[str]) -> set[str]:
    return {line.partition(" in ")[0] for line in found}


async def _run(world: World, statement: str) -> None:
    """Write to the database, past the broker."""
    if world.database_url.startswith("postgresql"):
        connection = await asyncpg.connect(world.database_url)
        await connection.execute(statement)
        await connection.close()
    else:
        database = sqlite3.connect(world.database_url.removeprefix("sqlite:///"))
        with database:
            database.execute(statement)
        database.close()
