"""G16: what is sealed opens at its own place, for its own User, with the keyring, and in no other way."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import sqlite3
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from broker.app import NotReady, opened
from broker.crypto.keyring import new_keyring, parse_keyring
from broker.crypto.vault import LocalVault
from broker.domain.connection import UpstreamTokens
from broker.storage.database_url import sqlite_path
from tests.security.browser import Browser, ask
from tests.security.canaries import forms_of
from tests.security.opened import everything_kept, text_of
from tests.security.template import Template
from tests.security.world import StartRefused, World, open_world
from tests.world.contents import files_of

pytestmark = pytest.mark.anyio

PEOPLE = ["ada@acme.example", "Ada Lovelace", "grace@globex.example", "107691504500061815001"]


def change(world: World, statement: str, *values: object, **named: object) -> None:
    """What somebody with access to the database does to it."""
    path = sqlite_path(world.settings.database_url)
    assert path is not None
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(statement, named or values)


async def column(world: World, table: str, name: str) -> list[Any]:
    """One column of one table, in the order of its rows."""
    return [row[name] for row in await world.rows(f"SELECT {name} FROM {table} ORDER BY rowid")]


async def needs_attention(browser: Browser) -> bool:
    """Whether one's own page says that a Connection has to be made anew."""
    return "does not accept what we hold any more" in (await browser.get("/account/connections")).text


async def test_nothing_can_be_read_in_a_dump(world: World, ada: Browser, mallory: Browser) -> None:
    """G16-01: not in the rows, the file, the write-ahead log, the log or the metrics, in any encoding."""
    tokens = await ada.tokens_for(ask())
    await mallory.sign_in("grace")
    await ada.get(await ada.connect())
    await ada.get(await ada.trip(request=ask("reports")))
    files = files_of(world.settings.database_url)
    assert any(name.endswith("-wal") and content for name, content in files.items())
    dump = b"".join(files.values()) + repr(await world.tables()).encode() + world.watch.log.text.encode()
    dump += (await ada.get("/metrics")).content

    known = world.watch.canaries.known
    assert set(known.values()) >= {
        *("upstream access_token", "upstream refresh_token", "upstream id_token", "upstream code", "upstream state"),
        *("upstream nonce", "upstream verifier", "cookie", "token", "code", "key", "secret of provider"),
    }
    for value in [*known, *PEOPLE, tokens["access_token"]]:
        compressed = {zlib.compress(value.encode())[2:-4], gzip.compress(value.encode(), mtime=0)[10:-8]}
        for form in (
            forms_of(value)
            | {quote(value).encode(), json.dumps(value).encode(), value.encode("utf-16-le")}
            | compressed
        ):
            assert form not in dump, known.get(value, value)


async def test_what_is_kept_does_open_with_the_keyring(world: World, ada: Browser) -> None:
    """G16-01: so that the case above looked at something."""
    await ada.sign_in()
    kept = text_of(await everything_kept(world))

    assert "Ada Lovelace" in kept
    assert all(i.value in kept for i in world.google.provider.issued if i.kind in ("access_token", "refresh_token"))


_KEY = "WHERE owner = (SELECT user_id FROM connections WHERE id = :mine)"
SWAPS = {
    "between users": """UPDATE connections SET sealed_attributes = other.sealed_attributes
        FROM connections AS other WHERE connections.id = :mine AND other.id = :theirs""",
    "between columns": "UPDATE connections SET sealed_attributes = sealed_tokens WHERE id = :mine",
    "another generation": "UPDATE connections SET generation = generation + 1 WHERE id = :mine",
    "another registration": "UPDATE connections SET registration = 'corp' WHERE id = :mine",
    "another key": f"UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys WHERE owner = 'system') {_KEY}",
    "nothing": "UPDATE connections SET sealed_attributes = x'' WHERE id = :mine",
    "rubbish": "UPDATE connections SET sealed_attributes = randomblob(200) WHERE id = :mine",
    "cut": "UPDATE connections SET sealed_attributes = substr(sealed_attributes, 1, 40) WHERE id = :mine",
}
BROKEN_SEAL = ("connections", "grants", "revocations")
"""What a code changes whose Connection does not open."""


async def swap(world: World, name: str) -> None:
    """Do this to the first User's Connection, with what the second one has."""
    mine, theirs = await column(world, "connections", "id")
    change(world, SWAPS[name], mine=mine, theirs=theirs)


@pytest.mark.parametrize("name", SWAPS)
async def test_what_was_moved_or_damaged_does_not_open(world: World, ada: Browser, mallory: Browser, name: str) -> None:
    """G16-02: a page says that the Connection needs attention; a code gets no tokens; nobody sees anybody else's."""
    await ada.sign_in("ada")
    await mallory.sign_in("grace")
    request = ask(organization="globex")
    code = await ada.code_for(request)
    after = world.browser(app=await world.another())  # a process that has no key in its memory
    await swap(world, name)
    after.http.cookies = ada.http.cookies

    assert await needs_attention(after)
    for path in ("/account", "/account/data", "/account/connections", "/account/sessions"):
        page = (await after.get(path)).text
        assert "grace@globex.example" not in page
        assert "ada@acme.example" not in page
    assert (await column(world, "connections", "status"))[0] == "needs_reauth"
    told = [event for event in await world.store.events(20) if event.action == "vault.open"]
    assert [event.reason for event in told] == ["seal_broken"]
    answer = await after.redeem(request, code, may_change=BROKEN_SEAL)
    if name == "another registration":  # of which nothing may be released, so nothing is opened
        assert "email" not in (await after.userinfo(answer.json()["access_token"])).json()
    else:
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_kek_that_is_missing_costs_nobody_anything(world: World, ada: Browser) -> None:
    """G16-15: a keyring that lacks a KEK is no damage: 503, nothing is thrown away, and the right one opens it."""
    await ada.sign_in("ada")
    request = ask()
    code = await ada.code_for(request)
    after = world.browser(app=await world.another())
    after.http.cookies = ada.http.cookies
    change(world, "UPDATE data_keys SET kek_id = 'local:other:1' WHERE owner != 'system'")
    connections = await world.rows("SELECT * FROM connections")

    assert (await after.get("/account/connections")).status_code == 503
    answer = await after.redeem(request, code)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert "local:other:1" not in answer.text
    assert await world.rows("SELECT * FROM connections") == connections

    change(world, "UPDATE data_keys SET kek_id = 'local:main:1'")
    assert not await needs_attention(after)
    assert (await after.redeem(request, code)).status_code == 200


async def test_a_connection_that_does_not_open_is_marked_and_told(world: World, ada: Browser) -> None:
    """G16-02: the ledger says why; what is sealed stays, for it may be put back; a new sign-in mends it."""
    await ada.sign_in()
    request = ask()
    code = await ada.code_for(request)
    change(world, "UPDATE connections SET sealed_attributes = sealed_tokens")
    sealed = await column(world, "connections", "sealed_tokens")

    answer = await ada.redeem(request, code, may_change=BROKEN_SEAL)

    assert answer.status_code == 400
    assert await column(world, "connections", "status") == ["needs_reauth"]
    assert await column(world, "connections", "sealed_tokens") == sealed
    assert "seal_broken" in {event.reason for event in await world.store.events(5)}
    await ada.sign_in()
    assert not await needs_attention(ada)
    assert (await ada.userinfo((await ada.tokens_for(ask()))["access_token"])).json()["email"] == "ada@acme.example"


async def test_tokens_of_another_connection_are_not_revoked(world: World, ada: Browser, mallory: Browser) -> None:
    """G16-02: a User disconnects; what was put in the place of their tokens is somebody else's, and is left alone."""
    await ada.sign_in("ada")
    await mallory.sign_in("grace")
    mine, theirs = await column(world, "connections", "id")
    change(world, SWAPS["between users"].replace("attributes", "tokens"), mine=mine, theirs=theirs)

    answer = await ada.press(f"/account/connections/{mine}/disconnect")

    assert answer.status_code == 200
    assert [grant.alive for grant in world.google.provider.grants] == [True, True]


async def test_any_bit_that_was_flipped_is_noticed(world: World, ada: Browser) -> None:
    """G16-03: bytes of an envelope in turn; always the same clean outcome."""
    await ada.sign_in()
    (envelope,) = await column(world, "connections", "sealed_attributes")
    change(world, "UPDATE connections SET sealed_attributes = ?", b"")
    await ada.http.get("/account/data")  # marks it, of which the ledger has a line, which the page counts
    pages = set()
    for place in range(0, len(envelope), 5):  # every single one: tests/crypto/test_envelope.py
        flipped = envelope[:place] + bytes([envelope[place] ^ 1]) + envelope[place + 1 :]
        change(world, "UPDATE connections SET sealed_attributes = ?", flipped)
        answer = await ada.http.get("/account/data")
        assert answer.status_code == 200, place
        pages.add(answer.text.replace(answer.headers["X-Request-Id"], ""))

    assert len(pages) == 1
    assert "ada@acme.example" not in pages.pop()


async def test_a_broker_with_the_wrong_keyring_does_not_start(template: Template, tmp_path: Path) -> None:
    """G16-08: it says which key is missing, and writes nothing."""
    async with open_world(template, tmp_path) as world:
        await world.browser().sign_in()
        before = await world.tables()

        with pytest.raises(StartRefused) as refused:
            await world.another(keyring=new_keyring())

        assert "not_ready" in str(refused.value)
        assert await world.tables() == before


@pytest.mark.parametrize("part", ["keks", "lookup_keys"])
async def test_a_broker_with_half_of_another_keyring_does_not_start(world: World, ada: Browser, part: str) -> None:
    """G16-08: neither with other keys under the same names, nor with another key for look-ups."""
    await ada.sign_in()
    document = json.loads(world.settings.keyring) | {part: json.loads(new_keyring())[part]}

    with pytest.raises(NotReady) as refused:
        async with opened(replace(world.settings, keyring=json.dumps(document))):
            pass

    assert refused.value.problems
    assert not any(entry["key"] in str(refused.value) for entry in document[part])


async def test_a_key_that_is_not_what_it_says_opens_nothing(world: World, ada: Browser, mallory: Browser) -> None:
    """G16-10: another User's data key, given out under this User's name, is noticed before anything is decrypted."""
    await ada.sign_in("ada")
    await mallory.sign_in("grace")
    (first, second) = [
        row for row in await world.rows("SELECT * FROM data_keys ORDER BY rowid") if row["owner"] != "system"
    ]
    after = world.browser(app=await world.another())
    change(world, "UPDATE data_keys SET wrapped = ? WHERE id = ?", second["wrapped"], first["id"])
    after.http.cookies = ada.http.cookies

    assert await needs_attention(after)
    assert "grace@globex.example" not in (await after.get("/account/data")).text


async def test_no_key_and_no_token_shows_in_a_repr(world: World, ada: Browser) -> None:
    """G16-14: settings, keyring, vault, attempts, tokens, errors; and nothing of them in the metrics."""
    await ada.begin()
    attempt = world.secrets.open_attempt(ada.cookie("attempt") or "")
    keyring = parse_keyring(world.settings.keyring)
    tokens = UpstreamTokens(access_token="canary-access-token", refresh_token="canary-refresh-token", expires_at=None)
    shown = "".join(
        f"{thing!r}{thing!s}"
        for thing in (
            world.settings,
            *world.settings.registrations.values(),
            keyring,
            LocalVault(keyring),
            world.secrets,
            attempt,
            tokens,
        )
    )
    shown += (await ada.get("/metrics")).text
    assert attempt is not None

    secret = [entry["key"] for e in json.loads(world.settings.keyring).values() if isinstance(e, list) for entry in e]
    secret += [repr(base64.b64decode(key)) for key in list(secret)]
    secret += [attempt.state, attempt.nonce, attempt.code_verifier, "canary-access-token", "canary-refresh-token"]
    secret += [registration.secret for registration in world.settings.registrations.values()]
    assert [value for value in secret if value in shown] == []


async def test_why_something_does_not_open_cannot_be_told_apart(template: Template, tmp_path: Path) -> None:
    """G16-15: an unknown key, a wrong tag, another place: one answer, to the byte."""
    said = set()
    for name in SWAPS.keys() - {"another registration"}:
        folder = tmp_path / name
        folder.mkdir()
        async with open_world(template, folder) as world:
            ada = world.browser()
            await ada.sign_in("ada")
            await world.browser().sign_in("grace")
            request = ask(organization="globex")
            code = await ada.code_for(request)
            after = world.browser(app=await world.another())
            await swap(world, name)
            answer = await after.redeem(request, code, may_change=BROKEN_SEAL)
            said.add((answer.status_code, answer.content, tuple(sorted(set(answer.headers) - {"x-request-id"}))))

    assert len(said) == 1


async def test_what_a_trip_is_bound_by_is_nowhere_but_in_its_cookie(world: World, ada: Browser) -> None:
    """G16-17: verifier, nonce and state, while the person is away and afterwards; and the cookie is sealed."""
    callback = await ada.trip(request=ask())
    value = ada.cookie("attempt") or ""
    attempt = world.secrets.open_attempt(value)
    assert attempt is not None
    secret = [attempt.state, attempt.nonce, attempt.code_verifier]
    raw = base64.urlsafe_b64decode(value.partition(".")[2] + "==")
    for _ in range(2):
        dump = b"".join(files_of(world.settings.database_url).values()) + world.watch.log.text.encode()
        assert not [s for s in secret if any(form in dump for form in forms_of(s))]
        assert not [s for s in secret if s.encode() in raw or s in value]
        await ada.get(callback)
