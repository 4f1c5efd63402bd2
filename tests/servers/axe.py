"""axe-core in a page: what it finds wrong, at any width and in both colour schemes, without being loaded each time.

Not a place for what axe does not look at: sideways scrolling, pictures.
"""

from __future__ import annotations

from typing import Any, Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

Scheme = Literal["light", "dark"]
_EVERYTHING = '{resultTypes: ["violations", "incomplete"]}'
_COLOURS = '{resultTypes: ["violations", "incomplete"], runOnly: ["color-contrast"]}'


async def problems(page: Page, *, only_colours: bool = False, strict: bool = True) -> list[str]:
    """What is wrong with the page as it is shown now, one line each. `only_colours`: the rest was looked at before.

    `strict`: what axe could not decide about the contrast of words counts too.
    """
    if not await page.evaluate("Boolean(window.axe)"):
        await page.evaluate(Axe().axe_script)
    answer: dict[str, Any] = await page.evaluate(f"axe.run({_COLOURS if only_colours else _EVERYTHING})")
    undecided = [rule for rule in answer["incomplete"] if strict and rule["id"] == "color-contrast"]
    return [
        f"{rule['id']} at {node['target']}: {node.get('failureSummary')}"
        for rule in answer["violations"] + undecided
        for node in rule["nodes"]
    ]
