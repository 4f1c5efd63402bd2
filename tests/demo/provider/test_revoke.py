"""Revocation at the demo Provider: any token ends the whole grant, once."""

from __future__ import annotations

import pytest

from tests.demo.provider.software import Software


@pytest.fixture
def software() -> Software:
    return Software()


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_either_token_ends_the_whole_grant(software: Software, kind: str) -> None:
    """Every token of every sign-in of this persona with this software is dead, and nobody else's."""
    first, second = software.sign_in(), software.sign_in(prompt="consent")
    other = software.sign_in("grace")

    answer = software.revoke(first[kind])

    assert answer.status_code == 200
    for tokens in (first, second):
        assert software.userinfo(tokens["access_token"]).status_code == 401
        assert software.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert software.userinfo(other["access_token"]).status_code == 200
    assert [grant.alive for grant in software.provider.grants] == [False, True]


def test_a_dead_token_is_said_to_be_invalid(software: Software) -> None:
    """As Google says it, where RFC 7009 section 2.2 would say 200."""
    token = software.sign_in()["refresh_token"]
    software.revoke(token)

    answer = software.revoke(token)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_token")


@pytest.mark.parametrize(("token", "error"), [("", "invalid_request"), ("unknown", "invalid_token")])
def test_no_token_and_an_unknown_one(software: Software, token: str, error: str) -> None:
    """Each is told."""
    answer = software.revoke(token)

    assert (400, error) == (answer.status_code, answer.json()["error"])


def test_the_token_may_come_in_the_query(software: Software) -> None:
    """Google's own examples do it so."""
    token = software.sign_in()["access_token"]

    assert software.channel.post("/revoke", params={"token": token}).status_code == 200


def test_a_code_of_an_ended_grant_is_dead(software: Software) -> None:
    """Nothing comes of a consent that was withdrawn before its code was redeemed."""
    token = software.sign_in()["access_token"]
    code = software.allow()["code"]
    software.revoke(token)

    assert software.redeem(code).json()["error"] == "invalid_grant"
