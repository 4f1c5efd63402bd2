"""Owns what an operator declares with `broker apply`: Clients, Applications and the Authorizations of Users.

Refuses the whole document on any problem, and names every problem at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.domain.application import ApplicationType, GrantType, backchannel_logout_problem, redirect_problem
from broker.domain.client_org import ClientOrg
from broker.domain.identity import normalise_email
from broker.domain.ids import ApplicationId, ClientOrgId
from broker.domain.own_token import SCOPES, USER_PREFIX
from broker.domain.public_key import keys_of
from broker.domain.signing_key import ALGORITHMS

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RIGHT = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")  # RFC 6749 appendix A.4: scope-token
_AUDIENCE = "an https URL (or http to a loopback host)"
_LONGEST_AUDIENCE = 255
_PUSHED = "require_pushed_authorization_requests"  # RFC 9126 section 6
_MIN_SECRET = 8
"""Characters; 43 random ones are what the documentation tells to make. Shorter ones could be guessed on line."""


class ManifestProblems(Exception):
    """Everything that is wrong with a document, in its order."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True, slots=True)
class Invited:
    """The rights that a Client gives the person with this (normalised) e-mail address."""

    client_org: ClientOrgId
    email: str = field(repr=False)
    rights: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """An Application as declared; `secrets` in clear, still to be hashed."""

    id: ApplicationId
    name: str
    type: ApplicationType
    secrets: tuple[str, ...] = field(repr=False)
    grants: frozenset[GrantType]
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    audience: str
    first_party: bool
    requires_authorization: bool
    signing_algorithm: str | None
    scopes: frozenset[str]
    public_keys: tuple[str, ...]
    exchange_audiences: frozenset[str]
    gateway: bool
    requires_pushed_requests: bool
    backchannel_logout_uri: str | None
    dpop: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """The whole truth about Clients, Applications and Authorizations: what is not in it is to be removed."""

    clients: tuple[ClientOrg, ...]
    authorizations: tuple[Invited, ...]
    applications: tuple[Declared, ...]


def parse(document: Mapping[str, Any]) -> Manifest:
    """Read a parsed `clients.toml`, secrets already looked up. Raises `ManifestProblems`."""
    problems: list[str] = []
    for key in document:
        if key not in ("clients", "applications"):
            problems.append(f"{key}: unknown; there are [clients] and [applications]")
    clients: list[ClientOrg] = []
    authorizations: list[Invited] = []
    for name, body in _tables("clients", document, problems):
        table = _Table(f"[clients.{name}]", body, {"name", "rights", "authorizations"}, problems)
        rights = table.names("rights", _RIGHT, default=[])
        clients.append(ClientOrg(id=ClientOrgId(name), name=table.text("name"), rights=frozenset(rights)))
        authorizations += _authorizations(ClientOrgId(name), frozenset(rights), table, problems)
    applications = [_application(name, body, problems) for name, body in _tables("applications", document, problems)]
    if problems:
        raise ManifestProblems(tuple(problems))
    return Manifest(clients=tuple(clients), authorizations=tuple(authorizations), applications=tuple(applications))


def _authorizations(
    client_org: ClientOrgId, given: frozenset[str], table: _Table, problems: list[str]
) -> Iterable[Invited]:
    seen: set[str] = set()
    entries = table.body.get("authorizations", [])
    if not isinstance(entries, list):
        problems.append(
            f"{table.where} authorizations: must be a list of tables, [[clients.{client_org}.authorizations]]"
        )
        return
    for number, body in enumerate(entries, start=1):
        entry = _Table(f"[[clients.{client_org}.authorizations]] {number}", body, {"user", "rights"}, problems)
        user = entry.text("user")
        email = normalise_email(user)
        rights = frozenset(entry.names("rights", _RIGHT, default=[]))
        for right in sorted(rights - given):
            problems.append(f"{entry.where} rights: {right!r} is not among the rights that {client_org} can give")
        if email is None and user:
            problems.append(f"{entry.where} user: must be an e-mail address")
        elif email in seen:
            problems.append(f"{entry.where} user: this address has an Authorization above already")
        elif email is not None:
            seen.add(email)
            yield Invited(client_org=client_org, email=email, rights=rights)


def _application(name: str, body: Any, problems: list[str]) -> Declared:
    keys = {"name", "type", "secret", "secrets", "grants", "redirect_uris", "post_logout_redirect_uris"}
    keys |= {"audience", "first_party", "requires_authorization", "signing_algorithm", "scopes", "jwks", "dpop"}
    keys |= {"exchange_audiences", "gateway", _PUSHED, "backchannel_logout_uri"}
    table = _Table(f"[applications.{name}]", body, keys, problems)
    kind = table.choice("type", [t.value for t in ApplicationType])
    secrets, public_keys = table.secrets(), table.public_keys()
    if kind == ApplicationType.PUBLIC and secrets:
        problems.append(f"{table.where} secret: a public application cannot keep one; remove it")
    if kind == ApplicationType.PUBLIC and "jwks" in table.body:
        problems.append(f"{table.where} jwks: a public application cannot keep a private key; remove it")
    if kind == ApplicationType.CONFIDENTIAL and not secrets and "jwks" not in table.body:
        problems.append(f"{table.where} secret: a confidential application needs one, or jwks")
    grants = table.choices("grants", [g.value for g in GrantType], default=["authorization_code", "refresh_token"])
    for grant in (GrantType.CLIENT_CREDENTIALS, GrantType.TOKEN_EXCHANGE):  # RFC 6749 section 4.4, RFC 8693 section 5
        if kind == ApplicationType.PUBLIC and grant in grants:
            problems.append(f"{table.where} grants: {grant} is for confidential applications only")
    scopes = table.choices("scopes", list(SCOPES), default=[]) if "scopes" in table.body else []
    if scopes and GrantType.CLIENT_CREDENTIALS not in grants:
        problems.append(f"{table.where} scopes: only for applications with the grant client_credentials")
    if name.startswith(USER_PREFIX):  # RFC 9068 section 5: `sub` is the application's name where it acts for itself
        problems.append(f"{table.where}: a name that begins with {USER_PREFIX} could be taken for a User's")
    redirects, logouts = table.uris("redirect_uris"), table.uris("post_logout_redirect_uris")
    if GrantType.AUTHORIZATION_CODE in grants and not redirects:
        problems.append(f"{table.where} redirect_uris: at least one is needed")
    if gateway := table.flag("gateway"):
        if kind != ApplicationType.PUBLIC or GrantType.AUTHORIZATION_CODE not in grants:
            problems.append(f"{table.where} gateway: only for public applications with the grant authorization_code")
        if len(redirects) != 1 or not _is_absolute(redirects[0]):
            problems.append(f"{table.where} gateway: needs exactly one redirect URI, of the service's own host")
    audience = table.text("audience")
    if audience and not _is_absolute(audience):
        problems.append(f"{table.where} audience: must be {_AUDIENCE}")
    exchange_audiences = table.uris("exchange_audiences")
    if exchange_audiences and GrantType.TOKEN_EXCHANGE not in grants:
        problems.append(f"{table.where} exchange_audiences: only for applications with {GrantType.TOKEN_EXCHANGE}")
    if any(len(uri) > _LONGEST_AUDIENCE or not _is_absolute(uri) for uri in exchange_audiences):
        problems.append(f"{table.where} exchange_audiences: each must be {_AUDIENCE}")
    return Declared(
        id=ApplicationId(name),
        name=table.text("name"),
        type=ApplicationType(kind or "public"),
        secrets=secrets,
        grants=frozenset(GrantType(g) for g in grants),
        redirect_uris=redirects,
        post_logout_redirect_uris=logouts,
        audience=audience,
        first_party=table.flag("first_party"),
        requires_authorization=table.flag("requires_authorization"),
        signing_algorithm=(
            table.choice("signing_algorithm", list(ALGORITHMS)) if "signing_algorithm" in table.body else None
        ),
        scopes=frozenset(scopes),
        public_keys=public_keys,
        exchange_audiences=frozenset(exchange_audiences),
        gateway=gateway,
        requires_pushed_requests=table.flag(_PUSHED),
        backchannel_logout_uri=table.backchannel_logout_uri(),
        dpop=table.flag("dpop"),
    )


def _tables(key: str, document: Mapping[str, Any], problems: list[str]) -> Iterable[tuple[str, Any]]:
    body = document.get(key, {})
    if not isinstance(body, Mapping):
        problems.append(f"[{key}]: must be a table")
        return
    for name, table in body.items():
        if _NAME.fullmatch(name) is None:
            problems.append(f"[{key}.{name}]: a name is 1 to 64 letters, digits, dots, dashes or underscores")
        else:
            yield name, table


def _is_absolute(uri: str) -> bool:
    return uri.startswith(("https://", "http://")) and redirect_problem(uri) is None


class _Table:
    """One table of the document; everything wrong with it goes to `problems`, and reading goes on."""

    def __init__(self, where: str, body: Any, keys: set[str], problems: list[str]) -> None:
        self.where = where
        self.body: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
        self.problems = problems
        if not isinstance(body, Mapping):
            problems.append(f"{where}: must be a table")
        for key in sorted(self.body.keys() - keys):
            problems.append(f"{where} {key}: unknown; there are {', '.join(sorted(keys))}")

    def _say(self, key: str, problem: str) -> None:
        self.problems.append(f"{self.where} {key}: {problem}")

    def text(self, key: str) -> str:
        value = self.body.get(key)
        if isinstance(value, str) and value.strip() and len(value) <= 255 and value.isprintable():
            return value
        self._say(key, "is missing" if value is None else "must be a line of text of at most 255 characters")
        return ""

    def flag(self, key: str) -> bool:
        value = self.body.get(key, False)
        if not isinstance(value, bool):
            self._say(key, "must be true or false")
        return value is True

    def choice(self, key: str, among: list[str]) -> str | None:
        value = self.body.get(key)
        if value in among:
            return str(value)
        self._say(key, f"must be one of {', '.join(among)}")
        return None

    def choices(self, key: str, among: list[str], *, default: list[str]) -> list[str]:
        values = self.body.get(key, default)
        if isinstance(values, list) and values and all(v in among for v in values):
            return values
        self._say(key, f"must be a list out of {', '.join(among)}")
        return []

    def names(self, key: str, form: re.Pattern[str], *, default: list[str]) -> list[str]:
        values = self.body.get(key, default)
        if isinstance(values, list) and all(isinstance(v, str) and form.fullmatch(v) for v in values):
            return values
        self._say(key, "must be a list of names without spaces, of at most 100 characters each")
        return []

    def uris(self, key: str) -> tuple[str, ...]:
        values = self.body.get(key, [])
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            self._say(key, "must be a list of URIs")
            return ()
        for value in values:
            if (problem := redirect_problem(value)) is not None:
                self._say(key, f"{value!r} {problem}")
        return tuple(values)

    def backchannel_logout_uri(self) -> str | None:
        if "backchannel_logout_uri" not in self.body:
            return None
        uri = self.text("backchannel_logout_uri")
        if uri and (problem := backchannel_logout_problem(uri)) is not None:
            self._say("backchannel_logout_uri", f"{uri!r} {problem}")
        return uri

    def public_keys(self) -> tuple[str, ...]:
        keys = keys_of(self.body["jwks"]) if "jwks" in self.body else ()
        if isinstance(keys, str):
            self._say("jwks", keys)
            return ()
        return keys

    def secrets(self) -> tuple[str, ...]:
        if "secret" in self.body and "secrets" in self.body:
            self._say("secret", "give either secret or secrets")
        values = self.body.get("secrets", [self.body["secret"]] if "secret" in self.body else [])
        if not isinstance(values, list) or not all(isinstance(v, str) and len(v) >= _MIN_SECRET for v in values):
            self._say("secret", f"must be random and of at least {_MIN_SECRET} characters")
            return ()
        if len(values) > 2:
            self._say("secrets", "at most two can live at a time, the old and the new")
        return tuple(values)
