"""Owns proving that the ledger is whole: all of it is read, in order, a part at a time.

Refuses to take anybody's word: what was signed is checked too, also what somebody has kept elsewhere. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from broker.domain.ledger_chain import PRUNE, Head, SignedHead, pruned_to
from broker.domain.ledger_check import Broken, Walked, Wrong, walk
from broker.flows.store import Store

AT_ONCE = 1000
"""Links in one read."""
PRUNES = 1000
"""How many of the newest prunings are looked at; each goes further than the one before."""

ReadHead = Callable[[str, Mapping[str, str]], SignedHead | None]
"""What a head says, by the public keys (JWK, JSON) under their names; None where it is none, or not signed so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """What was found. `problems` is empty when all is well.

    `position`: as far as the chain is good. `missing`: events that were pruned, up to `pruned`. `heads`: so many signed
    heads agree, and of `unproven` the key is forgotten by now. `left`: events that are not chained yet.
    """

    position: int
    chain_hash: str
    missing: int
    pruned: int
    heads: int
    unproven: int
    left: int
    broken: Broken | None
    problems: tuple[str, ...]


async def verify(store: Store, read_head: ReadHead, issuer: str, kept: str | None) -> Verified:
    """Verify everything. `kept`: a head that was exported before. Raises `Fault`."""
    keys = {key.kid: key.public_jwk for key in await store.signing_keys()}
    pruned = pruned_to([entry.event.object_id for entry in await store.entries_called(PRUNE, PRUNES)])
    problems: list[str] = []
    unproven = 0
    walked, from_file = Walked(), _read(kept, read_head, keys, issuer)
    if kept is not None and from_file is None:
        problems.append("the head in the file is none of this broker's")
    after_head = 0
    while walked.broken is None:
        links = await store.links(walked.position, AT_ONCE)
        if not links:
            break
        rows = await store.rows_between(walked.event_id, links[-1].event_id, AT_ONCE + 1)
        heads: dict[int, list[Head]] = {}
        for head in await store.heads(after_head, links[-1].position):
            signed = _read(head.signed, read_head, keys, issuer)
            if signed is None or signed.head.position != head.position:
                problems.append(f"position {head.position}: the kept head is not what was signed")
                continue
            unproven += not signed.known
            heads.setdefault(head.position, []).append(signed.head)
        after_head = links[-1].position
        if from_file is not None:
            heads.setdefault(from_file.head.position, []).append(from_file.head)
        walked = walk(walked, links, rows, heads, pruned=pruned)
    walked = await _settled(walked, store)
    newest = await store.last_head()
    beyond = max(0 if newest is None else newest.position, 0 if from_file is None else from_file.head.position)
    if walked.broken is None and beyond > walked.position:
        broken = Broken(what=Wrong.REMOVED, position=walked.position + 1)
        walked = replace(walked, broken=broken)
    if walked.broken is not None:
        problems.insert(0, str(walked.broken))
    if (await store.chain_end()).is_behind:
        problems.append("new events cannot be chained: run broker migrate")
    return Verified(
        position=walked.position,
        chain_hash="" if walked.last is None else walked.last.chain_hash.hex(),
        missing=walked.missing,
        pruned=pruned,
        heads=walked.heads,
        unproven=unproven,
        left=await store.rows_left(walked.event_id) if walked.broken is None else 0,
        broken=walked.broken,
        problems=tuple(problems),
    )


def _read(signed: str | None, read_head: ReadHead, keys: Mapping[str, str], issuer: str) -> SignedHead | None:
    found = None if signed is None else read_head(signed, keys)
    return found if found is not None and found.head.issuer == issuer else None


async def _settled(walked: Walked, store: Store) -> Walked:
    """What is in the way may have a link of its own further on: then it is not new, but in another place."""
    broken = walked.broken
    if broken is None or broken.what is not Wrong.INSERTED or broken.event_id is None:
        return walked
    if await store.link_of(broken.event_id) is None:
        return walked
    return replace(walked, broken=replace(broken, what=Wrong.REORDERED))
