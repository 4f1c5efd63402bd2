"""The claims about a person, for the ID token and for userinfo, and the ID token itself.

A claim of a scope that was not granted is in neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.demo.provider.faults import Fault
from broker.demo.provider.grants import Grant
from broker.demo.provider.jose import half_hash
from broker.demo.provider.mutations import sign_well
from broker.demo.provider.oversharing import oversharing
from broker.demo.provider.personas import Persona
from broker.demo.provider.provider import DemoProvider

ID_TOKEN_LIFE_SECONDS = 3600


def claims_about(issuer: str, persona: Persona, scopes: frozenset[str]) -> dict[str, Any]:
    """The standard claims of these scopes (OpenID Connect Core section 5.4), and Google's `hd`."""
    claims: dict[str, Any] = {"sub": persona.sub}
    if persona.hd:
        claims |= {"hd": persona.hd}
    if "email" in scopes:
        claims |= {"email": persona.email, "email_verified": True}
    if "profile" in scopes:
        claims |= {
            "name": persona.name,
            "given_name": persona.given_name,
            "family_name": persona.family_name,
            "picture": f"{issuer}/pictures/{persona.persona_id}.svg",
            "locale": "en-GB",
        }
    return claims


def userinfo_claims(provider: DemoProvider, grant: Grant, scopes: frozenset[str]) -> dict[str, Any]:
    """What userinfo answers: the standard claims among far too many others."""
    return {
        **oversharing(grant.persona),
        **claims_about(provider.issuer, grant.persona, scopes),
        **provider.extra_claims(grant.persona.persona_id),
    }


def id_token(
    provider: DemoProvider,
    grant: Grant,
    scopes: frozenset[str],
    *,
    access_token: str,
    nonce: str | None,
    fault: Fault | None,
) -> str:
    """A signed ID token (OpenID Connect Core section 2), bent by the fault if there is one."""
    now = provider.clock()
    claims: dict[str, Any] = {
        "iss": provider.issuer,
        "azp": grant.client_id,
        "aud": grant.client_id,
        **claims_about(provider.issuer, grant.persona, scopes),
        "at_hash": half_hash(access_token),
        **({"nonce": nonce} if nonce else {}),
        "iat": now,
        "exp": now + ID_TOKEN_LIFE_SECONDS,
        **provider.extra_claims(grant.persona.persona_id),
    }
    if fault and fault.claims:
        claims = fault.claims(claims)
    sign = fault.sign if fault and fault.sign else sign_well
    token = sign(claims, provider.keys.current)
    provider.store.record("id_token", token)
    return token


def no_extra_claims(persona_id: str) -> Mapping[str, Any]:
    """The default for `extra_claims`."""
    return {}
