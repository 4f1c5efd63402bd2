"""What can go wrong in signing in, as pages for people: what happened, and what to do.

Shows no text that came with the request: codes are looked up here, and an unknown one gets the general words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """A problem in three sentences."""

    title: str
    sentence: str
    advice: str


class Problem(Exception):
    """The sign-in stops here; `code` is a key of the table below, `status` that of the answer."""

    def __init__(self, code: str, *, status: int = 400) -> None:
        super().__init__(code)
        self.code = code if code in _WORDS else "unknown_error"
        self.status = status

    @property
    def words(self) -> Words:
        return _WORDS[self.code]


_AGAIN = "Try again. If it happens once more, tell us what you did."

_WORDS: Mapping[str, Words] = {
    "access_denied": Words(
        title="You are not signed in",
        sentence="The sign-in was declined, or Partner Ops does not know you for this organisation.",
        advice="Nothing was shared with this Application. You can try again, or with another account.",
    ),
    "login_required": Words(
        title="Please sign in",
        sentence="Partner Ops does not have a session for you any more.",
        advice="Sign in again to go on.",
    ),
    "consent_required": Words(
        title="Your agreement is needed",
        sentence="Partner Ops has to ask you before it can tell this Application who you are.",
        advice="Sign in again, and answer the question.",
    ),
    "temporarily_unavailable": Words(
        title="Partner Ops cannot be reached",
        sentence="The sign-in service does not answer just now.",
        advice="Wait a minute, then try again.",
    ),
    "not_started_here": Words(
        title="This sign-in was not started here",
        sentence="It was started in another browser, it is finished already, or it took longer than ten minutes.",
        advice="Nothing was changed. Start again from this page.",
    ),
    "wrong_issuer": Words(
        title="The answer came from somebody else",
        sentence="Somebody other than Partner Ops answered the sign-in, so it was thrown away.",
        advice="Nothing was changed. Start again, and only from this page.",
    ),
    "code_refused": Words(
        title="The sign-in could not be completed",
        sentence="Partner Ops refused to exchange the code: it was used, or too old, or made for other software.",
        advice=_AGAIN,
    ),
    "token_refused": Words(
        title="The sign-in could not be completed",
        sentence="What Partner Ops said about you could not be verified, so it was thrown away.",
        advice=_AGAIN,
    ),
    "form_refused": Words(
        title="That came from another page",
        sentence="For your safety, this Application only acts on its own buttons.",
        advice="Go back to the start page and press the button there.",
    ),
    "unknown_error": Words(
        title="The sign-in did not work",
        sentence="Partner Ops answered with an error.",
        advice=_AGAIN,
    ),
}
