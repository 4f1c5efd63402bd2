"""How a service is tested without a broker: partner-ops-verifier brings pytest the fixture `session_tokens`."""

from __future__ import annotations

import pytest
from service import create_service
from starlette.testclient import TestClient

from partner_ops_verifier.testing import SessionTokens


@pytest.mark.parametrize(("client_org", "status"), [("acme", 200), ("globex", 403)])
def test_reports_are_for_those_whom_the_client_trusts(
    session_tokens: SessionTokens, client_org: str, status: int
) -> None:
    """A right of one Client is none of another."""
    service = TestClient(create_service(session_tokens.async_verifier()))
    token = session_tokens.mint("usr_ada", {"acme": ["reports:read"], "globex": ["invoices:read"]})

    assert service.get(f"/reports/{client_org}", headers={"Authorization": f"Bearer {token}"}).status_code == status
