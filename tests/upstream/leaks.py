"""Looks for what must never be seen: secrets and a person's data in errors, their tracebacks and their reprs."""

from __future__ import annotations

import traceback
from collections.abc import Iterable

from tests.fakes.providers.provider import FakeProvider


def canaries(fake: FakeProvider) -> set[str]:
    """Every secret that was issued, and everything that is known about the person."""
    person = getattr(fake, "person", {})
    personal = (str(value) for name, value in person.items() if name != "tid" and not isinstance(value, bool))
    return {value for value in (fake.enrolled.secret, *fake.issued, *personal) if len(value) > 3}


def told_by(error: BaseException) -> str:
    """All that a log could write about an error and what led to it."""
    return "".join([*traceback.format_exception(error), repr(error), *map(repr, _chain(error))])


def leaked(fake: FakeProvider, *texts: str) -> set[str]:
    """The canaries that stand in one of the texts."""
    return {canary for canary in canaries(fake) for text in texts if canary in text}


def _chain(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
