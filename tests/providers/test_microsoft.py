"""Entra's own rules: whose tenant speaks, who a person is, and why an address proves nothing."""

from __future__ import annotations

import pytest

from providers.microsoft import CONSUMERS, MICROSOFT

BASE = "https://login.microsoftonline.com"
ACME = "b9410318-09af-49c2-b0c3-653adc1f376e"
GLOBEX = "1d9f6c5e-6c2b-4a53-8c39-8f5a0b9f2f10"
TEMPLATE = f"{BASE}/{{tenantid}}/v2.0"


def issuer(tenant: str) -> str:
    return f"{BASE}/{tenant}/v2.0"


@pytest.mark.parametrize(
    ("configured", "published", "may"),
    [
        ("common", "{tenantid}", True),
        ("organizations", "{tenantid}", True),
        ("consumers", "{tenantid}", True),
        ("consumers", CONSUMERS, True),
        (ACME, ACME, True),
        ("acme.example", ACME, True),
        (ACME, GLOBEX, False),
        (ACME, "{tenantid}", False),
        ("acme.example", "{tenantid}", False),
        ("acme.example", "acme.example", False),
        ("common", ACME, False),
        ("consumers", ACME, False),
        ("common", "common", False),
    ],
)
def test_the_metadata_may_name_a_template_or_the_tenant(configured: str, published: str, may: bool) -> None:
    """A template where many tenants were asked for, else a tenant's GUID."""
    assert MICROSOFT.issuer_rule.may_publish(issuer(configured), issuer(published)) is may


@pytest.mark.parametrize(
    "published",
    ["", "https://evil.example/{tenantid}/v2.0", f"{BASE}/{{tenantid}}", f"{BASE}/{{tenantid}}/v2.0/", "v2.0"],
)
def test_the_metadata_may_not_name_another_host_or_form(published: str) -> None:
    """Whatever tenant it has."""
    assert not MICROSOFT.issuer_rule.may_publish(issuer("common"), published)
    assert not MICROSOFT.issuer_rule.may_publish(published, published)


@pytest.mark.parametrize(
    ("configured", "published", "tid"),
    [
        ("common", "{tenantid}", ACME),
        ("common", "{tenantid}", CONSUMERS),
        ("organizations", "{tenantid}", ACME),
        ("consumers", "{tenantid}", CONSUMERS),
        ("consumers", CONSUMERS, CONSUMERS),
        (ACME, ACME, ACME),
        ("acme.example", ACME, ACME),
    ],
)
def test_the_tenant_that_speaks_is_the_issuer(configured: str, published: str, tid: str) -> None:
    """Personal accounts are a tenant too."""
    claims = {"iss": issuer(tid), "tid": tid}

    assert MICROSOFT.issuer_rule.issuer_of(issuer(configured), issuer(published), claims) == issuer(tid)


@pytest.mark.parametrize(
    ("configured", "published", "claims"),
    [
        ("common", "{tenantid}", {"iss": issuer(ACME), "tid": GLOBEX}),
        ("common", "{tenantid}", {"iss": issuer(ACME)}),
        ("common", "{tenantid}", {"iss": issuer(ACME), "tid": ""}),
        ("common", "{tenantid}", {"iss": issuer(ACME), "tid": [ACME]}),
        ("common", "{tenantid}", {"iss": TEMPLATE, "tid": "{tenantid}"}),
        ("common", "{tenantid}", {"iss": issuer(ACME.upper()), "tid": ACME.upper()}),
        ("common", "{tenantid}", {"iss": issuer("../evil"), "tid": "../evil"}),
        ("common", "{tenantid}", {"iss": f"https://evil.example/{ACME}/v2.0", "tid": ACME}),
        ("common", "{tenantid}", {"tid": ACME}),
        ("organizations", "{tenantid}", {"iss": issuer(CONSUMERS), "tid": CONSUMERS}),
        ("consumers", "{tenantid}", {"iss": issuer(ACME), "tid": ACME}),
        (ACME, ACME, {"iss": issuer(GLOBEX), "tid": GLOBEX}),
        ("acme.example", ACME, {"iss": issuer(GLOBEX), "tid": GLOBEX}),
    ],
    ids=repr,
)
def test_no_tenant_speaks_for_another(configured: str, published: str, claims: dict[str, object]) -> None:
    """`iss` and `tid` must agree, and the tenant must be one that was asked for."""
    assert MICROSOFT.issuer_rule.issuer_of(issuer(configured), issuer(published), claims) is None


def test_the_subject_is_tenant_and_object() -> None:
    """`sub` is another one in each application, names and addresses are mutable, and object ids are a tenant's own."""
    claims = {"tid": ACME, "oid": "690222be", "sub": "pairwise", "email": "ada@acme.example"}

    assert MICROSOFT.subject(claims) == f"{ACME}:690222be"
    assert MICROSOFT.subject(claims | {"tid": GLOBEX}) == f"{GLOBEX}:690222be"


@pytest.mark.parametrize("missing", ["tid", "oid"])
@pytest.mark.parametrize("value", [None, "", 1], ids=repr)
def test_half_a_subject_is_none(missing: str, value: object) -> None:
    """Nobody is known by a part of it."""
    assert MICROSOFT.subject({"tid": ACME, "oid": "690222be", "sub": "pairwise", missing: value}) is None


@pytest.mark.parametrize("edov", [None, False, "true", "1", 1, 0, "", [True]], ids=repr)
def test_noauth_proves_no_address(edov: object) -> None:
    """A tenant's administrator may write anybody's address: only its domain's owner is believed."""
    claims = {"email": "victim@corp.example", "email_verified": True, "xms_edov": edov}

    assert MICROSOFT.email_trust.verified(claims, frozenset({"corp.example"})) is None
    del claims["xms_edov"]
    assert MICROSOFT.email_trust.verified(claims, frozenset({"corp.example"})) is None


def test_an_address_of_an_owned_domain_is_proven() -> None:
    """`xms_edov` is JSON true."""
    assert (
        MICROSOFT.email_trust.verified({"email": "a@corp.example", "xms_edov": True}, frozenset()) == "a@corp.example"
    )
    assert MICROSOFT.email_trust.verified({"xms_edov": True}, frozenset()) is None


def test_microsoft_cannot_be_told_of_a_revocation() -> None:
    """So people are told where they can do it themselves."""
    assert MICROSOFT.revocation.permissions_page(issuer("common"), "us") == "https://myapplications.microsoft.com/"
