"""Addresses, and the few that a page may lead to elsewhere."""

from __future__ import annotations

import pytest

from broker.web.pages.parts import Link
from broker.web.pages.shell import Links, Shell

AT_ROOT = Links()


@pytest.mark.parametrize("prefix", ["", "/id", "/tenants/partner"])
def test_every_address_is_under_the_path_of_the_issuer(prefix: str) -> None:
    """One deployment may share its host with others."""
    links = Links(prefix=prefix)

    assert links.sign_in_with("google") == f"{prefix}/sign-in/google"
    assert links.account == f"{prefix}/account"
    assert links.connect("google") == f"{prefix}/account/connections/google"
    assert links.disconnect("c1") == f"{prefix}/account/connections/c1/disconnect"
    assert links.end_session("s1") == f"{prefix}/account/sessions/s1/end"
    assert links.end_other_sessions == f"{prefix}/account/sessions/end-others"
    assert links.data == f"{prefix}/account/data"
    assert links.sign_out == f"{prefix}/account/sign-out"
    assert (links.privacy, links.terms) == (f"{prefix}/privacy", f"{prefix}/terms")


def test_an_id_stays_one_segment() -> None:
    """Whatever is in it, it neither begins another segment nor a query."""
    assert AT_ROOT.disconnect("../a?b#c") == "/account/connections/..%2Fa%3Fb%23c/disconnect"


@pytest.mark.parametrize("href", ["/", "/account", "https://id.example/", "http://localhost:8002/"])
def test_a_link_leads_to_a_path_or_a_web_address(href: str) -> None:
    """Those a browser follows without running anything."""
    assert Link(label="On", href=href).href == href


@pytest.mark.parametrize(
    "href",
    [
        "",
        "account",
        "//evil.example/",
        "/\\evil.example/",
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        " https://id.example/",
        "data:text/html,x",
    ],
)
def test_a_link_leads_nowhere_else(href: str) -> None:
    """Escaping would not stop these."""
    with pytest.raises(ValueError, match="a path or a web address"):
        Link(label="On", href=href)


def test_a_shell_keeps_its_secrets_out_of_what_is_logged() -> None:
    """Neither the CSRF token nor the person's name is in its repr."""
    shell = Shell(request_id="r", now=0, csrf="secret-token", signed_in_as="Ada Lovelace")

    assert "secret-token" not in repr(shell)
    assert "Ada" not in repr(shell)
