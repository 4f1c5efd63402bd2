"""Owns which address does what: one table. The last column says whether a refusal there is a line in the ledger."""

from __future__ import annotations

from starlette.routing import Route

from broker.web import cors
from broker.web.guard import guarded
from broker.web.handlers import (
    acceptance,
    account,
    applications,
    authorize,
    choices,
    connections,
    data,
    devices,
    documents,
    erase,
    gateways,
    me,
    operations,
    push,
    revocations,
    sessions,
    sign_in,
    token,
    token_state,
)

_READ = ("GET",)
_SEND = ("POST",)
_CHANGE = ("PATCH",)
_BOTH = ("GET", "POST")
_ANY = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""A gateway asks by the method that it was asked by, or always by GET."""
_ASK = ("OPTIONS",)

# fmt: off
TABLE = (
    # name                path                                         methods  handler                             audited
    ("token",             "/oauth/token",                              _SEND,   token.token_endpoint,               True),
    ("device_authorization", "/oauth/device_authorization",            _SEND,   devices.device_authorization,       True),
    ("par",               "/oauth/par",                                _SEND,   push.push_endpoint,                 True),
    ("revoke",            "/oauth/revoke",                             _SEND,   token_state.revoke_endpoint,        True),
    ("introspect",        "/oauth/introspect",                         _SEND,   token_state.introspect_endpoint,    True),
    ("authorize",         "/oauth/authorize",                          _BOTH,   authorize.authorize_endpoint,       True),
    ("callback",          "/callback/{registration}",                  _READ,   sign_in.callback,                   True),
    ("provider_logout",   "/callback/{registration}/logout",           _SEND,   sign_in.provider_logout,            True),
    ("accept",            "/sign-in/accept",                           _SEND,   acceptance.accept_documents,        True),
    ("decline",           "/sign-in/decline",                          _SEND,   acceptance.decline_documents,       True),
    ("sign_in_begin",     "/sign-in/{registration}",                   _SEND,   sign_in.sign_in_begin,              True),
    ("userinfo",          "/oauth/userinfo",                           _BOTH,   token.userinfo_endpoint,            True),
    ("token_preflight",   "/oauth/token",                              _ASK,    cors.preflight,                     False),
    ("par_preflight",     "/oauth/par",                                _ASK,    cors.preflight,                     False),
    ("revoke_preflight",  "/oauth/revoke",                             _ASK,    cors.preflight,                     False),
    ("userinfo_preflight", "/oauth/userinfo",                          _ASK,    cors.preflight,                     False),
    ("authorizations",    "/api/v1/authorizations",                    _READ,   token.authorizations_endpoint,      True),
    ("sign_in",           "/sign-in",                                  _READ,   sign_in.sign_in_page,               True),
    ("consent",           "/oauth/consent",                            _READ,   authorize.consent_page,             True),
    ("consent_decision",  "/oauth/consent",                            _SEND,   authorize.consent_decision,         True),
    ("end_session",       "/oauth/end-session",                        _BOTH,   sign_in.end_session_endpoint,       True),
    ("device",            "/device",                                   _READ,   devices.device_page,                False),
    ("device_code",       "/device",                                   _SEND,   devices.device_code,                True),
    ("device_answer",     "/device/answer",                            _SEND,   devices.device_answer,              True),
    ("account",           "/account",                                  _READ,   account.account_page,               False),
    ("connections",       "/account/connections",                      _READ,   connections.connections_page,           False),
    ("connect",           "/account/connections/{registration}",       _SEND,   connections.connect,                    True),
    ("disconnect_page",   "/account/connections/{connection}/disconnect", _READ, connections.disconnect_page,           False),
    ("disconnect",        "/account/connections/{connection}/disconnect", _SEND, connections.disconnect,                True),
    ("sessions",          "/account/sessions",                         _READ,   sessions.sessions_page,              False),
    ("end_other_sessions", "/account/sessions/end-others",             _SEND,   sessions.end_other_sessions,         True),
    ("end_one_session",   "/account/sessions/{session}/end",           _SEND,   sessions.end_one_session,            True),
    ("end_all_sessions_page", "/account/sessions/end-all",             _READ,   sessions.end_all_page,               False),
    ("end_all_sessions",  "/account/sessions/end-all",                 _SEND,   sessions.end_all,                    True),
    ("applications",      "/account/applications",                     _READ,   applications.applications_page,      False),
    ("remove_access_page", "/account/applications/{application}/remove", _READ, applications.remove_page,            False),
    ("remove_access",     "/account/applications/{application}/remove", _SEND,  applications.remove,                 True),
    ("dismiss_warning",   "/account/applications/{grant}/dismiss",     _SEND,   applications.dismiss,                True),
    ("choices",           "/account/choices",                          _READ,   choices.choices_page,               False),
    ("choose",            "/account/choices",                          _SEND,   choices.choose_one,                 True),
    ("erase_page",        "/account/erase",                            _READ,   erase.erase_page,                   False),
    ("erase",             "/account/erase",                            _SEND,   erase.erase_confirm,                True),
    ("keep",              "/account/keep",                             _READ,   erase.keep,                         False),
    ("data",              "/account/data",                             _READ,   data.data_page,                     False),
    ("data_archive",      "/account/data/archive",                     _SEND,   data.download,                      True),
    ("correct_page",      "/account/data/{connection}/{attribute}",    _READ,   data.correct_page,                  False),
    ("correct",           "/account/data/{connection}/{attribute}",    _SEND,   data.put_right,                     True),
    ("uncorrect",         "/account/data/{connection}/{attribute}/uncorrect", _SEND, data.leave_to_provider,          True),
    ("me",                "/api/v1/me",                                _READ,   me.me,                              False),
    ("me_attribute",      "/api/v1/me/connections/{connection}/attributes/{attribute}", _CHANGE, me.change,          True),
    ("me_choice",         "/api/v1/me/choices/{subject}",              _CHANGE, me.choose_mine,                     True),
    ("me_erase",          "/api/v1/me/erase",                          _SEND,   me.erase_me,                        True),
    ("me_archive",        "/api/v1/me/archive",                        _READ,   me.archive,                         True),
    ("sign_out",          "/account/sign-out",                         _SEND,   sign_in.sign_out_button,            True),
    ("home",              "/",                                         _READ,   documents.home,                     False),
    ("privacy",           "/privacy",                                  _READ,   documents.privacy,                  False),
    ("terms",             "/terms",                                    _READ,   documents.terms,                    False),
    ("revocations",       "/api/v1/revocations",                       _READ,   revocations.revocations,            True),
    ("openapi",           "/api/v1/openapi.json",                      _READ,   documents.openapi,                  False),
    ("forward_auth",      "/forward-auth/{application}",               _ANY,    gateways.forward_auth,              False),
    ("ext_authz",         "/ext-authz/{application}/{asked:path}",     _ANY,    gateways.ext_authz,                 False),
    ("gateway_start",     "/forward-auth/{application}/start",         _ANY,    gateways.gateway_start,             False),
    ("gateway_callback",  "/forward-auth/{application}/callback",      _READ,   gateways.gateway_callback,          True),
    ("gateway_sign_out",  "/forward-auth/{application}/sign-out",      _SEND,   gateways.gateway_sign_out,          True),
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
