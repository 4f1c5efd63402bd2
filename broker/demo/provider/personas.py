"""The people who can sign in at the demo Provider, and what it says about them as standard claims.

Holds no password: choosing a card is the whole proof of who one is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Persona:
    """One account. `sub` never changes; `hd` is the organisation's domain, None for a private account."""

    persona_id: str
    sub: str
    given_name: str
    family_name: str
    email: str
    hd: str | None
    says: str

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def initials(self) -> str:
        return self.given_name[:1] + self.family_name[:1]


PERSONAS: Sequence[Persona] = (
    Persona(
        persona_id="ada",
        sub="107691504500061815001",
        given_name="Ada",
        family_name="Lovelace",
        email="ada@acme.example",
        hd="acme.example",
        says="Works for Acme, and for Globex as well",
    ),
    Persona(
        persona_id="grace",
        sub="107691504500061906002",
        given_name="Grace",
        family_name="Hopper",
        email="grace@globex.example",
        hd="globex.example",
        says="Works for Globex",
    ),
    Persona(
        persona_id="stranger",
        sub="107691504500061977003",
        given_name="Sam",
        family_name="Stranger",
        email="sam.stranger@gmail.com",
        hd=None,
        says="A private account that no Client knows",
    ),
)


def recognise(personas: Sequence[Persona], hint: str) -> Persona | None:
    """The persona that a `login_hint` means: by e-mail address or `sub`, as at Google, or by id."""
    return next((who for who in personas if hint in (who.persona_id, who.sub, who.email)), None)
