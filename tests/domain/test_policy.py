"""The attribute policy as an operator writes it: what it permits, and what it is refused for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.ids import ClientOrgId, RegistrationId
from broker.domain.policy import (
    RESERVED_CLAIMS,
    AttributePolicy,
    Keep,
    Narrowing,
    PolicyProblems,
    Release,
    Section,
)
from broker.domain.policy_parse import parse
from broker.domain.scope import ATTRIBUTE_SCOPES
from tests.domain.policies import CLIENTS, HOOLI, KNOWN, documents
from tests.domain.policies import clients as some_clients
from tests.domain.world import ACME, GLOBEX, GOOGLE

DOCUMENT: dict[str, Any] = {
    "google": {
        "keep": {"email": "Contact address", "name": "Shown to colleagues", "picture": "Shown beside the name"},
        "release": {"email": "Audit trails", "name": " Greeting \n"},
        "clients": {
            "acme": {"keep": ["email", "name"], "release": ["name"]},
            "globex": {"keep": ["email", "picture"], "release": ["email"]},
            "hooli": {},
        },
    }
}
POLICY = parse(DOCUMENT, KNOWN)
INITECH = ClientOrgId("initech")  # a Client of which the policy does not speak


def problems_of(document: Any) -> tuple[str, ...]:
    """Everything that is wrong with it; nothing when it is accepted."""
    try:
        parse(document, KNOWN)
    except PolicyProblems as refused:
        assert str(refused) == "\n".join(refused.problems)
        return refused.problems
    return ()


def purposes(terms: Mapping[str, Keep] | Mapping[str, Release]) -> dict[str, str]:
    """Of each attribute."""
    return {name: one.purpose for name, one in terms.items()}


def google(**section: Any) -> dict[str, Any]:
    return {"google": section}


def test_a_key_permits_and_its_value_is_the_purpose() -> None:
    """Trimmed, in the order of the file."""
    keeps, releases = POLICY.keeps(GOOGLE), POLICY.releases(GOOGLE)
    assert [(name, keep.purpose) for name, keep in keeps.items()] == list(DOCUMENT["google"]["keep"].items())
    assert {name: release.purpose for name, release in releases.items()} == {
        "email": "Audit trails",
        "name": "Greeting",
    }


@pytest.mark.parametrize(
    "policy",
    [
        AttributePolicy(sections={}),
        parse({}, KNOWN),
        parse({"google": {}}, KNOWN),
        parse(google(keep={}), KNOWN),
        POLICY,
    ],
    ids=["none", "empty file", "empty section", "empty keep", "of another registration"],
)
@pytest.mark.parametrize("clients", [(), (ACME,), (ACME, INITECH)])
def test_what_is_not_permitted_is_denied(policy: AttributePolicy, clients: tuple[ClientOrgId, ...]) -> None:
    """Empty means nothing."""
    registration = RegistrationId("corp") if policy is POLICY else GOOGLE

    assert policy.keeps(registration, clients) == {}
    assert policy.releases(registration, clients) == {}
    assert policy.select(registration, {"email": "ada@acme.example"}, clients).values == {}


@pytest.mark.parametrize(
    ("clients", "kept"),
    [
        ((), {"email", "name", "picture"}),
        ((ACME,), {"email", "name"}),
        ((GLOBEX,), {"email", "picture"}),
        ((HOOLI,), set()),
        ((INITECH,), {"email", "name", "picture"}),
        ((ACME, HOOLI), {"email", "name"}),
        ((ACME, GLOBEX), {"email", "name", "picture"}),
        ((HOOLI, INITECH), {"email", "name", "picture"}),
    ],
)
def test_what_any_of_the_clients_allows_is_kept(clients: tuple[ClientOrgId, ...], kept: set[str]) -> None:
    """One Connection serves all of them."""
    assert POLICY.keeps(GOOGLE, clients).keys() == kept


@pytest.mark.parametrize(
    ("clients", "released"),
    [
        ((), {"email", "name"}),
        ((ACME,), {"name"}),
        ((GLOBEX,), {"email"}),
        ((HOOLI,), set()),
        ((INITECH,), {"email", "name"}),
        ((ACME, INITECH), {"name"}),
        ((ACME, GLOBEX), set()),
        ((ACME, HOOLI), set()),
    ],
)
def test_what_every_one_of_the_clients_allows_is_released(clients: tuple[ClientOrgId, ...], released: set[str]) -> None:
    """A token speaks of all of them."""
    assert POLICY.releases(GOOGLE, clients).keys() == released


def allowed(document: dict[str, Any], clients: tuple[ClientOrgId, ...], what: str) -> list[set[str]]:
    """What each of the Clients leaves, read from the document itself."""
    section = document["google"]
    return [set(section["clients"].get(c, {what: section[what]})[what]) for c in clients]


@given(documents(), some_clients)
def test_keeping_is_a_union_and_releasing_an_intersection(
    document: dict[str, Any], clients: tuple[ClientOrgId, ...]
) -> None:
    """And without a Client the policy itself is what counts."""
    policy, section = parse(document, KNOWN), document["google"]
    kept = set.union(*allowed(document, clients, "keep")) if clients else set(section["keep"])
    released = set.intersection(*allowed(document, clients, "release")) if clients else set(section["release"])

    assert purposes(policy.keeps(GOOGLE, clients)) == {n: p for n, p in section["keep"].items() if n in kept}
    assert purposes(policy.releases(GOOGLE, clients)) == {n: p for n, p in section["release"].items() if n in released}


@given(documents(), some_clients, st.sampled_from(CLIENTS))
def test_a_client_narrows_and_never_widens(
    document: dict[str, Any], clients: tuple[ClientOrgId, ...], one: ClientOrgId
) -> None:
    """What is released is kept, nothing goes beyond the policy, a further Client only takes from what is released."""
    policy = parse(document, KNOWN)

    assert policy.releases(GOOGLE, clients).keys() <= policy.keeps(GOOGLE, clients).keys()
    assert policy.keeps(GOOGLE, clients).keys() <= policy.keeps(GOOGLE).keys()
    assert policy.releases(GOOGLE, (*clients, one)).keys() <= policy.releases(GOOGLE, clients).keys()
    assert policy.keeps(GOOGLE, (one,)).keys() <= policy.keeps(GOOGLE, (*clients, one)).keys()


def test_a_client_that_releases_what_it_does_not_keep_releases_nothing() -> None:
    """However such a policy came about: none that was parsed says so."""
    narrowing = Narrowing(keep=frozenset(), release=frozenset({"email"}))
    section = Section(
        keep={"email": Keep(purpose="Contact")},
        release={"email": Release(purpose="Audit")},
        narrowed={ACME: narrowing},
    )

    assert AttributePolicy(sections={GOOGLE: section}).releases(GOOGLE, (ACME,)) == {}


@given(documents())
def test_the_order_of_the_clients_makes_no_difference(document: dict[str, Any]) -> None:
    """Nor does naming one twice."""
    policy = parse(document, KNOWN)

    assert policy.keeps(GOOGLE, CLIENTS) == policy.keeps(GOOGLE, CLIENTS[::-1] * 2)
    assert policy.releases(GOOGLE, CLIENTS) == policy.releases(GOOGLE, CLIENTS[::-1] * 2)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"gogle": {}}, "[gogle]: there is no registration of this name in the settings"),
        ({"": {}}, "[]: there is no registration of this name in the settings"),
        ({"google": "all"}, "[google]: must be a table with keep, release and clients"),
        ({"google": ["email"]}, "[google]: must be a table with keep, release and clients"),
        (google(kep={}), "[google]: unknown key 'kep'; there are keep, release and clients"),
        (google(keep=["email"]), '[google.keep]: must be a table of attribute = "purpose"'),
        (google(keep="*"), '[google.keep]: must be a table of attribute = "purpose"'),
        (google(release=True), '[google.release]: must be a table of attribute = "purpose"'),
        (google(keep={"email": ""}), "[google.keep] email: its purpose must be a sentence"),
        (google(keep={"email": " \n"}), "[google.keep] email: its purpose must be a sentence"),
        (google(keep={"email": True}), "[google.keep] email: its purpose must be a sentence"),
        (google(keep={"email": {"purpose": " "}}), "[google.keep] email: its purpose must be a sentence"),
        (
            google(keep={"*": "All"}),
            "[google.keep] *: this Provider has no such attribute; it has email, family_name, locale, name, picture",
        ),
        (
            google(keep={"Name": "Shown"}),
            "[google.keep] Name: this Provider has no such attribute; it has email, family_name, locale, name, picture",
        ),
        (google(keep={"sub": "Id"}), "[google.keep] sub: is a reserved claim and can never be an attribute"),
        (
            google(release={"email": "Audit"}),
            "[google.release] email: must be kept too, but [google.keep] does not name it",
        ),
        (google(clients=["acme"]), "[google.clients]: must be a table of Clients"),
        (google(clients="acme"), "[google.clients]: must be a table of Clients"),
        (google(clients={"acme": "none"}), "[google.clients.acme]: must have keep and release, and nothing else"),
        (google(clients={"acme": {"kep": []}}), "[google.clients.acme]: must have keep and release, and nothing else"),
        (google(clients={"acme": {"keep": "email"}}), "[google.clients.acme] keep: must be a list of attributes"),
        (google(clients={"acme": {"keep": [1]}}), "[google.clients.acme] keep: must be a list of attributes"),
        (google(clients={"acme": {"release": {}}}), "[google.clients.acme] release: must be a list of attributes"),
        (
            google(keep={"email": "Contact"}, clients={"acme": {"keep": ["email", "name"]}}),
            "[google.clients.acme] keep: name is not allowed by the policy above, and a Client may only narrow",
        ),
        (
            google(keep={"email": "Contact"}, clients={"acme": {"keep": ["*"]}}),
            "[google.clients.acme] keep: * is not allowed by the policy above, and a Client may only narrow",
        ),
        (
            google(keep={"email": "Contact"}, clients={"acme": {"keep": ["email"], "release": ["email"]}}),
            "[google.clients.acme] release: email is not allowed by the policy above, and a Client may only narrow",
        ),
        (
            google(keep={"email": "Contact"}, release={"email": "Audit"}, clients={"acme": {"release": ["email"]}}),
            "[google.clients.acme] release: email must be in this Client's keep too",
        ),
    ],
    ids=lambda value: ascii(value) if isinstance(value, dict) else "so",
)
def test_what_is_wrong_is_said_with_its_place(document: dict[str, Any], problem: str) -> None:
    """And is the only thing that is said."""
    assert problems_of(document) == (problem,)


def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_the_file() -> None:
    """So an operator reads it once."""
    document = {
        "nobody": {},
        "google": {
            "colour": 1,
            "animal": 2,
            "keep": {"name": "", "email": "Contact", "aud": "x"},
            "release": {"picture": "Shown", "locale": "Shown"},
            "clients": {"globex": {"keep": ["zoneinfo", "locale"]}, "acme": 3},
        },
    }

    assert [problem.partition(": ")[0] for problem in problems_of(document)] == [
        "[nobody]",
        "[google]",
        "[google]",
        "[google.keep] name",
        "[google.keep] aud",
        "[google.release] picture",
        "[google.release] locale",
        "[google.clients.globex] keep",
        "[google.clients.globex] keep",
        "[google.clients.acme]",
    ]


@pytest.mark.parametrize("attribute", ["hd", "company", "Email", ""])
def test_what_no_scope_covers_cannot_be_released(attribute: str) -> None:
    """It may be kept; a line that never has an effect would look as if it had one."""
    known = {GOOGLE: [attribute, "email"]}
    keep = {attribute: "Shown to the User", "email": "Contact"}

    assert parse(google(keep=keep), known).keeps(GOOGLE).keys() == keep.keys()
    with pytest.raises(PolicyProblems) as refused:
        parse(google(keep=keep, release={attribute: "Because", "email": "Audit"}), known)
    (problem,) = refused.value.problems
    assert problem.startswith(f"[google.release] {attribute}: can never be released")
    assert "remove it here" in problem


@pytest.mark.parametrize("attribute", sorted(ATTRIBUTE_SCOPES))
def test_what_a_scope_covers_can_be_released(attribute: str) -> None:
    """Whichever it is."""
    section = {attribute: "Because"}

    policy = parse(google(keep=section, release=section), {GOOGLE: [attribute]})
    assert policy.releases(GOOGLE).keys() == section.keys()


@pytest.mark.parametrize(
    ("known", "unknown"),
    [
        ((ACME, GLOBEX, HOOLI), []),
        ((ACME, GLOBEX, HOOLI, INITECH), []),
        ((ACME, GLOBEX), ["hooli"]),
        ((ClientOrgId("ACME"), ClientOrgId("acme "), ClientOrgId("acm")), ["acme", "globex", "hooli"]),
        ((), ["acme", "globex", "hooli"]),
    ],
)
def test_a_client_that_is_narrowed_and_unknown_is_told(known: tuple[ClientOrgId, ...], unknown: list[str]) -> None:
    """Compared to the letter: a Client whose name is misspelt in the policy is not narrowed."""
    said = POLICY.unknown_clients(known)

    assert [problem.partition(": there is")[0] for problem in said] == [
        f"policy: [google.clients.{name}]" for name in unknown
    ]


def test_a_policy_that_narrows_nobody_knows_no_unknown_clients() -> None:
    """However few Clients there are."""
    assert AttributePolicy(sections={}).unknown_clients(()) == ()
    assert parse(google(keep={"email": "Contact"}), KNOWN).unknown_clients(()) == ()


def test_a_registration_whose_provider_tells_nothing_says_so() -> None:
    """There is nothing to choose from."""
    with pytest.raises(PolicyProblems) as refused:
        parse(google(keep={"email": "Contact"}), {GOOGLE: ()})

    assert refused.value.problems == ("[google.keep] email: this Provider has no such attribute; it has none",)


@pytest.mark.parametrize("claim", sorted(RESERVED_CLAIMS))
def test_a_reserved_claim_can_never_be_an_attribute(claim: str) -> None:
    """Not even when a Provider's page names it."""
    for where in ("keep", "release"):
        with pytest.raises(PolicyProblems) as refused:
            parse(google(**{where: {claim: "Because"}}), {GOOGLE: [claim]})

        assert refused.value.problems[0].endswith("is a reserved claim and can never be an attribute")


def test_no_attribute_that_a_scope_releases_is_reserved() -> None:
    """What a token may hold, and what it must not, are two lists."""
    assert RESERVED_CLAIMS & ATTRIBUTE_SCOPES.keys() == set()


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["email", "name", "sub", "*", "", "acme"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["google", "keep", "release", "clients", "acme", "email", "name", "sub", "*", ""]), inner
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["google", "corp", "other"]), junk) | st.builds(dict, google=junk))
def test_whatever_the_file_holds_it_is_read_or_refused_with_reasons(document: dict[str, Any]) -> None:
    """No other exception comes out."""
    assert all(problem.startswith("[") for problem in problems_of(document))


@given(documents(), documents())
def test_policies_that_say_the_same_have_the_same_digest(one: dict[str, Any], other: dict[str, Any]) -> None:
    """In whatever order they say it; and those that differ in anything have not."""
    policy = parse(one, KNOWN)
    turned = {name: dict(reversed(section.items())) for name, section in one.items()}

    assert policy.digest() == parse(turned, KNOWN).digest()
    assert (policy.digest() == parse(other, KNOWN).digest()) is (policy == parse(other, KNOWN))
    assert len(policy.digest()) == 64
