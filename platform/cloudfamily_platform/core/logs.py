"""Structured logs: JSON lines, or coloured lines for a terminal. No personal data belongs in them."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import structlog


def configure(level: str, form: str, file: Path | None = None) -> None:
    """Sets up structlog and the standard library's logging alike. `level`: debug…error; `form`: json or console; to stderr, or appended to `file`."""
    out = file.open("a", encoding="utf-8") if file else sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: structlog.typing.Processor = structlog.dev.ConsoleRenderer() if form == "console" else structlog.processors.JSONRenderer(ensure_ascii=False)
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=last, foreign_pre_chain=shared))
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)
