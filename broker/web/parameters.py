"""Owns reading what a request carries: query and form parameters, every value of every name.

Refuses bodies that are not what a form sends, too many parameters, and anything that is not UTF-8.
"""

from __future__ import annotations

import asyncio
import re
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request

from broker.domain.authorize_request import KNOWN, Parameters
from broker.domain.errors import Refusal

MAX_PARAMETERS = 64
BODY_WITHIN = 10.0
"""Seconds that a form may take to arrive."""
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""An id: one of ours, or an operator's name of an Application, a Client, a registration."""
_FORM = "application/x-www-form-urlencoded"


def query_of(request: Request) -> Parameters:
    """The query's parameters. Raises `Refusal`."""
    return _parse(request.scope["query_string"])


async def form_of(request: Request) -> Parameters:
    """The body's parameters (HTML forms, RFC 6749 appendix B). Raises `Refusal`."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _FORM:
        raise Refusal("invalid_request", "The request has to be sent as a form.", detail="content type")
    try:
        async with asyncio.timeout(BODY_WITHIN):
            body = await request.body()
    except TimeoutError:
        raise Refusal("too_slow", "The request took too long to arrive.") from None
    parameters = _parse(body)
    request.scope["form"] = parameters  # for the ledger, should the request be refused
    return parameters


def one(parameters: Parameters, name: str, *, longest: int = 4096) -> str | None:
    """The only value of `name`, or None when it is absent or empty (RFC 6749 section 3.1). Raises `Refusal`."""
    values = parameters.get(name, ())
    if len(values) > 1 or (values and len(values[0]) > longest):
        raise Refusal("invalid_request", f"{name} was sent twice, or is too long.", detail="repeated or too long")
    return values[0] if values and values[0] else None


def of_authorize_request(parameters: Parameters) -> Parameters:
    """Those of an authorize request: others are ignored (RFC 6749 section 3.1), and are not carried on to our forms."""
    return {name: values for name, values in parameters.items() if name in KNOWN}


def as_query(parameters: Parameters) -> str:
    """A query string with every value of every name."""
    return urlencode(parameters, doseq=True)


def _parse(raw: bytes) -> Parameters:
    try:
        return parse_qs(raw.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:  # UnicodeDecodeError is one
        raise Refusal("invalid_request", "The request has too many parameters, or unreadable ones.") from None
