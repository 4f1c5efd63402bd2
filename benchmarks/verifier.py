"""`python -m benchmarks.verifier`: what validating a session JWT costs a service, beside PyJWT.

Refuses to judge by absolute figures: a comparison is the median of the ratios of CPU within each pair, the order
alternated. Every contestant checks the same claims of the same tokens, and must refuse the same bent one first.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jwt

from partner_ops_verifier import TokenRefused, Verifier
from partner_ops_verifier.jwk import key_set
from partner_ops_verifier.testing import AUDIENCE, ISSUER, SessionTokens

KEPT_IN = Path(__file__).parent.parent / "artefacts" / "bench"
ALGORITHMS = ("ES256", "RS256", "EdDSA")
TOKENS = 64
RIGHTS = {"acme": ["invoices:read", "reports:read"], "globex": ["reports:read"]}
CLAIMS: dict[str, Any] = {
    "email": "ada@acme.example",
    "name": "Ada Lovelace",
    "sid": "ses_cxisygptbygcthndw5y4itvm6e",
    "epoch": 7,
}
REQUIRED = ["exp", "iat", "iss", "aud", "sub", "client_id", "jti"]

OURS, AGAIN = "verifier, a token never seen", "verifier, a token seen before"
PYJWT, DOCUMENTED, BARE = "PyJWT decode", "PyJWT with type and key set", "the signature alone"
GOALS: Mapping[tuple[str, str], float] = {
    ("ES256", OURS): 1.3,
    ("RS256", OURS): 2.5,
    ("ES256", AGAIN): 10.0,
    ("RS256", AGAIN): 10.0,
}
"""How many times as fast as PyJWT's decode it is to be."""

Check = Callable[[str], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one contestant came to: CPU microseconds of one token, and how many times as fast it is as PyJWT."""

    algorithm: str
    name: str
    microseconds: float
    against_decode: float
    against_documented: float
    goal: float | None

    @property
    def met(self) -> bool | None:
        """Whether it reaches its goal; None where there is none."""
        return None if self.goal is None else self.against_decode >= self.goal


def contestants(tokens: SessionTokens, alg: str) -> dict[str, Check]:
    """Name -> check one token, or raise."""
    key = jwt.PyJWK(tokens.key.jwk)
    keys = jwt.PyJWKSet.from_dict({"keys": [tokens.key.jwk]})
    bare = key_set({"keys": [tokens.key.jwk]}, {})[tokens.key.kid].verify
    # Smaller than the number of tokens, so that each is new when it comes round, at the whole cost of remembering it.
    new: Verifier = tokens.verifier(remembered=TOKENS // 2)
    seen: Verifier = tokens.verifier()

    def decode(token: str) -> object:
        return jwt.decode(
            token, key, algorithms=[alg], audience=AUDIENCE, issuer=ISSUER, leeway=10, options={"require": REQUIRED}
        )

    def documented(token: str) -> object:
        """As docs/examples/session_jwt.py does it: with the type, and the key of the header's name."""
        header = jwt.get_unverified_header(token)
        if header.get("typ") != "at+jwt":
            raise jwt.InvalidTokenError("another kind of token")
        options: jwt.types.Options = {"require": REQUIRED, "strict_aud": True}
        return jwt.decode(
            token, keys[header["kid"]], algorithms=[alg], audience=AUDIENCE, issuer=ISSUER, leeway=10, options=options
        )

    def signature(token: str) -> object:
        text, _, signed = token.rpartition(".")
        if not bare(jwt.utils.base64url_decode(signed), text.encode(), hashlib.sha256(text.encode()).digest()):
            raise jwt.InvalidSignatureError("bad")
        return None

    return {PYJWT: decode, DOCUMENTED: documented, OURS: new.verify, AGAIN: seen.verify, BARE: signature}


def measure(alg: str, *, pairs: int, seconds: float) -> list[Finding]:
    """Every contestant in every round."""
    tokens = SessionTokens(alg=alg)
    minted = [tokens.mint(f"usr_{number:026}", RIGHTS, **CLAIMS) for number in range(TOKENS)]
    checks = contestants(tokens, alg)
    for check in checks.values():
        _refuses(check, minted[0])
    rounds: dict[str, list[float]] = {name: [] for name in checks}
    for number in range(pairs):
        ordered = list(checks) if number % 2 == 0 else list(checks)[::-1]
        for name in ordered:
            rounds[name].append(_cost(checks[name], minted, seconds))
    return [
        Finding(
            algorithm=alg,
            name=name,
            microseconds=statistics.median(costs),
            against_decode=_median_ratio(rounds[PYJWT], costs),
            against_documented=_median_ratio(rounds[DOCUMENTED], costs),
            goal=GOALS.get((alg, name)),
        )
        for name, costs in rounds.items()
    ]


def _refuses(check: Check, token: str) -> None:
    """A contestant that lets this pass is not measured."""
    check(token)
    text, _, signature = token.rpartition(".")
    try:
        check(f"{text}.{signature[:10]}{'B' if signature[10] == 'A' else 'A'}{signature[11:]}")
    except (jwt.PyJWTError, TokenRefused):
        return
    raise AssertionError("a bad signature was accepted")


def _cost(check: Check, tokens: Sequence[str], seconds: float) -> float:
    """CPU microseconds of one check: at least `seconds` of checks, the first time round not counted."""
    for token in tokens:
        check(token)
    done, begun = 0, time.process_time()
    for token in itertools.cycle(tokens):
        check(token)
        done += 1
        if done % TOKENS == 0 and time.process_time() - begun >= seconds:
            break
    return (time.process_time() - begun) / done * 1e6


def _median_ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(theirs, ours, strict=True))


def table(findings: Sequence[Finding]) -> str:
    """As Markdown."""
    lines = [
        "| algorithm | | CPU µs | against PyJWT decode | with type and key set | goal | |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in findings:
        verdict = {True: "met", False: "MISSED", None: ""}[one.met]
        goal = "" if one.goal is None else f"{one.goal:.1f}"
        lines.append(
            f"| {one.algorithm} | {one.name} | {one.microseconds:.1f} | {one.against_decode:.2f} "
            f"| {one.against_documented:.2f} | {goal} | {verdict} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Exit code 0: measured. A missed goal is a finding, not an error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verifier", description="The verifier beside PyJWT.")
    parser.add_argument("--quick", action="store_true", help="three rounds of 0.2 s instead of seven of 0.5 s")
    asked = parser.parse_args(arguments)
    pairs, seconds = (3, 0.2) if asked.quick else (7, 0.5)
    findings = [one for alg in ALGORITHMS for one in measure(alg, pairs=pairs, seconds=seconds)]
    KEPT_IN.mkdir(parents=True, exist_ok=True)
    kept: list[dict[str, Any]] = [asdict(one) | {"met": one.met} for one in findings]
    path = KEPT_IN / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-verifier.json"
    path.write_text(json.dumps(kept, indent=1) + "\n")
    print(table(findings))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
