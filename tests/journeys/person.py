"""A person in Chromium: what they do and what they see, in the words of the pages.

Knows no address but those a person would type, and no selector where a word on the page will do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import jwt
from playwright.async_api import Browser, Locator, Page

from tests.world.world import World

PATIENCE = 30  # seconds; nothing on a page takes as many tenths, but on a machine with much else to do
INVITE = "Ask the administrator of your organisation to invite"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the Application shows of the service's answer for one Client."""

    label: str
    says: str
    rights: tuple[str, ...]


class Person:
    """One page of one browser. `tab` opens another page of the same browser."""

    def __init__(self, page: Page, world: World) -> None:
        self.page = page
        self.world = world

    async def tab(self) -> Person:
        """The same person in a further tab."""
        return Person(await self.page.context.new_page(), self.world)

    # ── the way in ───────────────────────────────────────────────────────────────────────────────────

    async def go_to_the_provider(self, organization: str | None = None) -> None:
        """From the Application through the broker's choice to the Provider's page."""
        await self.page.goto(self.world.application)
        link = f"Only for {organization}" if organization else "Sign in with Partner Ops"
        await self.follow(link)
        await self.press("Sign in with Google")

    async def allow(self, name: str = "Ada Lovelace", *, without: Sequence[str] = (), fault: str = "") -> None:
        """Choose a persona, untick, perhaps choose a fault, and allow."""
        await self.page.get_by_text(name).click()
        for scope in without:
            await self.page.get_by_label(scope).uncheck()
        if fault:
            await self.page.get_by_text("Misbehave").click()
            await self.page.locator(f"input[value={fault}]").check()
        await self.press("Allow")

    async def sign_in(self, name: str = "Ada Lovelace", **choices: Any) -> None:
        """Into the demo Application."""
        await self.go_to_the_provider(choices.pop("organization", None))
        await self.allow(name, **choices)

    async def sign_in_to_account(self, name: str = "Ada Lovelace", **choices: Any) -> None:
        """Into one's own pages, without any Application."""
        await self.page.goto(self.world.issuer)
        await self.press("Sign in with Google")
        await self.allow(name, **choices)

    async def accept(self, *also: str) -> None:
        """What is asked of whoever comes for the first time, and what they like beside."""
        for label in ("I accept the privacy policy and the terms", "I am 18 or older", *also):
            await self.page.get_by_label(label).check()
        await self.press("Accept and continue")

    # ── the account ──────────────────────────────────────────────────────────────────────────────────

    async def open(self, page: str = "") -> None:
        """One of one's own pages: "", "connections", "sessions", "data"."""
        await self.page.goto(f"{self.world.issuer}/account/{page}".rstrip("/"))

    async def disconnect(self) -> None:
        """The only connection, confirmed."""
        await self.open("connections")
        await self.follow("Disconnect Google")
        await self.press("Disconnect Google")

    async def is_signed_in(self) -> bool:
        """Whether one's account opens."""
        await self.open()
        return await self.heading() != "Sign in"

    # ── the Application ──────────────────────────────────────────────────────────────────────────────

    async def call_again(self) -> dict[str, Answer]:
        """Have the Application call its service once more."""
        await self.page.goto(self.world.application)
        await self.press("Call the service again")
        return await self.answers()

    async def answers(self) -> dict[str, Answer]:
        """What the Application shows, by Client."""
        found: dict[str, Answer] = {}
        for item in await self.page.locator(".answers > li").all():
            found[await item.get_by_role("heading").inner_text()] = Answer(
                label=await item.locator(".label").inner_text(),
                says=await item.locator("p").first.inner_text(),
                rights=tuple(await item.locator("code").all_inner_texts()),
            )
        return found

    async def session_jwt(self) -> str:
        """As the Application shows it."""
        return (await self.page.locator(".raw").text_content() or "").strip()

    async def claims(self) -> dict[str, Any]:
        """What is in it, unverified: verifying is the service's and the peers' part."""
        return claims_of(await self.session_jwt())

    # ── what is on the page ──────────────────────────────────────────────────────────────────────────

    async def press(self, name: str) -> None:
        """A button, by all of its name; every one leads to another page."""
        await self.go(self.page.get_by_role("button", name=name, exact=True))

    async def follow(self, name: str) -> None:
        """A link, by some of its name."""
        await self.go(self.page.get_by_role("link", name=name))

    async def go(self, way: Locator, *, by_touch: bool = False) -> None:
        """Press what leads to another page, and be there."""
        async with self.page.expect_navigation(wait_until="domcontentloaded"):
            await (way.tap() if by_touch else way.click())

    async def heading(self) -> str:
        """The page's first heading."""
        return await self.page.get_by_role("heading", level=1).inner_text()

    async def text(self) -> str:
        """Everything to read on the page, in one line."""
        return " ".join((await self.page.locator("main").inner_text()).split())

    def card(self, name: str) -> Locator:
        """The card with this heading."""
        return self.page.locator("article", has=self.page.get_by_role("heading", name=name))


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token, whoever signed it."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


@asynccontextmanager
async def a_person(chromium: Browser, world: World, **options: Any) -> AsyncIterator[Person]:
    """A person with a browser of their own; `options` as `new_context` takes them."""
    context = await chromium.new_context(**options)
    context.set_default_timeout(PATIENCE * 1000)
    try:
        yield Person(await context.new_page(), world)
    finally:
        await context.close()


async def eventually(happened: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what the broker does by the clock, every two seconds. Raises `TimeoutError`."""
    for _ in range(PATIENCE * 20):
        if await happened():
            return
        await anyio.sleep(0.05)
    raise TimeoutError
