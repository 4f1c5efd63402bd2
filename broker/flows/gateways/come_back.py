"""Owns the return of a browser from the broker to a service behind a gateway: proves that the answer is its own.

Refuses an answer to another trip, another browser or another service. The code is redeemed as any Application's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.application import Application
from broker.domain.errors import OAuthRefusal, Refusal
from broker.domain.gateway import GatewayPass, check_return, origin_of, return_path
from broker.flows.gateway_application import PASS, open_trip
from broker.flows.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the broker sent the browser back with (RFC 6749 section 4.1.2, RFC 9207)."""

    state: str = field(repr=False)
    code: str | None = field(repr=False)
    error: str | None
    iss: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """Once `code` is redeemed by `code_verifier`, `cookie` admits the browser, which goes on to `url`."""

    code: str = field(repr=False)
    code_verifier: str = field(repr=False)
    cookie: str = field(repr=False)
    url: str


async def come_back(application: Application, answer: Answer, cookie: str | None, ports: Ports) -> Arrival:
    """Prove the answer. Raises `Refusal`."""
    trip = check_return(
        open_trip(cookie, ports.secrets),
        application_id=application.id,
        state=answer.state,
        iss=answer.iss,
        issuer=ports.issuer,
        now=ports.clock.now(),
    )
    if answer.error == "access_denied":
        sentence = "You were not let in: you declined, or have no authorization for this yet."
        raise Refusal("gateway_denied", sentence, detail="told so at the redirect URI")
    if answer.code is None:
        raise Refusal(
            "upstream_error", "Signing in did not work. Please try again.", detail="told so at the redirect URI"
        )
    found = await ports.store.grant_by_code(ports.secrets.keyed_hash("code", answer.code))
    if found is None:
        raise OAuthRefusal("invalid_grant", "The code is invalid, expired or was used before.", detail="unknown code")
    admits = GatewayPass(application_id=application.id, grant_id=found.grant.id)
    return Arrival(
        code=answer.code,
        code_verifier=trip.code_verifier,
        cookie=ports.secrets.seal_cookie(PASS, admits.to_bytes()),
        url=origin_of(application) + return_path(trip.return_to),
    )
