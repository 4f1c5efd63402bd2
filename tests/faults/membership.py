"""What a token says of a User's Authorizations, and who signed it: G21-06 and G21-07, as pure functions of a history.

Refuses rights that the User did not have at any moment between question and answer, also where each Client's alone
would have been true at some time.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from tests.faults.history import History, Operation, Rights


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """All Authorizations as declared at some time; it may have held from `since` until `until`.

    `given`: per User and Client, what gave the Authorization last: it counts from the next sign-in on.
    """

    since: float
    until: float
    members: Mapping[str, Rights]
    given: Mapping[tuple[str, str], Operation]


def states(history: History) -> list[State]:
    """One after the other, by one who declares."""
    declared = [o for o in history if o.kind == "apply" and o.outcome != "fail"]
    found: list[State] = []
    given: dict[tuple[str, str], Operation] = {}
    before: Mapping[str, Rights] = {}
    for number, operation in enumerate(declared):
        now = {(user, client) for user, rights in operation.members.items() for client in rights}
        then = {(user, client) for user, rights in before.items() for client in rights}
        given = {pair: given[pair] if pair in then else operation for pair in now}
        replaced = [later.completed for later in declared[number + 1 :] if later.outcome == "ok"]
        until = min(replaced, default=math.inf)
        found.append(State(since=operation.invoked, until=until, members=operation.members, given=dict(given)))
        before = operation.members
    return found


def only_what_was_given(history: History) -> Iterator[str]:
    """G21-06: the Authorizations of each answer are those of one moment between question and answer."""
    known = states(history)
    since, until = [state.since for state in known], [state.until for state in known]
    signed_in: dict[str, list[Operation]] = {}
    for operation in history:
        if operation.kind == "sign_in" and operation.outcome == "ok":
            signed_in.setdefault(operation.user, []).append(operation)
    for operation in history:
        if operation.outcome != "ok" or operation.rights is None:
            continue
        # Both times of the states only ever grow.
        possible = known[bisect_left(until, operation.invoked) : bisect_right(since, operation.completed)]
        if not any(_agrees(operation, operation.rights, state, signed_in) for state in possible):
            declared = [state.members.get(operation.user, {}) for state in possible]
            yield f"{operation.rights} though declared were {declared}: {operation}"


def _agrees(operation: Operation, told: Rights, state: State, signed_in: Mapping[str, list[Operation]]) -> bool:
    declared = state.members.get(operation.user, {})
    return told.keys() <= declared.keys() and all(
        sorted(told[client]) == sorted(rights)
        if client in told
        else not _bound(operation, state.given[operation.user, client], signed_in.get(operation.user, []))
        for client, rights in declared.items()
    )


def _bound(operation: Operation, given: Operation, signed_in: list[Operation]) -> bool:
    """Whether the User has surely taken what they were given: by a sign-in after it, and before this."""
    return any(given.until < trip.invoked and trip.completed < operation.invoked for trip in signed_in)


def signed_by_us(history: History, issuer: str) -> Iterator[str]:
    """G21-07: each session JWT verifies with the keys published when it came, and with those of the end."""
    published = [o for o in history if o.kind == "keys" and o.outcome == "ok"]
    parsed: dict[str, Any] = {}
    for operation in history:
        if not operation.jwt:
            continue
        before = [keys for keys in published if keys.completed < operation.completed]
        if before and before[-1].keys == published[-1].keys:
            before = []
        for keys in [*before[-1:], *published[-1:]]:
            if (problem := _problem(operation.jwt, keys.keys, issuer, parsed)) is not None:
                yield f"{problem}, by the keys of {keys.completed:.3f}: {operation}"


def _problem(token: str, keys: Mapping[str, Any], issuer: str, parsed: dict[str, Any]) -> str | None:
    kid = jwt.get_unverified_header(token).get("kid", "")
    document = keys.get(kid)
    if document is None:
        return f"not published: {kid!r}"
    if (name := repr(document)) not in parsed:
        parsed[name] = jwt.PyJWK(document)
    try:
        claims = json.loads(jwt.PyJWS().decode(token, parsed[name], algorithms=["ES256"]))
    except jwt.PyJWTError as error:
        return str(error)
    return None if claims["iss"] == issuer else f"of another issuer: {claims['iss']}"
