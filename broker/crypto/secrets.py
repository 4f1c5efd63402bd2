"""Owns random tokens and ids, keyed hashes, and what browsers carry sealed. Refuses what it did not seal itself."""

from __future__ import annotations

import hmac
import os

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from broker.crypto import base64url, randomness
from broker.crypto.cookies import MAX_VALUE, open_cookie, seal_cookie
from broker.crypto.keyring import Keyring
from broker.crypto.masked import Masked
from broker.crypto.randomness import FreshRandom, Random
from broker.domain.attempt import SignInAttempt
from broker.domain.ids import KeyedHash
from broker.domain.pushed_request import PushedRequest

_TOKEN_BYTES = 32
_LOOKUP_INFO = b"partner-ops-broker lookup v1 "
_ATTEMPT = "attempt"
_REQUEST = "pushed request"
_MAX_REQUEST = 8000
"""Characters. Longer than any of ours, however long its parameters."""
_UTF8 = ("utf-8", "surrogatepass")
"""Even text that is not Unicode, such as a JSON string with half a surrogate pair, has a hash; it is just not found."""


class KeyringSecrets:
    """`Secrets`, out of the keyring's lookup key and cookie keys."""

    def __init__(self, keyring: Keyring, *, random: Random = os.urandom) -> None:
        self._random = FreshRandom(random)
        self._lookup_key = keyring.lookup_keys[0]
        self._lookup_keys_by_kind: dict[str, bytes] = {}
        self._sealing_key = keyring.cookie_keys[0]
        self._cookie_keys = {key.id: key for key in keyring.cookie_keys}

    def token(self) -> str:
        """256 random bits, base64url, 43 characters."""
        return base64url.encode(self._random(_TOKEN_BYTES))

    def new_id(self, prefix: str) -> str:
        """`new_id("usr")` is "usr_" and 128 random bits as 26 characters."""
        return randomness.new_id(prefix, self._random)

    def keyed_hash(self, kind: str, value: str) -> KeyedHash:
        """HMAC-SHA-256 (RFC 2104), hex. `kind` is a word of the code's own; each has its own key."""
        return KeyedHash(hmac.digest(self._lookup_key_for(kind), value.encode(*_UTF8), "sha256").hex())

    def same(self, a: str, b: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(a.encode(*_UTF8), b.encode(*_UTF8))

    def seal_cookie(self, purpose: str, plaintext: bytes) -> str:
        """A cookie value. Raises `ValueError` if no browser would keep it: whatever is sealed has its bound."""
        value = seal_cookie(self._sealing_key, purpose, plaintext, self._random)
        if len(value) > MAX_VALUE:
            raise ValueError(f"{purpose}: {len(value)} characters are longer than a cookie")
        return value

    def open_cookie(self, purpose: str, cookie: str) -> bytes | None:
        """None for anything but a value that `seal_cookie` made for this purpose."""
        return open_cookie(self._cookie_keys, purpose, cookie)

    def seal_form(self, purpose: str, plaintext: bytes) -> str:
        """The value of a hidden field."""
        return seal_cookie(self._sealing_key, f"form {purpose}", plaintext, self._random)

    def open_form(self, purpose: str, field: str) -> bytes | None:
        """None for anything but a value that `seal_form` made for this purpose."""
        return open_cookie(self._cookie_keys, f"form {purpose}", field, longest=len(field))

    def seal_attempt(self, attempt: SignInAttempt) -> str:
        """A cookie value. Raises `ValueError` if no browser would keep it: what is kept of a request has its bound."""
        return self.seal_cookie(_ATTEMPT, attempt.to_bytes())

    def open_attempt(self, cookie: str) -> SignInAttempt | None:
        """None for anything but a value that `seal_attempt` made."""
        plaintext = self.open_cookie(_ATTEMPT, cookie)
        if plaintext is None:
            return None
        try:
            return SignInAttempt.from_bytes(plaintext)
        except (ValueError, KeyError, TypeError):
            # Ours, but of another version of the broker: the person begins again.
            return None

    def seal_request(self, request: PushedRequest) -> str:
        """What follows `PREFIX` in a `request_uri`."""
        return seal_cookie(self._sealing_key, _REQUEST, request.to_bytes(), self._random)

    def open_request(self, sealed: str) -> PushedRequest | None:
        """None for anything but a value that `seal_request` made."""
        plaintext = open_cookie(self._cookie_keys, _REQUEST, sealed, longest=_MAX_REQUEST)
        if plaintext is None:
            return None
        try:
            return PushedRequest.from_bytes(plaintext)
        except (ValueError, KeyError, TypeError):
            # Ours, but of another version of the broker: the Application pushes it again.
            return None

    def _lookup_key_for(self, kind: str) -> bytes:
        key = self._lookup_keys_by_kind.get(kind)
        if key is None:
            info = _LOOKUP_INFO + kind.encode()
            key = Masked(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._lookup_key.key))
            self._lookup_keys_by_kind[kind] = key
        return key
