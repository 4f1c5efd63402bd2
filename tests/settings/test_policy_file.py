"""`policy.toml`: its problems have their lines, and whoever works on it needs nothing else of a deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.domain.policy import Keep
from broker.settings.model import SettingsProblems
from broker.settings.policy_file import PolicyAlone, policy_alone, policy_of_any_deployment

SETTINGS = """\
[broker]
policy = "policy.toml"
keyring = { env = "NOWHERE" }

[registrations.google]
provider = "google"
client_secret = { file = "nowhere" }
"""


def read(folder: Path, policy: str | None, settings: str = SETTINGS) -> PolicyAlone:
    """The policy of a deployment whose secrets are elsewhere."""
    if policy is not None:
        (folder / "policy.toml").write_text(policy)
    (folder / "broker.toml").write_text(settings)
    return policy_alone(folder / "broker.toml")


def problems(folder: Path, policy: str | None, settings: str = SETTINGS) -> list[str]:
    """What is wrong, without the folder."""
    with pytest.raises(SettingsProblems) as refused:
        read(folder, policy, settings)
    return [problem.removeprefix(f"{folder}/") for problem in refused.value.problems]


def test_it_needs_no_secret(tmp_path: Path) -> None:
    """Which Provider is behind a registration is enough."""
    alone = read(tmp_path, '[google.keep]\nemail = "To write"\n')

    assert alone.policy.keeps(next(iter(alone.providers))) == {"email": Keep(purpose="To write")}
    assert [provider.name for provider in alone.providers.values()] == ["google"]


def test_an_empty_policy_is_one(tmp_path: Path) -> None:
    """Which keeps nothing."""
    assert read(tmp_path, "").policy.sections == {}


@pytest.mark.parametrize(
    ("policy", "begins"),
    [
        ('[google.keep]\n# emil = "x"\nemil = "x"\n', "policy.toml:3: [google.keep] emil: "),
        ('[google.keep]  # of Google\nemail = ""\n', "policy.toml:2: [google.keep] email: "),
        ("[google]\nkeep = 5\n[corp.keep]\n", "policy.toml: [google.keep]: "),
        ('[google.clients.acme]\nkeep = ["email"]\n', "policy.toml:2: [google.clients.acme] keep: "),
        ('[google.clients.acme]\nkept = ["email"]\n', "policy.toml:1: [google.clients.acme]: "),
        ('[google.release]\nemail = "x"\n', "policy.toml:2: [google.release] email: "),
        ('google.keep = { emil = "x" }\n', "policy.toml: [google.keep] emil: "),
        ('[google.keep]\n"e mail" = "x"\n', "policy.toml: [google.keep] e mail: "),
        ("[google.keep", "policy.toml: "),
        (None, "policy.toml: there is no such file"),
    ],
)
def test_a_problem_has_its_place(tmp_path: Path, policy: str | None, begins: str) -> None:
    """With a line where the file is written as it is in the documentation."""
    assert any(problem.startswith(begins) for problem in problems(tmp_path, policy))


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    """In the order of the file."""
    found = problems(tmp_path, '[google.keep]\nemil = "x"\nnome = "y"\n[corp.keep]\nemail = "z"\n')

    assert [problem.partition(" ")[0] for problem in found] == ["policy.toml:2:", "policy.toml:3:", "policy.toml:"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("", '[broker] policy: is missing; it names the attribute policy, such as "policy.toml"'),
        ("[broker]\n", '[broker] policy: is missing; it names the attribute policy, such as "policy.toml"'),
        ("broker = 5\n", '[broker] policy: is missing; it names the attribute policy, such as "policy.toml"'),
        (
            SETTINGS.replace('"google"', '"gogle"'),
            "[registrations.google] provider: must be one of github, google, microsoft, oidc",
        ),
        (
            "[broker]\npolicy = 'policy.toml'\n[registrations]\ngoogle = 5\n",
            "[registrations.google] provider: must be one of github, google, microsoft, oidc",
        ),
    ],
    ids=["empty", "absent", "no table", "no such Provider", "no registration"],
)
def test_settings_that_do_not_lead_to_a_policy_are_refused(tmp_path: Path, settings: str, said: str) -> None:
    """And the policy is not blamed for it."""
    assert problems(tmp_path, "", settings) == [f"broker.toml: {said}"]


def test_without_a_registration_nothing_can_be_named(tmp_path: Path) -> None:
    """Every section is a problem."""
    (problem,) = problems(
        tmp_path, '[google.keep]\nemail = "x"\n', "[broker]\npolicy = 'policy.toml'\nregistrations = 5"
    )

    assert problem == "policy.toml: [google]: there is no registration of this name in the settings"


def test_settings_that_are_not_there_are_refused(tmp_path: Path) -> None:
    """With their name."""
    with pytest.raises(SettingsProblems, match="there is no such file"):
        policy_alone(tmp_path / "broker.toml")


def test_a_policy_can_be_read_without_its_deployment(tmp_path: Path) -> None:
    """Each registration may have what any Provider can tell, and nothing that none can."""
    path = tmp_path / "policy.toml"
    path.write_text('[was_here_once.keep]\nemail = "x"\ncompany = "y"\n')

    assert [*policy_of_any_deployment(path).sections] == ["was_here_once"]

    path.write_text('[google.keep]\nemail = "x"\nsalary = "y"\n')
    with pytest.raises(SettingsProblems, match=r"policy.toml:3: \[google.keep\] salary"):
        policy_of_any_deployment(path)
    with pytest.raises(SettingsProblems, match="there is no such file"):
        policy_of_any_deployment(tmp_path / "another.toml")


def test_the_legal_documents_are_those_that_ship_unless_files_are_named(tmp_path: Path) -> None:
    """Asked for, unless the policy says that they were accepted elsewhere."""
    shipped = read(tmp_path, "").policy.documents
    assert shipped.asked
    assert shipped.privacy is not None
    assert shipped.privacy.sections[0].title == "What happens when you sign in"

    (tmp_path / "ours.md").write_text("## Ours\n\nWords of our own.\n")
    ours = read(tmp_path, '[documents.privacy]\nfile = "ours.md"\nrevised = 2027-01-02\n').policy.documents
    assert ours.privacy is not None
    assert (ours.privacy.sections[0].title, ours.privacy.revised) == ("Ours", 1798848000)
    assert ours.terms == shipped.terms
    assert not read(tmp_path, "[documents]\nask = false\n").policy.documents.asked


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("[documents.terms]\nrevised = 2027-01-02\n", "[documents.terms] file: is missing; it names the document"),
        ('[documents]\nterms = "terms.md"\n', "[documents.terms] file: is missing; it names the document"),
        ('[documents.terms]\nfile = "nowhere.md"\nrevised = 2027-01-02\n', "nowhere.md: cannot be read"),
        ('[documents.terms]\nfile = "broker.toml"\nrevised = 2027-01-02\n', "[documents] terms: has no section"),
        ('[documents.terms]\nfile = "ours.md"\nrevised = "now"\n', "[documents] terms: revised must be a date"),
        ('[documents.terms]\nfile = "ours.md"\nrevised = 5\n', "[documents] terms: revised must be a date"),
        ('[documents.terms]\nfile = "ours.md"\nrevised = 2027-01-02T10:00:00Z\n', "[documents] terms: revised must be"),
        ("documents = 5\n", "[documents]: must be a table"),
    ],
)
def test_a_legal_document_that_is_not_there_is_a_problem(tmp_path: Path, policy: str, said: str) -> None:
    """Nobody is asked to accept an empty page."""
    (tmp_path / "broker.toml").write_text(SETTINGS)
    (tmp_path / "ours.md").write_text("## Ours\n\nWords of our own.\n")
    assert any(said in problem for problem in problems(tmp_path, policy))
