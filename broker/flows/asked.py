"""Owns a step that several flows share, no verb of its own: which authorize request do these parameters stand for?

Refuses a pushed one (RFC 9126) that is not the Application's who is named, that is late, or that was used before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode

from broker.domain.application import Application
from broker.domain.authorize_request import AuthorizeRequest, Parameters, application_id_of, check
from broker.domain.errors import Refusal
from broker.domain.pushed_request import PREFIX, PushedRequest, sealed_in
from broker.domain.request_refused import RequestRefused, refuse
from broker.flows.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request that holds. `query`: what asks the same of our next page."""

    request: AuthorizeRequest
    application: Application
    query: str = field(repr=False)


async def asked(parameters: Parameters, ports: Ports) -> Asked:
    """Find the Application and check its request. Raises `Refusal` (to show) or `RequestRefused` (to tell it)."""
    application_id = application_id_of(parameters)
    sealed = sealed_in(parameters)
    if sealed is None:
        application = await ports.store.application(application_id)
        if application is None:
            raise _unknown()
        request = check(parameters, application)
        return Asked(request=request, application=application, query=urlencode(parameters, doseq=True))

    pushed = ports.secrets.open_request(sealed)
    if pushed is None or pushed.application_id != application_id:
        # Nothing that came along proves an address to send anybody to.
        detail = "does not open" if pushed is None else "pushed by another application"
        raise Refusal("invalid_request_uri", "The link that brought you here does not work.", detail=detail)
    found = await ports.store.attempt(pushed.pushed.id, application_id)
    if found.application is None:
        raise _unknown()
    # What else the query says is ignored (RFC 9101 section 6.3).
    request = check(parse_qs(pushed.parameters), found.application, pushed=pushed.pushed)
    if found.taken:
        raise used_up(request)
    if ports.clock.now() >= pushed.expires_at:
        raise refuse(request, "invalid_request_uri", "This request was pushed too long ago. Push it again.")
    return Asked(request=request, application=found.application, query=query_of(request, pushed.parameters, ports))


def query_of(request: AuthorizeRequest, parameters: str, ports: Ports) -> str:
    """What asks once more for `parameters`, a query string, which are (what is left of) `request`'s: that same string,
    or sealed where they were pushed, under the same id, for as long as a person may take."""
    if request.pushed is None:
        return parameters
    sealed = ports.secrets.seal_request(
        PushedRequest(
            pushed=request.pushed, application_id=request.application_id, parameters=parameters, on_its_way=True
        )
    )
    return urlencode({"client_id": request.application_id, "request_uri": PREFIX + sealed})


def used_up(request: AuthorizeRequest) -> RequestRefused:
    """A code was made for this pushed request before (RFC 9126 section 7.3)."""
    return refuse(request, "invalid_request_uri", "This pushed request was used before. Push another one.")


def _unknown() -> Refusal:
    return Refusal("unknown_application", "The link that brought you here is for an application we do not know.")
