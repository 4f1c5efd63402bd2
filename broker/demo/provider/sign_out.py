"""Signing out at the demo Provider, which tells the software that was signed in to (Back-Channel Logout 1.0).

Tells nobody but by its own page's form.
"""

from __future__ import annotations

import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from broker.demo.calls import Unreachable
from broker.demo.pages import same_origin
from broker.demo.provider.forms import form_pairs
from broker.demo.provider.grants import Grant
from broker.demo.provider.jose import compact, rs256
from broker.demo.provider.provider import DemoProvider

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFE_SECONDS = 120  # section 4: at most two minutes


async def sign_out(provider: DemoProvider, request: Request) -> Response:
    """POST the number of a grant: its person signs out of that software, everywhere. The grant lives on."""
    number = dict(await form_pairs(request)).get("grant", "")
    if not same_origin(request) or not number.isdecimal() or int(number) >= len(provider.grants):
        return PlainTextResponse("Nobody can be signed out by this.", 400)
    grant = provider.grants[int(number)]
    url = provider.registrations[grant.client_id].backchannel_logout_uri
    if url is None:
        return PlainTextResponse("This software does not want to be told.", 400)
    try:
        answer = await provider.call(url, form={"logout_token": logout_token(provider, grant)})
    except Unreachable:
        return PlainTextResponse("The software does not answer.", 502)
    if answer.status != 200:
        return PlainTextResponse("The software does not accept it.", 502)
    return RedirectResponse("/", 303)


def logout_token(provider: DemoProvider, grant: Grant) -> str:
    """Section 2.4."""
    now, key = provider.clock(), provider.keys.current
    claims: dict[str, Any] = {
        "iss": provider.issuer,
        "sub": grant.persona.sub,
        "aud": grant.client_id,
        "iat": now,
        "exp": now + LIFE_SECONDS,
        "jti": secrets.token_urlsafe(16),
        "events": {EVENT: {}},
    }
    return compact({"alg": "RS256", "kid": key.kid, "typ": "logout+jwt"}, claims, rs256(key.private))
