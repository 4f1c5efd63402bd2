"""Owns how the rules of two policies differ that are about no single attribute: how long, what is asked, what for.

Refuses to say that other words of a legal document widen anything: people are asked to accept those anyway.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.policy import AttributePolicy


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleDifference:
    """One rule, as the file says it; None: there is none. `widens`: more is kept, longer, or without being asked."""

    rule: str
    before: str | None
    after: str | None
    widens: bool

    @property
    def sign(self) -> str:
        """ "+" there now, "-" gone, "~" another one."""
        return "+" if self.before is None else "-" if self.after is None else "~"

    def __str__(self) -> str:
        return f"{self.sign} {self.rule}: {' -> '.join(v for v in (self.before, self.after) if v is not None)}"


def rule_differences(old: AttributePolicy, new: AttributePolicy) -> tuple[RuleDifference, ...]:
    """Everything that changes, in the order of the file; empty when nothing does."""
    before, after = _written(old), _written(new)
    return tuple(
        RuleDifference(
            rule=rule,
            before=before.get(rule),
            after=after.get(rule),
            widens=_widens(rule, before, after),
        )
        for rule in dict.fromkeys((*before, *after))
        if before.get(rule) != after.get(rule)
    )


def _written(policy: AttributePolicy) -> dict[str, str]:
    """Rule -> what it says; a number of days as such."""
    documents, retention = policy.documents, policy.retention
    rules: dict[str, str | int | None] = {
        "[documents] ask": str(documents.asked).lower(),
        "[documents] grace_days": documents.grace_days,
        **{
            f"[documents.{kind}]": f"version {document.version[:12]}"
            for kind, document in (("privacy", documents.privacy), ("terms", documents.terms))
            if document is not None
        },
        **{f"[purposes.{name}]": f'"{one.label}: {one.purpose}"' for name, one in policy.purposes.items()},
        **{
            f"[retention] {name}": getattr(retention, name)
            for name in ("sessions", "idle_tokens", "idle_users", "ledger")
        },
        **{
            f"[retention.by_law.{name}] {action}": f"{one.days} days, by {one.ground}"
            for name, one in retention.by_law.items()
            for action in sorted(one.actions)
        },
        "[erasure] grace_days": policy.erasure.grace_days,
        "[ledger] address": policy.ledger.address,
    }
    return {rule: "unlimited" if said is None else str(said) for rule, said in rules.items()}


def _widens(rule: str, old: dict[str, str], new: dict[str, str]) -> bool:
    before, after = old.get(rule), new.get(rule)
    if rule == "[documents] ask":
        return after == "false"
    if rule.startswith("[documents."):
        return False
    if rule == "[ledger] address":
        return after == "shortened"
    if rule.startswith("[purposes.") or before is None or after is None:
        return after is not None
    return _days(after) > _days(before)


def _days(said: str) -> float:
    return float("inf") if said == "unlimited" else float(said.split(" ", maxsplit=1)[0])
