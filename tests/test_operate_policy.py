"""The operator's commands on the attribute policy: what is wrong with it, what it says, and what it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from broker.__main__ import cli

SETTINGS = """\
[broker]
policy = "policy.toml"

[registrations.google]
provider = "google"

[registrations.work]
provider = "github"
"""
POLICY = """\
[google.keep]
email = "Contact address"
name = "Shown to colleagues"

[google.release]
email = "For audit trails"

[google.clients.acme]
keep = ["email"]

[work.keep]
email = "Contact address"
"""
PROFILE = {"sub": "1", "email": "ada@acme.example", "name": "Ada Lovelace", "picture": "https://pictures.example/ada"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A deployment with a policy, and without anything else."""
    (tmp_path / "broker.toml").write_text(SETTINGS)
    (tmp_path / "policy.toml").write_text(POLICY)
    return tmp_path


def policy(folder: Path, *arguments: str) -> Result:
    """`broker policy …`; files are named in this folder."""
    config = [] if arguments[0] == "diff" else ["--config", str(folder / "broker.toml")]
    named = [str(folder / word) if "." in word else word for word in arguments]
    return CliRunner().invoke(cli, ["policy", *named, *config])


def tried(folder: Path, document: Any, *arguments: str, registration: str = "google") -> Result:
    """`broker policy try` with this profile."""
    (folder / "profile.json").write_text(document if isinstance(document, str) else json.dumps(document))
    return policy(folder, "try", registration, "profile.json", *arguments)


def test_lint_finds_nothing_wrong(folder: Path) -> None:
    """Where nothing is; for people and for programs."""
    assert (policy(folder, "lint").exit_code, policy(folder, "lint").stdout) == (0, "No problem found.\n")
    assert json.loads(policy(folder, "lint", "--json").stdout) == {"problems": []}


def test_lint_names_every_problem_with_its_line(folder: Path) -> None:
    """And exits with a problem."""
    (folder / "policy.toml").write_text('[google.keep]\nemail = ""\nsalary = "Because"\n')
    found = policy(folder, "lint")

    assert found.exit_code == 1
    assert [line.partition(": ")[0] for line in found.stderr.splitlines()] == [
        f"{folder}/policy.toml:2",
        f"{folder}/policy.toml:3",
    ]
    as_data = policy(folder, "lint", "--json")
    assert as_data.exit_code == 1
    assert json.loads(as_data.stdout)["problems"] == found.stderr.splitlines()


def test_show_is_a_table(folder: Path) -> None:
    """From which claim, what for, how it is released and who leaves it out."""
    shown = policy(folder, "show").stdout.splitlines()

    assert [line.split()[:3] for line in shown] == [
        ["REGISTRATION", "ATTRIBUTE", "FROM"],
        ["google", "email", "email"],
        ["google", "name", "name"],
        ["work", "email", "emails.email"],
    ]
    assert "Contact address" in shown[1]
    assert shown[1].endswith("acme (release)")
    assert shown[2].endswith("acme (keep)")


def test_show_is_data(folder: Path) -> None:
    """For whoever compares it with something else."""
    rows = json.loads(policy(folder, "show", "--json").stdout)["attributes"]

    assert [(row["registration"], row["attribute"], row["claim"]) for row in rows] == [
        ("google", "email", "email"),
        ("google", "name", "name"),
        ("work", "email", "emails.email"),
    ]
    assert rows[0]["not_released_for"] == ["acme"]


def test_show_says_that_nothing_is_kept(folder: Path) -> None:
    """And refuses a policy with a problem."""
    (folder / "policy.toml").write_text("")
    assert policy(folder, "show").stdout == "Nothing is kept.\n"

    (folder / "policy.toml").write_text("[corp.keep]")
    assert policy(folder, "show").exit_code == 1


@pytest.mark.parametrize(
    ("old", "new", "code", "last"),
    [
        (POLICY, POLICY, 0, "No difference."),
        (POLICY, "", 0, "It does not widen."),
        ("", POLICY, 1, "It keeps or releases more of somebody, longer, or for another purpose."),
        (
            POLICY,
            POLICY.replace("Shown to", "Sold to"),
            1,
            "It keeps or releases more of somebody, longer, or for another purpose.",
        ),
    ],
    ids=["same", "narrower", "wider", "another purpose"],
)
def test_diff_ends_with_a_problem_when_it_widens(folder: Path, old: str, new: str, code: int, last: str) -> None:
    """So that a change can be stopped before it is rolled out."""
    (folder / "old.toml").write_text(old)
    (folder / "new.toml").write_text(new)
    compared = policy(folder, "diff", "old.toml", "new.toml")

    assert compared.exit_code == code
    assert compared.stdout.splitlines()[-1] == last
    as_data = policy(folder, "diff", "old.toml", "new.toml", "--json")
    assert as_data.exit_code == code
    document = json.loads(as_data.stdout)
    assert document["widens"] is (code == 1)
    assert len(document["differences"]) == len(compared.stdout.splitlines()) - 1


def test_diff_refuses_a_file_with_a_problem(folder: Path) -> None:
    """Either of them; it needs no settings."""
    (folder / "old.toml").write_text('[google.keep]\nsalary = "x"\n')

    for pair in (("old.toml", "policy.toml"), ("policy.toml", "old.toml")):
        compared = policy(folder, "diff", *pair)
        assert compared.exit_code == 1
        assert compared.stderr.startswith(f"{folder}/old.toml:2: [google.keep] salary: ")


def test_try_says_what_would_be_kept_and_why_the_rest_would_not(folder: Path) -> None:
    """Of a value that is dropped nothing is printed."""
    found = tried(folder, PROFILE, "--client", "acme")

    assert [line.split("  ")[0] for line in found.stdout.splitlines()] == ["kept", "narrowed", "not allowed", "unknown"]
    assert "ada@acme.example" in found.stdout
    for dropped in ("Lovelace", "pictures.example"):
        assert dropped not in found.stdout + found.stderr
        assert dropped not in tried(folder, PROFILE, "--client", "acme", "--json").stdout


def test_try_is_data(folder: Path) -> None:
    """Without a Client, what the section names."""
    found = json.loads(tried(folder, PROFILE, "--json").stdout)["tried"]

    assert {one["name"]: one["value"] for one in found} == {
        "email": "ada@acme.example",
        "name": "Ada Lovelace",
        **dict.fromkeys(("picture", "sub")),
    }
    assert {one["name"]: one["fate"] for one in found}["picture"] == "not_allowed"


def test_try_reads_the_answers_of_another_providers_api(folder: Path) -> None:
    """As a sign-in would: of addresses only the one that is primary and verified."""
    document = {
        "user": {"id": 1, "login": "ada"},
        "emails": [
            {"email": "other@acme.example", "primary": False, "verified": True},
            {"email": "ada@acme.example", "primary": True, "verified": True},
        ],
        "more": 1,
    }
    found = json.loads(tried(folder, document, "--json", registration="work").stdout)["tried"]

    assert {one["name"]: (one["fate"], one["value"]) for one in found} == {
        "email": ("kept", "ada@acme.example"),
        "preferred_username": ("not_allowed", None),
        "user.id": ("unknown", None),
        "emails.email_verified": ("unknown", None),
        "more": ("unknown", None),
    }


def test_try_with_nothing_to_say_says_so(folder: Path) -> None:
    """An empty profile, and a policy that keeps nothing."""
    (folder / "policy.toml").write_text("")

    assert tried(folder, {}).stdout == "There is nothing to keep or to drop.\n"


def test_try_prints_nothing_that_a_terminal_would_obey(folder: Path) -> None:
    """A claim's name is the Provider's."""
    assert "\x1b" not in tried(folder, {"evil\x1b[31m": 1}).stdout


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "must be a JSON object"),
        ('{"user": []}', "user: is not what this Provider answers with"),
    ],
)
def test_try_refuses_what_is_no_profile(folder: Path, document: str, why: str) -> None:
    """Without repeating any of it."""
    found = tried(folder, document, registration="work")

    assert (found.exit_code, found.stderr) == (1, f"{folder}/profile.json: {why}\n")


def test_try_refuses_what_is_not_there(folder: Path) -> None:
    """A file, or a registration."""
    assert "cannot be read (FileNotFoundError)" in policy(folder, "try", "google", "no.json").stderr
    found = tried(folder, PROFILE, registration="corp")
    assert found.exit_code == 2
    assert "there are google, work" in found.stderr


def test_purge_needs_a_whole_deployment(folder: Path) -> None:
    """Settings without a keyring are refused."""
    assert policy(folder, "purge", "--dry-run").exit_code == 1
