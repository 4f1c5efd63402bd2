"""`python -m benchmarks.vault`: what sealing and the policy cost beside the bare primitive, a rotation of the KEK,
and the proof of what is kept.

Refuses to judge sealing by absolute figures alone: the ratio to HKDF and AES-GCM on the same bytes in the same minutes
stands beside them, the order alternated.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from benchmarks.databases import durable_postgres
from benchmarks.proof import ROWS_A_SECOND, rows_a_second
from broker.crypto.keyring import Keyring, new_kek, new_keyring, parse_keyring
from broker.crypto.vault import LocalVault
from broker.domain.changes import AddDataKey
from broker.domain.ids import ClientOrgId, RegistrationId
from broker.domain.policy_parse import parse
from broker.domain.sealing import Place, WrappedKey
from broker.flows.keys.rewrap import Rewrapped, rewrap
from broker.storage.migrate import migrate
from broker.storage.store import SqlStore
from tests.fakes.clock import SettableClock

KEPT_IN = Path(__file__).parent.parent / "artefacts" / "bench"
PLAINTEXT = os.urandom(2048)
PLACE = Place(
    table="connections", column="sealed_tokens", row_id="con_1", owner="usr_1", registration="google", generation=5
)
OPERATION_GOAL_US = 40.0
SELECTION_GOAL_US = 50.0
PROFILE = {f"claim_{number}": f"what the Provider says, {number} of sixty" for number in range(60)}
GOOGLE = RegistrationId("google")
ROTATION_GOAL_S = 60.0
DATA_KEYS = 100_000
PEOPLE = 10
"""Data keys for each User of whom it is proven what is kept."""
NOW = 1_900_000_000
_AT_ONCE = 200  # operations between two looks at the clock

Operation = Callable[[], Coroutine[Any, Any, object]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """`figure` in `unit`; `ratio` to the bare primitive, where there is one."""

    what: str
    figure: float
    unit: str
    ratio: float | None
    goal: float | None

    @property
    def met(self) -> bool | None:
        """Whether it keeps within its goal, or of so many a second comes up to it; None where there is none."""
        if self.goal is None:
            return None
        return self.figure >= self.goal if self.unit.endswith("/s") else self.figure <= self.goal


async def sealing(*, pairs: int, seconds: float) -> list[Finding]:
    """CPU microseconds to seal and to open 2 KiB with a data key that is remembered, and with one that is not."""
    vault, cold = LocalVault(parse_keyring(new_keyring())), LocalVault(_keyrings()[0], cached=0)
    key, cold_key = await vault.new_key("usr_1", NOW), await cold.new_key("usr_1", NOW)
    envelope = await vault.seal(key, PLACE, PLAINTEXT)
    cold_envelope = await cold.seal(cold_key, PLACE, PLAINTEXT)
    secret, salt, nonce, aad = os.urandom(32), os.urandom(32), os.urandom(12), os.urandom(120)
    ciphertext = AESGCM(_derived(secret, salt)).encrypt(nonce, PLAINTEXT, aad)

    async def bare_seal() -> object:
        return AESGCM(_derived(secret, os.urandom(32))).encrypt(os.urandom(12), PLAINTEXT, aad)

    async def bare_open() -> object:
        return AESGCM(_derived(secret, salt)).decrypt(nonce, ciphertext, aad)

    operations: dict[str, tuple[Operation, str | None]] = {
        "bare HKDF and AES-GCM, seal": (bare_seal, None),
        "bare HKDF and AES-GCM, open": (bare_open, None),
        "seal": (lambda: vault.seal(key, PLACE, PLAINTEXT), "bare HKDF and AES-GCM, seal"),
        "open": (lambda: vault.open(key, PLACE, envelope), "bare HKDF and AES-GCM, open"),
        "open, data key to be unwrapped": (
            lambda: cold.open(cold_key, PLACE, cold_envelope),
            "bare HKDF and AES-GCM, open",
        ),
    }
    rounds: dict[str, list[float]] = {name: [] for name in operations}
    for number in range(pairs):
        for name in list(operations) if number % 2 == 0 else list(operations)[::-1]:
            rounds[name].append(await _cost(operations[name][0], seconds))
    return [
        Finding(
            what=name,
            figure=statistics.median(costs),
            unit="µs",
            ratio=None if beside is None else _median_ratio(costs, rounds[beside]),
            goal=OPERATION_GOAL_US if name in ("seal", "open") else None,
        )
        for name, (costs, beside) in ((name, (rounds[name], operations[name][1])) for name in operations)
    ]


def selection(*, pairs: int, seconds: float) -> list[Finding]:
    """CPU microseconds to select from a profile of 60 claims, beside looking each name up in a dict."""
    findings = []
    for kept in (3, 60):
        keep = dict.fromkeys(list(PROFILE)[:kept], "For this measurement")
        policy = parse({"google": {"keep": keep}}, {GOOGLE: frozenset(PROFILE)})
        ours, bare = [], []
        for _ in range(pairs):
            ours.append(_cost_of(partial(policy.select, GOOGLE, PROFILE, (ClientOrgId("acme"),)), seconds))
            bare.append(_cost_of(partial(_picked, tuple(keep)), seconds))
        findings.append(
            Finding(
                what=f"selection of {kept} out of 60 claims",
                figure=statistics.median(ours),
                unit="µs",
                ratio=_median_ratio(ours, bare),
                goal=SELECTION_GOAL_US,
            )
        )
    return findings


async def rotation(url: str, database: str, many: int) -> Finding:
    """Seconds until so many data keys are under another KEK, as fast as it goes."""
    await migrate(url)
    before, after = _keyrings()
    old = LocalVault(before)
    keys = [await old.new_key(f"usr_{number}", NOW) for number in range(many)]

    async def pace(_: Rewrapped) -> None:
        return

    async with SqlStore(url) as store:
        await _fill(store, url, keys)
        begun = time.perf_counter()
        done = await rewrap(store, LocalVault(after), SettableClock(NOW), holder="bench", asked=True, pace=pace)
        took = time.perf_counter() - begun
        under = await store.data_key_counts()
    if done.moved != many or under != {after.keks[0].id: many}:
        raise AssertionError("not every data key was moved")
    return Finding(
        what=f"rotation of {many} data keys, {database}",
        figure=took,
        unit="s",
        ratio=None,
        goal=ROTATION_GOAL_S * many / DATA_KEYS,
    )


async def proof(url: str, database: str, users: int) -> Finding:
    """Rows a second of `broker prove-minimal`."""
    return Finding(
        what=f"proof of what is kept of {users} Users, {database}",
        figure=await rows_a_second(url, users),
        unit="rows/s",
        ratio=None,
        goal=ROWS_A_SECOND,
    )


async def _fill(store: SqlStore, url: str, keys: Sequence[WrappedKey]) -> None:
    if url.startswith("postgresql"):
        connection = await asyncpg.connect(url)
        rows = [(key.id, key.owner, key.kek_id, key.wrapped, key.created_at) for key in keys]
        await connection.copy_records_to_table("data_keys", schema_name="broker_keys", records=rows)
        await connection.close()
        return
    for start in range(0, len(keys), 1000):
        await store.write(*(AddDataKey(key=key) for key in keys[start : start + 1000]))


def _keyrings() -> tuple[Keyring, Keyring]:
    """Before, and in the second step of a rotation."""
    document = json.loads(new_keyring())
    before = parse_keyring(json.dumps(document))
    document["keks"].insert(0, json.loads(new_kek("local:main:2")))
    after = parse_keyring(json.dumps(document))
    return before, replace(before, keks=after.keks)


def _derived(secret: bytes, salt: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=64, salt=salt, info=b"partner-ops-broker envelope v1").derive(secret)[:32]


async def _cost(operation: Operation, seconds: float) -> float:
    """CPU microseconds of one operation: at least `seconds` of them, the first ones not counted."""
    for _ in range(_AT_ONCE):
        await operation()
    done, begun = 0, time.process_time()
    while time.process_time() - begun < seconds:
        for _ in range(_AT_ONCE):
            await operation()
        done += _AT_ONCE
    return (time.process_time() - begun) / done * 1e6


def _picked(names: Sequence[str]) -> Mapping[str, str]:
    """What a selection comes to, with nothing looked at."""
    return {name: PROFILE[name] for name in names}


def _cost_of(operation: Callable[[], object], seconds: float) -> float:
    """The same for what is no coroutine."""
    for _ in range(_AT_ONCE):
        operation()
    done, begun = 0, time.process_time()
    while time.process_time() - begun < seconds:
        for _ in range(_AT_ONCE):
            operation()
        done += _AT_ONCE
    return (time.process_time() - begun) / done * 1e6


def _median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def table(findings: Sequence[Finding]) -> str:
    """As Markdown."""
    lines = ["| | | against the bare primitive | goal | |", "|---|---|---|---|---|"]
    for one in findings:
        verdict = {True: "met", False: "MISSED", None: ""}[one.met]
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        goal = "" if one.goal is None else f"{one.goal:.0f} {one.unit}"
        lines.append(f"| {one.what} | {one.figure:.1f} {one.unit} | {ratio} | {goal} | {verdict} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Exit code 0: measured. A missed goal is a finding, not an error."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.vault", description="Sealing, selecting, and rotating the KEK."
    )
    parser.add_argument("--quick", action="store_true", help="three rounds of 0.1 s, and a tenth of the data keys")
    asked = parser.parse_args(arguments)
    pairs, seconds, many = (3, 0.1, DATA_KEYS // 10) if asked.quick else (7, 0.5, DATA_KEYS)
    findings = asyncio.run(sealing(pairs=pairs, seconds=seconds)) + selection(pairs=pairs, seconds=seconds)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vault-", dir="/var/tmp")))
        postgres = stack.enter_context(durable_postgres())
        urls = {
            "SQLite": (f"sqlite:///{folder / 'keys.sqlite'}", f"sqlite:///{folder / 'proof.sqlite'}"),
            "PostgreSQL": (postgres.new_database("keys"), postgres.new_database("proof")),
        }
        findings += [asyncio.run(rotation(url, database, many)) for database, (url, _) in urls.items()]
        findings += [asyncio.run(proof(url, database, many // PEOPLE)) for database, (_, url) in urls.items()]
    KEPT_IN.mkdir(parents=True, exist_ok=True)
    kept: list[dict[str, Any]] = [asdict(one) | {"met": one.met} for one in findings]
    path = KEPT_IN / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-vault.json"
    path.write_text(json.dumps(kept, indent=1) + "\n")
    print(table(findings))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
