"""Structured logs: events are named `room.verb_past`, ids are bound, never formatted into text."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog
from structlog.contextvars import bound_contextvars
from structlog.typing import FilteringBoundLogger, Processor

__all__ = ["bound_contextvars", "configure_logging", "get_logger"]


def configure_logging(
    level: str = "info", style: Literal["auto", "json", "console"] = "auto"
) -> None:
    """Send structured logs to standard error.

    Args:
        level: The lowest level that is written.
        style: `json` writes one object a line, `console` is for people, `auto` asks the terminal.
    """
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    renderer: Processor = (
        # Plain traces: the rich ones print every local variable, secrets included.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )


def get_logger() -> FilteringBoundLogger:
    """Return the logger; it carries whatever `bound_contextvars` has bound."""
    return structlog.get_logger()
