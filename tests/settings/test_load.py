"""`broker.toml`: what it says about addresses is taken, or refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.crypto.keyring import new_keyring
from broker.domain.policy import Release
from broker.settings.load import load
from broker.settings.model import Settings, SettingsProblems

HERE = 'issuer = "https://id.example.com"'
THERE = 'issuer = "https://login.corp.example/realms/corp"'
SECRETS = {"KEYRING": new_keyring(), "SECRET": "a-secret"}


def read(folder: Path, *, here: str = HERE, there: str = THERE, policy: str = "") -> Settings:
    """The settings of a deployment that has one registration, at a generic OpenID Provider."""
    (folder / "policy.toml").write_text(policy)
    (folder / "broker.toml").write_text(f"""\
[broker]
{here}
policy = "policy.toml"
keyring = {{ env = "KEYRING" }}

[registrations.corp]
provider = "oidc"
{there}
client_id = "partner-ops"
client_secret = {{ env = "SECRET" }}
""")
    return load(folder / "broker.toml", SECRETS)


def problem_of(folder: Path, **lines: str) -> str:
    """The only thing that is wrong, without the folder."""
    with pytest.raises(SettingsProblems) as refused:
        read(folder, **lines)
    (problem,) = refused.value.problems
    return problem.removeprefix(f"{folder}/")


def test_what_is_right_is_taken_as_it_is(tmp_path: Path) -> None:
    """Both issuers."""
    settings = read(tmp_path)

    assert settings.issuer == "https://id.example.com"
    assert [registration.issuer for registration in settings.registrations.values()] == [
        "https://login.corp.example/realms/corp"
    ]


@pytest.mark.parametrize(
    ("here", "problem"),
    [
        ("", "is missing; it is this broker's own URL, such as https://id.example.com"),
        ("issuer = 5", "is missing; it is this broker's own URL, such as https://id.example.com"),
        ('issuer = ""', "must be at most 255 visible ASCII characters without backslashes"),
        (f'issuer = "https://{"a" * 248}"', "must be at most 255 visible ASCII characters without backslashes"),
        ('issuer = "http://id.example.com"', "must be https, as its host is not a loopback host"),
        (
            'issuer = "https://id.example.com/"',
            "must be an origin without a path or a trailing slash, such as https://id.example.com",
        ),
        ('issuer = "https://ID.example.com"', "must be written as browsers do: https://id.example.com"),
    ],
    ids=["absent", "no text", "empty", "long", "http", "a path", "capitals"],
)
def test_an_issuer_that_cannot_stand_in_tokens_is_refused(tmp_path: Path, here: str, problem: str) -> None:
    """With its line."""
    line = 2 if "issuer" in here else 1

    assert problem_of(tmp_path, here=here) == f"broker.toml:{line}: [broker] issuer: {problem}"


@pytest.mark.parametrize(
    ("there", "problem"),
    [
        ("", "is missing; provider 'oidc' has none of its own"),
        ("issuer = 5", "must be a text"),
        ('issuer = ""', "must be at most 2000 visible ASCII characters without backslashes"),
        ('issuer = "http://login.corp.example"', "must be https, as its host is not a loopback host"),
        ('issuer = "login.corp.example"', "must be an https URL (http to a loopback host only)"),
        ('issuer = "https://login.corp.example?tenant=1"', "must not have a query"),
        ('issuer = "https://ada@login.corp.example"', "must not hold a user name"),
    ],
    ids=["absent", "no text", "empty", "http", "no scheme", "a query", "a user"],
)
def test_a_providers_issuer_that_cannot_be_one_is_refused(tmp_path: Path, there: str, problem: str) -> None:
    """By the rule that holds for redirect URIs, and with its line."""
    line = 8 if "issuer" in there else 6

    assert problem_of(tmp_path, there=there) == f"broker.toml:{line}: [registrations.corp] issuer: {problem}"


def test_a_telephone_number_may_be_released(tmp_path: Path) -> None:
    """The scope `phone` asks for it (OpenID Connect Core section 5.4)."""
    settings = read(
        tmp_path, policy='[corp.keep]\nphone_number = "Call back"\n[corp.release]\nphone_number = "Call back"'
    )

    (registration,) = settings.registrations
    assert settings.policy.releases(registration) == {"phone_number": Release(purpose="Call back")}


def test_a_signing_key_is_replaced_after_ninety_days_or_as_many_as_one_says(tmp_path: Path) -> None:
    """At least one, at most ten years of them."""
    assert read(tmp_path).signing_key_days == 90
    for days in (1, 3650):
        assert read(tmp_path, here=f"{HERE}\nsigning_key_days = {days}").signing_key_days == days


@pytest.mark.parametrize("days", ["0", "3651", "-1", "true", "1.5", '"90"', "[]"])
def test_another_age_of_signing_keys_is_refused(tmp_path: Path, days: str) -> None:
    """Nor is it taken for another one."""
    problem = problem_of(tmp_path, here=f"{HERE}\nsigning_key_days = {days}")

    assert problem == "broker.toml:3: [broker] signing_key_days: must be a number from 1 to 3650"


@pytest.mark.parametrize("name", ["documents", "purposes", "retention", "erasure", "ledger"])
def test_a_registration_cannot_be_called_as_a_table_of_the_policy(tmp_path: Path, name: str) -> None:
    """Its section would be read as that table."""
    with pytest.raises(SettingsProblems) as refused:
        read(tmp_path, there=f'issuer = "https://login.corp.example"\n[registrations.{name}]')

    assert any(f"the policy has a table {name} for all registrations" in problem for problem in refused.value.problems)
