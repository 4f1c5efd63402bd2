"""Owns a step that several flows share, no verb of its own: does whoever asks hold the key that they say they do?

Refuses a proof of another request, a bound token without its proof, and a bearer token with one. A proof that came
with a form is used up by what the flow writes anyway, or by itself where it writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from broker.domain import dpop
from broker.domain.application import Application
from broker.domain.changes import Change, TakeAssertion
from broker.domain.dpop import Proven
from broker.domain.errors import Conflict, OAuthRefusal
from broker.domain.ids import KeyThumbprint
from broker.flows.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class SentProof:
    """A DPoP proof, and the request that it came with. `text` is empty where one was needed and none came."""

    text: str = field(repr=False)
    method: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownToken:
    """A session JWT as it was sent: with a proof by the scheme DPoP, without one by the scheme Bearer."""

    text: str = field(repr=False)
    proof: SentProof | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Possession:
    """The key that new tokens are bound to, and what has to be written with them. Both are nothing without a proof."""

    key: KeyThumbprint | None = None
    use_up: tuple[Change, ...] = ()

    @property
    def token_type(self) -> str:
        """Of a token that is bound like this (RFC 9449 section 5)."""
        return "Bearer" if self.key is None else dpop.TOKEN_TYPE


def possession(sent: SentProof | None, application: Application, ports: Ports) -> Possession:
    """What a token request proves. Raises `OAuthRefusal`: `invalid_dpop_proof`, or `invalid_request` without one.

    That a proof is used once is for the store to say: `use_up` is a `Conflict` the second time.
    """
    if sent is None:
        if application.dpop:  # RFC 9449 section 5.2; there is no proof that could be called invalid
            raise OAuthRefusal("invalid_request", "This application's tokens are bound to a key: send a DPoP proof.")
        return Possession()
    return possession_of(sent, ports)


def possession_of(sent: SentProof, ports: Ports) -> Possession:
    """What a proof shows, whoever sends it. Raises `OAuthRefusal` (`invalid_dpop_proof`)."""
    proven = _proven(sent, None, ports)
    name = ports.secrets.keyed_hash("dpop", f"{proven.thumbprint} {proven.name}")
    return Possession(key=proven.thumbprint, use_up=(TakeAssertion(assertion=name, expires_at=proven.forget_at),))


async def use_up(held: Possession, ports: Ports, *with_it: Change) -> None:
    """Write what uses the proof up, and what comes `with_it`: all of it, or none. See `used_once`."""
    if changes := (*held.use_up, *with_it):
        with used_once():
            await ports.store.write(*changes)


@contextmanager
def used_once() -> Iterator[None]:
    """Around a write with `use_up`: raises `OAuthRefusal` for a proof that was used before; other Conflicts pass."""
    try:
        yield
    except Conflict as lost:
        if lost.what == TakeAssertion.__name__:
            raise _invalid("used before") from None
        raise


def require_holder(shown: ShownToken, claims: Mapping[str, Any], ports: Ports) -> None:
    """Raise `OAuthRefusal` unless the token, which has these claims, is shown as it is bound (RFC 9449 section 7)."""
    bound_to = dpop.bound_to(claims)
    if shown.proof is None:
        if bound_to is not None:
            raise _not_theirs("a bound token without a proof")
        return
    if bound_to is None:
        raise _not_theirs("a bearer token with a proof")
    if _proven(shown.proof, shown.text, ports).thumbprint != bound_to:
        raise _not_theirs("bound to another key")


def _proven(sent: SentProof, access_token: str | None, ports: Ports) -> Proven:
    opened = ports.signer.proven_by(sent.text)
    if opened is None:
        raise _invalid("no proof, or not signed by the key in it")
    claims, thumbprint = opened
    proven = dpop.accept(
        claims,
        thumbprint=thumbprint,
        method=sent.method,
        url=sent.url,
        access_token=access_token,
        now=ports.clock.now(),
    )
    if isinstance(proven, str):
        raise _invalid(proven)
    return proven


def _invalid(detail: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_dpop_proof", "The DPoP proof is missing, not of this request, or used.", detail=detail)


def _not_theirs(detail: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_token", "The token was not sent in the way that it is bound.", detail=detail)
