"""docs/examples/provider.py: a page of facts as the how-to tells to write one, and a whole trip to such a Provider."""

from __future__ import annotations

from typing import Any

import pytest

from broker.upstream.gateway import UpstreamGateway
from broker.upstream.http import Transport
from broker.upstream.registration import Registration
from tests.examples.files import module
from tests.fakes.providers.keys import key
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.provider import SettableClock
from tests.fakes.providers.stage import on_stage
from tests.fakes.providers.trip import LOOPBACK, WORK, Trip
from tests.providers import test_pages

pytestmark = pytest.mark.anyio

EXAMPLE = module("provider").EXAMPLE


class FakeExample(FakeOpenIdProvider):
    """It signs with ES256 and puts the address into the ID token."""

    claims_in_id_token = frozenset({"sub", "email", "email_verified"})

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.key = key("example", "ES256")
        self.published = [self.key.jwk]


@pytest.mark.parametrize(
    "rule",
    [
        test_pages.test_no_attribute_can_pass_for_a_claim_of_ours,
        test_pages.test_only_asymmetric_algorithms_are_believed,
        test_pages.test_pkce_is_used_everywhere,
        test_pages.test_every_attribute_says_where_it_is_found,
        test_pages.test_documents_have_addresses,
        test_pages.test_people_are_told_how_far_a_revocation_goes,
        test_pages.test_no_hook_is_asynchronous,
    ],
    ids=lambda rule: str(rule.__name__),
)
def test_the_example_keeps_the_rules_of_every_page(rule: Any) -> None:
    """As if it stood among the others."""
    rule(EXAMPLE)


@pytest.mark.parametrize(
    ("claims", "verified"),
    [
        ({"email": "ada@mail.example", "email_verified": True}, "ada@mail.example"),
        ({"email": "ada@mail.example", "email_verified": "true"}, None),
        ({"email": "ada@mail.example"}, None),
        ({"email": "ada@elsewhere.example", "email_verified": True}, None),
        ({"email_verified": True}, None),
        ({}, None),
    ],
    ids=repr,
)
def test_the_example_believes_its_own_mailboxes_alone(claims: dict[str, object], verified: str | None) -> None:
    """Absent, empty, wrong."""
    assert EXAMPLE.email_trust.verified(claims, frozenset({"elsewhere.example"})) == verified


async def test_somebody_signs_in_with_the_example() -> None:
    """Identity, attributes and scopes come to what the page says."""
    clock = SettableClock()
    with on_stage(lambda base: FakeExample(base=base, clock=clock)) as fake:
        fake.person |= {"email": "ada@mail.example"}
        registration = Registration(
            id=WORK,
            provider=EXAMPLE,
            provider_application_id=fake.enrolled.application_id,
            secret=fake.enrolled.secret,
            callback_url=fake.enrolled.callback_url,
            issuer=fake.issuer,
        )
        gateway = UpstreamGateway([registration], Transport(allow_private_addresses=LOOPBACK), clock)
        try:
            trip = Trip(fake=fake, clock=clock, registration=registration, gateway=gateway)
            verified = await trip.sign_in()
        finally:
            await gateway.close()

    assert (verified.identity.issuer, verified.identity.subject) == (fake.issuer, fake.person["sub"])
    assert verified.profile.keys() == {"email", "name", "picture"}
    assert verified.verified_email == "ada@mail.example"
    assert verified.granted_scopes == {"openid", "email", "profile"}
