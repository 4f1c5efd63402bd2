"""Owns every state that the pages can be in, by name, and the same with hostile words in every place.

Refuses to leave a view out: a test compares the names below with what can be rendered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from broker.web.pages import documents, outcomes, problems
from broker.web.pages.parts import (
    ClientRights,
    ConsentClient,
    DataGroup,
    Link,
    Notice,
)
from broker.web.pages.views import (
    AccountView,
    DataView,
    DeviceAnsweredView,
    DeviceCodeView,
    FormPostView,
    PrivacyView,
    SessionsView,
    SignedOutView,
    SignOutView,
    TermsView,
    View,
)
from tests.web.pages.any_view import retold
from tests.web.pages.samples import (
    ACME,
    ADA,
    APPLICATIONS,
    ASKED,
    CHOICE,
    CONNECTIONS,
    CONSENT,
    CORP,
    DAY,
    DEMO,
    DEVICE,
    DISCONNECT,
    ELSEWHERE,
    ELSEWHERE_SIGNED_IN,
    END_ALL,
    GITHUB,
    GITHUB_CONNECTION,
    GLOBEX,
    GOOGLE,
    GOOGLE_CONNECTION,
    GOOGLE_DOWN,
    HERE,
    HIDDEN,
    KEPT,
    LOCAL,
    MICROSOFT,
    NOW,
    OFFERS,
    OLD_KEY,
    PENDING,
    PHONE,
    POLICY,
    REMOVE_ACCESS,
    SIGN_IN,
    TOLD,
    UNDER_A_PATH,
    VISITOR,
)

STATES: Mapping[str, View] = {
    "sign-in-one": SIGN_IN,
    "sign-in-many": replace(SIGN_IN, providers=(GOOGLE, MICROSOFT, GITHUB, CORP)),
    "sign-in-provider-down": replace(SIGN_IN, providers=(GOOGLE_DOWN, MICROSOFT)),
    "sign-in-invited": replace(SIGN_IN, application=None, notice="invited", invited_by="Acme Inc."),
    "sign-in-invited-by-somebody": replace(SIGN_IN, application=None, notice="invited"),
    "sign-in-session-expired": replace(SIGN_IN, notice="session_expired"),
    "sign-in-again": replace(SIGN_IN, shell=ADA, notice="again"),
    "sign-in-connect": replace(SIGN_IN, shell=ADA, application=None, notice="connect", providers=(MICROSOFT, GITHUB)),
    "sign-in-without-providers": replace(SIGN_IN, application=None, providers=()),
    "account": AccountView(shell=ADA, clients=(ACME, GLOBEX), connection_count=2, session_count=3, application_count=2),
    "account-warned": AccountView(
        shell=ADA,
        clients=(ACME,),
        application_count=0,
        notice=outcomes.old_keys_used(("Northwind Reports",), "/account/applications"),
    ),
    "account-one": AccountView(
        shell=ADA, clients=(ACME,), connection_count=1, session_count=1, application_count=1, needs_attention=True
    ),
    "account-nameless": AccountView(shell=replace(ADA, signed_in_as=""), clients=(ACME,)),
    "account-no-client": AccountView(shell=ADA, clients=(), invite_to="ada@acme.example"),
    "account-no-client-no-address": AccountView(shell=ADA, clients=()),
    "account-no-rights": AccountView(
        shell=ADA, clients=(ClientRights(client_org="acme", name="Acme Inc.", rights=()),)
    ),
    "connections": CONNECTIONS,
    "connections-none": replace(CONNECTIONS, connections=()),
    "connections-none-no-offers": replace(CONNECTIONS, connections=(), offers=()),
    "connections-needs-attention": replace(CONNECTIONS, connections=(GITHUB_CONNECTION, GOOGLE_CONNECTION)),
    "connections-connected": replace(CONNECTIONS, notice=outcomes.connected("Google")),
    "connections-told": replace(CONNECTIONS, ended=(TOLD,), notice=outcomes.disconnected("Google", "told")),
    "connections-pending": replace(
        CONNECTIONS,
        connections=(GITHUB_CONNECTION,),
        ended=(PENDING, TOLD, LOCAL, ELSEWHERE),
        notice=outcomes.disconnected("Google", "pending"),
    ),
    "connections-local": replace(
        CONNECTIONS,
        connections=(),
        ended=(LOCAL,),
        offers=(),
        notice=outcomes.disconnected("Microsoft", "local", LOCAL.settings),
    ),
    "connections-elsewhere": replace(
        CONNECTIONS, connections=(), ended=(ELSEWHERE,), notice=outcomes.disconnected("GitHub", "elsewhere")
    ),
    "disconnect": DISCONNECT,
    "disconnect-last-way-in": replace(DISCONNECT, last_way_in=True, offers=OFFERS[1:]),
    "disconnect-last-way-in-no-offers": replace(DISCONNECT, last_way_in=True, account=None),
    "sessions-one": SessionsView(shell=ADA, sessions=(HERE,)),
    "sessions-many": SessionsView(shell=ADA, sessions=(HERE, PHONE, ELSEWHERE_SIGNED_IN)),
    "sessions-one-ended": SessionsView(shell=ADA, sessions=(HERE,), notice=outcomes.session_ended()),
    "sessions-ended": SessionsView(shell=ADA, sessions=(HERE,), notice=outcomes.other_sessions_ended(2)),
    "end-all": END_ALL,
    "applications": APPLICATIONS,
    "applications-none": replace(APPLICATIONS, applications=(), notice=outcomes.access_removed("Demo")),
    "applications-warned": replace(APPLICATIONS, applications=(DEMO,), warnings=(OLD_KEY,)),
    "remove-access": REMOVE_ACCESS,
    "data": DataView(
        shell=ADA,
        groups=(
            DataGroup(title="From Google, ada@acme.example", rows=KEPT),
            DataGroup(title="From GitHub, ada-l", rows=()),
        ),
    ),
    "data-nothing": DataView(shell=ADA, groups=()),
    "data-export": DataView(
        shell=ADA,
        groups=(DataGroup(title="From Google, ada@acme.example", rows=KEPT[:1]),),
        notice=Notice(tone="plain", text="Your download is being made. We tell you here when it is ready."),
    ),
    "sign-out": SignOutView(
        shell=ADA,
        action="/oauth/logout",
        hidden=HIDDEN,
        application="Demo",
        cancel=Link(label="Stay signed in", href="/account"),
    ),
    "sign-out-plain": SignOutView(shell=VISITOR, action="/account/sign-out"),
    "signed-out": SignedOutView(shell=VISITOR, back=Link(label="Back to Demo", href="http://localhost:8002/")),
    "signed-out-and-more": SignedOutView(
        shell=VISITOR, notice=Notice(tone="plain", text="Demo could not be told yet; it will notice within 5 minutes.")
    ),
    "signed-out-plain": SignedOutView(shell=VISITOR),
    "error-attempt-expired": problems.attempt_expired(VISITOR, status=400),
    "error-attempt-elsewhere": problems.attempt_elsewhere(VISITOR, status=400),
    "error-declined": problems.declined(VISITOR, status=400, provider_name="Google"),
    "error-not-connected": problems.not_connected(VISITOR, status=400, provider_name="GitHub"),
    "error-somebody-elses": problems.somebody_elses(VISITOR, status=403, provider_name="GitHub"),
    "error-provider-down": problems.provider_down(VISITOR, status=502, provider_name="Google"),
    "error-link-broken": problems.link_broken(VISITOR, status=400),
    "error-not-entitled": problems.not_entitled(ADA, status=400),
    "error-not-found": problems.not_found(ADA, status=404),
    "error-too-many": problems.too_many(VISITOR, status=429, wait_seconds=90),
    "error-our-side": problems.our_side(VISITOR, status=500),
    "form-post": FormPostView(shell=VISITOR, action="https://app.example/callback", fields=HIDDEN),
    "consent": CONSENT,
    "consent-several-clients": replace(CONSENT, clients=CHOICE, may_choose=True, while_away=True),
    "consent-nothing-chosen": replace(
        CONSENT,
        clients=tuple(ConsentClient(client_org=c.client_org, name=c.name, rights=c.rights) for c in CHOICE),
        may_choose=True,
        error="Choose at least one organisation, or do not allow it.",
    ),
    "consent-narrowed": replace(CONSENT, narrowed=True),
    "consent-already": replace(CONSENT, attributes=ASKED[:1], already=("See your name", "Read reports for Acme Inc.")),
    "consent-nameless": replace(CONSENT, shell=replace(ADA, signed_in_as=""), attributes=()),
    "consent-nothing": replace(CONSENT, attributes=(), clients=()),
    "device": DeviceCodeView(shell=ADA, action="/device"),
    "device-filled-in": DeviceCodeView(shell=ADA, action="/device", typed="WDJB-MJHT"),
    "device-wrong": DeviceCodeView(shell=ADA, action="/device", typed="wdjb mjh", wrong=True),
    "device-confirm": DEVICE,
    "device-confirm-narrowed": replace(DEVICE, third_party=False, narrowed=True, while_away=False),
    "device-confirm-nothing": replace(DEVICE, shell=replace(ADA, signed_in_as=""), attributes=(), clients=()),
    "device-allowed": DeviceAnsweredView(shell=ADA, application="Northwind Reports", allowed=True),
    "device-denied": DeviceAnsweredView(shell=ADA, application="Northwind Reports", allowed=False),
    "privacy": PrivacyView(shell=VISITOR, last_revised=NOW - 12 * DAY, sections=documents.PRIVACY, providers=POLICY),
    "privacy-nothing": PrivacyView(shell=ADA, last_revised=NOW, sections=(), providers=()),
    "terms": TermsView(shell=VISITOR, last_revised=NOW - 12 * DAY, sections=documents.TERMS),
    "under-a-path": AccountView(shell=UNDER_A_PATH, clients=(ACME,)),
}

HOSTILE = "<script>alert('x')</script>\"'&amp; \u202egnp.exe \u0645\u0631\u062d\u0628\u0627 " + "W" * 250
"""Markup, quotes, an entity, a right-to-left override, Arabic, and a word that is longer than any line."""

HOSTILE_STATES: Mapping[str, View] = {
    f"hostile-{name}": retold(STATES[name], HOSTILE)
    for name in (
        "sign-in-invited",
        "sign-in-provider-down",
        "sign-in-again",
        "account",
        "account-no-client",
        "connections-needs-attention",
        "connections-local",
        "connections-pending",
        "disconnect",
        "disconnect-last-way-in",
        "sessions-many",
        "applications",
        "end-all",
        "applications",
        "applications-warned",
        "remove-access",
        "data",
        "sign-out",
        "signed-out",
        "signed-out-and-more",
        "error-declined",
        "form-post",
        "consent",
        "consent-nothing-chosen",
        "consent-already",
        "device-wrong",
        "device-confirm-narrowed",
        "device-allowed",
        "privacy",
        "terms",
    )
}
