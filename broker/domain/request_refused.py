"""Owns the refusal of an authorize request that its Application is told, at its proven redirect target.

Refuses to be made without that: what is not proven is shown to the person.
"""

from __future__ import annotations

from broker.domain.errors import BrokerError, Fault, OAuthRefusal
from broker.domain.redirect import Asking, ResponseMode


class RequestRefused(OAuthRefusal):
    """A refusal that the Application is told at its proven `redirect_uri`, with its `state`, in its `response_mode`.

    `reason` is the code of what really happened, for the ledger, where it is finer than `code`.
    """

    def __init__(
        self,
        code: str,
        sentence: str,
        *,
        redirect_uri: str,
        state: str | None,
        response_mode: ResponseMode = ResponseMode.QUERY,
        reason: str | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(code, sentence, detail=detail)
        self.redirect_uri = redirect_uri
        self.state = state
        self.response_mode = response_mode
        self.reason = reason or code


def refuse(asking: Asking, code: str, sentence: str, *, reason: str | None = None, detail: str = "") -> RequestRefused:
    """A refusal for who asks, to be raised."""
    return RequestRefused(
        code,
        sentence,
        redirect_uri=asking.redirect_uri,
        state=asking.state,
        response_mode=asking.response_mode,
        reason=reason,
        detail=detail,
    )


_TOLD_AS = {
    "upstream_denied": "access_denied",
    "account_disabled": "access_denied",
    "account_leaving": "access_denied",
    "subject_changed": "access_denied",
}


def tell_application(error: BrokerError, request: Asking) -> RequestRefused:
    """What went wrong on the trip to the Provider, in the words of RFC 6749 section 4.1.2.1."""
    if isinstance(error, RequestRefused):
        return error
    code = "temporarily_unavailable" if isinstance(error, Fault) else _TOLD_AS.get(error.code, "server_error")
    return refuse(request, code, error.sentence, reason=error.code, detail=error.detail)
