"""Addresses and parameters: every route has a row, with its name and methods, and every row a route."""

from __future__ import annotations

import pytest

from broker.domain.authorize_request import KNOWN
from broker.flows.sessions import sign_out
from broker.web.routes import TABLE
from broker.web.wellknown import published
from tests.docs.reading import code, names, reference, rows, section
from tests.rules.tree import ROOT, text

HEADINGS = ("For Applications and services", "For gateways", "For Providers", "For people", "For operators")


def test_every_route_has_a_row() -> None:
    """Name, methods and address."""
    told = [
        (code(row[0])[0], tuple(row[1].split(", ")), code(row[2])[0])
        for heading in HEADINGS
        for row in rows(section(reference("urls"), heading))
    ]

    assert sorted(told) == sorted((name, methods, path) for name, path, methods, _, _ in TABLE)


def test_every_published_document_has_a_row() -> None:
    """What is answered from memory, but for the assets."""
    paths = {path for path in published("https://id.example", b"{}", ("ES256",)) if not path.startswith("/assets/")}

    assert set(names(section(reference("urls"), "Published documents"))) == paths


def test_every_parameter_of_an_authorize_request_has_a_row() -> None:
    """The refused ones too."""
    assert names(section(reference("urls"), "Authorize")).sort() == list(KNOWN).sort()
    assert set(names(section(reference("urls"), "Authorize"))) == set(KNOWN)


def test_every_parameter_of_a_token_request_has_a_row() -> None:
    """As the handler reads them."""
    read = _read_by("handlers/token.py", "credentials.py")
    told = names(section(reference("urls"), "Token"))

    assert [name for name in told if f'"{name}"' not in read] == []
    assert len(told) == 19


def test_every_parameter_of_a_device_has_a_row() -> None:
    """As the handler and the credentials read them."""
    read = _read_by("handlers/devices.py", "credentials.py")
    told = names(section(reference("urls"), "Device authorization"))

    proofs = ["client_id", "client_secret", "client_assertion", "client_assertion_type"]
    assert told == ["scope", "organization", *proofs, "resource"]
    assert [name for name in told if f'"{name}"' not in read] == []


@pytest.mark.parametrize("heading", ["Revoke", "Introspect"])
def test_every_parameter_about_a_token_has_a_row(heading: str) -> None:
    """As the handler and the credentials read them."""
    read = _read_by("handlers/token_state.py", "credentials.py")
    told = names(section(reference("urls"), heading))[:6]

    proofs = ["client_id", "client_secret", "client_assertion", "client_assertion_type"]
    assert told == ["token", "token_type_hint", *proofs]
    assert [name for name in told if f'"{name}"' not in read] == []


def test_every_parameter_of_a_logout_has_a_row() -> None:
    """RP-Initiated Logout's own."""
    assert set(names(section(reference("urls"), "End session"))) == set(sign_out._NAMES)


def _read_by(*modules: str) -> str:
    return "".join(text(ROOT / "broker" / "web" / name) for name in modules)
