"""The checker of histories finds what it is for: a history that is good, and one thing that cannot be, each time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.faults.checks import (
    as_expected,
    consents_kept,
    freshest_kept,
    nothing_lost,
    once_only,
    one_chain,
    over_for_good,
)
from tests.faults.history import History, Kind, Operation, Outcome
from tests.faults.membership import only_what_was_given

ADA = {"user": "ada", "application": "crm", "session": "s"}
FAMILY = {**ADA, "code": "c"}
Checks = Callable[[History], Iterator[str]]
CHECKS: Sequence[Checks] = (
    as_expected,
    once_only,
    one_chain,
    over_for_good,
    nothing_lost,
    consents_kept,
    only_what_was_given,
)


def op(kind: Kind, invoked: float, completed: float | None = None, outcome: Outcome = "ok", **more: Any) -> Operation:
    """An operation that takes a second, unless it is said otherwise."""
    completed = invoked + 1 if completed is None else completed
    known = FAMILY if kind in ("redeem", "refresh", "userinfo", "introspect", "revoke") else ADA
    if kind in ("apply", "keys"):
        known = {}
    return Operation(kind=kind, invoked=invoked, completed=completed, outcome=outcome, **{**known, **more})


def rotation(invoked: float, token: str, successor: str, **more: Any) -> Operation:
    """A refresh that is answered."""
    return op("refresh", invoked, token=token, successor=successor, **more)


def refused(kind: Kind, invoked: float, reason: str = "invalid_grant", **more: Any) -> Operation:
    """What is not done."""
    return op(kind, invoked, outcome="fail", reason=reason, **more)


def unknown(kind: Kind, invoked: float, **more: Any) -> Operation:
    """What is not answered."""
    return op(kind, invoked, math.inf, "info", **more)


GIVEN = op("apply", 0, members={"ada": {"acme": ["read"], "globex": ["write"]}})
BEGIN = (
    GIVEN,
    op("sign_in", 10, state="x"),
    op("allow", 12, code="c"),
    op("redeem", 14, token="r0", subject="usr_ada"),
)
END = (op("look", 90, last=True), rotation(92, "r1", "r2", last=True))
FIRST = (*BEGIN, rotation(20, "r0", "r1"))
GOOD = (*FIRST, *END)
ENDED = (op("look", 90, last=True), refused("refresh", 92, token="r1", last=True))


def problems(history: History) -> list[str]:
    """All that is found."""
    return [problem for check in CHECKS for problem in check(history)]


@pytest.mark.parametrize(
    "history",
    [
        GOOD,
        (*FIRST, rotation(25, "r0", "r1"), rotation(29, "r0", "r1"), *END),
        (*BEGIN, unknown("refresh", 20, token="r0"), rotation(21, "r0", "r1"), *END),
        (*FIRST, refused("refresh", 40, token="r0"), *ENDED),
        (*FIRST, rotation(30, "r1", "r2"), refused("refresh", 32, token="r0"), *ENDED),
        (*FIRST, op("revoke", 30), refused("userinfo", 40, "invalid_token"), *ENDED),
        (*FIRST, unknown("revoke", 30), *ENDED),
        (*FIRST, unknown("revoke", 30), *END),
        (*FIRST, refused("redeem", 30), *ENDED),
        (*FIRST, op("revoke", 30, 40), rotation(35, "r1", "r2"), *ENDED),
        (*FIRST, op("remove_access", 30), refused("authorize", 40, "consent_needed"), *ENDED),
        (*FIRST, unknown("remove_access", 30), op("authorize", 40, code="d"), *END),
        (*FIRST, refused("sign_in", 30, "used_state", state="x"), *END),
        (*FIRST, op("authorize", 30, code="d"), refused("redeem", 90, code="d"), *END),
        (*BEGIN, op("introspect", 20, rights={"acme": ["read"], "globex": ["write"]}), *GOOD[4:]),
    ],
)
def test_what_a_correct_broker_may_answer_is_no_problem(history: History) -> None:
    """Replays in time, reuse that ends a family, endings that race, answers that never came."""
    assert problems(history) == []


LOST = refused("userinfo", 30, "invalid_token")
SIGNED_OUT = refused("look", 90, "signed_out", last=True)
DEAD = refused("refresh", 92, token="r1", last=True)
BOTH = {"acme": ["read"], "globex": ["write"]}
AGAIN = (op("sign_in", 11, state="x", session="t"), op("look", 95, session="t", last=True))
AFTER_ITS_SUCCESSOR = (rotation(22, "r1", "r2"), rotation(25, "r0", "r1"), rotation(92, "r2", "r3", last=True))

PLANTED: Mapping[str, tuple[Sequence[Operation], str]] = {
    "G21-01: a state twice": ((*GOOD, *AGAIN), "state"),
    "G21-01: a code issued twice": ((*GOOD, op("authorize", 16, code="c")), "code issued"),
    "G21-01: a code redeemed twice": ((*GOOD, op("redeem", 14, token="r0")), "code redeemed"),
    "G21-02: a fork": ((*FIRST, rotation(20, "r0", "r9"), *END), "forks"),
    "G21-02: a token of another chain": ((*GOOD, rotation(30, "r8", "r9")), "beside its chain"),
    "G21-02: a family without a beginning": ((*GOOD, rotation(30, "r8", "r9", code="d")), "beside its chain"),
    "G21-02: a circle": ((*FIRST, rotation(22, "r1", "r0"), *ENDED), "comes back"),
    "G21-02: a replay too late": ((*FIRST, rotation(33, "r0", "r1"), *END), "too late"),
    "G21-02: a replay after the successor": ((*FIRST, END[0], *AFTER_ITS_SUCCESSOR), "after its successor"),
    "G21-03: revoked, and refreshed": ((*FIRST, op("revoke", 30), *END), "good again"),
    "G21-03: revoked, and asked with": ((*FIRST, op("revoke", 30), op("userinfo", 40), *ENDED), "good again"),
    "G21-03: signed out, and refreshed": ((*FIRST, op("sign_out", 30), SIGNED_OUT, END[1]), "good again"),
    "G21-03: signed out, and looked": ((*FIRST, op("sign_out", 30), *ENDED), "good again"),
    "G21-03: signed out, and a code": (
        (*FIRST, op("sign_out", 30), op("authorize", 40, code="d"), SIGNED_OUT, DEAD),
        "good again",
    ),
    "G21-03: access removed, and refreshed": ((*FIRST, op("remove_access", 30), *END), "good again"),
    "G21-03: a code misused, and refreshed": ((*FIRST, refused("redeem", 30), *END), "good again"),
    "G21-03: a token reused, and refreshed": ((*FIRST, refused("refresh", 40, token="r0"), *END), "good again"),
    "G21-04: a Session lost": ((*FIRST, SIGNED_OUT, END[1]), "lost"),
    "G21-04: a family lost": ((*FIRST, END[0], DEAD), "lost"),
    "G21-04: a family lost before it was ended": ((*FIRST, LOST, op("revoke", 40), *ENDED), "lost"),
    "G21-04: a sign-in lost": ((*GOOD, refused("sign_in", 30, "used_state", state="y")), "lost"),
    "G21-04: a code lost": ((*GOOD, op("authorize", 30, code="d"), refused("redeem", 32, code="d")), "lost"),
    "G21-04, R9: a lost answer was not had again": (
        (*BEGIN, unknown("refresh", 20, token="r0"), refused("refresh", 21, token="r0"), *ENDED),
        "lost",
    ),
    "G21-04: nobody asked for the Session": ((*FIRST, END[1]), "nobody looked"),
    "G21-04: nobody asked for the family": ((*FIRST, END[0]), "nobody refreshed"),
    "G21-04: two Users of one": ((*GOOD, op("userinfo", 30, subject="usr_other")), "several Users"),
    "G21-04: a consent lost": ((*GOOD, refused("authorize", 30, "consent_needed")), "a consent was lost"),
    "G21-04: a consent lost before it was taken": (
        (*FIRST, refused("authorize", 30, "consent_needed"), op("remove_access", 40), *ENDED),
        "a consent was lost",
    ),
    "G21-04: a consent kept that was taken": (
        (*FIRST, op("remove_access", 30), op("authorize", 40, code="d"), *ENDED),
        "without a consent",
    ),
    "G21-06: a right too many": ((*GOOD, op("introspect", 30, rights=BOTH | {"acme": ["read", "write"]})), "declared"),
    "G21-06: a Client too many": ((*GOOD, op("introspect", 30, rights=BOTH | {"initech": []})), "declared"),
    "G21-06: a Client too few": ((*GOOD, op("introspect", 30, rights={"acme": ["read"]})), "declared"),
    "I4: an answer that is none": ((*GOOD, refused("look", 30, "unexpected 500")), "unexpected 500"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_what_a_correct_broker_never_answers_is_found(planted: str) -> None:
    """Whatever it is, and nothing else is taken for wrong that is not."""
    history, said = PLANTED[planted]
    found = problems(sorted(history, key=lambda operation: operation.invoked))

    assert found
    assert all(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("stored", "lost_an_answer", "problems"),
    [("new", False, 0), ("old", False, 1), ("old", True, 1), (None, False, 1), (None, True, 0)],
)
def test_a_stale_refresh_token_of_a_provider_is_found(stored: str | None, lost_an_answer: bool, problems: int) -> None:
    """G21-05: an older one never will do; none at all where the answer that it came with was lost."""
    history = (*GOOD, unknown("sign_in", 40, state="y")) if lost_an_answer else GOOD

    assert len(list(freshest_kept(history, {"ada": "new"}, {"usr_ada": stored, "usr_nobody": "any"}))) == problems
