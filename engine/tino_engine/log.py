"""The engine's log: one JSON object a line, in the format the TypeScript side writes too.

    {"ts": "2026-11-21T12:00:00.123Z", "level": "info", "component": "supervision", "event": "healthy", "port": 4711}

Further keys are data; `run_id` and `trader_id` name what a record is about. Never in a record: tokens, keys, codes,
request bodies. The file rotates at 10 MB and five are kept. A full disk must never end the engine: a record that cannot
be written is counted and dropped.
"""

from __future__ import annotations

import logging
import logging.handlers
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from pathlib import Path

    from structlog.typing import EventDict, FilteringBoundLogger

ROTATE_BYTES = 10 * 1024 * 1024
KEPT_FILES = 5

dropped = 0
"""Records that could not be written since the start."""


class _Rotating(logging.handlers.RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        global dropped  # noqa: PLW0603 - one log a process
        dropped += 1


def _order(_logger: object, _name: str, record: EventDict) -> EventDict:
    """Put the agreed fields first, whatever order they were bound in."""
    head = {key: record.pop(key) for key in ("ts", "level", "component", "event") if key in record}
    return {**head, **record}


def _foreign(logger: object, name: str, record: EventDict) -> EventDict:
    """Give records of libraries a component: the library's."""
    origin = record.get("_record")
    if origin is not None and "component" not in record:
        record["component"] = origin.name.partition(".")[0]
    return record


def configure(path: Path, level: str = "info") -> None:
    """Send everything, the libraries' warnings included, to the file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = _Rotating(path, maxBytes=ROTATE_BYTES, backupCount=KEPT_FILES - 1, encoding="utf-8", delay=True)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _foreign],
            processors=[
                structlog.processors.format_exc_info,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _order,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("tino").setLevel(level.upper())
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def get(component: str) -> FilteringBoundLogger:
    """Give the logger of a component."""
    return structlog.get_logger("tino", component=component)
