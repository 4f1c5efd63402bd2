"""Owns the record of processing (GDPR article 30): what is kept of whom, what for, who is told, how long; as Markdown.

Refuses people: it is about attributes and Applications, and holds nobody's data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from broker.domain.application import Application, GrantType
from broker.domain.grant import REFRESH_LIFETIME
from broker.domain.ids import RegistrationId
from broker.domain.legal_document import ADULT, Documents
from broker.domain.outbox import GIVE_UP_AFTER
from broker.domain.policy import AttributePolicy
from broker.domain.policy_table import PolicyRow
from broker.domain.session import ABSOLUTE_LIFETIME
from broker.domain.session_token import LIFETIME

_ASKING = {GrantType.AUTHORIZATION_CODE, GrantType.TOKEN_EXCHANGE}
_MEANS_SOMETHING = re.compile(r"([\\`*_\[\]<>|#])")


def processing_record(
    rows: Sequence[PolicyRow],
    registrations: Mapping[RegistrationId, str],
    applications: Iterable[Application],
    policy: AttributePolicy,
    day: Callable[[int], str],
) -> str:
    """The whole page. `registrations`: each with the name of its Provider, also those of which nothing is kept.

    `day` says a time as a date.
    """
    asking = sorted((a for a in applications if _ASKING & a.grants), key=lambda application: application.id)
    parts = ["# Record of processing", _OF_WHOM, "## What is kept, and what for"]
    for registration, provider in registrations.items():
        parts += [f"### {_plain(registration)}: people who sign in with {_plain(provider)}"]
        parts += [_kept([row for row in rows if row.registration == registration])]
    parts += ["## Who is told", *_recipients([row for row in rows if row.released_for is not None], asking)]
    narrowed = [row for row in rows if row.not_kept_for or row.not_released_for]
    if narrowed:
        parts += ["## Clients that leave something out", _narrowings(narrowed)]
    if policy.purposes:
        parts += ["## Optional purposes", _purposes(policy)]
    parts += ["## What people accept", _documents(policy.documents, day)]
    parts += ["## How long", _how_long(policy)]
    return "\n\n".join(parts) + "\n"


_OF_WHOM = (
    "Of people who sign in here with an account that they have elsewhere. Beside what is named below, an opaque id, a\n"
    "keyed hash of the account, the Authorizations that Clients gave, and sessions with the kind of browser are kept."
)
_UNTIL = {
    "attributes, and the provider's tokens": "the User disconnects the account",
    "a token that its provider is still to end": f"it did; {GIVE_UP_AFTER // 86400} days at the latest",
    "an attribute": "its own end, above; or it is not named above any more, or the provider does not tell it any more",
    "a session": f"{ABSOLUTE_LIFETIME // 3600} hours after it began",
    "what an Application may do while the User is away": f"{REFRESH_LIFETIME // 86400} days after the sign-in",
    "a token for an Application": f"{LIFETIME // 60} minutes after it was issued",
    "an Authorization": "it is withdrawn",
    "acceptances and choices": "the User's account is erased",
    "the id and the keyed hash": "the User's account is erased",
}


def _how_long(policy: AttributePolicy) -> str:
    rules = policy.retention
    classes = {
        "the record of a session, and of what was granted in it": f"{rules.sessions} days after it ended",
        "the provider's tokens of an account that is not used": _after(rules.idle_tokens, "the last use"),
        "a User who does not sign in": _after(rules.idle_users, "the last sign-in"),
        "the ledger: ids and codes of what was decided": _after(rules.ledger, "it was written"),
        "an account that its User has erased": f"{policy.erasure.grace_days} days, for second thoughts",
    }
    for name, kept in rules.by_law.items():
        actions = ", ".join(f"`{action}`" for action in sorted(kept.actions))
        classes[f"of the ledger, by law ({_plain(name)}): {actions}"] = f"{kept.days} days: {_plain(kept.ground)}"
    lines = (f"| {what} | {until} |" for what, until in {**_UNTIL, **classes}.items())
    return "\n".join(["| what | until |", "|---|---|", *lines])


def _after(days: int | None, what: str) -> str:
    return "no end is set" if days is None else f"{days} days after {what}"


def _purposes(policy: AttributePolicy) -> str:
    lines = (f"| {_plain(p.label)} | {_plain(p.purpose)} |" for p in policy.purposes.values())
    said = "Nothing of it is done unless the User agrees, and until they take that back."
    return "\n".join([said, "", "| what | why |", "|---|---|", *lines])


def _documents(documents: Documents, day: Callable[[int], str]) -> str:
    if not documents.asked:
        return "Nothing is asked of them."
    named = {"the privacy policy": documents.privacy, "the terms": documents.terms}
    lines = [f"- {what}, as of {day(d.revised)} (SHA-256 `{d.version}`)" for what, d in named.items() if d is not None]
    lines.append(f"- that they are {ADULT} or older")
    grace = f"A new version is asked for at the next sign-in, and of everybody after {documents.grace_days} days."
    return "\n".join([*lines, "", grace])


_TAKEN = {"every": "at every sign-in", "first": "once", "never": "never; the User says it"}


def _kept(rows: Sequence[PolicyRow]) -> str:
    if not rows:
        return "Nothing."
    lines = ["| attribute | from | kept for | taken | ends | the User |", "|---|---|---|---|---|---|"]
    for row in rows:
        ends = "with the account" if row.days is None else f"{row.days} days after it was taken"
        may = [*(["has to agree"] if row.consent else []), *(["can correct it"] if row.correctable else [])]
        lines.append(
            f"| `{row.attribute}` | `{row.claim}` | {_plain(row.purpose)} | {_TAKEN[row.update]} | {ends} "
            f"| {', '.join(may) or '-'} |"
        )
    return "\n".join(lines)


def _recipients(released: Sequence[PolicyRow], applications: Sequence[Application]) -> list[str]:
    if not released:
        return ["Nobody."]
    lines = ["| attribute | from | told for | to Applications that ask for | in |", "|---|---|---|---|---|"]
    for row in released:
        where, why = _plain(row.registration), _plain(row.released_for or "")
        places = ", ".join(row.released_in)
        lines.append(f"| `{row.attribute}` | {where} | {why} | `{row.scope}` | {places} |")
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
