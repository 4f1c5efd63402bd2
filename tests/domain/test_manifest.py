"""What an operator declares, when all of it is right; the longest and the oddest names that may be declared."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from broker.domain.application import ApplicationType, GrantType
from broker.domain.client_org import ClientOrg
from broker.domain.ids import ApplicationId
from broker.domain.manifest import Declared, Invited, Manifest, parse
from tests.domain.declared import APPLICATION, GONE, SERVER, application
from tests.domain.world import ACME, GLOBEX

DOCUMENT = """
[clients.acme]
name = "Acme Inc."
rights = ["invoices:read", "invoices:write", "reports:read"]

[[clients.acme.authorizations]]
user = "Ada@ACME.example"
rights = ["invoices:read", "reports:read"]

[[clients.acme.authorizations]]
user = "grace@acme.example"

[clients.globex]
name = "Globex"

[applications.demo-app]
name = "Demo"
type = "public"
redirect_uris = ["http://localhost:8002/callback"]
post_logout_redirect_uris = ["http://localhost:8002/"]
audience = "https://api.partner-ops.example"
first_party = true
gateway = true

[applications.reports]
name = "Reports"
type = "confidential"
secret = "secret-canary"
grants = [
    "authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
]
exchange_audiences = ["https://billing.partner-ops.example"]
redirect_uris = ["https://reports.partner-ops.example/callback"]
audience = "https://reports.partner-ops.example"
requires_authorization = true
require_pushed_authorization_requests = true
signing_algorithm = "EdDSA"
backchannel_logout_uri = "https://reports.partner-ops.example/logout?area=eu"
scopes = ["revocations"]
jwks = { keys = [{ kty = "OKP", crv = "Ed25519", x = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }] }
dpop = true
"""


def test_a_document_is_read_whole() -> None:
    """The one of the reference."""
    assert parse(tomllib.loads(DOCUMENT)) == Manifest(
        clients=(
            ClientOrg(id=ACME, name="Acme Inc.", rights=frozenset({"invoices:read", "invoices:write", "reports:read"})),
            ClientOrg(id=GLOBEX, name="Globex", rights=frozenset()),
        ),
        authorizations=(
            Invited(client_org=ACME, email="ada@acme.example", rights=frozenset({"invoices:read", "reports:read"})),
            Invited(client_org=ACME, email="grace@acme.example", rights=frozenset()),
        ),
        applications=(
            Declared(
                id=ApplicationId("demo-app"),
                name="Demo",
                type=ApplicationType.PUBLIC,
                secrets=(),
                grants=frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN}),
                redirect_uris=("http://localhost:8002/callback",),
                post_logout_redirect_uris=("http://localhost:8002/",),
                audience="https://api.partner-ops.example",
                first_party=True,
                requires_authorization=False,
                signing_algorithm=None,
                scopes=frozenset(),
                public_keys=(),
                exchange_audiences=frozenset(),
                gateway=True,
                requires_pushed_requests=False,
                backchannel_logout_uri=None,
                dpop=False,
            ),
            Declared(
                id=ApplicationId("reports"),
                name="Reports",
                type=ApplicationType.CONFIDENTIAL,
                secrets=("secret-canary",),
                grants=frozenset(GrantType),
                redirect_uris=("https://reports.partner-ops.example/callback",),
                post_logout_redirect_uris=(),
                audience="https://reports.partner-ops.example",
                first_party=False,
                requires_authorization=True,
                signing_algorithm="EdDSA",
                scopes=frozenset({"revocations"}),
                public_keys=(f'{{"crv": "Ed25519", "kty": "OKP", "x": "{"A" * 43}"}}',),
                exchange_audiences=frozenset({"https://billing.partner-ops.example"}),
                gateway=False,
                requires_pushed_requests=True,
                backchannel_logout_uri="https://reports.partner-ops.example/logout?area=eu",
                dpop=True,
            ),
        ),
    )


@pytest.mark.parametrize("document", [{}, {"clients": {}}, {"applications": {}}, {"clients": {}, "applications": {}}])
def test_an_empty_document_declares_nothing(document: dict[str, Any]) -> None:
    """And so removes everything; that is what `--dry-run` shows first."""
    assert parse(document) == Manifest(clients=(), authorizations=(), applications=())


def test_neither_addresses_nor_secrets_are_shown_by_repr() -> None:
    """Of what was read."""
    shown = repr(parse(tomllib.loads(DOCUMENT)))

    assert "canary" not in shown
    assert "ada@" not in shown


@pytest.mark.parametrize("secrets", [["secret-canary"], ["secret-canary", "other-canary"]], ids=["one", "two"])
def test_an_old_and_a_new_secret_live_side_by_side(secrets: list[str]) -> None:
    """So an Application can change without stopping."""
    declared = parse(application(SERVER, secret=GONE, secrets=secrets))

    assert declared.applications[0].secrets == tuple(secrets)


@pytest.mark.parametrize("name", ["a", "A", "0", "a" * 64, "acme.example", "acme-2_b"])
@pytest.mark.parametrize("kind", ["clients", "applications"])
def test_a_name_is_up_to_64_plain_characters(kind: str, name: str) -> None:
    """It is written into tokens, addresses and files."""
    body = APPLICATION if kind == "applications" else {"name": "Acme"}

    manifest = parse({kind: {name: body}})

    assert [c.id for c in manifest.clients] + [a.id for a in manifest.applications] == [name]


@pytest.mark.parametrize("audience", ["https://api.example", "https://api.example/v1", "http://localhost:8002"])
def test_an_audience_is_a_url(audience: str) -> None:
    """Of the downstream service."""
    assert parse(application(audience=audience)).applications[0].audience == audience


def test_an_application_without_codes_needs_no_target() -> None:
    """It acts for itself."""
    manifest = parse(application(SERVER, grants=["client_credentials"], redirect_uris=GONE))

    assert manifest.applications[0].redirect_uris == ()


def test_one_address_may_be_invited_by_two_clients() -> None:
    """A person may act for both."""
    invitation = {"name": "x", "authorizations": [{"user": "ada@acme.example"}]}

    manifest = parse({"clients": {"acme": invitation, "globex": invitation}})

    assert [a.client_org for a in manifest.authorizations] == [ACME, GLOBEX]


@pytest.mark.parametrize(
    "name", ["A", "A" * 255, "Zoë & Söhne <GmbH>", "株式会社"], ids=["one", "255", "accents", "Japanese"]
)
def test_what_people_read_is_any_line_of_text(name: str) -> None:
    """Of at most 255 characters."""
    assert parse(application(name=name)).applications[0].name == name
