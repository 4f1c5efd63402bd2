"""G04: who somebody is comes from (registration, issuer, subject), never from an e-mail address."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broker.demo.provider import Persona
from broker.demo.provider.personas import PERSONAS
from broker.domain.changes import SetUserStatus
from broker.domain.ids import UserId
from broker.domain.user import UserStatus
from tests.fakes.providers.google_like import FakeGoogle
from tests.fakes.providers.microsoft import CONTOSO, FakeEntra
from tests.security.browser import Browser, answered, ask, until_served
from tests.security.staged import staged
from tests.security.template import CLIENTS, Template
from tests.security.trips import refused
from tests.security.world import World

pytestmark = pytest.mark.anyio

VICTIM = {"email": "ada@acme.example", "email_verified": True, "hd": "acme.example", "name": "Ada Lovelace"}
ADA = PERSONAS[0]
RIGHTS = {"acme": ["invoices:read", "reports:read"], "globex": ["reports:read"]}
NOT_TRUE: tuple[Any, ...] = (False, None, 0, 1, 1.0, "true", "false", "True", "", [], [True], {})


async def user_of(world: World, browser: Browser) -> UserId:
    """Who is signed in, by what an Application is told."""
    tokens = await browser.tokens_for(ask())
    return UserId((await browser.userinfo(tokens["access_token"])).json()["sub"])


async def rights_of(browser: Browser) -> Any:
    """The Authorizations of who is signed in, as of now."""
    tokens = await browser.tokens_for(ask())
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return (await browser.get("/api/v1/authorizations", headers=headers)).json()


@pytest.mark.parametrize("first", ["ada", "attacker"])
async def test_an_asserted_address_is_not_an_identity(world: World, ada: Browser, mallory: Browser, first: str) -> None:
    """G04-01: a Provider that lets anybody assert any address ("nOAuth"): a User of their own, whoever comes first."""
    world.corp.claims["stranger"] = VICTIM
    trips = {"ada": lambda: ada.sign_in("ada"), "attacker": lambda: mallory.sign_in("stranger", "corp")}
    for name in sorted(trips, key=lambda name: name != first):
        await trips[name]()

    assert await user_of(world, mallory) != await user_of(world, ada)
    assert (await rights_of(mallory), await rights_of(ada)) == ({}, RIGHTS)


@pytest.mark.parametrize("edov", NOT_TRUE)
async def test_an_entra_tenants_word_is_not_enough(template: Template, tmp_path: Path, edov: Any) -> None:
    """G04-01: an administrator writes what they like into `email`; `xms_edov` must be JSON's true."""
    async with staged(template, tmp_path, FakeEntra) as (world, entra):
        entra.person |= VICTIM | {"xms_edov": edov}
        mallory = world.browser()
        await mallory.sign_in(registration="twin")

        assert await rights_of(mallory) == {}


@pytest.mark.parametrize("verified", NOT_TRUE)
async def test_only_jsons_true_is_verified(world: World, mallory: Browser, verified: Any) -> None:
    """G04-02: everything else counts as unverified, and accepts no invitation."""
    world.google.claims["stranger"] = VICTIM | {"email_verified": verified}
    await mallory.sign_in("stranger")

    assert await rights_of(mallory) == {}


@pytest.mark.parametrize("left_out", ["email_verified", "hd", "email"])
async def test_what_is_not_said_is_not_verified(template: Template, tmp_path: Path, left_out: str) -> None:
    """G04-02: nor does a claim that is missing."""
    async with staged(template, tmp_path, FakeGoogle) as (world, google):
        google.person |= VICTIM
        del google.person[left_out]
        mallory = world.browser()
        await mallory.sign_in(registration="twin")

        assert await rights_of(mallory) == {}


async def test_a_verified_address_accepts_an_invitation(template: Template, tmp_path: Path) -> None:
    """G04-02: the rule itself, so that the cases above fail for their own reason."""
    async with staged(template, tmp_path, FakeGoogle) as (world, google):
        google.person |= VICTIM
        browser = world.browser()
        await browser.sign_in(registration="twin")

        assert await rights_of(browser) == RIGHTS


@pytest.mark.parametrize("attackers", ["corp", "google"])
async def test_an_account_made_in_advance_is_not_found_later(
    world: World, ada: Browser, mallory: Browser, attackers: str
) -> None:
    """G04-03, G04-04: the attacker was here first, with the victim's address, unverified; the victim is still new."""
    getattr(world, attackers).claims["stranger"] = VICTIM | {"email_verified": False}
    await mallory.sign_in("stranger", attackers)
    before = await world.rows("SELECT * FROM identities")

    await ada.sign_in("ada")

    assert await user_of(world, ada) != await user_of(world, mallory)
    assert await rights_of(ada) == RIGHTS
    assert [row for row in await world.rows("SELECT * FROM identities") if row in before] == before


async def test_what_an_attacker_kept_from_before_opens_nothing(world: World, ada: Browser, mallory: Browser) -> None:
    """G04-05: Sessions and tokens of an account made in advance stay that account's: no two accounts ever merge."""
    world.corp.claims["stranger"] = VICTIM
    await mallory.sign_in("stranger", "corp")
    kept = (await mallory.tokens_for(ask()))["access_token"]
    own = (await mallory.userinfo(kept)).json()["sub"]

    await ada.sign_in("ada")
    await ada.sign_in("ada", "corp")

    assert (await mallory.userinfo(kept)).json()["sub"] == own
    assert await rights_of(mallory) == {}
    assert own not in {await user_of(world, ada), await user_of(world, world.browser())}


async def test_a_trojan_account_leads_to_its_owner_only(world: World, ada: Browser, mallory: Browser) -> None:
    """G04-06: the attacker connects a second account in advance; the victim's User has only the victim's."""
    world.corp.claims["stranger"] = VICTIM | {"email_verified": False}
    await mallory.sign_in("stranger", "corp")
    await mallory.get(await mallory.connect("grace", "google"))
    await ada.sign_in("ada")

    owners = await world.rows("SELECT user_id, count(*) AS number FROM connections GROUP BY user_id")
    assert {row["user_id"]: row["number"] for row in owners} == {
        await user_of(world, mallory): 2,
        await user_of(world, ada): 1,
    }


@pytest.mark.parametrize(
    ("email", "trusted"),
    [
        ("eve@corp.example", True),
        ("eve@CORP.example", True),
        ("eve@acme.example", False),
        ("eve@sub.corp.example", False),
        ("eve@corp.example.evil.example", False),
        ("eve@evil.example@corp.example", False),
        ('"eve@acme.example"@corp.example', False),
        ("eve@xcorp.example", False),
        ("eve@corp.example ", False),
        ("eve@corp\u3002example", False),
    ],
)
async def test_a_provider_speaks_for_listed_domains_only(
    world: World, mallory: Browser, email: str, trusted: bool
) -> None:
    """G04-08: whatever it asserts; no domain is listed unless the operator lists it."""
    await world.declare(
        clients=CLIENTS.replace('user = "grace@globex.example"', f"user = {_invited(email)}"),
    )
    world.corp.claims["stranger"] = {"email": email, "email_verified": True}
    await mallory.sign_in("stranger", "corp")

    assert bool(await rights_of(mallory)) is trusted


def _invited(email: str) -> str:
    """The address as TOML, if `broker apply` takes it; else one that comes close."""
    plain = email.strip().replace("\u3002", ".").replace('"', "")
    local, _, domain = plain.rpartition("@")
    return f'"{local.replace("@", ".")}@{domain}"'


def _again(persona: Persona = ADA, **changes: Any) -> Persona:
    return replace(persona, persona_id="again", sub="999999999999999999999", **changes)


async def test_an_address_that_was_given_to_somebody_else(world: World, ada: Browser, mallory: Browser) -> None:
    """G04-09: a lapsed domain was registered anew: same address and `hd`, another subject. The old User stays apart."""
    await ada.sign_in("ada")
    before = await user_of(world, ada)
    world.google.provider.add_persona(_again())

    await refused(world, mallory, await mallory.trip("again"), "subject_changed", status=403)

    assert await user_of(world, ada) == before
    assert [grant.alive for grant in world.google.provider.grants] == [True, False]


async def test_an_application_is_told_that_access_is_denied(world: World, ada: Browser, mallory: Browser) -> None:
    """G04-09: and the ledger, for the Client's administrator, why."""
    await ada.sign_in("ada")
    world.google.provider.add_persona(_again())

    told = answered(await mallory.sign_in("again", request=ask()))

    assert told["error"] == "access_denied"
    assert await world.reason() == "subject_changed"


@pytest.mark.parametrize("hd", [None, "", "evil.example", "acme.example.evil.example", ["acme.example"], True])
async def test_a_domain_is_what_the_claim_says(world: World, mallory: Browser, hd: Any) -> None:
    """G04-10: a personal account with a company's address; `hd` in the request says nothing."""
    world.google.claims["stranger"] = VICTIM | {"hd": hd}
    request = ask(hd="acme.example", login_hint="ada@acme.example")
    url = await mallory.begin("google", request)
    assert "hd=" not in url

    await mallory.get(f"{await mallory.visit(url, 'stranger')}&hd=acme.example")

    assert await rights_of(mallory) == {}


async def test_a_subject_means_something_within_its_tenant(template: Template, tmp_path: Path) -> None:
    """G04-12: the same object id in two tenants of one Provider is two people."""
    async with staged(template, tmp_path, FakeEntra) as (world, entra):
        first, second = world.browser(), world.browser()
        await first.sign_in(registration="twin")
        entra.person |= {"tid": CONTOSO.replace("b9410318", "b9410319")}
        await second.sign_in(registration="twin")

        assert await world.count("users") == 2


async def test_what_people_change_does_not_change_who_they_are(template: Template, tmp_path: Path) -> None:
    """G04-13: another user name, address and name, and still the same User."""
    async with staged(template, tmp_path, FakeEntra) as (world, entra):
        await world.browser().sign_in(registration="twin")
        entra.person |= {"preferred_username": "new@contoso.example", "email": "new@contoso.example", "name": "New"}
        browser = world.browser()
        await browser.sign_in(registration="twin")

        assert await world.count("users") == 1
        assert "new@contoso.example" in (await browser.get("/account/data")).text


async def test_what_somebody_takes_over_does_not_make_them_the_same(template: Template, tmp_path: Path) -> None:
    """G04-13: nor does the user name that somebody else had before."""
    async with staged(template, tmp_path, FakeEntra) as (world, entra):
        await world.browser().sign_in(registration="twin")
        entra.person |= {"oid": "00000000-0000-0000-0000-000000000001", "sub": "another"}
        await world.browser().sign_in(registration="twin")

        assert await world.count("users") == 2


async def test_two_subjects_with_one_address_at_once(any_world: World) -> None:
    """G04-17: a lost race is decided afresh by the identity, never by the address: one of them is invited."""
    any_world.google.provider.add_persona(_again())
    browsers = {name: any_world.browser() for name in ("ada", "again")}
    callbacks = {name: await browser.trip(name) for name, browser in browsers.items()}

    with any_world.watch.together():
        answers = await asyncio.gather(*(browser.get(callbacks[name]) for name, browser in browsers.items()))

    assert sorted(answer.status_code for answer in answers) == [303, 403]
    owners = {row["user_id"] for row in await any_world.rows("SELECT user_id FROM authorizations")}
    assert len(owners - {None}) == 1
    assert await any_world.count("users") == await any_world.count("identities") == 1


async def test_many_first_sign_ins_of_one_person_at_once(any_world: World) -> None:
    """G04-18: fifty tabs come back together: one User, one Identity, one Connection, and everybody is signed in."""
    browsers = [any_world.browser() for _ in range(50)]
    with any_world.watch.together():
        callbacks = [await browser.trip() for browser in browsers]
        answers = await asyncio.gather(*(b.get(c) for b, c in zip(browsers, callbacks, strict=True)))
        busy = [browser for browser, answer in zip(browsers, answers, strict=True) if answer.status_code == 503]
        again = [await until_served(browser.sign_in) for browser in busy]

    entered = [answer.status_code for answer in (*answers, *again) if answer.status_code != 503]
    assert entered == [303] * 50
    assert [await any_world.count(t) for t in ("users", "identities", "connections")] == [1, 1, 1]
    # Of a 503 nobody knows whether it was done.
    assert 50 <= await any_world.count("sessions") <= 50 + len(busy)
    assert all([await browser.is_signed_in() for browser in browsers])
    assert await rights_of(browsers[0]) == RIGHTS


@pytest.fixture
async def suspended(world: World, ada: Browser) -> dict[str, str]:
    """Ada has signed in and got tokens and a code; then she was switched off."""
    tokens = await ada.tokens_for(ask())
    request = ask()
    code = await ada.code_for(request)
    await world.store.write(
        SetUserStatus(user_id=await user_of(world, ada), status=UserStatus.SUSPENDED, at=world.clock.now())
    )
    return {"jwt": tokens["access_token"], "code": code, "verifier": request.verifier}


async def test_a_user_switched_off_does_not_sign_in(world: World, suspended: dict[str, str]) -> None:
    """G04-19: through a Provider that knows nothing of it."""
    mallory = world.browser()

    await refused(world, mallory, await mallory.trip("ada"), "account_disabled", status=403)

    assert answered(await world.browser().sign_in("ada", request=ask()))["error"] == "access_denied"


async def test_a_user_switched_off_is_signed_out(world: World, ada: Browser, suspended: dict[str, str]) -> None:
    """G04-19: their Sessions open nothing, and prompt=none says that nobody is there."""
    assert not await ada.is_signed_in()
    assert answered(await ada.get(ask(prompt="none").url))["error"] == "login_required"


async def test_a_user_switched_off_gets_no_tokens(world: World, ada: Browser, suspended: dict[str, str]) -> None:
    """G04-19: not even for a code from before."""
    answer = await ada.redeem(ask(), suspended["code"], code_verifier=suspended["verifier"])

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("path", ["/oauth/userinfo", "/api/v1/authorizations"])
async def test_the_tokens_of_a_user_switched_off_are_dead(
    world: World, ada: Browser, suspended: dict[str, str], path: str
) -> None:
    """G04-19: wherever they are asked about."""
    answer = await ada.get(path, headers={"Authorization": f"Bearer {suspended['jwt']}"})

    assert (answer.status_code, await world.reason()) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


async def test_a_user_switched_off_connects_nothing(world: World, ada: Browser) -> None:
    """G04-19: nor finishes what was begun before."""
    await ada.sign_in("ada")
    callback = await ada.connect()
    await world.store.write(
        SetUserStatus(user_id=await user_of(world, ada), status=UserStatus.SUSPENDED, at=world.clock.now())
    )

    await refused(world, ada, callback, "initiator_mismatch", status=403)


@pytest.mark.parametrize(
    "names",
    [
        {"invitation": "azn_1", "client_org": "acme", "email": "ada@acme.example"},
        {"user": "ada@acme.example", "organization": "acme", "rights": "invoices:write"},
        {"login_hint": "ada@acme.example", "organization": "acme"},
    ],
)
async def test_nothing_in_a_request_is_an_invitation(world: World, mallory: Browser, names: dict[str, str]) -> None:
    """G04-22: an invitation is a row that waits for a verified address; there is nothing to edit."""
    told = answered(await mallory.sign_in("stranger", request=ask(**names)))
    assert told.get("error") == ("access_denied" if "organization" in names else None)
    await mallory.get(f"/account?{'&'.join(f'{n}={v}' for n, v in names.items())}")

    assert await rights_of(mallory) == {}


async def test_an_invitation_is_taken_once(world: World, ada: Browser, mallory: Browser) -> None:
    """G04-22: whoever proves the same address later, through whatever Provider, comes too late."""
    await world.declare(clients=CLIENTS.replace("grace@globex.example", "eve@corp.example"))
    world.corp.claims["grace"] = world.corp.claims["stranger"] = {"email": "eve@corp.example", "email_verified": True}
    await ada.sign_in("grace", "corp")
    taken = await rights_of(ada)
    assert list(taken) == ["globex"]

    answer = await mallory.get(await mallory.trip("stranger", "corp"))

    assert (answer.status_code, await world.reason()) == (403, "subject_changed")
    assert await rights_of(ada) == taken


async def test_an_invitation_withdrawn_is_not_taken(world: World, ada: Browser) -> None:
    """G04-22: not even by a trip that was begun before."""
    callback = await ada.trip("ada")
    await world.declare(clients=CLIENTS.replace("ada@acme.example", "nobody@acme.example"))
    await ada.get(callback)

    assert await rights_of(ada) == {}
