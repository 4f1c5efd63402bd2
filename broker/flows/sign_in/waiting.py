"""Owns what waits, sealed in this browser alone, while its person reads what they are asked to accept. A step of
`finish`, `accept` and `decline`.

Nothing of it is stored anywhere. Refuses a form without the cookie of its own attempt, and one that is late.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from broker.domain.application import Application
from broker.domain.attempt import SignInAttempt, check_in_time
from broker.domain.errors import Refusal
from broker.domain.legal_document import Documents
from broker.domain.optional import Option, options
from broker.domain.policy import Keep
from broker.flows.ports import Ports
from broker.flows.sign_in.answer import Return
from broker.flows.sign_in.proof import Proof, may_be_kept, selected

LONGEST = 48 * 1024
"""Characters of a form. A request may be a little longer."""
_SEALED_FOR = "acceptance"


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptanceNeeded:
    """Ask this person. The browser keeps `cookie` in the place of its attempt's, and `form` in the page.

    `kept`: what is kept without asking, and for what. `changed`: there are other documents than those just shown.
    `not_accepted`, `not_adult`: what is missing from their answer.
    """

    attempt: SignInAttempt
    cookie: str = field(repr=False)
    form: str = field(repr=False)
    application: Application | None
    documents: Documents
    kept: Mapping[str, Keep]
    options: tuple[Option, ...]
    changed: bool = False
    not_accepted: bool = False
    not_adult: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """What came back of it. `shown`: the digest of the documents on the page."""

    attempt: SignInAttempt
    proof: Proof
    shown: str


def acceptance_needed(back: Return, ports: Ports) -> AcceptanceNeeded:
    """Have all of it wait in the browser; who is asked again waits no longer for that. Raises `Refusal`."""
    attempt = back.attempt
    if attempt.asked_at is None:
        attempt = replace(attempt, asked_at=ports.clock.now())
    documents = ports.policy.documents
    proof = selected(back.proof, attempt, ports)
    sealed = json.dumps([attempt.id, attempt.asked_at, documents.digest, proof.to_bytes().decode()]).encode()
    form = ports.secrets.seal_form(_SEALED_FOR, sealed)
    if len(form) > LONGEST:
        raise Refusal("upstream_error", "The service told more than can be dealt with.", detail=f"{len(form)} to wait")
    keeps = may_be_kept(attempt, ports)
    return AcceptanceNeeded(
        attempt=attempt,
        cookie=ports.secrets.seal_attempt(attempt),
        form=form,
        application=None if back.asked is None else back.asked[1],
        documents=documents,
        kept={name: keep for name, keep in keeps.items() if keep.consent is None},
        options=options(ports.policy, {attempt.registration: keeps}),
    )


def came_back(cookie: str | None, form: str, ports: Ports) -> Waiting:
    """Raises `Refusal`."""
    attempt = ports.secrets.open_attempt(cookie) if cookie else None
    sealed = ports.secrets.open_form(_SEALED_FOR, form)
    if attempt is None or attempt.asked_at is None or sealed is None:
        what = "no attempt" if attempt is None else "form does not open" if sealed is None else "nobody was asked"
        raise _not_here(what)
    attempt_id, asked_at, shown, proof = json.loads(sealed)
    if (attempt_id, asked_at) != (attempt.id, attempt.asked_at):
        raise _not_here("form of another attempt")
    check_in_time(attempt, ports.clock.now())
    return Waiting(attempt=attempt, proof=Proof.from_bytes(proof.encode()), shown=shown)


def _not_here(detail: str) -> Refusal:
    return Refusal("invalid_state", "This sign-in was not started in this browser.", detail=detail)
