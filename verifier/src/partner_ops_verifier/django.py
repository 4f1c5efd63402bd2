"""Owns the way into Django: a middleware around every view, or a decorator of one. For views that are not asynchronous.

Refuses by RFC 6750, before the view is called.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from partner_ops_verifier.answers import refusal, sent_token, url_path
from partner_ops_verifier.errors import VerifierError
from partner_ops_verifier.session import Session
from partner_ops_verifier.verifier import Verifier

_NAME: Final = "partner_ops_session"
View = Callable[..., Any]


class BearerMiddleware:
    """For `MIDDLEWARE`: lets in whoever has a good session JWT. `session_of` has the Session.

    Settings: `PARTNER_OPS_VERIFIER`, a `Verifier`; `PARTNER_OPS_OPEN_PATHS`, open to everybody, by default none.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._verifier: Verifier = settings.PARTNER_OPS_VERIFIER
        self._open_paths = frozenset(getattr(settings, "PARTNER_OPS_OPEN_PATHS", ()))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Django's protocol."""
        if request.path not in self._open_paths:
            try:
                _enter(request, self._verifier)
            except VerifierError as error:
                return answer(error)
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What `session.require` raises becomes a 403."""
        return answer(error) if isinstance(error, VerifierError) else None


class Bearer:
    """`@bearer.session`, `@bearer.right("reports:read")`; `session_of(request)` has the Session."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def session(self, view: View) -> View:
        """A view for whoever has a good session JWT."""

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **values: Any) -> Any:
            try:
                _enter(request, self._verifier)
            except VerifierError as error:
                return answer(error)
            return view(request, *args, **values)

        return guarded

    def right(self, right: str, *, of: str = "client_org") -> Callable[[View], View]:
        """A view for whoever has this right of the Client which the path's parameter `of` names."""

        def decorate(view: View) -> View:
            @wraps(view)
            def guarded(request: HttpRequest, *args: Any, **values: Any) -> Any:
                try:
                    _enter(request, self._verifier)
                    session_of(request).require(values[of], right)
                except VerifierError as error:
                    return answer(error)
                return view(request, *args, **values)

            return guarded

        return decorate


def session_of(request: HttpRequest) -> Session:
    """The Session of this request. Raises `LookupError` where nobody asked for one."""
    session = getattr(request, _NAME, None)
    if not isinstance(session, Session):
        raise LookupError("this view is not guarded")
    return session


def answer(error: VerifierError) -> HttpResponse:
    """As a response."""
    found = refusal(error)
    return HttpResponse(found.body, status=found.status, headers=dict(found.headers))


def _enter(request: HttpRequest, verifier: Verifier) -> None:
    values, proofs = ([request.headers[name]] if name in request.headers else [] for name in ("Authorization", "DPoP"))
    token, proof = sent_token(values, proofs)
    url = verifier.url_of(url_path(request.path))
    setattr(request, _NAME, verifier.verify(token, proof=proof, method=request.method or "", url=url))
