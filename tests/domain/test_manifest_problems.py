"""What an operator declares, when something is wrong: refused whole, with every problem and its place."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.application import GrantType
from broker.domain.manifest import ManifestProblems, parse
from broker.domain.sealing import NO_CLIENT
from tests.domain.declared import GONE, SERVER, application, client, invited

DEMO, CLIENT, INVITED = "[applications.demo-app]", "[clients.acme]", "[[clients.acme.authorizations]]"
A_LINE = "must be a line of text of at most 255 characters"
NAMES = "must be a list of names without spaces, of at most 100 characters each"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANTS = (
    f"must be a list out of authorization_code, refresh_token, client_credentials, {GrantType.DEVICE_CODE}, {EXCHANGE}"
)
THREE = ["secret-canary-1", "secret-canary-2", "secret-canary-3"]
KEY = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}
NO_KEYS: list[Any] = [None, {}, [], {"keys": []}, {"keys": None}]
NO_ALGORITHMS: tuple[Any, ...] = ("", "HS256", "none", "es256", "PS256", "ES384", None, 7, True, [], ["ES256"], {})
NO_SCOPES: list[Any] = [[], ["openid"], ["revocations", "x"], "revocations", None, {}, [["revocations"]]]
NO_LISTS: list[Any] = ["https://a.example/", [1], None, {}]
NO_FLAGS: list[Any] = ["yes", 1, 0, None, []]
WRONG: dict[str, list[dict[str, Any]]] = {
    "client: unknown; there are [clients] and [applications]": [{"client": {}}],
    "[clients]: must be a table": [{"clients": []}, {"clients": None}],
    "[applications]: must be a table": [{"applications": "all"}, {"applications": False}],
    f"{CLIENT} admin: unknown; there are authorizations, name, rights": [client(admin="x")],
    f"{CLIENT} name: is missing": [client(name=GONE)],
    f"{CLIENT} name: {A_LINE}": [
        *(client(name=name) for name in ("", " ", "A\nB", "A\u202eB", "A\x00", "A" * 256, 7, ["Acme"], {"Acme": 1}))
    ],
    f"{CLIENT} rights: {NAMES}": [
        *(client(rights=rights) for rights in ("r", {"r": 1}, None, 7)),
        *(
            client(rights=["r", right])
            for right in ("", "a b", 'a"', "a\\", "r\u00e9ad", "r\n", "r" * 101, 1, None, ["r"])
        ),
    ],
    f"{CLIENT} authorizations: must be a list of tables, {INVITED}": [
        client(authorizations={}),
        client(authorizations="ada@acme.example"),
        client(authorizations=None),
    ],
    f"{INVITED} 1 user: is missing": [invited({"rights": []}), invited({})],
    f"{INVITED} 1 user: {A_LINE}": [invited({"user": 7}), invited({"user": ""}), invited({"user": ["a@b.example"]})],
    f"{INVITED} 1 user: must be an e-mail address": [invited({"user": user}) for user in ("ada", "@", "a@b@c.example")],
    f"{INVITED} 1 right: unknown; there are rights, user": [invited({"user": "a@b.example", "right": "r"})],
    f"{INVITED} 1 rights: 's' is not among the rights that acme can give": [
        invited({"user": "a@b.example", "rights": ["r", "s"]})
    ],
    f"{INVITED} 1 rights: {NAMES}": [
        invited({"user": "a@b.example", "rights": "r"}),
        invited({"user": "a@b.example", "rights": None}),
    ],
    f"{INVITED} 2 user: this address has an Authorization above already": [
        invited({"user": "a@b.example"}, {"user": " A@B.example"})
    ],
    f"{DEMO} colour: unknown; there are audience, backchannel_logout_uri, dpop, exchange_audiences, first_party, "
    "gateway, grants, jwks, name, post_logout_redirect_uris, redirect_uris, require_pushed_authorization_requests, "
    "requires_authorization, scopes, secret, secrets, "
    "signing_algorithm, type": [application(colour="red")],
    f"{DEMO} name: is missing": [application(name=GONE)],
    f"{DEMO} type: must be one of public, confidential": [
        *(application(type=kind) for kind in (GONE, "", "native", "Public", ["public"], None, True))
    ],
    f"{DEMO} secret: a public application cannot keep one; remove it": [
        application(secret="secret-canary"),
        application(secrets=["secret-canary"]),
    ],
    f"{DEMO} secret: a confidential application needs one, or jwks": [
        application(SERVER, secret=GONE),
        application(SERVER, secret=GONE, secrets=[]),
    ],
    f"{DEMO} secret: give either secret or secrets": [application(SERVER, secrets=["other-secret-canary"])],
    f"{DEMO} secrets: at most two can live at a time, the old and the new": [
        application(SERVER, secret=GONE, secrets=THREE)
    ],
    f"{DEMO} grants: {GRANTS}": [
        *(application(grants=grants) for grants in ([], ["password"], "authorization_code", None, [["refresh_token"]]))
    ],
    f"{DEMO} signing_algorithm: must be one of ES256, EdDSA, RS256": [
        application(signing_algorithm=algorithm) for algorithm in NO_ALGORITHMS
    ],
    f"{DEMO} scopes: must be a list out of revocations": [
        *(
            application(SERVER, grants=["authorization_code", "client_credentials"], scopes=scopes)
            for scopes in NO_SCOPES
        )
    ],
    f"{DEMO} scopes: only for applications with the grant client_credentials": [
        application(SERVER, scopes=["revocations"])
    ],
    f"{DEMO} jwks: a public application cannot keep a private key; remove it": [application(jwks={"keys": [KEY]})],
    f"{DEMO} jwks: must be a JWK Set of at most 2 keys": [application(SERVER, jwks=jwks) for jwks in NO_KEYS],
    f"{DEMO} jwks: is not JSON": [application(SERVER, secret=GONE, jwks="-----BEGIN PUBLIC KEY-----")],
    "[applications.usr_robot]: a name that begins with usr_ could be taken for a User's": [
        {"applications": {"usr_robot": SERVER}}
    ],
    f"{DEMO} grants: client_credentials is for confidential applications only": [
        application(grants=["authorization_code", "client_credentials"])
    ],
    f"{DEMO} grants: {EXCHANGE} is for confidential applications only": [application(grants=[EXCHANGE])],
    f"{DEMO} exchange_audiences: only for applications with {EXCHANGE}": [
        application(SERVER, exchange_audiences=["https://billing.example"])
    ],
    f"{DEMO} exchange_audiences: must be a list of URIs": [
        *(application(SERVER, grants=[EXCHANGE], exchange_audiences=uris) for uris in NO_LISTS)
    ],
    f"{DEMO} exchange_audiences: each must be an https URL (or http to a loopback host)": [
        *(
            application(SERVER, grants=[EXCHANGE], exchange_audiences=[uri])
            for uri in ("com.example.app:/billing", "https://a.example/" + "x" * 238)
        )
    ],
    f"{DEMO} redirect_uris: at least one is needed": [
        application(redirect_uris=GONE),
        application(redirect_uris=[]),
    ],
    f"{DEMO} backchannel_logout_uri: must be a line of text of at most 255 characters": [
        *(application(backchannel_logout_uri=uri) for uri in ("", True, "https://app.example/" + "x" * 255))
    ],
    f"{DEMO} backchannel_logout_uri: 'https://app.example/out#x' must not have a fragment (RFC 6749 section 3.1.2)": [
        application(backchannel_logout_uri="https://app.example/out#x")
    ],
    f"{DEMO} redirect_uris: 'https://*.app.example/cb' must not hold a wildcard": [
        application(redirect_uris=["https://app.example/cb", "https://*.app.example/cb"])
    ],
    f"{DEMO} post_logout_redirect_uris: 'http://a.example/' must be https, as its host is not a loopback host": [
        application(post_logout_redirect_uris=["http://a.example/"])
    ],
    f"{DEMO} post_logout_redirect_uris: must be a list of URIs": [
        *(application(post_logout_redirect_uris=uris) for uris in NO_LISTS)
    ],
    f"{DEMO} first_party: must be true or false": [application(first_party=flag) for flag in NO_FLAGS],
    f"{DEMO} requires_authorization: must be true or false": [
        *(application(requires_authorization=flag) for flag in NO_FLAGS)
    ],
    f"{DEMO} gateway: must be true or false": [application(gateway=flag) for flag in NO_FLAGS],
    f"{DEMO} gateway: only for public applications with the grant authorization_code": [
        application(SERVER, gateway=True),
        application(grants=["refresh_token"], gateway=True),
    ],
    f"{DEMO} gateway: needs exactly one redirect URI, of the service's own host": [
        application(redirect_uris=["https://a.example/cb", "https://a.example/b"], gateway=True),
        application(redirect_uris=["com.example.app:/cb"], gateway=True),
    ],
    f"{DEMO} require_pushed_authorization_requests: must be true or false": [
        *(application(require_pushed_authorization_requests=flag) for flag in NO_FLAGS)
    ],
    f"{DEMO} audience: is missing": [application(audience=GONE)],
    f"{DEMO} audience: {A_LINE}": [
        *(application(audience=audience) for audience in ("", ["https://a.example"], "https://a.example/" + "x" * 238))
    ],
}


def problems_of(document: Any) -> list[str]:
    """Everything that is wrong with it; nothing when it is accepted."""
    try:
        parse(document)
    except ManifestProblems as refused:
        assert str(refused) == "\n".join(refused.problems)
        assert "canary" not in str(refused)
        return list(refused.problems)
    return []


@pytest.mark.parametrize(
    ("document", "problem"),
    [(document, problem) for problem, documents in WRONG.items() for document in documents],
    ids=lambda value: "so" if isinstance(value, str) else ascii(value)[:300],
)
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
    missing = "[applications.demo-app] secret: a confidential application needs one, or jwks"

    assert problems_of(application(SERVER, secret=secret)) == [too_short, missing]
    assert problems_of(application(SERVER, secret=GONE, secrets=["secret-canary", secret])) == [too_short, missing]


@pytest.mark.parametrize("secrets", ["secret-canary", {"secret-canary": "secret-canary"}, None, 7], ids=repr)
def test_secrets_must_be_a_list(secrets: object) -> None:
    """Neither a text, whose letters would do, nor a table."""
    problems = problems_of(application(SERVER, secret=GONE, secrets=secrets))

    assert problems[0] == "[applications.demo-app] secret: must be random and of at least 8 characters"


@pytest.mark.parametrize(
    "name", ["", NO_CLIENT, ".a", "_a", "a" * 65, "a b", "a/b", "a\n", "\u00e9", "\u0430cme", "a:b", "*"], ids=ascii
)
@pytest.mark.parametrize("kind", ["clients", "applications"])
def test_every_other_name_is_refused(kind: str, name: str) -> None:
    """Also "-", which stands for no Client where values are sealed."""
    place = f"[{kind}.{name}]: a name is 1 to 64 letters, digits, dots, dashes or underscores"

    assert problems_of({kind: {name: {"name": "x"}}}) == [place]


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
            "acme": {
                "rights": ["r"],
                "authorizations": [{"user": "ada", "rights": ["s", "q"]}, "grace", {"user": "x@y.example"}],
            },
            "globex": 7,
        },
        "applications": {"demo-app": {"type": "x", "secret": "s", "grants": 1, "audience": "x", "colour": 1}},
    }

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
