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
    return request.id_token_hint is None or expected_user(request.id_token_hint, request, signer) == user_id


def expected_user(hint: str, request: AuthorizeRequest, signer: Signer) -> UserId | None:
    """Whom the request's hint is about; None when it is no ID token of ours for this Application."""
    claims = signer.verify(hint, typ="JWT", audience=request.application_id, now=None)
    subject = None if claims is None else claims.get("sub")
    return UserId(subject) if isinstance(subject, str) and subject else None
