"""The states of a key that signs tokens, and when it goes from one to the next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.errors import Refusal
from broker.domain.ids import DataKeyId
from broker.domain.sealing import Place
from broker.domain.session import ABSOLUTE_LIFETIME
from broker.domain.session_token import LIFETIME
from broker.domain.signing_key import (
    AHEAD,
    DRAIN,
    JWKS_MAX_AGE,
    RELOAD_EVERY,
    WINDOW,
    KeyState,
    Make,
    Promote,
    Remove,
    Retire,
    Revoke,
    SigningKey,
    TooEarly,
    addition,
    an_active_one,
    due,
    place_of,
    promotion,
    published,
    retirement,
    revocation,
)
from tests.domain.world import NOW

AGE = 90 * 24 * 3600
IN_USE = ("ES256",)


def key(kid: str, state: KeyState, *, alg: str = "ES256", since: int = NOW) -> SigningKey:
    """A key that came into its state at `since`, and was made then."""
    made = SigningKey(
        kid=kid,
        alg=alg,
        active=state is KeyState.ACTIVE,
        public_jwk="{}",
        sealed_private=b"private-canary",
        data_key_id=DataKeyId("dek_1"),
        created_at=since,
    )
    match state:
        case KeyState.RETIRING:
            return replace(made, retired_at=since)
        case KeyState.REVOKED:
            return replace(made, revoked_at=since)
    return made


def active(kid: str = "now", *, alg: str = "ES256", since: int = NOW) -> SigningKey:
    return key(kid, KeyState.ACTIVE, alg=alg, since=since)


def pending(kid: str = "next", *, alg: str = "ES256", since: int = NOW) -> SigningKey:
    return key(kid, KeyState.PENDING, alg=alg, since=since)


GONE = (key("retiring", KeyState.RETIRING), key("revoked", KeyState.REVOKED))


def test_the_private_half_has_one_place() -> None:
    """It belongs to the system, to no registration and no Client."""
    assert place_of("key-1") == Place(
        table="signing_keys",
        column="sealed_private",
        row_id="key-1",
        owner="system",
        registration="-",
        client_org="-",
        generation=0,
    )
    assert place_of("key-2") != place_of("key-1")


def test_the_private_half_is_not_shown_by_repr() -> None:
    """Sealed or not."""
    assert "canary" not in repr(active())


@pytest.mark.parametrize("state", KeyState)
def test_a_key_is_in_one_state(state: KeyState) -> None:
    """And published in all but one."""
    made = key("any", state)

    assert made.state is state
    assert published([made]) == (() if state is KeyState.REVOKED else (made,))
    assert an_active_one([made]) is (made if state is KeyState.ACTIVE else None)


def test_a_key_that_was_revoked_is_nothing_else() -> None:
    """Whatever it was before."""
    assert replace(key("any", KeyState.RETIRING), revoked_at=NOW).state is KeyState.REVOKED
    assert replace(active(), revoked_at=NOW).state is KeyState.REVOKED
    assert replace(key("any", KeyState.RETIRING), revoked_at=NOW + 9).gone_from == NOW + 9 + DRAIN


def test_a_key_signs_once_every_copy_of_the_published_keys_was_renewed() -> None:
    """Twice the time that a copy may be kept, and what it takes for each process to publish it."""
    assert WINDOW >= 2 * JWKS_MAX_AGE + RELOAD_EVERY
    assert pending().may_sign_from == NOW + WINDOW


def test_a_key_is_needed_until_the_last_session_that_got_its_id_token_is_over() -> None:
    """By then every token it signed has expired, too."""
    assert DRAIN >= ABSOLUTE_LIFETIME + LIFETIME
    assert [made.gone_from for made in (*GONE, active(), pending())] == [NOW + DRAIN, NOW + DRAIN, None, None]


def test_the_age_of_a_key_counts_from_its_first_signature() -> None:
    """Which the very first one made when it was made."""
    assert active().signs_since == NOW
    assert replace(active(), activated_at=NOW + 5).signs_since == NOW + 5


# ── the clock


@pytest.mark.parametrize("keys", [(), GONE], ids=["none", "none that sign"])
def test_the_first_key_signs_at_once(keys: tuple[SigningKey, ...]) -> None:
    """Nobody has a copy of published keys that could lack it; or nothing could be signed otherwise."""
    assert due(keys, IN_USE, NOW, AGE) == Make(alg="ES256", active=True)


def test_a_young_key_is_left_alone() -> None:
    """To the second before the next one has to be made."""
    assert due([active()], IN_USE, NOW + AGE - AHEAD - 1, AGE) is None


def test_the_next_key_is_published_ahead() -> None:
    """It does not sign yet."""
    assert due([active()], IN_USE, NOW + AGE - AHEAD, AGE) == Make(alg="ES256", active=False)


def test_the_next_key_takes_over_at_the_age_of_the_other() -> None:
    """Not before, however long it has waited."""
    keys = [active(), pending()]

    assert due(keys, IN_USE, NOW + AGE - 1, AGE) is None
    assert due(keys, IN_USE, NOW + AGE, AGE) == Promote(key=keys[1], instead_of=keys[0])


def test_the_next_key_waits_for_its_time_though_the_other_is_old() -> None:
    """As after a long while in which no process ran."""
    keys = [active(since=NOW - 2 * AGE), pending()]

    assert due(keys, IN_USE, NOW + WINDOW - 1, AGE) is None
    assert due(keys, IN_USE, NOW + WINDOW, AGE) == Promote(key=keys[1], instead_of=keys[0])


def test_a_key_for_another_algorithm_waits_too() -> None:
    """Meanwhile the key that there is signs: a copy of the published keys lacks the new one."""
    rsa = pending("rsa", alg="RS256")

    assert due([active()], ("ES256", "RS256"), NOW, AGE) == Make(alg="RS256", active=False)
    assert due([active(), rsa], ("ES256", "RS256"), NOW + WINDOW - 1, AGE) is None
    assert due([active(), rsa], ("ES256", "RS256"), NOW + WINDOW, AGE) == Promote(key=rsa, instead_of=None)


def test_where_nothing_can_be_signed_the_next_key_does_not_wait() -> None:
    """It is that or no token at all."""
    assert due([pending()], IN_USE, NOW, AGE) == Promote(key=pending(), instead_of=None)


def test_an_algorithm_that_nobody_uses_is_not_rotated() -> None:
    """Its key stays until an operator retires it."""
    assert due([active(), active("rsa", alg="RS256", since=NOW - 2 * AGE)], IN_USE, NOW, AGE) is None


@pytest.mark.parametrize("gone", GONE, ids=lambda gone: gone.kid)
def test_a_key_that_nobody_needs_is_forgotten(gone: SigningKey) -> None:
    """Not a second before."""
    assert due([active(), gone], IN_USE, NOW + DRAIN - 1, AGE) is None
    assert due([active(), gone], IN_USE, NOW + DRAIN, AGE) == Remove(key=gone)


# ── an operator


def test_an_operator_gets_a_further_key_that_waits() -> None:
    """For an algorithm whose key signs, or for a new one; the very first signs."""
    assert addition([active()], "ES256") == Make(alg="ES256", active=False)
    assert addition([active()], "RS256") == Make(alg="RS256", active=False)
    assert addition(GONE, "RS256") == Make(alg="RS256", active=True)


def test_one_key_that_waits_is_enough() -> None:
    """Of its algorithm."""
    with pytest.raises(Refusal) as refused:
        addition([active(), pending()], "ES256")
    assert (refused.value.code, refused.value.detail) == ("key_pending", "next")

    assert addition([active(), pending()], "RS256") == Make(alg="RS256", active=False)


def test_a_key_is_promoted_in_its_time_and_not_before() -> None:
    """The refusal says when."""
    keys = [active(), pending()]
    with pytest.raises(TooEarly) as refused:
        promotion(keys, "next", NOW + WINDOW - 1)
    assert (refused.value.code, refused.value.detail, refused.value.may_sign_from) == (
        "key_too_new",
        "next",
        NOW + WINDOW,
    )

    assert promotion(keys, "next", NOW + WINDOW) == Promote(key=keys[1], instead_of=keys[0])
    assert promotion(keys[1:], "next", NOW + WINDOW) == Promote(key=keys[1], instead_of=None)


@pytest.mark.parametrize("kid", ["now", "retiring", "revoked"])
def test_only_a_key_that_waits_is_promoted(kid: str) -> None:
    """What signed once never signs again."""
    with pytest.raises(Refusal, match=kid) as refused:
        promotion([active(), *GONE], kid, NOW + WINDOW)
    assert refused.value.code == "key_not_pending"


def test_a_name_of_no_key_is_refused() -> None:
    """Also the empty one."""
    for kid in ("another", ""):
        for deed in (
            lambda kid: promotion([active()], kid, NOW),
            lambda kid: retirement([active()], kid, IN_USE, NOW),
            lambda kid: revocation([active()], kid, IN_USE),
        ):
            with pytest.raises(Refusal) as refused:
                deed(kid)
            assert refused.value.code == "key_unknown"


def test_retiring_the_key_that_signs_promotes_the_next() -> None:
    """In its time."""
    keys = [active(), pending()]
    with pytest.raises(TooEarly):
        retirement(keys, "now", IN_USE, NOW + WINDOW - 1)

    assert retirement(keys, "now", IN_USE, NOW + WINDOW) == Promote(key=keys[1], instead_of=keys[0])


@pytest.mark.parametrize("others", [(), GONE, (pending("rsa", alg="RS256"),)], ids=["none", "gone", "another's"])
def test_the_key_that_signs_is_not_retired_without_a_successor(others: tuple[SigningKey, ...]) -> None:
    """There would be nothing to sign with."""
    with pytest.raises(Refusal) as refused:
        retirement([active(), *others], "now", IN_USE, NOW + WINDOW)
    assert (refused.value.code, refused.value.detail) == ("key_needed", "now")


def test_a_key_of_an_algorithm_that_nobody_uses_is_just_retired() -> None:
    """Unless it is the only one that signs, as when the default has just been changed."""
    rsa = active("rsa", alg="RS256")

    assert retirement([active(), rsa], "rsa", IN_USE, NOW) == Retire(key=rsa)
    with pytest.raises(Refusal) as refused:
        retirement([pending(), rsa], "rsa", IN_USE, NOW)
    assert refused.value.code == "key_needed"


def test_a_key_that_waits_is_just_retired() -> None:
    """It has signed nothing."""
    assert retirement([active(), pending()], "next", IN_USE, NOW) == Retire(key=pending())


@pytest.mark.parametrize("kid", ["retiring", "revoked"])
def test_a_key_that_signs_nothing_more_is_not_retired_again(kid: str) -> None:
    """Nothing would change."""
    with pytest.raises(Refusal, match=kid) as refused:
        retirement([active(), *GONE], kid, IN_USE, NOW)
    assert refused.value.code == "key_not_in_use"


def test_revoking_the_key_that_signs_promotes_the_next_before_its_time() -> None:
    """It is published already, at least."""
    keys = [active(), pending()]

    assert revocation(keys, "now", IN_USE) == Revoke(key=keys[0], successor=Promote(key=keys[1], instead_of=None))


def test_revoking_the_key_that_signs_makes_another_where_none_waits() -> None:
    """Of the same algorithm, and it signs at once."""
    keys = [active(), pending("rsa", alg="RS256"), *GONE]

    assert revocation(keys, "now", IN_USE) == Revoke(key=keys[0], successor=Make(alg="ES256", active=True))


def test_revoking_a_key_that_nobody_signs_with_needs_no_other() -> None:
    """One that waits, one that retires, one of an algorithm that nobody uses."""
    rsa = active("rsa", alg="RS256")
    for stolen in (pending(), GONE[0], rsa):
        assert revocation([active(), stolen], stolen.kid, IN_USE) == Revoke(key=stolen, successor=None)


def test_revoking_the_only_key_that_signs_brings_one_for_the_default() -> None:
    """Where its own algorithm is used no more: the default was changed a moment ago."""
    rsa = active("rsa", alg="RS256")

    assert revocation([rsa], "rsa", IN_USE) == Revoke(key=rsa, successor=Make(alg="ES256", active=True))
    assert revocation([rsa, pending()], "rsa", IN_USE) == Revoke(
        key=rsa, successor=Promote(key=pending(), instead_of=None)
    )


def test_a_key_is_revoked_once() -> None:
    """The second time nothing would change."""
    with pytest.raises(Refusal) as refused:
        revocation([active(), *GONE], "revoked", IN_USE)
    assert refused.value.code == "key_not_in_use"
