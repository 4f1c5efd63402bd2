"""What holds of every history of a correct broker, whatever ran beside what and whoever was killed: G21.

Each check is a pure function; it answers with a line for each thing that cannot be, and with none if all is well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from broker.domain.refresh_token import REPLAY_WITHIN
from tests.faults.endings import ISSUES, SKEW, endings
from tests.faults.history import History, Line, Operation

_DEEDS: dict[str, str] = {
    "sign_in": "sign_in.finish",
    "authorize": "authorize",
    "allow": "authorize.allow",
    "remove_access": "access.remove",
    "sign_out": "session.sign_out",
    "redeem": "redeem",
    "refresh": "refresh",
    "revoke": "grant.revoke",
}
"""What each is in the ledger; the others are in it only when they are refused."""


def once_only(history: History) -> Iterator[str]:
    """G21-01: a state brings one person in once, a code is issued once, and becomes tokens once."""
    done = [operation for operation in history if operation.outcome == "ok"]
    kinds: dict[str, Callable[[Operation], str]] = {
        "state finished": lambda o: o.state if o.kind == "sign_in" else "",
        "code issued": lambda o: o.code if o.kind in ISSUES else "",
        "code redeemed": lambda o: o.code if o.kind == "redeem" else "",
    }
    for what, name_of in kinds.items():
        for name, times in Counter(filter(None, map(name_of, done))).items():
            if times > 1:
                yield f"{what} {times} times: {name}"


def one_chain(history: History) -> Iterator[str]:
    """G21-02: a family's rotations form one chain; a token answers again with the same successor, soon, or never."""
    roots = {o.code: o.token for o in history if o.kind == "redeem" and o.outcome == "ok"}
    families = defaultdict[str, list[Operation]](list)
    for operation in history:
        if operation.kind == "refresh" and operation.outcome == "ok":
            families[operation.code].append(operation)
    for code, rotations in families.items():
        successors = defaultdict[str, list[Operation]](list)
        for rotation in sorted(rotations, key=lambda o: o.completed):
            successors[rotation.token].append(rotation)
        for token, same in successors.items():
            if len({rotation.successor for rotation in same}) > 1:
                yield f"family {code} forks at {token}: {_told(same)}"
            yield from _late(same, successors)
        reached, token = set[str](), roots.get(code, "")
        while token in successors and token not in reached:
            reached.add(token)
            token = successors[token][0].successor
        if aside := successors.keys() - reached:
            yield f"family {code} has tokens beside its chain: {sorted(aside)}"
        if token in reached:
            yield f"family {code} comes back to {token}"


def _late(same: Sequence[Operation], successors: dict[str, list[Operation]]) -> Iterator[str]:
    first = same[0]
    used = [use.completed for use in successors.get(first.successor, ())]
    for again in same[1:]:
        if again.invoked > first.completed + REPLAY_WITHIN + SKEW:
            yield f"answered too late again: {_told([first, again])}"
        if any(completed < again.invoked for completed in used):
            yield f"answered again after its successor was used: {_told([first, again])}"


def over_for_good(history: History) -> Iterator[str]:
    """G21-03: what was ended, by whomever, is refused to whoever asks from then on."""
    ended = endings(history)
    for operation in history:
        since = ended.sure(operation)
        if (
            operation.outcome == "ok"
            and operation.kind not in ("revoke", "apply", "keys")
            and operation.invoked > since
        ):
            yield f"good again though over since {since:.3f}: {operation}"


def nothing_lost(history: History) -> Iterator[str]:
    """G21-04: what was acknowledged is there at the end, and was all the time, or something may have ended it."""
    ended = endings(history)
    looked = {o.session for o in history if o.kind == "look" and o.last and o.outcome != "info"}
    asked = {o.code for o in history if o.kind == "refresh" and o.last and o.outcome != "info"}
    tried = Counter(o.state for o in history if o.kind == "sign_in" and o.reason != "not_sent")
    for operation in history:
        if operation.outcome == "ok" and operation.kind == "sign_in" and operation.session not in looked:
            yield f"nobody looked at the end: {operation}"
        if operation.outcome == "ok" and operation.kind == "redeem" and operation.code not in asked:
            yield f"nobody refreshed at the end: {operation}"
        if operation.reason == "used_state" and tried[operation.state] == 1:
            yield f"lost: {operation}"
        over = operation.reason in ("signed_out", "invalid_grant", "invalid_token", "inactive")
        if operation.outcome == "fail" and over and not ended.explain(operation):
            yield f"lost: {operation}"
    subjects = defaultdict[str, set[str]](set)
    for operation in history:
        if operation.subject:
            subjects[operation.user].add(operation.subject)
    for user, several in subjects.items():
        if len(several) > 1:
            yield f"{user} is several Users: {sorted(several)}"


def consents_kept(history: History) -> Iterator[str]:
    """G21-04: an Application is asked to ask again only when the User may have taken its consent away, and always then.

    Of `authorize` a code says that there is a consent, and the reason `consent_needed` that there is none.
    """
    done = defaultdict[tuple[str, str, str], list[Operation]](list)
    for operation in history:
        if operation.outcome != "fail":
            done[operation.kind, operation.user, operation.application].append(operation)
    needing = {o.application for o in history if o.kind == "allow"}
    for read in history:
        given, taken = (done[kind, read.user, read.application] for kind in ("allow", "remove_access"))
        if read.kind != "authorize" or read.application not in needing:
            continue
        if read.reason == "consent_needed" and any(
            give.outcome == "ok"
            and give.completed < read.invoked
            and not any(take.until > give.invoked and take.invoked < read.completed for take in taken)
            for give in given
        ):
            yield f"a consent was lost: {read}"
        if read.outcome == "ok" and not any(
            give.invoked < read.completed
            and not any(
                take.outcome == "ok" and give.until < take.invoked and take.completed < read.invoked for take in taken
            )
            for give in given
        ):
            yield f"a code without a consent: {read}"


def freshest_kept(history: History, issued: Mapping[str, str], stored: Mapping[str, str | None]) -> Iterator[str]:
    """G21-05: of each Connection the refresh token is stored which the Provider issued last.

    `issued`: per User, by the name at the Provider; `stored`: per subject. The Provider gives one at a first consent
    alone, so what came with a sign-in that nobody knows about may be gone for good.
    """
    users = {operation.subject: operation.user for operation in history if operation.subject}
    unknown = {o.user for o in history if o.kind == "sign_in" and o.outcome == "info"}
    for subject, kept in stored.items():
        user = users.get(subject, "")
        if user and kept != issued.get(user) and not (kept is None and user in unknown):
            yield f"{user} has {kept} at {subject}, and {issued.get(user)} was issued last"


def told_once(history: History, ledger: Sequence[Line]) -> Iterator[str]:
    """G21-08: what was done has one line in the ledger, what was refused has none that says it was done."""
    done = defaultdict[str, list[str]](list)
    for line in ledger:
        if line.outcome == "done" and line.request_id:
            done[line.request_id].append(line.action)
    known = set[str]()
    for operation in history:
        if not operation.request_id:
            continue
        known.add(operation.request_id)
        lines = done[operation.request_id]
        deed = _DEEDS.get(operation.kind)
        if operation.outcome == "ok" and deed is not None:
            if lines != [deed] and not (lines == [] and _done_before(operation, history)):
                yield f"told as {lines}: {operation}"
        elif operation.outcome != "info" and lines:
            yield f"told as {lines}: {operation}"
    unknown = sum(bool(lines) for request_id, lines in done.items() if request_id not in known)
    answers_missing = sum(o.outcome == "info" and not o.request_id for o in history)
    if unknown > answers_missing:
        yield f"{unknown} lines of requests of which {answers_missing} may be: nobody else asked"


def _done_before(operation: Operation, history: History) -> bool:
    """Whether there may have been nothing left to do, of which no second line tells. A Session's end leaves enough."""
    others = [other for other in history if other is not operation]
    if operation.kind == "revoke":
        return endings(others).explain(replace(operation, session=""))
    return operation.kind == "remove_access" and any(
        other.kind == "remove_access"
        and (other.user, other.application) == (operation.user, operation.application)
        and other.outcome != "fail"
        and other.invoked < operation.completed
        for other in others
    )


def as_expected(history: History) -> Iterator[str]:
    """Nobody was answered anything that such a request is never answered."""
    for operation in history:
        if operation.reason.startswith("unexpected"):
            yield str(operation)


def _told(operations: Sequence[Operation]) -> str:
    return "; ".join(map(str, operations))
