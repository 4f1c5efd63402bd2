"""An Application's authorize request that is right: how each parameter is read, and what goes on after the sign-in."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from broker.domain.authorize_request import MAX_KEPT, application_id_of, check, redirect_uri_of
from broker.domain.ids import ClientOrgId, KeyThumbprint, RegistrationId
from broker.domain.redirect import ResponseMode
from broker.domain.request_refused import RequestRefused, refuse
from tests.domain.world import APPLICATION, PUSHED, REDIRECT_URI, REQUEST, asked, shortened


def test_a_right_request_is_read_whole() -> None:
    """Its scopes in our order."""
    assert check(asked(), APPLICATION) == REQUEST


def test_the_optional_parameters_are_read() -> None:
    """Each into its own type."""
    parameters = asked(
        response_mode="query",
        prompt="login consent",
        max_age="300",
        id_token_hint="a.b.c",
        login_hint="ada@acme.example",
        organization="acme",
        provider="google",
        dpop_jkt="k" * 43,
        ui_locales="de",
    )

    assert check(parameters, APPLICATION) == replace(
        REQUEST,
        prompts=frozenset({"login", "consent"}),
        max_age=300,
        id_token_hint="a.b.c",
        login_hint="ada@acme.example",
        organization=ClientOrgId("acme"),
        provider=RegistrationId("google"),
        dpop_jkt=KeyThumbprint("k" * 43),
    )


def test_nothing_of_the_person_is_shown_by_repr() -> None:
    """State, nonce and hints."""
    request = check(asked(id_token_hint="hint-canary", login_hint="login-canary"), APPLICATION)

    assert "canary" not in repr(request)


@pytest.mark.parametrize("client_id", ["demo-app", "A.b_c-9", "x", "x" * 64])
def test_the_application_is_named_by_client_id(client_id: str) -> None:
    """OAuth's parameter, and the only place where it is read."""
    assert application_id_of(asked(client_id=client_id)) == client_id


def test_the_proven_target_is_handed_back() -> None:
    """To the byte."""
    assert redirect_uri_of(asked(), APPLICATION) == REDIRECT_URI


def test_a_long_registered_target_is_accepted() -> None:
    """As long as there is room for the rest of the request beside it."""
    uri = "https://app.partner-ops.example/" + "c" * 1600
    application = replace(APPLICATION, redirect_uris=(uri,))

    assert check(asked(redirect_uri=uri), application).redirect_uri == uri


@pytest.mark.parametrize(
    "name",
    [
        *("response_mode", "prompt", "max_age", "id_token_hint", "login_hint", "organization", "provider"),
        *("resource", "request", "request_uri", "registration", "state", "nonce", "dpop_jkt"),
    ],
)
@pytest.mark.parametrize("value", ["", []], ids=["without a value", "none at all"])
def test_an_empty_parameter_counts_as_omitted(name: str, value: str | list[str]) -> None:
    """RFC 6749 section 3.1."""
    assert check(asked(**{name: value}), APPLICATION) == check(asked(**{name: None}), APPLICATION)


def test_unknown_parameters_are_ignored() -> None:
    """RFC 6749 section 3.1; also repeated, empty or enormous ones."""
    parameters = asked(audience="https://evil.example", claims=["{}", "{}"], display="", foo="x" * 10**6, Client_Id="x")

    assert check(parameters, APPLICATION) == REQUEST


@pytest.mark.parametrize("name", ["acr_values", "ui_locales", "claims_locales", "display"])
def test_wishes_that_may_be_left_aside_are(name: str) -> None:
    """OpenID Connect Core section 3.1.2.1: they must not make a request fail."""
    for value in ("x", "urn:other de-DE", ""):
        assert check(asked(**{name: value}), APPLICATION) == REQUEST


@pytest.mark.parametrize("state", ["s", " ", "s" * 1024, "a&b=c#d%00+e", '"<>\\'], ids=shortened)
def test_a_state_is_given_back_to_the_letter(state: str) -> None:
    """Also by a refusal."""
    assert check(asked(state=state), APPLICATION).state == state
    with pytest.raises(RequestRefused) as error:
        check(asked(state=state, scope=None), APPLICATION)

    assert error.value.state == state


@pytest.mark.parametrize("redirect_uri", [REDIRECT_URI, "http://127.0.0.1:4711/cb", "http://localhost:8002/cb?a=b"])
def test_an_answer_can_be_posted_to_the_web(redirect_uri: str) -> None:
    """Also a refusal, and after the trip to a Provider (OAuth 2.0 Form Post Response Mode 1.0 section 2)."""
    application = replace(APPLICATION, redirect_uris=(redirect_uri,))
    parameters = asked(redirect_uri=redirect_uri, response_mode="form_post")
    with pytest.raises(RequestRefused) as error:
        check(parameters | {"scope": []}, application)

    request = check(parameters, application)
    assert {request.response_mode, error.value.response_mode} == {ResponseMode.FORM_POST}
    assert check(parse_qs(request.to_query()), application) == request
    assert refuse(request, "login_required", "Sign in.").response_mode is ResponseMode.FORM_POST


@pytest.mark.parametrize(
    ("redirect_uri", "mode"),
    [("com.example.app:/cb", "form_post"), (REDIRECT_URI, "fragment"), (REDIRECT_URI, ["form_post", "form_post"])],
)
def test_a_mode_that_cannot_be_had_is_refused_by_a_redirect(redirect_uri: str, mode: str | list[str]) -> None:
    """Nothing that is posted arrives at an app's private-use scheme (RFC 8252 section 7.1)."""
    application = replace(APPLICATION, redirect_uris=(redirect_uri,))
    with pytest.raises(RequestRefused) as error:
        check(asked(redirect_uri=redirect_uri, response_mode=mode), application)

    assert (error.value.code, error.value.response_mode) == ("invalid_request", ResponseMode.QUERY)


def test_an_application_may_have_to_push_its_requests() -> None:
    """RFC 9126 section 6: what a browser says itself is refused, in the mode that it asks for."""
    application = replace(APPLICATION, requires_pushed_requests=True)
    with pytest.raises(RequestRefused, match="push") as error:
        check(asked(response_mode="form_post"), application)

    assert (error.value.code, error.value.response_mode) == ("invalid_request", ResponseMode.FORM_POST)
    assert check(asked(), application, pushed=PUSHED) == replace(REQUEST, pushed=PUSHED)


@pytest.mark.parametrize("nonce", ["n", "n" * 64, "n" * 512, None], ids=lambda value: f"{len(value or '')} characters")
def test_a_long_nonce_is_taken_whole(nonce: str | None) -> None:
    """It goes into the ID token."""
    assert check(asked(nonce=nonce), APPLICATION).nonce == nonce


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [
        ("none", {"none"}),
        ("none none", {"none"}),
        ("login", {"login"}),
        ("consent select_account login", {"consent", "select_account", "login"}),
        (" ", set()),
    ],
)
def test_prompts_are_a_set(prompt: str, prompts: set[str]) -> None:
    """OpenID Connect Core section 3.1.2.1."""
    assert check(asked(prompt=prompt), APPLICATION).prompts == prompts


@pytest.mark.parametrize(("max_age", "seconds"), [("0", 0), ("007", 7), ("999999999", 999_999_999)])
def test_max_age_is_whole_seconds(max_age: str, seconds: int) -> None:
    """Zero asks for a sign-in now."""
    assert check(asked(max_age=max_age), APPLICATION).max_age == seconds


@pytest.mark.parametrize("provider", ["goo gle", "x" * 65, "../google", "*"])
def test_a_provider_that_can_be_none_of_ours_is_not_wished_for(provider: str) -> None:
    """The person chooses; it is only a wish."""
    assert check(asked(provider=provider), APPLICATION).provider is None


def test_a_request_goes_on_without_what_the_sign_in_fulfils() -> None:
    """Its wish for a fresh sign-in, for a Provider, and the hints about the person."""
    wishes = asked(
        prompt="login consent", max_age="0", provider="google", login_hint="a@b.example", id_token_hint="a.b.c"
    )

    later = check(parse_qs(check(wishes, APPLICATION).to_query()), APPLICATION)

    assert later == replace(REQUEST, prompts=frozenset({"consent"}))


@pytest.mark.parametrize("prompt", ["login", "select_account", "none"])
def test_only_the_wish_for_consent_survives_the_sign_in(prompt: str) -> None:
    """Asking for another sign-in after the sign-in would never end."""
    assert "prompt" not in parse_qs(check(asked(prompt=prompt), APPLICATION).to_query())


def test_whom_a_request_expects_is_kept_with_it() -> None:
    """Who has signed in is held against the hint; a request without one is kept as it goes on."""
    request, expecting = (check(asked(id_token_hint=hint), APPLICATION) for hint in (None, "a.b.c"))

    assert request.to_keep() == request.to_query()
    assert parse_qs(expecting.to_keep()) == parse_qs(request.to_query()) | {"id_token_hint": ["a.b.c"]}


@pytest.mark.parametrize("prompt", [None, "login", "consent", "none"])
def test_what_is_too_long_to_be_kept_is_refused_before_anybody_signs_in(prompt: str | None) -> None:
    """Whether somebody is signed in makes no difference; for `prompt=none` nothing is kept."""
    room = MAX_KEPT - len(check(asked(prompt=prompt, id_token_hint="h"), APPLICATION).to_keep()) + 1
    fits, too_long = (asked(prompt=prompt, id_token_hint="h" * length) for length in (room, room + 1))

    assert check(fits, APPLICATION).id_token_hint == "h" * room
    if prompt == "none":
        assert check(too_long, APPLICATION).id_token_hint == "h" * (room + 1)
        return
    with pytest.raises(RequestRefused) as error:
        check(too_long, APPLICATION)
    assert (error.value.code, error.value.state) == ("invalid_request", "state-canary")


def test_a_state_has_at_most_1024_characters() -> None:
    """As they are in a query, so many fit into what is kept, beside an ordinary request."""
    long = check(asked(state="s" * 1024), APPLICATION)

    assert len(long.to_keep()) < MAX_KEPT
    with pytest.raises(RequestRefused):
        check(asked(state="s" * 1025), APPLICATION)
