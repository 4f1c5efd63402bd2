"""Owns what is learned about a person beyond the ID token: userinfo, and the documents of OAuth 2.0 Providers.

Refuses to fetch what nobody asked for, and to hand on anything but the attributes that the page of facts names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from broker.upstream.errors import refused, unavailable
from broker.upstream.line import Line
from broker.upstream.metadata import Metadata
from providers.spec import Attribute, Claims, Provider, Where


def asked_for(provider: Provider, scopes: tuple[str, ...], wanted: Collection[str]) -> Mapping[str, Attribute]:
    """The wanted attributes that these scopes were asked for; an over-sharing Provider changes nothing about it."""
    return {
        name: attribute
        for name, attribute in provider.attributes.items()
        if name in wanted and (attribute.scope is None or attribute.scope in scopes)
    }


def select(attributes: Mapping[str, Attribute], claims: Claims) -> dict[str, object]:
    """Attribute -> value, of those that were told."""
    found = {name: attribute.find(claims) for name, attribute in attributes.items()}
    return {name: value for name, value in found.items() if value is not None}


async def with_userinfo(
    line: Line, metadata: Metadata, attributes: Mapping[str, Attribute], claims: Claims, access_token: str
) -> Claims:
    """The ID token's claims; those of userinfo (OpenID Connect Core section 5.3) beside them when one is missing.

    What the ID token says, counts. Raises `Refusal` "subject_mismatch" or `Fault`.
    """
    missing = any(
        attribute.where is Where.USERINFO and attribute.find(claims) is None for attribute in attributes.values()
    )
    if not missing or metadata.userinfo_endpoint is None:
        return claims
    userinfo = await line.get_json(metadata.userinfo_endpoint, what="userinfo", headers=_bearer(access_token))
    if not isinstance(userinfo, Mapping):
        raise unavailable("userinfo: no JSON object")
    if userinfo.get("sub") != claims["sub"]:  # section 5.3.2
        raise refused("subject_mismatch", "userinfo is about another subject")
    return {**userinfo, **claims}


async def documents(
    line: Line, provider: Provider, metadata: Metadata, scopes: tuple[str, ...], access_token: str
) -> Claims:
    """The claims that each readable document gives, by its name. Raises `Fault`."""
    told: dict[str, Any] = {}
    for name, document in provider.documents.items():
        if document.scope is None or document.scope in scopes:
            answer = await line.get_json(metadata.documents[name], what=name, headers=_bearer(access_token))
            told[name] = document.read(answer)
            if told[name] is None:
                raise unavailable(f"{name}: not the document that was asked for")
    return told


def _bearer(access_token: str) -> dict[str, str]:
    return {"Accept": "application/json", "Authorization": f"Bearer {access_token}"}
