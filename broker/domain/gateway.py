"""Owns a service behind a gateway: a browser's trip to sign in there, what admits it afterwards, where it goes on.

Refuses to lead anywhere but to a path of the service's own host, and an answer of another trip.
"""

from __future__ import annotations

import hmac
import json
import re
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

from broker.domain.application import Application
from broker.domain.attempt import LIFETIME
from broker.domain.errors import Refusal
from broker.domain.ids import ApplicationId, GrantId
from broker.domain.web_url import path_problem

MAX_RETURN_TO = 512
"""Characters. Five trips in one browser stay within the 8 KiB that servers accept as one header."""
_PATH = re.compile(r"/(?!/)(?:[A-Za-z0-9._~!$&'()+,;=:@/?-]|%[0-9A-Fa-f]{2})*")  # RFC 3986, without "#" and "*"
_TWO_WAYS = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff]|2[Ff]|5[Cc])")  # a control character, a slash, a backslash
_SAFE_EMAIL = re.compile(r"[\x21-\x7e]{3,254}")


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayTrip:
    """One browser's pending sign-in for the service. It travels sealed in a cookie of the service's host."""

    application_id: ApplicationId
    state: str = field(repr=False)
    code_verifier: str = field(repr=False)
    return_to: str
    started_at: int

    def to_bytes(self) -> bytes:
        """The plaintext that is sealed into the cookie."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, plaintext: bytes) -> GatewayTrip:
        """The inverse of `to_bytes`."""
        return cls(**json.loads(plaintext))


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayPass:
    """What admits a browser to the service: which Grant, of which Application. Whether it stands is asked each time."""

    application_id: ApplicationId
    grant_id: GrantId

    def to_bytes(self) -> bytes:
        """The plaintext that is sealed into the cookie."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, plaintext: bytes) -> GatewayPass:
        """The inverse of `to_bytes`."""
        return cls(**json.loads(plaintext))


def origin_of(application: Application) -> str:
    """The service's own, as browsers know it: that of its only redirect URI."""
    parts = urlsplit(application.redirect_uris[0])
    return f"{parts.scheme}://{parts.netloc}"


def return_path(asked: str) -> str:
    """`asked` where it is a path, perhaps with a query, that every parser reads alike; "/" for everything else."""
    plain = len(asked) <= MAX_RETURN_TO and _PATH.fullmatch(asked) and not _TWO_WAYS.search(asked)
    return asked if plain and path_problem(asked) is None else "/"


def header_safe_email(address: str | None) -> str | None:
    """An address that can stand in a header as it is, and mean the same; None for any other."""
    return address if address is not None and _SAFE_EMAIL.fullmatch(address) else None


def check_return(
    trip: GatewayTrip | None, *, application_id: ApplicationId, state: str, iss: str | None, issuer: str, now: int
) -> GatewayTrip:
    """The trip that this answer belongs to. Raises `Refusal` (RFC 9700 sections 4.4 and 4.7, RFC 9207)."""
    if trip is None or trip.application_id != application_id or not _same(trip.state, state):
        raise Refusal("invalid_state", "This sign-in was not started in this browser.", detail="no trip of this state")
    if now >= trip.started_at + LIFETIME:
        raise Refusal("expired_state", "This sign-in took too long and has expired.")
    if iss != issuer:
        raise Refusal("issuer_mismatch", "The answer came from another service than the one asked.", detail="iss")
    return trip


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode("utf-8", "surrogatepass"), b.encode("utf-8", "surrogatepass"))
