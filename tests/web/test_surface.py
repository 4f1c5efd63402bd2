"""What is published: the same bytes for everybody, by the methods that read, and by no other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from broker.web.guard import not_routed
from broker.web.measure import Measures
from broker.web.pages.assets import ASSETS
from broker.web.surface import Surface
from broker.web.wellknown import published

pytestmark = pytest.mark.anyio

ISSUER = "https://id.example"
PUBLISHED = published(ISSUER, b'{"keys":[]}', ("ES256",))
WELL_KNOWN = [path for path in PUBLISHED if path not in ASSETS]
ANY_ASSET = next(iter(ASSETS))
CHANGING = ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get", "X-Y"]


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody who asks a surface that has nothing behind it."""
    app = Starlette(exception_handlers={HTTPException: not_routed})
    surface = Surface(app, measures=Measures(), published=PUBLISHED, secure=True)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(surface), base_url=ISSUER) as http:
        yield http


@pytest.mark.parametrize("path", [*WELL_KNOWN, ANY_ASSET])
async def test_a_document_is_read_whole_or_by_its_head(http: httpx2.AsyncClient, path: str) -> None:
    """And not a second time while its tag is the same (RFC 9110 section 13.1.2)."""
    whole, head = await http.get(path), await http.head(path)
    again = await http.get(path, headers={"If-None-Match": whole.headers["ETag"]})

    assert (whole.status_code, whole.content) == (200, PUBLISHED[path].body)
    assert (head.status_code, head.content, head.headers) == (200, b"", whole.headers)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("method", CHANGING)
@pytest.mark.parametrize("path", [*WELL_KNOWN, ANY_ASSET])
async def test_no_other_method_is_taken(http: httpx2.AsyncClient, path: str, method: str) -> None:
    """RFC 9110 section 15.5.6: 405, and by which methods it can be had; 404 would deny that it is there."""
    request = http.build_request(method, path, content=b"{}")
    request.method = method  # httpx writes it in capitals, which names another one
    answer = await http.send(request)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "method_not_allowed"
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(("path", "origin"), [(WELL_KNOWN[0], "*"), (ANY_ASSET, None)])
async def test_whoever_asks_is_told_the_methods(http: httpx2.AsyncClient, path: str, origin: str | None) -> None:
    """RFC 9110 section 9.3.7; scripts of other sites are let in where they may read, and nowhere else."""
    answer = await http.options(path)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert answer.headers.get("Access-Control-Allow-Origin") == origin


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_what_is_not_published_is_not_there(http: httpx2.AsyncClient, method: str) -> None:
    """By no method, and nothing is allowed there."""
    answer = await http.request(method, "/.well-known/nothing")

    assert answer.status_code == 404
    assert "Allow" not in answer.headers
