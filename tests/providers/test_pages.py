"""What must hold for every page of facts, whoever writes the next one."""

from __future__ import annotations

import dataclasses
import inspect
import typing

import pytest

from broker.domain.policy import RESERVED_CLAIMS
from providers import PROVIDERS
from providers.spec import Dialect, Document, EmailTrust, IssuerRule, Provider, Revocation, RevocationStrategy, Where

ASYMMETRIC = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

every_page = pytest.mark.parametrize("page", PROVIDERS.values(), ids=lambda page: page.name)


def test_the_four_dialects_are_there() -> None:
    """The names that `provider = …` in broker.toml may have."""
    assert set(PROVIDERS) == {"google", "microsoft", "github", "oidc"}


@every_page
def test_a_page_is_found_by_its_own_name(page: Provider) -> None:
    """One Provider, one name."""
    assert PROVIDERS[page.name] is page


@every_page
def test_no_attribute_can_pass_for_a_claim_of_ours(page: Provider) -> None:
    """A name like `sub` or `authorizations` in a token must mean what the broker says."""
    assert RESERVED_CLAIMS & page.attributes.keys() == set()


@every_page
def test_only_asymmetric_algorithms_are_believed(page: Provider) -> None:
    """A shared secret could sign for the Provider; plain OAuth 2.0 has no ID token at all."""
    assert page.id_token_algorithms <= ASYMMETRIC
    assert bool(page.id_token_algorithms) == (page.dialect is Dialect.OIDC)


@every_page
def test_pkce_is_used_everywhere(page: Provider) -> None:
    """RFC 9700 section 2.1.1."""
    assert page.pkce


@every_page
def test_every_attribute_says_where_it_is_found(page: Provider) -> None:
    """Documents belong to OAuth 2.0, ID token and userinfo to OpenID Connect; a document must be on the page."""
    for attribute in page.attributes.values():
        assert attribute.path
        assert (attribute.where is Where.DOCUMENT) == (page.dialect is Dialect.OAUTH2)
        if attribute.where is Where.DOCUMENT:
            assert page.documents[attribute.path[0]].scope in {None, attribute.scope}


@every_page
def test_documents_have_addresses(page: Provider) -> None:
    """What is on the page can be fetched."""
    endpoints = page.endpoints("https://ghe.example")

    assert page.documents.keys() == (endpoints.documents.keys() if endpoints else set())


@every_page
def test_people_are_told_how_far_a_revocation_goes(page: Provider) -> None:
    """In a sentence; and one strategy that does nothing must not promise anything."""
    assert page.revocation.reach.endswith(".")
    assert (page.revocation.strategy is RevocationStrategy.NONE) == (page.revocation.radius.value == "none")


def _hooks() -> list[tuple[str, typing.Any]]:
    found = []
    for owner in (Provider, IssuerRule, EmailTrust, Revocation, Document):
        types = typing.get_type_hints(owner)
        for fact in dataclasses.fields(owner):
            if "Callable" in str(types[fact.name]):
                found.append((f"{owner.__name__}.{fact.name}", types[fact.name]))
    return found


def test_a_hook_has_nothing_to_leak() -> None:
    """Names, claims, documents and domains go in, a value comes out: no token, store, network or clock."""
    harmless = {"str", "Mapping[str, Any]", "frozenset[str]", "object"}
    hooks = _hooks()

    assert {name for name, _ in hooks} == {
        "Provider.subject",
        "Provider.endpoints",
        "Provider.token_error",
        "IssuerRule.may_publish",
        "IssuerRule.issuer_of",
        "EmailTrust.verified",
        "Revocation.permissions_page",
        "Document.read",
    }
    for name, hook in hooks:
        given = {inspect.formatannotation(kind).replace("typing.", "") for kind in typing.get_args(hook)[0]}
        assert {kind.rpartition("abc.")[2] for kind in given} <= harmless, name


@every_page
def test_no_hook_is_asynchronous(page: Provider) -> None:
    """What cannot wait cannot call out."""
    hooks = [page.subject, page.endpoints, page.token_error, page.issuer_rule.issuer_of, page.email_trust.verified]

    assert not any(inspect.iscoroutinefunction(hook) for hook in hooks)
