"""A token never reaches 4 KiB: proven with the real signer, the longest names there are, and 10,000 Clients."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from hypothesis import given
from hypothesis import strategies as st

from broker.crypto.jwk import public_jwk, public_members, thumbprint
from broker.crypto.randomness import new_id
from broker.crypto.signing import JwtSigner
from broker.crypto.signing_keys import ALGORITHMS, LoadedKey, generate, load
from broker.domain.grant import Grant
from broker.domain.ids import ApplicationId, ClientOrgId, DataKeyId, GrantId, SessionId, UserId
from broker.domain.scope import ATTRIBUTE_SCOPES, SUPPORTED
from broker.domain.session_token import MAX_CLAIMS, canonical, id_token_claims, session_claims
from broker.domain.signing_key import SigningKey
from tests.domain.world import GRANT, NOW

LIMIT = 4096
RSA_4096 = "RS256 with 4096 bits"
ISSUER = f"https://{'i' * 239}.example"
AUDIENCE = f"https://{'a' * 239}.example"
LONGEST = replace(
    GRANT,
    id=GrantId(new_id("gnt", bytes)),
    user_id=UserId(new_id("usr", bytes)),
    session_id=SessionId(new_id("ses", bytes)),
    application_id=ApplicationId("p" * 64),
    organization=ClientOrgId("o" * 64),
    scopes=SUPPORTED,
    nonce='"' * 512,
)
ACTORS = {"sub": "a" * 64, "act": {"sub": "b" * 64, "act": {"sub": "c" * 64}}}
JTI = f"{LONGEST.id}.{new_id('tok', bytes)}"


@cache
def signer(alg: str) -> JwtSigner:
    """Made once: which key it is makes no difference."""
    return JwtSigner(ISSUER, [rsa_4096() if alg == RSA_4096 else generated(alg)])


def generated(alg: str) -> LoadedKey:
    """A key of the broker's own making."""
    key = generate(alg)
    record = SigningKey(
        kid=key.kid,
        alg=key.alg,
        active=True,
        public_jwk=key.public_jwk,
        sealed_private=b"",
        data_key_id=DataKeyId("dek_system"),
        created_at=NOW,
    )
    return load(record, key.private_der)


def rsa_4096() -> LoadedKey:
    """A key as an operator might bring along, with the longest signature."""
    private = generate_private_key(65537, 4096)
    members = public_members(private.public_key())
    kid = thumbprint(members)
    return LoadedKey(
        kid=kid,
        alg="RS256",
        active=True,
        public_jwk=public_jwk(kid, "RS256", members),
        public=private.public_key(),
        private=private,
    )


def held(count: int, name: int = 64, rights: int = 1, right: int = 100) -> dict[ClientOrgId, tuple[str, ...]]:
    """The Authorizations of so many Clients, whose names and rights are that long."""
    return {
        ClientOrgId(f"{number:05}".ljust(name, "c")[-max(name, 5) :]): tuple(
            f"{of}".ljust(right, "r") for of in range(rights)
        )
        for number in range(count)
    }


def claims_of(
    grant: Grant, authorizations: Mapping[ClientOrgId, tuple[str, ...]], attributes: Mapping[str, str]
) -> dict[str, Any]:
    return session_claims(
        grant=grant,
        issuer=ISSUER,
        audience=AUDIENCE,
        jti=JTI,
        authorizations=authorizations,
        attributes=attributes,
        epoch=10**9,
        now=NOW,
        act=ACTORS,
    )


def test_the_names_here_are_the_longest_that_are_accepted() -> None:
    """255 characters for issuer and audience, 64 for names, 100 for rights; a nonce that JSON doubles."""
    assert (len(ISSUER), len(AUDIENCE)) == (255, 255)
    assert {len(client_org) for client_org in held(3)} == {64}
    assert {len(right) for rights in held(3).values() for right in rights} == {100}
    assert len(held(10_000)) == 10_000


memberships = st.builds(
    held,
    st.integers(0, 40) | st.sampled_from([100, 1000, 10_000]),
    name=st.integers(5, 64),
    rights=st.integers(0, 4),
    right=st.integers(1, 100),
)
attributes = st.dictionaries(
    st.sampled_from(sorted(ATTRIBUTE_SCOPES)),
    st.text(max_size=40) | st.text('世😀é"\\a', max_size=1024) | st.just("世" * 1024),
)
grants = st.builds(
    replace,
    st.just(LONGEST),
    organization=st.none() | st.text("o", min_size=1, max_size=64).map(ClientOrgId),
    nonce=st.none() | st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=512),
)


@pytest.mark.parametrize("alg", ALGORITHMS)
@given(grants, memberships, attributes)
def test_no_token_ever_reaches_4_kib(
    alg: str, grant: Grant, authorizations: dict[ClientOrgId, tuple[str, ...]], released: dict[str, str]
) -> None:
    """And what is in it is whole: the Authorizations themselves, or a reference that counts and proves them."""
    claims = claims_of(grant, authorizations, released)
    session_jwt = signer(alg).sign(claims, typ="at+jwt")
    id_token = signer(alg).sign(
        id_token_claims(
            grant=grant, issuer=ISSUER, access_token=session_jwt, attributes=released, nonce=grant.nonce, now=NOW
        ),
        typ="JWT",
    )

    assert len(session_jwt) < LIMIT
    assert len(id_token) < LIMIT
    read = signer(alg).verify(session_jwt, typ="at+jwt", audience=AUDIENCE, now=NOW)
    assert read is not None
    if "authorizations" in read:
        assert read["authorizations"] == {client_org: list(rights) for client_org, rights in authorizations.items()}
        assert "authorizations_ref" not in read
    else:
        assert read["authorizations_ref"]["count"] == len(authorizations)
        digest = hashlib.sha256(canonical(authorizations)).hexdigest()
        assert read["authorizations_ref"]["digest"] == f"sha-256:{digest}"


def size(claims: Mapping[str, Any]) -> int:
    return len(json.dumps(claims, separators=(",", ":")))


@pytest.mark.parametrize("alg", [*ALGORITHMS, RSA_4096])
def test_the_longest_session_jwt_stays_below_4_kib(alg: str) -> None:
    """As many Clients as fit to the last byte, beside the longest names and every attribute that fits."""
    told = dict.fromkeys(ATTRIBUTE_SCOPES, "世" * 8)
    all_of_them = (claims_of(LONGEST, held(n, right=right), told) for n in range(12) for right in range(1, 101))
    longest = max(all_of_them, key=size)

    assert MAX_CLAIMS - 10 < size(longest) <= MAX_CLAIMS
    assert len(signer(alg).sign(longest, typ="at+jwt")) < LIMIT


@pytest.mark.parametrize("alg", [*ALGORITHMS, RSA_4096])
@pytest.mark.parametrize("nonce", [None, "n" * 512, '"' * 512], ids=["none", "the longest", "the longest, doubled"])
def test_the_longest_id_token_stays_below_4_kib(alg: str, nonce: str | None) -> None:
    """So it is never too long to be sent back as an `id_token_hint`."""
    grant = replace(LONGEST, nonce=nonce)
    session_jwt = signer(alg).sign(claims_of(grant, {}, {}), typ="at+jwt")
    all_of_them = (
        id_token_claims(
            grant=grant,
            issuer=ISSUER,
            access_token=session_jwt,
            attributes=dict.fromkeys(ATTRIBUTE_SCOPES, "a" * length),
            nonce=nonce,
            now=NOW,
        )
        for length in range(1, 1025)
    )
    longest = max(all_of_them, key=size)

    assert MAX_CLAIMS - 10 < size(longest) <= MAX_CLAIMS
    assert len(signer(alg).sign(longest, typ="JWT")) < LIMIT


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_ten_ordinary_clients_need_no_reference(alg: str) -> None:
    """The bound is for the few who act for very many."""
    ordinary = held(10, name=12, rights=3, right=14)
    claims = claims_of(LONGEST, ordinary, {"email": "ada@acme.example", "name": "Ada"})

    assert claims["authorizations"] == {client_org: list(rights) for client_org, rights in ordinary.items()}
