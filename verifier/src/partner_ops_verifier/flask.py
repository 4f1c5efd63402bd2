"""Owns the way into Flask: a guard before a whole application or blueprint, or a decorator of one view.

Refuses by RFC 6750, before the view is called.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, Final

from flask import Blueprint, Flask, Response, current_app, g, request

from partner_ops_verifier.answers import refusal, sent_token, url_path
from partner_ops_verifier.errors import VerifierError
from partner_ops_verifier.session import Session
from partner_ops_verifier.verifier import Verifier

_NAME: Final = "partner_ops_session"
View = Callable[..., Any]


class Bearer:
    """`@bearer.session`, `@bearer.right("reports:read")`; `current_session()` has the Session."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def session(self, view: View) -> View:
        """A view for whoever has a good session JWT."""

        @wraps(view)
        def guarded(*args: Any, **values: Any) -> Any:
            refused = self._enter()
            return current_app.ensure_sync(view)(*args, **values) if refused is None else refused

        return guarded

    def right(self, right: str, *, of: str = "client_org") -> Callable[[View], View]:
        """A view for whoever has this right of the Client which the view's argument `of` names."""

        def decorate(view: View) -> View:
            @wraps(view)
            def guarded(*args: Any, **values: Any) -> Any:
                refused = self._enter()
                if refused is not None:
                    return refused
                try:
                    current_session().require(values[of], right)
                except VerifierError as error:
                    return answer(error)
                return current_app.ensure_sync(view)(*args, **values)

            return guarded

        return decorate

    def protect(self, app: Flask | Blueprint, open_endpoints: Collection[str] = ()) -> None:
        """Every view of `app`, but for these endpoints, is for whoever has a good session JWT."""
        unguarded = frozenset(open_endpoints)
        app.before_request(lambda: None if request.endpoint in unguarded else self._enter())
        app.register_error_handler(VerifierError, answer)  # what `session.require` raises

    def _enter(self) -> Response | None:
        try:
            token, proof = sent_token(request.headers.getlist("Authorization"), request.headers.getlist("DPoP"))
            url = self._verifier.url_of(url_path(request.root_path + request.path))
            g.partner_ops_session = self._verifier.verify(token, proof=proof, method=request.method, url=url)
        except VerifierError as error:
            return answer(error)
        return None


def current_session() -> Session:
    """The Session of this request. Raises `LookupError` where nobody asked for one."""
    session = g.get(_NAME)
    if not isinstance(session, Session):
        raise LookupError("this view is not guarded")
    return session


def answer(error: VerifierError) -> Response:
    """As a response."""
    found = refusal(error)
    return Response(found.body, found.status, dict(found.headers))
