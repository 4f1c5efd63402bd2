"""An Application's authorize request that is refused: every check with the parameter absent, empty, repeated, wrong."""

from __future__ import annotations

import re

import pytest

from broker.domain.authorize_request import KNOWN, application_id_of, check
from broker.domain.errors import OAuthRefusal, Refusal
from broker.domain.request_refused import RequestRefused
from tests.domain.world import APPLICATION, CHALLENGE, REDIRECT_URI, asked, shortened

LONG = 1025
ERROR_DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 appendix A.8


def refused(parameters: dict[str, list[str]]) -> RequestRefused:
    """What the Application is told."""
    with pytest.raises(RequestRefused) as error:
        check(parameters, APPLICATION)

    return error.value


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
        ({"response_mode": "form_post.jwt"}, "invalid_request"),
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
        ({"dpop_jkt": "k" * 42}, "invalid_request"),
        ({"dpop_jkt": "k" * 44}, "invalid_request"),
        ({"dpop_jkt": "k" * 42 + "="}, "invalid_request"),
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


@pytest.mark.parametrize("state", ["s" * 1025, "st\u00e4te", "s\x00", "s\r\nSet-Cookie: x", "s\x7f"], ids=shortened)
def test_a_state_that_cannot_be_given_back_is_refused_and_never_cut(state: str) -> None:
    """RFC 6749 appendix A.5."""
    error = refused(asked(state=state))

    assert (error.code, error.state) == ("invalid_request", None)
