"""A world with one more registration, "twin", at a fake Provider of `tests/fakes/`, which can be bent in any way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from broker.domain.ids import RegistrationId
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.provider import Enrolled, SettableClock
from tests.fakes.providers.stage import on_stage
from tests.security.template import BEGINS, HTTPS, PROVIDER_APPLICATION, SECRETS, Template
from tests.security.world import World, open_world, registration

TWIN = RegistrationId("twin")
NOTHING_ELSE: Mapping[str, Any] = {}
Fake = TypeVar("Fake", bound=FakeOpenIdProvider)


@asynccontextmanager
async def staged(
    template: Template,
    folder: Path,
    kind: type[Fake],
    *,
    keep: tuple[str, ...] = ("email",),
    release: tuple[str, ...] = (),
    settings: Mapping[str, Any] = NOTHING_ELSE,
    **arguments: Any,
) -> AsyncIterator[tuple[World, Fake]]:
    """Serve a fake Provider of this kind, and a broker that knows it as "twin", and keeps and releases these of it.

    `settings` are the broker's, `arguments` the fake's.
    """
    enrolled = Enrolled(
        application_id=PROVIDER_APPLICATION, secret=SECRETS["provider"], callback_url=f"{HTTPS}/callback/twin"
    )
    clock = SettableClock(BEGINS)
    with on_stage(lambda base: kind(base=base, clock=clock, enrolled=enrolled, **arguments)) as fake:
        further = replace(registration("twin", template.corp, provider=fake.name), issuer=fake.issuer)
        rules = {"twin": {"keep": dict.fromkeys(keep, "Testing"), "release": dict.fromkeys(release, "Testing")}}
        async with open_world(template, folder, registrations={TWIN: further}, rules=rules, **settings) as world:
            world.watch.elsewhere.add(fake.base)
            yield world, fake
