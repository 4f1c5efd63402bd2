"""An ASGI application behind the real server, in a thread of its own, as a browser meets it.

Not for tests that can speak to the application in memory: `httpx2.ASGITransport` is quicker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import uvicorn

from tests.servers.port import Place, reserve
from tests.servers.process import PATIENCE, NotReady

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


@contextmanager
def serving(application: Application, place: Place | None = None) -> Iterator[str]:
    """Serve `application`; yield its URL. Where it must know that before it is built, `reserve` a place.

    Raises `NotReady` when the application's start fails. Leaving ends open connections after a second.
    """
    place = place or reserve()
    configuration = uvicorn.Config(
        application,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=1,
        ws="none",
    )
    server = uvicorn.Server(configuration)
    thread = threading.Thread(target=_run, args=(server, place), name=f"serving {place.url}", daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread, place)
        yield place.url
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        place.socket.close()


def _run(server: uvicorn.Server, place: Place) -> None:
    try:
        server.run(sockets=[place.socket])
    except SystemExit:  # how uvicorn says that it could not start; the waiting thread tells
        return


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread, place: Place) -> None:
    deadline = time.monotonic() + PATIENCE
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise NotReady(f"the application at {place.url} did not start")
        time.sleep(0.005)
