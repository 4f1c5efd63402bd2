"""Owns the decision about a token, without fetching anything: what a plain and an asynchronous verifier share.

Refuses first what costs least: form, header, key, signature, claims, time, revocation; then who has not proven a key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from partner_ops_verifier.claims import Reference, in_time, read, with_authorizations
from partner_ops_verifier.errors import TokenRefused, VerifierUnavailable
from partner_ops_verifier.feed import Feed, Following
from partner_ops_verifier.http import Answer, Request
from partner_ops_verifier.jwk import VerifyingKey
from partner_ops_verifier.places import checked_issuer, origin_of
from partner_ops_verifier.proof import MOST_PROOFS, SeenProofs, proven
from partner_ops_verifier.published import PublishedKeys, Source
from partner_ops_verifier.revoked import marks_of
from partner_ops_verifier.seen import Seen, SeenTokens
from partner_ops_verifier.session import Session
from partner_ops_verifier.token import Header, Opened, Sent, read_header, take_apart

LEEWAY_SECONDS: Final = 10
MOST_REMEMBERED: Final = 4096
MOST_HEADERS: Final = 64


def wall_clock() -> int:
    """Seconds since the epoch."""
    return int(time.time())


@dataclass(frozen=True, kw_only=True, slots=True)
class Clocks:
    """`now`: the wall clock, which tokens speak of. `steady`: never set back, for how long ago something was."""

    now: Callable[[], int] = wall_clock
    steady: Callable[[], float] = time.monotonic


def _base_of(audience: str) -> str:
    try:
        return origin_of(audience)
    except ValueError:
        return ""


class Judge:
    """Decides. `remembered`: how many good tokens need no second look at their signature."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        leeway: int,
        feed: Feed | None,
        trusted_origins: Collection[str],
        remembered: int,
        base_url: str | None,
        clocks: Clocks,
    ) -> None:
        if not audience:
            raise ValueError("a verifier needs an audience")
        if not 0 <= leeway <= 300:
            raise ValueError("leeway is a number of seconds, 300 at most")
        self.clocks = clocks
        self.source = Source(issuer=checked_issuer(issuer), trusted_origins=tuple(map(origin_of, trusted_origins)))
        self.keys = PublishedKeys()
        self.following = None if feed is None else Following(self.source, feed, leeway=leeway)
        self._issuer, self._audience, self._leeway = issuer, audience, leeway
        self._seen = SeenTokens(remembered)
        self._proofs = SeenProofs(MOST_PROOFS)
        self._base_url = _base_of(audience) if base_url is None else base_url.rstrip("/")
        self._headers: dict[bytes, Header] = {}

    def remembered(self, sent: Sent) -> Session | None:
        """The Session of a token that was good before and still is. None: look closely.

        Raises `TokenRefused`: `not_yet_valid`, `expired`, `revoked`; `VerifierUnavailable`.
        """
        seen = self._seen.get(sent.name)
        if seen is None or not self.keys.holds(seen.key, self.clocks.steady()):
            return None
        try:
            in_time(seen.begins, seen.ends, self.clocks.now(), self._leeway)
            self._not_revoked(seen)
        except TokenRefused:
            self._seen.forget(sent.name)
            raise
        return seen.session

    def begin(self, sent: Sent) -> tuple[Opened, Header]:
        """The token taken apart. Raises `TokenRefused`."""
        opened = take_apart(sent)
        header = self._headers.get(opened.segment)
        return opened, read_header(opened.segment) if header is None else header

    def signed(self, sent: Sent, opened: Opened, header: Header, key: VerifyingKey) -> tuple[Session, Reference | None]:
        """Signature and claims. Raises `TokenRefused`."""
        if key.alg != header.alg:
            raise TokenRefused("wrong_algorithm", "the key is for another")
        if not key.verify(opened.signature, sent.message, sent.digest):
            raise TokenRefused("bad_signature")
        if len(self._headers) < MOST_HEADERS:  # only the issuer's own get here
            self._headers[opened.segment] = header
        session, reference = read(opened.payload, self._issuer, self._audience)
        in_time(session.not_before, session.expires_at, self.clocks.now(), self._leeway)
        if reference is not None and session.key is not None:
            raise TokenRefused("reference_bound")
        return session, reference

    def asked(self, token: str, reference: Reference) -> Request:
        """What fetches the Authorizations that a token refers to, authorised by the token itself."""
        try:
            if origin_of(reference.url) in self.source.own_origin:
                return Request(
                    url=reference.url, headers={"Accept": "application/json", "Authorization": f"Bearer {token}"}
                )
        except ValueError:
            pass
        raise TokenRefused("bad_claims", "authorizations_ref")

    def referred(self, session: Session, reference: Reference, answer: Answer) -> Session:
        """The Session with the Authorizations that were fetched. Raises `TokenRefused`, `VerifierUnavailable`."""
        if answer.status == 401:  # the issuer says that the token stands for nothing any more
            raise TokenRefused("revoked")
        if answer.status != 200:
            raise VerifierUnavailable("authorizations_unavailable", f"status {answer.status}")
        return with_authorizations(session, reference, answer.body)

    def admit(self, sent: Sent, session: Session, key: VerifyingKey) -> Session:
        """The last look, and the memory. Raises `TokenRefused` (`revoked`), `VerifierUnavailable`."""
        marks = () if self.following is None else marks_of(session, key.kid)
        seen = Seen(session, key, marks, session.not_before, session.expires_at)
        self._not_revoked(seen)
        self._seen.put(sent.name, seen)
        return session

    def held(self, session: Session, token: str, proof: str | None, method: str, url: str) -> Session:
        """The Session, if the token was sent as it is bound (RFC 9449 section 7). Raises `TokenRefused`."""
        key = session.key
        if proof is None:
            if key is not None:
                raise TokenRefused("proof_missing")
            return session
        if key is None:
            raise TokenRefused("not_bound")
        shown = proven(proof, token, method, url, self.clocks.now())
        if shown.thumbprint != key:
            raise TokenRefused("wrong_key")
        self._proofs.take(shown, self.clocks.steady())
        return session

    def url_of(self, path: str) -> str:
        """Where Applications find `path`; nowhere, if the service has no web address."""
        return f"{self._base_url}{path}"

    def _not_revoked(self, seen: Seen) -> None:
        following, session = self.following, seen.session
        if following is not None:
            following.check(self.clocks.now(), self.clocks.steady())
            if following.revoked.covers(seen.marks, session.epoch, session.issued_at):
                raise TokenRefused("revoked")
