"""Owns the authorize request of an Application (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2.1).

The checks stand in one ordered table. Until `redirect_uri` is proven a refusal is shown to the person; afterwards it
is sent to the Application, in a `RequestRefused`. As RFC 6749 section 3.1 demands, unknown parameters are ignored, and
one without a value counts as omitted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from broker.domain import dpop, pkce, scope
from broker.domain.application import Application, GrantType
from broker.domain.errors import Refusal
from broker.domain.ids import ApplicationId, ClientOrgId, KeyThumbprint, RegistrationId
from broker.domain.pushed_request import Pushed
from broker.domain.redirect import ResponseMode
from broker.domain.request_refused import refuse
from broker.domain.web_url import web_parts

Parameters = Mapping[str, Sequence[str]]
"""Query or form parameters; a name that was sent twice has two values."""

KNOWN = (
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "prompt",
    "max_age",
    "id_token_hint",
    "login_hint",
    "organization",
    "provider",
    "resource",
    "request",
    "request_uri",
    "registration",
)
_MAX_LENGTH = 1024
_MAX_LENGTHS = {
    "state": 1024,  # beside an ordinary request it fits into `MAX_KEPT`
    "nonce": 512,  # it goes into the ID token, and even doubled by JSON must leave room there
    "id_token_hint": 4096,  # what our ID tokens stay below
    "redirect_uri": 4096,  # proven before, to the byte
}
TOO_LONG = "The parameters are too long together."
MAX_KEPT = 2048
"""Characters of `AuthorizeRequest.to_keep`. So many always fit into the attempt's cookie, whatever else is in it."""
_MODES = frozenset(ResponseMode)
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")  # RFC 6749 appendix A: VSCHAR and space


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorizeRequest:
    """A request that has passed every check. `provider` is an Application's wish to skip the choice of a Provider.

    `pushed`: that it came by way of RFC 9126, and is good for one code; None: it came in the clear.
    `dpop_jkt`: the key that the code will be bound to (RFC 9449 section 10).
    """

    application_id: ApplicationId
    redirect_uri: str
    response_mode: ResponseMode
    scopes: tuple[str, ...]
    state: str | None = field(repr=False)
    nonce: str | None = field(repr=False)
    code_challenge: str
    prompts: frozenset[str]
    max_age: int | None
    id_token_hint: str | None = field(repr=False)
    login_hint: str | None = field(repr=False)
    organization: ClientOrgId | None
    provider: RegistrationId | None
    pushed: Pushed | None
    dpop_jkt: KeyThumbprint | None = None

    def to_query(self) -> str:
        """The request as a query string, to go on with once the person has signed in: its wish for a fresh sign-in,
        and for a Provider, is fulfilled by then and left out."""
        pairs = {
            "client_id": self.application_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "response_mode": None if self.response_mode is ResponseMode.QUERY else self.response_mode.value,
            "scope": " ".join(self.scopes),
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": self.code_challenge,
            "code_challenge_method": "S256",
            "prompt": "consent" if "consent" in self.prompts else None,
            "organization": self.organization,
            "dpop_jkt": self.dpop_jkt,
        }
        return urlencode({name: value for name, value in pairs.items() if value is not None})

    def to_keep(self) -> str:
        """`to_query`, and whom the request expects: that is to be compared once more with who has signed in."""
        hint = {} if self.id_token_hint is None else {"id_token_hint": self.id_token_hint}
        return "&".join(filter(None, (self.to_query(), urlencode(hint))))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Proven:
    """What is known of a request while the rest is being checked: where an answer goes."""

    redirect_uri: str
    state: str | None = field(repr=False)
    response_mode: ResponseMode


def application_id_of(parameters: Parameters) -> ApplicationId:
    """Which Application asks. Raises `Refusal` when that cannot be told."""
    values = parameters.get("client_id", ())
    if len(values) != 1 or not is_name(values[0]):
        raise Refusal("invalid_request", "The link that brought you here does not say which application it is for.")
    return ApplicationId(values[0])


def redirect_uri_of(parameters: Parameters, application: Application) -> str:
    """Where the answer goes. Raises `Refusal`, which is shown here and never redirected, unless it is registered."""
    values = parameters.get("redirect_uri", ())
    if len(values) != 1 or not application.may_redirect_to(values[0]):
        raise Refusal(
            "invalid_redirect_uri",
            f"The link that brought you here would send you somewhere {application.name} has not registered.",
        )
    return values[0]


def check(parameters: Parameters, application: Application, *, pushed: Pushed | None = None) -> AuthorizeRequest:
    """Check everything. Raises `Refusal` (show a page) or `RequestRefused` (tell the Application).

    `pushed`: these are the parameters of a request that was pushed, not what a browser said.
    """
    redirect_uri = redirect_uri_of(parameters, application)
    one = {name: values[0] for name, values in parameters.items() if name in KNOWN and len(values) == 1 and values[0]}
    state = one.get("state") if _is_readable("state", one.get("state", "")) else None
    # An error too comes in the mode that was asked for, if it is one that we have (Form Post Response Mode section 2).
    posts = one.get("response_mode") == ResponseMode.FORM_POST and _may_be_posted_to(redirect_uri)
    response_mode = ResponseMode.FORM_POST if posts else ResponseMode.QUERY
    asking = _Proven(redirect_uri=redirect_uri, state=state, response_mode=response_mode)
    if application.requires_pushed_requests and pushed is None:
        raise refuse(asking, "invalid_request", "This application has to push its authorize requests (RFC 9126).")
    for _name, passes, code, sentence in _CHECKS:
        if not passes(parameters, one):
            raise refuse(asking, code, sentence)
    organization = one.get("organization")
    provider, key = one.get("provider"), one.get("dpop_jkt")
    request = AuthorizeRequest(
        application_id=application.id,
        redirect_uri=redirect_uri,
        response_mode=response_mode,
        scopes=offered(scope.parse(one["scope"]), application),
        state=state,
        nonce=one.get("nonce"),
        code_challenge=one["code_challenge"],
        prompts=frozenset(one.get("prompt", "").split()),
        max_age=int(one["max_age"]) if "max_age" in one else None,
        id_token_hint=one.get("id_token_hint"),
        login_hint=one.get("login_hint"),
        organization=None if organization is None else ClientOrgId(organization),
        provider=RegistrationId(provider) if provider and is_name(provider) else None,
        pushed=pushed,
        dpop_jkt=None if key is None else KeyThumbprint(key),
    )
    # Refused at once rather than at the departure: whether somebody is signed in must make no difference. What forbids
    # to ask is never kept.
    if "none" not in request.prompts and len(request.to_keep()) > MAX_KEPT:
        raise refuse(asking, "invalid_request", TOO_LONG)
    return request


def offered(scopes: tuple[str, ...], application: Application) -> tuple[str, ...]:
    """Without `offline_access` where nothing would come of it (OpenID Connect Core section 11)."""
    refreshes = GrantType.REFRESH_TOKEN in application.grants
    return tuple(name for name in scopes if refreshes or name != scope.OFFLINE_ACCESS)


def is_name(value: str) -> bool:
    """Whether `value` has the form of an operator's name."""
    return _NAME.fullmatch(value) is not None


def _is_readable(name: str, value: str) -> bool:
    return len(value) <= _MAX_LENGTHS.get(name, _MAX_LENGTH) and _PRINTABLE.fullmatch(value) is not None


def _each_once(parameters: Parameters, _one: Mapping[str, str]) -> bool:
    return all(len(parameters.get(name, ())) <= 1 for name in KNOWN)


def _all_readable(_parameters: Parameters, one: Mapping[str, str]) -> bool:
    return all(_is_readable(name, value) for name, value in one.items())


def _prompt_is_known(_parameters: Parameters, one: Mapping[str, str]) -> bool:
    prompts = set(one.get("prompt", "").split())
    return prompts <= {"none", "login", "consent", "select_account"} and ("none" not in prompts or len(prompts) == 1)


def _max_age_is_seconds(_parameters: Parameters, one: Mapping[str, str]) -> bool:
    return re.fullmatch("[0-9]{1,9}", one.get("max_age", "0")) is not None


def _dpop_jkt_is_a_thumbprint(_parameters: Parameters, one: Mapping[str, str]) -> bool:
    return "dpop_jkt" not in one or dpop.is_thumbprint(one["dpop_jkt"])


def _organization_is_a_name(_parameters: Parameters, one: Mapping[str, str]) -> bool:
    return "organization" not in one or is_name(one["organization"])


def _may_be_posted_to(redirect_uri: str) -> bool:
    """Not an app's private-use scheme: nothing that is posted arrives there."""
    return web_parts(redirect_uri) is not None


def _mode_can_be_had(_parameters: Parameters, one: Mapping[str, str]) -> bool:
    return one.get("response_mode") != ResponseMode.FORM_POST or _may_be_posted_to(one["redirect_uri"])


_Check = Callable[[Parameters, Mapping[str, str]], bool]
# fmt: off
_CHECKS: tuple[tuple[str, _Check, str, str], ...] = (
    ("each once",       _each_once,                                                   "invalid_request",            "A parameter was sent twice."),
    ("readable",        _all_readable,                                                "invalid_request",            "A parameter is too long or has characters that are not allowed."),
    ("no request",      lambda _p, one: "request" not in one,                         "request_not_supported",      "Request objects are not supported."),
    ("no request_uri",  lambda _p, one: "request_uri" not in one,                     "request_uri_not_supported",  "request_uri is not supported."),
    ("no registration", lambda _p, one: "registration" not in one,                    "registration_not_supported", "Self-issued registration is not supported."),
    ("a type",          lambda _p, one: bool(one.get("response_type")),               "invalid_request",            "response_type is missing."),
    ("type is code",    lambda _p, one: one["response_type"] == "code",               "unsupported_response_type",  "Only response_type=code is supported."),
    ("a mode",          lambda _p, one: one.get("response_mode", "query") in _MODES,  "invalid_request",            "response_mode must be query or form_post."),
    ("mode can be had", _mode_can_be_had,                                             "invalid_request",            "response_mode=form_post needs a redirect_uri on the web."),
    ("scope",           lambda _p, one: "openid" in one.get("scope", "").split(),     "invalid_scope",              "scope must hold openid."),
    ("a challenge",     lambda _p, one: bool(one.get("code_challenge")),              "invalid_request",            "code_challenge is required (RFC 7636)."),
    ("S256",            lambda _p, one: one.get("code_challenge_method") == "S256",   "invalid_request",            "code_challenge_method must be S256."),
    ("challenge",       lambda _p, one: pkce.is_challenge(one["code_challenge"]),     "invalid_request",            "code_challenge is malformed."),
    ("dpop_jkt",        _dpop_jkt_is_a_thumbprint,                                    "invalid_request",            "dpop_jkt must be a SHA-256 thumbprint (RFC 9449 section 10)."),
    ("prompt",          _prompt_is_known,                                             "invalid_request",            "prompt has an unknown value, or none together with another."),
    ("max_age",         _max_age_is_seconds,                                          "invalid_request",            "max_age must be a number of seconds."),
    ("organization",    _organization_is_a_name,                                      "invalid_request",            "organization is malformed."),
    ("no resource",     lambda _p, one: "resource" not in one,                        "invalid_target",             "An application's audience is fixed; resource is not supported."),
)
# fmt: on
