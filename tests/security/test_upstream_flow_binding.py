"""G01."""

from __future__ import annotations

import pytest

from tests.security.browser import Browser, ask
from tests.security.world import World

pytestmark = pytest.mark.anyio


async def test_smoke(world: World, ada: Browser) -> None:
    """x."""
    request = ask()
    tokens = await ada.tokens_for(request)
    assert (await ada.userinfo(tokens["access_token"])).json()["email"] == "ada@acme.example"
    r = await ada.get("/callback/google?state=x&code=y")
    assert r.status_code == 400
