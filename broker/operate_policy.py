"""Owns what an operator asks of the attribute policy: a table, what it makes of a profile, and of what is kept already.

Refuses to need a secret, a keyring or a database for what the policy alone can tell.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from broker.app import SystemClock, opened
from broker.domain.ids import ClientOrgId, RegistrationId, UserId
from broker.domain.policy_table import PolicyRow, table
from broker.domain.policy_trial import Tried, tried
from broker.domain.processing_record import processing_record
from broker.flows.privacy.explain import ExplainedConnection, explain
from broker.flows.privacy.purge import Purged, purge
from broker.operate import opened_vault, users_called
from broker.settings.model import Settings
from broker.settings.policy_file import PolicyAlone
from providers.spec import Provider

PURGE_AGAIN_AFTER = 1.0
"""Seconds between two looks at what another process is doing."""


class NotAProfile(Exception):
    """A file that is no profile; the text says why, and nothing of what is in it."""


def policy_rows(alone: PolicyAlone) -> tuple[PolicyRow, ...]:
    """The policy as a table."""
    claims = {
        registration: {name: ".".join(attribute.path) for name, attribute in provider.attributes.items()}
        for registration, provider in alone.providers.items()
    }
    return table(alone.policy, claims)


def try_profile(
    alone: PolicyAlone, registration: RegistrationId, profile: Path, clients: Collection[ClientOrgId]
) -> tuple[Tried, ...]:
    """What would be kept of the profile document in a file. Raises `NotAProfile`."""
    provider = alone.providers[registration]
    claims = _claims(provider, profile)
    told = {name: attribute.find(claims) for name, attribute in provider.attributes.items()}
    read = {".".join(attribute.path) for attribute in provider.attributes.values()}
    unread = [claim for claim in _names(provider, claims) if claim not in read]
    return tried(alone.policy, registration, told, attributes=provider.attributes, unread=unread, clients=clients)


async def purge_now(settings: Settings, *, dry_run: bool, told: Callable[[Purged], None]) -> Purged:
    """Drop what the policy does not allow any more, or count it; `told` hears of each batch.

    Where another process is at it already, wait: it may know another policy. Raises `NotReady` or `Fault`.
    """

    async def pace(so_far: Purged) -> None:
        told(so_far)

    async with opened(settings, writes=not dry_run) as edges:
        holder = edges.ports.secrets.new_id("run")
        while True:
            done = await purge(edges.ports, holder=holder, dry_run=dry_run, pace=pace)
            if done.is_ours:
                return done
            told(done)
            await asyncio.sleep(PURGE_AGAIN_AFTER)


async def explain_users(
    settings: Settings, who: str, *, with_values: bool
) -> Mapping[UserId, tuple[ExplainedConnection, ...]]:
    """What is kept of a User: by their id, or by an e-mail address to which a Client has given an Authorization.

    Raises `NotFound`, `NotReady` or `Fault`.
    """
    async with opened_vault(settings, right_keys=True) as (store, vault, secrets):
        clock, policy = SystemClock(), settings.policy
        return {
            user_id: await explain(user_id, policy, store, vault, clock, with_values=with_values)
            for user_id in await users_called(who, store, secrets)
        }


async def record_of_processing(settings: Settings, alone: PolicyAlone) -> str:
    """The record of processing, as Markdown: the policy, and the Applications that are declared. Raises as above."""
    async with opened_vault(settings, right_keys=False) as (store, _, _):
        applications = (await store.catalogue()).applications.values()
    registrations = {name: settings.registrations[name].label for name in alone.providers}
    return processing_record(policy_rows(alone), registrations, applications, alone.policy, _day)


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _claims(provider: Provider, profile: Path) -> Mapping[str, Any]:
    """As a sign-in would have them: of an OAuth 2.0 Provider each document is read, and stands under its name."""
    try:
        document = json.loads(profile.read_text("utf-8"))
    except OSError as error:
        raise NotAProfile(f"cannot be read ({type(error).__name__})") from None
    except (ValueError, RecursionError):
        raise NotAProfile("is not JSON") from None
    if not isinstance(document, Mapping):
        raise NotAProfile("must be a JSON object")
    claims = dict(document)
    for name, of_provider in provider.documents.items():
        if name in document:
            claims[name] = of_provider.read(document[name])
            if claims[name] is None:
                raise NotAProfile(f"{name}: is not what this Provider answers with")
    return claims


def _names(provider: Provider, claims: Mapping[str, Any]) -> list[str]:
    names: list[str] = []
    for name, value in claims.items():
        names += [f"{name}.{inner}" for inner in value] if name in provider.documents else [name]
    return names
