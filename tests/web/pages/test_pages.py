"""What single pages say in their states."""

from __future__ import annotations

import pytest

from broker.web.pages.render import render
from tests.web.pages.markup import Element, Page
from tests.web.pages.samples import ADA, NOW
from tests.web.pages.states import STATES


def page_of(name: str) -> Page:
    """The page of a named state, read."""
    return Page(render(STATES[name]))


def buttons(page: Page) -> list[str]:
    """The words on every button of the page's own part."""
    return [" ".join("".join(b.text).split()) for b in page.all("button")]


def labels(page: Page) -> list[str]:
    """The words of every state label."""
    return ["".join(e.text) for e in page.all("span") if (e.attributes.get("class") or "").startswith("label")]


def of_class(page: Page, name: str) -> list[Element]:
    """Every element of a class."""
    return [e for e in page.elements if name in (e.attributes.get("class") or "").split()]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("sign-in-one", "to continue to Demo"),
        ("sign-in-one", "Of your Google profile we keep your name and email address. Nothing else."),
        ("sign-in-provider-down", "Google is not answering at the moment."),
        ("sign-in-invited", "Acme Inc. has invited you."),
        ("sign-in-invited-by-somebody", "You have been invited."),
        ("sign-in-session-expired", "Your session has ended."),
        ("sign-in-again", "Demo wants to be sure that it is you."),
        ("sign-in-connect", "You stay signed in as Ada Lovelace."),
        ("sign-in-without-providers", "There is no way to sign in here yet."),
        ("account", "Read invoices"),
        ("account-one", "One of them needs your attention"),
        ("account-no-client", "to invite ada@acme.example."),
        ("account-no-client-no-address", "to invite you, by the email address of the account"),
        ("account-no-rights", "There is nothing you may do for this organisation at present."),
        ("connections", "Last used 3 days ago by Demo"),
        ("connections", "See your name and picture"),
        ("connections-none", "Nothing is connected"),
        ("connections-needs-attention", "perhaps because you changed your password there"),
        ("connections-told", "Disconnected here, and Google has been told."),
        ("connections-pending", "Google could not be reached yet; we keep trying, next in 5 minutes."),
        ("connections-local", "Microsoft offers no way to be told"),
        ("connections-elsewhere", "It was ended at GitHub."),
        ("connections-untold", "GitHub could not be told."),
        ("error-somebody-elses", "already lets another person in here, so it was not connected"),
        ("disconnect", "What stops"),
        ("disconnect", "What is deleted"),
        ("disconnect", "We tell Google to withdraw everything"),
        ("disconnect", "What stays, and why"),
        ("disconnect-last-way-in", "Connect another account first"),
        ("disconnect-last-way-in-no-offers", "Ask the administrator of your organisation for help."),
        ("sessions-many", "Leeds, United Kingdom"),
        ("sessions-many", "Last seen 40 minutes ago"),
        ("sessions-ended", "2 other browsers have been signed out. You are still signed in here."),
        ("sessions-one", "Sign out everywhere"),
        ("end-all", "also while you are away"),
        ("account", "2 applications have access"),
        ("account-one", "One application has access"),
        ("account-warned", "Somebody used an old key of Northwind Reports, so we ended the access"),
        ("applications", "Not made by Partner Ops"),
        ("applications", "Acme Inc. alone"),
        ("applications", "Nothing about you, only that it is you"),
        ("applications", "its access ends with your session"),
        ("applications", "it need not ask you again"),
        ("applications-none", "Demo has no access any more."),
        ("applications-none", "No application has access"),
        ("applications-warned", "It happened 2 hours ago."),
        ("applications-warned", "If you did not expect this, sign out everywhere"),
        ("remove-access", "We cannot take that back"),
        ("data", "Contact address for Partner Ops notices"),
        ("data", "until 24 August 2027"),
        ("data-nothing", "No account is connected"),
        ("data-corrected", "Your name is corrected."),
        ("sign-out", "Demo asks us to sign you out."),
        ("signed-out", "Back to Demo"),
        ("signed-out-and-more", "Demo could not be told yet"),
        ("consent", "Northwind Reports is not made by Partner Ops."),
        ("consent-several-clients", "until you take it back"),
        ("consent-narrowed", "asked for this organisation alone"),
        ("consent-already", "Read reports for Acme Inc."),
        ("consent-nothing", "Nothing about you, only that it is you."),
        ("privacy", "Downstream services address the User in their own audit trails"),
        ("privacy", "Not passed on"),
        ("terms", "Last revised 10 November 2026"),
    ],
)
def test_a_state_says_what_it_is_about(state: str, words: str) -> None:
    """The sentence that people need is on the page."""
    assert words in page_of(state).says()


def test_an_unavailable_provider_cannot_be_pressed_and_says_why() -> None:
    """The button stays in its place, switched off, with its reason tied to it."""
    off, on = page_of("sign-in-provider-down").all("button")

    assert "disabled" in off.attributes
    assert off.attributes["aria-describedby"] == "way-1"
    assert "disabled" not in on.attributes


def test_each_connection_and_end_wears_its_state_as_a_word() -> None:
    """Never by colour alone."""
    assert labels(page_of("connections-needs-attention")) == ["Needs attention", "Active"]
    assert labels(page_of("connections-pending"))[1:] == ["Pending", "Disconnected", "Disconnected", "Disconnected"]


def test_disconnecting_begins_with_a_page_that_asks() -> None:
    """On the list it is a link to the confirmation, not yet the deed."""
    (link,) = [a for a in page_of("connections").all("a") if (a.attributes["href"] or "").endswith("/disconnect")]

    assert link.attributes["href"] == "/account/connections/con-1/disconnect"
    assert "".join(link.text) == "Disconnect Google, ada@acme.example"


def test_the_destructive_button_comes_after_the_way_back_and_only_on_the_confirmation() -> None:
    """Cancel is reached first; nothing red stands anywhere else."""
    page = page_of("disconnect")
    cancel, danger = of_class(page, "button")[-2:]

    assert (cancel.tag, danger.tag) == ("a", "button")
    assert "danger" in (danger.attributes["class"] or "")
    assert [name for name in STATES if of_class(page_of(name), "danger")] == [
        "disconnect",
        "end-all",
        "remove-access",
        "erase",
        "erase-at-once",
        "erase-one-day",
        "erase-wrong-word",
    ]


def test_the_last_way_in_cannot_be_disconnected() -> None:
    """There is nothing to press, and a way to connect another account first."""
    page = page_of("disconnect-last-way-in")

    assert buttons(page) == ["Continue with Microsoft", "Continue with GitHub", "Continue with Acme single sign-on"]
    assert [f.attributes["action"] for f in page.all("form")] == [
        "/account/connections/microsoft",
        "/account/connections/github",
        "/account/connections/corp",
    ]


def test_this_session_is_marked_and_cannot_be_ended_from_the_list() -> None:
    """Only the others have a button, and all of them have one together."""
    page = page_of("sessions-many")

    assert labels(page) == ["This one"]
    assert [f.attributes["action"] for f in page.all("form")][1:] == [
        "/account/sessions/s-2/end",
        "/account/sessions/s-3/end",
        "/account/sessions/end-others",
    ]
    assert buttons(page)[1] == "End the session in Safari on iPhone, started 5 hours ago"


def test_with_one_session_there_is_nothing_to_end() -> None:
    """A button that does nothing is not shown."""
    assert buttons(page_of("sessions-one")) == ["Sign out"]


def test_consent_is_given_or_refused_by_one_form() -> None:
    """Both answers go to the same address and differ in one field."""
    page = page_of("consent")
    answers = [(b.attributes["name"], b.attributes["value"]) for b in page.all("button")]

    assert page.one("form").attributes["action"] == "/oauth/consent"
    assert answers == [("decision", "allow"), ("decision", "deny")]


def test_a_choice_of_clients_is_a_labelled_tick_each() -> None:
    """What is ticked at first is what the caller says, no more."""
    page = page_of("consent-several-clients")
    ticks = [e.attributes for e in page.all("input") if e.attributes["type"] == "checkbox"]

    assert [(t["name"], t["value"], "checked" in t) for t in ticks] == [
        ("client_org", "acme", True),
        ("client_org", "globex", False),
    ]
    assert [e.attributes["for"] for e in page.all("label")] == ["client-1", "client-2"]


def test_an_error_is_summarised_on_top_and_tied_to_its_field() -> None:
    """The title begins with it, the summary leads to it, the fields are described by it."""
    page = page_of("consent-nothing-chosen")

    assert "".join(page.one("title").text).startswith("Error: ")
    assert page.one("fieldset").attributes["aria-describedby"] == "choice-error"
    assert "client-1" in page.values("id")
    assert "#client-1" in page.values("href")


def test_the_page_one_is_on_is_marked_in_the_navigation() -> None:
    """For eyes by a line, for others by the attribute."""
    here = [e for e in page_of("sessions-one").all("a") if e.attributes.get("aria-current") == "page"]

    assert ["".join(e.text) for e in here] == ["Sessions"]


def test_an_error_shows_the_reference_and_never_the_status() -> None:
    """A number says nothing to people; the reference says everything to those who help."""
    page = page_of("error-our-side")

    assert f"quote this reference: {ADA.request_id}" in page.says()
    assert "500" not in page.says()


def test_a_date_is_near_in_words_and_exact_on_hover() -> None:
    """`now` comes with the view, so the same view is always the same page."""
    said = [e for e in page_of("sessions-one").all("time") if "".join(e.text) == "20 minutes ago"]

    assert said[0].attributes == {"datetime": "2026-11-22T13:45:00Z", "title": "22 November 2026, 13:45 UTC"}
    assert NOW == 1_795_356_300
