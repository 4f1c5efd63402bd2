"""Registrations: what keeps one from being used, and what others may know of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.errors import Refusal
from broker.domain.ids import RegistrationId
from broker.upstream.gateway import UpstreamGateway
from broker.upstream.http import Transport
from broker.upstream.registration import Registration
from providers import PROVIDERS
from tests.fakes.providers.provider import SettableClock

pytestmark = pytest.mark.anyio

GOOD = Registration(
    id=RegistrationId("google"),
    provider=PROVIDERS["google"],
    provider_application_id="us.apps.example",
    secret="canary-secret",
    callback_url="https://id.partner-ops.example/callback/google",
)


def gateway(*registrations: Registration) -> UpstreamGateway:
    return UpstreamGateway(registrations, Transport(allow_private_addresses=()), SettableClock())


def test_a_whole_registration_has_no_problems() -> None:
    """With the Provider's own issuer, or another one."""
    assert GOOD.problems() == ()
    assert replace(GOOD, issuer="http://localhost:8001").problems() == ()
    assert GOOD.configured_issuer == "https://accounts.google.com"
    assert replace(GOOD, issuer="http://localhost:8001").configured_issuer == "http://localhost:8001"


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"provider_application_id": ""}, "client_id is empty"),
        ({"secret": ""}, "client_secret is empty"),
        ({"secret": "line\n"}, "client_secret holds characters that cannot be sent"),
        ({"provider": PROVIDERS["oidc"]}, "provider 'oidc' needs an issuer"),
        ({"issuer": "http://id.example"}, "issuer must be an https URL (http for loopback hosts only)"),
        ({"issuer": "id.example"}, "issuer must be an https URL (http for loopback hosts only)"),
        ({"issuer": "https://id.example?x=y"}, "issuer must not have a query"),
        ({"callback_url": "/callback"}, "the callback must be an https URL (http for loopback hosts only)"),
    ],
    ids=["application_id", "secret", "unsendable", "no issuer", "plain http", "no url", "query", "callback"],
)
def test_a_problem_is_told_to_the_operator(changed: dict[str, Any], problem: str) -> None:
    """With the place in the settings, and without the secret."""
    bad = replace(GOOD, **changed)

    assert bad.problems() == (f"[registrations.google]: {problem}",)
    with pytest.raises(ValueError, match=r"\[registrations\.google\]"):
        gateway(bad)


def test_all_problems_are_told_at_once() -> None:
    """Of all registrations."""
    bad = replace(GOOD, secret="", provider_application_id="")

    with pytest.raises(ValueError, match="client_id") as raised:
        gateway(bad, replace(bad, id=RegistrationId("other")))

    assert str(raised.value).count("\n") == 3


def test_a_secret_has_no_repr() -> None:
    """Nor have those who hold it."""
    assert "canary-secret" not in repr(GOOD) + repr(gateway(GOOD))


def test_facts_are_facts() -> None:
    """In the order of the settings, with the operator's own label if there is one."""
    corp = replace(GOOD, id=RegistrationId("corp"), provider=PROVIDERS["microsoft"], label="Contoso")
    facts = gateway(GOOD, corp).registrations

    assert list(facts) == ["google", "corp"]
    assert facts[GOOD.id].label == "Google"
    assert facts[GOOD.id].can_revoke
    assert facts[GOOD.id].permissions_page == "https://myaccount.google.com/connections"
    assert facts[corp.id].label == "Contoso"
    assert not facts[corp.id].can_revoke


async def test_g02_10_a_registration_that_is_gone_is_disabled() -> None:
    """For every verb."""
    gone = RegistrationId("gone")

    with pytest.raises(Refusal) as raised:
        gateway(GOOD).scopes_for(gone, frozenset())

    assert raised.value.code == "provider_disabled"
