"""Owns `policy.toml`: reads it into an `AttributePolicy`, for the settings, or alone for whoever works on the policy.

Refuses it whole with any problem, and names every one, with file and line where it can.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from broker.domain.ids import RegistrationId
from broker.domain.policy import AttributePolicy, PolicyProblems
from broker.domain.policy_parse import RESERVED_NAMES, parse
from broker.settings.files import line_of, read_toml
from broker.settings.model import SettingsProblems
from providers import PROVIDERS
from providers.spec import Provider

SHIPPED = Path(__file__).parent / "documents"
"""The words of the legal documents where the policy names no file: what the software does by itself."""
_REVISED = {"privacy": date(2026, 11, 28), "terms": date(2026, 11, 28)}
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
    document = _with_words(document, path.parent, problems)
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
    registrations = read_toml(path, problems).keys() - RESERVED_NAMES
    policy = None
    if not problems:
        policy = read_policy(path, {RegistrationId(name): attributes for name in registrations}, problems)
    if policy is None:
        raise SettingsProblems(problems)
    return policy


def _with_words(document: Mapping[str, Any], folder: Path, problems: list[str]) -> dict[str, Any]:
    """The policy document with the words of its legal documents, each as `text`, in the place of their `file`."""
    documents = document.get("documents", {})
    if not isinstance(documents, Mapping):
        return dict(document)
    worded = dict(documents)
    for kind, revised in _REVISED.items():
        body = documents.get(kind, {"revised": revised})
        file = body.get("file") if isinstance(body, Mapping) else None
        if kind in documents and not isinstance(file, str):
            problems.append(f'[documents.{kind}] file: is missing; it names the document, such as "{kind}.md"')
            continue
        path = SHIPPED / f"{kind}.md" if file is None else folder / file
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path}: cannot be read ({type(error).__name__})")
        else:
            rest = {key: _seconds(value) for key, value in body.items() if key != "file"}
            worded[kind] = {"text": text, **rest}
    return {**document, "documents": worded}


def _seconds(value: object) -> object:
    """When a date begins, in seconds since the epoch; anything else as it is."""
    if isinstance(value, datetime) or not isinstance(value, date):
        return value if isinstance(value, str) else str(value)
    return int(datetime.combine(value, time(), UTC).timestamp())


def _line(lines: list[str], problem: str) -> str:
    place = _PLACE.match(problem)
    line = None if place is None else line_of(lines, place[1], place[2])
    return "" if line is None else f":{line}"
