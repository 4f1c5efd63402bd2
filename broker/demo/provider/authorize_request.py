"""The authorize request: read strictly, once, before any page is shown.

Refuses by a page when the way back is not proven to be the registration's own; by a redirect only after that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from broker.demo.provider.registrations import DemoRegistration
from broker.demo.provider.scopes import Scope, parse_scopes

_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # RFC 7636 section 4.2
_PROMPTS = frozenset({"none", "consent", "select_account"})


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorizeRequest:
    """A well-formed request from a known registration to one of its own redirect URIs."""

    registration: DemoRegistration
    redirect_uri: str
    state: str | None = field(repr=False)
    nonce: str | None = field(repr=False)
    code_challenge: str = field(repr=False)
    scopes: Sequence[Scope]
    prompts: frozenset[str]
    login_hint: str | None
    offline: bool
    include_granted_scopes: bool

    @property
    def scope_names(self) -> frozenset[str]:
        return frozenset(scope.name for scope in self.scopes)


class NoWayBack(Exception):
    """The registration or the redirect URI is not known: tell the person, send nobody anywhere."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class RefusedRequest(Exception):
    """An error that goes back to the registration's redirect URI (RFC 6749 section 4.1.2.1)."""

    def __init__(self, error: str, description: str, *, redirect_uri: str, state: str | None) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.redirect_uri = redirect_uri
        self.state = state


def read_authorize_request(
    pairs: Sequence[tuple[str, str]], registrations: Mapping[str, DemoRegistration]
) -> AuthorizeRequest:
    """The request in these parameters; raises `NoWayBack` or `RefusedRequest`."""
    given = dict(pairs)
    registration, redirect_uri = _way_back(pairs, registrations)
    state = given.get("state")

    problem = _first_problem(pairs, given)
    if problem is not None:
        raise RefusedRequest(*problem, redirect_uri=redirect_uri, state=state)

    return AuthorizeRequest(
        registration=registration,
        redirect_uri=redirect_uri,
        state=state,
        nonce=given.get("nonce"),
        code_challenge=given["code_challenge"],
        scopes=parse_scopes(given.get("scope", "")) or (),
        prompts=frozenset(given.get("prompt", "").split()),
        login_hint=given.get("login_hint"),
        offline=given.get("access_type") == "offline",
        include_granted_scopes=given.get("include_granted_scopes") == "true",
    )


def _way_back(
    pairs: Sequence[tuple[str, str]], registrations: Mapping[str, DemoRegistration]
) -> tuple[DemoRegistration, str]:
    for name in ("client_id", "redirect_uri", "state"):
        if sum(given == name for given, _ in pairs) > 1:
            raise NoWayBack(f"The request names {name} more than once.")
    given = dict(pairs)
    registration = registrations.get(given.get("client_id", ""))
    if registration is None:
        raise NoWayBack("The request comes from software that is not registered here (client_id).")
    if given.get("redirect_uri") not in registration.redirect_uris:
        raise NoWayBack("The address to return to is not one that this software registered (redirect_uri).")
    return registration, given["redirect_uri"]


def _first_problem(pairs: Sequence[tuple[str, str]], given: Mapping[str, str]) -> tuple[str, str] | None:
    scopes = parse_scopes(given.get("scope", ""))
    openid = "openid" in {scope.name for scope in scopes or ()}
    prompts = set(given.get("prompt", "").split())
    challenge, method = given.get("code_challenge", ""), given.get("code_challenge_method")
    kind, mode = given.get("response_type"), given.get("response_mode", "query")
    checks = (
        (len(given) < len(pairs),                   "invalid_request",  "a parameter is given twice"),
        ("request" in given,                        "request_not_supported", "no request objects here"),
        ("request_uri" in given,                    "request_uri_not_supported", "no request_uri here"),
        (kind is None,                              "invalid_request",  "response_type is missing"),
        (kind != "code",                            "unsupported_response_type", "only code is supported"),
        (mode != "query",                           "invalid_request",  "response_mode must be query"),
        (scopes is None,                            "invalid_scope",    "a scope is not known"),
        (not scopes,                                "invalid_request",  "scope is missing"),
        (not challenge,                             "invalid_request",  "code_challenge is missing"),
        (method != "S256",                          "invalid_request",  "code_challenge_method must be S256"),
        (not _S256_CHALLENGE.fullmatch(challenge),  "invalid_request",  "code_challenge is no S256 digest"),
        (openid and not given.get("nonce"),         "invalid_request",  "nonce is missing"),
        (not prompts <= _PROMPTS,                   "invalid_request",  "prompt has an unknown value"),
        ("none" in prompts and len(prompts) > 1,    "invalid_request",  "prompt=none goes with nothing else"),
    )  # fmt: skip
    return next(((error, description) for wrong, error, description in checks if wrong), None)
