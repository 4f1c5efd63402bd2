"""The files that pages refer to."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from broker.web.pages.assets import ASSETS, asset_path, packed

SOURCE = (Path(__file__).parents[3] / "broker" / "web" / "assets" / "broker.css").read_text()
STYLESHEET = ASSETS[asset_path("broker.css")].content.decode()


def test_a_path_carries_the_hash_of_its_content() -> None:
    """So that an answer can be cached for ever, and a changed file is another one."""
    for path, asset in ASSETS.items():
        digest = hashlib.sha256(asset.content).hexdigest()[:16]
        assert re.fullmatch(rf"/assets/[a-z-]+\.{digest}\.(css|js|svg)", path)
        assert asset.etag == f'"{digest}"'


def test_a_file_is_answered_as_what_it_is() -> None:
    """With `nosniff`, a wrong type would mean no style and no picture."""
    assert ASSETS[asset_path("broker.css")].content_type == "text/css; charset=utf-8"
    assert ASSETS[asset_path("google.svg")].content_type == "image/svg+xml"


@pytest.mark.parametrize("name", ["", "missing.css", "../pages/assets.py", "broker.css/"])
def test_an_unknown_name_is_nobodys(name: str) -> None:
    """There is no path to what is not there."""
    with pytest.raises(KeyError):
        asset_path(name)


def test_every_file_is_among_them() -> None:
    """Nothing lies in the folder that is never answered."""
    folder = Path(__file__).parents[3] / "broker" / "web" / "assets"

    assert len(ASSETS) == len(list(folder.iterdir()))


def test_pictures_do_nothing_but_draw() -> None:
    """An SVG opened by itself is a document: no script, no style, nothing from elsewhere."""
    for path, asset in ASSETS.items():
        if path.endswith(".svg"):
            drawn = asset.content.decode()
            assert not re.search(r"<script|<style|\bon\w+=|href|url\(|@import|<foreignObject", drawn)


def test_the_one_script_presses_the_button() -> None:
    """It asks for nothing, reads nothing and keeps nothing."""
    assert [path for path in ASSETS if path.endswith(".js")] == [asset_path("form-post.js")]
    assert ASSETS[asset_path("form-post.js")].content == b"document.forms[0].submit();\n"


def test_the_stylesheet_loads_nothing() -> None:
    """Neither fonts nor images nor other sheets."""
    assert not re.search(r"url\(|@import|@font-face|https?:", STYLESHEET)


def test_the_stylesheet_stays_small() -> None:
    """It is one round trip on a slow line."""
    assert len(STYLESHEET) < 10_000


def test_what_is_left_out_of_the_stylesheet_was_not_for_browsers() -> None:
    """Comments and space between; nothing inside quotes."""
    quoted = re.findall(r'"[^"]*"', re.sub(r"/\*.*?\*/", "", SOURCE, flags=re.DOTALL))

    assert packed(b"/* a\n{ */\na:hover,\n.b > c {\n  margin: 0 -1px;\n  width: calc(1px + 2px);\n}\n") == (
        b"a:hover,.b > c{margin:0 -1px;width:calc(1px + 2px)}"
    )
    assert quoted
    assert re.findall(r'"[^"]*"', STYLESHEET) == quoted


@pytest.mark.parametrize(
    "role", ["ground", "card", "ink", "quiet", "line", "accent", "accent-ink", "good", "warn", "bad"]
)
def test_every_colour_role_has_a_light_and_a_dark_value(role: str) -> None:
    """Both schemes come from the same names."""
    assert len(re.findall(rf"--{role}: #[0-9a-f]+;", SOURCE)) == 2
