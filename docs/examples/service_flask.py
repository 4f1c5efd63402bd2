"""A service for Flask. Needs partner-ops-verifier with its extra `flask`."""

from __future__ import annotations

from flask import Flask

from partner_ops_verifier import Verifier
from partner_ops_verifier.flask import Bearer, current_session


def create_service(verifier: Verifier) -> Flask:
    """Reports of a Client, for whom that Client gave the right to read them."""
    app, bearer = Flask("reports"), Bearer(verifier)

    @app.get("/reports/<client_org>")
    @bearer.right("reports:read", of="client_org")
    def report(client_org: str) -> dict[str, str]:
        return {"client_org": client_org, "for": current_session().user}

    return app
