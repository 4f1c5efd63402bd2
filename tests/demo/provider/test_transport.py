"""The faults of how the demo Provider answers, in memory where that can be, over a real socket where it cannot."""

from __future__ import annotations

import time

import httpx2
import pytest

from broker.demo.provider.faults import Place, by_place
from tests.demo.provider.software import ISSUER, Software
from tests.servers.asgi import serving

ENDPOINTS = {
    "discovery": ("GET", "/.well-known/openid-configuration"),
    "jwks": ("GET", "/oauth2/v3/certs"),
    "authorize": ("GET", "/o/oauth2/v2/auth"),
    "revoke": ("POST", "/revoke"),
    "userinfo": ("GET", "/v1/userinfo"),
}


@pytest.fixture
def software() -> Software:
    return Software()


def test_every_fault_of_transport_has_a_test_here() -> None:
    """A new one needs a new test."""
    tested = {"html_200", "token_error_200", "error_500", "redirect", "slow", "hang", "endless_body"}

    assert {fault.name for fault in by_place()[Place.TRANSPORT]} == tested


def test_html_200(software: Software) -> None:
    """As from a captive portal."""
    answer = software.redeem(software.allow(fault="html_200")["code"])

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_token_error_200(software: Software) -> None:
    """As from providers that answer errors with 200."""
    answer = software.redeem(software.allow(fault="token_error_200")["code"])

    assert (answer.status_code, answer.json()["error"]) == (200, "invalid_grant")


def test_error_500(software: Software) -> None:
    """And no JSON."""
    answer = software.redeem(software.allow(fault="error_500")["code"])

    assert (answer.status_code, answer.headers["content-type"]) == (500, "text/plain; charset=utf-8")


def test_redirect_counts_who_follows(software: Software) -> None:
    """The target is ours, so that a test can tell whether anybody went there."""
    answer = software.redeem(software.allow(fault="redirect")["code"])

    assert (answer.status_code, answer.headers["location"]) == (302, f"{ISSUER}/redirected")
    assert software.provider.requests["redirected"] == 0
    software.channel.get("/redirected")
    assert software.provider.requests["redirected"] == 1


def test_slow_is_right_in_the_end(software: Software) -> None:
    """Three seconds, which a test may shorten."""
    assert software.provider.slow_seconds == 3.0
    software.provider.slow_seconds = 0.2
    began = time.monotonic()

    answer = software.redeem(software.allow(fault="slow")["code"])

    assert answer.status_code == 200
    assert time.monotonic() - began >= 0.2


def test_nothing_is_done_behind_a_fault_of_transport(software: Software) -> None:
    """The code is not spent, so that a retry can succeed once the fault is gone."""
    software.provider.fault = "error_500"
    code = software.allow()["code"]
    assert software.redeem(code).status_code == 500

    software.provider.fault = None

    assert software.redeem(code).status_code == 200


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_any_endpoint_can_misbehave_in_transport(software: Software, endpoint: str) -> None:
    """`faults_at` strikes the endpoint it names, and no other."""
    method, path = ENDPOINTS[endpoint]
    software.provider.faults_at[endpoint] = "error_500"

    assert software.channel.request(method, path).status_code == 500
    others = [ENDPOINTS[name] for name in ENDPOINTS if name != endpoint]
    assert all(software.channel.request(*other).status_code < 500 for other in others)


def test_a_mistyped_fault_at_an_endpoint_is_noticed(software: Software) -> None:
    """Only faults of transport can strike elsewhere; anything else must not let a test pass."""
    for fault in ("no_such_fault", "alg_none"):
        with pytest.raises(ValueError, match="fault"):
            software.provider.faults_at["jwks"] = fault


def test_hang_never_answers() -> None:
    """The caller has to give up by itself."""
    software = Software()
    software.provider.faults_at["jwks"] = "hang"

    with serving(software.provider.app) as url, pytest.raises(httpx2.ReadTimeout):
        httpx2.get(f"{url}/oauth2/v3/certs", timeout=0.3)


def test_endless_body_goes_on_and_on() -> None:
    """Far more than any token answer, and no end in sight."""
    software = Software()
    software.provider.faults_at["token"] = "endless_body"
    received = 0

    with serving(software.provider.app) as url, httpx2.stream("POST", f"{url}/token") as answer:
        for chunk in answer.iter_raw():
            received += len(chunk)
            if received > 2_000_000:
                break

    assert received > 2_000_000
