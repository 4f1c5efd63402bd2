"""Owns the words of the privacy and terms pages as they ship.

Refuses promises that the software does not keep by itself. A deployment with lawyers' words passes its own sections.
"""

from __future__ import annotations

from broker.web.pages.parts import Section

PRIVACY: tuple[Section, ...] = (
    Section(
        title="What happens when you sign in",
        paragraphs=(
            "You sign in with an account you already have. Your password stays with its provider.",
            "Of what the provider tells us, only what is listed above is kept.",
            "Everything else is thrown away before anything is stored or written to a log.",
        ),
    ),
    Section(
        title="How it is kept",
        paragraphs=(
            "What is kept about you, and the access the provider gave us, is encrypted with a key of your own.",
            "What is taken off the list above is deleted, also where we kept it before.",
            "Applications learn what you may do and for whom, and of the list above only what is marked as passed on.",
        ),
    ),
    Section(
        title="What you can do",
        paragraphs=(
            "Your account shows what is kept, why, and since when. You can end any session there.",
            "You can disconnect an account at any time. What we kept from it is then deleted.",
            "Where the provider offers a way, we also tell it to withdraw our access.",
            "We keep a record of what you allowed and ended, and when. It holds no names, addresses or other values.",
        ),
    ),
    Section(
        title="Cookies",
        paragraphs=("We set cookies only to sign you in and to keep you signed in. Nobody follows you with them.",),
    ),
)

TERMS: tuple[Section, ...] = (
    Section(
        title="What this is for",
        paragraphs=(
            "Partner Ops lets you work for the organisations that invited you.",
            "What you may do for each is decided by that organisation, which can change or withdraw it at any time.",
        ),
    ),
    Section(
        title="What we ask of you",
        paragraphs=(
            "Sign in only with accounts that are yours, and do not let others use them.",
            "If a session in your account is not yours, end it and tell the administrator of your organisation.",
        ),
    ),
    Section(
        title="Leaving",
        paragraphs=("You can disconnect your accounts and sign out at any time, without giving a reason.",),
    ),
)
