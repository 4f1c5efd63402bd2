"""What an operator declares: read whole, or refused whole with every problem and its place."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from broker.domain.application import ApplicationType, GrantType
from broker.domain.client_org import ClientOrg
from broker.domain.ids import ApplicationId, ClientOrgId
from broker.domain.manifest import Declared, Invited, Manifest, ManifestProblems, parse
from broker.domain.sealing import NO_CLIENT
from tests.domain.world import ACME, GLOBEX, shortened

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

[applications.reports]
name = "Reports"
type = "confidential"
secret = "secret-canary"
grants = ["authorization_code", "refresh_token", "client_credentials"]
redirect_uris = ["https://reports.partner-ops.example/callback"]
audience = "https://reports.partner-ops.example"
requires_authorization = true
"""

APPLICATION = {
    "name": "Demo",
    "type": "public",
    "redirect_uris": ["https://app.example/cb"],
    "audience": "https://api.example",
}
SERVER = APPLICATION | {"type": "confidential", "secret": "secret-canary"}
GONE: Any = ...  # stands for a key that is left out


def problems_of(document: Any) -> list[str]:
    """Everything that is wrong with it; nothing when it is accepted."""
    try:
        parse(document)
    except ManifestProblems as refused:
        assert str(refused) == "\n".join(refused.problems)
        assert "canary" not in str(refused)
        return list(refused.problems)
    return []


def application(declared: dict[str, Any] = APPLICATION, /, **changes: Any) -> dict[str, Any]:
    changed = {key: value for key, value in (declared | changes).items() if value is not GONE}
    return {"applications": {"demo-app": changed}}


def client(**changes: Any) -> dict[str, Any]:
    changed = {"name": "Acme", "rights": ["r"], **changes}
    return {"clients": {"acme": {key: value for key, value in changed.items() if value is not GONE}}}


def invited(*entries: Any) -> dict[str, Any]:
    return client(authorizations=list(entries))


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


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"client": {}}, "client: unknown; there are [clients] and [applications]"),
        ({"clients": []}, "[clients]: must be a table"),
        ({"applications": "all"}, "[applications]: must be a table"),
        (client(rights="r"), "[clients.acme] rights: must be a list of names without spaces, of at most 100 characters each"),
        (client(rights=["a b"]), "[clients.acme] rights: must be a list of names without spaces, of at most 100 characters each"),
        (client(rights=[""]), "[clients.acme] rights: must be a list of names without spaces, of at most 100 characters each"),
        (client(rights=[1]), "[clients.acme] rights: must be a list of names without spaces, of at most 100 characters each"),
        (client(rights=['a"']), "[clients.acme] rights: must be a list of names without spaces, of at most 100 characters each"),
        (client(rights=["r" * 101]), "[clients.acme] rights: must be a list of names without spaces, of at most 100 characters each"),
        (client(rights=["r\u00e9ad"]), "[clients.acme] rights: must be a list of names without spaces, of at most 100 characters each"),
        (client(name=GONE), "[clients.acme] name: is missing"),
        (client(name=""), "[clients.acme] name: must be a line of text of at most 255 characters"),
        (client(name=" "), "[clients.acme] name: must be a line of text of at most 255 characters"),
        (client(name="A\nB"), "[clients.acme] name: must be a line of text of at most 255 characters"),
        (client(name="A\u202eB"), "[clients.acme] name: must be a line of text of at most 255 characters"),
        (client(name="A" * 256), "[clients.acme] name: must be a line of text of at most 255 characters"),
        (client(name=["Acme"]), "[clients.acme] name: must be a line of text of at most 255 characters"),
        (client(admin="x"), "[clients.acme] admin: unknown; there are authorizations, name, rights"),
        (client(authorizations={}), "[clients.acme] authorizations: must be a list of tables, [[clients.acme.authorizations]]"),
        (client(authorizations="ada"), "[clients.acme] authorizations: must be a list of tables, [[clients.acme.authorizations]]"),
        (invited({"rights": []}), "[[clients.acme.authorizations]] 1 user: is missing"),
        (invited({"user": 7}), "[[clients.acme.authorizations]] 1 user: must be a line of text of at most 255 characters"),
        (invited({"user": "ada"}), "[[clients.acme.authorizations]] 1 user: must be an e-mail address"),
        (invited({"user": "a@b@c.example"}), "[[clients.acme.authorizations]] 1 user: must be an e-mail address"),
        (
            invited({"user": "a@b.example", "right": "r"}),
            "[[clients.acme.authorizations]] 1 right: unknown; there are rights, user",
        ),
        (
            invited({"user": "a@b.example", "rights": ["r", "s"]}),
            "[[clients.acme.authorizations]] 1 rights: 's' is not among the rights that acme can give",
        ),
        (
            invited({"user": "a@b.example", "rights": "r"}),
            "[[clients.acme.authorizations]] 1 rights: must be a list of names without spaces, of at most 100 characters each",
        ),
        (
            invited({"user": "a@b.example"}, {"user": " A@B.example"}),
            "[[clients.acme.authorizations]] 2 user: this address has an Authorization above already",
        ),
        (application(name=GONE), "[applications.demo-app] name: is missing"),
        (application(type=GONE), "[applications.demo-app] type: must be one of public, confidential"),
        (application(type="native"), "[applications.demo-app] type: must be one of public, confidential"),
        (application(type=["public"]), "[applications.demo-app] type: must be one of public, confidential"),
        (application(secret="secret-canary"), "[applications.demo-app] secret: a public application cannot keep one; remove it"),
        (application(SERVER, secret=GONE), "[applications.demo-app] secret: a confidential application needs one"),
        (application(SERVER, secret=GONE, secrets=[]), "[applications.demo-app] secret: a confidential application needs one"),
        (
            application(SERVER, secrets=["other-secret-canary"]),
            "[applications.demo-app] secret: give either secret or secrets",
        ),
        (
            application(SERVER, secret=GONE, secrets=["secret-canary-1", "secret-canary-2", "secret-canary-3"]),
            "[applications.demo-app] secrets: at most two can live at a time, the old and the new",
        ),
        (application(grants=["password"]), "[applications.demo-app] grants: must be a list out of authorization_code, refresh_token, client_credentials"),
        (application(grants=[]), "[applications.demo-app] grants: must be a list out of authorization_code, refresh_token, client_credentials"),
        (application(grants="authorization_code"), "[applications.demo-app] grants: must be a list out of authorization_code, refresh_token, client_credentials"),
        (application(grants=[["authorization_code"]]), "[applications.demo-app] grants: must be a list out of authorization_code, refresh_token, client_credentials"),
        (
            application(grants=["authorization_code", "client_credentials"]),
            "[applications.demo-app] grants: client_credentials is for confidential applications only",
        ),
        (application(redirect_uris=GONE), "[applications.demo-app] redirect_uris: at least one is needed"),
        (application(redirect_uris=[]), "[applications.demo-app] redirect_uris: at least one is needed"),
        (
            application(redirect_uris=["https://app.example/cb", "https://*.app.example/cb"]),
            "[applications.demo-app] redirect_uris: 'https://*.app.example/cb' must not hold a wildcard",
        ),
        (
            application(post_logout_redirect_uris=["http://app.example/"]),
            "[applications.demo-app] post_logout_redirect_uris: 'http://app.example/' must be https, as its host is not a loopback host",
        ),
        (application(post_logout_redirect_uris="x"), "[applications.demo-app] post_logout_redirect_uris: must be a list of URIs"),
        (application(post_logout_redirect_uris=[1]), "[applications.demo-app] post_logout_redirect_uris: must be a list of URIs"),
        (application(first_party="yes"), "[applications.demo-app] first_party: must be true or false"),
        (application(first_party=1), "[applications.demo-app] first_party: must be true or false"),
        (application(requires_authorization=0), "[applications.demo-app] requires_authorization: must be true or false"),
        (application(audience=GONE), "[applications.demo-app] audience: is missing"),
        (application(audience=["https://a.example"]), "[applications.demo-app] audience: must be a line of text of at most 255 characters"),
        (application(audience="https://a.example/" + "x" * 255), "[applications.demo-app] audience: must be a line of text of at most 255 characters"),
    ],
    ids=lambda value: "so" if isinstance(value, str) else ascii(value)[:250],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(document: dict[str, Any], problem: str) -> None:
    """And is the only thing that is said."""
    assert problems_of(document) == [problem]


@pytest.mark.parametrize(
    "secret",
    ["", "canary7", 12345678, None, ["secret-canary"], {"env": "secret-canary"}, True],
    ids=["empty", "short", "number", "null", "list", "reference", "true"],
)
def test_a_secret_must_be_a_long_enough_text(secret: object) -> None:
    """What is wrong about it is said, never what it is."""
    too_short = "[applications.demo-app] secret: must be random and of at least 8 characters"
    missing = "[applications.demo-app] secret: a confidential application needs one"

    assert problems_of(application(SERVER, secret=secret)) == [too_short, missing]
    assert problems_of(application(SERVER, secret=GONE, secrets=["secret-canary", secret])) == [too_short, missing]


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

    assert problems_of({kind: {name: body}}) == []


@pytest.mark.parametrize(
    "name", ["", "-", NO_CLIENT, ".a", "_a", "a" * 65, "a b", "a/b", "a\n", "\u00e9", "\u0430cme", "a:b", "*"], ids=repr
)
@pytest.mark.parametrize("kind", ["clients", "applications"])
def test_every_other_name_is_refused(kind: str, name: str) -> None:
    """Also "-", which stands for no Client where values are sealed."""
    place = f"[{kind}.{name}]: a name is 1 to 64 letters, digits, dots, dashes or underscores"

    assert problems_of({kind: {name: {"name": "x"}}}) == [place]


@pytest.mark.parametrize("audience", ["https://api.example", "https://api.example/v1", "http://localhost:8002"])
def test_an_audience_is_a_url(audience: str) -> None:
    """Of the downstream service."""
    assert parse(application(audience=audience)).applications[0].audience == audience


@pytest.mark.parametrize(
    "audience",
    [
        *("api", "api.example", "//api.example", "https://", "http://api.example", "https://api.example#x", "*"),
        *("https://ada@api.example", "https://api.example:99999", "https://a b.example", "urn:api", "https://[::1"),
        *("com.example.app:/cb", "javascript:alert(1)", "https://\u0430pi.example", "HTTPS://api.example"),
    ],
    ids=ascii,
)
def test_any_other_audience_is_refused(audience: str) -> None:
    """A service compares it to the byte."""
    problem = "[applications.demo-app] audience: must be an https URL (or http to a loopback host)"

    assert problems_of(application(audience=audience)) == [problem]


def test_an_application_without_codes_needs_no_target() -> None:
    """It acts for itself."""
    assert problems_of(application(SERVER, grants=["client_credentials"], redirect_uris=GONE)) == []


def test_one_address_may_be_invited_by_two_clients() -> None:
    """A person may act for both."""
    invitation = {"name": "x", "authorizations": [{"user": "ada@acme.example"}]}

    manifest = parse({"clients": {"acme": invitation, "globex": invitation}})

    assert [a.client_org for a in manifest.authorizations] == [ACME, GLOBEX]


def test_a_client_gives_only_its_own_rights() -> None:
    """Not those of another Client."""
    document = {
        "clients": {
            "acme": {"name": "Acme", "rights": ["r"]},
            "globex": {"name": "Globex", "authorizations": [{"user": "a@b.example", "rights": ["r"]}]},
        }
    }
    place = "[[clients.globex.authorizations]] 1 rights: 'r' is not among the rights that globex can give"

    assert problems_of(document) == [place]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """In the order of the document, so an operator reads it once."""
    document = {
        "users": {},
        "groups": {},
        "clients": {
            "a b": {},
            "acme": {"rights": ["r"], "authorizations": [{"user": "ada", "rights": ["s", "q"]}, "grace", {"user": "x@y.z"}]},
            "globex": 7,
        },
        "applications": {"demo-app": {"type": "x", "secret": "s", "grants": 1, "audience": "x", "colour": 1}},
    }  # fmt: skip

    assert [problem.partition(": ")[0] for problem in problems_of(document)] == [
        "users",
        "groups",
        "[clients.a b]",
        "[clients.acme] name",
        "[[clients.acme.authorizations]] 1 rights",
        "[[clients.acme.authorizations]] 1 rights",
        "[[clients.acme.authorizations]] 1 user",
        "[[clients.acme.authorizations]] 2",
        "[[clients.acme.authorizations]] 2 user",
        "[clients.globex]",
        "[clients.globex] name",
        "[applications.demo-app] colour",
        "[applications.demo-app] type",
        "[applications.demo-app] secret",
        "[applications.demo-app] grants",
        "[applications.demo-app] audience",
        "[applications.demo-app] name",
    ]


def test_the_names_of_clients_are_their_ids() -> None:
    """Stable, and never made up."""
    assert [c.id for c in parse(client()).clients] == [ClientOrgId("acme")]
    assert shortened("acme") == "'acme'"
