"""Which addresses may be connected to, and which URLs are URLs."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.errors import Fault
from broker.upstream.addresses import checked_url, is_url, may_connect, origin

PUBLIC = [
    "8.8.8.8",
    "142.250.74.110",
    "2607:f8b0:4004:800::200e",
    "2a00:1450:4001:810::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
REFUSED = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%lo", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
    "100::1", "2001::1", "2001:0:7f00:1::1", "4000::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "::7f00:1",
    "localhost", "", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "1.2.3", "::1%", "[::1]", "127.0.0.1 ",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_may_be_called(address: str) -> None:
    """An IPv4 address inside an IPv6 one too, when it is public itself."""
    assert may_connect(address, ())


@pytest.mark.parametrize("address", REFUSED)
def test_nothing_else_may(address: str) -> None:
    """Loopback, private, link-local, multicast, reserved, embedded; and what is no numeric address at all."""
    assert not may_connect(address, ())


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::ffff:127.0.0.1"])
def test_the_operator_may_allow_a_network(address: str) -> None:
    """For what is inside only."""
    allowed = [ip_network("127.0.0.0/8")]

    assert may_connect(address, allowed)
    assert not may_connect("10.0.0.1", allowed)
    assert not may_connect("::1", allowed)
    assert may_connect("::1", [ip_network("::1/128")])


@given(st.ip_addresses(v=4).filter(lambda address: address.is_private or address.is_multicast))
def test_no_private_address_slips_through_in_an_ipv6_coat(address: object) -> None:
    """Mapped, translated or tunnelled."""
    number = int(address)  # type: ignore[call-overload]
    mapped, translated = f"::ffff:{address}", f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}"

    assert not may_connect(str(address), ())
    assert not may_connect(mapped, ())
    assert not may_connect(translated, ())
    assert not may_connect(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1", ())


@pytest.mark.parametrize(
    "url",
    [
        "https://id.example",
        "https://id.example/",
        "https://id.example:8443/a/b-c_d.e~f;g=h?x=y&z=1",
        "https://id.example/path%20with%2Fescapes",
        "https://192.0.2.1/keys",
        "https://[2001:db8::1]:443/keys",
        "http://localhost:8001/token",
        "http://id.localhost/token",
        "http://127.0.0.1:8001",
        "http://[::1]:8001/token",
    ],
)
def test_a_url_is_over_tls_or_to_this_machine(url: str) -> None:
    """Absolute, and plain."""
    assert is_url(url)
    assert checked_url(url, "endpoint") == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        1,
        ["https://id.example"],
        "id.example",
        "//id.example",
        "/token",
        "http://id.example",
        "http://10.0.0.1/token",
        "http://localhost.evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://127.1/",
        "HTTPS://id.example",
        "https://ID.example",
        "https://id.example#fragment",
        "https://user@id.example/",
        "https://user:password@id.example/",
        "https://id.example\\@evil.example/",
        "https://id.example/\\evil",
        "https://id.example/a b",
        "https://id.example/\n",
        "https://id.example\t/",
        "https://id.example:port/",
        "https://id.example:1234567/",
        "https://",
        "https:///path",
        "https://[::1/",
        "https://[fe80::1%25lo]/",
        "https://idé.example/",
        "file:///etc/passwd",
        "ftp://id.example/",
        "data:text/html,x",
        "javascript:alert(1)",
        "https://id.example/" + "x" * 2048,
    ],
    ids=lambda url: repr(url)[:60],
)
def test_nothing_else_is_a_url(url: object) -> None:
    """Above all nothing that two parsers read differently."""
    assert not is_url(url)
    with pytest.raises(Fault) as raised:
        checked_url(url, "token endpoint")
    assert raised.value.code == "provider_misconfigured"
    assert raised.value.detail == "token endpoint is no URL over TLS"


def test_an_origin_is_scheme_and_authority() -> None:
    """With the port."""
    assert origin("https://id.example/a?b") == origin("https://id.example/c")
    assert origin("https://id.example") != origin("https://id.example:8443")
    assert origin("http://localhost:1/") != origin("https://localhost:1/")
