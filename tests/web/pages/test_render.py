"""What every page keeps to, whatever its view is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings

from broker.web.pages.assets import ASSETS
from broker.web.pages.render import TEMPLATES, render
from broker.web.pages.shell import Shell
from broker.web.pages.views import ConsentView, FormPostView, SignOutView, View
from tests.web.pages.any_view import any_view, retold
from tests.web.pages.markup import Page
from tests.web.pages.samples import HIDDEN, NOW, UNDER_A_PATH
from tests.web.pages.states import HOSTILE_STATES, STATES

EVERYTHING: Mapping[str, View] = {**STATES, **HOSTILE_STATES}
EVERY_STATE = pytest.mark.parametrize("name", EVERYTHING)
ANYTHING = settings(max_examples=300)


def page_of(name: str) -> Page:
    """The page of a named state, read."""
    return Page(render(EVERYTHING[name]))


def test_every_view_has_a_template() -> None:
    """A view that is added without a page is noticed here."""
    assert set(TEMPLATES) == set(get_args(View))


def test_every_view_is_among_the_states_plain_and_hostile() -> None:
    """What the browser tests look at leaves no view out."""
    assert {type(view) for view in STATES.values()} == set(TEMPLATES)
    assert {type(view) for view in HOSTILE_STATES.values()} == set(TEMPLATES)


@EVERY_STATE
def test_a_page_has_one_heading_landmarks_and_a_way_past_the_header(name: str) -> None:
    """People who do not see the page find their way by its structure."""
    page = page_of(name)

    assert "".join(page.one("h1").text).strip()
    assert page.one("main").attributes["id"] == "main"
    assert page.all("a")[0].attributes == {"class": "skip", "href": "#main"}
    assert len(page.all("header")) >= 1
    assert len(page.all("footer")) == 1
    assert page.one("html").attributes["lang"] == "en"


@EVERY_STATE
def test_a_page_is_titled_with_what_it_is_and_whose(name: str) -> None:
    """A tab among twenty can be told apart."""
    what, _, whose = "".join(page_of(name).one("title").text).rpartition(" \u2013 ")

    assert what.strip()
    assert whose == "Partner Ops"


@EVERY_STATE
def test_a_page_asks_nothing_of_a_strict_content_security_policy(name: str) -> None:
    """No script, no style and no handler inside it, and nothing from another origin."""
    page = page_of(name)

    assert page.all("style", "iframe", "object", "embed", "base") == []
    scripts = [(list(e.attributes), "".join(e.text)) for e in page.all("script")]
    assert scripts == [(["src", "defer"], "")] * isinstance(EVERYTHING[name], FormPostView)
    assert page.values("style") == []
    assert [a for element in page.elements for a in element.attributes if a.startswith("on")] == []
    loaded = [*page.values("src"), *page.values("srcset"), *(e.attributes["href"] or "" for e in page.all("link"))]
    assert [path for path in loaded if path.removeprefix("/id") not in ASSETS] == []


@EVERY_STATE
def test_everything_is_closed_and_every_reference_leads_somewhere(name: str) -> None:
    """Identifiers are unique; labels, descriptions and the skip link name one that is there."""
    page = page_of(name)
    ids = page.values("id")
    pointed_at = [
        *page.values("for"),
        *page.values("aria-labelledby"),
        *page.values("aria-describedby"),
        *(href.removeprefix("#") for href in page.values("href") if href.startswith("#")),
    ]

    assert page.misnested == []
    assert len(ids) == len(set(ids))
    assert set(pointed_at) <= set(ids)


@EVERY_STATE
def test_every_form_is_posted_with_the_csrf_token(name: str) -> None:
    """A form without it would be refused, or worse, not be."""
    page = page_of(name)
    token = EVERYTHING[name].shell.csrf
    if isinstance(EVERYTHING[name], FormPostView):  # another site's, which it must never reach
        assert "csrf" not in page.values("name")
        return

    for form in page.all("form"):
        tokens = [e for e in page.all("input") if e.form == form.form and e.attributes.get("name") == "csrf"]
        assert form.attributes["method"] == "post"
        assert [e.attributes["value"] for e in tokens] == [token]
        assert [e.attributes["type"] for e in tokens] == ["hidden"]


@EVERY_STATE
def test_every_picture_is_decoration_beside_its_words(name: str) -> None:
    """A mark is never the only way to know a provider."""
    assert [e.attributes.get("alt") for e in page_of(name).all("img") if e.attributes.get("alt") != ""] == []


@EVERY_STATE
def test_every_date_can_be_read_by_people_and_machines(name: str) -> None:
    """As people say it, exact on hover, and in the element's own attribute."""
    for moment in page_of(name).all("time"):
        assert (moment.attributes["datetime"] or "").endswith("Z")
        assert (moment.attributes["title"] or "").endswith(" UTC")
        assert "".join(moment.text)


def test_no_token_means_no_field() -> None:
    """A shell without a CSRF token renders forms without an empty one."""
    page = Page(render(replace(STATES["sessions-many"], shell=Shell(request_id="r", now=NOW, signed_in_as="Ada"))))

    assert len(page.all("form")) == 4
    assert page.all("input") == []


def test_hidden_fields_travel_with_every_provider() -> None:
    """Whichever button is pressed, the Application's request is carried on."""
    page = page_of("sign-in-many")

    for form in page.all("form"):
        fields = {(e.attributes["name"], e.attributes["value"]) for e in page.all("input") if e.form == form.form}
        assert set(HIDDEN) < fields


def test_every_address_keeps_to_the_path_of_the_issuer() -> None:
    """A broker that lives under a path links, loads and posts under it."""
    page = Page(render(STATES["under-a-path"]))
    addresses = [*page.values("href"), *page.values("src"), *page.values("action")]

    assert [a for a in addresses if not a.startswith(("#", UNDER_A_PATH.links.prefix + "/"))] == []


@given(view=any_view())
@ANYTHING
def test_words_never_change_the_structure_of_a_page(view: View) -> None:
    """Whatever a name, a value or a reason says, it becomes text: the same elements, the same attributes."""
    told = Page(render(view))
    plainly = Page(render(retold(view, "word")))

    assert told.misnested == []
    assert plainly.skeleton() == told.skeleton()


@given(view=any_view())
@ANYTHING
def test_every_csrf_token_comes_back_as_it_was_given(view: View) -> None:
    """Escaping for the page is undone by the browser."""
    tokens = [e.attributes["value"] for e in Page(render(view)).all("input") if e.attributes["name"] == "csrf"]

    assert view.shell.csrf or not tokens
    assert set(tokens) <= {view.shell.csrf}


@given(view=any_view(SignOutView, ConsentView))
@ANYTHING
def test_every_hidden_field_comes_back_as_it_was_given(view: SignOutView | ConsentView) -> None:
    """In their order, none lost and none added."""
    fields = [e.attributes for e in Page(render(view)).all("input") if e.attributes["type"] == "hidden"]
    own = [(f["name"], f["value"]) for f in fields]

    assert own == ([("csrf", view.shell.csrf)] if view.shell.csrf else []) + list(view.hidden)
