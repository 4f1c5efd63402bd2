"""What is measured: the kinds of operation by name, and what each worker does before one.

Refuses nothing itself: each operation checks its own answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.worker import Worker


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """A kind of operation. `prepare`: what each worker does once before a window, with nobody measuring."""

    name: str
    told: str
    once: Callable[[Worker], Any]
    prepare: Callable[[Worker], Any] | None = None
    counts_codes: bool = False
    names_provider: bool = False


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(name="discovery", told="discovery document", once=Worker.read_discovery),
        Scenario(name="jwks", told="key set", once=Worker.read_jwks),
        Scenario(
            name="sign_in",
            told="complete sign-in, Provider named",
            once=Worker.sign_in,
            names_provider=True,
        ),
        Scenario(name="sign_in_chosen", told="complete sign-in, Provider chosen on a page", once=Worker.sign_in),
        Scenario(
            name="sign_in_again",
            told="sign-in on a live session",
            once=Worker.sign_in_again,
            prepare=Worker.prepare_session,
            names_provider=True,
        ),
        Scenario(
            name="token",
            told="code to tokens",
            once=Worker.redeem_code,
            counts_codes=True,
            names_provider=True,
        ),
        Scenario(
            name="refresh",
            told="refresh with rotation",
            once=Worker.refresh,
            prepare=Worker.prepare_refresh,
            names_provider=True,
        ),
        Scenario(
            name="introspection",
            told="introspection of a live session JWT",
            once=Worker.introspect,
            prepare=Worker.prepare_session,
            names_provider=True,
        ),
        Scenario(
            name="userinfo",
            told="userinfo",
            once=Worker.ask_userinfo,
            prepare=Worker.prepare_session,
            names_provider=True,
        ),
        Scenario(name="client_credentials", told="client credentials, ES256 JWT", once=Worker.ask_for_itself),
    )
}
