"""Every secret that a world has seen so far, and where it may stand. A secret anywhere else has leaked.

Looks for each in the forms in which one slips through: as it is, in hex, in base64, percent-encoded.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from broker.domain.attempt import SignInAttempt
from tests.security.template import SECRETS, Upstream

_SHORTEST = 12
"""Characters. What is shorter stands in a text by chance."""


@dataclass
class Canaries:
    """Value -> what it is. `people` are what must never be stored in clear or logged, but may be shown."""

    known: dict[str, str] = field(default_factory=dict, repr=False)
    people: set[str] = field(default_factory=set, repr=False)
    _forms: dict[str, frozenset[bytes]] = field(default_factory=dict, repr=False)

    def add(self, kind: str, value: str | None) -> None:
        """Remember one."""
        if value is not None and len(value) >= _SHORTEST and value not in self.known:
            self.known[value] = kind
            self._forms[value] = forms_of(value)

    def add_keyring(self, document: str) -> None:
        """The keys themselves, and what proves us to others and others to us."""
        for entries in json.loads(document).values():
            for entry in entries if isinstance(entries, list) else ():
                self.add("key", entry.get("key"))  # a KEK in a KMS has none
        for name, secret in SECRETS.items():
            self.add(f"secret of {name}", secret)

    def add_private(self, der: bytes) -> None:
        """The private half of a signing key, EC or RSA, as a file or a JWK would hold it."""
        key = load_der_private_key(der, password=None)
        if isinstance(key, RSAPrivateKey):
            number = key.private_numbers().d.to_bytes(key.key_size // 8, "big")
        else:
            assert isinstance(key, EllipticCurvePrivateKey)
            number = key.private_numbers().private_value.to_bytes(32, "big")
        self.add("private key", base64.urlsafe_b64encode(number).decode().rstrip("="))
        self.add("private key", number.hex())
        self.add("private key", base64.b64encode(der).decode())

    def add_attempt(self, attempt: SignInAttempt) -> None:
        """What a trip is bound by."""
        self.add("upstream state", attempt.state)
        self.add("upstream nonce", attempt.nonce)
        self.add("upstream verifier", attempt.code_verifier)

    def add_issued(self, upstream: Upstream) -> None:
        """What a Provider handed out, and whom it knows."""
        for issued in upstream.provider.issued:
            self.add(f"upstream {issued.kind}", issued.value)
        for persona in upstream.provider.personas:
            self.people |= {persona.email, persona.name, persona.family_name}

    def leaked(self, text: bytes, *, but: Iterable[str] = ()) -> list[str]:
        """The kinds of those that stand in `text`, in any form, but for the kinds that may."""
        allowed = set(but)
        kinds = (kind for value, kind in self.known.items() if any(form in text for form in self._forms[value]))
        return sorted(set(kinds) - allowed)

    def told_of_people(self, text: bytes) -> list[str]:
        """What of people's data stands in `text`."""
        return sorted(value for value in self.people if any(form in text for form in forms_of(value)))


def forms_of(value: str) -> frozenset[bytes]:
    """As it is, hex, base64 at each of the three alignments, percent-encoded."""
    raw = value.encode()
    forms = {raw, raw.hex().encode(), quote(value, safe="").encode()}
    for before in range(3):
        # What the neighbours decide is cut off: one character and a bit of the next on either side.
        whole = base64.b64encode(bytes(before) + raw)
        kept = whole[4 if before else 0 : -4]
        if len(kept) >= _SHORTEST:
            forms |= {kept, kept.replace(b"+", b"-").replace(b"/", b"_")}
    return frozenset(forms)
