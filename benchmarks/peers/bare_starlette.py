"""The ceiling of published documents: constant answers of Starlette, behind the very uvicorn that our broker has.

Refuses to do anything for a request but route it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from broker.web.serving import listen, run


def application(documents: Mapping[str, Any]) -> Starlette:
    """One route a document; `headers` and `body` are answered as they were recorded."""
    return Starlette(routes=[_route(path, document) for path, document in documents.items()])


def _route(path: str, document: Mapping[str, Any]) -> Route:
    body: bytes = document["body"].encode()
    headers: dict[str, str] = document["headers"]

    async def answer(_: Request) -> Response:
        return Response(body, headers=headers)

    return Route(path, answer)


if __name__ == "__main__":
    run(application(json.loads(Path(sys.argv[2]).read_text())), listen("127.0.0.1", int(sys.argv[1])))
