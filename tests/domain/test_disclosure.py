"""What an Application was told, and when that is worth a line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.disclosure import ground_of, remembered_now
from broker.domain.grant import Grant
from tests.domain.world import APPLICATION, GRANT


@pytest.mark.parametrize(("first_party", "ground"), [(True, "first_party"), (False, "consent")])
def test_the_ground_is_consent_or_that_it_is_our_own(first_party: bool, ground: str) -> None:
    """There is no third."""
    assert ground_of(replace(APPLICATION, first_party=first_party)) == ground


def granted(scopes: str, *released: str) -> Grant:
    """A Grant as narrow as the token that is shown."""
    return replace(GRANT, scopes=tuple(scopes.split()), released=released)


@pytest.mark.parametrize(
    ("grant", "told", "after"),
    [
        (granted("openid email profile"), {"name", "email"}, ("email", "name")),
        (granted("openid email profile", "email", "name"), {"email"}, ("email",)),
        (granted("openid email profile", "email"), set(), ()),
        (granted("openid email", "email", "name"), {"email"}, ("email", "name")),
        (granted("openid email", "name"), {"email"}, ("email", "name")),
        (granted("openid", "email", "name"), set(), ("email", "name")),
    ],
    ids=["first", "less", "nothing", "narrower token", "narrower token, more", "token of nothing"],
)
def test_a_narrower_token_takes_nothing_back(grant: Grant, told: set[str], after: tuple[str, ...]) -> None:
    """What its scopes do not cover was told by another one."""
    assert remembered_now(grant, told) == after
