"""A broker that asks to accept its documents, and people who answer. Refuses to answer for them."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from broker.domain.errors import Refusal
from broker.domain.legal_document import Documents, read
from broker.flows.found import LiveSession
from broker.flows.ports import Callback, Ports
from broker.flows.sign_in.accept import Answer, accept
from broker.flows.sign_in.begin import Trip
from broker.flows.sign_in.decline import Declined, decline
from broker.flows.sign_in.settlement import Finished
from broker.flows.sign_in.waiting import AcceptanceNeeded
from tests.fakes.upstream import Person
from tests.flows.setting import ADA, NOW, POLICY
from tests.flows.world import World, open_world

DAY = 86400
PRIVACY = read("## Privacy\n\nAll is well.", NOW - 90 * DAY)
TERMS = read("## Terms\n\nBe kind.", NOW - 100 * DAY)
DOCUMENTS = Documents(asked=True, grace_days=30, privacy=PRIVACY, terms=TERMS)
REVISED = replace(DOCUMENTS, terms=read("## Terms\n\nBe very kind.", NOW - 29 * DAY))
"""What is in force after a revision 29 days ago: its time of grace ends tomorrow."""
IN_FORCE = NOW + DAY

OPTIONAL: dict[str, Any] = {
    "purposes": {
        "promotional": {"label": "News", "purpose": "To tell what is new"},
        "analytics": {"label": "Statistics", "purpose": "To see what helps"},
    },
    "google": {
        "keep": {
            "email": "Contact address",
            "name": {"purpose": "Shown to colleagues", "optional": True},
            "locale": {"purpose": "News in one's own language", "optional": "promotional"},
        },
        "release": {"email": "Audit trails", "name": "Greeting", "locale": "Greeting"},
    },
    "corp": {"keep": {"email": {"purpose": "Contact address", "optional": True}}},
}


@dataclass(kw_only=True, slots=True)
class Gate:
    """A world in which newcomers are asked."""

    world: World

    @property
    def ports(self) -> Ports:
        return self.world.ports

    def revise(self, documents: Documents = REVISED) -> None:
        """Other documents are in force from now on."""
        self.world.ports = replace(self.world.ports, policy=replace(self.world.ports.policy, documents=documents))

    async def asked(
        self, person: Person = ADA, application: str | None = "demo-app", *, connecting: LiveSession | None = None
    ) -> AcceptanceNeeded:
        """There and back, and asked."""
        request = None if application is None or connecting else await self.world.request(application)
        trip = await self.world.begin(person, request, signed_in=connecting, connect=connecting is not None)
        return await self.asked_back(trip, person, signed_in=connecting)

    async def asked_back(
        self, trip: Trip, by: Person | Callback, *, signed_in: LiveSession | None = None
    ) -> AcceptanceNeeded:
        """Back, and asked."""
        outcome = await self.world.back(trip, by, signed_in=signed_in)
        assert isinstance(outcome, AcceptanceNeeded)
        return outcome

    async def answer(
        self,
        asked: AcceptanceNeeded,
        *agreed: str,
        accepted: bool = True,
        adult: bool = True,
        cookie: str | None = "",
        form: str | None = None,
        signed_in: LiveSession | None = None,
    ) -> Finished | AcceptanceNeeded:
        """What the page sends, or another form, or with another cookie."""
        answer = Answer(
            form=asked.form if form is None else form, accepted=accepted, adult=adult, agreed=frozenset(agreed)
        )
        held = asked.cookie if cookie == "" else cookie
        return await accept(answer, held, signed_in, self.ports, browser="Firefox on Linux", request_id="req-accept")

    async def accept(self, asked: AcceptanceNeeded, *agreed: str, signed_in: LiveSession | None = None) -> Finished:
        """Everything that has to be."""
        outcome = await self.answer(asked, *agreed, signed_in=signed_in)
        assert isinstance(outcome, Finished)
        return outcome

    async def decline(
        self, asked: AcceptanceNeeded, *, cookie: str | None = "", signed_in: LiveSession | None = None
    ) -> Declined:
        """Nothing."""
        held = asked.cookie if cookie == "" else cookie
        return await decline(asked.form, held, signed_in, self.ports, request_id="req-decline")

    async def let_in(self, person: Person = ADA, *agreed: str) -> LiveSession:
        """Somebody who has accepted what was in force."""
        return await self.world.session_of(await self.accept(await self.asked(person, None), *agreed))


async def refused(doing: Awaitable[object]) -> str:
    """With which code."""
    with pytest.raises(Refusal) as caught:
        await doing
    return caught.value.code


async def open_gate(policy: Any = POLICY) -> Gate:
    """Nobody there yet."""
    world = await open_world()
    world.ports = world.with_policy(policy)
    gate = Gate(world=world)
    gate.revise(DOCUMENTS)
    return gate
