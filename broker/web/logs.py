"""Owns the form of the log: one JSON object a line on standard error. Refuses secrets by never being handed any."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson
import structlog

INFO, WARNING = logging.INFO, logging.WARNING


class _JsonLine(logging.Formatter):
    """What the standard library's loggers say, in the same form."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object. A traceback stays a traceback, without the values of variables."""
        line = {
            "event": record.getMessage(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def configure(level: int = INFO) -> None:
    """Set up logging for this process. Libraries' own loggers speak only when something is wrong.

    Authlib's debug output would print code verifiers, and uvicorn's access log query strings: both stay silent.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    structlog.configure(
        cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
    )
