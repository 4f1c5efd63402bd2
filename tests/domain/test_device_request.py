"""Devices without a browser: their codes, what they may ask for, and how often."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from broker.domain.application import GrantType
from broker.domain.device_request import (
    INTERVAL,
    LIFETIME,
    Decision,
    DeviceRequest,
    asked,
    new_user_code,
    not_yet,
    polled,
    typed_user_code,
)
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import DeviceRequestId, KeyedHash
from tests.domain.world import ACME, APPLICATION, NOW

REQUEST = DeviceRequest(
    id=DeviceRequestId("dvr_1"),
    device_code=KeyedHash("device-code-canary"),
    user_code=KeyedHash("user-code-canary"),
    application_id=APPLICATION.id,
    scopes=("openid",),
    organization=None,
    created_at=NOW,
    expires_at=NOW + LIFETIME,
)


def code_of(number: int) -> str:
    """The user code that comes of these 256 bits."""
    return new_user_code(base64.urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("="))


def test_a_user_code_is_eight_consonants() -> None:
    """RFC 8628 section 6.1; every letter can come, and every one counts."""
    codes = {code_of(20**place * letter) for place in range(8) for letter in range(20)}

    assert code_of(0) == "BBBB-BBBB"
    assert code_of(20**8 - 1) == "ZZZZ-ZZZZ"
    assert len(codes) == 8 * 19 + 1
    assert {letter for code in codes for letter in code} == set("BCDFGHJKLMNPQRSTVWXZ-")


@pytest.mark.parametrize(
    "typed",
    ["WDJB-MJHT", "wdjb-mjht", "WDJBMJHT", " wdjb mjht ", "w.d.j.b\u2013m_j h t", "0WDJBaMJHT"],
)
def test_case_dashes_and_spaces_are_forgiven(typed: str) -> None:
    """And whatever else is no letter of a code."""
    assert typed_user_code(typed) == "WDJB-MJHT"


@pytest.mark.parametrize("typed", ["", "-", "WDJB", "WDJB-MJH", "WDJB-MJHTB", "AEIO-UAEI", "\uff37DJB-MJHT"])
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    """Too short, too long, of other letters."""
    assert typed_user_code(typed) is None


def test_what_a_device_asks_for_goes_by_the_rules_of_an_authorize_request() -> None:
    """Supported scopes in our order; `offline_access` only where refresh tokens are given."""
    wanted = "offline_access unknown email openid"
    without = replace(APPLICATION, grants=frozenset({GrantType.DEVICE_CODE}))

    assert asked(wanted, "acme", APPLICATION) == (("openid", "email", "offline_access"), ACME)
    assert asked(wanted, None, without) == (("openid", "email"), None)


@pytest.mark.parametrize(
    ("scope", "organization", "code"),
    [
        (None, None, "invalid_scope"),
        ("", None, "invalid_scope"),
        ("email", None, "invalid_scope"),
        ("openid", "", "invalid_request"),
        ("openid", "acme globex", "invalid_request"),
        ("openid", "a" * 65, "invalid_request"),
    ],
)
def test_a_device_that_asks_for_something_else_is_refused(
    scope: str | None, organization: str | None, code: str
) -> None:
    """Absent, empty, wrong."""
    with pytest.raises(OAuthRefusal) as refused:
        asked(scope, organization, APPLICATION)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("decision", "later", "waits"),
    [
        (Decision.PENDING, 0, True),
        (Decision.PENDING, LIFETIME - 1, True),
        (Decision.PENDING, LIFETIME, False),
        (Decision.ALLOWED, 0, False),
        (Decision.DENIED, 0, False),
    ],
)
def test_a_request_waits_until_it_is_answered_or_late(decision: Decision, later: int, waits: bool) -> None:
    """The six hundredth second is late."""
    assert replace(REQUEST, decision=decision).waits(NOW + later) is waits


def test_who_asks_too_early_waits_longer_from_then_on() -> None:
    """RFC 8628 section 3.5: five seconds more, for all questions to come; a second early is forgiven."""
    first = polled(REQUEST, NOW)
    patient = polled(first, NOW + INTERVAL - 1)
    hasty = polled(patient, NOW + INTERVAL + 2)
    hastier = polled(hasty, NOW + INTERVAL + 2 + INTERVAL)
    waited = polled(hastier, NOW + 2 * INTERVAL + 2 + 3 * INTERVAL)

    assert [r.interval for r in (first, patient, hasty, hastier, waited)] == [5, 5, 10, 15, 15]
    assert waited.last_polled_at == NOW + 5 * INTERVAL + 2
    assert [not_yet(*pair).code for pair in ((first, patient), (patient, hasty), (hastier, waited))] == [
        "authorization_pending",
        "slow_down",
        "authorization_pending",
    ]
    assert not_yet(patient, hasty).sentence == "Ask every 10 seconds."


def test_no_code_is_shown() -> None:
    """Not even its keyed hash."""
    assert "canary" not in repr(REQUEST)
