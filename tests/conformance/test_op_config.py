"""OP Config: what discovery says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.security.template import Template
from tests.security.world import open_world

pytestmark = pytest.mark.anyio
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


async def test_oidcc_discovery_endpoint_verification(template: Template, tmp_path: Path) -> None:
    """Everything that OpenID Connect Discovery 1.0 section 3 requires, by https alone, and keys without private halves.

    With `signing_algorithm = "RS256"`, which the section demands; the broker's own choice is ES256.
    """
    from_the_start = replace(template, settings=replace(template.settings, signing_algorithm="RS256"))
    database_url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    await from_the_start.fill(database_url)
    async with open_world(from_the_start, tmp_path, database_url=database_url) as world:
        browser, issuer = world.browser(), world.settings.issuer
        answer = await browser.get("/.well-known/openid-configuration")
        told = answer.json()
        keys = (await browser.get(told["jwks_uri"].removeprefix(issuer))).json()["keys"]

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert told["issuer"] == issuer
    assert told["response_types_supported"] == ["code"]
    assert set(told["subject_types_supported"]) <= {"public", "pairwise"}
    assert "RS256" in told["id_token_signing_alg_values_supported"]
    assert {"sub", "email"} <= set(told["claims_supported"])
    assert "authorization_code" in told["grant_types_supported"]
    assert "openid" in told["scopes_supported"]
    assert all(" " not in name for name in told["scopes_supported"])
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert not told["claims_parameter_supported"]
    assert not told["request_parameter_supported"]
    assert not told["request_uri_parameter_supported"]
    places = {name: url for name, url in told.items() if name.endswith(("_endpoint", "_uri"))}
    assert {"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"} <= places.keys()
    assert all(url.startswith("https://") for url in places.values())
    assert {key["alg"] for key in keys} >= {"RS256"}
    assert all(key["use"] == "sig" and key["kid"] and not key.keys() & PRIVATE for key in keys)
    assert len({key["kid"] for key in keys}) == len(keys)
