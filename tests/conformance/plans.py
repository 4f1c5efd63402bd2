"""The OpenID Foundation's test plans for servers, module by module, and what stands for each of them here.

The names are those of the suite (`openid-certification/conformance-suite`), in its order. None of it is a run of the
suite: a module is *covered* when a test of this project asserts what the module asserts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Covered:
    """By the test that is named after the module. `note`: what a reader should know beside."""

    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NotHere:
    """It does not apply to this broker."""

    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """`name` as on the page; `suite` as the suite calls it; `told`: what is to be known of all its modules."""

    name: str
    suite: str
    told: str
    modules: Mapping[str, Covered | NotHere]

    @property
    def covered(self) -> int:
        """How many modules a test stands for."""
        return sum(isinstance(stands, Covered) for stands in self.modules.values())

    @property
    def line(self) -> str:
        """For the end of a run, and for the page."""
        return f"{self.name}: {self.covered} of {len(self.modules)} covered"


def name_of_test(module: str) -> str:
    """The name of a module's test."""
    return f"test_{module.replace('-', '_').lower()}"


HERE = Covered()
_DYNAMIC = "It is run for dynamically registered clients alone; dynamic registration is not offered."

OP_BASIC = Plan(
    name="OP Basic",
    suite="oidcc-basic-certification-test-plan",
    told="As of `response_type=code` and clients that an operator registered.",
    modules={
        "oidcc-server": HERE,
        "oidcc-response-type-missing": HERE,
        "oidcc-idtoken-signature": NotHere(why=_DYNAMIC),
        "oidcc-idtoken-unsigned": NotHere(why=_DYNAMIC),
        "oidcc-userinfo-get": HERE,
        "oidcc-userinfo-post-header": HERE,
        "oidcc-userinfo-post-body": NotHere(
            why="A token in a form's body is not taken, which RFC 6750 section 2.2 permits; the suite warns of it."
        ),
        "oidcc-ensure-request-without-nonce-succeeds-for-code-flow": HERE,
        "oidcc-scope-profile": Covered(note="Told is what the policy releases; the suite warns of what is missing."),
        "oidcc-scope-email": Covered(
            note="No `email_verified` is told, and the ID token has the address too; the suite warns of both."
        ),
        "oidcc-scope-address": NotHere(why="The scope `address` is not offered, and discovery does not name it."),
        "oidcc-scope-phone": Covered(note="No `phone_number_verified` is told; the suite warns of it."),
        "oidcc-scope-all": NotHere(why="It asks for the scope `address` too, which is not offered."),
        "oidcc-alternate-happy-flow": HERE,
        "oidcc-display-page": HERE,
        "oidcc-display-popup": HERE,
        "oidcc-prompt-login": HERE,
        "oidcc-prompt-none-not-logged-in": HERE,
        "oidcc-prompt-none-logged-in": HERE,
        "oidcc-max-age-1": HERE,
        "oidcc-max-age-10000": HERE,
        "oidcc-ensure-request-with-unknown-parameter-succeeds": HERE,
        "oidcc-id-token-hint": HERE,
        "oidcc-login-hint": HERE,
        "oidcc-ui-locales": HERE,
        "oidcc-claims-locales": HERE,
        "oidcc-ensure-request-with-acr-values-succeeds": HERE,
        "oidcc-codereuse": HERE,
        "oidcc-codereuse-30seconds": HERE,
        "oidcc-ensure-registered-redirect-uri": HERE,
        "oidcc-ensure-post-request-succeeds": HERE,
        "oidcc-server-client-secret-post": HERE,
        "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported": NotHere(why=_DYNAMIC),
        "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": Covered(
            note="Rejected: request objects are not supported, and discovery says so."
        ),
        "oidcc-claims-essential": Covered(
            note="The parameter `claims` is not supported, and is ignored; the suite warns that `name` is not told."
        ),
        "oidcc-ensure-request-object-with-redirect-uri": HERE,
        "oidcc-refresh-token": HERE,
        "oidcc-ensure-request-with-valid-pkce-succeeds": HERE,
    },
)
OP_CONFIG = Plan(
    name="OP Config",
    suite="oidcc-config-certification-test-plan",
    told="As of clients that an operator registered.",
    modules={
        "oidcc-discovery-endpoint-verification": Covered(
            note='With `signing_algorithm = "RS256"`. The default is ES256, and then discovery does not name RS256,'
            " though OpenID Connect Discovery 1.0 section 3 demands it."
        ),
    },
)
OP_LOGOUT = Plan(
    name="RP-Initiated Logout OP",
    suite="oidcc-rp-initiated-logout-certification-test-plan",
    told="Where the specification lets a server ask the person or show an error, this one shows an error when"
    " something is wrong, and asks when nothing says who.",
    modules={
        "oidcc-rp-initiated-logout-discovery-endpoint-verification": HERE,
        "oidcc-rp-initiated-logout": HERE,
        "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri": HERE,
        "oidcc-rp-initiated-logout-modified-id-token-hint": HERE,
        "oidcc-rp-initiated-logout-no-id-token-hint": HERE,
        "oidcc-rp-initiated-logout-no-params": HERE,
        "oidcc-rp-initiated-logout-no-post-logout-redirect-uri": HERE,
        "oidcc-rp-initiated-logout-no-state": HERE,
        "oidcc-rp-initiated-logout-only-state": HERE,
        "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri": HERE,
        "oidcc-rp-initiated-logout-bad-id-token-hint": HERE,
    },
)
OP_BACK_CHANNEL = Plan(
    name="Back-Channel Logout OP",
    suite="oidcc-backchannel-rp-initiated-logout-certification-test-plan",
    told="With the session in every logout token.",
    modules={
        "oidcc-backchannel-logout-discovery-endpoint-verification": HERE,
        "oidcc-backchannel-rp-initiated-logout": HERE,
    },
)
_FAPI = "fapi2-security-profile-final-"


def _prefixed(modules: Mapping[str, Covered | NotHere]) -> Mapping[str, Covered | NotHere]:
    return {f"{_FAPI}{name}": stands for name, stands in modules.items()}


FAPI = Plan(
    name="FAPI 2.0 Security Profile",
    suite="fapi2-security-profile-final-test-plan",
    told="As of a server with OpenID Connect, `private_key_jwt`, DPoP, and plain requests and answers. The Applications"
    " have `jwks`, `dpop = true` and `require_pushed_authorization_requests = true`.",
    modules=_prefixed(
        {
            "discovery-end-point-verification": HERE,
            "happy-flow": HERE,
            "user-rejects-authentication": HERE,
            "ensure-authorization-request-without-state-success": HERE,
            "ensure-authorization-request-without-nonce-success": HERE,
            "ensure-authorization-request-with-64-char-nonce-success": HERE,
            "ensure-other-scope-order-succeeds": HERE,
            "test-claims-parameter-identity-claims": NotHere(
                why="The parameter `claims` is not supported, and discovery says so; the suite skips the module then."
            ),
            "access-token-type-header-case-sensitivity": HERE,
            "check-dpop-proof-nbf-exp": HERE,
            "ensure-dpopproof-with-iat-10seconds-before-succeeds": HERE,
            "ensure-dpopproof-with-iat-10seconds-after-succeeds": HERE,
            "ensure-mismatched-dpop-jkt-fails": HERE,
            "ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt": HERE,
            "ensure-token-endpoint-fails-with-mismatched-dpop-jkt": HERE,
            "ensure-dpopproof-at-par-endpoint-binding-success": HERE,
            "ensure-dpop-auth-code-binding-success": HERE,
            "ensure-different-nonce-inside-and-outside-request-object": HERE,
            "ensure-different-state-inside-and-outside-request-object": HERE,
            "ensure-authorization-request-with-long-nonce": HERE,
            "ensure-authorization-request-with-long-state": HERE,
            "state-only-outside-request-object-not-used": HERE,
            "ensure-request-object-without-redirect-uri-fails": HERE,
            "plain-fapi-tolerate-unregistered-redirect-uri": HERE,
            "ensure-unsigned-authorization-request-without-using-par-fails": HERE,
            "ensure-redirect-uri-in-authorization-request": HERE,
            "ensure-response-type-code-idtoken-fails": HERE,
            "ensure-response-type-token-fails": HERE,
            "ensure-client-id-in-token-endpoint": HERE,
            "ensure-holder-of-key-required": Covered(
                note="Versions and ciphers of TLS, which the module looks at too, are those of the proxy in front."
            ),
            "ensure-authorization-code-is-bound-to-client": HERE,
            "attempt-reuse-authorization-code-after-one-second": HERE,
            "ensure-token-endpoint-fails-with-expired-auth-code": HERE,
            "ensure-signed-client-assertion-with-RS256-fails": Covered(
                note='For a key that is registered with `"alg": "PS256"`. An RSA key without `alg` signs RS256 too.'
            ),
            "ensure-client-assertion-in-token-endpoint": HERE,
            "ensure-client-assertion-with-exp-is-5-minutes-in-past-fails": HERE,
            "ensure-client-assertion-with-wrong-aud-fails": HERE,
            "ensure-client-assertion-with-no-sub-fails": HERE,
            "dpop-negative-tests": Covered(
                note="With an EC key. With an RSA key the module also tries a proof by RS256, which this broker takes"
                " though the profile forbids it. At the resource a proof may come twice; the suite warns of that."
            ),
            "refresh-token": HERE,
            "par-ensure-reused-request-uri-prior-to-auth-completion-succeeds": HERE,
            "par-attempt-reuse-request_uri": HERE,
            "par-attempt-to-use-expired-request_uri": HERE,
            "par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted": HERE,
            "par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails": HERE,
            "par-attempt-to-use-request_uri-for-different-client": HERE,
            "par-authorization-request-containing-request_uri-form-param": HERE,
            "par-attempt-invalid-http-method": HERE,
            "par-ensure-pkce-required": HERE,
            "ensure-pkce-code-verifier-required": HERE,
            "incorrect-pkce-code-verifier-rejected": HERE,
            "par-plain-pkce-rejected": HERE,
            "par-without-duplicate-parameters": HERE,
            "par-test-array-as-audience-fails": HERE,
            "par-test-par-endpoint-url-as-audience-fails": HERE,
            "par-test-token-endpoint-url-as-audience-fails": HERE,
        }
    ),
)
PLANS = (OP_BASIC, OP_CONFIG, OP_LOGOUT, OP_BACK_CHANNEL, FAPI)
