"""Owns the push of an authorize request (RFC 9126 section 2): checks all of it, hands it back sealed.

Refuses whatever the authorize endpoint would refuse, before any browser is sent. Writes nothing but that a proof of
possession is used up: the code will be bound to its key (RFC 9449 section 10.1).
"""

from __future__ import annotations

from urllib.parse import urlencode

from broker.domain.authorize_request import KNOWN, TOO_LONG, Parameters, check
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import PushedRequestId
from broker.domain.pushed_request import MAX_LENGTH, PREFIX, Pushed, PushedRequest
from broker.domain.request_refused import RequestRefused
from broker.flows.authenticated import Credentials, authenticated
from broker.flows.ports import Ports
from broker.flows.possession import Possession, SentProof, possession_of, use_up


async def push(credentials: Credentials, parameters: Parameters, proof: SentProof | None, ports: Ports) -> str:
    """The `request_uri` that stands for these parameters. Raises `Refusal`, never `RequestRefused`: it asks itself."""
    application = await authenticated(credentials, None, ports)
    if "request_uri" in parameters:
        raise OAuthRefusal("invalid_request", "A pushed request must not hold a request_uri (RFC 9126 section 2.1).")
    held = Possession() if proof is None else possession_of(proof, ports)
    pushed = Pushed(id=PushedRequestId(ports.secrets.new_id("par")), at=ports.clock.now())
    try:
        checked = check(parameters, application, pushed=pushed)
    except RequestRefused as refused:
        raise OAuthRefusal(refused.code, refused.sentence, detail=refused.detail) from None
    # Of the rest of the form, such as a secret, nothing is sealed: a browser carries it.
    kept = {name: values for name, values in parameters.items() if name in KNOWN}
    if held.key is not None:
        if checked.dpop_jkt not in (None, held.key):
            raise OAuthRefusal("invalid_request", "dpop_jkt is not the key that the DPoP proof proves.")
        kept["dpop_jkt"] = [held.key]
    known = urlencode(kept, doseq=True)
    if len(known) > MAX_LENGTH:
        raise OAuthRefusal("invalid_request", TOO_LONG)
    await use_up(held, ports)
    request = PushedRequest(pushed=pushed, application_id=application.id, parameters=known)
    return PREFIX + ports.secrets.seal_request(request)
