"""The transit engine of HashiCorp Vault, as far as docs/examples/kek.py speaks to it. Refuses everything else."""

from __future__ import annotations

import base64
import binascii
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "hvs.canary-token"
_PREFIX = "vault:v1:"


class FakeTransit:
    """`app` is served at "/v1/transit". `is_sealed`: it answers 503, as it does after it was started."""

    def __init__(self) -> None:
        self.is_sealed = False
        self.is_lying = False
        self._keys: dict[str, AESGCM] = {}
        self.app = Starlette(routes=[Route("/v1/transit/{operation}/{key}", self._answer, methods=["POST"])])

    def make_key(self) -> str:
        """The name of a new key."""
        name = f"broker-{len(self._keys)}"
        self._keys[name] = AESGCM(AESGCM.generate_key(256))
        return name

    async def _answer(self, request: Request) -> Response:
        if self.is_sealed:
            return _error(503, "Vault is sealed")
        if request.headers.get("X-Vault-Token") != TOKEN:
            return _error(403, "permission denied")
        key = self._keys.get(request.path_params["key"])
        if key is None:
            return _error(400, "encryption key not found")
        asked: dict[str, Any] = await request.json()
        bound_to = base64.b64decode(asked["associated_data"])
        if request.path_params["operation"] == "encrypt":
            nonce = os.urandom(12)
            sealed = nonce + key.encrypt(nonce, base64.b64decode(asked["plaintext"]), bound_to)
            return JSONResponse({"data": {"ciphertext": _PREFIX + base64.b64encode(sealed).decode()}})
        if not asked["ciphertext"].startswith(_PREFIX):
            return _error(400, "invalid ciphertext: no prefix")
        try:
            blob = base64.b64decode(asked["ciphertext"].removeprefix(_PREFIX), validate=True)
            plaintext = key.decrypt(blob[:12], blob[12:], bound_to)
        except binascii.Error:
            return _error(400, "invalid ciphertext: could not decode base64")
        except (InvalidTag, ValueError):
            return _error(400, "cipher: message authentication failed")
        if self.is_lying:
            plaintext = os.urandom(len(plaintext))
        return JSONResponse({"data": {"plaintext": base64.b64encode(plaintext).decode()}})


def _error(status: int, why: str) -> Response:
    return JSONResponse({"errors": [why]}, status)
