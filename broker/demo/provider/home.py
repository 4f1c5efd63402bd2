"""The demo Provider's own pages: what it is, what was granted, and the way to take it back here.

Shows no token, and takes nothing back but by its own form.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from broker.demo.pages import same_origin
from broker.demo.provider.discovery import METADATA_PATH
from broker.demo.provider.forms import form_pairs
from broker.demo.provider.provider import DemoProvider
from broker.demo.provider.scopes import SCOPES


async def home(provider: DemoProvider, request: Request) -> Response:
    """GET the start page, with the living grants."""
    living = [
        {
            "number": number,
            "persona": grant.persona,
            "asker": provider.registrations[grant.client_id].name,
            "is_told": provider.registrations[grant.client_id].backchannel_logout_uri is not None,
            "says": [scope.says for scope in SCOPES if scope.name in grant.scopes],
        }
        for number, grant in enumerate(provider.grants)
        if grant.alive
    ]
    return provider.pages.page("home.html", living=living, metadata=METADATA_PATH)


async def remove_access(provider: DemoProvider, request: Request) -> Response:
    """POST the number of a grant to end it, as a person does in their account's settings."""
    number = dict(await form_pairs(request)).get("grant", "")
    if not same_origin(request) or not number.isdecimal() or int(number) >= len(provider.grants):
        return PlainTextResponse("This cannot be removed.", 400)
    grant = provider.grants[int(number)]
    if grant.alive:
        provider.store.revoke(grant, provider.clock())
    return RedirectResponse("/", 303)


async def picture(provider: DemoProvider, request: Request) -> Response:
    """GET a persona's picture: their initials."""
    persona = provider.recognise(request.path_params["persona_id"])
    if persona is None:
        raise HTTPException(404)
    answer = provider.pages.page("picture.svg", persona=persona)
    answer.headers["Content-Type"] = "image/svg+xml"
    return answer


async def redirected(provider: DemoProvider, request: Request) -> Response:
    """Where the fault `redirect` points to. Nobody should come here."""
    return PlainTextResponse("Nobody should have followed.")
