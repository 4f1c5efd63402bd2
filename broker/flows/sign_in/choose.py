"""Owns what the sign-in page is told: for which Application, and what each Provider would be asked for.

Refuses authorize requests that do not hold, or forbid to ask. Writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.authorize_request import AuthorizeRequest, Parameters
from broker.domain.ids import RegistrationId
from broker.domain.own_page import own_page
from broker.domain.request_refused import refuse
from broker.flows.asked import asked
from broker.flows.ports import Ports, RegistrationFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """`request` is None when the person comes to their own pages, perhaps to `page` of them.

    `asks`: per registration, the attributes kept. `query`: what asks the same of the page that comes next.
    """

    application_name: str | None
    request: AuthorizeRequest | None
    page: str | None
    query: str = field(repr=False)
    registrations: tuple[RegistrationFacts, ...]
    asks: dict[RegistrationId, tuple[str, ...]]


async def choose(parameters: Parameters, ports: Ports, *, return_to: str = "") -> Choice:
    """What can be chosen. Raises `Refusal` or `RequestRefused` for an authorize request that does not hold.

    `return_to`: where else a page wants to go on; followed if that is one of our own that may.
    """
    name, request, query = None, None, ""
    if parameters:
        found = await asked(parameters, ports)
        name, request, query = found.application.name, found.request, found.query
        if "none" in request.prompts:  # the authorize endpoint leads nobody here with it
            raise refuse(request, "login_required", "The person has to be asked, and prompt=none forbids it.")
    clients = () if request is None or request.organization is None else (request.organization,)
    registrations = tuple(ports.upstream.registrations.values())
    return Choice(
        application_name=name,
        request=request,
        page=own_page(return_to) if request is None else None,
        query=query,
        registrations=registrations,
        asks={r.id: tuple(ports.policy.keeps(r.id, clients)) for r in registrations},
    )
