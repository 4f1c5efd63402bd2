"""Owns which address does what: one table. The last column says whether a refusal there is a line in the ledger."""

from __future__ import annotations

from starlette.routing import Route

from broker.web import cors
from broker.web.guard import guarded
from broker.web.handlers import (
    account,
    authorize,
    connections,
    documents,
    operations,
    revocations,
    sessions,
    sign_in,
    token,
    token_state,
)

_READ = ("GET",)
_SEND = ("POST",)
_BOTH = ("GET", "POST")
_ASK = ("OPTIONS",)

# fmt: off
TABLE = (
    # name                path                                         methods  handler                             audited
    ("token",             "/oauth/token",                              _SEND,   token.token_endpoint,               True),
    ("revoke",            "/oauth/revoke",                             _SEND,   token_state.revoke_endpoint,        True),
    ("introspect",        "/oauth/introspect",                         _SEND,   token_state.introspect_endpoint,    True),
    ("authorize",         "/oauth/authorize",                          _BOTH,   authorize.authorize_endpoint,       True),
    ("callback",          "/callback/{registration}",                  _READ,   sign_in.callback,                   True),
    ("sign_in_begin",     "/sign-in/{registration}",                   _SEND,   sign_in.sign_in_begin,              True),
    ("userinfo",          "/oauth/userinfo",                           _BOTH,   token.userinfo_endpoint,            True),
    ("token_preflight",   "/oauth/token",                              _ASK,    cors.preflight,                     False),
    ("revoke_preflight",  "/oauth/revoke",                             _ASK,    cors.preflight,                     False),
    ("userinfo_preflight", "/oauth/userinfo",                          _ASK,    cors.preflight,                     False),
    ("authorizations",    "/api/v1/authorizations",                    _READ,   token.authorizations_endpoint,      True),
    ("sign_in",           "/sign-in",                                  _READ,   sign_in.sign_in_page,               True),
    ("consent",           "/oauth/consent",                            _READ,   authorize.consent_page,             True),
    ("consent_decision",  "/oauth/consent",                            _SEND,   authorize.consent_decision,         True),
    ("end_session",       "/oauth/end-session",                        _BOTH,   sign_in.end_session_endpoint,       True),
    ("account",           "/account",                                  _READ,   account.account_page,               False),
    ("connections",       "/account/connections",                      _READ,   connections.connections_page,           False),
    ("connect",           "/account/connections/{registration}",       _SEND,   connections.connect,                    True),
    ("disconnect_page",   "/account/connections/{connection}/disconnect", _READ, connections.disconnect_page,           False),
    ("disconnect",        "/account/connections/{connection}/disconnect", _SEND, connections.disconnect,                True),
    ("sessions",          "/account/sessions",                         _READ,   sessions.sessions_page,              False),
    ("end_other_sessions", "/account/sessions/end-others",             _SEND,   sessions.end_other_sessions,         True),
    ("end_one_session",   "/account/sessions/{session}/end",           _SEND,   sessions.end_one_session,            True),
    ("data",              "/account/data",                             _READ,   account.data_page,                  False),
    ("sign_out",          "/account/sign-out",                         _SEND,   sign_in.sign_out_button,            True),
    ("home",              "/",                                         _READ,   documents.home,                     False),
    ("privacy",           "/privacy",                                  _READ,   documents.privacy,                  False),
    ("terms",             "/terms",                                    _READ,   documents.terms,                    False),
    ("revocations",       "/api/v1/revocations",                       _READ,   revocations.revocations,            True),
    ("openapi",           "/api/v1/openapi.json",                      _READ,   documents.openapi,                  False),
    ("healthz",           "/healthz",                                  _READ,   operations.healthz,                 False),
    ("readyz",            "/readyz",                                   _READ,   operations.readyz,                  False),
    ("metrics",           "/metrics",                                  _READ,   operations.metrics,                 False),
)
# fmt: on


def routes() -> list[Route]:
    """The table as Starlette's routes, each with the guard around its handler."""
    return [
        Route(path, guarded(name, handler, audited=audited), methods=list(methods), name=name)
        for name, path, methods, handler, audited in TABLE
    ]
