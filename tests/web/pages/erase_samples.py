"""Owns what the pages about erasing an account are shown with."""

from __future__ import annotations

from broker.web.pages import words
from broker.web.pages.parts import ConnectOffer, ErasedAt, ReachAt, Staying
from broker.web.pages.privacy_views import ErasedView, EraseView
from tests.web.pages.samples import ADA, DAY, NOW, VISITOR

ERASE = EraseView(
    shell=ADA,
    word="erase",
    goes=("Everything that is kept about you, and the key that opens it.", "Every session, in every browser."),
    reaches=(
        ReachAt(provider_name="Google", reach="Google ends everything that it ever gave Partner Ops for your account."),
        ReachAt(provider_name="GitHub", reach="Only what this connection had ends."),
    ),
    stays=(Staying(what="A record that the account was erased", why="So that no back-up brings it back."),),
    grace_days=7,
    again=(ConnectOffer(registration_id="google", provider="google", label="Google"),),
)
ERASED = ErasedView(
    shell=VISITOR,
    told=(
        ErasedAt(provider_name="Google", result=words.revoked("revoked"), page="https://google.example/permissions"),
        ErasedAt(provider_name="GitHub", result=words.revoked("pending")),
    ),
    receipt='{\n  "receipt": {\n    "erased_at": 1800000000\n  },\n  "signature": "eyJ0eXAi.e30.c2ln"\n}',
)
ERASED_LATER = ErasedView(shell=VISITOR, erase_at=NOW + 7 * DAY)
