"""The states of a signing key, on every kind of store: which deeds are allowed where, and what is there but once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain import changes as c
from broker.domain.changes import Change
from broker.domain.errors import Conflict
from broker.domain.ids import ApplicationId
from broker.domain.signing_key import SigningKey
from broker.flows.store import Store
from tests.storage import world as w

pytestmark = pytest.mark.anyio

LATER = w.NOW + 60


async def lost(store: Store, *changes: Change) -> str:
    """Which Change lost."""
    with pytest.raises(Conflict) as conflict:
        await store.write(*changes)
    return conflict.value.what


async def signing_keys(store: Store, *keys: SigningKey) -> None:
    await store.write(c.AddDataKey(key=w.system_key()), *(c.AddSigningKey(key=key) for key in keys))


async def test_one_signing_key_of_each_algorithm_is_active_and_one_waits(store: Store) -> None:
    """Of those that are retired or revoked there may be many."""
    gone = [replace(w.signing_key(f"gone-{n}", active=False), retired_at=LATER) for n in range(2)]
    gone += [replace(w.signing_key(f"stolen-{n}", active=False), revoked_at=LATER) for n in range(2)]
    await signing_keys(store, *gone, w.signing_key("now"), w.signing_key("next", active=False))
    await store.write(c.AddSigningKey(key=replace(w.signing_key("rsa"), alg="RS256")))
    await store.write(c.AddSigningKey(key=replace(w.signing_key("next-rsa", active=False), alg="RS256")))

    for active in (True, False):
        assert await lost(store, c.AddSigningKey(key=w.signing_key("rival", active=active))) == "AddSigningKey"
    assert len(await store.signing_keys()) == 8


async def test_a_signing_key_takes_over_from_another(store: Store) -> None:
    """In one write; each of the two remembers when."""
    await signing_keys(store, w.signing_key("now"), w.signing_key("next", active=False, at=LATER))
    await store.write(c.RetireSigningKey(kid="now", at=LATER), c.PromoteSigningKey(kid="next", at=LATER))
    before, after = await store.signing_keys()

    assert before == replace(w.signing_key("now"), active=False, retired_at=LATER)
    assert after == replace(w.signing_key("next", at=LATER), activated_at=LATER)


async def test_two_signing_keys_never_sign_side_by_side(store: Store) -> None:
    """Promoting one without retiring the other is refused, whatever its own state allows."""
    await signing_keys(store, w.signing_key("now"), w.signing_key("next", active=False, at=LATER))

    assert await lost(store, c.PromoteSigningKey(kid="next", at=LATER)) == "PromoteSigningKey"
    assert [key.active for key in await store.signing_keys()] == [True, False]


async def test_a_revoked_signing_key_loses_its_private_half(store: Store) -> None:
    """While another one, new or waiting, takes over in the same write."""
    await signing_keys(store, w.signing_key("now"))
    new = w.signing_key("new", at=LATER)
    await store.write(c.RevokeSigningKey(kid="now", at=LATER), c.AddSigningKey(key=new))
    assert await store.signing_keys() == (
        replace(w.signing_key("now"), active=False, sealed_private=b"", revoked_at=LATER),
        new,
    )

    await store.write(c.AddSigningKey(key=w.signing_key("standby", active=False, at=LATER + 1)))
    await store.write(c.RevokeSigningKey(kid="new", at=LATER), c.PromoteSigningKey(kid="standby", at=LATER))
    assert [(key.kid, key.state) for key in await store.signing_keys()] == [
        ("now", "revoked"),
        ("new", "revoked"),
        ("standby", "active"),
    ]


@pytest.mark.parametrize("state", ["pending", "active", "retiring", "revoked", "gone"])
async def test_a_signing_key_goes_on_from_where_it_is_alone(store: Store, state: str) -> None:
    """Who has decided on another state has lost a race."""
    key = w.signing_key(active=state == "active")
    if state == "retiring":
        key = replace(key, retired_at=w.NOW)
    if state == "revoked":
        key = replace(key, revoked_at=w.NOW)
    await signing_keys(store, *([] if state == "gone" else [key]))
    allowed = {
        "PromoteSigningKey": {"pending"},
        "RetireSigningKey": {"pending", "active"},
        "RevokeSigningKey": {"pending", "active", "retiring"},
        "RemoveSigningKey": {"retiring", "revoked"},
    }
    deeds: list[Change] = [
        c.PromoteSigningKey(kid=key.kid, at=LATER),
        c.RetireSigningKey(kid=key.kid, at=LATER),
        c.RevokeSigningKey(kid=key.kid, at=LATER),
        c.RemoveSigningKey(kid=key.kid),
    ]
    refused = [deed for deed in deeds if state not in allowed[type(deed).__name__]]
    for deed in refused:
        assert await lost(store, deed) == type(deed).__name__

    for deed in deeds:
        if deed not in refused:
            await store.write(deed)
            break
    else:
        assert await store.signing_keys() == ()


async def test_a_removed_signing_key_is_gone(store: Store) -> None:
    """Several at once, and a second time is a lost race."""
    keys = [replace(w.signing_key(f"old-{n}", active=False), retired_at=LATER) for n in range(2)]
    await signing_keys(store, *keys, w.signing_key("now"))
    await store.write(*(c.RemoveSigningKey(kid=key.kid) for key in keys))

    assert [key.kid for key in await store.signing_keys()] == ["now"]
    assert await lost(store, c.RemoveSigningKey(kid="old-0")) == "RemoveSigningKey"


async def test_the_algorithms_of_applications_are_told_once(store: Store) -> None:
    """Nobody's choice is not told."""
    assert await store.signing_algorithms() == ()
    for name, alg in (("a", "RS256"), ("b", "EdDSA"), ("c", "RS256"), ("d", None)):
        application = replace(w.application(name), id=ApplicationId(name), signing_algorithm=alg)
        await store.write(c.PutApplication(application=application))
        assert await store.application(application.id) == application

    assert await store.signing_algorithms() == ("EdDSA", "RS256")
