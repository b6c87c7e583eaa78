"""Logs: structlog for our own events, the same form for those of the libraries, secrets taken out of both."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor

from telemetry.redaction import redact_event

QUIET_LIBRARIES = ("aiokafka", "faust", "mode", "kafka", "httpx", "httpcore", "asyncio", "zeep")
"""Libraries whose everyday messages are of no use to anybody; warnings still come through."""

SILENT_LIBRARIES = ("kafka.admin._groups",)
"""It warns of every member of the intake's group: what Faust tells its group is no consumer protocol."""


def configure(*, level: str = "INFO", as_json: bool | None = None, stream: TextIO | None = None) -> None:
    """Set up logging for this process; the last call counts.

    Args:
        level: lowest level that is written.
        as_json: one JSON object a line; False is for people; None decides by whether a terminal is attached.
        stream: where to write; standard error by default.
    """
    stream = stream or sys.stderr
    if as_json is None:
        as_json = not stream.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        # Tracebacks become text here, so that the redaction below sees them too.
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
        redact_event,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in SILENT_LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
