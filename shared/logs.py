"""Logging: structlog, one event name per line (`noun.past_verb`), data as keys."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

LogFormat = Literal["auto", "json", "console"]

_SECRET_TEXT = re.compile(
    r"(whsec_[\w+/=-]+|rv_[0-9A-Za-z]+_[\w-]+|wk_[\w-]+|Bearer\s+\S+|/output/[^/\s{]+|/hooks/endpoint/[^/\s{]+"
    r"|(?i:x-amz-signature|x-amz-credential|sig|token)=[^&\s]+)"
)


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cut anything that looks like a secret out of every text, whatever key it stands under."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _SECRET_TEXT.sub("[secret]", value)
    return event


def configure_logs(log_format: LogFormat = "auto", level: str = "INFO") -> None:
    """Write to standard error: JSON in production, readable lines on a terminal."""
    console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,  # before the redaction, so that tracebacks pass it too
            _redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
