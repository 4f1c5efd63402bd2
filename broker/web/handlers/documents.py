"""Owns the pages and documents that are the same for everybody: privacy, terms, the API's description."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.web import context
from broker.web.pages import words
from broker.web.pages.documents import PRIVACY, TERMS
from broker.web.pages.parts import PolicyRow, ProviderPolicy
from broker.web.pages.views import PrivacyView, TermsView

_REVISED = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp())
_OPENAPI = (files("broker.web") / "openapi.json").read_bytes()


async def home(_request: Request) -> Response:
    """The front door leads to one's account, or to signing in."""
    return RedirectResponse("/account", status_code=303)


async def privacy(request: Request) -> Response:
    """What is kept and why, generated from the policy in force."""
    ports = context.web_of(request).ports
    providers = []
    for facts in ports.upstream.registrations.values():
        released = ports.policy.releases(facts.id)
        rows = tuple(
            PolicyRow(
                attribute=words.attribute(name),
                purpose=keep.purpose,
                released_for=released[name].purpose if name in released else None,
            )
            for name, keep in ports.policy.keeps(facts.id).items()
        )
        providers.append(ProviderPolicy(provider_name=facts.label, rows=rows))
    session = await context.signed_in(request)
    view = PrivacyView(
        shell=context.shell(request, session), last_revised=_REVISED, sections=PRIVACY, providers=tuple(providers)
    )
    return context.page(view)


async def terms(request: Request) -> Response:
    """What people agree to."""
    session = await context.signed_in(request)
    return context.page(TermsView(shell=context.shell(request, session), last_revised=_REVISED, sections=TERMS))


async def openapi(_request: Request) -> Response:
    """The JSON API's description (OpenAPI 3.1)."""
    return Response(_OPENAPI, media_type="application/json")
