"""Form bodies, as sent to the demo Provider.

Refuses every other content type, and files, by giving no pairs at all.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

_MOST_FIELDS = 100


async def form_pairs(request: Request) -> list[tuple[str, str]]:
    """The fields of an `application/x-www-form-urlencoded` body in their order; none for any other body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return []
    try:
        body = (await request.body()).decode()
        return parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return []
