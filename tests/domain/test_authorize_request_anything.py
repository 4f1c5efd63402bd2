"""Authorize requests out of whatever can be sent: no crash, no foreign redirect, no altered state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qs

from hypothesis import event, given, settings
from hypothesis import strategies as st

from broker.domain.application import Application, ApplicationType
from broker.domain.authorize_request import KNOWN, AuthorizeRequest, application_id_of, check
from broker.domain.errors import Refusal
from broker.domain.ids import ClientOrgId, RegistrationId
from broker.domain.redirect import ResponseMode, answer_to
from broker.domain.request_refused import RequestRefused
from tests.domain.world import APPLICATION, ASKED, CHALLENGE, ISSUER, REDIRECT_URI, REQUEST

NATIVE = replace(APPLICATION, redirect_uris=(REDIRECT_URI, "http://127.0.0.1/cb"))
SERVER = replace(NATIVE, type=ApplicationType.CONFIDENTIAL)

printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=80)
lengths = st.sampled_from([64, 65, 1024, 1025, 4096, 4097, 20_000])
ODD = [
    *("", " ", "\x00", "\r\n", "none", "token", "plain", "openid", "-1", "acme", "\ud800", "%00", "\u0663", CHALLENGE),
    *("https://evil.example", f"{REDIRECT_URI}@evil.example", "http://127.0.0.1:9/cb", "http://127.0.0.1:9@evil/cb"),
]
odd = st.sampled_from([*(value for values in ASKED.values() for value in values), *ODD])
values = odd | st.text(max_size=20) | printable | st.builds("x".__mul__, lengths)
anything = st.dictionaries(
    st.sampled_from(KNOWN) | st.text(max_size=8), st.lists(values, max_size=3), max_size=len(KNOWN)
)
nearly_right = anything.map(lambda changes: ASKED | {name: given for name, given in changes.items() if len(given) != 1})
one_changed = st.builds(lambda name, given: ASKED | {name: given}, st.sampled_from(KNOWN), st.lists(values, max_size=2))


@settings(max_examples=400)
@given(anything | nearly_right | one_changed, st.sampled_from([NATIVE, SERVER, replace(NATIVE, redirect_uris=())]))
def test_whatever_is_sent_it_is_read_or_refused(
    parameters: Mapping[str, Sequence[str]], application: Application
) -> None:
    """By a refusal and no other exception; the Application is told only at a registered target, the state is whole."""
    sent = list(parameters.get("state", ()))
    try:
        outcome: AuthorizeRequest | RequestRefused = check(parameters, application)
    except RequestRefused as refused:
        outcome = refused
    except Refusal as refused:
        event("shown")
        assert refused.code == "invalid_redirect_uri"
        return
    event(type(outcome).__name__)
    assert [outcome.redirect_uri] == list(parameters["redirect_uri"])
    assert application.may_redirect_to(outcome.redirect_uri)
    assert outcome.state is None or [outcome.state] == sent
    assert answer_to(outcome, ISSUER).url.startswith(outcome.redirect_uri)
    if isinstance(outcome, AuthorizeRequest):
        assert outcome.state == (sent[0] or None if sent else None)
        assert outcome.scopes[0] == "openid"
        assert len(outcome.code_challenge) == 43
        for text in (outcome.nonce, outcome.login_hint, outcome.id_token_hint, outcome.organization, outcome.provider):
            assert text is None or [text] in [list(given) for given in parameters.values()]


@given(anything | one_changed)
def test_whatever_is_sent_the_application_is_named_or_it_is_refused(parameters: Mapping[str, Sequence[str]]) -> None:
    """By exactly one short, plain name."""
    try:
        application_id = application_id_of(parameters)
    except Refusal as refused:
        assert not isinstance(refused, RequestRefused)
    else:
        assert [application_id] == list(parameters["client_id"])
        assert application_id.isascii()
        assert 1 <= len(application_id) <= 64


names = st.text("abcXYZ019._-", min_size=1, max_size=64)
requests = st.builds(
    replace,
    st.just(REQUEST),
    redirect_uri=st.sampled_from([REDIRECT_URI, "http://127.0.0.1:4711/cb"]),
    scopes=st.sampled_from([("openid",), ("openid", "email"), ("openid", "email", "profile")]),
    response_mode=st.sampled_from(ResponseMode),
    state=st.none() | printable,
    nonce=st.none() | printable,
    prompts=st.frozensets(st.sampled_from(["login", "consent", "select_account"])) | st.just(frozenset({"none"})),
    max_age=st.none() | st.integers(0, 999_999_999),
    id_token_hint=st.none() | printable,
    login_hint=st.none() | printable,
    organization=st.none() | names.map(ClientOrgId),
    provider=st.none() | names.map(RegistrationId),
)


@given(requests)
def test_a_request_survives_the_trip_to_the_provider(request: AuthorizeRequest) -> None:
    """It travels as a query; only what the sign-in fulfils is left behind."""
    query = request.to_query()

    parameters = parse_qs(query, strict_parsing=True)
    expected = replace(
        request,
        prompts=request.prompts & {"consent"},
        max_age=None,
        id_token_hint=None,
        login_hint=None,
        provider=None,
    )
    assert query.isascii()
    assert application_id_of(parameters) == request.application_id
    assert check(parameters, NATIVE) == expected
    assert check(parameters, NATIVE).to_query() == query


@given(requests)
def test_what_passed_once_passes_again(request: AuthorizeRequest) -> None:
    """A request in full, sent by an Application, is read as what it says."""
    said = {
        "client_id": request.application_id,
        "redirect_uri": request.redirect_uri,
        "response_type": "code",
        "response_mode": request.response_mode.value,
        "scope": " ".join(request.scopes),
        "state": request.state,
        "nonce": request.nonce,
        "code_challenge": request.code_challenge,
        "code_challenge_method": "S256",
        "prompt": " ".join(sorted(request.prompts)) or None,
        "max_age": None if request.max_age is None else str(request.max_age),
        "id_token_hint": request.id_token_hint,
        "login_hint": request.login_hint,
        "organization": request.organization,
        "provider": request.provider,
    }

    assert check({name: [value] for name, value in said.items() if value is not None}, NATIVE) == request
