"""Owns what the sign-in page is told: for which Application, and what each Provider would be asked for.

Refuses authorize requests that do not hold, or forbid to ask. Writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.authorize_request import AuthorizeRequest, Parameters, RequestRefused, application_id_of, check
from broker.domain.errors import Refusal
from broker.domain.ids import RegistrationId
from broker.domain.own_page import own_page
from broker.flows.ports import Ports, RegistrationFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """`request` is None when the person comes to their own pages, perhaps to `page` of them.

    `asks`: per registration, the attributes kept.
    """

    application_name: str | None
    request: AuthorizeRequest | None
    page: str | None
    registrations: tuple[RegistrationFacts, ...]
    asks: dict[RegistrationId, tuple[str, ...]]


async def choose(parameters: Parameters, ports: Ports, *, return_to: str = "") -> Choice:
    """What can be chosen. Raises `Refusal` or `RequestRefused` for an authorize request that does not hold.

    `return_to`: where else a page wants to go on; followed if that is one of our own that may.
    """
    name, request = None, None
    if parameters:
        application = await ports.store.application(application_id_of(parameters))
        if application is None:
            raise Refusal("unknown_application", "The link that brought you here is for an application we do not know.")
        name, request = application.name, check(parameters, application)
        if "none" in request.prompts:  # the authorize endpoint leads nobody here with it
            raise RequestRefused(
                "login_required",
                "The person has to be asked, and prompt=none forbids it.",
                redirect_uri=request.redirect_uri,
                state=request.state,
            )
    clients = () if request is None or request.organization is None else (request.organization,)
    registrations = tuple(ports.upstream.registrations.values())
    return Choice(
        application_name=name,
        request=request,
        page=own_page(return_to) if request is None else None,
        registrations=registrations,
        asks={r.id: tuple(ports.policy.keeps(r.id, clients)) for r in registrations},
    )
