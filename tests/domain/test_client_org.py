"""Which rights a User has, per Client."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.client_org import Authorization, ClientOrg, rights_by_client
from broker.domain.ids import AuthorizationId, ClientOrgId, KeyedHash
from tests.domain.world import ACME, ADA, GLOBEX, NOW

CLIENTS = {
    ACME: ClientOrg(id=ACME, name="Acme Inc.", rights=frozenset({"invoices:read", "invoices:write"})),
    GLOBEX: ClientOrg(id=GLOBEX, name="Globex", rights=frozenset({"reports:read"})),
}
FROM_ACME = Authorization(
    id=AuthorizationId("azn_1"),
    client_org=ACME,
    invited_email=KeyedHash("email-1"),
    user_id=ADA,
    rights=frozenset({"invoices:write", "invoices:read"}),
    created_at=NOW,
)
FROM_GLOBEX = replace(FROM_ACME, id=AuthorizationId("azn_2"), client_org=GLOBEX, rights=frozenset({"reports:read"}))


def test_rights_are_sorted_by_client_and_by_name() -> None:
    """The same User has the same token, whatever the order of the rows."""
    rights = rights_by_client((FROM_GLOBEX, FROM_ACME), CLIENTS)

    assert list(rights.items()) == [(ACME, ("invoices:read", "invoices:write")), (GLOBEX, ("reports:read",))]


def test_without_authorizations_there_is_no_client() -> None:
    """Empty means nothing."""
    assert rights_by_client((), CLIENTS) == {}
    assert rights_by_client((FROM_ACME,), {}) == {}


def test_an_authorization_without_rights_gives_none() -> None:
    """The User acts for the Client, and may do nothing."""
    assert rights_by_client((replace(FROM_ACME, rights=frozenset()),), CLIENTS) == {ACME: ()}


def test_an_invitation_that_nobody_has_taken_gives_nothing() -> None:
    """It belongs to an address, not to a person."""
    assert rights_by_client((replace(FROM_ACME, user_id=None),), CLIENTS) == {}


def test_a_right_that_the_client_has_lost_is_not_passed_on() -> None:
    """What it gave before does not outlive it."""
    poorer = CLIENTS | {ACME: replace(CLIENTS[ACME], rights=frozenset({"invoices:read", "other"}))}

    assert rights_by_client((FROM_ACME,), poorer) == {ACME: ("invoices:read",)}


def test_a_right_of_another_client_is_not_passed_on() -> None:
    """Two Clients may have rights of one name; each gives its own."""
    assert rights_by_client((replace(FROM_ACME, rights=frozenset({"reports:read"})),), CLIENTS) == {ACME: ()}


@pytest.mark.parametrize("turned", [False, True])
def test_what_one_client_gave_to_two_addresses_of_a_person_counts_together(turned: bool) -> None:
    """Both were proven to be theirs."""
    both = (
        replace(FROM_ACME, rights=frozenset({"invoices:read"})),
        replace(FROM_ACME, id=AuthorizationId("azn_3"), rights=frozenset({"invoices:write"})),
    )

    assert rights_by_client(both[::-1] if turned else both, CLIENTS) == {ACME: ("invoices:read", "invoices:write")}


names = st.sampled_from("abcd")
rights = st.frozensets(st.sampled_from(["r", "s", "t"]))
authorizations = st.builds(
    lambda client_org, given_rights, bound: replace(
        FROM_ACME, client_org=ClientOrgId(client_org), rights=given_rights, user_id=ADA if bound else None
    ),
    names,
    rights,
    st.booleans(),
)


@given(st.lists(authorizations, max_size=8).map(tuple), st.dictionaries(names, rights))
def test_a_right_is_there_if_and_only_if_it_was_given_and_can_be(
    held: tuple[Authorization, ...], can_give: dict[str, frozenset[str]]
) -> None:
    """Of the very Client that it stands under."""
    clients = {
        ClientOrgId(name): ClientOrg(id=ClientOrgId(name), name=name, rights=given_rights)
        for name, given_rights in can_give.items()
    }
    found = {(client_org, right) for client_org, rights in rights_by_client(held, clients).items() for right in rights}

    expected = {
        (a.client_org, right)
        for a in held
        for right in a.rights
        if a.user_id is not None and right in can_give.get(a.client_org, ())
    }
    assert found == expected
