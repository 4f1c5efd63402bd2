"""Owns the form of the log: one JSON object a line on standard error. Refuses secrets by never being handed any."""

from __future__ import annotations

import logging
import sys

import orjson
import structlog

INFO, WARNING = logging.INFO, logging.WARNING


def configure(level: int = INFO) -> None:
    """Set up logging for this process. Libraries' own loggers speak only when something is wrong.

    Authlib's debug output would print code verifiers, and uvicorn's access log query strings: both stay silent.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
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
