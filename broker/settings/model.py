"""Owns what an operator decides, as frozen dataclasses. Refuses to show a secret."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.domain.ids import RegistrationId
from broker.domain.policy import AttributePolicy

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsProblems(Exception):
    """Everything that is wrong, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrationSettings:
    """This deployment's credentials at a Provider. `issuer` is None where the Provider's own is meant."""

    id: RegistrationId
    provider: str
    label: str
    issuer: str | None
    provider_client_id: str
    secret: str = field(repr=False)
    trusted_email_domains: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything an operator decides. `trusted_proxies`: how many proxies in front append to X-Forwarded-For.

    `signing_key_days`: at which age the next signing key takes over.
    """

    issuer: str
    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    policy: AttributePolicy
    keyring: str = field(repr=False)
    allow_private_addresses: tuple[Network, ...]
    trusted_proxies: int
    signing_algorithm: str
    signing_key_days: int
    registrations: Mapping[RegistrationId, RegistrationSettings]
