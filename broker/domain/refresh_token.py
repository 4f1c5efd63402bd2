"""Owns refresh tokens: their form, how long they live, and when one may be used again.

Nothing of one is stored: it names its Grant and its place in the chain, and carries a proof which only the holder of
the lookup key can make. Half of that can be checked without the Grant, so that a forgery asks the database nothing.
Refuses whatever is not the newest of its Grant (RFC 9700 section 4.14.2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from broker.domain.application import Application, ApplicationType
from broker.domain.grant import REFRESH_LIFETIME, Grant
from broker.domain.ids import ApplicationId, GrantId, KeyThumbprint, RegistrationId

IDLE_LIFETIME = 14 * 86400
"""Seconds without use."""
REPLAY_WITHIN = 10
"""Seconds after a rotation in which the token before it gives the same successor: an answer that was lost on its way is
asked for again, and several tabs of one Application ask at once."""

HALF = 32
"""Hexadecimal digits of each half of a proof."""
_FORM = re.compile(r"(gnt_[a-z2-7]{26})\.(0|[1-9][0-9]{0,9})\.([0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True, slots=True)
class RefreshToken:
    """`generation`: how many came before it. `proof`: 64 hexadecimal digits."""

    grant_id: GrantId
    generation: int
    proof: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.grant_id}.{self.generation}.{self.proof}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainUse:
    """A public Application uses what may be the newest refresh token, and wants all it was granted.

    Plain is what the columns of single rows tell: who needs more than they say, such as a Client's Authorization, is
    decided by `standing` and what follows it. `at` in seconds since the epoch. `demanded`: the digest of what the User
    has to have accepted; None: nothing. `registrations`: those there are.
    """

    grant_id: GrantId
    generation: int
    application_id: ApplicationId
    registrations: tuple[RegistrationId, ...]
    at: int
    request_id: str
    demanded: str | None = None


class Standing(StrEnum):
    """What a genuine refresh token is, in its Grant."""

    NEWEST = "newest"
    REPLAYED = "replayed"
    REUSED = "reused"
    OVER = "over"


def parse(text: str) -> RefreshToken | None:
    """None for what was never one of ours. That it is genuine is for its proof to show."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    grant_id, generation, proof = match.groups()
    return RefreshToken(grant_id=GrantId(grant_id), generation=int(generation), proof=proof)


def named_text(grant_id: GrantId, generation: int) -> str:
    """What the first half of the proof is of."""
    return f"{grant_id}.{generation}"


def proven_text(grant: Grant, generation: int) -> str:
    """What its second half is of. The Grant's code is in it: the key alone makes no token, nor do the rows."""
    return f"{grant.id}.{generation}.{grant.code}"


def rotates(application: Application) -> bool:
    """Only where the token is all that it takes (RFC 9700 section 2.2.2, FAPI 2.0 section 5.3.2.1)."""
    return application.type is ApplicationType.PUBLIC


def bound_key(application: Application, key: KeyThumbprint | None) -> KeyThumbprint | None:
    """What refresh tokens given to whoever proved `key` are bound to (RFC 9449 section 5).

    Those of an Application that authenticates are bound to it by that, and it may change its key at any time.
    """
    return key if application.type is ApplicationType.PUBLIC else None


def is_holder(grant: Grant, application: Application, key: KeyThumbprint | None) -> bool:
    """Whether whoever has proven to hold `key`, or none, is who the Grant's refresh tokens are bound to.

    One that was given before the operator demanded proofs is bound to nobody, and the person signs in again.
    """
    if grant.dpop_jkt is None:
        return not application.dpop or bound_key(application, key) is None
    return grant.dpop_jkt == key


def expires_at(grant: Grant) -> int:
    """When its refresh token ends, unless it is used before."""
    last_used = grant.refreshed_at or grant.redeemed_at or grant.created_at
    return min(last_used + IDLE_LIFETIME, grant.created_at + REFRESH_LIFETIME)


def standing(presented: RefreshToken, grant: Grant, now: int) -> Standing:
    """What `presented`, whose proof holds, is at `now`."""
    last_used = grant.refreshed_at or grant.redeemed_at
    if grant.revoked_at is not None or last_used is None:
        return Standing.OVER
    if presented.generation < grant.generation:
        next_to_last = presented.generation == grant.generation - 1
        return Standing.REPLAYED if next_to_last and now < last_used + REPLAY_WITHIN else Standing.REUSED
    # One of a generation that never was: the rows were put back to an older state. Nobody did anything wrong.
    if presented.generation > grant.generation:
        return Standing.OVER
    if now >= expires_at(grant):
        return Standing.OVER
    return Standing.NEWEST
