"""Owns the pages and documents that are the same for everybody: privacy, terms, the API's description."""

from __future__ import annotations

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.web import context
from broker.web.handlers import legal
from broker.web.pages import words
from broker.web.pages.parts import PolicyRow, ProviderPolicy
from broker.web.pages.privacy_views import PrivacyView, TermsView

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
                until="" if keep.days is None else f"For {keep.days} days after it was taken",
                optional=keep.consent is not None,
            )
            for name, keep in ports.policy.keeps(facts.id).items()
        )
        providers.append(ProviderPolicy(provider_name=facts.label, rows=rows))
    session = await context.signed_in(request)
    shell = context.shell(request, session)
    view = PrivacyView(
        shell=shell,
        document=legal.text("Privacy", shell.links.privacy, ports.policy.documents.privacy),
        providers=tuple(providers),
    )
    return context.page(view)


async def terms(request: Request) -> Response:
    """What people agree to."""
    session = await context.signed_in(request)
    shell = context.shell(request, session)
    terms = context.web_of(request).ports.policy.documents.terms
    return context.page(TermsView(shell=shell, document=legal.text("Terms", shell.links.terms, terms)))


async def openapi(_request: Request) -> Response:
    """The JSON API's description (OpenAPI 3.1)."""
    return Response(_OPENAPI, media_type="application/json")
