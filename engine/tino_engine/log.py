"""The engine's log: one JSON object a line, in the format the TypeScript side writes too (`contracts/log.ts`).

    {"ts": "2026-11-21T12:00:00.123Z", "level": "info", "component": "supervision", "event": "healthy", "pid": 7, "port": 4711}

Further keys are data, in snake case; `run_id` and `trader_id` name what a record is about.

*Secrets.* No caller logs a token, a key, a code or a request's body. Records also hold what others wrote: a library's
warning, an exception, what a strategy printed. So every record is redacted before it is written: values of keys that are
named like secrets, and texts that look like them. The rules are the contracts', the same in both languages.

*A full disk* must never end the engine. A record that cannot be written is counted and dropped; once there is room
again the next record is preceded by one that says how many are missing.

The file rotates at 10 MB and five are kept.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from tino_engine.contracts import HIDDEN_NAME, HIDDEN_TEXTS, LOG_FIELDS, LONGEST_LOG_TEXT, REDACTED

if TYPE_CHECKING:
    from pathlib import Path

    from structlog.typing import EventDict, FilteringBoundLogger

ROTATE_BYTES = 10 * 1024 * 1024
KEPT_FILES = 5

_HIDDEN_NAME = re.compile(HIDDEN_NAME, re.IGNORECASE | re.ASCII)
_HIDDEN_TEXTS = [re.compile(pattern, re.IGNORECASE | re.ASCII) for pattern in HIDDEN_TEXTS]


def redact(value: Any) -> Any:
    """Give the value without secrets: texts that look like one, and in mappings what is named like one."""
    match value:
        case str():
            return _redact_text(value)
        case dict():
            return {
                str(key): REDACTED if _HIDDEN_NAME.search(_snake(str(key))) and item is not None else redact(item)
                for key, item in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [redact(item) for item in value]
        case None | bool() | int() | float():
            return value
        case _:
            return _redact_text(str(value))


def _redact_text(text: str) -> str:
    if len(text) > LONGEST_LOG_TEXT:
        text = f"{text[:LONGEST_LOG_TEXT]}… ({len(text) - LONGEST_LOG_TEXT} more characters)"
    for pattern in _HIDDEN_TEXTS:
        text = pattern.sub(rf"\g<1>{REDACTED}", text)
    return text


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class _Rotating(logging.handlers.RotatingFileHandler):
    """A file that may be unwritable for a while."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=ROTATE_BYTES, backupCount=KEPT_FILES - 1, encoding="utf-8", delay=True)
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        before = self._dropped
        super().emit(record)
        if before and self._dropped == before:
            self._dropped = 0
            get("log").warning("records_dropped", count=before)

    def format(self, record: logging.LogRecord) -> str:
        # A write that failed may have left half a line behind, which the line break ends.
        text = super().format(record)
        return f"\n{text}" if self._dropped else text

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        self._dropped += 1
        # What the stream still holds would be written into the middle of a later record.
        stream, self.stream = self.stream, None  # type: ignore[assignment]
        with contextlib.suppress(OSError, ValueError):
            if stream is not None:
                stream.close()


def _stamp(_logger: object, _name: str, record: EventDict) -> EventDict:
    """Say when and who, with the milliseconds that the other language has."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {**record, "ts": now.replace("+00:00", "Z"), "pid": os.getpid()}


def _foreign(_logger: object, _name: str, record: EventDict) -> EventDict:
    """Give records of libraries a component: the library's."""
    origin = record.get("_record")
    if origin is not None and "component" not in record:
        record["component"] = origin.name.partition(".")[0]
    return record


def _finish(_logger: object, _name: str, record: EventDict) -> EventDict:
    """Redact, and put the agreed fields first, whatever order they were bound in."""
    record["event"] = str(record["event"])
    clean = redact(record)
    head = {key: clean.pop(key) for key in LOG_FIELDS if key in clean}
    return {**head, **clean}


def configure(path: Path, level: str = "info") -> None:
    """Send everything, the libraries' warnings included, to the file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = _Rotating(path)
    shared: list[Any] = [structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, _stamp]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _foreign],
            processors=[
                structlog.processors.format_exc_info,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _finish,
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
