"""Which policy was in force: equal ones have the same name, whatever is different makes another."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from broker.domain.ids import ClientOrgId, RegistrationId
from broker.domain.ledger_rules import LedgerRules
from broker.domain.legal_document import Documents, DocumentSection, LegalDocument
from broker.domain.policy import AttributePolicy, Context, Keep, Narrowing, Release, Section, Update
from broker.domain.policy_hash import content_hash

names = st.sampled_from(["email", "name", "locale"])
purposes = st.text(min_size=1, max_size=3)
sections = st.builds(
    Section,
    keep=st.dictionaries(names, st.builds(Keep, purpose=purposes, update=st.sampled_from(Update))),
    release=st.dictionaries(
        names, st.builds(Release, purpose=purposes, contexts=st.frozensets(st.sampled_from(Context)))
    ),
    narrowed=st.dictionaries(
        st.sampled_from([ClientOrgId("acme"), ClientOrgId("globex")]),
        st.builds(Narrowing, keep=st.frozensets(names), release=st.frozensets(names)),
    ),
)
policies = st.builds(
    AttributePolicy,
    sections=st.dictionaries(st.sampled_from([RegistrationId("google"), RegistrationId("corp")]), sections),
    ledger=st.builds(LedgerRules, address=st.sampled_from(["none", "shortened"])),
)


@given(policies, policies)
def test_equal_policies_have_equal_hashes_and_others_do_not(one: AttributePolicy, other: AttributePolicy) -> None:
    """Whatever is in it."""
    assert (content_hash(one) == content_hash(other)) is (one == other)


def test_the_order_of_the_file_does_not_count() -> None:
    """Nor does how it was written."""
    one = Section(keep={"email": Keep(purpose="a"), "name": Keep(purpose="b")}, release={}, narrowed={})
    other = Section(keep={"name": Keep(purpose="b"), "email": Keep(purpose="a")}, release={}, narrowed={})
    google = RegistrationId("google")

    assert content_hash(AttributePolicy(sections={google: one})) == content_hash(
        AttributePolicy(sections={google: other})
    )
    assert content_hash(AttributePolicy(sections={})) != content_hash(
        replace(AttributePolicy(sections={}), ledger=LedgerRules(address="shortened"))
    )


def test_another_version_of_a_document_is_another_policy() -> None:
    """Whatever its words are."""
    words = DocumentSection(title="What we keep", paragraphs=("Little.",))
    first, second = (
        AttributePolicy(
            sections={},
            documents=Documents(asked=True, privacy=LegalDocument(version=version, revised=1, sections=(words,))),
        )
        for version in ("a", "b")
    )

    assert content_hash(first) != content_hash(second)
    assert content_hash(first) == content_hash(replace(second, documents=first.documents))
