"""Tokens, ids, keyed hashes, and what travels sealed: the attempt in a cookie, the pushed request in its URI."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.crypto import base64url
from broker.crypto.cookies import MAX_VALUE, seal_cookie
from broker.crypto.secrets import KeyringSecrets
from broker.domain.attempt import Purpose, SignInAttempt
from broker.domain.authorize_request import MAX_KEPT
from broker.domain.errors import Fault
from broker.domain.ids import ApplicationId, AttemptId, ClientOrgId, PushedRequestId, RegistrationId, UserId
from broker.domain.pushed_request import MAX_LENGTH, Pushed, PushedRequest
from broker.flows.ports import Secrets
from providers import PROVIDERS
from providers.spec import Provider
from tests.crypto.examples import ATTEMPT, COOKIE_KEY, KEYRING, LOOKUP_KEY, NEW_COOKIE_KEY, drawn

SECRETS: Secrets = KeyringSecrets(KEYRING)
REQUEST = PushedRequest(
    pushed=Pushed(id=PushedRequestId("par_1"), at=ATTEMPT.started_at),
    application_id=ApplicationId("demo-app"),
    parameters="state=state-canary&nonce=nonce-canary",
)


def test_a_token_is_256_bits() -> None:
    """43 characters of base64url."""
    assert KeyringSecrets(KEYRING, random=drawn(b"\xff" * 32)).token() == "_" * 42 + "8"
    assert re.fullmatch("[A-Za-z0-9_-]{43}", SECRETS.token())


def test_tokens_and_ids_do_not_repeat() -> None:
    """A thousand of each."""
    assert len({SECRETS.token() for _ in range(1000)}) == 1000
    assert len({SECRETS.new_id("usr") for _ in range(1000)}) == 1000


def test_an_id_begins_with_what_it_names() -> None:
    """And says nothing else."""
    assert re.fullmatch("usr_[a-z2-7]{26}", SECRETS.new_id("usr"))


def test_stuck_randomness_gives_no_two_tokens() -> None:
    """Two people would share one."""
    secrets = KeyringSecrets(KEYRING, random=bytes)
    secrets.token()

    with pytest.raises(Fault):
        secrets.token()


def test_a_keyed_hash_is_64_hex_digits_and_always_the_same() -> None:
    """In every process that has the keyring."""
    hashed = SECRETS.keyed_hash("session", "value")

    assert re.fullmatch("[0-9a-f]{64}", hashed)
    assert KeyringSecrets(KEYRING).keyed_hash("session", "value") == hashed


def test_a_keyed_hash_depends_on_kind_value_and_key() -> None:
    """One more letter in any of them, another hash."""
    other_key = KeyringSecrets(replace(KEYRING, lookup_keys=(replace(LOOKUP_KEY, key=os.urandom(32)),)))
    hashes = {
        SECRETS.keyed_hash("session", "value"),
        SECRETS.keyed_hash("code", "value"),
        SECRETS.keyed_hash("session", "values"),
        SECRETS.keyed_hash("sessions", "value"),
        SECRETS.keyed_hash("sessionv", "alue"),
        SECRETS.keyed_hash("session", ""),
        other_key.keyed_hash("session", "value"),
    }

    assert len(hashes) == 7


def test_a_keyed_hash_is_no_plain_hash() -> None:
    """Without the keyring nobody can try out e-mail addresses."""
    value = b"ada@acme.example"
    plain = {hashlib.sha256(value).hexdigest(), hmac.digest(LOOKUP_KEY.key, value, "sha256").hex()}

    assert SECRETS.keyed_hash("email", value.decode()) not in plain


@given(st.text(), st.text())
def test_any_text_has_a_hash_of_its_own(one: str, other: str) -> None:
    """Even text that is not Unicode."""
    assert (SECRETS.keyed_hash("code", one) == SECRETS.keyed_hash("code", other)) is (one == other)


@given(st.text(), st.text())
def test_text_is_the_same_as_itself_only(one: str, other: str) -> None:
    """Whatever it consists of."""
    assert SECRETS.same(one, one)
    assert SECRETS.same(one, other) is (one == other)


ATTEMPTS = st.builds(
    SignInAttempt,
    id=st.just(ATTEMPT.id),
    purpose=st.sampled_from(Purpose),
    registration=st.text(max_size=20).map(RegistrationId),
    organization=st.none() | st.text(max_size=20).map(ClientOrgId),
    initiator=st.none() | st.text(max_size=20).map(UserId),
    state=st.text(max_size=50),
    nonce=st.text(max_size=50),
    code_verifier=st.text(max_size=50),
    scopes=st.lists(st.text(max_size=20), max_size=3).map(tuple),
    continue_to=st.text(max_size=60),
    started_at=st.integers(0, 2**40),
)


@given(ATTEMPTS)
def test_an_attempt_comes_back_as_it_went(attempt: SignInAttempt) -> None:
    """Every field of it."""
    assert SECRETS.open_attempt(SECRETS.seal_attempt(attempt)) == attempt


def test_an_attempt_cannot_be_read_by_who_carries_it() -> None:
    """State, nonce and verifier are in the browser, and hidden from it."""
    cookie = SECRETS.seal_attempt(ATTEMPT)
    data = base64url.decode(cookie.partition(".")[2]) or b""

    assert b"canary" not in data
    assert "canary" not in cookie


def test_an_attempt_that_was_touched_is_none() -> None:
    """One character, anywhere."""
    cookie = SECRETS.seal_attempt(ATTEMPT)
    spoiled = [cookie[:at] + ("A" if cookie[at] != "A" else "B") + cookie[at + 1 :] for at in range(len(cookie))]

    assert [value for value in spoiled if SECRETS.open_attempt(value) is not None] == []


def test_an_attempt_of_another_keyring_is_none() -> None:
    """Even if its key has the same id."""
    other = KeyringSecrets(replace(KEYRING, cookie_keys=(replace(COOKIE_KEY, key=os.urandom(32)),)))

    assert other.open_attempt(SECRETS.seal_attempt(ATTEMPT)) is None


def test_attempts_survive_a_change_of_the_cookie_key() -> None:
    """The first seals, all open; a removed one opens nothing."""
    both = KeyringSecrets(replace(KEYRING, cookie_keys=(NEW_COOKIE_KEY, COOKIE_KEY)))
    only_new = KeyringSecrets(replace(KEYRING, cookie_keys=(NEW_COOKIE_KEY,)))
    old = SECRETS.seal_attempt(ATTEMPT)

    assert both.open_attempt(old) == ATTEMPT
    assert only_new.open_attempt(both.seal_attempt(ATTEMPT)) == ATTEMPT
    assert only_new.open_attempt(old) is None


def test_a_cookie_for_another_purpose_is_no_attempt() -> None:
    """Though the same key sealed the same bytes."""
    value = seal_cookie(COOKIE_KEY, "session", ATTEMPT.to_bytes(), os.urandom)

    assert SECRETS.open_attempt(value) is None


def test_the_purpose_of_an_attempt_cannot_be_swapped() -> None:
    """A sign-in does not turn into the connecting of an account: the two never share a ciphertext."""
    as_connect = replace(ATTEMPT, purpose=Purpose.CONNECT, initiator=UserId("usr_1"))
    opened = SECRETS.open_attempt(SECRETS.seal_attempt(as_connect))

    assert opened is not None
    assert opened.purpose is Purpose.CONNECT
    assert SECRETS.open_attempt(SECRETS.seal_attempt(ATTEMPT)) == ATTEMPT


def test_an_attempt_that_no_browser_would_keep_is_refused() -> None:
    """At once and aloud, rather than as "not started in this browser" when the person comes back."""
    with pytest.raises(ValueError, match="longer than a cookie") as refused:
        SECRETS.seal_attempt(replace(ATTEMPT, continue_to="s" * 4000))

    assert "ssss" not in str(refused.value)


def test_whatever_is_kept_of_a_request_fits() -> None:
    """The longest one, with the longest of everything that goes beside it."""
    longest = replace(
        ATTEMPT,
        id=AttemptId(SECRETS.new_id("att")),
        purpose=Purpose.CONNECT,
        registration=RegistrationId("r" * 64),
        organization=ClientOrgId("o" * 64),
        initiator=UserId(SECRETS.new_id("usr")),
        state=SECRETS.token(),
        nonce=SECRETS.token(),
        code_verifier=SECRETS.token(),
        scopes=max((scopes_of(page) for page in PROVIDERS.values()), key=lambda scopes: len(" ".join(scopes))),
        continue_to="s" * MAX_KEPT,
        pushed=Pushed(id=PushedRequestId(SECRETS.new_id("par")), at=ATTEMPT.started_at),
    )
    key = replace(COOKIE_KEY, id="k" * 32)
    secrets = KeyringSecrets(replace(KEYRING, cookie_keys=(key,)))

    assert len(secrets.seal_attempt(longest)) <= MAX_VALUE


def scopes_of(page: Provider) -> tuple[str, ...]:
    """All that could be asked for."""
    return (*page.base_scopes, *{attribute.scope or "" for attribute in page.attributes.values()})


@pytest.mark.parametrize(
    "plaintext",
    [b"", b"{}", b"[]", b"null", b"\xff", b'{"purpose": "sign_in"}', b'{"purpose": []}', b'{"purpose": "x"}'],
)
def test_an_attempt_of_another_version_is_none(plaintext: bytes) -> None:
    """Sealed by us, but not what this version can read: the person begins again."""
    assert SECRETS.open_attempt(seal_cookie(COOKIE_KEY, "attempt", plaintext, os.urandom)) is None


def test_an_attempt_with_a_field_too_many_is_none() -> None:
    """A later version's, perhaps."""
    plaintext = ATTEMPT.to_bytes().replace(b"{", b'{"new": 1, ', 1)

    assert SECRETS.open_attempt(seal_cookie(COOKIE_KEY, "attempt", plaintext, os.urandom)) is None


@given(st.text())
def test_any_text_is_no_attempt(text: str) -> None:
    """And never an exception."""
    assert SECRETS.open_attempt(text) is None
    assert SECRETS.open_request(text) is None


def test_a_pushed_request_opens_as_it_was_sealed() -> None:
    """The longest one too, whose URI still fits into the line of a request; every seal is another text."""
    key = replace(COOKIE_KEY, id="k" * 32)
    secrets = KeyringSecrets(replace(KEYRING, cookie_keys=(key,)))
    request = replace(REQUEST, application_id=ApplicationId("a" * 64), parameters="x" * MAX_LENGTH, on_its_way=True)
    sealed = secrets.seal_request(request)

    assert secrets.open_request(sealed) == request
    assert secrets.seal_request(request) != sealed
    assert len(sealed) < 7500


def test_a_pushed_request_is_sealed_for_that_alone() -> None:
    """A cookie is none, nor the other way round; no bit of it can be flipped, and another keyring opens nothing."""
    sealed = SECRETS.seal_request(REQUEST)
    spoiled = [sealed[:at] + chr(ord(sealed[at]) ^ 1) + sealed[at + 1 :] for at in range(len(sealed))]

    assert "canary" not in sealed
    assert SECRETS.open_attempt(sealed) is None
    assert SECRETS.open_request(SECRETS.seal_attempt(ATTEMPT)) is None
    assert [value for value in spoiled if SECRETS.open_request(value) is not None] == []
    assert KeyringSecrets(replace(KEYRING, cookie_keys=(NEW_COOKIE_KEY,))).open_request(sealed) is None


@pytest.mark.parametrize(
    "plaintext", [b"", b"[]", b"null", b"\xff", b'{"pushed": {}}', b'{"pushed": 1}', b'{"new": 1}']
)
def test_a_pushed_request_of_another_version_is_none(plaintext: bytes) -> None:
    """The Application pushes it again."""
    assert SECRETS.open_request(seal_cookie(COOKIE_KEY, "pushed request", plaintext, os.urandom)) is None


def test_no_key_is_shown_by_a_repr() -> None:
    """Neither the keyring's nor a derived one."""
    SECRETS.keyed_hash("session", "value")

    assert repr(SECRETS).startswith("<broker.crypto.secrets.KeyringSecrets object")
