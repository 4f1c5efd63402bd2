"""Owns `policy.toml`: reads it into an `AttributePolicy`, for the settings, or alone for whoever works on the policy.

Refuses it whole with any problem, and names every one, with file and line where it can.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from broker.domain.ids import RegistrationId
from broker.domain.policy import AttributePolicy, PolicyProblems, parse
from broker.settings.files import line_of, read_toml
from broker.settings.model import SettingsProblems
from providers import PROVIDERS
from providers.spec import Provider

_PLACE = re.compile(r"\[([^\]]+)\](?: ([\w-]+))?: ")
"""How a problem begins: [table], or [table] key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyAlone:
    """A policy, and the Provider behind each registration that it can name."""

    policy: AttributePolicy
    providers: Mapping[RegistrationId, Provider]


def read_policy(
    path: Path, known: Mapping[RegistrationId, Collection[str]], problems: list[str]
) -> AttributePolicy | None:
    """The policy at `path`, or None and lines in `problems`. `known` as in `policy.parse`."""
    before = len(problems)
    document = read_toml(path, problems)
    if len(problems) > before:
        return None
    try:
        return parse(document, known)
    except PolicyProblems as error:
        lines = path.read_text("utf-8").splitlines()
        problems += [f"{path}{_line(lines, problem)}: {problem}" for problem in error.problems]
        return None


def policy_alone(config: Path) -> PolicyAlone:
    """The policy that a settings file names. Looks at nothing else there but which Provider each registration has.

    So no secret, keyring or database needs to be at hand. Raises `SettingsProblems`.
    """
    problems: list[str] = []
    document = read_toml(config, problems)
    tables, broker = document.get("registrations"), document.get("broker")
    providers: dict[RegistrationId, Provider] = {}
    for name, table in (tables if isinstance(tables, Mapping) else {}).items():
        provider = PROVIDERS.get(str(table.get("provider"))) if isinstance(table, Mapping) else None
        if provider is None:
            problems.append(f"{config}: [registrations.{name}] provider: must be one of {', '.join(sorted(PROVIDERS))}")
        else:
            providers[RegistrationId(name)] = provider
    named = broker.get("policy") if isinstance(broker, Mapping) else None
    policy = None
    if not problems and not isinstance(named, str):
        problems.append(f'{config}: [broker] policy: is missing; it names the attribute policy, such as "policy.toml"')
    if not problems:  # else what the policy can name is not known
        known = {name: frozenset(provider.attributes) for name, provider in providers.items()}
        policy = read_policy(config.parent / str(named), known, problems)
    if policy is None:
        raise SettingsProblems(problems)
    return PolicyAlone(policy=policy, providers=providers)


def policy_of_any_deployment(path: Path) -> AttributePolicy:
    """The policy at `path`, whatever registrations it names: each may have any Provider's attributes.

    Raises `SettingsProblems`.
    """
    problems: list[str] = []
    attributes = frozenset[str]().union(*(provider.attributes for provider in PROVIDERS.values()))
    registrations = read_toml(path, problems)
    policy = None
    if not problems:
        policy = read_policy(path, {RegistrationId(name): attributes for name in registrations}, problems)
    if policy is None:
        raise SettingsProblems(problems)
    return policy


def _line(lines: list[str], problem: str) -> str:
    place = _PLACE.match(problem)
    line = None if place is None else line_of(lines, place[1], place[2])
    return "" if line is None else f":{line}"
