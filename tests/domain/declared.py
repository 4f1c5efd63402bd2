"""Manifests to change one thing of."""

from __future__ import annotations

from typing import Any

APPLICATION = {
    "name": "Demo",
    "type": "public",
    "redirect_uris": ["https://app.example/cb"],
    "audience": "https://api.example",
}
SERVER = APPLICATION | {"type": "confidential", "secret": "secret-canary"}
GONE: Any = ...  # stands for a key that is left out


def application(declared: dict[str, Any] = APPLICATION, /, **changes: Any) -> dict[str, Any]:
    changed = {key: value for key, value in (declared | changes).items() if value is not GONE}
    return {"applications": {"demo-app": changed}}


def client(**changes: Any) -> dict[str, Any]:
    changed = {"name": "Acme", "rights": ["r"], **changes}
    return {"clients": {"acme": {key: value for key, value in changed.items() if value is not GONE}}}


def invited(*entries: Any) -> dict[str, Any]:
    return client(authorizations=list(entries))
