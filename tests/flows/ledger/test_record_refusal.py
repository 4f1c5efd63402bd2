"""A refused request is one line of the ledger: codes and ids, never a value."""

from __future__ import annotations

import pytest

from broker.domain.changes import Record
from broker.domain.errors import BrokerError, Fault, NotFound, OAuthRefusal, Refusal
from broker.domain.grant import CodeMisused
from broker.domain.ids import ApplicationId, RegistrationId, UserId
from broker.domain.ledger import AuditEvent
from broker.domain.request_refused import RequestRefused
from broker.flows.ledger.record_refusal import record_refusal
from tests.flows.refusals import refusal
from tests.flows.setting import GOOGLE, NOW
from tests.flows.texts import holds
from tests.flows.world import World

pytestmark = pytest.mark.anyio


def told(code: str, reason: str | None) -> RequestRefused:
    """An error that goes to an Application."""
    return RequestRefused(
        code, "sentence-canary", redirect_uri="https://canary.example", state="state-canary", reason=reason
    )


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (Refusal("invalid_state", "sentence-canary", detail="detail-canary"), "refused", "invalid_state"),
        (NotFound(detail="detail-canary"), "refused", "not_found"),
        (OAuthRefusal("invalid_client", "sentence-canary"), "refused", "invalid_client"),
        (CodeMisused("detail-canary", reused=True), "refused", "invalid_grant"),
        (told("access_denied", None), "refused", "access_denied"),
        (told("access_denied", "upstream_denied"), "refused", "upstream_denied"),
        (Fault("storage_unavailable", "sentence-canary", detail="detail-canary"), "failed", "storage_unavailable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BrokerError) else None,
)
async def test_an_error_is_written_down_by_its_code(
    world: World, error: BrokerError, outcome: str, reason: str
) -> None:
    """The finer one, where an Application is told a coarser; sentence and detail are not written down."""
    await record_refusal(error, "callback", world.ports, request_id="req-1")

    (change,) = world.written
    assert change == Record(
        event=AuditEvent(at=NOW, action="callback", outcome=outcome, reason=reason, request_id="req-1")
    )
    assert not holds(world.store.received, "canary")
    assert [call[0] for call in world.store.received] == ["write"]


async def test_whom_and_what_it_was_about_is_written_down_by_ids(world: World) -> None:
    """Where that is known."""
    await record_refusal(
        Refusal("provider_disabled", "No."),
        "sign_in_begin",
        world.ports,
        request_id="req-1",
        user_id=UserId("usr_ada"),
        application_id=ApplicationId("demo-app"),
        registration=GOOGLE,
    )

    event = world.event()
    assert (event.user_id, event.application_id, event.registration) == ("usr_ada", "demo-app", GOOGLE)
    assert (event.client_org, event.object_id) == (None, None)


@pytest.mark.parametrize(
    ("application", "registration"), [("a-name-that-somebody-chose", None), (None, "a-name-that-somebody-chose")]
)
async def test_a_name_that_somebody_chose_is_not_written_down(
    world: World, application: str | None, registration: str | None
) -> None:
    """Unknown Applications and registrations could be anything."""
    await record_refusal(
        Refusal("unknown_application", "No."),
        "authorize",
        world.ports,
        request_id="req-1",
        application_id=None if application is None else ApplicationId(application),
        registration=None if registration is None else RegistrationId(registration),
    )

    event = world.event()
    assert (event.reason, event.application_id, event.registration) == ("unknown_application", None, None)


async def test_a_store_that_does_not_answer_is_a_fault(world: World) -> None:
    """Whoever records says so in the log instead."""
    world.store.down = True

    with refusal(Fault, "storage_unavailable"):
        await record_refusal(Refusal("invalid_state", "No."), "callback", world.ports, request_id="req-1")
