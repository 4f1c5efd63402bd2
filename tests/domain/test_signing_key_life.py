"""Whatever an operator and the clock do, in whatever order: every copy of the published keys has the key that signed.

The model knows what every process and every verifier might see: a process may be a reload behind, and a verifier may
have asked such a process for the published keys, and keep them for as long as it may.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broker.domain.errors import Refusal
from broker.domain.ids import DataKeyId
from broker.domain.session_token import LIFETIME
from broker.domain.signing_key import (
    AHEAD,
    DRAIN,
    JWKS_MAX_AGE,
    RELOAD_EVERY,
    WINDOW,
    KeyState,
    Make,
    Promote,
    Remove,
    Retire,
    Revoke,
    SigningKey,
    Step,
    addition,
    due,
    promotion,
    published,
    retirement,
    revocation,
)
from tests.domain.world import NOW

DAY = 24 * 3600
AGE = 30 * DAY
WAITS = (1, RELOAD_EVERY, 60, JWKS_MAX_AGE, WINDOW - 1, WINDOW, DRAIN, DAY, AGE - AHEAD, AGE)
Keys = tuple[SigningKey, ...]


class Life(RuleBasedStateMachine):
    """`seen`: since when which keys were in the database, the oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.made = 0
        self.algorithms: tuple[str, ...] = ("ES256",)
        self.seen: list[tuple[int, Keys]] = [(NOW, ())]
        self.at_once: set[str] = set()

    @property
    def keys(self) -> Keys:
        return self.seen[-1][1]

    def between(self, since: int, until: int) -> Iterator[Keys]:
        """All keys that were in the database at some moment of that time."""
        for number, (begins, keys) in enumerate(self.seen):
            ends = self.seen[number + 1][0] if number + 1 < len(self.seen) else self.now + 1
            if begins <= until and ends > since and keys:
                yield keys

    def do(self, step: Step | None, *, emergency: bool = False) -> bool:
        """As a flow writes it."""
        emergency = emergency or not any(key.active for key in self.keys)
        keys = {key.kid: key for key in self.keys}
        match step:
            case None:
                return False
            case Make():
                self.made += 1
                kid = f"key-{self.made}"
                keys[kid] = SigningKey(
                    kid=kid,
                    alg=step.alg,
                    active=step.active,
                    public_jwk="{}",
                    sealed_private=b"",
                    data_key_id=DataKeyId("dek"),
                    created_at=self.now,
                )
                self.at_once |= {kid} if emergency else set()
            case Promote(key=key, instead_of=before):
                if before is not None:
                    keys[before.kid] = replace(keys[before.kid], active=False, retired_at=self.now)
                keys[key.kid] = replace(key, active=True, activated_at=self.now)
                self.at_once |= {key.kid} if emergency else set()
            case Retire(key=key):
                keys[key.kid] = replace(key, active=False, retired_at=self.now)
            case Revoke(key=key, successor=successor):
                self.note([*(other for other in keys.values() if other is not key), self.revoked(key)])
                return successor is None or self.do(successor, emergency=True)
            case Remove(key=key):
                del keys[key.kid]
        self.note(list(keys.values()))
        return True

    def revoked(self, key: SigningKey) -> SigningKey:
        return replace(key, active=False, revoked_at=self.now)

    def note(self, keys: Sequence[SigningKey]) -> None:
        """What is in the database from now on."""
        if self.seen[-1][0] == self.now:
            self.seen.pop()
        self.seen.append((self.now, tuple(keys)))

    @initialize()
    def first_start(self) -> None:
        self.run_the_clock()

    @rule()
    def run_the_clock(self) -> None:
        while self.do(due(self.keys, self.algorithms, self.now, AGE)):
            pass

    @rule(seconds=st.sampled_from(WAITS))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(algorithms=st.sampled_from([("ES256",), ("ES256", "RS256"), ("RS256",)]))
    def use_other_algorithms(self, algorithms: tuple[str, ...]) -> None:
        self.algorithms = algorithms

    @rule(alg=st.sampled_from(["ES256", "RS256"]))
    def add(self, alg: str) -> None:
        try:
            self.do(addition(self.keys, alg))
        except Refusal:
            assert any(key.alg == alg and key.state is KeyState.PENDING for key in self.keys)

    @rule(alg=st.sampled_from(["ES256", "RS256"]))
    def change_hands(self, alg: str) -> None:
        """As an operator who is patient would."""
        self.add(alg)
        self.wait(WINDOW)
        for key in self.keys:
            if (key.alg, key.state) == (alg, KeyState.PENDING):
                self.do(promotion(self.keys, key.kid, self.now))

    @rule(data=st.data(), deed=st.sampled_from(["promote", "retire", "revoke"]))
    def ask_for(self, data: st.DataObject, deed: str) -> None:
        kid = data.draw(st.sampled_from([key.kid for key in self.keys]))
        try:
            match deed:
                case "promote":
                    step: Step = promotion(self.keys, kid, self.now)
                case "retire":
                    step = retirement(self.keys, kid, self.algorithms, self.now)
                case _:
                    step = revocation(self.keys, kid, self.algorithms)
        except Refusal:
            return
        self.do(step)

    @invariant()
    def something_signs(self) -> None:
        """From the first start on."""
        assert not self.made or any(key.active for key in self.keys)

    @invariant()
    def one_of_each(self) -> None:
        """As the unique keys of SQL have it."""
        alone = [(k.alg, k.state) for k in self.keys if k.state in (KeyState.PENDING, KeyState.ACTIVE)]
        assert len(set(alone)) == len(alone)

    @invariant()
    def every_token_that_is_good_verifies(self) -> None:
        """With every copy of the published keys; only emergencies do not wait for old copies to be renewed."""
        signed = {
            key.kid for keys in self.between(self.now - RELOAD_EVERY - LIFETIME, self.now) for key in keys if key.active
        }
        stolen = {key.kid for key in self.keys if key.state is KeyState.REVOKED}
        for keys in self.between(self.now - RELOAD_EVERY - JWKS_MAX_AGE, self.now):
            assert signed - stolen - self.at_once <= {key.kid for key in published(keys)}

    @invariant()
    def no_stolen_key_is_published(self) -> None:
        """Nor signs."""
        assert all(not key.active for key in self.keys if key.revoked_at is not None)


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestLife = Life.TestCase
