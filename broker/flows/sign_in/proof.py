"""Owns what of a Provider's verified answer a sign-in goes on with: hashes of who it is, and what may come to be kept.

A step of `finish`. It can wait in a sealed form: refuses to take along what the policy would not let anybody keep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from broker.domain.attempt import SignInAttempt
from broker.domain.connection import UpstreamTokens
from broker.domain.identity import normalise_email, unambiguous
from broker.domain.ids import ClientOrgId, KeyedHash
from broker.domain.policy import Keep
from broker.flows.ports import Ports, Secrets
from broker.flows.proven import VerifiedSignIn


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """Who is back, and what they bring. `profile` is unselected until the policy has chosen, in `decision` or before.

    `malformed`: a value that was to be kept could not be.
    """

    identity_hash: KeyedHash
    email_hash: KeyedHash | None
    upstream_sid: KeyedHash | None
    profile: Mapping[str, object] = field(repr=False)
    tokens: UpstreamTokens = field(repr=False)
    granted_scopes: frozenset[str]
    malformed: bool = False

    def to_bytes(self) -> bytes:
        """The plaintext that is sealed into a form."""
        tokens = self.tokens.to_bytes().decode()
        hashes = [self.identity_hash, self.email_hash, self.upstream_sid]
        rest = [dict(self.profile), tokens, sorted(self.granted_scopes), self.malformed]
        return json.dumps([*hashes, *rest]).encode()

    @classmethod
    def from_bytes(cls, plaintext: bytes) -> Proof:
        """The inverse of `to_bytes`."""
        identity_hash, email_hash, upstream_sid, profile, tokens, granted_scopes, malformed = json.loads(plaintext)
        return cls(
            identity_hash=identity_hash,
            email_hash=email_hash,
            upstream_sid=upstream_sid,
            profile=profile,
            tokens=UpstreamTokens.from_bytes(tokens.encode()),
            granted_scopes=frozenset(granted_scopes),
            malformed=malformed,
        )


def proof_of(attempt: SignInAttempt, verified: VerifiedSignIn, secrets: Secrets) -> Proof:
    """Of an answer just verified."""
    email = normalise_email(verified.verified_email or "")
    session = None
    if verified.sid is not None:  # by which the Provider can say later that this very session of its own has ended
        session = unambiguous(attempt.registration, verified.identity.issuer, verified.sid)
    return Proof(
        identity_hash=secrets.keyed_hash("identity", verified.identity.key()),
        email_hash=None if email is None else secrets.keyed_hash("email", email),
        upstream_sid=None if session is None else secrets.keyed_hash("upstream_sid", session),
        profile=verified.profile,
        tokens=verified.tokens,
        granted_scopes=verified.granted_scopes,
    )


def selected(proof: Proof, attempt: SignInAttempt, ports: Ports) -> Proof:
    """With nothing in it but what the policy lets be kept, of whoever agrees to everything."""
    chosen = ports.policy.select(attempt.registration, proof.profile, _clients(attempt))
    return replace(proof, profile=chosen.values, malformed=bool(chosen.malformed))


def may_be_kept(attempt: SignInAttempt, ports: Ports) -> Mapping[str, Keep]:
    """Attribute -> on which terms, of what was asked of the Provider, for the Client that the trip is for."""
    return ports.policy.keeps(attempt.registration, _clients(attempt))


def _clients(attempt: SignInAttempt) -> tuple[ClientOrgId, ...]:
    return () if attempt.organization is None else (attempt.organization,)
