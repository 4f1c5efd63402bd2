"""Owns the record of processing (GDPR article 30): what is kept of whom, what for, who is told, how long; as Markdown.

Refuses people: it is about attributes and Applications, and holds nobody's data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from broker.domain.application import Application, GrantType
from broker.domain.grant import REFRESH_LIFETIME
from broker.domain.ids import RegistrationId
from broker.domain.outbox import GIVE_UP_AFTER
from broker.domain.policy_table import PolicyRow
from broker.domain.session import ABSOLUTE_LIFETIME
from broker.domain.session_token import LIFETIME

_ASKING = {GrantType.AUTHORIZATION_CODE, GrantType.TOKEN_EXCHANGE}
_MEANS_SOMETHING = re.compile(r"([\\`*_\[\]<>|#])")


def processing_record(
    rows: Sequence[PolicyRow], registrations: Mapping[RegistrationId, str], applications: Iterable[Application]
) -> str:
    """The whole page. `registrations`: each with the name of its Provider, also those of which nothing is kept."""
    asking = sorted((a for a in applications if _ASKING & a.grants), key=lambda application: application.id)
    parts = ["# Record of processing", _OF_WHOM, "## What is kept, and what for"]
    for registration, provider in registrations.items():
        parts += [f"### {_plain(registration)}: people who sign in with {_plain(provider)}"]
        parts += [_kept([row for row in rows if row.registration == registration])]
    parts += ["## Who is told", *_recipients([row for row in rows if row.released_for is not None], asking)]
    narrowed = [row for row in rows if row.not_kept_for or row.not_released_for]
    if narrowed:
        parts += ["## Clients that leave something out", _narrowings(narrowed)]
    parts += ["## How long", _RETENTION]
    return "\n\n".join(parts) + "\n"


_OF_WHOM = (
    "Of people who sign in here with an account that they have elsewhere. Beside what is named below, an opaque id, a\n"
    "keyed hash of the account, the Authorizations that Clients gave, and sessions with the kind of browser are kept."
)
_SESSION = f"{ABSOLUTE_LIFETIME // 3600} hours after it began; {REFRESH_LIFETIME // 86400} days where an Application"
_UNTIL = {
    "attributes, and the provider's tokens": "the User disconnects the account",
    "a token that its provider is still to end": f"it did; {GIVE_UP_AFTER // 86400} days at the latest",
    "an attribute": "the provider does not tell it any more at a sign-in, or it is not named above any more",
    "a session, and what was granted in it": f"{_SESSION} asked for offline access",
    "a token for an Application": f"{LIFETIME // 60} minutes after it was issued",
    "an Authorization": "it is withdrawn",
    "the id and the keyed hash": "no end is set",
    "the ledger: ids and codes of what was decided": "no end is set",
}
_RETENTION = "\n".join(["| what | until |", "|---|---|", *(f"| {what} | {until} |" for what, until in _UNTIL.items())])


def _kept(rows: Sequence[PolicyRow]) -> str:
    if not rows:
        return "Nothing."
    lines = ["| attribute | from | kept for |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| `{row.attribute}` | `{row.claim}` | {_plain(row.purpose)} |" for row in rows)])


def _recipients(released: Sequence[PolicyRow], applications: Sequence[Application]) -> list[str]:
    if not released:
        return ["Nobody."]
    lines = ["| attribute | from | told for | to Applications that ask for |", "|---|---|---|---|"]
    for row in released:
        where, why = _plain(row.registration), _plain(row.released_for or "")
        lines.append(f"| `{row.attribute}` | {where} | {why} | `{row.scope}` |")
    if not applications:
        return ["\n".join(lines), "There is no Application that could ask."]
    who = [
        f"- {_plain(application.name)} (`{application.id}`), and {_services(application)}"
        + (", with the User's consent" if _asks_for_consent(application) else "")
        for application in applications
    ]
    return ["\n".join(lines), "Any of these Applications can ask:", "\n".join(who)]


def _asks_for_consent(application: Application) -> bool:
    return GrantType.AUTHORIZATION_CODE in application.grants and not application.first_party


def _services(application: Application) -> str:
    """Whom its session JWTs are for: at first, and after an exchange."""
    beyond = "".join(f", and through it {_plain(other)}" for other in sorted(application.exchange_audiences))
    return f"the service at {_plain(application.audience)}{beyond}"


def _narrowings(rows: Sequence[PolicyRow]) -> str:
    lines = ["| attribute | from | not kept for Users of | not told to Applications for |", "|---|---|---|---|"]
    for row in rows:
        kept, told = _plain(", ".join(row.not_kept_for)) or "-", _plain(", ".join(row.not_released_for)) or "-"
        lines.append(f"| `{row.attribute}` | {_plain(row.registration)} | {kept} | {told} |")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """As Markdown that reads as this text, on one line."""
    return _MEANS_SOMETHING.sub(r"\\\1", " ".join(text.split()))
