"""Owns what is said after a deed: connected, disconnected, ended.

Refuses more certainty than there is: a Provider that has not been told yet is called that.
"""

from __future__ import annotations

from collections.abc import Sequence

from broker.web.pages.parts import Link, Notice, Reach
from broker.web.pages.words import listed

_UNFINISHED = ("pending", "local", "untold")


def connected(provider_name: str) -> Notice:
    """Another account is there, or one is in order again."""
    return Notice(tone="good", text=f"{provider_name} is connected. What is kept, and why, is shown below.")


def disconnected(provider_name: str, reach: Reach, settings: Link | None = None) -> Notice:
    """A Connection was ended; `settings` is where the User can look at the Provider's side."""
    return Notice(tone="warn" if reach in _UNFINISHED else "good", text=_after(provider_name, reach), link=settings)


def account_kept() -> Notice:
    """Whoever was about to be erased is not."""
    return Notice(tone="good", text="Your account is kept. Applications ask for your permission again.")


def corrected(attribute: str) -> Notice:
    """The User put an attribute right; `attribute` in words, inside a sentence."""
    text = f"Your {attribute} is corrected. Signing in does not change it any more."
    return Notice(tone="good", text=text)


def uncorrected(attribute: str, provider_name: str) -> Notice:
    """The Provider's value is wanted again."""
    return Notice(tone="good", text=f"Your {attribute} is taken from {provider_name} again, from your next sign-in on.")


def session_ended() -> Notice:
    """One Session was ended."""
    return Notice(tone="good", text="That browser has been signed out. You are still signed in here.")


def other_sessions_ended(number: int) -> Notice:
    """All Sessions but this one were ended."""
    if number == 0:
        return Notice(tone="plain", text="There was no other session to end.")
    browsers = "One other browser has" if number == 1 else f"{number} other browsers have"
    return Notice(tone="good", text=f"{browsers} been signed out. You are still signed in here.")


def signed_out_everywhere() -> Notice:
    """Every Session was ended."""
    return Notice(tone="good", text="Every browser has been signed out, and no application can go on without you.")


def allowed() -> Notice:
    """Something optional was allowed."""
    return Notice(tone="good", text="Allowed. What belongs to it comes with your next sign-in.")


def taken_back(deleted: str, ended: Sequence[tuple[str, Reach, Link | None]] = ()) -> Notice:
    """Something optional was taken back; `deleted` names in words what went with it, "" for nothing.

    `ended`: each Provider whose access ended with it, whether it knows, and where the User can look at its side.
    """
    gone = f"We have deleted your {deleted} here." if deleted else "Nothing was kept for it."
    told = [f"Our access at {name} ended too. {whether_told(name, reach)}" for name, reach, _ in ended]
    unfinished = [settings for _, reach, settings in ended if reach in _UNFINISHED]
    return Notice(
        tone="warn" if unfinished else "good",
        text=" ".join(["Taken back.", gone, *told]),
        link=next(filter(None, unfinished), None),
    )


def whether_told(provider_name: str, reach: Reach) -> str:
    """A sentence about a Provider whose access ended here."""
    match reach:
        case "told":
            return f"{provider_name} has been told."
        case "pending":
            return f"{provider_name} could not be reached yet; we keep trying."
        case "local":
            return f"{provider_name} offers no way to be told, so remove Partner Ops there too."
        case "elsewhere":
            return f"{provider_name} had ended it already."
        case "untold":
            return f"{provider_name} could not be told, so remove Partner Ops there too."


def access_removed(application: str) -> Notice:
    """An Application's access was taken away."""
    return Notice(tone="good", text=f"{application} has no access any more.")


def old_keys_used(applications: Sequence[str], where: str) -> Notice:
    """Somebody used old keys of these Applications; `where` leads to what happened."""
    text = f"Somebody used an old key of {listed(applications)}, so we ended the access that came with it."
    return Notice(tone="bad", text=text, link=Link(label="See what happened", href=where))


def _after(provider_name: str, reach: Reach) -> str:
    match reach:
        case "told":
            return f"Disconnected here, and {provider_name} has been told."
        case "elsewhere":
            return f"{provider_name} had ended this already. What was kept here is deleted."
        case _:
            return f"Disconnected here. {whether_told(provider_name, reach)}"
