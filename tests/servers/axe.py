"""axe-core in a page: what it finds wrong, at any width and in both colour schemes, without being loaded each time.

Not a place for what axe does not look at: sideways scrolling, pictures.
"""

from __future__ import annotations

from typing import Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, Page

Scheme = Literal["light", "dark"]
_EVERYTHING: dict[str, list[str]] = {"resultTypes": ["violations", "incomplete"]}
_COLOURS = {**_EVERYTHING, "runOnly": ["color-contrast"]}
# Only what is wrong leaves the page: axe tells of every rule and element, which takes longer to read than to find out.
_WRONG = """async ([options, strict]) => {
    const {violations, incomplete} = await axe.run(options);
    const undecided = incomplete.filter(rule => strict && rule.id === "color-contrast");
    return [...violations, ...undecided].flatMap(rule =>
        rule.nodes.map(node => `${rule.id} at ${node.target}: ${node.failureSummary}`));
}"""


async def prepare(context: BrowserContext) -> None:
    """Have axe in every page to come, which is quicker than to bring it to each that is looked at."""
    await context.add_init_script(Axe().axe_script)


async def problems(page: Page, *, only_colours: bool = False, strict: bool = True) -> list[str]:
    """What is wrong with the page as it is shown now, one line each. `only_colours`: the rest was looked at before.

    `strict`: what axe could not decide about the contrast of words counts too.
    """
    if not await page.evaluate("Boolean(window.axe)"):
        await page.evaluate(Axe().axe_script)
    wrong: list[str] = await page.evaluate(_WRONG, [_COLOURS if only_colours else _EVERYTHING, strict])
    return wrong
