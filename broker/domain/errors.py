"""Owns the ways in which the broker says no.

    BrokerError
     ├─ Refusal             the caller has to change something; nothing was changed
     │   ├─ OAuthRefusal    the same, in the words of RFC 6749, for an Application
     │   └─ NotFound        no such thing, or not the caller's: the two cannot be told apart
     └─ Fault               something the broker depends on does not answer; trying again may help

Refuses HTTP: which status an error has is decided in `web/errors.py` alone.
"""

from __future__ import annotations


class BrokerError(Exception):
    """An outcome with a stable code, a sentence for people, and separate detail for the log.

    `detail` never holds a secret, a token or a person's data.
    """

    def __init__(self, code: str, sentence: str, *, detail: str = "") -> None:
        super().__init__(f"{code}: {detail or sentence}")
        self.code = code
        self.sentence = sentence
        self.detail = detail


class Refusal(BrokerError):
    """The request cannot be granted as it is."""


class NotFound(Refusal):
    """There is no such thing for this caller."""

    def __init__(self, *, detail: str = "") -> None:
        super().__init__("not_found", "There is nothing at this address.", detail=detail)


class OAuthRefusal(Refusal):
    """A refusal in the vocabulary of RFC 6749 sections 4.1.2.1 and 5.2; `code` is its `error`."""


class Fault(BrokerError):
    """Something the broker depends on failed. `retry_after` is in seconds."""

    def __init__(self, code: str, sentence: str, *, detail: str = "", retry_after: int = 5) -> None:
        super().__init__(code, sentence, detail=detail)
        self.retry_after = retry_after


class Conflict(BrokerError):
    """A write lost a race: a unique key was taken, or a compare-and-set found another value.

    Flows turn it into what it means where it happens; it never reaches a person.
    """

    def __init__(self, what: str) -> None:
        super().__init__("conflict", "Somebody else changed this at the same moment.", detail=what)
        self.what = what


class SealBroken(BrokerError):
    """A sealed value does not open: damaged, moved, truncated, of another key. One error for all causes."""

    def __init__(self) -> None:
        super().__init__("seal_broken", "A sealed value could not be opened.")
