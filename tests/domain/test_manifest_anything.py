"""Manifests out of whatever TOML can hold: refused with reasons, or read to the letter."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.domain.application import redirect_problem
from broker.domain.manifest import Manifest, ManifestProblems, parse
from broker.domain.signing_key import ALGORITHMS

KEYS = [
    *(
        "clients",
        "applications",
        "acme",
        "demo-app",
        "a b",
        "",
        "-",
        "name",
        "rights",
        "authorizations",
        "user",
        "type",
    ),
    *("secret", "secrets", "grants", "redirect_uris", "post_logout_redirect_uris", "audience", "first_party", "colour"),
]
WORDS = [
    *("acme", "public", "confidential", "r", "ada@acme.example", "https://app.example/cb", "javascript:x", "", "a b"),
    *(
        "secret-canary",
        "authorization_code",
        "refresh_token",
        "\n",
        "\u202e",
        "x" * 300,
        "https://[",
        "https://a:99999",
    ),
]
scalars = (
    st.sampled_from(WORDS)
    | st.text(max_size=10)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.dates()
    | st.times()
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=30,
)
documents = st.dictionaries(
    st.sampled_from(["clients", "applications"]),
    st.dictionaries(st.sampled_from(["acme", "demo-app", "a b"]), st.dictionaries(st.sampled_from(KEYS[7:]), anything)),
)


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), anything) | documents)
def test_whatever_the_file_holds_it_is_read_or_refused_with_reasons(document: dict[str, Any]) -> None:
    """No other exception comes out, no reason is empty, no secret is told."""
    try:
        parse(document)
    except ManifestProblems as refused:
        assert refused.problems
        assert all(": " in problem for problem in refused.problems)


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
lines = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x24F), min_size=1, max_size=40).filter(str.isprintable)
rights = st.lists(st.from_regex(r"[!#-\[\]-~]{1,100}", fullmatch=True), unique=True, max_size=5)
users = st.from_regex(r"[a-z0-9.+]{1,20}@[a-z]{1,10}\.example", fullmatch=True)
uris = st.from_regex(r"https://[a-z]{1,10}\.example/[a-z0-9/]{0,20}", fullmatch=True)
loopback = st.integers(1, 65535).map("http://localhost:{}/cb".format)
targets = st.lists(uris | loopback, min_size=1, max_size=3)
secrets = st.lists(st.text(min_size=8, max_size=50), min_size=1, max_size=2)


@st.composite
def clients(draw: st.DrawFn) -> dict[str, Any]:
    can_give = draw(rights)
    given_rights = st.lists(st.sampled_from(can_give), unique=True) if can_give else st.just([])
    invitations = [
        {"user": user, "rights": draw(given_rights)} for user in draw(st.lists(users, unique=True, max_size=3))
    ]
    return {"name": draw(lines), "rights": can_give, "authorizations": invitations}


@st.composite
def applications(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["public", "confidential"]))
    allowed = ["authorization_code", "refresh_token", *(["client_credentials"] if kind == "confidential" else [])]
    return {
        "name": draw(lines),
        "type": kind,
        "secrets": draw(secrets) if kind == "confidential" else [],
        "grants": draw(st.lists(st.sampled_from(allowed), unique=True, min_size=1)),
        "redirect_uris": draw(targets),
        "post_logout_redirect_uris": draw(targets),
        "audience": draw(uris),
        "first_party": draw(st.booleans()),
        "requires_authorization": draw(st.booleans()),
        **draw(st.sampled_from([{}, *({"signing_algorithm": alg} for alg in ALGORITHMS)])),
    }


def written(manifest: Manifest) -> dict[str, Any]:
    """The document that says this."""
    return {
        "clients": {
            c.id: {
                "name": c.name,
                "rights": sorted(c.rights),
                "authorizations": [
                    {"user": a.email, "rights": sorted(a.rights)}
                    for a in manifest.authorizations
                    if a.client_org == c.id
                ],
            }
            for c in manifest.clients
        },
        "applications": {
            a.id: {
                "name": a.name,
                "type": a.type.value,
                "secrets": list(a.secrets),
                "grants": sorted(a.grants),
                "redirect_uris": list(a.redirect_uris),
                "post_logout_redirect_uris": list(a.post_logout_redirect_uris),
                "audience": a.audience,
                "first_party": a.first_party,
                "requires_authorization": a.requires_authorization,
                **({} if a.signing_algorithm is None else {"signing_algorithm": a.signing_algorithm}),
            }
            for a in manifest.applications
        },
    }


def in_order(document: dict[str, Any]) -> dict[str, Any]:
    """The same, with sets as sorted lists."""
    for body in document["clients"].values():
        body["rights"] = sorted(body["rights"])
        for entry in body["authorizations"]:
            entry["rights"] = sorted(entry["rights"])
    for body in document["applications"].values():
        body["grants"] = sorted(body["grants"])
    return document


@given(
    st.fixed_dictionaries(
        {
            "clients": st.dictionaries(names, clients(), max_size=3),
            "applications": st.dictionaries(names, applications(), max_size=3),
        }
    )
)
def test_a_right_document_is_read_to_the_letter(document: dict[str, Any]) -> None:
    """Written down again it says the same, and nothing beyond what was declared is there."""
    manifest = parse(document)

    assert written(manifest) == in_order(document)
    assert parse(written(manifest)) == manifest
    assert all(redirect_problem(uri) is None for a in manifest.applications for uri in a.redirect_uris)
