"""Owns a step that several flows share, no verb of its own: is the Application that asks the one that it says it is?

Refuses without telling an unknown Application from a wrong secret (RFC 6749 section 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain import assertion
from broker.domain.application import Application, ApplicationType, GrantType
from broker.domain.changes import TakeAssertion
from broker.domain.errors import Conflict, OAuthRefusal
from broker.domain.ids import ApplicationId
from broker.flows.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """How an Application says who it is. Both are None when it sent neither, as a public one does.

    `assertion`: a JWT that it has signed (RFC 7523 section 2.2); then there is no `secret`.
    """

    application_id: ApplicationId
    secret: str | None = field(repr=False)
    assertion: str | None = field(default=None, repr=False)


async def authenticated(credentials: Credentials, known: Application | None, ports: Ports) -> Application:
    """The Application that asks; `known` is one that was read already. Raises `OAuthRefusal` (`invalid_client`)."""
    application = known
    if application is None or application.id != credentials.application_id:
        application = await ports.store.application(credentials.application_id)
    if application is None:
        raise _refused()
    if application.type is ApplicationType.PUBLIC:
        passed = credentials.secret is None and credentials.assertion is None
    elif credentials.assertion is not None:
        await _take(credentials.assertion, application, ports)
        passed = True
    else:
        passed = bool(credentials.secret) and _fits(credentials.secret or "", application, ports)
    if not passed:
        raise _refused()
    return application


def _fits(secret: str, application: Application, ports: Ports) -> bool:
    presented = ports.secrets.keyed_hash("application_secret", secret)
    # Every one is looked at: how long it takes must not tell which of them fits.
    return sum(ports.secrets.same(presented, kept) for kept in application.secrets) > 0


async def _take(proof: str, application: Application, ports: Ports) -> None:
    """Use up an assertion, whatever becomes of the request (RFC 7523 section 3). Raises `OAuthRefusal`."""
    claims = ports.signer.claims_by(proof, application.public_keys)
    if claims is None:
        raise _refused("not signed by a key of the application")
    now = ports.clock.now()
    accepted = assertion.accept(claims, application_id=application.id, issuer=ports.issuer, now=now)
    if isinstance(accepted, str):
        raise _refused(accepted)
    name = ports.secrets.keyed_hash("assertion", f"{application.id} {accepted.name}")
    try:
        await ports.store.write(TakeAssertion(assertion=name, expires_at=accepted.forget_at))
    except Conflict:
        raise _refused("assertion used before") from None


def _refused(detail: str = "") -> OAuthRefusal:
    return OAuthRefusal("invalid_client", "The application is unknown or its secret is wrong.", detail=detail)


def require_grant(application: Application, grant: GrantType) -> None:
    """Raise `OAuthRefusal` (`unauthorized_client`) unless the Application is registered for `grant`."""
    if grant not in application.grants:
        raise OAuthRefusal("unauthorized_client", "This application is not registered for this grant.")
