"""Which redirect targets may be registered at all: only spellings that every parser of URIs reads alike."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.application import redirect_problem
from broker.domain.web_url import LOOPBACK_HOSTS
from tests.domain.world import shortened

ACCEPTED = [
    "https://app.example/cb",
    "https://app.example",
    "https://app.example/",
    "https://app.example/cb/",
    "https://APP.example/CB",
    "https://app.example:8443/cb",
    "https://app.example:1/cb",
    "https://app.example:65535/cb",
    "https://app.example/cb?tenant=7&mode=a%20b",
    "https://app.example/cb?next=..;/x&empty=",
    "https://app.example/a.b/..c/d..",
    "https://app.example/%2E%2E.html",
    "https://app.example/~ada/(1)/x,y;z=1/@here",
    "https://my_host.corp.example/cb",
    "https://xn--mnchen-3ya.example/cb",
    "https://app.xn--p1ai/cb",
    "https://intranet/cb",
    "https://192.0.2.7/cb",
    "https://192.0.2.7:8443/cb",
    "https://[2001:db8::7]/cb",
    "https://[2001:db8::7]:8443/cb",
    "https://127.0.0.1/cb",
    "http://localhost/cb",
    "http://LOCALHOST:3000/cb",
    "http://localhost:3000/cb?x=1",
    "http://127.0.0.1:3000/cb",
    "http://[::1]:3000/cb",
    "http://[::1]",
    "com.example.app:/cb",
    "com.example.app:/cb?x=1",
    "com.example.app://cb",
    "com.example-x.app:/",
    "https://app.example/" + "c" * 1980,
]

REFUSED = {
    "visible ASCII": [
        *("", " ", "https://app.example/c b", " https://app.example/cb", "https://app.example/cb "),
        *(
            "https://app.example/cb\t",
            "https://app.example/cb\r\n",
            "ht\ntps://app.example/cb",
            "https://app\n.example",
        ),
        *(
            "https://app.example/\x00",
            "https://app.example/\x7f",
            "https://app.example\\cb",
            "https:\\\\app.example\\cb",
        ),
        *("https://app.example\\@evil.example/cb", "https://evil.example\\@app.example", "com.example.app:\\cb"),
        *("https://app.example\u3002evil.example", "https://\uff41pp.example", "https://\u0430pp.example/cb"),
        *("https://m\u00fcnchen.example/cb", "https://app.example/cb\u200b", "https://app.example\uff0fcb"),
        *("https://app.example/" + "c" * 1981, "https://app.example/" + "c" * 1_000_000),
    ],
    "wildcard": [
        *("*", "https://*", "https://*.app.example/cb", "https://app.example/*", "https://app.example/.*"),
        *("https://app.example:*/cb", "http://127.0.0.1:*/cb", "com.example.*:/cb"),
    ],
    "fragment": [
        *("#", "https://app.example/cb#", "https://app.example/cb#x", "https://app.example#@evil.example/"),
        *("https://evil.example#https://app.example", "com.example.app:/cb#x"),
    ],
    "percent-encoded": [
        *(
            'https://app.example/"',
            "https://app.example/<script>",
            "https://app.example/{x}",
            "https://app.example/a|b",
        ),
        *("https://app.example/a^b", "https://app.example/`x`", "https://app.example/%", "https://app.example/%g1"),
        *("https://app.example/%e", "https://app.example/50%"),
    ],
    "user name": [
        *(
            "https://ada@app.example/cb",
            "https://ada:pw@app.example/cb",
            "https://@app.example/cb",
            "https://:@app.example",
        ),
        *(
            "https://app.example@evil.example/cb",
            "https://app.example:443@evil.example/cb",
            "https://a@b@app.example/cb",
        ),
        *("https://app.example@a@evil.example", "http://localhost@evil.example/cb", "http://evil.example@localhost/cb"),
        *("https://app.example%40x@evil.example", "com.example.app://ada@cb"),
    ],
    "host": [
        *(
            "https://",
            "https:///cb",
            "https://?x=1",
            "https://:443/cb",
            "https://app.example:/cb",
            "https://app.example:0/cb",
        ),
        *("https://app.example:65536/cb", "https://app.example:123456/cb", "https://app.example:+443/cb"),
        *(
            "https://app.example:4x/cb",
            "https://app.example:443:443/cb",
            "https://app.example./cb",
            "https://.example/cb",
        ),
        *("https://app..example/cb", "https://app.example-/cb", "https://%61pp.example/cb", "https://app%2eexample/cb"),
        *("https://app.example%2f.evil.example/", "https://app.example%00/cb", "https://app.example;evil.example/"),
        *(
            "https://app.example,evil.example/",
            "https://app.example&evil.example/",
            "https://a!b/cb",
            "https://app.1/cb",
        ),
        *("https://127.1/cb", "https://0x7f.0.0.1/cb", "https://0x7f000001/cb", "https://2130706433/cb"),
        *("https://0177.0.0.1/cb", "https://192.0.2.256/cb", "https://1.2.3.4.5/cb", "https://192.0.2.7./cb"),
        *("https://[::1/cb", "https://::1/cb", "https://[::1]evil.example/cb", "https://[::1].evil.example/cb"),
        *("https://[]/cb", "https://[::g]/cb", "https://[1.2.3.4]/cb", "https://[fe80::1%25eth0]/cb"),
        *("https://[v1.x]/cb", "https://[[::1]]/cb", "http://127.1/cb", "http://0x7f.1/cb", "http://[::1]:/cb"),
    ],
    "must be https, as": [
        *("http://app.example/cb", "http://localhost.evil.example/cb", "http://127.0.0.1.evil.example/cb"),
        *("http://127.0.0.2/cb", "http://0.0.0.0/cb", "http://[::]/cb", "http://[::ffff:127.0.0.1]/cb"),
        *("http://10.0.0.1/cb", "http://169.254.169.254/cb", "http://localhosts/cb", "http://[0:0:0:0:0:0:0:1]/cb"),
    ],
    "must be https, http": [
        *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "javascript://app.example/%0aalert(1)", "vbscript:x", "x"),
        *("data:text/html,x", "data:text/html;base64,eA==", "blob:https://app.example/x", "file:///etc/passwd"),
        *("about:blank", "view-source:https://app.example", "ftp://app.example/cb", "ws://app.example/cb", "myapp:/cb"),
        *(
            "myapp://cb",
            "urn:ietf:wg:oauth:2.0:oob",
            "com.example.app:cb",
            "Com.Example.App:/cb",
            ".app:/cb",
            "app.:/cb",
        ),
        *(
            "com..app:/cb",
            "1com.example:/cb",
            "//app.example/cb",
            "/cb",
            "cb",
            "?x=1",
            "app.example/cb",
            "://app.example",
        ),
        *("HTTPS://app.example/cb", "HttpS://app.example/cb", "https:app.example/cb", "https:/app.example/cb"),
        *("intent://app.example/#x".replace("#", "?"), "mailto:ada@app.example", "com.example.app?x:/cb"),
    ],
    "part of its path": [
        *("https://app.example/..", "https://app.example/../cb", "https://app.example/a/./cb", "https://app.example/."),
        *("https://app.example/a/..;/cb", "https://app.example/a/..;x=1/cb", "https://app.example/%2e%2e/cb"),
        *(
            "https://app.example/%2E./cb",
            "https://app.example/.%2e",
            "com.example.app:/../cb",
            "http://localhost/../cb",
        ),
        *("https://app.example/a/..?x=1", "https://app.example/.;/cb"),
    ],
    "answers use": [
        *("https://app.example/cb?code=x", "https://app.example/cb?a=1&state=", "https://app.example/cb?iss=x"),
        *("https://app.example/cb?%63ode=x", "https://app.example/cb?error", "com.example.app:/cb?error_description=x"),
        *("http://localhost/cb?error_uri=x", "https://app.example?code=1"),
    ],
}


@pytest.mark.parametrize("uri", ACCEPTED, ids=shortened)
def test_an_ordinary_target_may_be_registered(uri: str) -> None:
    """Https, http to a loopback host, or a private-use scheme (RFC 8252 sections 7.1 to 7.3)."""
    assert redirect_problem(uri) is None


@pytest.mark.parametrize(("uri", "why"), [(uri, why) for why, uris in REFUSED.items() for uri in uris], ids=shortened)
def test_every_other_target_is_refused_with_its_reason(uri: str, why: str) -> None:
    """What could leak a code, or be read in two ways."""
    assert why in (redirect_problem(uri) or "accepted")


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    """Sixty would do."""
    assert sum(len(uris) for uris in REFUSED.values()) > 120


PIECES = [
    *("http", "https", "com.example.app", "javascript", "://", ":/", ":", "/", "//", "@", "#", "?", ";", "&", "=", "*"),
    *("%2f", "%2e", "%40", "%", "..", ".", "\\", "\t", "\n", " ", "[", "]", "[::1]", "127.0.0.1", "127.1", "0x7f"),
    *("localhost", "app.example", "evil.example", "3000", "0", "99999", "code", "cb", "\u0663", "\uff0e", "\u3002"),
]
pieces = st.sampled_from(PIECES)
candidates = st.lists(pieces, max_size=12).map("".join) | st.text(max_size=60) | st.text("htps:/.@[]1a", max_size=30)


def check_against_urllib(uri: str) -> None:
    """Whatever is accepted means the same to urllib: no other host, no user, no fragment."""
    parts = urlsplit(uri)
    assert parts.geturl() in (uri, uri.removesuffix("?"))
    assert parts.username is parts.password is None
    assert parts.fragment == ""
    if parts.scheme in ("http", "https"):
        port = "" if parts.port is None else f":{int(parts.netloc.rpartition(':')[2])}"
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        written = parts.netloc.lower()
        assert f"{host}{port}" == written or f"{host}:{parts.netloc.rpartition(':')[2]}" == written
        assert uri.startswith(f"{parts.scheme}://{parts.netloc}")
        assert parts.scheme == "https" or parts.hostname in LOOPBACK_HOSTS
    else:
        assert "." in parts.scheme
    assert not {"code", "state", "iss", "error"} & dict(parse_qsl(parts.query, keep_blank_values=True)).keys()


@given(candidates | st.builds("https://{}".format, candidates) | st.builds("http://localhost{}".format, candidates))
def test_what_is_accepted_is_read_alike_by_urllib(uri: str) -> None:
    """And whatever is put together, the answer is a reason or None, never an exception."""
    if redirect_problem(uri) is None:
        check_against_urllib(uri)


@pytest.mark.parametrize("uri", ACCEPTED, ids=shortened)
def test_the_ordinary_targets_are_read_alike_by_urllib(uri: str) -> None:
    """So the comparison above compares something."""
    check_against_urllib(uri)
