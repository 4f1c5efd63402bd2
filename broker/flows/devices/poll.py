"""Owns the device code grant (RFC 8628 section 3.4): a device asks whether its User has answered, and gets tokens.

Refuses, as is expected of it, every few seconds; a device code that is used, late or another's gets nothing, ever.
"""

from __future__ import annotations

from broker.domain.application import Application, GrantType
from broker.domain.changes import PollDeviceRequest, Record, RedeemGrant
from broker.domain.device_request import Decision, DeviceRequest, not_yet, polled
from broker.domain.errors import Conflict, OAuthRefusal
from broker.domain.grant import check_device_redemption, device_code_refused
from broker.domain.refresh_token import bound_key
from broker.flows.authenticated import Credentials, authenticated, require_grant
from broker.flows.issued import Tokens, grant_event, issue, refresh_token_of
from broker.flows.ports import Ports
from broker.flows.possession import Possession, SentProof, possession, use_up


async def poll(
    credentials: Credentials, device_code: str, proof: SentProof | None, ports: Ports, *, request_id: str
) -> Tokens:
    """Ask for a device. Raises `OAuthRefusal`: `authorization_pending` and `slow_down` mean to ask again.

    `access_denied`, `expired_token`, `invalid_grant`, `invalid_client` and `unauthorized_client` are final. A proof
    (RFC 9449) is looked at each time, and used up by the one that gets the tokens.
    """
    found = await ports.store.device_by_device_code(ports.secrets.keyed_hash("device_code", device_code))
    application = await authenticated(credentials, None if found is None else found.application, ports)
    require_grant(application, GrantType.DEVICE_CODE)
    if found is None or found.application.id != application.id:
        raise device_code_refused("no device code of this application")
    held = possession(proof, application, ports)
    now = ports.clock.now()
    if now >= found.request.expires_at:
        raise OAuthRefusal("expired_token", "Nobody has answered in time. Begin again.")
    if found.request.decision is Decision.DENIED:
        raise OAuthRefusal("access_denied", "The person did not allow it.")
    if found.request.decision is Decision.PENDING:
        after = polled(found.request, now)
        await ports.store.write(PollDeviceRequest(id=after.id, at=now, interval=after.interval))
        raise not_yet(found.request, after)
    return await _redeemed(found.request, application, held, ports, request_id, now)


async def _redeemed(
    request: DeviceRequest, application: Application, held: Possession, ports: Ports, request_id: str, now: int
) -> Tokens:
    found = await ports.store.grant_by_code(request.device_code)
    if found is None:
        raise device_code_refused("its grant is gone")
    check_device_redemption(found.grant, application_id=application.id)
    refresh_token = refresh_token_of(found, 0, ports)
    tokens, released = await issue(found, ports, refresh_token=refresh_token, possession=held, now=now, nonce=None)
    event = grant_event(found, "redeem", now=now, request_id=request_id, released=released)
    change = RedeemGrant(grant_id=found.grant.id, at=now, dpop_jkt=bound_key(application, held.key), released=released)
    try:
        await use_up(held, ports, change, Record(event=event))
    except Conflict:
        raise device_code_refused("lost the race for it") from None
    return tokens
