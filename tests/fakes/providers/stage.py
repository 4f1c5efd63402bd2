"""One real server a worker, on which fake Providers come and go, each below a path of its own.

Starting a server takes longer than most tests; nothing is shared but the socket.
"""

from __future__ import annotations

import atexit
import itertools
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TypeVar

from starlette.applications import Starlette
from starlette.routing import Mount

from tests.fakes.providers.provider import FakeProvider
from tests.servers.asgi import serving

AnyFake = TypeVar("AnyFake", bound=FakeProvider)

_numbers = itertools.count(1)


@contextmanager
def on_stage(build: Callable[[str], AnyFake]) -> Iterator[AnyFake]:
    """Build a fake for the base URL it gets, and serve it for a while."""
    url, stage = _stage()
    path = f"/{next(_numbers)}"
    fake = build(url + path)
    mount = Mount(path, app=fake.app)
    stage.router.routes.append(mount)
    try:
        yield fake
    finally:
        stage.router.routes.remove(mount)


@cache
def _stage() -> tuple[str, Starlette]:
    stage, opened = Starlette(), ExitStack()
    url = opened.enter_context(serving(stage))
    atexit.register(_close, opened)
    return url, stage


def _close(opened: ExitStack) -> None:
    """What still hangs when all is over was meant to, and is nothing to report."""
    logging.getLogger("uvicorn.error").disabled = True
    opened.close()
