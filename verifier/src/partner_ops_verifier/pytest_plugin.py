"""Owns the pytest fixture `session_tokens`: an issuer in memory, new for each test. Loaded by pytest on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from partner_ops_verifier.testing import SessionTokens


@pytest.fixture
def session_tokens() -> SessionTokens:
    """Mints session JWTs, and makes verifiers that trust them: no broker, no network."""
    from partner_ops_verifier.testing import SessionTokens  # noqa: PLC0415 - only where a test asks for it

    return SessionTokens()
