"""Values that stand for what must not be kept: one of its own under every claim that the demo Provider tells.

Whatever the policy does not allow is a canary; what it allows is random as well, so that it can be looked for.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from broker.demo.provider import PERSONAS, Persona
from broker.demo.provider.id_token import claims_about
from broker.demo.provider.oversharing import oversharing
from tests.world.files import CLIENTS

KEPT = frozenset({"email", "name"})
# What an ID token is made of, or what decides about the invitation. Everything else is nobody's business.
_NOT_PERSONAL = frozenset({"sub", "hd", "email_verified"})
# Told at userinfo alone, and always the same: were it in the ID token too, nobody would have to ask userinfo.
_AT_USERINFO = {"zoneinfo": "Europe/Zurich"}
_EVERY_SCOPE = frozenset({"openid", "email", "profile"})


class Canaries:
    """The people of a world, each random from name to address, and what the Provider says about each of them.

    `forbidden`: name -> value of what may be nowhere. `kept`: of what may be sealed, and told where it is released.
    """

    def __init__(self) -> None:
        self.forbidden: dict[str, str] = dict(_AT_USERINFO)
        self.kept: dict[str, str] = {}
        self.personas = tuple(self._person(persona) for persona in PERSONAS)
        self._claims = {persona.persona_id: self._about(persona) for persona in self.personas}

    def extra_claims(self, persona_id: str) -> Mapping[str, Any]:
        """For `create_provider`: the same at every sign-in of this person."""
        return self._claims[persona_id]

    def clients(self) -> str:
        """clients.toml with the people's new addresses."""
        text = CLIENTS
        for before, now in zip(PERSONAS, self.personas, strict=True):
            text = text.replace(before.email, now.email)
        return text

    def plant(self, name: str) -> str:
        """One more value that may be nowhere."""
        value = "c" + secrets.token_hex(8)
        self.forbidden[name] = value
        return value

    def _person(self, persona: Persona) -> Persona:
        who = persona.persona_id
        domain = f"{secrets.token_hex(6)}.example"
        changed = replace(
            persona,
            sub=f"1{secrets.randbelow(10**20):020}",
            given_name="G" + secrets.token_hex(6),
            family_name="F" + secrets.token_hex(6),
            email=f"{secrets.token_hex(6)}@{domain}",
            hd=None if persona.hd is None else domain,
        )
        self.forbidden[f"{who} sub"] = changed.sub
        self.kept |= {
            f"{who} given name": changed.given_name,
            f"{who} family name": changed.family_name,
            f"{who} address": changed.email,
            f"{who} mailbox": changed.email.partition("@")[0],
            f"{who} domain": domain,
        }
        return changed

    def _about(self, persona: Persona) -> dict[str, Any]:
        who = persona.persona_id
        told = {**oversharing(persona), **claims_about("", persona, _EVERY_SCOPE), **_RENAMED}
        claims = {
            name: self._leaves(f"{who} {name}", value)
            for name, value in told.items()
            if name not in KEPT | _NOT_PERSONAL | _AT_USERINFO.keys()
        }
        claims[self.plant(f"{who} a claim's own name")] = True
        if who == "stranger":  # allowed by name, and no text
            claims["name"] = {"formatted": self.plant(f"{who} name as an object"), "name": [persona.name]}
        return claims

    def _leaves(self, place: str, value: Any) -> Any:
        """The same shape, with a canary for every leaf."""
        if isinstance(value, Mapping):
            return {key: self._leaves(f"{place}.{key}", inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._leaves(f"{place}[{number}]", inner) for number, inner in enumerate(value)]
        return self.plant(place)


_RENAMED: dict[str, Any] = {
    "EMAIL": "",
    "e_mail": "",
    "email_address": "",
    "Name": "",
    "NAME": "",
    "\uff4e\uff41\uff4d\uff45": "",  # full-width, the same as "name" under Unicode's compatibility forms
    "n\u0430me": "",  # a Cyrillic a
    "name\u200d": "",
    "name#de": "",
    "profile.email": "",
    "keep": {"email": "", "name": ""},
    "google": {"email": "", "name": "", "keep": [""]},
    "claims": {"userinfo": {"email": {"value": ""}}},
    "_claim_sources": {"src1": {"JWT": ""}},
}
