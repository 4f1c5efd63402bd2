"""Owns the authorize request to a Provider: where the browser is sent. Refuses to leave out PKCE, state or nonce."""

from __future__ import annotations

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

from broker.domain.attempt import Purpose, SignInAttempt
from broker.domain.pkce import challenge_of
from broker.upstream.metadata import Metadata
from broker.upstream.registration import Registration
from providers.spec import Dialect


def authorize_url(
    registration: Registration,
    metadata: Metadata,
    attempt: SignInAttempt,
    *,
    login_hint: str | None,
    prompt_login: bool,
) -> str:
    """The URL of RFC 6749 section 4.1.1 with PKCE (RFC 7636 section 4.3), and a nonce for OpenID Providers."""
    provider = registration.provider
    parameters = dict(provider.authorize_parameters)
    if provider.dialect is Dialect.OIDC:
        parameters["nonce"] = attempt.nonce
    if provider.pkce:  # whether or not the metadata lists it: servers ignore parameters they do not know
        parameters["code_challenge"] = challenge_of(attempt.code_verifier)
        parameters["code_challenge_method"] = "S256"
    prompts = (
        provider.login_prompt if prompt_login else None,
        provider.connect_prompt if attempt.purpose is Purpose.CONNECT else None,
    )
    if any(prompts):
        parameters["prompt"] = " ".join(filter(None, prompts))
    if login_hint and provider.login_hint_parameter:
        parameters[provider.login_hint_parameter] = login_hint
    url: str = prepare_grant_uri(
        metadata.authorization_endpoint,
        registration.provider_application_id,
        "code",
        redirect_uri=registration.callback_url,
        scope=provider.scope_separator.join(attempt.scopes),
        state=attempt.state,
        **parameters,
    )
    return url
