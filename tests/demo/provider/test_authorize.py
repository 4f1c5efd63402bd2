"""The authorize endpoint: what it refuses, how, and what the persona page decides."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.demo.provider.software import CALLBACK, ISSUER, Software, callback

CALENDAR = "https://www.googleapis.com/auth/calendar.readonly"


@pytest.fixture
def software() -> Software:
    return Software()


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": ""},
        {"client_id": "unknown"},
        {"redirect_uri": None},
        {"redirect_uri": ""},
        {"redirect_uri": f"{CALLBACK}/"},
        {"redirect_uri": f"{CALLBACK}?a=b"},
        {"redirect_uri": CALLBACK.upper()},
        {"redirect_uri": "https://software.example.evil.example/callback/google"},
    ],
)
def test_an_unproven_way_back_gets_a_page_and_no_redirect(software: Software, changes: dict[str, str | None]) -> None:
    """Neither an unknown registration nor an inexact redirect URI is ever redirected to."""
    for answer in (software.authorize(**changes), software.answer_page({"decision": "deny"}, changes)):
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "<h1>This request cannot be answered</h1>" in answer.text


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state"])
def test_a_repeated_way_back_gets_a_page(software: Software, name: str) -> None:
    """What decides the way back may be given once only."""
    pairs = [*software.parameters().items(), (name, software.parameters()[name])]

    answer = software.browser.get(f"/o/oauth2/v2/auth?{urlencode(pairs)}")

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "x"}, "request_not_supported"),
        ({"request_uri": "urn:x"}, "request_uri_not_supported"),
        ({"scope": None}, "invalid_request"),
        ({"scope": ""}, "invalid_request"),
        ({"scope": "openid whatever"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"nonce": None}, "invalid_request"),
        ({"nonce": ""}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"prompt": "none consent"}, "invalid_request"),
    ],
)
def test_other_mistakes_go_back_to_the_software(software: Software, changes: dict[str, str | None], error: str) -> None:
    """A mistake behind a proven way back is told to the software, with its state and our issuer."""
    answer = callback(software.authorize(**changes))

    assert (error, "the-state", ISSUER) == (answer["error"], answer["state"], answer["iss"])


def test_a_repeated_parameter_is_an_invalid_request(software: Software) -> None:
    """RFC 6749 section 3.1: no parameter is given twice."""
    pairs = [*software.parameters().items(), ("nonce", "another")]

    answer = callback(software.browser.get(f"/o/oauth2/v2/auth?{urlencode(pairs)}"))

    assert answer["error"] == "invalid_request"


def test_a_request_without_openid_needs_no_nonce(software: Software) -> None:
    """The nonce belongs to the ID token, and there is none without `openid`."""
    assert software.authorize(scope=CALENDAR, nonce=None).status_code == 200


def test_a_request_may_be_posted(software: Software) -> None:
    """OpenID Connect Core section 3.1.2.1 wants GET and POST."""
    answer = software.browser.post("/o/oauth2/v2/auth", data=software.parameters())

    assert answer.status_code == 200
    assert "Choose an account" in answer.text


def test_the_page_shows_personas_scopes_and_faults(software: Software) -> None:
    """Who one can be, what is asked for, and what can go wrong, with the first persona chosen."""
    page = software.authorize(scope=f"openid email {CALENDAR}").text

    assert 'value="ada" checked' in page
    assert "See your e-mail address" in page
    assert "See the events in your calendars" in page
    assert "See your name and picture" not in page
    assert 'value="alg_none"' in page
    assert "This is a stand-in for Google." in page


@pytest.mark.parametrize("hint", ["grace@globex.example", "107691504500061906002"])
def test_a_login_hint_chooses_the_persona(software: Software, hint: str) -> None:
    """Google takes an address or a `sub`."""
    assert 'value="grace" checked' in software.authorize(login_hint=hint).text


def test_an_unknown_login_hint_chooses_nobody_in_particular(software: Software) -> None:
    """A hint is a hint."""
    assert 'value="ada" checked' in software.authorize(login_hint="nobody@example.org").text


def test_the_page_is_locked_down(software: Software) -> None:
    """No scripts, no frames, no cache, no referrer."""
    headers = software.authorize().headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"


def test_what_the_software_sent_is_escaped(software: Software) -> None:
    """The request travels in the form's action, as text."""
    page = software.authorize(state='"><script>alert(1)</script>').text

    assert "<script>" not in page


def test_allowing_gives_a_code_with_state_and_issuer(software: Software) -> None:
    """RFC 6749 section 4.1.2 and RFC 9207 section 2."""
    answer = software.allow()

    assert ({"code", "state", "iss"}, "the-state", ISSUER) == (set(answer), answer["state"], answer["iss"])


def test_a_request_without_state_gets_none_back(software: Software) -> None:
    """State is echoed, never invented."""
    assert "state" not in software.allow(state=None)


def test_denying_gives_access_denied(software: Software) -> None:
    """And nothing is recorded."""
    answer = callback(software.answer_page({"persona": "ada", "decision": "deny"}))

    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "the-state", ISSUER)
    assert list(software.provider.grants) == []


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"persona": "ada"},
        {"persona": "ada", "decision": ""},
        {"persona": "ada", "decision": "perhaps"},
        {"decision": "allow"},
        {"persona": "", "decision": "allow"},
        {"persona": "mallory", "decision": "allow"},
        {"persona": "ada", "decision": "allow", "fault": "no_such_fault"},
    ],
)
def test_a_form_that_decides_nothing_allows_nothing(software: Software, form: dict[str, str]) -> None:
    """Absent, empty and unknown values are not a decision."""
    assert software.answer_page(form).status_code == 400
    assert list(software.provider.grants) == []


def test_another_site_cannot_send_the_form(software: Software) -> None:
    """The browser says where a form comes from, and only our own page may send this one."""
    form = {"persona": "ada", "decision": "allow"}

    answer = software.answer_page(form, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 400
    assert list(software.provider.grants) == []


def test_unticked_scopes_are_not_granted(software: Software) -> None:
    """Granular consent: only what is ticked, and `openid`, which cannot be unticked."""
    software.allow(ticks=["email"], scope=f"openid email profile {CALENDAR}")
    software.allow("grace", ticks=[])

    assert [frozenset({"openid", "email"}), frozenset({"openid"})] == [
        grant.scopes for grant in software.provider.grants
    ]


def test_a_tick_for_something_not_asked_for_grants_nothing(software: Software) -> None:
    """The form may narrow the request, never widen it."""
    software.allow(ticks=["email", CALENDAR], scope="openid email")

    assert frozenset({"openid", "email"}) == software.provider.grants[0].scopes


def test_prompt_none_needs_somebody_signed_in(software: Software) -> None:
    """Nobody in this browser yet."""
    assert callback(software.authorize(prompt="none"))["error"] == "login_required"


def test_prompt_none_answers_at_once_after_an_earlier_consent(software: Software) -> None:
    """Signed in here, and everything was allowed before."""
    software.allow()

    assert "code" in callback(software.authorize(prompt="none"))


def test_prompt_none_with_more_than_was_allowed_needs_consent(software: Software) -> None:
    """A scope that was declined before is not given silently."""
    software.allow(ticks=["email"])

    assert callback(software.authorize(prompt="none"))["error"] == "consent_required"


def test_prompt_none_after_revocation_needs_consent(software: Software) -> None:
    """A grant that was ended is forgotten."""
    software.revoke(software.sign_in()["access_token"])

    assert callback(software.authorize(prompt="none"))["error"] == "consent_required"


@pytest.mark.parametrize("hint", ["grace@globex.example", "nobody@example.org"])
def test_prompt_none_for_somebody_else_needs_interaction(software: Software, hint: str) -> None:
    """Silence cannot change who is signed in."""
    software.allow("ada")

    assert callback(software.authorize(prompt="none", login_hint=hint))["error"] == "interaction_required"


@pytest.mark.parametrize("prompt", ["consent", "select_account", None])
def test_otherwise_the_page_is_shown_with_the_last_persona_chosen(software: Software, prompt: str | None) -> None:
    """Also without a prompt, so that one can sign in as somebody else next time."""
    software.allow("grace")

    assert 'value="grace" checked' in software.authorize(prompt=prompt).text


def test_automatic_consent_answers_without_a_page(software: Software) -> None:
    """For tests and load: at once, as one persona, or as whom the hint means."""
    software.provider.consent_automatically("grace", declined=["profile"])

    callback(software.authorize())
    callback(software.authorize(login_hint="ada@acme.example"))

    assert [("grace", {"openid", "email"}), ("ada", {"openid", "email"})] == [
        (grant.persona.persona_id, set(grant.scopes)) for grant in software.provider.grants
    ]


def test_automatic_consent_can_be_taken_back(software: Software) -> None:
    """None brings the page back."""
    software.provider.consent_automatically("ada")
    software.provider.consent_automatically(None)

    assert software.authorize().status_code == 200


def test_automatic_consent_for_nobody_is_an_error(software: Software) -> None:
    """A mistyped persona is noticed at once."""
    with pytest.raises(ValueError, match="no such persona"):
        software.provider.consent_automatically("mallory")


def test_authorize_requests_are_kept_for_inspection(software: Software) -> None:
    """A test can look at what its software sent."""
    software.authorize(prompt="consent")

    assert software.provider.authorize_requests[-1]["prompt"] == "consent"
    assert software.provider.requests["authorize"] == 1
