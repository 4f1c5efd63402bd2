"""The parts of the documentation that are made from the product; `python -m tests.docs.generated` writes them anew.

Each stands on its page between two comments. Refuses to touch anything beside them.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

from broker.domain.grant import Grant
from broker.domain.ids import ApplicationId, ClientOrgId, GrantId, KeyedHash, SessionId, UserId
from broker.domain.policy import RESERVED_CLAIMS
from broker.domain.scope import ATTRIBUTE_SCOPES
from broker.domain.session_token import id_token_claims, session_claims
from broker.storage.records import LEFT_OUT
from providers import PROVIDERS
from providers.spec import Provider
from tests.conformance.plans import PLANS, Covered, NotHere, Plan
from tests.docs.reading import REFERENCE

_MARKED = re.compile(r"(<!-- generated: ([\w -]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_LIST = re.compile(r"\[\n\s+(.*?)\n\s+\]", re.DOTALL)
_INDENT = re.compile(r"\n\s+")
_NOW = 1_795_370_400
_ISSUER = "https://id.partner-ops.example"
_GRANT = Grant(
    id=GrantId("gnt_uyfh6vcsywdevux7lmedqcn6ym"),
    code=KeyedHash(""),
    application_id=ApplicationId("demo-app"),
    user_id=UserId("usr_3youfc7ltobd3kezyvzshjnuii"),
    session_id=SessionId("ses_cxisygptbygcthndw5y4itvm6e"),
    redirect_uri="http://localhost:8002/callback",
    scopes=("openid", "email", "profile"),
    organization=None,
    nonce="qUZEkEGAVpNEwQEp",
    code_challenge="",
    auth_time=_NOW - 3,
    created_at=_NOW,
    kept_until=_NOW + 43_260,
)
_RELEASED = {"email": "ada@acme.example"}


def with_parts(page: str) -> str:
    """The page with every marked part made anew. Raises `KeyError` for a part that nobody makes."""
    return _MARKED.sub(lambda match: f"{match[1]}\n{parts()[match[2]]()}\n\n{match[3]}", page)


def parts() -> Mapping[str, Callable[[], str]]:
    """Name of a part -> what makes it."""
    made: dict[str, Callable[[], str]] = {
        "attributes": lambda: "\n\n".join(_attributes(provider) for provider in PROVIDERS.values()),
        "reserved": lambda: textwrap.fill(", ".join(f"`{name}`" for name in sorted(RESERVED_CLAIMS)) + ".", 150),
        "example session-jwt": _session_jwt,
        "example id-token": _id_token,
        "archive left-out": _left_out,
        "conformance": lambda: "\n\n".join(_plan(plan) for plan in PLANS),
    }
    for provider in PROVIDERS.values():
        made[f"provider {provider.name}"] = lambda provider=provider: _facts(provider)  # type: ignore[misc]
    return made


def _plan(plan: Plan) -> str:
    lines = [f"## {plan.name}", "", f"`{plan.suite}`: {plan.covered} of {len(plan.modules)} covered. {plan.told}", ""]
    lines += ["| module | here |", "|---|---|"]
    for module, stands in plan.modules.items():
        said = f"does not apply. {stands.why}" if isinstance(stands, NotHere) else "covered"
        if isinstance(stands, Covered) and stands.note:
            said += f". {stands.note}"
        lines.append(f"| `{module}` | {said} |")
    return "\n".join(lines)


def _left_out() -> str:
    lines = ["| table | column | why |", "|---|---|---|"]
    for name, reason in sorted(LEFT_OUT.items()):
        table, _, column = name.partition(".")
        lines.append(f"| `{table}` | {f'`{column}`' if column else ''} | {reason} |")
    return "\n".join(lines)


def _attributes(provider: Provider) -> str:
    lines = [
        f"## {provider.name}",
        "",
        "| attribute | claim | where | scope | released with |",
        "|---|---|---|---|---|",
    ]
    for name, attribute in provider.attributes.items():
        scope = "-" if attribute.scope is None else f"`{attribute.scope}`"
        released = f"`{ATTRIBUTE_SCOPES[name]}`" if name in ATTRIBUTE_SCOPES else "-"
        claim = ".".join(attribute.path)
        lines.append(f"| `{name}` | `{claim}` | `{attribute.where}` | {scope} | {released} |")
    return "\n".join(lines)


def _facts(provider: Provider) -> str:
    issuer = provider.issuer or "named by the registration"
    page = None if provider.issuer is None else provider.revocation.permissions_page(provider.issuer, "CLIENT_ID")
    life = provider.refresh.idle or provider.refresh.life
    refresh = str(provider.refresh.model) + (f", ends unused after {life // 86400} days" if life else "")
    facts = {
        "protocol": f"`{provider.dialect}`",
        "issuer": issuer,
        "needed scopes": _listed(provider.base_scopes),
        "attributes": _listed(provider.attributes),
        "e-mail rule": f"`{provider.email_trust.kind}`",
        "ID token algorithms": _listed(sorted(provider.id_token_algorithms)),
        "proves itself by": f"`{provider.authentication}`",
        "refresh tokens": refresh,
        "revocation": f"`{provider.revocation.strategy}`",
        "reaches": f"`{provider.revocation.radius}`",
        "people are told": provider.revocation.reach,
        "people see it at": page or "-",
    }
    return "\n".join(["| fact | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items())])


def _listed(names: object) -> str:
    listed = [f"`{name}`" for name in names] if isinstance(names, tuple | list | Mapping) else []
    return ", ".join(listed) or "none"


def _session_jwt() -> str:
    claims = session_claims(
        grant=_GRANT,
        issuer=_ISSUER,
        audience="https://api.partner-ops.example",
        jti=f"{_GRANT.id}.tok_tyzv3ugqq6m2sthundugusgq24",
        authorizations={
            ClientOrgId("acme"): ("invoices:read", "reports:read"),
            ClientOrgId("globex"): ("reports:read",),
        },
        attributes=_RELEASED,
        epoch=3,
        now=_NOW,
    )
    return _json(claims)


def _id_token() -> str:
    header = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9"  # {"alg":"ES256","typ":"at+jwt"}
    claims = id_token_claims(
        grant=_GRANT,
        issuer=_ISSUER,
        access_token=f"{header}.e30.AA",
        attributes=_RELEASED,
        nonce=_GRANT.nonce,
        now=_NOW,
    )
    return _json(claims)


def _json(document: object) -> str:
    text = json.dumps(document, indent=2)
    text = re.sub(
        r"\[\n\s+(.*?)\n\s+\]", lambda match: "[" + re.sub(r"\n\s+", " ", match[1]) + "]", text, flags=re.DOTALL
    )
    return f"```json\n{text}\n```"


def _write(page: Path) -> None:
    page.write_text(with_parts(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    for path in sorted(REFERENCE.glob("*.md")):
        _write(path)
