"""Owns what every page shares: its addresses, its CSRF token, who is signed in, what time it is.

Refuses absolute addresses: every link stays at the issuer, under its path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """Addresses of the User's pages. `prefix` is the path of the issuer without a closing slash: "" or "/id"."""

    prefix: str = ""

    @property
    def sign_in(self) -> str:
        """The choice of Providers."""
        return f"{self.prefix}/sign-in"

    def sign_in_with(self, registration_id: str) -> str:
        """Where a sign-in through one Registration begins (POST)."""
        return f"{self.sign_in}/{_segment(registration_id)}"

    @property
    def account(self) -> str:
        """The User's first page."""
        return f"{self.prefix}/account"

    @property
    def connections(self) -> str:
        """The User's Connections."""
        return f"{self.account}/connections"

    def connect(self, registration_id: str) -> str:
        """Where another account is connected, or one is connected again (POST)."""
        return f"{self.connections}/{_segment(registration_id)}"

    def disconnect(self, connection_id: str) -> str:
        """Confirmation (GET) and deed (POST) of ending a Connection."""
        return f"{self.connections}/{_segment(connection_id)}/disconnect"

    @property
    def sessions(self) -> str:
        """The User's Sessions."""
        return f"{self.account}/sessions"

    def end_session(self, session_id: str) -> str:
        """Where one Session is ended (POST)."""
        return f"{self.sessions}/{_segment(session_id)}/end"

    @property
    def end_other_sessions(self) -> str:
        """Where every Session but this one is ended (POST)."""
        return f"{self.sessions}/end-others"

    @property
    def end_all_sessions(self) -> str:
        """Confirmation (GET) and deed (POST) of signing out everywhere."""
        return f"{self.sessions}/end-all"

    @property
    def applications(self) -> str:
        """The Applications with access."""
        return f"{self.account}/applications"

    def remove_access(self, application_id: str) -> str:
        """Confirmation (GET) and deed (POST) of taking an Application's access away."""
        return f"{self.applications}/{_segment(application_id)}/remove"

    def dismiss_warning(self, grant_id: str) -> str:
        """Where a warning is put away (POST)."""
        return f"{self.applications}/{_segment(grant_id)}/dismiss"

    @property
    def archive(self) -> str:
        """Where everything that is kept is downloaded (POST)."""
        return f"{self.data}/archive"

    def correct(self, connection_id: str, attribute: str) -> str:
        """The form (GET) and deed (POST) of putting an attribute right."""
        return f"{self.data}/{_segment(connection_id)}/{_segment(attribute)}"

    def uncorrect(self, connection_id: str, attribute: str) -> str:
        """Where the Provider's value is wanted again (POST)."""
        return f"{self.correct(connection_id, attribute)}/uncorrect"

    @property
    def choices(self) -> str:
        """What the User may agree to, and what they did (GET); to say so (POST)."""
        return f"{self.account}/choices"

    @property
    def accept(self) -> str:
        """Where the documents are accepted (POST)."""
        return f"{self.sign_in}/accept"

    @property
    def decline(self) -> str:
        """Where they are not (POST)."""
        return f"{self.sign_in}/decline"

    @property
    def data(self) -> str:
        """Everything that is kept about the User."""
        return f"{self.account}/data"

    @property
    def erase(self) -> str:
        """Confirmation (GET) and deed (POST) of having the account erased."""
        return f"{self.account}/erase"

    @property
    def keep(self) -> str:
        """Whom a sign-in leads here has their account back."""
        return f"{self.account}/keep"

    @property
    def sign_out(self) -> str:
        """Where this browser is signed out (POST)."""
        return f"{self.account}/sign-out"

    @property
    def privacy(self) -> str:
        """What is kept, and why."""
        return f"{self.prefix}/privacy"

    @property
    def terms(self) -> str:
        """What people agree to."""
        return f"{self.prefix}/terms"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shell:
    """What surrounds a view.

    `csrf` goes into every form unless it is empty. `signed_in_as` is the name the User knows, "" where none is kept,
    None for a Visitor. `now` is in seconds since the epoch. `request_id` is what people quote when something went
    wrong.
    """

    request_id: str
    now: int
    csrf: str = field(default="", repr=False)
    signed_in_as: str | None = field(default=None, repr=False)
    links: Links = field(default_factory=Links)


def _segment(value: str) -> str:
    # RFC 3986 section 3.3: "/" and "?" inside an id would otherwise begin another segment or a query
    return quote(value, safe="")
