"""What a sign-in gave an Application, and who may fetch it with the code."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.application import Application
from broker.domain.errors import OAuthRefusal
from broker.domain.grant import (
    CODE_LIFETIME,
    CodeMisused,
    Grant,
    Rights,
    check_device_redemption,
    check_entitled,
    check_redemption,
    narrowed,
    new_device_grant,
    new_grant,
)
from broker.domain.ids import ApplicationId, ClientOrgId, GrantId, KeyedHash, KeyThumbprint
from broker.domain.request_refused import RequestRefused
from tests.domain.test_device_request import REQUEST as DEVICE_REQUEST
from tests.domain.world import (
    ACME,
    ADA,
    APPLICATION,
    CHALLENGE,
    GLOBEX,
    GRANT,
    NOW,
    REDIRECT_URI,
    REQUEST,
    SESSION,
    VERIFIER,
)

RIGHTS: Rights = {ACME: ("invoices:read", "reports:read"), GLOBEX: ()}
GATED = replace(APPLICATION, requires_authorization=True)


def redeem(
    grant: Grant = GRANT,
    *,
    application_id: str = "demo-app",
    redirect_uri: str = REDIRECT_URI,
    code_verifier: str = VERIFIER,
    key: KeyThumbprint | None = None,
    now: int = NOW,
) -> None:
    check_redemption(
        grant,
        application_id=ApplicationId(application_id),
        redirect_uri=redirect_uri,
        code_verifier=code_verifier,
        key=key,
        now=now,
    )


def misuse(error: pytest.ExceptionInfo[CodeMisused]) -> str:
    """What was wrong, which the caller is not told."""
    assert isinstance(error.value, OAuthRefusal)
    assert error.value.code == "invalid_grant"
    assert error.value.sentence == "The code is invalid, expired or was used before."
    assert "canary" not in str(error.value)
    return error.value.detail


@pytest.mark.parametrize("later", [0, 1, CODE_LIFETIME - 1])
def test_the_right_redemption_in_time_is_accepted(later: int) -> None:
    """RFC 6749 section 4.1.3, RFC 7636 section 4.6."""
    redeem(now=NOW + later)


def test_a_code_lives_a_minute() -> None:
    """OWASP ASVS 5.0 10.4.3 (L3)."""
    assert CODE_LIFETIME == 60


@pytest.mark.parametrize("later", [CODE_LIFETIME, CODE_LIFETIME + 1, 10**6])
def test_a_late_code_is_refused(later: int) -> None:
    """The sixtieth second is late."""
    with pytest.raises(CodeMisused) as error:
        redeem(now=NOW + later)

    assert misuse(error) == "code expired"


@pytest.mark.parametrize("application_id", ["", "demo-ap", "Demo-App", "demo-app ", "reports"])
def test_a_code_of_another_application_is_refused(application_id: str) -> None:
    """Whoever presents it has stolen it."""
    with pytest.raises(CodeMisused) as error:
        redeem(application_id=application_id)

    assert misuse(error) == "code of another application"


def test_a_code_may_be_bound_to_a_key() -> None:
    """RFC 9449 section 10; where it is not, any key may be proven, or none."""
    bound = replace(GRANT, dpop_jkt=KeyThumbprint("a key"))
    redeem(bound, key=KeyThumbprint("a key"))
    redeem(key=KeyThumbprint("a key"))
    for other in (None, KeyThumbprint(""), KeyThumbprint("another")):
        with pytest.raises(CodeMisused) as error:
            redeem(bound, key=other)
        assert misuse(error) == "another key than dpop_jkt, or none"


@pytest.mark.parametrize("at", [0, NOW - 1, NOW])
def test_a_code_that_was_used_is_refused(at: int) -> None:
    """RFC 6749 section 4.1.2."""
    with pytest.raises(CodeMisused) as error:
        redeem(replace(GRANT, redeemed_at=at))

    assert misuse(error) == "code used before"


@pytest.mark.parametrize("at", [0, NOW])
def test_a_code_of_a_revoked_grant_is_refused(at: int) -> None:
    """Though it was never used."""
    with pytest.raises(CodeMisused) as error:
        redeem(replace(GRANT, revoked_at=at))

    assert misuse(error) == "grant revoked"


@pytest.mark.parametrize("redirect_uri", ["", REDIRECT_URI + "/", REDIRECT_URI.upper(), "https://evil.example"])
def test_another_redirect_target_is_refused(redirect_uri: str) -> None:
    """It must be the one that the code went to."""
    with pytest.raises(CodeMisused) as error:
        redeem(redirect_uri=redirect_uri)

    assert misuse(error) == "redirect_uri differs"


@pytest.mark.parametrize(
    "code_verifier", ["", VERIFIER[:-1], VERIFIER[:-1] + "l", CHALLENGE, "\u00e9" * 43, "a" * 10**6]
)
def test_without_the_verifier_the_code_is_worth_nothing(code_verifier: str) -> None:
    """RFC 9700 section 2.1.1."""
    with pytest.raises(CodeMisused) as error:
        redeem(code_verifier=code_verifier)

    assert misuse(error) == "code_verifier does not match"


def test_a_grant_without_a_challenge_is_never_redeemed() -> None:
    """Empty means nothing: PKCE is no choice of the Application's (RFC 9700 section 4.8)."""
    for code_verifier in ("", VERIFIER):
        with pytest.raises(CodeMisused) as error:
            redeem(replace(GRANT, code_challenge=""), code_verifier=code_verifier)

        assert misuse(error) == "code_verifier does not match"


def test_who_has_everything_wrong_learns_only_that() -> None:
    """One answer to everything; the log says the gravest."""
    with pytest.raises(CodeMisused) as error:
        redeem(replace(GRANT, redeemed_at=NOW, revoked_at=NOW), application_id="x", redirect_uri="", now=NOW + 999)

    assert misuse(error) == "code of another application"


@pytest.mark.parametrize("application", [APPLICATION, GATED], ids=["open to all", "for Clients' people"])
@pytest.mark.parametrize("organization", [None, ACME, GLOBEX])
def test_who_acts_for_a_client_is_entitled(application: Application, organization: ClientOrgId | None) -> None:
    """To all of it, or to the Client that was asked for, even where that gives no right at present."""
    check_entitled(replace(REQUEST, organization=organization), application, RIGHTS)


def test_a_person_without_a_client_may_use_what_is_open_to_all() -> None:
    """The token then speaks of none."""
    check_entitled(REQUEST, APPLICATION, {})


@pytest.mark.parametrize(
    ("application", "organization", "rights", "detail"),
    [
        (GATED, None, {}, "no Authorization at all"),
        (APPLICATION, ACME, {}, "no Authorization of the organization asked for"),
        (GATED, ACME, {}, "no Authorization of the organization asked for"),
        (APPLICATION, ClientOrgId("hooli"), RIGHTS, "no Authorization of the organization asked for"),
        (APPLICATION, ClientOrgId("Acme"), RIGHTS, "no Authorization of the organization asked for"),
        (APPLICATION, ClientOrgId(""), RIGHTS, "no Authorization of the organization asked for"),
    ],
    ids=["none at all", "none, one asked for", "none, gated", "of others", "another case", "empty name"],
)
def test_who_has_no_authorization_is_told_so_through_the_application(
    application: Application, organization: ClientOrgId | None, rights: Rights, detail: str
) -> None:
    """A Client that does not exist and one that one does not act for cannot be told apart."""
    with pytest.raises(RequestRefused) as error:
        check_entitled(replace(REQUEST, organization=organization), application, rights)

    assert (error.value.code, error.value.detail) == ("access_denied", detail)
    assert (error.value.redirect_uri, error.value.state) == (REDIRECT_URI, "state-canary")
    assert "hooli" not in error.value.sentence


def test_a_token_speaks_of_all_clients_or_of_the_one_that_was_asked_for() -> None:
    """And of none that the User does not act for."""
    assert narrowed(RIGHTS, None) == RIGHTS
    assert narrowed(RIGHTS, ACME) == {ACME: ("invoices:read", "reports:read")}
    assert narrowed(RIGHTS, ClientOrgId("hooli")) == {}
    assert narrowed(RIGHTS, ClientOrgId("")) == {}
    assert narrowed({}, None) == {}


def test_a_grant_answers_the_request_for_the_person_of_the_session() -> None:
    """When they signed in is the Session's, not now."""
    request = replace(REQUEST, organization=ACME)

    grant = new_grant(
        request, id=GrantId("gnt_1"), code=KeyedHash("code-canary"), user_id=ADA, session=SESSION, now=NOW
    )

    assert grant == replace(GRANT, organization=ACME)
    assert (grant.redeemed_at, grant.revoked_at) == (None, None)


def test_neither_code_nor_nonce_is_shown_by_repr() -> None:
    """They end in logs otherwise."""
    assert "canary" not in repr(GRANT)


def of_a_device() -> Grant:
    """What allowing a device makes."""
    return new_device_grant(DEVICE_REQUEST, id=GrantId("gnt_2"), session=SESSION, now=NOW)


def test_a_devices_grant_is_of_the_session_that_allowed_it() -> None:
    """Its code is the device's; nothing of it came by a browser."""
    grant = of_a_device()

    assert (grant.code, grant.session_id, grant.user_id) == (DEVICE_REQUEST.device_code, SESSION.id, SESSION.user_id)
    assert (grant.nonce, grant.redirect_uri, grant.code_challenge) == (None, "", "")
    assert (grant.auth_time, grant.scopes) == (SESSION.auth_time, ("openid",))
    assert grant.is_for_device
    assert not GRANT.is_for_device
    check_device_redemption(grant, application_id=grant.application_id)


def test_a_devices_code_is_no_authorization_code() -> None:
    """Whatever is presented with it."""
    for verifier in ("", VERIFIER):
        with pytest.raises(CodeMisused) as misused:
            redeem(of_a_device(), redirect_uri="", code_verifier=verifier)
        assert misuse(misused) == "code of a device"


@pytest.mark.parametrize(
    ("grant", "problem"),
    [
        (replace(of_a_device(), application_id=ApplicationId("other")), "code of another application"),
        (GRANT, "not the code of a device"),
        (replace(of_a_device(), redeemed_at=NOW), "code used before"),
        (replace(of_a_device(), revoked_at=NOW), "grant revoked"),
    ],
)
def test_a_device_code_is_refused_with_one_answer(grant: Grant, problem: str) -> None:
    """And nothing is burnt for it: it is no `CodeMisused`."""
    with pytest.raises(OAuthRefusal) as refused:
        check_device_redemption(grant, application_id=APPLICATION.id)
    assert (refused.value.code, refused.value.detail) == ("invalid_grant", problem)
    assert refused.value.sentence == "The device code is invalid or was used before."
    assert not isinstance(refused.value, CodeMisused)
