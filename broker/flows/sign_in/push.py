"""Owns the push of an authorize request (RFC 9126 section 2): checks all of it, hands it back sealed, writes nothing.

Refuses whatever the authorize endpoint would refuse, before any browser is sent.
"""

from __future__ import annotations

from urllib.parse import urlencode

from broker.domain.authorize_request import KNOWN, TOO_LONG, Parameters, check
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import KeyThumbprint, PushedRequestId
from broker.domain.pushed_request import MAX_LENGTH, PREFIX, Pushed, PushedRequest
from broker.domain.request_refused import RequestRefused
from broker.flows.authenticated import Credentials, authenticated
from broker.flows.ports import Ports
from broker.flows.possession import SentProof, held_key


async def push(credentials: Credentials, parameters: Parameters, proof: SentProof | None, ports: Ports) -> str:
    """The `request_uri` that stands for these parameters. Raises `Refusal`, never `RequestRefused`: it asks itself.

    The code will be bound to the key of a proof that comes along.
    """
    application = await authenticated(credentials, None, ports)
    if "request_uri" in parameters:
        raise OAuthRefusal("invalid_request", "A pushed request must not hold a request_uri (RFC 9126 section 2.1).")
    if proof is not None:
        parameters = _bound(parameters, held_key(proof, ports))
    pushed = Pushed(id=PushedRequestId(ports.secrets.new_id("par")), at=ports.clock.now())
    try:
        check(parameters, application, pushed=pushed)
    except RequestRefused as refused:
        raise OAuthRefusal(refused.code, refused.sentence, detail=refused.detail) from None
    # Of the rest of the form, such as a secret, nothing is sealed: a browser carries it.
    known = urlencode({name: values for name, values in parameters.items() if name in KNOWN}, doseq=True)
    if len(known) > MAX_LENGTH:
        raise OAuthRefusal("invalid_request", TOO_LONG)
    request = PushedRequest(pushed=pushed, application_id=application.id, parameters=known)
    return PREFIX + ports.secrets.seal_request(request)


def _bound(parameters: Parameters, key: KeyThumbprint) -> Parameters:
    """As if the key of the proof were named in the request; another one must not be (RFC 9449 section 10.1)."""
    if [name for name in parameters.get("dpop_jkt", ()) if name] not in ([], [key]):
        raise OAuthRefusal("invalid_request", "dpop_jkt is not the key of the DPoP proof.")
    return {**parameters, "dpop_jkt": [key]}
