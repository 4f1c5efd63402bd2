"""Owns token revocation (RFC 7009): an Application is done with a token, so everything of that sign-in ends for it.

Refuses to say anything about tokens: one that is unknown, over, or another Application's is answered like one that
was ended, and nothing changes.
"""

from __future__ import annotations

from broker.domain.errors import OAuthRefusal
from broker.domain.own_token import is_own
from broker.flows.authenticated import Credentials, authenticated
from broker.flows.issued import revoke_grant
from broker.flows.ports import Ports
from broker.flows.presented import ShownSessionJwt, presented


async def revoke_token(credentials: Credentials, token: str, ports: Ports, *, request_id: str) -> None:
    """End the Grant that a refresh token or a session JWT comes from, and with it all of its tokens.

    RFC 7009 section 2.1 allows to end both kinds together; a refresh token that was rotated away will do. What the
    Application got by an exchange from another one's Grant ends nothing of that one's. Raises `OAuthRefusal`
    (`invalid_client`, `unsupported_token_type`), or `Fault` when it could not be stored.
    """
    now = ports.clock.now()
    shown = await presented(token, ports, now=now)
    found = None if shown is None else shown.found
    application = await authenticated(credentials, None if found is None else found.application, ports)
    if isinstance(shown, ShownSessionJwt):
        if shown.claims["client_id"] != application.id:
            return
        if is_own(shown.claims) or (found is not None and found.application.id != application.id):
            # RFC 7009 section 2.2.1. Nothing is stored that could end, or only what is another Application's: to say
            # that it is over would not be true.
            raise OAuthRefusal("unsupported_token_type", "This token cannot be ended alone; it ends in minutes.")
    if found is not None and found.application.id == application.id:
        await revoke_grant(found, "revoked_by_application", ports, now=now, request_id=request_id)
