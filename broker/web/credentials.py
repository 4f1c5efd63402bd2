"""Owns how software says who it is: an Application's credentials, a session JWT, a proof of possession.

Refuses a header that was sent twice, and two ways of authenticating at once.
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_plus

import orjson
from starlette.requests import Request

from broker.domain.assertion import TYPE
from broker.domain.authorize_request import Parameters
from broker.domain.errors import OAuthRefusal, Refusal
from broker.domain.ids import ApplicationId
from broker.flows.authenticated import Credentials
from broker.flows.possession import SentProof, ShownToken
from broker.web import context
from broker.web.parameters import NAME, one


def credentials_of(request: Request, form: Parameters) -> Credentials:
    """RFC 6749 section 2.3.1: HTTP Basic, or the body, or an assertion (RFC 7523 section 2.2): one of these alone.

    A public Application sends its name alone.
    """
    in_body, secret = one(form, "client_id"), one(form, "client_secret")
    assertion, kind = one(form, "client_assertion"), one(form, "client_assertion_type")
    header = _authorization(request)
    if [secret is not None, assertion is not None or kind is not None, header is not None].count(True) > 1:
        raise OAuthRefusal("invalid_request", "Two ways of authenticating the application were used at once.")
    if assertion is not None or kind is not None:
        if assertion is None or kind != TYPE:
            raise _unknown_application("client_assertion and its type belong together")
        subject = _subject_of(assertion)
        if in_body is not None and in_body != subject:
            raise _unknown_application("client_id differs from the assertion's sub")
        return _credentials(request, subject, None, assertion)
    if header is None:
        return _credentials(request, in_body, secret)
    scheme, _, encoded = header.partition(" ")
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if scheme.lower() != "basic" or not colon:
        raise _unknown_application("bad header")
    name, password = unquote_plus(name), unquote_plus(password)
    if in_body is not None and in_body != name:
        raise OAuthRefusal("invalid_request", "client_id differs between header and body.")
    return _credentials(request, name, password)


def token_of(request: Request) -> ShownToken:
    """The token in the header (RFC 6750 section 2.1), and its proof (RFC 9449 section 7.1)."""
    scheme, _, token = (_authorization(request) or "").partition(" ")
    if scheme.lower() not in ("bearer", "dpop") or not token.strip():
        # RFC 6750 section 3.1: without a token the answer says what is wanted, and no error code.
        raise Refusal("no_token", "Send a session JWT in the Authorization header.")
    proof = None
    if scheme.lower() == "dpop":
        proof = proof_of(request) or _sent(request, "")
    return ShownToken(text=token.strip(), proof=proof)


def proof_of(request: Request) -> SentProof | None:
    """The proof of possession that came along. Raises `OAuthRefusal` when there are two (RFC 9449 section 4.3)."""
    values = request.headers.getlist("dpop")
    if len(values) > 1:
        raise OAuthRefusal("invalid_dpop_proof", "The DPoP header was sent twice.", detail="repeated header")
    return _sent(request, values[0]) if values else None


def _sent(request: Request, proof: str) -> SentProof:
    """Our own name for what was asked, whatever `Host` says."""
    url = context.web_of(request).ports.issuer + request.scope["path"]
    return SentProof(text=proof, method=request.method, url=url)


def _subject_of(assertion: str) -> str | None:
    """Which Application it says it is, before anything of it is believed."""
    payload = assertion.split(".")[1] if assertion.count(".") == 2 else ""
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:  # binascii.Error and orjson.JSONDecodeError are some
        return None
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) else None


def _credentials(request: Request, name: str | None, secret: str | None, assertion: str | None = None) -> Credentials:
    if name is None or NAME.fullmatch(name) is None:
        raise _unknown_application("no name, or none that an application can have")
    application_id = ApplicationId(name)
    request.scope["application_id"] = application_id  # for the ledger, should the request be refused
    return Credentials(application_id=application_id, secret=secret, assertion=assertion)


def _unknown_application(detail: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_client", "The application is unknown or its secret is wrong.", detail=detail)


def _authorization(request: Request) -> str | None:
    """The header's value. Raises `Refusal` when there are two: whoever is in front may have looked at the other."""
    values = request.headers.getlist("authorization")
    if len(values) > 1:
        raise Refusal("invalid_request", "The Authorization header was sent twice.", detail="repeated header")
    return values[0] if values else None
