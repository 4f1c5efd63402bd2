"""The demo Provider as tests and the persona page see it: who exists, what was granted, how it misbehaves.

Speaks no HTTP itself; the endpoints beside it do, and `routes.py` puts them together.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette

from broker.demo.calls import Call
from broker.demo.pages import Pages
from broker.demo.provider.faults import Fault, Place, find_fault
from broker.demo.provider.grants import Grant, Grants, IssuedSecret
from broker.demo.provider.keys import SigningKeys
from broker.demo.provider.personas import Persona, recognise
from broker.demo.provider.registrations import DemoRegistration

SLOW_SECONDS = 3.0
REMEMBERED_REQUESTS = 1000

# Chromium applies form-action to every redirect after a form (w3c/webappsec-csp, issue 8), and the chain from
# the persona page leads through the broker to an Application whose address nobody here knows.
FORM_ACTION = "'self' http: https:"

ExtraClaims = Callable[[str], Mapping[str, Any]]


class FaultsAt(dict[str, str]):
    """Endpoint to fault of transport; setting any other fault raises `ValueError`."""

    def __setitem__(self, endpoint: str, name: str) -> None:
        fault = find_fault(name)
        if fault is None or fault.place is not Place.TRANSPORT:
            raise ValueError(f"not a fault of transport: {name}")
        super().__setitem__(endpoint, name)


class DemoProvider:
    """A Provider in memory. Build it with `create_provider`, which sets `app`.

    `requests` counts what reached each endpoint, by the names in `ENDPOINTS`; `authorize_requests` holds the
    parameters of the latest authorize requests, as sent.
    """

    app: Starlette

    def __init__(
        self,
        *,
        issuer: str,
        registrations: Sequence[DemoRegistration],
        clock: Callable[[], int],
        personas: Sequence[Persona],
        extra_claims: ExtraClaims,
        call: Call,
    ) -> None:
        self.issuer = issuer
        self.registrations = {registration.client_id: registration for registration in registrations}
        self.clock = clock
        self.personas = list(personas)
        self.extra_claims = extra_claims
        self.call = call
        self.keys = SigningKeys()
        self.store = Grants()
        self.pages = Pages("provider", form_action=FORM_ACTION)
        self.browsers: dict[str, Persona] = {}
        self.requests: Counter[str] = Counter()
        self.authorize_requests: deque[Mapping[str, str]] = deque(maxlen=REMEMBERED_REQUESTS)
        self.faults_at = FaultsAt()
        self.slow_seconds = SLOW_SECONDS
        self.automatic: Persona | None = None
        self.declined: frozenset[str] = frozenset()
        self._fault: Fault | None = None
        self._armed: list[Fault] = []

    @property
    def grants(self) -> Sequence[Grant]:
        """Every grant ever given, oldest first, the dead ones too."""
        return self.store.all

    @property
    def issued(self) -> Sequence[IssuedSecret]:
        """Every secret ever issued, oldest first."""
        return self.store.issued

    @property
    def fault(self) -> str | None:
        """The fault of every sign-in from now on; None behaves. Setting an unknown name raises `ValueError`.

        Faults of transport strike the token endpoint; `faults_at` (endpoint to fault) has them strike others.
        """
        return self._fault.name if self._fault else None

    @fault.setter
    def fault(self, name: str | None) -> None:
        self._fault = find_fault(name)

    def fault_for(self, chosen: str | None) -> Fault | None:
        """The fault to apply where `chosen` was picked for this sign-in alone."""
        return self._fault or find_fault(chosen)

    def arm(self, fault: Fault) -> None:
        """Let the next fetch of a published document show a fault that was picked for one sign-in."""
        self._armed.append(fault)
        if fault.jwks is not None:
            self.keys.rotate()  # otherwise nobody has a reason to fetch the keys

    def published_fault(self, names: Callable[[Fault], bool]) -> Fault | None:
        """The fault to show in a published document: the lasting one, or an armed one, now spent."""
        if self._fault and names(self._fault):
            return self._fault
        armed = next((fault for fault in self._armed if names(fault)), None)
        self._armed = [fault for fault in self._armed if fault is not armed]
        return armed

    def persona(self, persona_id: str) -> Persona:
        """The persona of this id; raises `ValueError`."""
        for persona in self.personas:
            if persona.persona_id == persona_id:
                return persona
        raise ValueError(f"no such persona: {persona_id}")

    def add_persona(self, persona: Persona) -> None:
        """Let one more person sign in."""
        self.personas.append(persona)

    def recognise(self, hint: str | None) -> Persona | None:
        """The persona that a `login_hint` means, if any."""
        return recognise(self.personas, hint) if hint else None

    def consent_automatically(self, persona_id: str | None, *, declined: Sequence[str] = ()) -> None:
        """Answer every authorize request at once, as this persona, without the `declined` scopes.

        A `login_hint` that means somebody picks that persona instead. None brings the page back.
        """
        self.automatic = None if persona_id is None else self.persona(persona_id)
        self.declined = frozenset(declined)

    def rotate_keys(self) -> None:
        """Sign with a new key; the old one stays published until `retire_old_keys`."""
        self.keys.rotate()

    def retire_old_keys(self) -> None:
        """Publish the current key only."""
        self.keys.retire_old()
