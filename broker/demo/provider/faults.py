"""The table of faults: each a name, where it strikes, one line to say what goes wrong, and what it changes.

A fault changes one thing only; whatever is not named in its row stays right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broker.demo.provider import mutations as m
from broker.demo.provider.keys import SigningKey

Change = Callable[[dict[str, Any]], dict[str, Any]]
Sign = Callable[[Mapping[str, Any], SigningKey], str]


class Place(StrEnum):
    """Where a fault strikes, in the words of the persona page."""

    ID_TOKEN = "In the ID token"
    CALLBACK = "On the way back to the broker"
    ANSWER = "In an answer that comes"
    TRANSPORT = "In how the token endpoint answers"
    PUBLISHED = "In what is published for everyone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One fault. At most one change is set; those of `Place.TRANSPORT` are carried out by `transport.py`."""

    name: str
    place: Place
    says: str
    claims: Change | None = None
    sign: Sign | None = None
    callback: Change | None = None
    answer: Change | None = None
    userinfo: Change | None = None
    discovery: Change | None = None
    jwks: Change | None = None


def _id_token(name: str, says: str, *, claims: Change | None = None, sign: Sign | None = None) -> Fault:
    return Fault(name=name, place=Place.ID_TOKEN, says=says, claims=claims, sign=sign)


def _callback(name: str, says: str, change: Change) -> Fault:
    return Fault(name=name, place=Place.CALLBACK, says=says, callback=change)


def _transport(name: str, says: str) -> Fault:
    return Fault(name=name, place=Place.TRANSPORT, says=says)


_TABLE = (
    _id_token("wrong_issuer", "It names another issuer.", claims=m.with_wrong_issuer),
    _id_token("wrong_audience", "It was made for other software.", claims=m.with_wrong_audience),
    _id_token(
        "extra_audience_with_other_azp",
        "It is for the broker and for other software, and that one asked for it.",
        claims=m.with_extra_audience,
    ),
    _id_token("wrong_nonce", "It belongs to another sign-in.", claims=m.with_wrong_nonce),
    _id_token("no_nonce", "It says not to which sign-in it belongs.", claims=m.without_nonce),
    _id_token("alg_none", "It is not signed at all.", sign=m.sign_with_none),
    _id_token(
        "alg_hs256_with_public_key",
        "The public key was used as a shared secret.",
        sign=m.sign_with_public_key_as_secret,
    ),
    _id_token("expired", "It expired an hour ago.", claims=m.already_expired),
    _id_token("issued_in_future", "It will be issued in an hour.", claims=m.issued_in_future),
    _id_token("no_sub", "It names no person.", claims=m.without_sub),
    _id_token("bad_signature", "One bit of the signature is wrong.", sign=m.sign_badly),
    _id_token("unknown_kid", "Its key is published nowhere.", sign=m.sign_under_unknown_kid),
    _id_token("wrong_at_hash", "It belongs to another access token.", claims=m.with_wrong_at_hash),
    _id_token("key_in_header", "It brings its own key along.", sign=m.sign_with_key_in_header),
    _id_token("crit_header", "It demands an extension nobody knows.", sign=m.sign_with_unknown_crit),
    _callback("wrong_callback_issuer", "The code names another issuer.", m.with_wrong_issuer_beside_code),
    _callback("no_callback_issuer", "The code names no issuer.", m.without_issuer_beside_code),
    _callback("wrong_state", "The code comes with another sign-in's state.", m.with_wrong_state),
    Fault(
        name="no_id_token",
        place=Place.ANSWER,
        says="The token answer has no ID token.",
        answer=m.without_id_token,
    ),
    Fault(
        name="huge_json",
        place=Place.ANSWER,
        says="The token answer is right, and 16 MiB long.",
        answer=m.with_huge_member,
    ),
    Fault(
        name="userinfo_other_sub",
        place=Place.ANSWER,
        says="The profile is that of another person.",
        userinfo=m.of_another_sub,
    ),
    _transport("html_200", "A web page with status 200 instead of tokens."),
    _transport("token_error_200", "An error with status 200."),
    _transport("error_500", "Status 500."),
    _transport("redirect", "A redirect to another address."),
    _transport("slow", "The right answer, after three seconds."),
    _transport("hang", "No answer, and the line stays open."),
    _transport("endless_body", "An answer that never ends."),
    Fault(
        name="discovery_wrong_issuer",
        place=Place.PUBLISHED,
        says="The next discovery document names another issuer.",
        discovery=m.of_another_issuer,
    ),
    Fault(
        name="jwks_garbage_key",
        place=Place.PUBLISHED,
        says="Keys are rotated, and the next key set has a malformed key beside the good ones.",
        jwks=m.with_garbage_key,
    ),
)  # fmt: skip

FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _TABLE}


def find_fault(name: str | None) -> Fault | None:
    """The fault of this name, None for None; raises `ValueError` for a name that is not in the table."""
    if name is None:
        return None
    if name not in FAULTS:
        raise ValueError(f"no such fault: {name}")
    return FAULTS[name]


def by_place() -> dict[str, list[Fault]]:
    """The table grouped for the persona page, in its own order."""
    return {str(place): [fault for fault in _TABLE if fault.place is place] for place in Place}
