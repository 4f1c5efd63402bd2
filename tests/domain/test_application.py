"""Where an Application's browsers may be sent back to: byte-equal to what is registered, or another loopback port."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.application import Application, ApplicationType
from broker.domain.ids import KeyedHash
from tests.domain.world import APPLICATION, shortened

REGISTERED = "https://app.example/cb"
LOOPBACK = "http://127.0.0.1/cb"
LOOPBACK_6 = "http://[::1]:3000/cb"
NATIVE = replace(APPLICATION, redirect_uris=(REGISTERED, LOOPBACK, LOOPBACK_6))

NOT_REGISTERED = [
    "",
    " ",
    "/cb",
    "//app.example/cb",
    "app.example/cb",
    "https:app.example/cb",
    "https:/app.example/cb",
    "https:///app.example/cb",
    "http://app.example/cb",
    "HTTPS://app.example/cb",
    "https://APP.example/cb",
    "https://app.example/CB",
    "https://app.example/cb/",
    "https://app.example//cb",
    "https://app.example/cb?",
    "https://app.example/cb#",
    "https://app.example/cb?next=https://evil.example",
    "https://app.example/cb#fragment",
    "https://app.example/cb/../evil",
    "https://app.example/./cb",
    "https://app.example/x/../cb",
    "https://app.example/x/..;/cb",
    "https://app.example/cb;jsessionid=1",
    "https://app.example/cb%2f",
    "https://app.example/%63b",
    "https://app.example/%2e%2e/cb",
    "https://app.example/%2E%2E%2Fcb",
    "https://app.example/cb%00",
    "https://app.example/cb%0d%0aLocation:%20https://evil.example",
    "https://app.example/cb\t",
    "https://app.example/cb\r\n",
    "https://app.example/cb\n",
    "\thttps://app.example/cb",
    " https://app.example/cb",
    "https://app.example/cb ",
    "ht\ntps://app.example/cb",
    "https://app.example\\cb",
    "https:\\\\app.example\\cb",
    "https://app.example\\@evil.example/cb",
    "https://evil.example\\@app.example/cb",
    "https://app.example@evil.example/cb",
    "https://app.example:pass@evil.example/cb",
    "https://evil@app.example/cb",
    "https://@app.example/cb",
    "https://a@b@app.example/cb",
    "https://app.example@a@evil.example/cb",
    "https://app.example%40evil.example/cb",
    "https://app.example:443/cb",
    "https://app.example:/cb",
    "https://app.example:8443/cb",
    "https://app.example./cb",
    "https://app.example.evil.example/cb",
    "https://evil.example/https://app.example/cb",
    "https://xapp.example/cb",
    "https://sub.app.example/cb",
    "https://app.example\u3002evil.example/cb",
    "https://app.example\uff0fcb",
    "https://\uff41pp.example/cb",
    "https://\u0430pp.example/cb",
    "https://xn--pp-6kc.example/cb",
    "https://app.example/cb\u200b",
    "https://app.example/cb\x00",
    "https://*.example/cb",
    "https://app.example/*",
    "https://app.example/.*",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//https://app.example/cb",
    "data:text/html,https://app.example/cb",
    "blob:https://app.example/cb",
    "file:///cb",
    "com.example.app:/cb",
    "https://app.example/c" + "b" * 100_000,
]

NOT_THE_LOOPBACK = [
    "http://localhost/cb",
    "http://localhost:3000/cb",
    "http://localhost.evil.example/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://127.0.0.1:3000.evil.example/cb",
    "http://127.0.0.1:3000@evil.example/cb",
    "http://127.0.0.1@evil.example/cb",
    "http://evil.example@127.0.0.1/cb",
    "http://127.0.0.1:/cb",
    "http://127.0.0.1:0/cb",
    "http://127.0.0.1:65536/cb",
    "http://127.0.0.1:123456/cb",
    "http://127.0.0.1:+80/cb",
    "http://127.0.0.1:-1/cb",
    "http://127.0.0.1:8o/cb",
    "http://127.0.0.1:\u0663\u0660/cb",
    "http://127.0.0.1:3000/cb/",
    "http://127.0.0.1:3000/CB",
    "http://127.0.0.1:3000/cb?x=1",
    "http://127.0.0.1:3000/cb#x",
    "http://127.0.0.1:3000/other",
    "http://127.0.0.1:3000//cb",
    "http://127.0.0.1:3000/x/../cb",
    "http://127.0.0.1:3000\\cb",
    "http://127.0.0.1:3000/cb\n",
    "http://127.0.0.1:3000",
    "https://127.0.0.1:3000/cb",
    "HTTP://127.0.0.1:3000/cb",
    "http://127.0.0.2:3000/cb",
    "http://127.1:3000/cb",
    "http://0x7f.0.0.1:3000/cb",
    "http://2130706433:3000/cb",
    "http://0.0.0.0:3000/cb",
    "http://[::]:3000/cb",
    "http://[0:0:0:0:0:0:0:1]:3000/cb",
    "http://[::ffff:127.0.0.1]:3000/cb",
    "http://[::1%25lo]:3000/cb",
    "http://[::1].evil.example:3000/cb",
    "http://::1:3000/cb",
]


@pytest.mark.parametrize("uri", NATIVE.redirect_uris)
def test_a_registered_target_is_accepted(uri: str) -> None:
    """To the byte."""
    assert NATIVE.may_redirect_to(uri)


@pytest.mark.parametrize("uri", NOT_REGISTERED, ids=shortened)
def test_what_is_not_equal_to_the_byte_is_refused(uri: str) -> None:
    """However another parser would read it (RFC 9700 section 4.1)."""
    assert not NATIVE.may_redirect_to(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:3000/cb",
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1:65535/cb",
        "http://[::1]/cb",
        "http://[::1]:9/cb",
    ],
)
def test_a_native_application_listens_at_any_loopback_port(uri: str) -> None:
    """RFC 8252 section 7.3."""
    assert NATIVE.may_redirect_to(uri)


@pytest.mark.parametrize("uri", NOT_THE_LOOPBACK, ids=shortened)
def test_nothing_but_the_port_of_a_loopback_literal_may_differ(uri: str) -> None:
    """RFC 8252 section 8.3 advises against the name localhost, which can be another machine's."""
    assert not NATIVE.may_redirect_to(uri)


@pytest.mark.parametrize("registered", ["http://localhost/cb", "https://127.0.0.1/cb", "http://127.0.0.1.example/cb"])
def test_the_port_counts_where_no_loopback_literal_is_registered(registered: str) -> None:
    """Https, and names, are compared whole."""
    application = replace(APPLICATION, redirect_uris=(registered,))

    assert not application.may_redirect_to(registered.replace("/cb", ":3000/cb"))


def test_a_confidential_application_has_no_loopback_exception() -> None:
    """It runs on a server, whose port is known."""
    server = replace(NATIVE, type=ApplicationType.CONFIDENTIAL, secrets=(KeyedHash("secret-canary"),))

    assert server.may_redirect_to(LOOPBACK)
    assert not server.may_redirect_to("http://127.0.0.1:3000/cb")


@pytest.mark.parametrize("uri", ["", REGISTERED, LOOPBACK, "http://127.0.0.1:3000/cb", "https://evil.example"])
@pytest.mark.parametrize("kind", ApplicationType)
def test_an_application_without_targets_is_sent_nowhere(uri: str, kind: ApplicationType) -> None:
    """Empty means nothing."""
    application = replace(APPLICATION, type=kind, redirect_uris=(), post_logout_redirect_uris=())

    assert not application.may_redirect_to(uri)
    assert not application.may_return_after_logout_to(uri)


@pytest.mark.parametrize("uri", [*NOT_REGISTERED, *NOT_THE_LOOPBACK, "http://127.0.0.1:3000/cb"], ids=shortened)
def test_after_signing_out_only_the_registered_target_is_accepted(uri: str) -> None:
    """With no exception for ports."""
    application = replace(APPLICATION, post_logout_redirect_uris=(REGISTERED, LOOPBACK))

    assert application.may_return_after_logout_to(REGISTERED)
    assert not application.may_return_after_logout_to(uri)


def test_the_targets_after_signing_in_and_out_are_not_each_others() -> None:
    """A page that says good-bye must not be sent codes."""
    application = replace(APPLICATION, redirect_uris=(REGISTERED,), post_logout_redirect_uris=(LOOPBACK,))

    assert not application.may_redirect_to(LOOPBACK)
    assert not application.may_return_after_logout_to(REGISTERED)


PIECES = [
    *("http", "https", "://", ":", "/", "//", "\\", "@", "#", "?", ";", "%2f", "..", "\t", "\n", "[", "]"),
    *("127.0.0.1", "[::1]", "localhost", "app.example", "evil.example", "3000", "0", "99999", "cb", "\u0663", "\uff0e"),
]
pieces = st.sampled_from(PIECES)


@given(st.lists(pieces, max_size=12).map("".join) | st.text(max_size=60))
def test_only_equality_or_the_loopback_port_lets_anything_through(uri: str) -> None:
    """The rule said another way, for whatever can be put together out of the pieces of an attack."""
    another_port = re.fullmatch(r"http://(127\.0\.0\.1|\[::1\])(?::([0-9]{1,5}))?/cb", uri)
    port = 1 if another_port is None else int(another_port[2] or 80)

    expected = uri in NATIVE.redirect_uris or (another_port is not None and 0 < port < 65536)

    assert NATIVE.may_redirect_to(uri) is expected


@given(st.lists(pieces, max_size=12).map("".join))
def test_what_is_accepted_goes_to_a_registered_host_for_urllib_too(uri: str) -> None:
    """A second parser reads the same host."""
    if NATIVE.may_redirect_to(uri):
        assert urlsplit(uri).hostname in {"app.example", "127.0.0.1", "::1"}


def test_hashes_of_secrets_are_not_shown_by_repr() -> None:
    """Of an Application that has some."""
    application: Application = replace(APPLICATION, secrets=(KeyedHash("secret-canary"),))

    assert "canary" not in repr(application)
