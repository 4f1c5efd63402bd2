"""Owns one consistent world to show on pages: Ada of Acme and Globex, her accounts, browsers and Clients.

Refuses real people and real addresses.
"""

from __future__ import annotations

from dataclasses import replace

from broker.domain.legal_document import read
from broker.settings.policy_file import SHIPPED
from broker.web.pages import words
from broker.web.pages.agreed_views import AcceptView, ChoicesView
from broker.web.pages.data import BesideRow, CorrectView, DataGroup, DataRow, DataView, MissingRow
from broker.web.pages.parts import (
    ApplicationCard,
    Attention,
    ClientRights,
    ConnectionCard,
    ConnectOffer,
    ConsentClient,
    EndedConnection,
    KeptRow,
    LegalText,
    Link,
    OldKeyWarning,
    OptionRow,
    PolicyRow,
    ProviderChoice,
    ProviderPolicy,
    Section,
    SessionRow,
    Staying,
    WantedAttribute,
)
from broker.web.pages.shell import Links, Shell
from broker.web.pages.views import (
    ApplicationsView,
    ConnectionsView,
    ConsentView,
    DeviceConfirmView,
    DisconnectView,
    EndAllView,
    RemoveAccessView,
    SignInView,
)

NOW = 1_795_356_300  # 22 November 2026, 14:05 UTC
DAY = 86_400

VISITOR = Shell(request_id="7f3c-91ad-20be", now=NOW, csrf="csrf-of-a-visitor")
ADA = Shell(request_id="7f3c-91ad-20be", now=NOW, csrf="csrf-of-ada", signed_in_as="Ada Lovelace")
UNDER_A_PATH = Shell(
    request_id="7f3c-91ad-20be", now=NOW, csrf="c", signed_in_as="Ada Lovelace", links=Links(prefix="/id")
)
HIDDEN = (("request", "sealed-authorize-request"),)

GOOGLE = ProviderChoice(
    registration_id="google",
    provider="google",
    label="Google",
    asks_for=words.asks_for("Google", ("name", "email")),
)
MICROSOFT = ProviderChoice(
    registration_id="microsoft",
    provider="microsoft",
    label="Microsoft",
    asks_for=words.asks_for("Microsoft", ("name", "email")),
)
GITHUB = ProviderChoice(
    registration_id="github", provider="github", label="GitHub", asks_for=words.asks_for("GitHub", ("email",))
)
CORP = ProviderChoice(
    registration_id="corp", provider="oidc", label="Acme single sign-on", asks_for=words.asks_for("Acme", ())
)
GOOGLE_DOWN = ProviderChoice(
    registration_id="google",
    provider="google",
    label="Google",
    asks_for=GOOGLE.asks_for,
    available=False,
    why_unavailable="Google is not answering at the moment. Choose another way, or try again in a few minutes.",
)
OFFERS = (
    ConnectOffer(registration_id="google", provider="google", label="Google"),
    ConnectOffer(registration_id="microsoft", provider="microsoft", label="Microsoft"),
    ConnectOffer(registration_id="github", provider="github", label="GitHub"),
    ConnectOffer(registration_id="corp", provider="oidc", label="Acme single sign-on"),
)

ACME = ClientRights(
    client_org="acme", name="Acme Inc.", rights=(words.right("invoices:read"), words.right("reports:read"))
)
GLOBEX = ClientRights(client_org="globex", name="Globex Corporation", rights=(words.right("reports:read"),))

KEPT = (
    KeptRow(
        attribute="Email address",
        value="ada@acme.example",
        purpose="Contact address for Partner Ops notices",
        since=NOW - 90 * DAY,
    ),
    KeptRow(
        attribute="Name",
        value="Ada Lovelace",
        purpose="Shown to colleagues in Partner Ops",
        since=NOW - 90 * DAY,
        until=NOW + 275 * DAY,
    ),
)
DATA = DataView(
    shell=ADA,
    groups=(
        DataGroup(
            title="From Google, ada@acme.example",
            provider_name="Google",
            connection_id="con-1",
            rows=(
                DataRow(
                    attribute="Email address",
                    name="email",
                    value="ada@acme.example",
                    purpose="Contact address for Partner Ops notices",
                    since=NOW - 90 * DAY,
                    told=("Demo", "Northwind Reports"),
                ),
                DataRow(
                    attribute="Name",
                    name="name",
                    value="Ada Byron, Countess of Lovelace",
                    purpose="Shown to colleagues in Partner Ops",
                    since=NOW - 90 * DAY,
                    until=NOW + 275 * DAY,
                    subject="directory",
                    correctable=True,
                    corrected=True,
                ),
            ),
            missing=(MissingRow(attribute="Language", name="locale", purpose="Pages in your language"),),
        ),
        DataGroup(title="From GitHub", provider_name="GitHub", connection_id="con-2", rows=()),
        DataGroup(title="From Corp", provider_name="Corp", connection_id="con-3", rows=(), readable=False),
    ),
    beside=(
        BesideRow(
            what="2 fingerprints of accounts, from which nobody can tell whose they are",
            why="So that we know you again when you sign in.",
            until="Until your account is erased",
            where=Link(label="Connections", href="/account/connections"),
        ),
        BesideRow(
            what="14 lines in our record",
            why="To prove what was done and decided. It holds no values but, at most, a shortened network address.",
            until="730 days after it was written",
        ),
    ),
)
CORRECT = CorrectView(
    shell=ADA,
    connection_id="con-1",
    name="name",
    attribute="Name",
    provider_name="Google",
    purpose="Shown to colleagues in Partner Ops",
    typed="Ada Byron",
)
GOOGLE_CONNECTION = ConnectionCard(
    connection_id="con-1",
    provider="google",
    provider_name="Google",
    account="ada@acme.example",
    state="active",
    kept=KEPT,
    scopes=words.scopes(("openid", "email", "profile", "offline_access")),
    connected_at=NOW - 90 * DAY,
    last_used_at=NOW - 3 * DAY,
    last_used_by="Demo",
)
GITHUB_CONNECTION = ConnectionCard(
    connection_id="con-2",
    provider="github",
    provider_name="GitHub",
    account="ada-l",
    state="needs_attention",
    kept=(),
    scopes=(),
    connected_at=NOW - 400 * DAY,
    attention=Attention(
        why="GitHub no longer accepts what we hold, perhaps because you changed your password there.",
        registration_id="github",
    ),
)
TOLD, PENDING, LOCAL, ELSEWHERE = (
    EndedConnection(
        provider="google",
        provider_name="Google",
        account="ada@home.example",
        ended_at=NOW - 7200,
        reach="told",
    ),
    EndedConnection(
        provider="google",
        provider_name="Google",
        account="ada@acme.example",
        ended_at=NOW - 40,
        reach="pending",
        next_try_at=NOW + 300,
    ),
    EndedConnection(
        provider="microsoft",
        provider_name="Microsoft",
        account="ada@acme.example",
        ended_at=NOW - 9 * DAY,
        reach="local",
        settings=Link(label="Remove Partner Ops at Microsoft", href="https://myapplications.microsoft.com/"),
    ),
    EndedConnection(
        provider="github", provider_name="GitHub", account=None, ended_at=NOW - 70 * DAY, reach="elsewhere"
    ),
)

HERE = SessionRow(
    session_id="s-1",
    device="Chrome on Windows",
    started_at=NOW - 1200,
    last_seen_at=NOW - 5,
    provider="google",
    provider_name="Google",
    current=True,
)
PHONE = SessionRow(
    session_id="s-2",
    device="Safari on iPhone",
    started_at=NOW - 5 * 3600,
    last_seen_at=NOW - 2400,
    provider="google",
    provider_name="Google",
    current=False,
    place="Leeds, United Kingdom",
)
ELSEWHERE_SIGNED_IN = SessionRow(
    session_id="s-3",
    device="Firefox on Linux",
    started_at=NOW - 11 * 3600,
    last_seen_at=NOW - 3500,
    provider="oidc",
    provider_name="Acme single sign-on",
    current=False,
)

DEMO = ApplicationCard(
    application_id="demo-app",
    name="Demo",
    own=True,
    in_use=True,
    while_away=False,
    sees=("Email address",),
    acts_for=("Acme Inc.", "Globex Corporation"),
    narrowed=False,
    since=NOW - 1100,
    last_used_at=NOW - 1100,
)
NORTHWIND = ApplicationCard(
    application_id="northwind",
    name="Northwind Reports",
    own=False,
    in_use=True,
    while_away=True,
    sees=("Email address", "Name"),
    acts_for=("Acme Inc.",),
    narrowed=True,
    since=NOW - 20 * DAY,
    last_used_at=NOW - 2 * DAY,
)
CALENDAR = ApplicationCard(
    application_id="calendar",
    name="Calendar",
    own=False,
    in_use=False,
    while_away=False,
    sees=(),
    acts_for=(),
    narrowed=False,
    since=NOW - 300 * DAY,
)
OLD_KEY = OldKeyWarning(grant_id="g-1", application="Northwind Reports", at=NOW - 7200)
OLD_CODE = OldKeyWarning(grant_id="g-2", application="Demo", at=NOW - 7200, of_sign_in=True)

ASKED = (
    WantedAttribute(
        attribute="Email address", value="ada@acme.example", purpose="To address you in its own audit trail"
    ),
    WantedAttribute(attribute="Name", value="Ada Lovelace", purpose="To show your colleagues who did what"),
)

SIGN_IN = SignInView(shell=VISITOR, application="Demo", providers=(GOOGLE,), hidden=HIDDEN)
CONNECTIONS = ConnectionsView(shell=ADA, connections=(GOOGLE_CONNECTION,), offers=OFFERS)
APPLICATIONS = ApplicationsView(shell=ADA, applications=(CALENDAR, DEMO, NORTHWIND))
REMOVE_ACCESS = RemoveAccessView(
    shell=ADA,
    application_id="northwind",
    application="Northwind Reports",
    stops=(
        "Within seconds Northwind Reports can see nothing of you and do nothing for you any more, in any browser.",
        "It cannot go on while you are away.",
    ),
    afterwards="Should you open Northwind Reports again, it asks you for your permission first.",
)
END_ALL = EndAllView(
    shell=ADA,
    stops=(
        "You are signed out of every browser, this one too.",
        "What Demo and Northwind Reports may see and do for you ends, also while you are away.",
        "Applications hear of it within seconds. You can sign in again at once.",
    ),
)
DISCONNECT = DisconnectView(
    shell=ADA,
    connection_id="con-1",
    provider="google",
    provider_name="Google",
    account="ada@acme.example",
    stops=(
        "You can no longer sign in with this Google account.",
        "Sessions that began with it end within seconds.",
    ),
    deleted=("Your email address and name from Google.", "Our access to your Google account."),
    reach=(
        "We tell Google to withdraw everything you allowed Partner Ops there. That ends it for every Google "
        "permission you gave us, not only this one."
    ),
    stays=(
        Staying(
            what="That you were connected, and when it ended",
            why="We must be able to show what was done with your account. It holds no name and no address.",
        ),
    ),
)
CONSENT = ConsentView(
    shell=ADA,
    action="/oauth/consent",
    application="Northwind Reports",
    attributes=ASKED,
    clients=(ConsentClient(client_org="acme", name="Acme Inc.", rights=ACME.rights),),
    hidden=HIDDEN,
)
DEVICE = DeviceConfirmView(
    shell=ADA,
    action="/device/answer",
    user_code="WDJB-MJHT",
    application="Northwind Reports",
    third_party=True,
    attributes=ASKED,
    clients=CONSENT.clients,
    while_away=True,
)
CHOICE = (
    ConsentClient(client_org="acme", name="Acme Inc.", rights=ACME.rights, chosen=True),
    ConsentClient(client_org="globex", name="Globex Corporation", rights=GLOBEX.rights),
)
POLICY = (
    ProviderPolicy(
        provider_name="Google",
        rows=(
            PolicyRow(
                attribute="Email address",
                purpose="Contact address for Partner Ops notices",
                released_for="Downstream services address the User in their own audit trails",
            ),
            PolicyRow(
                attribute="Name",
                purpose="Shown to colleagues in Partner Ops",
                until="For 365 days after it was taken",
                optional=True,
            ),
        ),
    ),
    ProviderPolicy(provider_name="Acme single sign-on", rows=()),
)


def legal_text(title: str, href: str, name: str) -> LegalText:
    """A document as it ships."""
    document = read((SHIPPED / f"{name}.md").read_text("utf-8"), NOW - 12 * DAY)
    return LegalText(
        title=title,
        href=href,
        version=document.version[:8],
        revised=document.revised,
        sections=tuple(Section(title=s.title, paragraphs=s.paragraphs) for s in document.sections),
    )


PRIVACY_TEXT = legal_text("Privacy policy", "/privacy", "privacy")
TERMS_TEXT = legal_text("Terms", "/terms", "terms")
OPTIONS = (
    OptionRow(
        subject="news",
        label="News",
        purpose="To tell what is new in Partner Ops, once a month at most",
        comes_with="Then we also keep your language from Google.",
    ),
    OptionRow(subject="analytics", label="Statistics", purpose="To see which pages help and which do not"),
    OptionRow(
        subject="google.picture",
        label="Picture",
        purpose="Shown beside the name",
        comes_with="Then we also keep your picture from Google.",
    ),
)
ACCEPT = AcceptView(
    shell=VISITOR,
    provider_name="Google",
    application="Demo",
    documents=(PRIVACY_TEXT, TERMS_TEXT),
    kept=POLICY[0].rows,
    options=OPTIONS,
    hidden=HIDDEN,
)
ENDING = replace(
    OPTIONS[0],
    since=NOW - 3 * DAY,
    ends=("Taking it back ends our access at Google too. Google ends everything that you allowed Partner Ops.",),
)
GITHUB_PAGE = Link(label="See your permissions at GitHub", href="https://github.com/settings/applications")
CHOICES = ChoicesView(shell=ADA, options=(replace(OPTIONS[0], since=NOW - 3 * DAY), *OPTIONS[1:]))
