"""One browser's pending trip to a Provider: what travels in its cookie, and which callback it waits for."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.attempt import LIFETIME, MAX_IN_ONE_BROWSER, Purpose, SignInAttempt, check_callback, check_initiator
from broker.domain.errors import Refusal
from broker.domain.ids import AttemptId, ClientOrgId, PushedRequestId, RegistrationId, UserId
from broker.domain.pushed_request import Pushed
from tests.domain.world import ACME, ADA, ATTEMPT, GOOGLE, GRACE, NOW

CONNECTING = replace(ATTEMPT, purpose=Purpose.CONNECT, initiator=ADA)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
attempts = st.builds(
    SignInAttempt,
    id=texts.map(AttemptId),
    purpose=st.sampled_from(Purpose),
    registration=texts.map(RegistrationId),
    organization=st.none() | texts.map(ClientOrgId),
    initiator=st.none() | texts.map(UserId),
    state=texts,
    nonce=texts,
    code_verifier=texts,
    scopes=st.lists(texts, max_size=4).map(tuple),
    continue_to=texts,
    started_at=st.integers(0, 2**40),
    pushed=st.none() | st.builds(Pushed, id=texts.map(PushedRequestId), at=st.integers(0, 2**40)),
)


def refusal_of(attempt: SignInAttempt, *, registration: str = "google", state: str, now: int = NOW) -> str:
    """The code of the refusal, or "" when there is none."""
    try:
        check_callback(attempt, registration=RegistrationId(registration), state=state, now=now)
    except Refusal as refused:
        return refused.code
    return ""


@given(attempts)
def test_what_was_sealed_is_what_is_opened(attempt: SignInAttempt) -> None:
    """To the last value, and of the same types."""
    opened = SignInAttempt.from_bytes(attempt.to_bytes())

    assert opened == attempt
    assert isinstance(opened.purpose, Purpose)
    assert isinstance(opened.scopes, tuple)


@pytest.mark.parametrize(
    "change",
    [{"purpose": "invade"}, {"purpose": None}, {"scopes": None}, {"pushed": {"id": "par_1"}}, {"unknown": 1}],
    ids=["purpose", "no purpose", "no scopes", "half pushed", "unknown field"],
)
def test_an_attempt_of_another_version_does_not_open(change: dict[str, object]) -> None:
    """The person begins again."""
    document = json.loads(ATTEMPT.to_bytes()) | change

    with pytest.raises((ValueError, TypeError)):
        SignInAttempt.from_bytes(json.dumps(document).encode())


@pytest.mark.parametrize("name", sorted(json.loads(ATTEMPT.to_bytes())))
def test_an_attempt_without_one_of_its_parts_does_not_open(name: str) -> None:
    """None of them has a default."""
    document = json.loads(ATTEMPT.to_bytes())
    del document[name]

    with pytest.raises((KeyError, TypeError)):
        SignInAttempt.from_bytes(json.dumps(document).encode())


@pytest.mark.parametrize("plaintext", [b"", b"x", b"[]", b"null", b'"a"', b"\xff"], ids=repr)
def test_what_is_no_attempt_does_not_open(plaintext: bytes) -> None:
    """With an error that the cookie's keeper knows."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        SignInAttempt.from_bytes(plaintext)


def test_no_secret_of_an_attempt_is_shown_by_repr() -> None:
    """State, nonce, verifier, and the request that waits."""
    assert "canary" not in repr(ATTEMPT)


def test_the_callback_it_waits_for_is_accepted() -> None:
    """Same registration, same state, in time."""
    assert refusal_of(ATTEMPT, state="state-canary") == ""


@pytest.mark.parametrize(
    "state",
    [
        "",
        "state-canar",
        "state-canary ",
        "state-canaryx",
        "STATE-CANARY",
        "nonce-canary",
        "stäte-canary",
        "\ud800",
        "x" * 9999,
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_another_state_is_refused(state: str) -> None:
    """RFC 9700 section 4.7; no text of whatever alphabet makes it fail in another way."""
    assert refusal_of(ATTEMPT, state=state) == "invalid_state"


@given(st.text())
def test_only_its_own_state_is_ever_accepted(state: str) -> None:
    """Compared whole."""
    assert refusal_of(ATTEMPT, state=state) == ("" if state == ATTEMPT.state else "invalid_state")


@pytest.mark.parametrize(
    ("later", "code"), [(0, ""), (LIFETIME - 1, ""), (LIFETIME, "expired_state"), (LIFETIME + 1, "expired_state")]
)
def test_a_late_callback_is_refused(later: int, code: str) -> None:
    """The second of the limit is the first that is late."""
    assert ATTEMPT.expires_at == NOW + LIFETIME
    assert refusal_of(ATTEMPT, state="state-canary", now=NOW + later) == code


def test_a_trip_may_take_ten_minutes_and_a_browser_may_be_on_five() -> None:
    """Long enough to find a second factor, and few enough that the cookies stay within what servers accept."""
    assert (LIFETIME, MAX_IN_ONE_BROWSER) == (600, 5)


@pytest.mark.parametrize("registration", ["", "Google", "google2", "microsoft"])
def test_an_answer_at_another_registration_is_refused(registration: str) -> None:
    """RFC 9700 section 4.4: it may be the answer of a Provider that was not asked."""
    assert refusal_of(ATTEMPT, registration=registration, state="state-canary") == "provider_mismatch"


def test_who_has_not_the_state_learns_nothing_else() -> None:
    """Neither that the attempt is late, nor whose it is."""
    assert refusal_of(ATTEMPT, registration="x", state="x", now=NOW + LIFETIME) == "invalid_state"


@pytest.mark.parametrize("signed_in", [None, ADA, GRACE])
@pytest.mark.parametrize("initiator", [None, ADA])
def test_anybody_may_finish_signing_in(initiator: UserId | None, signed_in: UserId | None) -> None:
    """Who was signed in before makes no difference: the browser is proven."""
    check_initiator(replace(ATTEMPT, initiator=initiator, organization=ACME), signed_in)


def test_who_began_connecting_may_finish_it() -> None:
    """In the browser in which they are signed in."""
    check_initiator(CONNECTING, ADA)


@pytest.mark.parametrize(
    ("initiator", "signed_in"),
    [(ADA, None), (ADA, GRACE), (ADA, UserId("")), (None, ADA), (None, None), (UserId("USR_ADA"), ADA)],
)
def test_nobody_else_may_finish_connecting(initiator: UserId | None, signed_in: UserId | None) -> None:
    """An account would be connected to somebody who never asked for it."""
    with pytest.raises(Refusal) as refused:
        check_initiator(replace(CONNECTING, initiator=initiator), signed_in)

    assert refused.value.code == "initiator_mismatch"


def test_a_wrong_state_is_not_repeated() -> None:
    """Neither it nor the right one ends in a log."""
    with pytest.raises(Refusal) as refused:
        check_callback(ATTEMPT, registration=GOOGLE, state="wrong-canary", now=NOW)

    assert "canary" not in str(refused.value) + refused.value.sentence + refused.value.detail


def test_the_registration_is_named_in_the_detail_alone() -> None:
    """The sentence is read by whoever opened the link."""
    with pytest.raises(Refusal) as refused:
        check_callback(ATTEMPT, registration=RegistrationId("corp"), state="state-canary", now=NOW)

    assert refused.value.detail == "attempt is for google, callback at corp"
    assert GOOGLE not in refused.value.sentence
