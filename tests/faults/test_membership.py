"""Whose rights a token may speak of, who signed it, what the ledger tells: each found when it cannot be."""

from __future__ import annotations

import math
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.faults.checks import told_once
from tests.faults.history import Line, Operation, Outcome, Recorder, Rights, mark, read_history
from tests.faults.membership import only_what_was_given, signed_by_us
from tests.faults.test_checks import GOOD, op, refused, unknown

ISSUER = "https://id.example"
BEFORE: Rights = {"acme": ["read"], "globex": ["write"]}
AFTER: Rights = {"acme": ["read", "write"]}
MIXED: Rights = {"acme": ["read", "write"], "globex": ["write"]}


def given(invoked: float, rights: Rights, outcome: Outcome = "ok") -> Operation:
    """All that is declared."""
    completed = invoked + 2 if outcome == "ok" else math.inf
    return op("apply", invoked, completed, outcome, members={"ada": rights})


def told(invoked: float, rights: Rights) -> Operation:
    """What a token says, two seconds long in coming."""
    return op("introspect", invoked, invoked + 2, rights=rights)


SIGNED_IN = op("sign_in", 10)
CHANGED = (given(0, BEFORE), SIGNED_IN, given(20, AFTER))


@pytest.mark.parametrize(
    "history",
    [
        (*CHANGED, told(15, BEFORE)),
        (*CHANGED, told(30, AFTER)),
        (*CHANGED, told(19, BEFORE)),
        (*CHANGED, told(19, AFTER)),
        (*CHANGED, told(21, BEFORE)),
        (given(0, BEFORE), SIGNED_IN, given(20, AFTER, "info"), told(40, BEFORE), told(50, AFTER)),
        (*CHANGED, given(40, BEFORE), told(50, {"acme": ["read"]})),
        (*CHANGED, given(40, BEFORE), op("sign_in", 45), told(50, BEFORE)),
    ],
)
def test_rights_of_one_moment_are_right(history: tuple[Operation, ...]) -> None:
    """Before, after or beside a change; after one that nobody knows of; before and after a sign-in takes a new one."""
    assert list(only_what_was_given(history)) == []


@pytest.mark.parametrize(
    "history",
    [
        (*CHANGED, told(15, AFTER)),
        (*CHANGED, told(30, BEFORE)),
        (*CHANGED, told(21, MIXED)),
        (given(0, BEFORE), SIGNED_IN, given(20, AFTER, "info"), given(30, AFTER), told(40, BEFORE)),
        (*CHANGED, given(40, BEFORE), op("sign_in", 45), told(50, {"acme": ["read"]})),
        (*CHANGED, told(30, {})),
    ],
)
def test_rights_of_no_moment_are_found(history: tuple[Operation, ...]) -> None:
    """G21-06: too early, too late, half of each, not taken by a sign-in, none at all."""
    assert len(list(only_what_was_given(history))) == 1


def test_a_token_that_the_published_keys_do_not_verify_is_found() -> None:
    """G21-07: of a key that is not published, not yet, or not any more; of another key; of another issuer."""
    keys = {kid: ec.generate_private_key(ec.SECP256R1()) for kid in ("old", "new")}
    documents = {
        kid: jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid}
        for kid, key in keys.items()
    }

    def token(kid: str, key: str, issuer: str = ISSUER) -> str:
        return jwt.encode({"iss": issuer}, keys[key], algorithm="ES256", headers={"kid": kid})

    def history(text: str, *published: str) -> list[Operation]:
        read = [
            op("keys", 10 * n, keys={kid: documents[kid] for kid in kids.split()}) for n, kids in enumerate(published)
        ]
        return [*read, op("redeem", 15, jwt=text)]

    good = history(token("old", "old"), "old", "old", "old new")
    wrong = [
        history(token("new", "new"), "old", "old", "old"),
        history(token("new", "new"), "old", "old", "old new"),
        history(token("old", "old"), "old", "old", "new"),
        history(token("old", "new"), "old", "old", "old"),
        history(token("old", "old", "https://other.example"), "old", "old", "old"),
    ]

    assert list(signed_by_us(good, ISSUER)) == []
    assert all(list(signed_by_us(one, ISSUER)) for one in wrong)


DONE = Line(action="refresh", outcome="done", request_id="1")
REFUSED = Line(action="token", outcome="refused", request_id="2")
ASKED = (op("refresh", 1, request_id="1"), refused("refresh", 2, request_id="2"), op("look", 3, request_id="3"))
REVOKED = (op("revoke", 1, request_id="1"), op("revoke", 2, request_id="2"))
REVOKED_ONCE = Line(action="grant.revoke", outcome="done", request_id="1")
REMOVED = tuple(op("remove_access", number, request_id=str(number)) for number in (1, 2))
REMOVED_ONCE = Line(action="access.remove", outcome="done", request_id="1")
FOREIGN = Line(action="refresh", outcome="done", request_id="9")


@pytest.mark.parametrize(
    ("history", "ledger"),
    [
        (ASKED, [DONE, REFUSED]),
        (REVOKED, [REVOKED_ONCE]),
        (REMOVED, [REMOVED_ONCE]),
        ((*ASKED, unknown("refresh", 3)), [DONE, REFUSED, FOREIGN]),
        ((*ASKED, unknown("refresh", 3)), [DONE, REFUSED]),
        ((*ASKED, unknown("refresh", 3, request_id="9")), [DONE, FOREIGN]),
    ],
)
def test_a_line_for_each_deed_is_right(history: tuple[Operation, ...], ledger: list[Line]) -> None:
    """One; none for what was done before; perhaps one where nobody knows."""
    assert list(told_once(history, ledger)) == []


@pytest.mark.parametrize(
    ("history", "ledger"),
    [
        (ASKED, [REFUSED]),
        (ASKED, [DONE, DONE]),
        (ASKED, [Line(action="redeem", outcome="done", request_id="1")]),
        (ASKED, [DONE, Line(action="refresh", outcome="done", request_id="2")]),
        (ASKED, [DONE, Line(action="refresh", outcome="done", request_id="3")]),
        (ASKED, [DONE, FOREIGN]),
        (REVOKED[:1], []),
        ((op("sign_out", 0), REVOKED[0]), []),
        (REMOVED[:1], []),
    ],
)
def test_a_line_too_many_or_too_few_is_found(history: tuple[Operation, ...], ledger: list[Line]) -> None:
    """G21-08: none, two, another; one for what was refused, only read, or asked by nobody."""
    assert len(list(told_once(history, ledger))) == 1


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Also of who was killed: what has no answer is known as such. No secret is in the file."""
    with Recorder(tmp_path / "history.jsonl") as recorder:
        first = recorder.invoke("refresh", code=mark("secret"))
        recorder.invoke("look", session="s")
        recorder.complete(first, "ok", successor="r1")
    one, other = read_history(tmp_path / "history.jsonl")

    assert (one.kind, one.outcome, one.code, one.successor) == ("refresh", "ok", mark("secret"), "r1")
    assert one.invoked <= one.completed == one.until
    assert (other.outcome, other.until) == ("info", math.inf)
    assert "secret" not in (tmp_path / "history.jsonl").read_text()
    assert str(GOOD[1]) == "[10.000 11.000] sign_in ok user=ada application=crm session=s state=x"
