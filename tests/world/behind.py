"""A service that stands behind a gateway in tests: it answers with what reached it, and counts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.servers.asgi import Message


@dataclass(kw_only=True, slots=True)
class Behind:
    """`seen`: every request that reached it, as (method, path, headers), each header as it came."""

    seen: list[tuple[str, str, list[tuple[str, str]]]] = field(default_factory=list)

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        self.seen.append((scope["method"], scope["path"], headers))
        body = json.dumps({"path": scope["path"], "query": scope["query_string"].decode(), "headers": headers}).encode()
        content_type = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": content_type})
        await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Any, send: Any) -> None:
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
