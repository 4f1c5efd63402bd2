"""Policies and claims, as an operator and a Provider might write them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from broker.domain.ids import ClientOrgId, RegistrationId
from tests.domain.world import ACME, GLOBEX, GOOGLE

ATTRIBUTES = ("email", "family_name", "locale", "name", "picture")
KNOWN = {GOOGLE: ATTRIBUTES, RegistrationId("corp"): ("department", "email")}
HOOLI = ClientOrgId("hooli")
CLIENTS = (ACME, GLOBEX, HOOLI)

LOOK_ALIKES = [
    *("Email", "EMAIL", " email", "email ", "email\x00", "email\u200b", "\u0435mail", "\uff45mail", "e\u0301mail", ""),
    *("email.name", "email[]", "__class__", "*", "name\n", "n\u0430me", "sub", "authorizations", "constructor"),
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1015, max_size=1035)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["email", "value", ""]), inner),
    max_leaves=8,
)
profiles = st.dictionaries(st.sampled_from([*ATTRIBUTES, *LOOK_ALIKES]) | st.text(max_size=8), values, max_size=20)
clients = st.lists(st.sampled_from(CLIENTS), unique=True).map(tuple)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A `policy.toml` without a problem."""
    keep = draw(st.lists(st.sampled_from(ATTRIBUTES), unique=True))
    release = [name for name in keep if draw(st.booleans())]
    narrowed = {}
    for client_org in draw(clients):
        kept = [name for name in keep if draw(st.booleans())]
        narrowed[client_org] = {
            "keep": kept,
            "release": [name for name in kept if name in release and draw(st.booleans())],
        }
    section = {
        "keep": {name: f"To keep {name}" for name in keep},
        "release": {name: f"To release {name}" for name in release},
        "clients": narrowed,
    }
    return {"google": section}
