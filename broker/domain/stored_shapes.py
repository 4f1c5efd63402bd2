"""Owns which form the values of each column have, so that whatever does not belong there is found.

Refuses a column that is not named here: what nobody thought of is not known to be minimal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Test = Callable[[object], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What a column holds, in words, and whether a value is that. `sealed`: it is opened and judged inside."""

    what: str
    fits: Test
    sealed: bool = False


def _text(what: str, pattern: str) -> Shape:
    form = re.compile(pattern)
    return Shape(what=what, fits=lambda value: isinstance(value, str) and form.fullmatch(value) is not None)


def _number(what: str, highest: int) -> Shape:
    return Shape(what=what, fits=lambda value: type(value) is int and 0 <= value <= highest)


def _list(what: str, one: Shape) -> Shape:
    def fits(value: object) -> bool:
        try:
            members = json.loads(value) if isinstance(value, str) else None
        except ValueError:
            return False
        return isinstance(members, list) and all(map(one.fits, members))

    return Shape(what=what, fits=fits)


def _sealed(what: str) -> Shape:
    return Shape(what=what, fits=lambda value: isinstance(value, bytes) and value[:1] in (b"", b"\x01"), sealed=True)


_OPAQUE = "[a-z]{3}_[a-z2-7]{26}"
ID = _text("an opaque id", _OPAQUE)
OWNER = _text("a User's id, or the system", f"{_OPAQUE}|system")
HASH = _text("a hash", "[0-9a-f]{64}")
HASH_OR_NONE = _text("a hash, or none", "(?:[0-9a-f]{64})?")
THUMBPRINT = _text("the thumbprint of a key", "[A-Za-z0-9_-]{43}")
NAME = _text("a name that the operator chose", "[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
CODE = _text("a word of the code's own", "[a-z][a-z0-9_.:-]{0,63}")
ACTION = _text("what was asked", "[a-z][a-z0-9_]{0,63}(?:[.][A-Za-z][A-Za-z0-9_]{0,63})?")
REASON = _text("a code, or names and how many", "(?:[a-z0-9][a-z0-9_.:,-]{0,511})?")
REQUEST_ID = _text("the id of a request", "[A-Za-z0-9_-]{0,64}")
REFERENCE = _text("a code for what is on file", "[A-Za-z0-9._/-]{1,64}")
OBJECT_ID = _text("what was decided about", rf"{_OPAQUE}|[A-Za-z0-9_-]{{43}}|[A-Za-z0-9._/-][A-Za-z0-9._:/-]{{0,127}}")
LABEL = _text("a name for people, of an organisation or a program", r"[^\x00-\x1f\x7f@]{1,200}")
_BROWSERS = "Edge|Opera|Samsung Internet|Vivaldi|Firefox|Chrome|Chromium|Safari|Unknown browser"
_SYSTEMS = "iPhone|iPad|Android|ChromeOS|Windows|Mac|Linux"
BROWSER = _text("a kind of browser and of system", f"(?:{_BROWSERS})(?: on (?:{_SYSTEMS}))?")
URL = _text("an address of a program", r"[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,2000}")
URL_OR_NONE = _text("an address of a program, or none for a device", r"(?:[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,2000})?")
SCOPE = _text("a scope or a right", r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")
PRINTABLE = _text("what an Application chose", r"[\x20-\x7e]{0,2000}")
CHALLENGE = _text("a PKCE challenge, or none for a device", "(?:[A-Za-z0-9_-]{43})?")
JWK = _text("a public key", r"\{[\x20-\x7e]{1,5000}\}")
VERSION = _text("the version of a document, or an age", "[0-9a-f]{64}|[0-9]{1,3}")
SUBJECT = _text("a purpose, or an attribute", r"[a-z0-9][a-z0-9_-]{0,31}(?:\.[A-Za-z0-9_]{1,64})?")
LEASE = _text("what is done, perhaps to which attempt", rf"[a-z_]{{1,40}}(?: {_OPAQUE})?")
HOLDER = _text("a process, or a request", rf"{_OPAQUE}|[A-Za-z0-9_-]{{43}}")
TIME = _number("a time", 2**36)
COUNT = _number("a number", 2**63 - 1)
FLAG = _number("yes or no", 1)
WORD_OR_NONE = _text("a word of the code's own, or none", "(?:[a-z][a-z0-9_]{0,63})?")
COMPACT = _text("what the broker signed", r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
DIGEST = Shape(what="a hash", fits=lambda value: isinstance(value, bytes) and len(value) == 32)
WRAPPED = Shape(what="a wrapped key", fits=lambda value: isinstance(value, bytes))
SEALED = _sealed("a sealed value")
DIGEST = Shape(what="a SHA-256", fits=lambda value: isinstance(value, bytes) and len(value) == 32)
ATTRIBUTE = _text("the name of an attribute", "[A-Za-z0-9_]{1,64}")

SHAPES: Mapping[str, Mapping[str, Shape]] = {
    "users": {"id": ID, "status": CODE, "created_at": TIME, "epoch": COUNT, "accepted": HASH_OR_NONE, "erase_at": TIME},
    "tombstones": {"user_id": ID, "erased_at": TIME},
    "acceptances": {"user_id": ID, "document": CODE, "version": VERSION, "at": TIME},
    "choices": {"user_id": ID, "subject": SUBJECT, "agreed": FLAG, "at": TIME},
    "identities": {"id": ID, "hash": HASH, "registration": NAME, "user_id": ID, "created_at": TIME},
    "data_keys": {
        "id": ID,
        "owner": OWNER,
        "kek_id": _text("a KEK", "[a-z][a-z0-9]*:[A-Za-z0-9._/-]+:[A-Za-z0-9._-]+"),
        "wrapped": WRAPPED,
        "created_at": TIME,
    },
    "connections": {
        "id": ID,
        "user_id": ID,
        "identity_id": ID,
        "registration": NAME,
        "status": CODE,
        "sealed_attributes": SEALED,
        "sealed_tokens": SEALED,
        "granted_scopes": _list("scopes", SCOPE),
        "generation": COUNT,
        "created_at": TIME,
        "last_used_at": TIME,
        "revoked_at": TIME,
    },
    "sessions": {
        "id": ID,
        "secret": HASH,
        "user_id": ID,
        "connection_id": ID,
        "browser": BROWSER,
        "auth_time": TIME,
        "last_seen_at": TIME,
        "ended_at": TIME,
        "upstream_sid": HASH,
    },
    "taken_attempts": {"id": _text("what was used up", f"{_OPAQUE}|[0-9a-f]{{64}}"), "expires_at": TIME},
    "applications": {
        "id": NAME,
        "name": LABEL,
        "type": CODE,
        "secrets": _list("keyed hashes", HASH),
        "grants": _list("grants", SCOPE),
        "redirect_uris": _list("addresses", URL),
        "post_logout_redirect_uris": _list("addresses", URL),
        "audience": URL,
        "first_party": FLAG,
        "requires_authorization": FLAG,
        "signing_algorithm": NAME,
        "scopes": _list("scopes", SCOPE),
        "public_keys": _list("public keys", JWK),
        "exchange_audiences": _list("addresses", URL),
        "gateway": FLAG,
        "requires_pushed_requests": FLAG,
        "backchannel_logout_uri": URL,
        "dpop": FLAG,
    },
    "grants": {
        "id": ID,
        "code": HASH,
        "application_id": NAME,
        "user_id": ID,
        "session_id": ID,
        "redirect_uri": URL_OR_NONE,
        "scopes": _list("scopes", SCOPE),
        "organization": NAME,
        "nonce": PRINTABLE,
        "code_challenge": CHALLENGE,
        "auth_time": TIME,
        "created_at": TIME,
        "kept_until": TIME,
        "redeemed_at": TIME,
        "revoked_at": TIME,
        "generation": COUNT,
        "refreshed_at": TIME,
        "revoked_for": CODE,
        "dismissed_at": TIME,
        "dpop_jkt": THUMBPRINT,
        "released": _list("attributes", ATTRIBUTE),
    },
    "device_requests": {
        "id": ID,
        "device_code": HASH,
        "user_code": HASH,
        "application_id": NAME,
        "scopes": _list("scopes", SCOPE),
        "organization": NAME,
        "created_at": TIME,
        "expires_at": TIME,
        "decision": CODE,
        "last_polled_at": TIME,
        "interval": COUNT,
    },
    "consents": {"user_id": ID, "application_id": NAME, "scopes": _list("scopes", SCOPE), "given_at": TIME},
    "client_orgs": {"id": NAME, "name": LABEL, "rights": _list("rights", SCOPE)},
    "authorizations": {
        "id": ID,
        "client_org": NAME,
        "invited_email": HASH,
        "user_id": ID,
        "rights": _list("rights", SCOPE),
        "created_at": TIME,
    },
    "pending_revocations": {
        "id": ID,
        "connection_id": ID,
        "user_id": OWNER,
        "registration": NAME,
        "sealed_token": SEALED,
        "tries": COUNT,
        "next_try_at": TIME,
        "created_at": TIME,
        "result": CODE,
    },
    "pending_logouts": {
        "about": ID,
        "application_id": NAME,
        "user_id": ID,
        "session_id": ID,
        "tries": COUNT,
        "next_try_at": TIME,
        "created_at": TIME,
        "result": CODE,
    },
    "signing_keys": {
        "kid": THUMBPRINT,
        "alg": NAME,
        "active": FLAG,
        "public_jwk": JWK,
        "sealed_private": SEALED,
        "data_key_id": ID,
        "created_at": TIME,
        "activated_at": TIME,
        "retired_at": TIME,
        "revoked_at": TIME,
    },
    "key_checks": {"name": _text("what is checked", r"(?:[a-z]+ )?[A-Za-z0-9._:/-]{1,128}"), "value": HASH},
    "revocations": {
        "id": COUNT,
        "claim": CODE,
        "value": _text("what ended: an id, or the id of a token", r"[A-Za-z0-9_.-]{1,128}"),
        "epoch": COUNT,
        "before": TIME,
        "until": TIME,
    },
    "ledger": {
        "id": COUNT,
        "at": TIME,
        "action": ACTION,
        "outcome": CODE,
        "reason": REASON,
        "request_id": REQUEST_ID,
        "user_id": ID,
        "application_id": NAME,
        "registration": NAME,
        "client_org": NAME,
        "object_id": OBJECT_ID,
        "released": _list("attributes", ATTRIBUTE),
        "ground": _text("a word of the code's own, or none", "(?:[a-z][a-z0-9_]{0,63})?"),
        "sealed": SEALED,
    },
    "ledger_links": {"position": COUNT, "event_id": COUNT, "event_hash": DIGEST, "chain_hash": DIGEST},
    "ledger_heads": {
        "position": COUNT,
        "at": TIME,
        "signed": _text("something signed", r"[A-Za-z0-9_-]{1,2000}(?:\.[A-Za-z0-9_-]{1,2000}){2}"),
    },
    "holds": {"user_id": ID, "reference": REFERENCE, "since": TIME},
    "leases": {"name": LEASE, "holder": HOLDER, "expires_at": TIME},
}
"""Table -> column -> what stands there. NULL stands anywhere it can."""


def misfits(table: str, columns: Mapping[str, object]) -> tuple[str, ...]:
    """The columns of one row whose value is not of the form that belongs there, or that nobody knows."""
    shapes = SHAPES.get(table, {})
    return tuple(
        column
        for column, value in columns.items()
        if column not in shapes or (value is not None and not shapes[column].fits(value))
    )
