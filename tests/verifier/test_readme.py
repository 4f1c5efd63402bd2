"""The distribution's own page: a row for every code and every member, none without; its numbers are the code's."""

from __future__ import annotations

import tomllib

from partner_ops_verifier import Session
from partner_ops_verifier.errors import REFUSALS, UNAVAILABLE
from partner_ops_verifier.feed import Feed
from partner_ops_verifier.http import LARGEST_ANSWER, TIMEOUT_SECONDS
from partner_ops_verifier.judge import LEEWAY_SECONDS, MOST_REMEMBERED
from partner_ops_verifier.proof import BEHIND_SECONDS, MOST_PROOFS
from partner_ops_verifier.published import FRESH_BOUNDS, KEPT_SECONDS, REFETCH_SECONDS, RETRY_SECONDS
from partner_ops_verifier.token import LONGEST_TOKEN
from tests.docs.reading import names, section
from tests.rules.tree import ROOT, text

README = text(ROOT / "verifier" / "README.md")


def test_every_code_has_a_row() -> None:
    """Of refusals, and of what nobody can tell."""
    assert names(section(README, "Refusals")) == [*REFUSALS, *UNAVAILABLE]


def test_every_member_of_a_session_has_a_row() -> None:
    """And no row is a member that there is not."""
    told = {name.partition("(")[0] for name in names(section(README, "Session"))}

    assert told == {name for name in vars(Session) if not name.startswith("_")}


def test_numbers_are_the_codes() -> None:
    """Those that a page says in words."""
    assert (LONGEST_TOKEN, LEEWAY_SECONDS, MOST_REMEMBERED) == (8 * 1024, 10, 4096)
    assert (TIMEOUT_SECONDS, LARGEST_ANSWER) == (5, 4 * 1024 * 1024)
    assert (FRESH_BOUNDS, REFETCH_SECONDS, RETRY_SECONDS, KEPT_SECONDS) == ((60, 3600), 30, 10, 86400)
    assert (BEHIND_SECONDS, MOST_PROOFS) == (60, 100_000)
    assert Feed(application_id="a", secret="s") == Feed(application_id="a", secret="s", closed_after=None, most=100_000)


def test_what_is_shipped_needs_one_library() -> None:
    """And each adapter the framework that it is for; the types come along."""
    project = tomllib.loads((ROOT / "verifier" / "pyproject.toml").read_text())["project"]

    assert [need.partition(">")[0] for need in project["dependencies"]] == ["cryptography"]
    assert set(project["optional-dependencies"]) == {"aiohttp", "django", "flask", "pytest", "starlette"}
    assert (ROOT / "verifier" / "src" / "partner_ops_verifier" / "py.typed").exists()
