"""The examples for services: each does what its page says, and the one for pytest runs as it stands."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import django
import httpx2
import pytest
from django.conf import settings
from django.test import Client, override_settings

from partner_ops_verifier import AsyncVerifier, Verifier
from partner_ops_verifier.testing import SessionTokens
from tests.docs.reading import EXAMPLES
from tests.examples import files

RIGHTS = {"acme": ["reports:read"], "globex": ["invoices:read"]}
ANSWERS = {"acme": 200, "globex": 403}


def bearer(tokens: SessionTokens) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.mint('usr_ada', RIGHTS)}"}


def test_a_plain_function_answers_everybody(session_tokens: SessionTokens) -> None:
    """Permitted, not permitted, refused, and nobody can tell."""
    may_read, verifier = files.module("verify").may_read, session_tokens.verifier()
    token = session_tokens.mint("usr_ada", RIGHTS)

    assert may_read(verifier, token, "acme") == "User usr_ada may read reports of acme."
    assert may_read(verifier, token, "globex") == "globex has not given you this right."
    assert may_read(verifier, session_tokens.mint(exp=2, iat=1), "acme") == "Sign in again. It has expired."
    session_tokens.http.down = True
    assert may_read(session_tokens.verifier(), token, "acme") == "Try again in a few seconds."


@pytest.mark.anyio
async def test_a_service_for_starlette(session_tokens: SessionTokens) -> None:
    """Whoever was given the right, by that Client."""
    app = files.module("service").create_service(session_tokens.async_verifier())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://service") as http:
        for client_org, status in ANSWERS.items():
            answer = await http.get(f"/reports/{client_org}", headers=bearer(session_tokens))
            assert answer.status_code == status
        assert (await http.get("/reports/acme")).status_code == 401


def test_a_service_for_flask(session_tokens: SessionTokens) -> None:
    """The same."""
    http = files.module("service_flask").create_service(session_tokens.verifier()).test_client()

    for client_org, status in ANSWERS.items():
        assert http.get(f"/reports/{client_org}", headers=bearer(session_tokens)).status_code == status
    assert http.get("/reports/acme").status_code == 401


def test_a_service_for_django(session_tokens: SessionTokens) -> None:
    """The same."""
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="for-tests", DEFAULT_CHARSET="utf-8")
        django.setup()
    with override_settings(PARTNER_OPS_VERIFIER=session_tokens.verifier(), MIDDLEWARE=[]):
        urls = files.module("service_django")
        with override_settings(ROOT_URLCONF=urls):
            for client_org, status in ANSWERS.items():
                answer = Client().get(f"/reports/{client_org}", headers=bearer(session_tokens))
                assert answer.status_code == status
            assert Client().get("/reports/acme").status_code == 401


def test_verifiers_are_made_as_they_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of anybody before the first token."""
    monkeypatch.setenv("REPORTS_SECRET", "secret")

    assert isinstance(files.module("verify").create_verifier(), Verifier)
    assert isinstance(files.module("service").create_verifier(), AsyncVerifier)


def test_a_test_of_a_service_runs_with_nothing_but_pytest(tmp_path: Path) -> None:
    """The fixture comes with the distribution: no conftest, no broker, no network."""
    for name in ("service.py", "test_service.py"):
        shutil.copy(EXAMPLES / name, tmp_path)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "--rootdir",
        str(tmp_path),
    ]
    ran = subprocess.run(
        [*command, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )

    assert "2 passed" in ran.stdout, ran.stdout + ran.stderr
