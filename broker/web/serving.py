"""Owns the HTTP server: uvicorn, with what a broker needs of it. Refuses its access log, which prints codes."""

from __future__ import annotations

import contextlib
import gc
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from broker.web import logs
from broker.web.surface import Surface

GRACE = 30
"""Seconds that requests in flight have to finish after SIGTERM."""

_COLLECT_AFTER = (20_000, 20, 50)
"""How many more objects were made than freed, then how often that happened, before each generation is looked at."""
_TIDY_AFTER = 100
"""Ticks of uvicorn's, of a tenth of a second each."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free one. Raises `OSError` when the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(2048)
    return listening


class _Ending(uvicorn.Server):
    """A server that ends what would go on for hours before it waits for requests to finish."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if isinstance(self.config.app, Surface):
            self.config.app.end_streams()
        await super().shutdown(sockets)


class _Settled(_Ending):
    """A server whose garbage collector leaves alone what was there at the start, and looks less often at the rest.

    What a request leaves behind is freed as it ends; going through every module's objects for it costs a tenth of it.
    So little is left that no full collection would ever come by itself, and only such a one empties the lists of freed
    tuples and the like that the interpreter keeps for reuse. Here it has a few thousand objects to look at.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)

    async def on_tick(self, counter: int) -> bool:
        if counter % _TIDY_AFTER == 0:
            gc.collect()
        return await super().on_tick(counter)


class _WithoutSignals(_Ending):
    """A server that leaves signals to whoever runs several of them in one process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(app: ASGIApp, *, lifespan: bool = True, signals: bool = True) -> uvicorn.Server:
    """A server for one application. Without `signals` it ends when its `should_exit` is set."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        lifespan="on" if lifespan else "off",
        timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=32 * 1024,
        http="httptools",
        loop="uvloop",
        ws="none",
    )
    return _Settled(config) if signals else _WithoutSignals(config)


def run(app: ASGIApp, listening: socket.socket) -> None:
    """Serve until a signal says to stop."""
    logs.configure()
    host, port = listening.getsockname()[:2]
    print(f"Serving on http://{host}:{port}", flush=True)  # noqa: T201 - what the operator waits for
    server(app).run(sockets=[listening])
