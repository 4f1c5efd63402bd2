"""Owns the start of a trip to a Provider: makes the attempt, seals it for the browser's cookie. Writes nothing.

Refuses to connect a further account for nobody, and registrations that this deployment does not have.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.attempt import Purpose, SignInAttempt
from broker.domain.authorize_request import AuthorizeRequest
from broker.domain.errors import NotFound, Refusal
from broker.domain.ids import AttemptId, RegistrationId
from broker.flows.found import LiveSession
from broker.flows.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class Trip:
    """Send the browser to `url` with `cookie`, which is found again by `state`."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    cookie: str = field(repr=False)


async def begin(
    registration: RegistrationId,
    purpose: Purpose,
    request: AuthorizeRequest | None,
    signed_in: LiveSession | None,
    ports: Ports,
    *,
    page: str | None = None,
) -> Trip:
    """Begin a sign-in for an Application's `request`, or (None) for the User's own pages: for `page` of them.

    Raises `NotFound`, `Refusal`, or `Fault` when the Provider's metadata cannot be had.
    """
    if registration not in ports.upstream.registrations:
        raise NotFound(detail="no such registration")
    if purpose is Purpose.CONNECT and signed_in is None:
        raise Refusal("sign_in_needed", "Sign in first, then connect another account.")
    organization = None if request is None else request.organization
    attributes = ports.policy.keeps(registration, () if organization is None else (organization,))
    attempt = SignInAttempt(
        id=AttemptId(ports.secrets.new_id("att")),
        purpose=purpose,
        registration=registration,
        organization=organization,
        initiator=None if signed_in is None else signed_in.user.id,
        state=ports.secrets.token(),
        nonce=ports.secrets.token(),
        code_verifier=ports.secrets.token(),
        scopes=ports.upstream.scopes_for(registration, frozenset(attributes)),
        continue_to=(page or "") if request is None else request.to_keep(),
        started_at=ports.clock.now(),
        pushed=None if request is None else request.pushed,
    )
    url = await ports.upstream.authorize_url(
        attempt,
        login_hint=None if request is None else request.login_hint,
        prompt_login=request is not None and bool(request.prompts & {"login", "select_account"}),
    )
    return Trip(url=url, state=attempt.state, cookie=ports.secrets.seal_attempt(attempt))
