"""An Application's authorize request: every check with the parameter absent, empty, repeated and wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from broker.domain.authorize_request import (
    KNOWN,
    AuthorizeRequest,
    RequestRefused,
    application_id_of,
    check,
    redirect_uri_of,
    tell_application,
)
from broker.domain.errors import BrokerError, Conflict, Fault, OAuthRefusal, Refusal, SealBroken
from broker.domain.ids import ClientOrgId, RegistrationId
from tests.domain.world import APPLICATION, ASKED, CHALLENGE, REDIRECT_URI, REQUEST, shortened

LONG = 1025
ERROR_DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 appendix A.8


def asked(**changes: str | list[str] | None) -> dict[str, list[str]]:
    """The right request with some parameters changed, or (None) left out."""
    parameters = dict(ASKED)
    for name, value in changes.items():
        parameters.pop(name, None)
        if value is not None:
            parameters[name] = [value] if isinstance(value, str) else value
    return parameters


def refused(parameters: dict[str, list[str]]) -> RequestRefused:
    """What the Application is told."""
    with pytest.raises(RequestRefused) as error:
        check(parameters, APPLICATION)

    return error.value


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
    )


def test_nothing_of_the_person_is_shown_by_repr() -> None:
    """State, nonce and hints."""
    request = check(asked(id_token_hint="hint-canary", login_hint="login-canary"), APPLICATION)

    assert "canary" not in repr(request)


@pytest.mark.parametrize("client_id", ["demo-app", "A.b_c-9", "x", "x" * 64])
def test_the_application_is_named_by_client_id(client_id: str) -> None:
    """OAuth's parameter, and the only place where it is read."""
    assert application_id_of(asked(client_id=client_id)) == client_id


@pytest.mark.parametrize(
    "client_id",
    [
        None,
        "",
        [],
        ["demo-app", "demo-app"],
        ["demo-app", ""],
        " demo-app",
        "demo-app\n",
        "demo/app",
        "x" * 65,
        "dem\u043e-app",
    ],
    ids=ascii,
)
def test_without_one_well_formed_client_id_there_is_no_application(client_id: str | list[str] | None) -> None:
    """It is told to the person: nobody else can be told."""
    with pytest.raises(Refusal) as error:
        application_id_of(asked(client_id=client_id))

    assert error.value.code == "invalid_request"
    assert not isinstance(error.value, RequestRefused)


@pytest.mark.parametrize(
    "redirect_uri",
    [
        None,
        "",
        [],
        [REDIRECT_URI, REDIRECT_URI],
        [REDIRECT_URI, ""],
        REDIRECT_URI + "/",
        "https://evil.example",
        "x" * 10**6,
    ],
    ids=lambda value: shortened(value) if isinstance(value, str) else ascii(value),
)
@pytest.mark.parametrize(
    "also_wrong",
    [
        {},
        {"response_type": "token"},
        {"scope": None},
        {"state": ["a", "b"]},
        {"code_challenge": None},
        {"request": "x"},
    ],
    ids=ascii,
)
def test_an_unproven_target_is_never_redirected_to(
    redirect_uri: str | list[str] | None, also_wrong: dict[str, str | list[str] | None]
) -> None:
    """Whatever else is wrong with the request, it is shown to the person (RFC 9700 section 4.1)."""
    parameters = asked(redirect_uri=redirect_uri, **also_wrong)

    with pytest.raises(Refusal) as error:
        check(parameters, APPLICATION)

    assert error.value.code == "invalid_redirect_uri"
    assert not isinstance(error.value, RequestRefused)
    assert "evil" not in error.value.sentence


def test_the_proven_target_is_handed_back() -> None:
    """To the byte."""
    assert redirect_uri_of(asked(), APPLICATION) == REDIRECT_URI


def test_a_long_registered_target_is_accepted() -> None:
    """What may be registered may be used."""
    uri = "https://app.partner-ops.example/" + "c" * 1900
    application = replace(APPLICATION, redirect_uris=(uri,))

    assert check(asked(redirect_uri=uri), application).redirect_uri == uri


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"response_type": "CODE"}, "unsupported_response_type"),
        ({"response_type": " code"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"response_mode": "web_message"}, "invalid_request"),
        ({"response_mode": "Query"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": " "}, "invalid_scope"),
        ({"scope": "email profile"}, "invalid_scope"),
        ({"scope": "OpenID"}, "invalid_scope"),
        ({"scope": "openid,email"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1]}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1] + "+"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"prompt": "None"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "login create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": " 1"}, "invalid_request"),
        ({"max_age": "1e3"}, "invalid_request"),
        ({"max_age": "\u0663"}, "invalid_request"),
        ({"max_age": "1" * 10}, "invalid_request"),
        ({"organization": " acme"}, "invalid_request"),
        ({"organization": "acme/globex"}, "invalid_request"),
        ({"organization": "*"}, "invalid_request"),
        ({"organization": "x" * 65}, "invalid_request"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/r"}, "request_uri_not_supported"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"nonce": "n" * 513}, "invalid_request"),
        ({"nonce": "n\x00"}, "invalid_request"),
        ({"nonce": "n\n"}, "invalid_request"),
        ({"login_hint": "ada\u200b@acme.example"}, "invalid_request"),
        ({"login_hint": "a" * LONG}, "invalid_request"),
        ({"id_token_hint": "a" * 4097}, "invalid_request"),
        ({"provider": "g" * LONG}, "invalid_request"),
        ({"scope": "openid " + "x" * LONG}, "invalid_request"),
    ],
    ids=lambda value: ascii(value)[:90] if isinstance(value, dict) else value,
)
def test_what_is_wrong_is_told_to_the_application(changes: dict[str, str | None], code: str) -> None:
    """By its code (RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6), at its target, with its state."""
    error = refused(asked(**changes))

    assert (error.code, error.reason) == (code, code)
    assert (error.redirect_uri, error.state) == (REDIRECT_URI, "state-canary")
    assert isinstance(error, OAuthRefusal)
    assert ERROR_DESCRIPTION.fullmatch(error.sentence)
    assert "canary" not in str(error)


@pytest.mark.parametrize("name", [name for name in KNOWN if name not in ("client_id", "redirect_uri")])
@pytest.mark.parametrize("second", ["same", ""])
def test_no_parameter_may_come_twice(name: str, second: str) -> None:
    """RFC 6749 section 3.1."""
    first = asked().get(name, ["x"])[0]

    error = refused(asked(**{name: [first, first if second else ""]}))

    assert (error.code, error.sentence) == ("invalid_request", "A parameter was sent twice.")
    assert error.state == (None if name == "state" else "state-canary")


def test_client_id_may_not_come_twice() -> None:
    """Though the caller has found the Application already."""
    assert refused(asked(client_id=["demo-app", "demo-app"])).sentence == "A parameter was sent twice."


@pytest.mark.parametrize(
    "name",
    [
        *("response_mode", "prompt", "max_age", "id_token_hint", "login_hint", "organization", "provider"),
        *("resource", "request", "request_uri", "registration", "state", "nonce"),
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


@pytest.mark.parametrize("state", ["s", " ", "s" * 4096, "a&b=c#d%00+e", '"<>\\'], ids=shortened)
def test_a_state_is_given_back_to_the_letter(state: str) -> None:
    """Also by a refusal."""
    assert check(asked(state=state), APPLICATION).state == state
    assert refused(asked(state=state, scope=None)).state == state


@pytest.mark.parametrize("state", ["s" * 4097, "st\u00e4te", "s\x00", "s\r\nSet-Cookie: x", "s\x7f"], ids=shortened)
def test_a_state_that_cannot_be_given_back_is_refused_and_never_cut(state: str) -> None:
    """RFC 6749 appendix A.5."""
    error = refused(asked(state=state))

    assert (error.code, error.state) == ("invalid_request", None)


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


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Fault("provider_unavailable", "It is away.", detail="why"), "temporarily_unavailable"),
        (Refusal("upstream_denied", "It was not allowed."), "access_denied"),
        (Refusal("account_disabled", "It is off."), "access_denied"),
        (Refusal("subject_changed", "It changed."), "access_denied"),
        (Refusal("invalid_nonce", "It is wrong."), "server_error"),
        (Refusal("", "It is nameless."), "server_error"),
        (Conflict("AddUser"), "server_error"),
        (SealBroken(), "server_error"),
    ],
    ids=lambda value: value.code or "nameless" if isinstance(value, BrokerError) else value,
)
def test_what_went_wrong_on_the_trip_is_told_in_the_words_of_oauth(error: BrokerError, code: str) -> None:
    """And what really happened stays with us."""
    told = tell_application(error, REQUEST)

    assert (told.code, told.sentence) == (code, error.sentence)
    assert (told.reason, told.detail) == (error.code or code, error.detail)
    assert (told.redirect_uri, told.state) == (REDIRECT_URI, "state-canary")


def test_a_refusal_in_the_words_of_oauth_is_told_as_it_is() -> None:
    """It was meant for the Application from the start."""
    error = RequestRefused("login_required", "Sign in.", redirect_uri=REDIRECT_URI, state="s", reason="max_age")

    assert tell_application(error, REQUEST) is error
    assert error.reason == "max_age"


def test_a_request_is_a_value() -> None:
    """Two alike are one."""
    assert isinstance(REQUEST, AuthorizeRequest)
    assert check(asked(), APPLICATION) == check(asked(), APPLICATION)
