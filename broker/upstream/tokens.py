"""Owns the token endpoint: authenticates, redeems a code exactly once, reads the answer.

Refuses answers that are not what RFC 6749 section 5.1 asks for, and errors dressed up as successes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard
from urllib.parse import quote_plus

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from broker.domain.attempt import SignInAttempt
from broker.domain.connection import UpstreamTokens
from broker.domain.errors import Fault
from broker.upstream.errors import misconfigured, refused, unavailable
from broker.upstream.http import Answer
from broker.upstream.line import Line, read_json
from broker.upstream.metadata import Metadata
from broker.upstream.registration import Registration
from providers.spec import Authentication, Provider

LONGEST_ANSWER = 16 * 1024
LONGEST_LIFE = 10 * 366 * 24 * 3600
_FORM = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
_VISIBLE = re.compile(r"[\x21-\x7e]+")  # RFC 6749 appendix A.12, without the space, which no header would carry
_OURS = frozenset({"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"})
_PASSING = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
_KNOWN = (
    _OURS | _PASSING | {"invalid_grant", "invalid_request", "invalid_token", "unsupported_token_type", "access_denied"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenAnswer:
    """What a code was redeemed for. Nothing of it is verified yet."""

    tokens: UpstreamTokens = field(repr=False)
    id_token: str | None = field(repr=False)
    granted_scopes: frozenset[str]


async def redeem(
    line: Line, registration: Registration, metadata: Metadata, attempt: SignInAttempt, code: str, now: int
) -> TokenAnswer:
    """Redeem `code`; whatever happens, it is not sent again (RFC 6749 section 4.1.2). Raises `Refusal` or `Fault`."""
    pkce = {"code_verifier": attempt.code_verifier} if registration.provider.pkce else {}
    body = prepare_token_request("authorization_code", code=code, redirect_uri=registration.callback_url, **pkce)
    headers, body = authenticated(registration, metadata.authentication, body)
    answer = await line.send(
        "POST", metadata.token_endpoint, what="token", headers=headers, body=body, longest=LONGEST_ANSWER
    )
    return _read(registration.provider, _checked(registration.provider, answer), attempt.scopes, now)


def authenticated(registration: Registration, way: Authentication, body: str) -> tuple[dict[str, str], str]:
    """Headers and body of a form that proves who sends it (RFC 6749 section 2.3.1)."""
    name, secret = registration.provider_application_id, registration.secret
    if way is Authentication.BASIC:
        name, secret = quote_plus(name), quote_plus(secret)  # the RFC asks for form encoding inside Basic
    prove = ClientAuth(name, secret, way.value)
    _, headers, body = prove.prepare("POST", "", dict(_FORM), body)  # type: ignore[no-untyped-call]
    return headers, body


def error_in(provider: Provider, answer: Answer, document: object) -> str | None:
    """The error that an answer holds, whatever its status: a code of RFC 6749 section 5.2, "other", or None."""
    error = provider.token_error(document) if isinstance(document, Mapping) else None
    if answer.status == 429 or answer.status >= 500:
        return "server_error"
    if error is None:
        return None if answer.status == 200 else "other"
    return error if error in _KNOWN else "other"


def document_in(answer: Answer) -> object:
    """The JSON of an answer; None where it is none: error pages and the empty answers of RFC 7009 are not."""
    try:
        return read_json(answer, "token")
    except Fault:
        return None


def _checked(provider: Provider, answer: Answer) -> Mapping[str, Any]:
    document = document_in(answer)
    error = error_in(provider, answer, document)
    if error in _PASSING:
        raise unavailable(f"token: {error}, status {answer.status}", answer.retry_after)
    if error in _OURS:
        raise misconfigured(f"token: {error}")
    if error is not None:
        raise refused("upstream_error", f"token: {error}, status {answer.status}")
    if not isinstance(document, Mapping):
        raise unavailable("token: no JSON object")
    return document


def _read(provider: Provider, document: Mapping[str, Any], asked: tuple[str, ...], now: int) -> TokenAnswer:
    access_token, refresh_token, kind = (document.get(n) for n in ("access_token", "refresh_token", "token_type"))
    if not _is_token(access_token) or not (refresh_token is None or _is_token(refresh_token)):
        raise unavailable("token: no access token, or a malformed token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise unavailable("token: token_type is not Bearer")
    id_token = document.get("id_token")
    return TokenAnswer(
        tokens=UpstreamTokens(
            access_token=access_token, refresh_token=refresh_token, expires_at=_end(document.get("expires_in"), now)
        ),
        id_token=id_token if isinstance(id_token, str) else None,
        granted_scopes=_granted(provider, document.get("scope"), asked),
    )


def _is_token(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _VISIBLE.fullmatch(value) is not None


def _end(seconds: object, now: int) -> int | None:
    """Some Providers send the number as a string. What is neither is as if it had not been said."""
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() and len(seconds) < 12:
        seconds = int(seconds)
    return now + seconds if type(seconds) is int and 0 <= seconds <= LONGEST_LIFE else None


def _granted(provider: Provider, scope: object, asked: tuple[str, ...]) -> frozenset[str]:
    """What was really granted: people may untick scopes. Not said means as asked for (RFC 6749 section 5.1)."""
    if not isinstance(scope, str):
        return frozenset(asked)
    names = scope.replace(provider.granted_separator, " ").split()
    return frozenset(provider.granted_as.get(name, name) for name in names)
