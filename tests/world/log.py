"""What the broker writes to its log while a world is open, as text, in the product's own format.

Takes it before it reaches standard error; gives structlog's and logging's settings back in the end.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator

import structlog

from broker.web import logs


class Log:
    """Grows while the world runs. Worlds inside worlds: the innermost gets every line."""

    def __init__(self) -> None:
        self.written = io.BytesIO()

    @property
    def text(self) -> str:
        """Everything so far."""
        return self.written.getvalue().decode()


@contextlib.contextmanager
def captured() -> Iterator[Log]:
    """Set logging up as `broker serve` does, with a `Log` in the place of standard error."""
    log = Log()
    stream = io.TextIOWrapper(log.written, encoding="utf-8", write_through=True)
    was_configured, before = structlog.is_configured(), structlog.get_config()
    with contextlib.redirect_stderr(stream):
        logs.configure()
    # Cached loggers would go on writing here after the world has ended.
    structlog.configure(**structlog.get_config() | {"cache_logger_on_first_use": False})
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield log
    finally:
        logging.getLogger().removeHandler(handler)
        stream.detach()
        if was_configured:
            structlog.configure(**before)
        else:
            structlog.reset_defaults()
