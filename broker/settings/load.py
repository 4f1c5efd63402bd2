"""Owns `broker.toml`: reads it, with its secrets and its policy, into frozen dataclasses.

Refuses to start on any problem, and reports every problem at once, with file and line where it can.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from broker.domain.ids import RegistrationId
from broker.domain.policy import AttributePolicy
from broker.domain.policy_parse import RESERVED_NAMES
from broker.domain.signing_key import ALGORITHMS
from broker.domain.web_url import issuer_problem, origin_problem
from broker.settings.files import line_of, read_toml, resolve_secrets, secret_of
from broker.settings.model import Network, RegistrationSettings, Settings, SettingsProblems
from broker.settings.policy_file import read_policy
from providers import PROVIDERS
from providers.spec import Provider

_ADDRESSES = ("accept", "decline")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_BROKER_KEYS = {
    "issuer",
    "database_url",
    "redis_url",
    "policy",
    "keyring",
    "allow_private_addresses",
    "trusted_proxies",
    "signing_algorithm",
    "signing_key_days",
}
_REGISTRATION_KEYS = {"provider", "issuer", "client_id", "client_secret", "trusted_email_domains", "label"}


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings file at `path`; relative paths in it are relative to it. Raises `SettingsProblems`."""
    problems: list[str] = []
    document = read_toml(path, problems)
    if problems:
        raise SettingsProblems(problems)
    reader = _Reader(path, document, environment, problems)
    settings = reader.settings()
    if problems or settings is None:
        raise SettingsProblems(problems)
    return settings


def keyring_text(path: Path, environment: Mapping[str, str] = os.environ) -> str | None:
    """The keyring that a settings file names, however many other problems it has; None when it cannot be had."""
    ignored: list[str] = []
    table = read_toml(path, ignored).get("broker")
    reference = table.get("keyring") if isinstance(table, Mapping) else None
    if not isinstance(reference, Mapping) or reference.keys() not in ({"env"}, {"file"}):
        return None
    return secret_of(reference, path.parent, environment, ignored)


class _Reader:
    """Reads one document; everything wrong with it goes to `problems`, and reading goes on."""

    def __init__(
        self, path: Path, document: Mapping[str, Any], environment: Mapping[str, str], problems: list[str]
    ) -> None:
        self.path = path
        self.lines = path.read_text("utf-8").splitlines()
        self.document = document
        self.environment = environment
        self.problems = problems

    def settings(self) -> Settings | None:
        before = len(self.problems)
        for key in sorted(self.document.keys() - {"broker", "registrations"}):
            self._say(key, None, "unknown; there are [broker] and [registrations.<name>]")
        table = self._table("broker", self.document.get("broker", {}), _BROKER_KEYS)
        registrations = self._registrations()
        values: dict[str, Any] = {
            "issuer": self._issuer(table),
            "database_url": self._database_url(table),
            "redis_url": self._url(table, "redis_url", ("redis", "rediss", "unix")),
            "keyring": self._keyring(table),
            "allow_private_addresses": self._networks(table),
            "trusted_proxies": self._count(table, "trusted_proxies", range(11), 0),
            "signing_algorithm": self._choice(table, "signing_algorithm", ALGORITHMS),
            "signing_key_days": self._count(table, "signing_key_days", range(1, 3651), 90),
            "policy": self._policy(table, registrations),
        }
        return Settings(**values, registrations=registrations) if len(self.problems) == before else None

    def _issuer(self, table: Mapping[str, Any]) -> str:
        value = table.get("issuer")
        if not isinstance(value, str):
            self._say("broker", "issuer", "is missing; it is this broker's own URL, such as https://id.example.com")
            return ""
        if (problem := origin_problem(value)) is not None:
            self._say("broker", "issuer", problem)
        return value

    def _database_url(self, table: Mapping[str, Any]) -> str:
        if "database_url" not in table:
            return f"sqlite:///{self.path.parent.resolve() / 'var' / 'broker.sqlite'}"
        url = self._url(table, "database_url", ("postgresql", "sqlite")) or ""
        scheme, _, rest = url.partition(":///")
        if scheme == "sqlite" and rest and not rest.startswith("/"):
            return f"sqlite:///{self.path.parent.resolve() / rest}"
        return url

    def _url(self, table: Mapping[str, Any], key: str, schemes: tuple[str, ...]) -> str | None:
        value = table.get(key)
        if isinstance(value, Mapping):
            value = resolve_secrets(value, self.path.parent, self.environment, self.problems)
        if value is None:
            return None
        if not isinstance(value, str) or not value.startswith(tuple(f"{s}://" for s in schemes)):
            self._say("broker", key, f"must begin with {' or '.join(f'{s}://' for s in schemes)}")
            return None
        return value

    def _keyring(self, table: Mapping[str, Any]) -> str:
        value = table.get("keyring")
        if not isinstance(value, Mapping) or value.keys() not in ({"env"}, {"file"}):
            self._say("broker", "keyring", 'must be { file = "…" } or { env = "…" }; make one: broker keys new')
            return ""
        return secret_of(value, self.path.parent, self.environment, self.problems) or ""

    def _networks(self, table: Mapping[str, Any]) -> tuple[Network, ...]:
        networks: list[Network] = []
        values = table.get("allow_private_addresses", [])
        for value in values if isinstance(values, list) else [values]:
            try:
                networks.append(ipaddress.ip_network(value))
            except ValueError:
                self._say("broker", "allow_private_addresses", f"{value!r} is not a network such as 127.0.0.0/8")
        return tuple(networks)

    def _count(self, table: Mapping[str, Any], key: str, among: range, default: int) -> int:
        value = table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value not in among:
            self._say("broker", key, f"must be a number from {among[0]} to {among[-1]}")
            return default
        return value

    def _choice(self, table: Mapping[str, Any], key: str, among: tuple[str, ...]) -> str:
        value = table.get(key, among[0])
        if value not in among:
            self._say("broker", key, f"must be one of {', '.join(among)}")
            return among[0]
        return str(value)

    def _registrations(self) -> dict[RegistrationId, RegistrationSettings]:
        tables = self.document.get("registrations", {})
        if not isinstance(tables, Mapping) or not tables:
            self._say("registrations", None, "at least one [registrations.<name>] is needed, or nobody can sign in")
            return {}
        registrations: dict[RegistrationId, RegistrationSettings] = {}
        for name, body in tables.items():
            where = f"registrations.{name}"
            table = self._table(where, body, _REGISTRATION_KEYS)
            if _NAME.fullmatch(name) is None:
                self._say(where, None, "a name is 1 to 32 lower-case letters, digits, dashes or underscores")
                continue
            if name in _ADDRESSES:
                self._say(where, None, f"/sign-in/{name} is an address of the broker's own; choose another name")
                continue
            if name in RESERVED_NAMES:
                self._say(where, None, f"the policy has a table {name} for all registrations; choose another name")
                continue
            provider = PROVIDERS.get(str(table.get("provider")))
            if provider is None:
                self._say(where, "provider", f"must be one of {', '.join(sorted(PROVIDERS))}")
                continue
            registrations[RegistrationId(name)] = RegistrationSettings(
                id=RegistrationId(name),
                provider=provider.name,
                label=self._text(where, table, "label", default=provider.label),
                issuer=self._provider_issuer(where, table, provider),
                provider_client_id=self._text(where, table, "client_id"),
                secret=self._registration_secret(where, table),
                trusted_email_domains=self._domains(where, table),
            )
        return registrations

    def _provider_issuer(self, where: str, table: Mapping[str, Any], provider: Provider) -> str | None:
        value = table.get("issuer")
        if isinstance(value, str):
            if (problem := issuer_problem(value)) is not None:
                self._say(where, "issuer", problem)
            return value
        if value is not None:
            self._say(where, "issuer", "must be a text")
        elif provider.issuer is None:
            self._say(where, "issuer", f"is missing; provider {provider.name!r} has none of its own")
        return None

    def _registration_secret(self, where: str, table: Mapping[str, Any]) -> str:
        value = table.get("client_secret")
        if not isinstance(value, Mapping) or value.keys() not in ({"env"}, {"file"}):
            self._say(where, "client_secret", 'must be { env = "…" } or { file = "…" }, not the secret itself')
            return ""
        return secret_of(value, self.path.parent, self.environment, self.problems) or ""

    def _domains(self, where: str, table: Mapping[str, Any]) -> frozenset[str]:
        values = table.get("trusted_email_domains", [])
        if not isinstance(values, list) or not all(isinstance(v, str) and "." in v and "@" not in v for v in values):
            self._say(where, "trusted_email_domains", "must be a list of domains such as corp.example")
            return frozenset()
        return frozenset(v.lower() for v in values)

    def _policy(
        self, table: Mapping[str, Any], registrations: Mapping[RegistrationId, RegistrationSettings]
    ) -> AttributePolicy | None:
        value = table.get("policy")
        if not isinstance(value, str):
            self._say("broker", "policy", 'is missing; it names the attribute policy, such as "policy.toml"')
            return None
        known = {name: frozenset(PROVIDERS[r.provider].attributes) for name, r in registrations.items()}
        return read_policy(self.path.parent / value, known, self.problems)

    def _text(self, where: str, table: Mapping[str, Any], key: str, default: str | None = None) -> str:
        value = table.get(key, default)
        if isinstance(value, str) and value.strip() and value.isprintable():
            return value
        self._say(where, key, "is missing" if value is None else "must be a line of text")
        return ""

    def _table(self, where: str, body: Any, keys: set[str]) -> Mapping[str, Any]:
        if not isinstance(body, Mapping):
            self._say(where, None, "must be a table")
            return {}
        for key in sorted(body.keys() - keys):
            self._say(where, key, f"unknown; there are {', '.join(sorted(keys))}")
        return body

    def _say(self, where: str, key: str | None, problem: str) -> None:
        name = f"[{where}]" if key is None else f"[{where}] {key}"
        line = line_of(self.lines, where, key)
        self.problems.append(f"{self.path}{f':{line}' if line else ''}: {name}: {problem}")
