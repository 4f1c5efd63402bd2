"""Owns `/api/v1/me`: what the User's own pages show and do about what is kept, for a script of the broker's own origin.

Refuses session JWTs: a service to which one was given could take everything along. Only the Session's cookie counts.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from broker.domain.errors import Refusal
from broker.domain.ids import ConnectionId
from broker.domain.optional import Option
from broker.domain.policy import Keep
from broker.flows.found import LiveSession
from broker.flows.kept import KeptConnection, KeptOnTerms
from broker.flows.privacy.choices import show_choices
from broker.flows.privacy.choose import choose
from broker.flows.privacy.correct import correct
from broker.flows.privacy.show_data import show_data
from broker.web import context, origin
from broker.web.handlers.data import archive_of
from broker.web.handlers.erase import gone_of, is_fresh
from broker.web.parameters import BODY_WITHIN
from broker.web.telling import tell_providers

_TYPES = ("application/merge-patch+json", "application/json")
_SENT = {"value": '"…" or null', "agreed": "true or false"}


class _Members(list[tuple[str, Any]]):
    """A JSON object with every one of its names, also one that comes twice."""

    __match_args__ = ("every",)

    @property
    def every(self) -> list[tuple[str, Any]]:
        return list(self)


async def me(request: Request) -> Response:
    """Everything that is kept, on which terms, and the token that changes have to carry."""
    session = await _session(request)
    ports = context.web_of(request).ports
    kept = await show_data(session.user.id, ports)
    choices = await show_choices(session.user.id, ports)
    document = {
        "user": kept.records["users"][0],
        "connections": [_connection(c) for c in kept.connections],
        "choices": [_choice(option, choices.since.get(option.subject)) for option in choices.options],
        "also_kept": {name: len(rows) for name, rows in kept.records.items() if name != "users"},
        "csrf": origin.csrf_token(session, ports),
    }
    return Response(orjson.dumps(document), media_type="application/json")


async def change(request: Request) -> Response:
    """Put an attribute right (RFC 7396): `{"value": "…"}`, or null for what the Provider says."""
    session = await _session(request)
    ports = context.web_of(request).ports
    origin.require_csrf_header(request, session, ports)
    value = await _member(request, "value")
    if not isinstance(value, str | None):
        raise _malformed("value")
    connection_id = ConnectionId(context.path_name(request, "connection"))
    attribute = context.path_name(request, "attribute")
    await correct(connection_id, attribute, value, session.user.id, ports, request_id=context.request_id_of(request))
    return Response(status_code=204)


async def choose_mine(request: Request) -> Response:
    """Allow something optional (RFC 7396): `{"agreed": true}`, or take it back, and what went with that."""
    session = await _session(request)
    ports = context.web_of(request).ports
    origin.require_csrf_header(request, session, ports)
    agreed = await _member(request, "agreed")
    if not isinstance(agreed, bool):
        raise _malformed("agreed")
    subject, request_id = context.path_name(request, "subject"), context.request_id_of(request)
    chosen = await choose(session.user.id, subject, ports, agreed=agreed, request_id=request_id)
    if chosen.ended:
        await tell_providers(ports)
    document = {"deleted": chosen.deleted, "ended": chosen.ended}
    return Response(orjson.dumps(document), media_type="application/json")


async def erase_me(request: Request) -> Response:
    """Have the account erased: `{"erase_at": …}`, or the signed receipt where it was done at once."""
    session = await _session(request)
    web = context.web_of(request)
    origin.require_csrf_header(request, session, web.ports)
    if not is_fresh(request, session):
        raise Refusal("sign_in_again", "You signed in a while ago. Please sign in once more.")
    gone = await gone_of(request, session)
    document = {"erase_at": gone.erase_at} if gone.receipt is None else dict(gone.receipt)
    response = Response(orjson.dumps(document), media_type="application/json")
    web.cookies.clear(response, web.cookies.session)
    return response


async def archive(request: Request) -> Response:
    """The signed archive."""
    session = await _session(request)
    if request.method == "HEAD":
        return Response(media_type="application/json")
    return await archive_of(request, session)


async def _session(request: Request) -> LiveSession:
    """Whose cookie it is. Raises `Refusal` for nobody's, and for another site's request."""
    origin.require_same_origin(request, context.web_of(request).ports.issuer)
    session = await context.signed_in(request)
    if session is None:
        raise Refusal("not_signed_in", "Please sign in first.", detail="no live session cookie")
    return session


def _malformed(name: str) -> Refusal:
    return Refusal("invalid_request", f'Send JSON: {{"{name}": {_SENT[name]}}}.', detail="body")


async def _member(request: Request, name: str) -> Any:
    """The one member of this name. Raises `Refusal` for any other body."""
    malformed = _malformed(name)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in _TYPES:
        raise malformed
    try:
        async with asyncio.timeout(BODY_WITHIN):
            body = await request.body()
        document: Any = json.loads(body.decode(), object_pairs_hook=_Members)
    except TimeoutError:
        raise Refusal("too_slow", "The request took too long to arrive.") from None
    except (ValueError, RecursionError):
        raise malformed from None
    match document:
        case _Members([(sent, value)]) if sent == name:
            return value
    raise malformed


def _connection(one: KeptConnection) -> dict[str, Any]:
    connection = one.connection
    return {
        "id": connection.id,
        "registration": connection.registration,
        "status": connection.status,
        "granted_scopes": sorted(connection.granted_scopes),
        "created_at": connection.created_at,
        "last_used_at": connection.last_used_at,
        "revoked_at": connection.revoked_at,
        "holds_tokens": connection.sealed_tokens is not None,
        "attributes": _attributes(one),
        "missing": [{"name": name, "purpose": keep.purpose} for name, keep in one.missing],
    }


def _choice(option: Option, since: int | None) -> dict[str, Any]:
    alone = option.attributes[0].keep.purpose if option.attributes else ""
    return {
        "subject": option.subject,
        "purpose": alone if option.purpose is None else option.purpose.purpose,
        "attributes": [f"{attribute.registration}.{attribute.name}" for attribute in option.attributes],
        "agreed_since": since,
    }


def _attributes(one: KeptConnection) -> list[dict[str, Any]] | None:
    if one.attributes is None:
        return None
    return [_attribute(a, a.terms) for a in one.attributes if a.terms is not None]


def _attribute(one: KeptOnTerms, terms: Keep) -> dict[str, Any]:
    kept = one.kept
    return {
        "name": kept.name,
        "value": kept.value,
        "purpose": terms.purpose,
        "since": kept.since,
        "until": kept.until(terms),
        "update": terms.update,
        "optional": terms.consent,
        "correctable": terms.correctable,
        "corrected": kept.corrected,
        "told": list(one.told),
    }
