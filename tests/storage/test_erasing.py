"""The writes that erase a User, and the reads about it, on every kind of store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain import changes as c
from broker.domain.changes.erasure import ALL_OF_USER
from broker.domain.errors import Conflict
from broker.domain.ids import UserId
from broker.flows.store import Store
from tests.storage import world as w

pytestmark = pytest.mark.anyio

ADA, GRACE = UserId("usr_ada"), UserId("usr_grace")


async def populated(store: Store) -> None:
    """Ada and Grace have used everything."""
    await store.write(*w.registered())
    for number, name in enumerate(("ada", "grace"), 1):
        await store.write(c.AddAuthorization(authorization=w.authorization("acme", name)))
        await store.write(*w.first_sign_in(name, attempt_number=number))
        await store.write(
            c.PutConsent(consent=w.consent(name)),
            c.Accept(acceptance=w.acceptance(name)),
            c.PutChoice(choice=w.choice(name=name)),
            c.AddPendingRevocation(pending=w.pending(name, number=number)),
        )


async def test_everything_that_mentions_a_user_can_be_counted_and_removed(store: Store) -> None:
    """In one write, whatever refers to what; nobody else loses anything."""
    await populated(store)
    everything = dict.fromkeys(
        (
            *("grants", "sessions", "connections", "identities", "consents", "acceptances", "choices"),
            *("authorizations", "pending_revocations"),
        ),
        1,
    )
    assert await store.rows_of_user(ADA) == await store.rows_of_user(GRACE) == everything
    await store.write(c.PutTombstone(user_id=ADA, at=w.NOW), *(remove(user_id=ADA) for remove in ALL_OF_USER))

    assert await store.rows_of_user(ADA) == {}
    assert await store.user(ADA) is None
    assert await store.data_key(ADA) is None
    assert await store.rows_of_user(GRACE) == everything
    assert await store.data_key(GRACE) is not None


async def test_a_user_to_whom_something_refers_is_not_removed(store: Store) -> None:
    """Nor anything else in that write."""
    await populated(store)
    with pytest.raises(Conflict) as conflict:
        await store.write(c.RemoveGrantsOf(user_id=ADA), c.RemoveUser(user_id=ADA))

    assert conflict.value.what == "RemoveUser"
    assert (await store.rows_of_user(ADA))["grants"] == 1


async def test_who_is_due_is_found_and_who_came_back_too(store: Store) -> None:
    """The longest due first; a tombstone stays as it is."""
    await store.write(*w.newcomer("ada"), *w.newcomer("grace"))
    await store.write(c.SetEraseAt(user_id=ADA, erase_at=w.NOW + 2), c.SetEraseAt(user_id=GRACE, erase_at=w.NOW + 1))
    assert await store.due_erasures(w.NOW, 9) == ()
    assert await store.due_erasures(w.NOW + 2, 9) == (GRACE, ADA)
    assert await store.due_erasures(w.NOW + 2, 1) == (GRACE,)
    await store.write(c.SetEraseAt(user_id=GRACE, erase_at=None))
    assert await store.due_erasures(w.NOW + 2, 9) == (ADA,)

    assert await store.resurrected(9) == ()
    await store.write(c.PutTombstone(user_id=ADA, at=w.NOW))
    await store.write(c.PutTombstone(user_id=ADA, at=w.NOW + 5))
    assert await store.resurrected(9) == (ADA,)


async def test_what_a_provider_is_yet_to_be_told_can_be_nobodys(store: Store) -> None:
    """And is found by its id."""
    orphan = replace(w.pending(), connection_id=None, user_id=UserId("system"))
    await store.write(c.AddPendingRevocation(pending=orphan))

    assert await store.pending_revocation(orphan.id) == orphan
    assert await store.pending_revocation("rev_none") is None
    assert await store.due_revocations(w.NOW, 9) == (orphan,)
