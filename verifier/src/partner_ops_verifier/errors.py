"""Owns what can come of a token other than a Session: refused, a right missing, or nobody can tell now.

Refuses to carry any part of a token: a code, a sentence for everybody, and a detail for the log.
"""

from __future__ import annotations

from typing import Final

REFUSALS: Final = {
    "no_token": "No session JWT was sent.",
    "too_long": "It is longer than a session JWT can be.",
    "malformed": "It is not a signed token.",
    "wrong_type": "It is another kind of token.",
    "wrong_algorithm": "It is not signed in a way that is accepted here.",
    "header_not_accepted": "Its header asks for something that is not done here.",
    "unknown_key": "It is signed with a key that the issuer does not publish.",
    "bad_signature": "Its signature is wrong.",
    "bad_claims": "Its claims are not those of a session JWT.",
    "wrong_issuer": "It was issued by somebody else.",
    "wrong_audience": "It was issued for another service.",
    "not_yet_valid": "It is not valid yet.",
    "expired": "It has expired.",
    "revoked": "It was revoked.",
    "proof_missing": "It is bound to a key, and came without a proof of that.",
    "proof_refused": "Its proof is not of this request and this token, or was used before.",
    "wrong_key": "It is bound to another key than the one that was proven.",
    "not_bound": "It came with a proof of a key, and is not bound to one.",
    "reference_bound": "Its Authorizations are elsewhere, and only who holds its key can fetch them.",
    "authorizations_changed": "The Authorizations it refers to have changed since; a new token has them.",
}
"""Code -> sentence: why a token is refused."""

UNAVAILABLE: Final = {
    "keys_unavailable": "The issuer's keys cannot be had now.",
    "authorizations_unavailable": "The Authorizations that the token refers to cannot be had now.",
    "revocations_unavailable": "The issuer's revocations have not been heard for too long.",
}
"""Code -> sentence: why nobody can tell now whether a token is good."""


class VerifierError(Exception):
    """`code` for programs, `sentence` for everybody, `detail` for the log."""

    def __init__(self, code: str, sentence: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.sentence = sentence
        self.detail = detail


class TokenRefused(VerifierError):
    """The token is not good; asking again will not help. `code` is one of `REFUSALS`."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, REFUSALS[code], detail)


class RightMissing(VerifierError):
    """The token is good, and this Client has not given the User this right."""

    def __init__(self, client_org: str, right: str) -> None:
        super().__init__("insufficient_scope", "The User has not been given the right that is needed here.")
        self.client_org = client_org
        self.right = right


class VerifierUnavailable(VerifierError):
    """Nobody can tell now; asking again later may help. `code` is one of `UNAVAILABLE`."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, UNAVAILABLE[code], detail)
