"""GitHub's own rules: documents instead of ID tokens, and its own words for errors."""

from __future__ import annotations

import pytest

from providers.github import GITHUB

USER = GITHUB.documents["user"].read
EMAILS = GITHUB.documents["emails"].read


def test_github_and_a_server_of_ones_own_have_their_addresses() -> None:
    """The API of github.com is another host; that of GitHub Enterprise another path."""
    public, own = GITHUB.endpoints("https://github.com"), GITHUB.endpoints("https://ghe.example")

    assert public is not None and own is not None
    assert public.token == "https://github.com/login/oauth/access_token"
    assert public.documents["emails"] == "https://api.github.com/user/emails"
    assert public.revocation == "https://api.github.com/applications/{application_id}/grant"
    assert own.token == "https://ghe.example/login/oauth/access_token"
    assert own.documents["emails"] == "https://ghe.example/api/v3/user/emails"


@pytest.mark.parametrize("number", [None, "", "1815", 0, -1, 1.5, True, [1815]], ids=repr)
def test_only_the_number_is_the_subject(number: object) -> None:
    """The login name can be changed, and taken by somebody else."""
    assert GITHUB.subject({"user": {"id": 1815, "login": "ada-l"}}) == "1815"
    assert GITHUB.subject({"user": {"id": number, "login": "ada-l"}}) is None
    assert GITHUB.subject({"user": {"login": "ada-l"}}) is None
    assert GITHUB.subject({}) is None


def entry(*, primary: object, verified: object) -> dict[str, object]:
    return {"email": f"{primary}-{verified}@acme.example", "primary": primary, "verified": verified}


@pytest.mark.parametrize(
    ("primary", "verified"), [(True, False), (False, True), ("true", True), (True, "true"), (1, True), (None, None)]
)
def test_an_address_that_is_not_primary_and_verified_is_not_told(primary: object, verified: object) -> None:
    """Both, and as JSON true."""
    claims = {"emails": EMAILS([entry(primary=primary, verified=verified)])}

    assert claims["emails"] == {}
    assert GITHUB.email_trust.verified(claims, frozenset()) is None


def test_the_primary_verified_address_is_proven() -> None:
    """Among all the others."""
    told = EMAILS([entry(primary=False, verified=True), entry(primary=True, verified=True)])

    assert GITHUB.email_trust.verified({"emails": told}, frozenset()) == "True-True@acme.example"


@pytest.mark.parametrize("document", [[], [1], [None]], ids=repr)
def test_a_list_without_addresses_tells_nothing(document: object) -> None:
    """It is not an error either: there is just no address."""
    assert EMAILS(document) == {}
    assert GITHUB.email_trust.verified({"emails": EMAILS(document)}, frozenset()) is None


@pytest.mark.parametrize("document", [None, {}, "x", {"message": "Not Found"}, {"email": "ada@acme.example"}], ids=repr)
def test_what_is_no_list_is_not_the_document(document: object) -> None:
    """So that an error is not taken for a person without an address."""
    assert EMAILS(document) is None
    assert GITHUB.email_trust.verified({"emails": None}, frozenset()) is None


def test_the_public_address_of_the_profile_is_not_looked_at() -> None:
    """It is what people like to show, not what GitHub proved."""
    assert GITHUB.email_trust.verified({"user": USER({"id": 1, "email": "shown@acme.example"})}, frozenset()) is None
    assert GITHUB.attributes["email"].find({"user": {"email": "shown@acme.example"}}) is None


@pytest.mark.parametrize("document", [None, [], "x", 1, {}, {"message": "Bad credentials"}], ids=repr)
def test_what_has_no_number_is_not_the_document(document: object) -> None:
    """So there is no subject."""
    assert USER(document) is None
    assert GITHUB.subject({"user": None}) is None


@pytest.mark.parametrize(
    ("githubs", "ours"),
    [
        ("bad_verification_code", "invalid_grant"),
        ("incorrect_client_credentials", "invalid_client"),
        ("redirect_uri_mismatch", "unauthorized_client"),
        ("something_new", "something_new"),
    ],
)
def test_errors_are_put_in_the_words_of_the_standard(githubs: str, ours: str) -> None:
    """So that nothing else needs to know GitHub's."""
    assert GITHUB.token_error({"error": githubs}) == ours
    assert GITHUB.token_error({"access_token": "…"}) is None


def test_people_are_sent_to_the_page_of_this_application() -> None:
    """On their own server."""
    page = GITHUB.revocation.permissions_page

    assert page("https://ghe.example", "us") == "https://ghe.example/settings/connections/applications/us"
