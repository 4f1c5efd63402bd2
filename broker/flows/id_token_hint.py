"""Owns a step that several flows share, no verb of its own: whom does the Application expect to come back?

Refuses hints which are not our own ID tokens for this very Application.
"""

from __future__ import annotations

from broker.domain.authorize_request import AuthorizeRequest
from broker.domain.ids import UserId
from broker.flows.ports import Signer


def is_expected(user_id: UserId, request: AuthorizeRequest, signer: Signer) -> bool:
    """Whether the request's `id_token_hint`, if it has one, is about this User (OpenID Connect Core section 3.1.2.1).

    A hint that has expired is as good as a fresh one: it names a person, and opens nothing.
    """
    if request.id_token_hint is None:
        return True
    claims = signer.verify(request.id_token_hint, typ="JWT", audience=request.application_id, now=None)
    return claims is not None and claims.get("sub") == user_id
