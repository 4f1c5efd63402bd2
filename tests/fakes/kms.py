"""A key management service that can be told to misbehave. It passes the same contract as moto's (tests/crypto/).

Speaks the part of AWS KMS's protocol that the broker uses; refuses everything else.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Message = MutableMapping[str, Any]
_ACCOUNT = "111122223333"


class Mood(Enum):
    """How it behaves."""

    WELL = auto()
    DOWN = auto()
    """503 to everybody."""
    SLOW = auto()
    """Answers after ten seconds."""
    THROTTLED = auto()
    """Too many requests."""
    LYING = auto()
    """Unwraps to another key, and says it is the right one."""
    SHORT = auto()
    """Unwraps to half a key."""
    FORBIDDING = auto()
    """Our permission was taken away."""
    RUBBISH = auto()
    """Answers something that is no answer."""


@dataclass(kw_only=True)
class FakeKms:
    """An ASGI application. `asked`: each operation with its parameters, as they came."""

    mood: Mood = Mood.WELL
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _keys: dict[str, AESGCM] = field(default_factory=dict)

    def make_key(self) -> str:
        """The ARN of a new key."""
        arn = f"arn:aws:kms:eu-central-1:{_ACCOUNT}:key/{os.urandom(16).hex()}"
        self._keys[arn] = AESGCM(AESGCM.generate_key(256))
        return arn

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """One request. Lifespan is not spoken."""
        if scope["type"] != "http":
            raise RuntimeError("only HTTP")
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        target = dict(scope["headers"]).get(b"x-amz-target", b"").decode()
        status, answer = await self._answer(target.removeprefix("TrentService."), json.loads(body))
        content = b"<html>" if self.mood is Mood.RUBBISH else json.dumps(answer).encode()
        headers = [(b"content-type", b"application/x-amz-json-1.1"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, operation: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append((operation, asked))
        if self.mood is Mood.SLOW:
            await asyncio.sleep(10)
        refused = {
            Mood.DOWN: (503, "ServiceUnavailableException"),
            Mood.THROTTLED: (400, "ThrottlingException"),
            Mood.FORBIDDING: (400, "AccessDeniedException"),
        }.get(self.mood)
        if refused is not None:
            return refused[0], _error(refused[1])
        key = self._keys.get(asked["KeyId"])
        if key is None:
            return 400, _error("NotFoundException")
        bound_to = json.dumps(asked.get("EncryptionContext", {}), sort_keys=True).encode()
        if operation == "Encrypt":
            nonce = os.urandom(12)
            sealed = nonce + key.encrypt(nonce, base64.b64decode(asked["Plaintext"]), bound_to)
            return 200, {"KeyId": asked["KeyId"], "CiphertextBlob": base64.b64encode(sealed).decode()}
        try:
            blob = base64.b64decode(asked["CiphertextBlob"])
            plaintext = key.decrypt(blob[:12], blob[12:], bound_to)
        except (InvalidTag, ValueError):
            return 400, _error("InvalidCiphertextException")
        if self.mood is Mood.LYING:
            plaintext = os.urandom(len(plaintext))
        if self.mood is Mood.SHORT:
            plaintext = plaintext[:16]
        return 200, {"KeyId": asked["KeyId"], "Plaintext": base64.b64encode(plaintext).decode()}


def _error(code: str) -> dict[str, Any]:
    return {"__type": code, "message": "a message that may quote what was sent: canary"}
