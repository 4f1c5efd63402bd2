"""Numbers in words: where a page says how long, how much or how often, the product's constant is that number."""

from __future__ import annotations

import pytest

from broker.domain import (
    attempt,
    authorize_request,
    dpop,
    grant,
    outbox,
    policy,
    pushed_request,
    refresh_token,
    session,
    session_token,
    signing_key,
    web_url,
)
from broker.jobs import DELIVER_EVERY, FORGET_EVERY
from broker.storage.store import CONNECTIONS
from broker.upstream import id_token, keys, metadata
from broker.web import guard, parameters, serving, surface, wellknown
from tests.docs.reading import DOCS
from tests.rules.tree import text

LIMIT = (guard.REFUSALS, guard.PER_SECONDS)
SAID = (
    ("reference/errors", "older than ten minutes", attempt.LIFETIME, 600),
    ("reference/errors", "larger than 64 KiB", surface.MAX_BODY, 64 * 1024),
    ("reference/errors", "longer than ten seconds to arrive", parameters.BODY_WITHIN, 10),
    (
        "reference/errors",
        "more than 100 refused requests within a minute",
        (guard.REFUSALS, guard.PER_SECONDS),
        (100, 60),
    ),
    ("reference/errors", "older than a minute", grant.CODE_LIFETIME, 60),
    ("reference/errors", "differ by more than 30 seconds", id_token.LEEWAY, 30),
    ("reference/urls", "at most 60 seconds old, and 10 ahead", (dpop.BEHIND, dpop.AHEAD), (60, 10)),
    ("reference/urls", "at most 64 KiB", surface.MAX_BODY, 64 * 1024),
    ("reference/urls", "be cached for five minutes", "max-age=300," in wellknown._CACHE, True),
    ("reference/urls", "at most 1024 characters", authorize_request._MAX_LENGTHS["state"], 1024),
    ("reference/urls", "not be longer than 2048 characters", authorize_request.MAX_KEPT, 2048),
    ("reference/urls", "`expires_in` (300 seconds)", pushed_request.LIFETIME, 300),
    ("reference/urls", "take an hour from the push", pushed_request.ON_ITS_WAY, 3600),
    ("reference/urls", "not be longer than 5120 characters", pushed_request.MAX_LENGTH, 5120),
    ("reference/urls", "at most 512 characters", authorize_request._MAX_LENGTHS["nonce"], 512),
    ("reference/urls", "within 60 seconds", grant.CODE_LIFETIME, 60),
    ("reference/settings", "have 30 seconds to finish", serving.GRACE, 30),
    ("reference/session-jwt", "live five minutes", session_token.LIFETIME, 300),
    ("reference/session-jwt", f"`{session_token.ACR}`", session_token.ACR, "urn:partner-ops:acr:provider"),
    ("reference/session-jwt", "at most 2400 bytes of JSON", session_token.MAX_CLAIMS, 2400),
    ("reference/session-jwt", "leave of the 2400", session_token.MAX_CLAIMS, 2400),
    ("reference/session-jwt", "have at most 400 bytes", session_token.MAX_ATTRIBUTES, 400),
    ("reference/session-jwt", "at most 512 characters", authorize_request._MAX_LENGTHS["nonce"], 512),
    ("reference/settings", "at most 255 characters", web_url.MAX_ORIGIN, 255),
    ("reference/clients", "at most 2000 characters", web_url.MAX_URL, 2000),
    ("reference/policy", "longer than 1024 characters", policy.MAX_VALUE, 1024),
    ("reference/logs", "the last good one is used for a day", metadata.LAST_GOOD_SECONDS, 24 * 3600),
    ("reference/logs", "the last good ones are used for a day", keys.LAST_GOOD_SECONDS, 24 * 3600),
    ("reference/ledger", "did not answer for a week", outbox.GIVE_UP_AFTER, 7 * 24 * 3600),
    ("reference/database", "after an hour without use", session.IDLE_LIFETIME, 3600),
    ("reference/database", "twelve hours after signing in", session.ABSOLUTE_LIFETIME, 12 * 3600),
    ("reference/database", "once a minute at most", session.TOUCH_EVERY, 60),
    ("reference/database", "every two seconds", DELIVER_EVERY, 2),
    ("reference/database", "every five minutes", FORGET_EVERY, 300),
    ("how-to/rotate-keys", "every five seconds", signing_key.RELOAD_EVERY, 5),
    ("how-to/rotate-keys", "for ten minutes and five seconds", signing_key.WINDOW, 605),
    ("how-to/rotate-keys", "twelve hours and five minutes", signing_key.DRAIN, 12 * 3600 + 300),
    ("how-to/rotate-keys", "A week before", signing_key.AHEAD, 7 * 24 * 3600),
    ("reference/settings", "ten minutes and five seconds", signing_key.WINDOW, 605),
    ("how-to/run", "up to ten connections", CONNECTIONS, 10),
    ("how-to/run", "thirty seconds for those in flight", serving.GRACE, 30),
    ("how-to/connect-an-application", "lives for five minutes", session_token.LIFETIME, 300),
    ("how-to/connect-an-application", "same successor for ten seconds", refresh_token.REPLAY_WITHIN, 10),
    ("how-to/connect-an-application", "thirty days after the sign-in", grant.REFRESH_LIFETIME, 30 * 86400),
    ("how-to/connect-an-application", "fourteen days without use", refresh_token.IDLE_LIFETIME, 14 * 86400),
    ("reference/urls", "works for 10 seconds more", refresh_token.REPLAY_WITHIN, 10),
    ("explain/sign-in", "not older than ten minutes", attempt.LIFETIME, 600),
    ("explain/sign-in", "younger than a minute", grant.CODE_LIFETIME, 60),
    ("explain/security", "a hundred refusals a minute", LIMIT, (100, 60)),
)


@pytest.mark.parametrize(("page", "said", "is_", "means"), SAID, ids=[f"{page}: {said}" for page, said, *_ in SAID])
def test_a_number_on_a_page_is_the_products(page: str, said: str, is_: object, means: object) -> None:
    """Change both, or neither."""
    assert said in " ".join(text(DOCS / f"{page}.md").split())
    assert is_ == means
