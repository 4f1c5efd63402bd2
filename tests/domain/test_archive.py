"""The archive's one form as bytes, and a file of which nobody can read anything else than what was signed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.archive import (
    ArchiveRefused,
    SignedArchive,
    canonical,
    digest,
    is_about,
    read,
    signature_claims,
)
from broker.domain.ids import UserId

ARCHIVE: dict[str, Any] = {"version": 1, "user": {"id": "usr_1", "epoch": 3}, "name": 'Zoë "Z" \\ \u20ac\n'}
SIGNED = SignedArchive(archive=ARCHIVE, signature="a.b.c")
NAMES = st.text(st.characters(codec="ascii"), max_size=8)
"""Of members: whatever is in ASCII sorts alike by code units, as RFC 8785 does, and by code points."""
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def test_the_form_is_rfc_8785s() -> None:
    """Its example of section 3.2.2, but for the fractions, which archives do not have."""
    document = {
        "numbers": [333333333, 4, 1],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\u002f",
        "literals": [None, True, False],
    }

    expected = (
        '{"literals":[null,true,false],"numbers":[333333333,4,1],"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(document) == expected.encode()


@given(DOCUMENTS)
def test_every_layout_has_one_form(document: Any) -> None:
    """Names in another order, white space, escapes: read and written again it is the same."""
    form = canonical(document)

    for other in (
        json.dumps(document),
        json.dumps(document, indent=3, ensure_ascii=False),
        json.dumps(_backwards(document), ensure_ascii=True),
    ):
        assert canonical(json.loads(other)) == form
    assert json.loads(form) == document


def _backwards(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _backwards(document[name]) for name in reversed(document)}
    return [_backwards(one) for one in document] if isinstance(document, list) else document


@given(DOCUMENTS, DOCUMENTS)
def test_two_documents_have_two_forms(one: Any, other: Any) -> None:
    """So what was signed is one of them alone."""
    assert (canonical(one) == canonical(other)) is (json.dumps(_sorted(one)) == json.dumps(_sorted(other)))


def _sorted(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _sorted(document[name]) for name in sorted(document)}
    return [_sorted(one) for one in document] if isinstance(document, list) else document


def test_what_is_signed() -> None:
    """Whose it is, when it was made, and what is in it."""
    claims = signature_claims(ARCHIVE, issuer="https://id.example", user_id=UserId("usr_1"), now=5)

    assert claims == {"iss": "https://id.example", "sub": "usr_1", "iat": 5, "archive_digest": digest(ARCHIVE)}
    assert digest(ARCHIVE) == f"sha-256:{hashlib.sha256(canonical(ARCHIVE)).hexdigest()}"
    assert is_about(claims, ARCHIVE)
    assert not is_about(claims, {**ARCHIVE, "version": 2})
    assert not is_about({**claims, "archive_digest": None}, ARCHIVE)
    assert not is_about({}, ARCHIVE)
    assert not is_about(None, ARCHIVE)


@given(st.dictionaries(NAMES.filter(lambda name: name != "version"), DOCUMENTS, max_size=4))
def test_a_file_is_read_as_it_was_written(members: dict[str, Any]) -> None:
    """Whatever is in it."""
    signed = SignedArchive(archive={**members, "version": 1}, signature="a.b.c")

    assert read(signed.to_bytes()) == signed
    assert signed.to_bytes().endswith(b"\n")


def test_a_repr_tells_nothing() -> None:
    """An archive is all that is known of somebody."""
    assert repr(SIGNED) == "SignedArchive()"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not JSON in UTF-8"),
        (b"\xff", "is not JSON in UTF-8"),
        (b"[" * 100_000, "is not JSON in UTF-8"),
        (b'{"archive": {"version": 1, "a": "\\ud800"}, "signature": "s"}', "is not JSON in UTF-8"),
        (b'{"archive": {"version": 1, "a": ' + b"9" * 5000 + b'}, "signature": "s"}', "has a number"),
        (b'{"archive": {"version": 1, "a": 1.0}, "signature": "s"}', "has a number"),
        (b'{"archive": {"version": 1, "a": NaN}, "signature": "s"}', "has a number"),
        (b'{"archive": {"version": 1, "a": 9007199254740992}, "signature": "s"}', "has a number"),
        (b'{"archive": {"version": 1, "a": -9007199254740992}, "signature": "s"}', "has a number"),
        (b'{"archive": {"version": 1, "a": 1, "a": 2}, "signature": "s"}', "has a name twice"),
        (b'{"archive": {"version": 1}, "archive": {"version": 1}, "signature": "s"}', "has a name twice"),
        (b'"archive"', "must have archive and signature"),
        (b"{}", "must have archive and signature"),
        (b'{"archive": {"version": 1}}', "must have archive and signature"),
        (b'{"archive": {"version": 1}, "signature": "s", "more": 1}', "must have archive and signature"),
        (b'{"archive": [], "signature": "s"}', "archive must be an object"),
        (b'{"archive": {"version": 1}, "signature": null}', "archive must be an object"),
        (b'{"archive": {}, "signature": "s"}', "is of another version"),
        (b'{"archive": {"version": 2}, "signature": "s"}', "is of another version"),
    ],
)
def test_a_file_that_could_be_read_in_two_ways_is_refused(content: bytes, why: str) -> None:
    """Or in none."""
    with pytest.raises(ArchiveRefused, match=why):
        read(content)
