"""G07-05: what a User takes away from an Application stays away, whatever the Application asks for meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from tests.security.browser import answered, ask
from tests.security.test_code_grant import allow, invalid_grant
from tests.security.world import World

pytestmark = pytest.mark.anyio

OFFLINE = "openid email offline_access"


@pytest.mark.parametrize("rounds", [4])
async def test_after_a_removal_nothing_comes_without_asking(any_world: World, rounds: int) -> None:
    """Codes and refreshes at two processes, and the removal, at once: all of it is dead afterwards."""
    ada = any_world.browser()
    await ada.sign_in()
    csrf, other = await ada.csrf(), await any_world.another()
    elsewhere = any_world.browser(app=other)
    elsewhere.http.cookies.update(ada.http.cookies)
    for _ in range(rounds):
        first = ask("crm", scope=OFFLINE)
        code = answered(await allow(ada, first))["code"]
        token = (await ada.redeem(first, code)).json()["refresh_token"]
        asked = [ask("crm", scope=OFFLINE) for _ in range(6)]
        with any_world.watch.together():
            removed, *answers = await asyncio.gather(
                ada.post("/account/applications/crm/remove", {"csrf": csrf}),
                *((ada, elsewhere)[number % 2].get(one.url) for number, one in enumerate(asked)),
                elsewhere.refresh(token, "crm"),
            )
        assert removed.status_code == 200
        for one, answer in zip(asked, answers, strict=False):
            told = {} if answer.status_code == 503 else answered(answer)
            assert "code" not in told or invalid_grant(await ada.redeem(one, told["code"]))
        assert invalid_grant(await ada.refresh(token, "crm"))
        assert (await ada.get(ask("crm", scope=OFFLINE).url)).headers["Location"].startswith("/oauth/consent")
