"""On-line rotation of the KEK: every data key comes under the first one, whoever is stopped or gets in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from broker.crypto.keyring import Keyring, NamedKey, new_keyring, parse_keyring
from broker.crypto.vault import LocalVault
from broker.domain.changes import AddDataKey, Record, ReplaceDataKey, RewrapDataKey
from broker.domain.errors import Fault
from broker.domain.ledger import AuditEvent
from broker.domain.sealing import Place, WrappedKey
from broker.flows.keys.rewrap import AT_ONCE, LEASE, LEASE_SECONDS, Rewrapped, rewrap
from tests.fakes.clock import SettableClock
from tests.fakes.raced_store import RacedStore
from tests.flows.refusals import refusal
from tests.flows.setting import NOW

pytestmark = pytest.mark.anyio

SOME = parse_keyring(new_keyring())
OLD, NEW, NEWER, OTHER = (
    NamedKey(id=kek_id, key=bytes([number]) * 31 + b"x")
    for number, kek_id in enumerate(("local:main:1", "local:main:2", "local:main:10", "local:spare:1"))
)


def ring(*keks: NamedKey) -> Keyring:
    """A keyring with these KEKs."""
    return replace(SOME, keks=keks)


def place_of(key: WrappedKey) -> Place:
    """Somewhere in the owner's rows."""
    return Place(table="t", column="c", row_id="r", owner=key.owner, registration="-", generation=0)


@dataclass(kw_only=True)
class Deployment:
    """A store with data keys in it, and an envelope under each."""

    store: RacedStore = field(default_factory=RacedStore)
    clock: SettableClock = field(default_factory=lambda: SettableClock(NOW))
    sealed: dict[str, bytes] = field(default_factory=dict)
    told: list[Rewrapped] = field(default_factory=list)

    async def add(self, number: int, *keks: NamedKey) -> None:
        """So many Users more, by a process with these KEKs."""
        vault = LocalVault(ring(*keks))
        for _ in range(number):
            key = await vault.new_key(f"usr_{len(self.sealed)}", NOW)
            self.sealed[key.owner] = await vault.seal(key, place_of(key), key.owner.encode())
            await self.store.write(AddDataKey(key=key))
        self.store.writes.clear()

    def process(self, *keks: NamedKey, asked: bool = True, holder: str = "run_1") -> Callable[[], Awaitable[Rewrapped]]:
        """What a process with these KEKs does."""

        async def pace(so_far: Rewrapped) -> None:
            self.told.append(so_far)

        vault = LocalVault(ring(*keks))
        return lambda: rewrap(self.store, vault, self.clock, holder=holder, asked=asked, pace=pace)

    @property
    def keks(self) -> list[str]:
        """What wraps the data keys."""
        return sorted(key.kek_id for key in self.store.tables.data_keys.values())

    async def all_open(self, *keks: NamedKey) -> bool:
        """Whether these KEKs open everything."""
        vault = LocalVault(ring(*keks))
        rows = self.store.tables.data_keys
        return all(
            [
                await vault.open(rows[owner], place_of(rows[owner]), e) == owner.encode()
                for owner, e in self.sealed.items()
            ]
        )


@pytest.fixture
def there() -> Deployment:
    """A deployment without Users."""
    return Deployment()


async def test_every_data_key_comes_under_the_first_kek(there: Deployment) -> None:
    """Envelopes stay as they are, and the old KEK is needed no more."""
    await there.add(5, OLD)
    done = await there.process(NEW, OLD)()

    assert done == Rewrapped(kek_id=NEW.id, moved=5, left=0, unreadable=())
    assert done.is_done
    assert there.keks == [NEW.id] * 5
    assert await there.all_open(NEW)


async def test_from_several_keks_at_once(there: Deployment) -> None:
    """Of other names too, when somebody asked."""
    await there.add(2, OLD)
    await there.add(2, OTHER)
    await there.add(1, NEW)

    assert (await there.process(NEW, OLD, OTHER)()).moved == 4
    assert there.keks == [NEW.id] * 5


async def test_nothing_to_move_is_nothing_done(there: Deployment) -> None:
    """Nor is anything written, and of all keys not one is counted."""
    for users in (0, 3):
        await there.add(users, NEW)
        done = await there.process(NEW, OLD)()

        assert (done.moved, done.left, done.is_done) == (0, 0, True)
    assert there.store.writes == []
    assert "data_key_counts" not in {call[0] for call in there.store.received}


async def test_it_works_in_batches_and_says_how_far_it_has_come(there: Deployment) -> None:
    """Each batch is one write, with a line in the ledger of its own."""
    await there.add(AT_ONCE + 3, OLD)
    await there.process(NEW, OLD)()

    assert [(so_far.moved, so_far.left) for so_far in there.told] == [(AT_ONCE, 3), (AT_ONCE + 3, 0)]
    assert [len(changes) for changes in there.store.writes] == [AT_ONCE + 1, 4]
    assert all(isinstance(change, RewrapDataKey) for changes in there.store.writes for change in changes[:-1])
    event = AuditEvent(at=NOW, action="data_key.rewrap", outcome="done", object_id=NEW.id)
    assert [changes[-1] for changes in there.store.writes] == [Record(event=event)] * 2


async def test_no_key_is_handed_to_the_store_in_clear(there: Deployment) -> None:
    """Only wrappings are."""
    await there.add(1, OLD)
    (row,) = there.store.tables.data_keys.values()
    data_key = await LocalVault(ring(OLD))._unwrap(row)
    await there.process(NEW, OLD)()

    assert data_key not in b"".join(
        change.key.wrapped + change.expected_wrapped
        for changes in there.store.writes
        for change in changes
        if isinstance(change, RewrapDataKey)
    )


@pytest.mark.parametrize(
    ("keks", "moves"),
    [
        ((NEW, OLD), True),
        ((NEWER, OLD), True),
        ((OTHER, OLD), False),
    ],
    ids=["next version", "version 10 after 1", "another name"],
)
async def test_by_itself_it_moves_to_a_later_version_only(
    there: Deployment, keks: tuple[NamedKey, ...], moves: bool
) -> None:
    """Between two names nobody knows which one is on its way out, until somebody asks."""
    await there.add(1, OLD)
    by_itself = await there.process(*keks, asked=False)()
    assert by_itself.moved == int(moves)
    assert by_itself.is_done

    assert (await there.process(*keks)()).moved == int(not moves)
    assert there.keks == [keks[0].id]


@pytest.mark.parametrize("asked", [False, True])
async def test_a_process_that_has_the_new_kek_second_carries_nothing_back(there: Deployment, asked: bool) -> None:
    """While keyrings are rolled out, both kinds of processes run; each would else undo what the other does."""
    await there.add(3, NEW)

    done = await there.process(OLD, NEW, asked=asked)()
    assert (done.moved, done.left) == (0, 0)
    assert there.keks == [NEW.id] * 3


async def test_keys_that_another_process_makes_meanwhile_are_found(there: Deployment) -> None:
    """It has the old keyring still, and its new Users come before the place where we are."""
    await there.add(AT_ONCE + 1, OLD)
    late = Deployment(store=there.store, sealed=there.sealed)

    async def somebody_signs_up() -> None:
        for _ in range(3):
            await late.add(1, OLD)

    there.store.before("write", somebody_signs_up)
    done = await there.process(NEW, OLD)()

    assert (done.moved, done.left) == (AT_ONCE + 4, 0)
    assert await there.all_open(NEW)


async def test_what_somebody_else_changed_meanwhile_is_left(there: Deployment) -> None:
    """A User got another data key: the old one's wrapping is not put over it."""
    await there.add(2, OLD)
    vault = LocalVault(ring(OLD))
    before = there.store.tables.data_keys["usr_0"]
    new = await vault.new_key("usr_0", NOW)
    change = ReplaceDataKey(key=new, expected_id=before.id, expected_wrapped=before.wrapped)
    there.store.before("write", lambda: there.store.write(change))
    there.sealed["usr_0"] = await vault.seal(new, place_of(new), b"usr_0")
    done = await there.process(NEW, OLD)()

    assert there.store.tables.data_keys["usr_0"].id == new.id
    assert done.left == 0
    assert await there.all_open(NEW)


async def test_a_user_who_was_erased_meanwhile_stays_erased(there: Deployment) -> None:
    """Their data key does not come back."""
    await there.add(2, OLD)

    async def erase() -> None:
        del there.store.tables.data_keys["usr_0"]

    there.store.before("write", erase)
    await there.process(NEW, OLD)()
    assert list(there.store.tables.data_keys) == ["usr_1"]


async def test_what_does_not_unwrap_is_named_and_keeps_nobody_else_back(there: Deployment) -> None:
    """It stays as it is: perhaps a back-up mends it."""
    await there.add(3, OLD)
    rows = there.store.tables.data_keys
    rows["usr_1"] = replace(rows["usr_1"], wrapped=b"damaged")
    spoiled = rows["usr_1"]
    done = await there.process(NEW, OLD)()

    assert done == Rewrapped(kek_id=NEW.id, moved=2, left=1, unreadable=(spoiled.id,))
    assert done.is_done
    assert there.store.tables.data_keys["usr_1"] == spoiled
    again = await there.process(NEW, OLD)()
    assert (again.moved, again.unreadable) == (0, (spoiled.id,))


async def test_one_process_works_at_a_time(there: Deployment) -> None:
    """The other one hears that it is being done, and how much is left."""
    await there.add(2, OLD)
    await there.store.take_lease(LEASE, "run_2", NOW, LEASE_SECONDS)
    done = await there.process(NEW, OLD)()

    assert done == Rewrapped(kek_id=NEW.id, moved=0, left=2, unreadable=(), is_ours=False)
    assert not done.is_done
    there.clock.advance(LEASE_SECONDS)
    assert (await there.process(NEW, OLD)()).moved == 2


async def test_whoever_is_done_lets_others_begin(there: Deployment) -> None:
    """Without waiting for the lease to end."""
    await there.add(1, OLD)
    await there.process(NEW, OLD)()
    await there.add(1, NEW)

    assert (await there.process(NEWER, NEW, holder="run_2")()).is_ours


async def test_a_lease_that_went_to_another_ends_the_run(there: Deployment) -> None:
    """This process stood still for too long."""
    await there.add(AT_ONCE + 1, OLD)

    async def stand_still() -> None:
        there.clock.advance(LEASE_SECONDS)
        await there.store.take_lease(LEASE, "run_2", there.clock.now(), LEASE_SECONDS)

    there.store.before("write", stand_still)
    done = await there.process(NEW, OLD)()
    assert (done.moved, done.is_ours) == (AT_ONCE, False)


async def test_a_kek_that_is_missing_moves_nothing(there: Deployment) -> None:
    """Nothing is known about its keys, so nothing is said to be damaged."""
    await there.add(1, OLD)

    with refusal(Fault, "kek_missing"):
        await there.process(NEW)()
    assert there.keks == [OLD.id]


@pytest.mark.parametrize("method", ["keks_in_use", "data_key_counts", "take_lease", "data_keys_under", "write"])
async def test_stopped_at_any_step_it_is_carried_on_from_there(there: Deployment, method: str) -> None:
    """By whoever comes next; every key opens all the while."""
    await there.add(AT_ONCE + 2, OLD)
    there.store.stop_before(method)
    with refusal(Fault, "storage_unavailable"):
        await there.process(NEW, OLD)()
    there.store.down = False
    assert await there.all_open(NEW, OLD)

    there.clock.advance(LEASE_SECONDS)
    done = await there.process(NEW, OLD, holder="run_2")()
    assert done.left == 0
    assert there.keks == [NEW.id] * (AT_ONCE + 2)
    assert await there.all_open(NEW)
