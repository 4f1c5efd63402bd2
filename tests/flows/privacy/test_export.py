"""The archive: whatever is kept, signed, of nobody else; never a token or a secret; and on record before it is out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import fastjsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.acceptance import Acceptance, Accepted, Choice
from broker.domain.archive import SignedArchive, digest, is_about, read
from broker.domain.changes import Accept, PutChoice, PutConsent, Record
from broker.domain.consent import Consent
from broker.domain.errors import Fault, NotFound
from broker.domain.ids import ApplicationId, UserId
from broker.domain.ledger import AuditEvent
from broker.domain.sealing import SYSTEM_OWNER
from broker.flows.connections.revoke import revoke
from broker.flows.found import LiveSession
from broker.flows.privacy.correct import correct
from broker.flows.privacy.export import AT_ONCE, export
from tests.flows.refusals import refusal
from tests.flows.setting import ACME, ADA, ADA_AT_CORP, GRACE, ISSUER, NOW, POLICY, STRANGER
from tests.flows.texts import holds
from tests.flows.world import World, open_world
from tests.rules.tree import ROOT

pytestmark = pytest.mark.anyio

SCHEMA = orjson.loads((ROOT / "docs/reference/archive.schema.json").read_bytes())
IS_VALID = fastjsonschema.compile(SCHEMA)
TERMS: dict[str, Any] = {
    "google": {
        **POLICY["google"],
        "keep": {
            "email": {"purpose": "Contact address", "days": 30, "correctable": True},
            "name": {"purpose": "Shown to colleagues", "optional": True},
        },
    },
    "corp": POLICY["corp"],
}


async def exported(world: World, user_id: UserId, *, by_operator: bool = False) -> SignedArchive:
    """As of now; it is of the documented form, and its signature holds."""
    signed = await export(user_id, world.ports, by_operator=by_operator, request_id="req-1")
    IS_VALID(orjson.loads(signed.to_bytes()))
    claims = world.signer.verify(signed.signature, typ="archive+jwt", audience=None, now=None)
    assert claims == {
        "iss": ISSUER,
        "sub": user_id,
        "iat": world.clock.now(),
        "archive_digest": digest(signed.archive),
    }
    assert read(signed.to_bytes()) == signed
    return signed


async def lived(world: World) -> LiveSession:
    """Ada, with something of everything."""
    ada = await world.signed_in(ADA)
    await world.signed_in(GRACE)
    await world.redeem(await world.code(ADA), "demo-app")
    world.clock.advance(1)
    await world.connect(ADA_AT_CORP, ada)
    consent = Consent(user_id=ada.user.id, application_id=ApplicationId("crm"), scopes=("openid",), given_at=NOW)
    acceptance = Acceptance(user_id=ada.user.id, document=Accepted.TERMS, version="v1", at=NOW)
    choice = Choice(user_id=ada.user.id, subject="google.name", agreed=True, at=NOW)
    await world.store.write(PutConsent(consent=consent), Accept(acceptance=acceptance), PutChoice(choice=choice))
    world.forget()
    return ada


async def test_everything_is_in_it(world: World) -> None:
    """Each section has what the tables hold; names stand beside ids."""
    ada = await lived(world)
    world.clock.advance(60)
    archive = (await exported(world, ada.user.id)).archive

    assert (archive["version"], archive["issuer"], archive["created_at"]) == (1, ISSUER, NOW + 61)
    assert archive["policy_digest"] == world.ports.policy.digest()
    assert archive["user"]["id"] == ada.user.id
    assert [one["registration"] for one in archive["identities"]] == ["google", "corp"]
    assert [one["rights"] for one in archive["authorizations"]] == [["invoices:read", "reports:read"], ["reports:read"]]
    assert archive["client_orgs"][0] == {"id": ACME, "name": "Acme Inc."}
    assert [one["id"] for one in archive["applications"]] == ["crm", "demo-app"]
    assert [one["application_id"] for one in archive["grants"]] == ["demo-app"]
    assert [one["document"] for one in archive["acceptances"]] == ["terms"]
    assert [one["subject"] for one in archive["choices"]] == ["google.name"]
    assert [one["application_id"] for one in archive["consents"]] == ["crm"]
    assert archive["disclosures"] == [
        {"connection_id": ada.session.connection_id, "attribute": "email", "application_id": "demo-app"}
    ]
    assert {one["action"] for one in archive["ledger"]} == {"sign_in.finish", "redeem", "connect.finish"}


async def test_each_attribute_is_told_with_its_terms(world: World) -> None:
    """What it is for, since when, until when, and whether it is the User's own word."""
    ada = await lived(world)
    world.ports = world.with_policy(TERMS)
    world.clock.advance(60)
    await correct(ada.session.connection_id, "email", "ada@home.example", ada.user.id, world.ports, request_id="")
    google = (await exported(world, ada.user.id)).archive["connections"][0]

    assert google["holds_tokens"] is True
    assert google["attributes"] == [
        {
            "name": "email",
            "value": "ada@home.example",
            "purpose": "Contact address",
            "since": NOW + 61,
            "taken": NOW + 61,
            "until": NOW + 61 + 30 * 86400,
            "corrected": True,
            "optional": False,
        },
        {
            "name": "name",
            "value": "Ada Lovelace",
            "purpose": "Shown to colleagues",
            "since": NOW,
            "taken": NOW,
            "until": None,
            "corrected": False,
            "optional": True,
        },
    ]


async def test_what_is_about_to_go_is_told_too(world: World) -> None:
    """As long as it is there, it is kept."""
    ada = await lived(world)
    world.ports = world.with_policy({"google": {"keep": {"email": "x"}}})
    google = (await exported(world, ada.user.id)).archive["connections"][0]

    assert [(a["name"], a["purpose"]) for a in google["attributes"]] == [("email", "x"), ("name", None)]


async def test_where_somebody_signed_in_from_is_told_to_them(world: World) -> None:
    """As short as it is kept, however long the ledger is; null where there is nothing, or what does not open."""
    world.ports, world.address = world.with_policy(POLICY | {"ledger": {"address": "shortened"}}), "203.0.113.77"
    ada = await world.signed_in(ADA)
    plain = AuditEvent(at=NOW, action="refresh", outcome="done", user_id=ada.user.id)
    await world.store.write(*(Record(event=plain) for _ in range(AT_ONCE)))
    world.clock.advance(1)
    await world.sign_in(ADA)
    lines = (await exported(world, ada.user.id)).archive["ledger"]
    network = "203.0.113.0/24"
    assert [line["address"] for line in lines] == [network, *([None] * AT_ONCE), network]

    ledger = world.store.tables.ledger
    first = min(ledger, key=lambda position: (ledger[position].sealed is None, position))
    ledger[first] = replace(ledger[first], sealed=b"\x01\x01damaged")
    lines = (await exported(world, ada.user.id)).archive["ledger"]
    assert [line["address"] for line in lines if line["action"] == "sign_in.finish"] == [None, network]


async def test_no_token_and_no_secret_is_in_it(world: World) -> None:
    """Nor a keyed hash of one, nor anything of anybody else's."""
    ada = await lived(world)
    await revoke((await world.connection(ADA_AT_CORP)).connection.id, ada.user.id, world.ports, request_id="")
    tokens = await world.tokens()
    assert tokens is not None
    content = (await exported(world, ada.user.id)).to_bytes().decode()

    tables = world.store.tables
    secrets = [tokens.access_token, tokens.refresh_token, *(i.hash for i in tables.identities.values())]
    secrets += [s.secret for s in tables.sessions.values()] + [g.code for g in tables.grants.values()]
    secrets += [g.nonce for g in tables.grants.values()]
    secrets += [a.invited_email for a in tables.authorizations.values()]
    assert [secret for secret in secrets if secret and secret in content] == []
    assert "grace" not in content.lower()
    assert "dropped-canary" not in content
    corp = orjson.loads(content)["archive"]["connections"][1]
    assert (corp["status"], corp["holds_tokens"], corp["attributes"]) == ("revoked", False, [])
    assert [p["result"] for p in orjson.loads(content)["archive"]["pending_revocations"]] == ["pending"]


async def test_what_does_not_open_is_said_to(world: World) -> None:
    """The rest is told."""
    ada = await lived(world)
    await world.damage(ADA, sealed_attributes=b"\x01\x01damaged")
    google, corp = (await exported(world, ada.user.id)).archive["connections"]

    assert google["attributes"] is None
    assert [a["name"] for a in corp["attributes"]] == ["email"]


@pytest.mark.parametrize(("by_operator", "action"), [(False, "data.export"), (True, "data.export_by_operator")])
async def test_it_is_on_record(world: World, by_operator: bool, action: str) -> None:
    """Who made it; with no value. The next archive tells of this one."""
    ada = await lived(world)
    first = await exported(world, ada.user.id, by_operator=by_operator)

    assert world.event() == AuditEvent(
        at=NOW + 1, action=action, outcome="done", request_id="req-1", user_id=ada.user.id
    )
    assert action not in str(first.archive["ledger"])
    assert (await exported(world, ada.user.id)).archive["ledger"][-1]["action"] == action
    assert not holds(world.store.tables.ledger, "Lovelace")
    assert "Lovelace" not in repr(first)


async def test_nothing_is_handed_out_without_a_record(world: World) -> None:
    """Where the ledger cannot be written, there is no archive."""
    ada = await lived(world)
    world.store.stop_before("write")
    with refusal(Fault, "storage_unavailable"):
        await exported(world, ada.user.id)


@pytest.mark.parametrize("user_id", ["usr_unknown", "", SYSTEM_OWNER])
async def test_nobody_is_exported_who_is_not_there(world: World, user_id: str) -> None:
    """Nor the broker itself."""
    await lived(world)
    with refusal(NotFound, "not_found"):
        await exported(world, UserId(user_id))
    assert world.written == []


async def test_nobody_is_exported_whose_key_is_gone(world: World) -> None:
    """What was sealed with it is nothing any more."""
    ada = await lived(world)
    del world.store.tables.data_keys[ada.user.id]
    with refusal(NotFound, "not_found"):
        await exported(world, ada.user.id)


async def test_two_moments_are_not_mixed(world: World) -> None:
    """Somebody signs in between the reads: both are read again."""
    ada = await lived(world)
    world.store.before("connections_of", lambda: world.sign_in(ADA))
    google = (await exported(world, ada.user.id)).archive["connections"][0]

    assert google["generation"] == (await world.connection()).connection.generation


async def test_it_does_not_try_for_ever(world: World) -> None:
    """Where somebody signs in again and again, it is to be tried later."""
    ada = await lived(world)
    world.store.always_before("connections_of", lambda: world.sign_in(ADA))
    with refusal(Fault, "contention"):
        await exported(world, ada.user.id)


NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=200)


@given(NAMES)
async def test_whatever_is_kept_comes_through(name: str) -> None:
    """To the letter, through the file and back; the digest is the same for every reader."""
    world = await open_world()
    eve = await world.signed_in(replace(STRANGER, profile={"name": name, "email": "eve@elsewhere.example"}))
    signed = await exported(world, eve.user.id)
    kept = {a["name"]: a["value"] for a in read(signed.to_bytes()).archive["connections"][0]["attributes"]}

    assert kept == {a.name: a.value for a in await world.kept(STRANGER)}
    claims = world.signer.verify(signed.signature, typ="archive+jwt", audience=None, now=None)
    assert is_about(claims, read(signed.to_bytes()).archive)


@given(st.data())
async def test_whatever_is_changed_is_found_out(data: st.DataObject) -> None:
    """One value anywhere in the archive, by one character or one number."""
    world = await open_world()
    ada = await lived(world)
    signed = await exported(world, ada.user.id)
    claims = world.signer.verify(signed.signature, typ="archive+jwt", audience=None, now=None)
    changed = orjson.loads(orjson.dumps(signed.archive))
    places = list(_places(changed))
    holder, key = places[data.draw(st.integers(0, len(places) - 1))]
    before = holder[key]
    holder[key] = before + "x" if isinstance(before, str) else "x"

    assert is_about(claims, signed.archive)
    assert not is_about(claims, changed)


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every value that holds no others: what it is in, and where."""
    for key, value in document.items() if isinstance(document, dict) else enumerate(document):
        if isinstance(value, dict | list):
            yield from _places(value)
        else:
            yield document, key
