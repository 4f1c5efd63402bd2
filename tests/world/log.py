"""What the broker writes to its log while a world is open, as text, in the product's own format.

Takes it before it reaches standard error; gives the settings of structlog and logging back in the end.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
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
    root, was_configured, before = logging.getLogger(), structlog.is_configured(), structlog.get_config()
    others, level = root.handlers[:], root.level
    root.handlers.clear()  # the product adds its own to none but its own
    with contextlib.redirect_stderr(stream):
        logs.configure()
    ours = root.handlers[:]
    root.handlers[:] = [*others, *ours]
    structlog.configure(**structlog.get_config() | {"cache_logger_on_first_use": False})
    _forget_cached_loggers()
    try:
        yield log
    finally:
        root.handlers[:] = [handler for handler in root.handlers if handler not in ours]
        root.setLevel(level)
        stream.detach()
        if was_configured:
            structlog.configure(**before)
        else:
            structlog.reset_defaults()


def _forget_cached_loggers() -> None:
    """A logger that was used after `logs.configure` writes to that standard error for ever: make it look anew."""
    lazy = type(structlog.get_logger())
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "broker":
            for value in list(vars(module).values()):
                if isinstance(value, lazy):
                    vars(value).pop("bind", None)
