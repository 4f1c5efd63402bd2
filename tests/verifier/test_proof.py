"""Tokens that are bound to a key: refused without their proof, and each proof good for one request (RFC 9449)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_ops_verifier import TokenRefused, Verifier
from partner_ops_verifier.jwk import proving_key
from partner_ops_verifier.proof import (
    AHEAD_SECONDS,
    BEHIND_SECONDS,
    LONGEST_PROOF,
    Proven,
    SeenProofs,
    proven,
)
from partner_ops_verifier.testing import AUDIENCE, SessionTokens, TestKey
from tests.flows.proofs import Holder
from tests.verifier.hands import NOW, Hands

URL = f"{AUDIENCE}/reports"
KEY, OTHER = TestKey(), TestKey("EdDSA")
# RFC 9449 section 7.1.
TOKEN_OF_RFC = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
PROOF_OF_RFC = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo"
    "RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJq"
    "dGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNv"
    "dXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRq"
    "zhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)


@pytest.fixture
def tokens() -> SessionTokens:
    return SessionTokens(now=NOW)


def code_of(verifier: Verifier, token: str, proof: str | None, method: str = "GET", url: str = URL) -> str:
    with pytest.raises(TokenRefused) as refused:
        verifier.verify(token, proof=proof, method=method, url=url)
    return refused.value.code


def test_the_proof_of_the_rfc_is_good() -> None:
    """RFC 9449 section 7.1; the thumbprint of its key is in section 6.1."""
    url = "https://resource.example.org/protectedresource"
    shown = proven(PROOF_OF_RFC, TOKEN_OF_RFC, "GET", url, 1562262618)

    assert shown == Proven("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "e1j3V_bKic8-LAEB")
    with pytest.raises(TokenRefused):
        proven(PROOF_OF_RFC, TOKEN_OF_RFC + "x", "GET", url, 1562262618)


@pytest.mark.anyio
async def test_a_bound_token_is_good_with_its_proof(tokens: SessionTokens) -> None:
    """Plain and for asyncio, remembered or not; for the same request each time with a new proof."""
    token = tokens.mint("usr_ada", bound_to=KEY)
    plain, asynchronous = tokens.verifier(), tokens.async_verifier()
    for _ in range(2):
        first, second = (tokens.proof(KEY, token, "/reports") for _ in range(2))
        for session in (
            plain.verify(token, proof=first, method="GET", url=URL),
            await asynchronous.verify(token, proof=second, method="GET", url=URL),
        ):
            assert (session.user, session.key) == ("usr_ada", KEY.thumbprint)
        with pytest.raises(TokenRefused):
            await asynchronous.verify(token)


@pytest.mark.parametrize("remembered", [4096, 0])
def test_it_is_refused_as_it_is_not_bound(tokens: SessionTokens, remembered: int) -> None:
    """As a bearer token, or by another key; and so is a bearer token that comes with a proof."""
    verifier = tokens.verifier(remembered=remembered)
    token, free = tokens.mint(bound_to=KEY), tokens.mint()
    verifier.verify(token, proof=tokens.proof(KEY, token, URL), method="GET", url=URL)

    assert code_of(verifier, token, None) == "proof_missing"
    assert code_of(verifier, token, tokens.proof(OTHER, token, URL)) == "wrong_key"
    assert code_of(verifier, free, tokens.proof(KEY, free, URL)) == "not_bound"
    assert verifier.verify(free).key is None


@pytest.mark.parametrize(
    "claims",
    [
        *({"jti": jti} for jti in (None, "", 7, ["x"], "x" * 256)),
        *({"htm": htm} for htm in (None, "", "get", "POST", ["GET"])),
        *({"htu": htu} for htu in (None, "", 7, "/reports", f"{URL}/", f"{AUDIENCE}:8443/reports", AUDIENCE, [URL])),
        *({"htu": htu} for htu in ("https://evil.example/reports", URL.replace("https", "http"), f" {URL}")),
        *({"iat": iat} for iat in (None, "", str(NOW), float(NOW), True, NOW - BEHIND_SECONDS - 1)),
        {"iat": NOW + AHEAD_SECONDS + 1},
        *({"ath": ath} for ath in (None, "", 7, "x", TOKEN_OF_RFC)),
    ],
)
def test_a_proof_of_anything_else_is_refused(tokens: SessionTokens, claims: dict[str, Any]) -> None:
    """RFC 9449 section 4.3: absent, empty, wrong."""
    token = tokens.mint(bound_to=KEY)
    assert code_of(tokens.verifier(), token, tokens.proof(KEY, token, URL, **claims)) == "proof_refused"


@pytest.mark.parametrize("iat", [NOW - BEHIND_SECONDS, NOW + AHEAD_SECONDS])
@pytest.mark.parametrize("htu", [f"{URL}?x#y", URL.replace("https://api", "HTTPS://API"), f"{AUDIENCE}:443/%72eports"])
def test_clocks_and_spellings_may_differ(tokens: SessionTokens, iat: int, htu: str) -> None:
    """A little; RFC 3986 section 6.2.2."""
    token = tokens.mint(bound_to=KEY)
    proof = tokens.proof(KEY, token, URL, iat=iat, htu=htu)
    assert tokens.verifier().verify(token, proof=proof, method="GET", url=URL).key == KEY.thumbprint


_RSA = rsa.generate_private_key(65537, 2048)
HOLDERS = [
    Holder(),
    Holder(ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    Holder(_RSA, "RS256"),
    Holder(_RSA, "PS256"),
]


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: holder.alg)
def test_it_takes_what_the_issuer_takes(holder: Holder) -> None:
    """Each algorithm, and the same thumbprint of the key; signed by another key it is none. The unknown is ignored."""
    text = holder.proof("GET", URL, token="a.b.c", header={"extra": [7]})
    assert proven(text, "a.b.c", "GET", URL, NOW + 100_000_000).thumbprint == holder.thumbprint
    other = next(other for other in HOLDERS if other.jwk["kty"] != holder.jwk["kty"])
    for_another: dict[str, Any] = {"jwk": other.jwk, "crit": ["exp"], "b64": False, "jku": "x", "x5c": []}
    signed = [holder.proof("GET", URL, token="a.b.c", header={name: value}) for name, value in for_another.items()]
    for bent in (*signed, text[:-4] + "AAAA", text + "A"):
        with pytest.raises(TokenRefused):
            proven(bent, "a.b.c", "GET", URL, NOW + 100_000_000)


@pytest.mark.parametrize(
    "change",
    [
        *({"kty": kty} for kty in (None, "oct", ["EC"], "RSA", "OKP")),
        *({"x": x} for x in (None, 7, "", "A" * 43)),
        *({name: "AAAA"} for name in ("d", "k", "p", "oth")),
        {"crv": "P-384"},
        {"alg": "EdDSA"},
        {"use": "enc"},
    ],
)
def test_no_other_key_is_taken(change: dict[str, Any]) -> None:
    """Private, weak, of another curve, for something else."""
    with pytest.raises(ValueError, match=r"."):
        proving_key(Holder().jwk | change, "ES256")
    for jwk, alg in ((None, "ES256"), ({}, "ES256"), (Holder().jwk, None), (Holder().jwk, "none"), ([], "ES256")):
        with pytest.raises(ValueError, match=r"."):
            proving_key(jwk, alg)


def test_an_rsa_key_is_neither_weak_nor_dear() -> None:
    """2048 to 4096 bits, and the usual exponent, in one spelling."""
    good = Holder(_RSA, "PS256").jwk
    number = base64.urlsafe_b64decode(good["n"] + "==")
    spelt = {"zeros": b"\0\0\0" + number, "short": number[:128], "long": number * 3}
    for bent in spelt.values():
        with pytest.raises(ValueError, match=r"."):
            proving_key(good | {"n": base64.urlsafe_b64encode(bent).rstrip(b"=").decode()}, "PS256")
    with pytest.raises(ValueError, match=r"."):
        proving_key(good | {"e": "AQ"}, "PS256")


def test_a_proof_comes_once(tokens: SessionTokens) -> None:
    """For as long as it is good, whatever came between; the same name by another key is another proof."""
    hands = Hands()
    verifier = tokens.verifier(clocks=hands.clocks)
    token = tokens.mint(bound_to=KEY)
    proof = tokens.proof(KEY, token, URL, iat=NOW + AHEAD_SECONDS)
    verifier.verify(token, proof=proof, method="GET", url=URL)
    for _ in range(AHEAD_SECONDS + BEHIND_SECONDS):
        hands.advance(1)
        assert code_of(verifier, token, proof) == "proof_refused"
        again = tokens.proof(KEY, token, URL, iat=hands.now)
        verifier.verify(token, proof=again, method="GET", url=URL)


def test_what_is_remembered_is_bounded() -> None:
    """The oldest goes first; after its time everything has gone."""
    seen = SeenProofs(4)
    for number in range(50):
        seen.take(Proven("key", str(number)), 1000.0)
        assert len(seen._young) + len(seen._old) <= 4
    with pytest.raises(TokenRefused):
        seen.take(Proven("key", "49"), 1000.0)
    seen.take(Proven("another key", "49"), 1000.0)
    seen.take(Proven("key", "49"), 2000.0)
    assert len(seen._young) + len(seen._old) == 1


def test_authorizations_elsewhere_are_for_the_keys_holder(tokens: SessionTokens) -> None:
    """The issuer would refuse the service; it is not asked."""
    token = tokens.mint_by_reference("usr_ada", {"acme": ["x"]}, cnf={"jkt": KEY.thumbprint})
    assert code_of(tokens.verifier(), token, tokens.proof(KEY, token, URL)) == "reference_bound"
    assert not [url for url in tokens.http.requests if "authorizations" in url]


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "https://api.partner-ops.test:443/x"),
        ({"base_url": "https://svc.example/reports/"}, "https://svc.example/reports/x"),
        ({"audience": "a name"}, "/x"),
    ],
)
def test_the_service_knows_its_own_address(tokens: SessionTokens, options: dict[str, Any], url: str) -> None:
    """From its audience, or as it is told; a request's Host is not asked. Without one no proof is of this place."""
    assert tokens.verifier(**options).url_of("/x") == tokens.async_verifier(**options).url_of("/x") == url


_HEADERS = st.dictionaries(st.sampled_from(["typ", "alg", "jwk", "kid", "crit"]), st.none() | st.text() | st.integers())


@settings(max_examples=60)
@given(_HEADERS, st.binary(max_size=40), st.text(max_size=30))
def test_nothing_else_is_a_proof(header: dict[str, Any], payload: bytes, text: str) -> None:
    """Whatever is sent, it is refused, and nothing else happens."""
    first, second = (base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in (json.dumps(header).encode(), payload))
    for sent in (text, f"{first}.{second}.AAAA", f"{first}.{second}.", "", "..", "x" * (LONGEST_PROOF + 1)):
        with pytest.raises(TokenRefused) as refused:
            proven(sent, "a.b.c", "GET", URL, NOW)
        assert refused.value.code == "proof_refused"
