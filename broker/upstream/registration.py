"""Owns the registration: this deployment's own credentials at a Provider, as this edge needs them.

Refuses to show its secret, and to be used while something is missing: `problems` says what.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from broker.domain.ids import RegistrationId
from broker.flows.ports import RegistrationFacts
from broker.upstream.addresses import is_url
from providers.spec import Provider, RevocationStrategy

_URL = "must be an https URL (http for loopback hosts only)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """`provider_application_id` and `secret` are what the Provider handed out; `callback_url` is what it knows of us.

    `issuer` replaces the Provider's own: an Entra tenant, a GitHub Enterprise server, the demo's stand-in.
    `trusted_email_domains` are lower case; the Provider's e-mail trust rule decides whether it looks at them.
    """

    id: RegistrationId
    provider: Provider
    provider_application_id: str
    secret: str = field(repr=False)
    callback_url: str
    issuer: str | None = None
    trusted_email_domains: frozenset[str] = frozenset()
    label: str | None = None

    @property
    def configured_issuer(self) -> str:
        """Where everything about the Provider begins."""
        return self.issuer or self.provider.issuer or ""

    def problems(self) -> tuple[str, ...]:
        """Everything that keeps this registration from being used, in words for the operator."""
        issuer = self.configured_issuer
        checks = (
            (not self.provider_application_id,         "client_id is empty"),
            (not self.secret,                          "client_secret is empty"),
            (not self.secret.isprintable(),            "client_secret holds characters that cannot be sent"),
            (not issuer,                               f"provider {self.provider.name!r} needs an issuer"),
            (bool(issuer) and not is_url(issuer),      f"issuer {_URL}"),
            ("?" in issuer,                            "issuer must not have a query"),
            (not is_url(self.callback_url),            f"the callback {_URL}"),
        )  # fmt: skip
        return tuple(f"[registrations.{self.id}]: {message}" for bad, message in checks if bad)

    def facts(self) -> RegistrationFacts:
        """What flows and pages may know."""
        revocation = self.provider.revocation
        return RegistrationFacts(
            id=self.id,
            provider=self.provider.name,
            label=self.label or self.provider.label,
            attributes=frozenset(self.provider.attributes),
            can_revoke=revocation.strategy is not RevocationStrategy.NONE,
            reach=revocation.reach,
            permissions_page=revocation.permissions_page(
                self.configured_issuer, quote(self.provider_application_id, safe="")
            ),
        )
