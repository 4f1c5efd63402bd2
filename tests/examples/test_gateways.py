"""docs/how-to/gateways.md with the gateways themselves: nginx and Apache run the examples; the others' are read."""

from __future__ import annotations

import base64
import datetime as dt
import http.client
import json
import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from broker.domain.pkce import challenge_of
from tests.docs.reading import EXAMPLES
from tests.rules.tree import text
from tests.servers.asgi import serving
from tests.servers.gateways import apache, nginx
from tests.servers.port import LOOPBACK
from tests.world.behind import Behind
from tests.world.plain_browser import PlainBrowser
from tests.world.world import World, open_world

pytestmark = pytest.mark.anyio

GATEWAYS = EXAMPLES / "gateways"
JWKS = "/.well-known/jwks.json"
SECRETS = {
    "DESK_APACHE_SECRET": "a-secret-of-the-desk-behind-apache",
    "DESK_APACHE_PASSPHRASE": "a-passphrase-for-cookies",
}


def example(name: str, changes: dict[str, str]) -> str:
    """The file as it stands, but for addresses and files; each of which has to be in it."""
    told = text(GATEWAYS / name)
    for old, new in changes.items():
        assert old in told, old
        told = told.replace(old, new)
    return told


def declared(url: str, relying_party: str) -> str:
    """clients.toml, with these addresses instead of the one that stands there for both."""
    told = example("clients.toml", {'{ env = "DESK_APACHE_SECRET" }': '{ file = "desk-apache" }'})
    of_desk, name, of_apache = told.partition("[applications.desk-apache]")
    here = ("https://desk.example/", f"{url}/"), ("https://desk.example/", f"{relying_party}/")
    return of_desk.replace(*here[0]) + name + of_apache.replace(*here[1])


@dataclass(kw_only=True)
class Site:
    """`url` is nginx's, `apache` is Apache's; `service` stands behind both."""

    world: World
    url: str
    apache: str
    service: Behind
    connection: http.client.HTTPSConnection

    def raw(self, path: str, headers: list[tuple[str, str]], method: str = "GET") -> http.client.HTTPResponse:
        """One request with path and headers as they are, which no client library would send."""
        self.connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            self.connection.putheader(name, value)
        self.connection.endheaders()
        answer = self.connection.getresponse()
        answer.read()
        return answer


@pytest.fixture(scope="module")
async def world(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_world(tmp_path_factory.mktemp("world")) as world:
        world.provider.consent_automatically("ada")
        yield world


@pytest.fixture(scope="module")
async def site(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """nginx.conf with TLS as it says, apache.conf without and with a session JWT that is always about to expire."""
    of_nginx, of_apache = tmp_path_factory.mktemp("nginx"), tmp_path_factory.mktemp("apache")
    _certify(of_nginx)
    (world.folder / "desk-apache").write_text(SECRETS["DESK_APACHE_SECRET"])
    with ExitStack() as stack:
        service = Behind()
        behind = stack.enter_context(serving(service))
        broker = world.issuer.replace("localhost", LOOPBACK)

        def nginx_conf(port: int) -> str:
            changes = {
                "listen 443 ssl": f"listen {LOOPBACK}:{port} ssl",
                "/etc/nginx/": f"{of_nginx}/",
                "http://127.0.0.1:8000": broker,
                "http://127.0.0.1:9000": behind,
                "    location @sign_in": f"    location {JWKS} {{ proxy_pass {broker}; }}\n    location @sign_in",
            }
            return example("nginx.conf", changes)

        port = stack.enter_context(nginx(of_nginx, nginx_conf))
        url = f"https://{LOOPBACK}:{port}"

        def apache_conf(port: int) -> str:
            changes = {
                f"https://id.example{JWKS}": f"{url}{JWKS}\nOIDCOAuthSSLValidateServer Off",  # it takes no http here
                "https://id.example": world.issuer,
                "https://desk.example/": f"http://{LOOPBACK}:{port}/",
                "http://127.0.0.1:9000": behind,
                "Expiry 60": "Expiry 400",
            }
            return example("apache.conf", changes)

        relying_party = f"http://{LOOPBACK}:{stack.enter_context(apache(of_apache, apache_conf, SECRETS))}"
        await world.declare(declared(url, relying_party))
        connection = http.client.HTTPSConnection(LOOPBACK, port, context=_trusting_anybody())
        stack.callback(connection.close)
        yield Site(world=world, url=url, apache=relying_party, service=service, connection=connection)


@pytest.fixture
def browser() -> Iterator[PlainBrowser]:
    """Ada's, which takes our certificate."""
    with PlainBrowser(verify=False) as browser:
        browser.http.headers["Sec-Fetch-Mode"] = "navigate"
        yield browser


def signed_in(site: Site, browser: PlainBrowser, path: str = "/") -> Any:
    """Open a page of the service, and sign in with Google where that is asked; the page in the end."""
    page = browser.get(f"{site.url}{path}")
    if "/sign-in" in str(page.url):
        page = browser.submit(page, "/sign-in/google")
    assert str(page.url) == f"{site.url}{path}"
    return page


def told(page: Any) -> dict[str, list[str]]:
    """The headers that reached the service, every value of each."""
    found: dict[str, list[str]] = {}
    for name, value in page.json()["headers"]:
        found.setdefault(name, []).append(value)
    return found


async def test_nginx_signs_in_and_tells_the_service_who_it_is(site: Site, browser: PlainBrowser) -> None:
    """The whole way, back to the page that was asked for; the token is in no cookie and no address."""
    page = signed_in(site, browser, "/reports?year=2026&month=5")
    headers = told(page)
    (user,) = await site.world.rows("SELECT id FROM users")
    (token,) = headers["authorization"]
    claims = browser.http.get(f"{site.world.issuer}/oauth/userinfo", headers={"Authorization": token}).json()

    assert page.json()["query"] == "year=2026&month=5"
    assert headers["x-auth-request-user"] == [user["id"]] == [claims["sub"]]
    assert headers["x-auth-request-email"] == ["ada@acme.example"]
    assert "x-auth-request-organization" not in headers
    cookie = next(c for c in browser.http.cookies.jar if "gateway" in c.name)
    assert (cookie.name, cookie.secure, cookie.path) == ("__Host-partner_ops_gateway_desk", True, "/")
    assert token.removeprefix("Bearer ") not in repr(browser.secrets)
    assert not any("trip" in c.name for c in browser.http.cookies.jar)


SMUGGLED = [
    ("X-Auth-Request-User", "usr_evil"),
    ("X-Auth-Request-User", "usr_evil2"),
    ("x_auth_request_user", "usr_evil"),
    ("X-Auth_Request-User", "usr_evil"),
    ("X-AUTH-REQUEST-EMAIL", "evil@evil.example"),
    ("X_Auth_Request_Email", "evil@evil.example"),
    ("X-Auth-Request-Session", "ses_evil"),
    ("X-Auth-Request-Organization", "evil"),
    ("X-Auth-Request-Groups", "evil"),
    ("X-Auth-Request-Access-Token", "evil"),
    ("X-Auth-Request-Preferred-Username", "evil"),
    ("X-Forwarded-User", "evil"),
    ("X-Auth-Request-User ", "usr_evil"),
]


@pytest.mark.parametrize("signed", [True, False])
async def test_nginx_lets_no_header_through_that_is_the_brokers_to_set(
    site: Site, browser: PlainBrowser, signed: bool
) -> None:
    """G13-02, CVE-2025-64484: in any spelling, repeated, with or without a pass."""
    signed_in(site, browser)
    cookie = _pass_of(browser)
    site.service.seen.clear()
    for one in ([header] for header in SMUGGLED):
        site.raw("/", [("Cookie", cookie), *one] if signed else one)
    site.raw("/", [("Cookie", cookie), *SMUGGLED[:-1]] if signed else SMUGGLED[:-1])

    assert "evil" not in repr(site.service.seen)
    assert len(site.service.seen) >= (len(SMUGGLED) if signed else 0)
    if not signed:
        assert site.service.seen == []


PATHS = [
    *("/", "//", "/reports", "/.partner-ops/../", "/.partner-ops/%2e%2e/reports", "/.partner-ops/..%2freports"),
    *("/.partner-ops/check", "/.partner-ops/check/", "/.partner-ops/%63heck", "/.partner-ops/", "/.partner-ops"),
    *("/.partner-ops//check", "/.partner-ops/../forward-auth/desk", "/.partner-ops/..;/x", "/.partner-ops/start/x"),
    *("/.partner-ops/%2e%2e/%2e%2e/ext-authz/desk/", "/.partner-ops/..%2fdesk", "/.partner-ops/callback%00", "/%00"),
]


async def test_no_path_goes_round_nginx(site: Site, browser: PlainBrowser) -> None:
    """G13-03: without a pass nothing reaches the service, and with one no address answers a browser with a token."""
    site.service.seen.clear()
    for path in PATHS:
        for method in ("GET", "POST"):
            assert site.raw(path, [("User-Agent", "kube-probe/1.0")], method).status >= 300, (path, method)
    assert site.service.seen == []

    signed_in(site, browser)
    cookie = _pass_of(browser)
    for path in PATHS:
        answer = site.raw(path, [("Cookie", cookie)])
        assert "authorization" not in {name.lower() for name, _ in answer.getheaders()}, path
        assert not any(name.lower().startswith("x-auth-request") for name, _ in answer.getheaders()), path


async def test_a_script_is_told_and_not_led_away(site: Site, browser: PlainBrowser) -> None:
    """401 for what opens no page; nothing is begun, nothing is written."""
    lines = await site.world.count("ledger")
    for headers in ([("Sec-Fetch-Mode", "cors")], [("Accept", "application/json")], []):
        answer = site.raw("/api", headers)
        assert (answer.status, answer.getheader("Set-Cookie")) == (401, None)
    assert site.raw("/api", [("Sec-Fetch-Mode", "navigate")], "POST").status == 401
    assert site.raw("/api", [("Authorization", "Bearer x.y.z")]).status == 401
    assert await site.world.count("ledger") == lines


async def test_signing_out_through_nginx_ends_it_everywhere(site: Site, browser: PlainBrowser) -> None:
    """At the service, and at the broker; a foreign page cannot do it."""
    signed_in(site, browser)
    foreign = browser.http.post(f"{site.url}/.partner-ops/sign-out", headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert signed_in(site, browser).status_code == 200

    left = browser.http.post(
        f"{site.url}/.partner-ops/sign-out", headers={"Sec-Fetch-Site": "same-origin"}, follow_redirects=False
    )
    assert left.headers["Location"] == f"{site.url}/"
    assert "/sign-in" in str(browser.get(f"{site.world.issuer}/account").url)
    assert "/sign-in" in str(browser.get(f"{site.url}/").url)


async def test_apache_is_an_ordinary_relying_party(site: Site) -> None:
    """mod_auth_openidc: code, PKCE, userinfo, refresh; who is out at the broker is out here, at the next refresh."""
    world, url = site.world, site.apache
    refreshes = "SELECT id FROM ledger WHERE action = 'refresh' AND application_id = 'desk-apache'"
    with PlainBrowser() as browser:
        browser.http.headers["X-Auth-Request-Sub"] = "usr_evil"
        page = browser.submit(browser.get(f"{url}/reports"), "/sign-in/google")
        headers = told(page)
        (user,) = await world.rows("SELECT id FROM users")

        assert str(page.url) == f"{url}/reports"
        assert headers["x-auth-request-sub"] == [user["id"]]
        assert headers["x-auth-request-email"] == ["ada@acme.example"]
        before = len(await world.rows(refreshes))
        assert browser.get(f"{url}/reports").status_code == 200
        assert len(await world.rows(refreshes)) > before

        browser.submit(browser.get(f"{world.issuer}/account/sessions"), "/account/sign-out")
        site.service.seen.clear()
        assert "/sign-in" in str(browser.get(f"{url}/reports").url)
        assert site.service.seen == []


async def test_apache_signs_out_at_the_broker(site: Site) -> None:
    """RP-initiated logout, with the ID token as hint: nobody is asked, and the browser comes back."""
    with PlainBrowser() as browser:
        browser.submit(browser.get(f"{site.apache}/"), "/sign-in/google")
        asked = urlencode({"logout": f"{site.apache}/bye"})
        out = browser.http.get(f"{site.apache}/.partner-ops/callback?{asked}", follow_redirects=False)
        assert out.headers["Location"].startswith(f"{site.world.issuer}/oauth/end-session?")
        back = browser.http.get(out.headers["Location"], follow_redirects=False)

        assert back.headers["Location"] == f"{site.apache}/bye"
        assert "/sign-in" in str(browser.get(f"{site.world.issuer}/account").url)


async def test_apache_takes_session_jwts_of_software(site: Site, browser: PlainBrowser) -> None:
    """By the published keys alone; none of another audience, none that was touched, none at all."""
    token = told(signed_in(site, browser))["authorization"][0]
    other = _token_for_another_audience(site.world, browser)
    site.service.seen.clear()
    for wrong in ({}, {"Authorization": f"{token[:-4]}AAAA"}, {"Authorization": f"Bearer {other}"}):
        assert browser.http.get(f"{site.apache}/api/x", headers=wrong).status_code == 401, wrong
    assert site.service.seen == []
    assert browser.http.get(f"{site.apache}/api/x", headers={"Authorization": token}).status_code == 200
    assert len(site.service.seen) == 1


def _yaml(name: str) -> Any:
    return yaml.safe_load(text(GATEWAYS / name))


def _filters(document: Any) -> dict[str, Any]:
    (chain,) = document["static_resources"]["listeners"][0]["filter_chains"]
    return {f["name"]: f["typed_config"] for f in chain["filters"][0]["typed_config"]["http_filters"]}


async def test_traefik_would_be_answered(site: Site, browser: PlainBrowser) -> None:
    """Not run. What it would ask is answered, it takes over what was said, and takes away every spelling of it."""
    document = _yaml("traefik.yml")["http"]
    asks = document["middlewares"]["desk-check"]["forwardAuth"]
    address = asks["address"].replace("http://127.0.0.1:8000", site.world.issuer)
    forwarded = {"X-Forwarded-Uri": "/reports?a=b", "X-Forwarded-Method": "GET"}
    away = browser.http.get(address, headers=forwarded, follow_redirects=False)
    signed_in(site, browser)
    answer = httpx2.get(address, headers=forwarded | {"Cookie": _pass_of(browser)})
    taken = re.compile(asks["authResponseHeadersRegex"])
    said = {name for name, _ in answer.headers.multi_items() if taken.search(name)}

    assert (away.status_code, answer.status_code) == (303, 200)
    assert away.headers["Location"].startswith(f"{site.world.issuer}/oauth/authorize?")
    assert {"x-auth-request-user", "x-auth-request-email"} <= said
    assert all(taken.search(name) for name, _ in SMUGGLED if "auth" in name.lower())
    assert asks["trustForwardHeader"] is False
    assert asks["authResponseHeaders"] == ["Authorization"]
    own = document["middlewares"]["desk-to-broker"]["replacePathRegex"]
    for name in ("start", "callback", "sign-out"):
        assert re.fullmatch(own["regex"], f"/.partner-ops/{name}")
    assert not any(re.fullmatch(own["regex"], path) for path in PATHS)
    assert own["replacement"] == "/forward-auth/desk/$1"


async def test_envoy_would_be_answered(site: Site, browser: PlainBrowser) -> None:
    """Not run. Its question at its own path is answered 200; what it takes over and takes away are the same names."""
    filters = _filters(_yaml("envoy.yaml"))
    asks = filters["envoy.filters.http.ext_authz"]
    mutations = filters["envoy.filters.http.header_mutation"]["mutations"]["request_mutations"]
    address = f"{site.world.issuer}{asks['http_service']['path_prefix']}/start?a=b"
    signed_in(site, browser)
    answer = httpx2.get(address, headers={"Cookie": _pass_of(browser)})
    refused = httpx2.get(address)

    assert (answer.status_code, refused.status_code) == (200, 401)
    said = {name for name, _ in answer.headers.multi_items() if name.startswith("x-auth-request-")}
    assert said | {"x-auth-request-organization"} == {mutation["remove"] for mutation in mutations}
    assert list(filters) == [f"envoy.filters.http.{name}" for name in ("header_mutation", "ext_authz", "router")]
    assert asks["failure_mode_allow"] is False


async def test_envoys_jwt_filter_looks_where_the_broker_publishes(site: Site, browser: PlainBrowser) -> None:
    """Not run. Issuer, audience and keys are those of a real session JWT, in their place."""
    (jwt_authn,) = _yaml("envoy-jwt.yaml")["http_filters"]
    provider = jwt_authn["typed_config"]["providers"]["partner-ops"]
    metadata = browser.http.get(f"{site.world.issuer}/.well-known/openid-configuration").json()
    token = told(signed_in(site, browser))["authorization"][0].removeprefix("Bearer ")
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))

    assert provider["issuer"] + JWKS == provider["remote_jwks"]["http_uri"]["uri"]
    assert metadata["issuer"] + JWKS == metadata["jwks_uri"]
    assert (claims["iss"], [claims["aud"]]) == (metadata["issuer"], provider["audiences"])


def _pass_of(browser: PlainBrowser) -> str:
    return "; ".join(f"{c.name}={c.value}" for c in browser.http.cookies.jar if "gateway" in c.name)


def _token_for_another_audience(world: World, browser: PlainBrowser) -> str:
    """As the demo Application gets one, in a browser that is signed in."""
    known = {"client_id": "demo-app", "redirect_uri": f"{world.application}/callback"}
    asked = known | {"response_type": "code", "scope": "openid", "code_challenge_method": "S256"}
    url = f"{world.issuer}/oauth/authorize?{urlencode(asked | {'code_challenge': challenge_of('v' * 43)})}"
    answer = browser.http.get(url, follow_redirects=False).headers["Location"]
    code = parse_qs(urlsplit(answer).query)["code"][0]
    form = known | {"grant_type": "authorization_code", "code": code, "code_verifier": "v" * 43}
    return str(browser.http.post(f"{world.issuer}/oauth/token", data=form).json()["access_token"])


def _certify(folder: Path) -> None:
    """A key and a certificate that nobody else trusts, where nginx.conf has them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "desk.example")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "desk.key").write_bytes(key.private_bytes(pem, pkcs8, plain))
    (folder / "desk.crt").write_bytes(certificate.public_bytes(pem))


def _trusting_anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
