"""Which of our own pages somebody comes back to after signing in."""

from __future__ import annotations

import pytest

from broker.domain.own_page import device_page, own_page


@pytest.mark.parametrize("page", [device_page(None), device_page("WDJB-MJHT")])
def test_the_devices_page_is_one(page: str) -> None:
    """With its code, and without one."""
    assert own_page(page) == page
    assert page.startswith("/device")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "/account",
        "//device",
        "/\\device",
        "/device/",
        "/device/answer",
        "/device?user_code=",
        "/device?user_code=wdjb-mjht",
        "/device?user_code=WDJB-MJHT&decision=allow",
        "/device?user_code=WDJB-MJHT\n",
        "/device#WDJB-MJHT",
        " /device",
        "/device\n",
        "https://evil.example/device",
        "//evil.example/device",
        "/%09/device",
        "/device?next=//evil.example",
    ],
)
def test_nothing_else_is(text: str) -> None:
    """G05-08: an allow-list, to the letter."""
    assert own_page(text) is None
