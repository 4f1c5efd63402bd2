"""Owns `/account/erase` and `/account/keep`: the User has their account erased, or keeps it after all.

Refuses to take a browser's word that was given long ago: whoever erases has signed in within minutes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.domain.connection import ConnectionStatus
from broker.domain.erasure import results_of
from broker.domain.errors import Refusal
from broker.flows.connections.show import ShownConnection, show_connections
from broker.flows.found import LiveSession
from broker.flows.ports import RegistrationFacts
from broker.flows.privacy.erase import erase
from broker.flows.privacy.leave import leave
from broker.flows.privacy.receipt import receipt_of
from broker.web import context
from broker.web.errors import NotOnForm
from broker.web.handlers.shown import facts_of, mark_of, name_of
from broker.web.pages import words
from broker.web.pages.parts import ConnectOffer, ErasedAt, ReachAt, Staying
from broker.web.pages.privacy_views import ErasedView, EraseView
from broker.web.parameters import one
from broker.web.telling import tell_providers

FRESH_FOR = 300
"""Seconds after a sign-in in which its browser may erase the account."""
WORD = "erase"
"""What is typed, so that nobody erases by a slip."""
_STAYS = (
    Staying(
        what="A record that the account was erased, by a number from which nobody can tell whose it was",
        why="So that no back-up brings it back, and to prove that it was done.",
    ),
    Staying(
        what="Lines in our record of decisions, by the same number",
        why="To prove what was allowed and ended. They hold no names, addresses or other values.",
    ),
)


async def erase_page(request: Request) -> Response:
    """Ask, and say what goes, how far it reaches, and what stays."""
    session = await context.require_signed_in(request, page="/account/erase")
    return context.page(await _asking(request, session))


async def erase_confirm(request: Request) -> Response:
    """Erase, or set the day; either way nobody is signed in afterwards."""
    session, form = await context.posted(request, page="/account/erase")
    web = context.web_of(request)
    if not is_fresh(request, session):
        refusal = Refusal("sign_in_again", "You signed in a while ago. Please sign in once more.")
        raise NotOnForm(refusal, await _asking(request, session))
    if (one(form, "word") or "").strip().lower() != WORD:
        refusal = Refusal("wrong_word", "That is another word. Nothing was erased.")
        raise NotOnForm(refusal, await _asking(request, session, wrong=True))
    gone = await gone_of(request, session)
    if gone.receipt is None:
        view = ErasedView(shell=context.shell(request, None), erase_at=gone.erase_at)
    else:
        labels: dict[str, RegistrationFacts] = {f.id: f for f in web.ports.upstream.registrations.values()}
        told = tuple(
            ErasedAt(
                provider_name=labels[name].label if name in labels else name,
                result=words.revoked(result),
                page=labels[name].permissions_page if name in labels else None,
            )
            for name, result in results_of(gone.receipt["receipt"])
        )
        view = ErasedView(shell=context.shell(request, None), told=told, receipt=json.dumps(gone.receipt, indent=2))
    response = context.page(view)
    web.cookies.clear(response, web.cookies.session)
    return response


@dataclass(frozen=True, kw_only=True, slots=True)
class Gone:
    """When the account will be erased, or the signed receipt where it is."""

    erase_at: int | None = None
    receipt: Mapping[str, Any] | None = None


async def gone_of(request: Request, session: LiveSession) -> Gone:
    """Erase, or set the day; the Provider is told while the person waits a moment."""
    ports, request_id = context.web_of(request).ports, context.request_id_of(request)
    if ports.policy.erasure.grace_days:
        return Gone(erase_at=await leave(session.user.id, ports, request_id=request_id))
    erased = await erase(session.user.id, ports, request_id=request_id)
    await tell_providers(ports)
    return Gone(receipt=await receipt_of(erased, ports))


async def keep(request: Request) -> Response:
    """Whoever has signed in to come here has their account back."""
    await context.require_signed_in(request, page="/account/keep")
    return RedirectResponse("/account?kept=yes", status_code=303)


async def _asking(request: Request, session: LiveSession, *, wrong: bool = False) -> EraseView:
    ports = context.web_of(request).ports
    shown = await show_connections(session.user.id, ports)
    live = [c for c in shown if c.status is not ConnectionStatus.REVOKED]
    grace = ports.policy.erasure.grace_days
    return EraseView(
        shell=context.shell(request, session, name=name_of(shown)),
        word=WORD,
        wrong=wrong,
        fresh=is_fresh(request, session),
        again=tuple(_offer(request, c) for c in live if c.connection.id == session.session.connection_id),
        grace_days=grace,
        goes=(
            "Everything that is kept about you, and the key that opens it.",
            "Every session, in every browser, and what Applications may see and do for you.",
            "What organisations allowed you to do here.",
        ),
        reaches=tuple(
            ReachAt(provider_name=facts.label, reach=facts.reach) for c in live for facts in (facts_of(request, c),)
        ),
        stays=_STAYS,
    )


def _offer(request: Request, shown: ShownConnection) -> ConnectOffer:
    facts = facts_of(request, shown)
    return ConnectOffer(registration_id=facts.id, provider=mark_of(facts), label=facts.label)


def is_fresh(request: Request, session: LiveSession) -> bool:
    """Whether this browser has signed in within minutes."""
    return context.web_of(request).ports.clock.now() - session.session.auth_time <= FRESH_FOR
