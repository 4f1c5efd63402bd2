"""An authorize request that was pushed: what travels sealed in its `request_uri`, and for how long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain import attempt
from broker.domain.pushed_request import LIFETIME, ON_ITS_WAY, PREFIX, PushedRequest, sealed_in
from tests.domain.world import APPLICATION, NOW, PUSHED

REQUEST = PushedRequest(pushed=PUSHED, application_id=APPLICATION.id, parameters="state=state-canary&nonce=n%C3%A9")


@pytest.mark.parametrize("request_", [REQUEST, replace(REQUEST, on_its_way=True)])
def test_what_was_sealed_is_what_is_opened(request_: PushedRequest) -> None:
    """To the last value; none of it is shown by repr."""
    assert PushedRequest.from_bytes(request_.to_bytes()) == request_
    assert "canary" not in repr(request_)


def test_a_browser_has_to_come_soon_and_a_person_may_take_longer() -> None:
    """Both are counted from the push, so that being led on gives no time."""
    assert REQUEST.expires_at == NOW + LIFETIME
    assert replace(REQUEST, on_its_way=True).expires_at == NOW + ON_ITS_WAY


def test_it_is_remembered_for_longer_than_anything_lives_that_could_use_it_again() -> None:
    """The last trip to a Provider, begun in the last second, and a minute for a clock that is behind."""
    assert PUSHED.forget_at >= NOW + ON_ITS_WAY + attempt.LIFETIME + 60


@pytest.mark.parametrize(
    "values",
    [None, [], [""], ["https://evil.example/r"], [PREFIX.upper() + "x"], [" " + PREFIX + "x"], [PREFIX + "x"] * 2],
    ids=["absent", "none", "empty", "elsewhere", "capitals", "space", "twice"],
)
def test_nothing_else_is_taken_for_a_pushed_request(values: list[str] | None) -> None:
    """Then it is one of the parameters, and refused with the rest of them."""
    assert sealed_in({} if values is None else {"request_uri": values}) is None


def test_what_is_sealed_follows_the_prefix() -> None:
    """RFC 9126 section 2.2; even nothing."""
    assert [sealed_in({"request_uri": [PREFIX + sealed]}) for sealed in ("k1.x", "")] == ["k1.x", ""]
