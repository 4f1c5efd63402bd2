"""The demo Application: software that signs a User in through the broker and calls a downstream service for them.

Keeps its sessions in memory, and no token in the browser.
"""

from __future__ import annotations

from broker.demo.application.routes import create_application

__all__ = ["create_application"]
