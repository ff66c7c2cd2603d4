"""Logging: structlog, one event name per line (`noun.past_verb`), data as keys."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

LogFormat = Literal["auto", "json", "console"]

_SECRET_TEXT = re.compile(
    r"(whsec_[\w+/=-]+|rv_[0-9A-Za-z]+_[\w-]+|[wp]k_[\w-]+|rpa_\w+|Bearer\s+\S+|/output/[^/\s{]+|/hooks/endpoint/[^/\s{]+"
    r"|(?i:x-amz-signature|x-amz-credential|x-amz-security-token|sig|token)=[^&\s\"']+)"
)
_STAMP = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _without_secrets(value: Any) -> Any:
    match value:
        case str():
            return _SECRET_TEXT.sub("[secret]", value)
        case dict():
            return {key: _without_secrets(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_without_secrets(inner) for inner in value]
        case _:
            return value


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cut anything that looks like a secret out of every text, whatever key it stands under."""
    for key, value in event.items():
        event[key] = _without_secrets(value)
    return event


def configure_logs(log_format: LogFormat = "auto", level: str = "INFO") -> None:
    """Write to standard error: JSON in production, readable lines on a terminal; what libraries warn of too."""
    console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    last: list[Any] = [
        structlog.processors.format_exc_info,  # before the redaction, so that tracebacks pass it too
        _redact,
        renderer,
    ]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, _STAMP, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _take_over_libraries(last)


class _Libraries(logging.Handler):
    """Writes what libraries log; to whatever standard error is at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        print(self.format(record), file=sys.stderr, flush=True)  # noqa: T201 - this is where lines are written


def _take_over_libraries(last: list[Any]) -> None:
    """Give the lines of uvicorn, asyncio and others the same form; without a handler they would be bare text."""
    handler = _Libraries(logging.WARNING)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                _STAMP,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    for earlier in [known for known in root.handlers if isinstance(known, _Libraries)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
