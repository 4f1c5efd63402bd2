"""Calling the downstream service with the session JWT, once for each Client, and putting its answers into words.

Believes the service's status, not its prose: only a 200 with rights is shown as allowed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from broker.demo.application.sessions import ServiceAnswer, SignedIn
from broker.demo.calls import Call, Unreachable


def clients_to_ask(signed_in: SignedIn, always: Sequence[str]) -> list[str]:
    """The Clients of the session JWT, then those of the demo: to be refused is worth seeing too."""
    authorizations = signed_in.session_claims.get("authorizations")
    named = [str(name) for name in authorizations] if isinstance(authorizations, dict) else []
    return list(dict.fromkeys([*named, *always]))


async def ask_for_each(
    call: Call, downstream_url: str, session_jwt: str, clients: Sequence[str]
) -> list[ServiceAnswer]:
    """The service's answer for each Client, in their order. Raises nothing: no answer is an answer, too."""
    return list(await asyncio.gather(*(_ask(call, downstream_url, session_jwt, name) for name in clients)))


async def _ask(call: Call, downstream_url: str, session_jwt: str, client_org: str) -> ServiceAnswer:
    try:
        answer = await call(f"{downstream_url}/reports/{quote(client_org, safe='')}", bearer=session_jwt)
        body = answer.json()
    except Unreachable:
        return ServiceAnswer(client_org=client_org, allowed=False, status=None, says="The service does not answer.")
    rights = body.get("rights")
    allowed = answer.status == 200 and isinstance(rights, list)
    return ServiceAnswer(
        client_org=client_org,
        allowed=allowed,
        status=answer.status,
        says=_text(body.get("report" if allowed else "error_description")),
        rights=[_text(right) for right in rights] if allowed and isinstance(rights, list) else (),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "No reason was given."
