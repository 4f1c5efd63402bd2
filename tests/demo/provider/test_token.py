"""The token endpoint: proof, codes, refresh tokens, and what the answer holds."""

from __future__ import annotations

import base64
import hashlib

import jwt
import pytest

from tests.demo.provider.software import (
    CALLBACK,
    ISSUER,
    NOW,
    OTHER,
    REGISTRATION,
    VERIFIER,
    Software,
    callback,
)

GOOGLE = "https://www.googleapis.com/auth/"


@pytest.fixture
def software() -> Software:
    return Software()


def test_a_code_gives_tokens_and_a_verifiable_id_token(software: Software) -> None:
    """The whole answer, as Google shapes it."""
    tokens = software.sign_in("grace")
    claims = software.verified(tokens["id_token"])

    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3599)
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert {
        "iss": ISSUER,
        "azp": REGISTRATION.client_id,
        "aud": REGISTRATION.client_id,
        "sub": "107691504500061906002",
        "hd": "globex.example",
        "email": "grace@globex.example",
        "email_verified": True,
        "name": "Grace Hopper",
        "given_name": "Grace",
        "family_name": "Hopper",
        "picture": f"{ISSUER}/pictures/grace.svg",
        "locale": "en-GB",
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
        "nonce": "the-nonce",
        "iat": NOW,
        "exp": NOW + 3600,
    } == claims
    assert {"alg": "RS256", "typ": "JWT", "kid": software.key_ids()[0]} == jwt.get_unverified_header(tokens["id_token"])


def test_the_stranger_has_no_organisation(software: Software) -> None:
    """A private account has no `hd`."""
    assert "hd" not in software.verified(software.sign_in("stranger")["id_token"])


def test_the_granted_scope_is_reported_in_googles_names(software: Software) -> None:
    """Google answers with its own names, and leaves out what was not ticked."""
    assert f"openid {GOOGLE}userinfo.email" == software.sign_in(ticks=["email"])["scope"]


def test_a_declined_scope_leaves_the_id_token(software: Software) -> None:
    """No scope, no claims."""
    claims = software.verified(software.sign_in(ticks=["profile"])["id_token"])

    assert "email" not in claims
    assert "name" in claims


def test_without_openid_there_is_no_id_token(software: Software) -> None:
    """Plain OAuth."""
    scope = f"{GOOGLE}calendar.readonly"

    assert "id_token" not in software.sign_in(scope=scope, ticks=[scope])


def test_earlier_scopes_are_included_on_demand(software: Software) -> None:
    """`include_granted_scopes` adds up what this persona allowed this software before."""
    calendar = f"{GOOGLE}calendar.readonly"
    software.sign_in(scope=f"openid {calendar}", ticks=[calendar])

    alone = software.sign_in(scope="openid email", ticks=["email"])
    together = software.sign_in(scope="openid email", ticks=["email"], include_granted_scopes="true")

    assert f"openid {GOOGLE}userinfo.email" == alone["scope"]
    assert f"openid {GOOGLE}userinfo.email {calendar}" == together["scope"]


@pytest.mark.parametrize("verifier", [None, "", "w" * 64, "v" * 63, "short", VERIFIER + "\n", "v" * 129, "ü" * 64])
def test_a_code_without_its_verifier_is_refused_and_burnt(software: Software, verifier: str | None) -> None:
    """PKCE is enforced, and there is no second try."""
    code = software.allow()["code"]

    refused = software.redeem(code, code_verifier=verifier)
    again = software.redeem(code)

    assert [(a.status_code, a.json()["error"]) for a in (refused, again)] == [(400, "invalid_grant")] * 2


@pytest.mark.parametrize("redirect_uri", [None, "", f"{CALLBACK}/"])
def test_a_code_needs_its_redirect_uri(software: Software, redirect_uri: str | None) -> None:
    """RFC 6749 section 4.1.3."""
    answer = software.redeem(software.allow()["code"], redirect_uri=redirect_uri)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_code_belongs_to_its_software(software: Software) -> None:
    """Another registration cannot redeem it, and does not burn it either."""
    code = software.allow()["code"]

    stolen = software.redeem(code, client_id=OTHER.client_id, client_secret=OTHER.client_secret)

    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert software.redeem(code).status_code == 200


@pytest.mark.parametrize(("waited", "status"), [(59, 200), (60, 400), (61, 400)])
def test_a_code_lives_for_sixty_seconds(software: Software, waited: int, status: int) -> None:
    """And not for a second more."""
    code = software.allow()["code"]
    software.clock.now += waited

    assert status == software.redeem(code).status_code


def test_a_code_shown_twice_kills_what_came_of_it(software: Software) -> None:
    """RFC 6749 section 4.1.2: deny, and revoke the tokens of the first redemption, not those of others."""
    earlier = software.sign_in()
    code = software.allow(prompt="consent")["code"]
    tokens = software.redeem(code).json()

    replay = software.redeem(code)

    assert (replay.status_code, replay.json()["error"]) == (400, "invalid_grant")
    assert software.userinfo(tokens["access_token"]).status_code == 401
    assert software.refresh(tokens["refresh_token"]).status_code == 400
    assert software.userinfo(earlier["access_token"]).status_code == 200


def test_secrets_are_taken_from_the_header_too(software: Software) -> None:
    """client_secret_basic, with RFC 6749's form encoding inside."""
    pair = base64.b64encode(b"software:s3cret%3A%25").decode()

    answer = software.channel.post(
        "/token",
        headers={"Authorization": f"Basic {pair}"},
        data={
            "grant_type": "authorization_code",
            "code": software.allow()["code"],
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        },
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"client_secret": None},
        {"client_secret": ""},
        {"client_secret": "wrong"},
        {"client_id": None},
        {"client_id": ""},
        {"client_id": "unknown"},
        {"client_id": OTHER.client_id},
    ],
)
def test_unproven_software_gets_nothing(software: Software, changes: dict[str, str | None]) -> None:
    """Absent, empty and wrong secrets are one answer."""
    answer = software.redeem(software.allow()["code"], **changes)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "www-authenticate" in answer.headers


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic c29mdHdhcmU=", "Bearer c29mdHdhcmU6czNjcmV0OiU="])
def test_a_header_that_proves_nothing_is_not_passed_over(software: Software, header: str) -> None:
    """A broken header is a failed proof."""
    answer = software.channel.post(
        "/token",
        headers={"Authorization": header},
        data={"grant_type": "authorization_code", "client_id": REGISTRATION.client_id},
    )

    assert answer.status_code == 401


def test_two_ways_of_proof_are_one_too_many(software: Software) -> None:
    """RFC 6749 section 2.3."""
    answer = software.channel.post(
        "/token",
        headers={"Authorization": f"Basic {base64.b64encode(b'software:x').decode()}"},
        data={"grant_type": "authorization_code", "client_secret": REGISTRATION.client_secret},
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("grant_type", "error"),
    [(None, "invalid_request"), ("", "invalid_request"), ("password", "unsupported_grant_type")],
)
def test_only_two_grants_are_known(software: Software, grant_type: str | None, error: str) -> None:
    """Codes and refresh tokens."""
    assert error == software.redeem("x", grant_type=grant_type).json()["error"]


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_only_forms_are_read(software: Software, kind: str) -> None:
    """RFC 6749 section 3.2 and its appendix B."""
    answer = software.channel.post("/token", content=b"grant_type=refresh_token", headers={"Content-Type": kind})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_repeated_parameter_is_refused(software: Software) -> None:
    """RFC 6749 section 3.2."""
    answer = software.channel.post(
        "/token",
        content=b"grant_type=refresh_token&grant_type=refresh_token",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_token_answers_are_not_stored(software: Software) -> None:
    """RFC 6749 section 5.1, in success and in failure."""
    good, bad = software.redeem(software.allow()["code"]), software.redeem("wrong")

    assert [answer.headers["cache-control"] for answer in (good, bad)] == ["no-store", "no-store"]


def test_every_secret_issued_is_on_record(software: Software) -> None:
    """So that a test can search for all of them elsewhere."""
    tokens = software.sign_in()

    kinds = {secret.value: secret.kind for secret in software.provider.issued}
    assert {"code", "access_token", "refresh_token", "id_token"} == set(kinds.values())
    assert {kind: tokens[kind] for kind in ("access_token", "refresh_token", "id_token")} == {
        kind: value for value, kind in kinds.items() if kind != "code"
    }
    assert tokens["access_token"] not in repr(software.provider.issued)


def test_old_codes_and_tokens_are_forgotten(software: Software) -> None:
    """A long run under load does not keep everything."""
    software.provider.consent_automatically("ada")
    code = callback(software.authorize())["code"]
    refresh_token = software.redeem(code).json()["refresh_token"]
    assert software.provider.store.code(code)
    software.clock.now += 4 * 3600

    software.authorize()

    assert software.provider.store.code(code) is None
    assert software.refresh(refresh_token).status_code == 200
