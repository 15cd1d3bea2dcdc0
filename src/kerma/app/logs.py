"""Structured logs: one line an event on standard error, JSON or for people.

May touch the stream that it is given. Rules:

- Nothing that names a patient is written unless the configuration says so: fields that could are listed here and
  dropped.
- Text from outside is written on one line, without anything that a terminal would obey.
- A log that cannot be written (its reader is gone, the disk is full) never stops the work.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from kerma.app.settings import LogSection

Log = structlog.typing.FilteringBoundLogger
Event = MutableMapping[str, Any]

PATIENT_FIELDS = frozenset({"patient", "patient_id", "patient_name", "accession_number", "keys", "instance", "path"})
"""Fields whose values may name a patient: UIDs of instances and paths of files do so for whoever holds the images."""

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_CONTROL = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "\N{REPLACEMENT CHARACTER}")


def open_log(section: LogSection, stream: TextIO) -> Log:
    """A logger that writes to ``stream`` as the configuration says. Safe to share between threads."""
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _clean,
    ]
    if not section.patient_data:
        processors.append(_without_patient_data)
    if section.format == "json":
        processors.append(structlog.processors.JSONRenderer(sort_keys=False, ensure_ascii=False))
    else:
        processors.append(_console)
    logger: Log = structlog.wrap_logger(
        _StreamLogger(stream),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[section.level]),
        cache_logger_on_first_use=False,
    )
    return logger


class _StreamLogger:
    """Writes whole lines with one call each."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, message: str) -> None:
        try:
            self._stream.write(message + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return  # nowhere to say it

    debug = info = warning = error = critical = exception = msg


def _clean(logger: Any, method: str, event: Event) -> Event:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = value.translate(_CONTROL)
    return event


def _without_patient_data(logger: Any, method: str, event: Event) -> Event:
    for key in PATIENT_FIELDS & event.keys():
        del event[key]
    return event


def _console(logger: Any, method: str, event: Event) -> str:
    """``2026-01-31T12:00:00Z info     association ended   calling=CT1 stored=12``."""
    time, level, what = str(event.pop("timestamp", ""))[:19], event.pop("level", method), event.pop("event", "")
    fields = " ".join(f"{key}={_shown(value)}" for key, value in event.items() if value not in (None, ""))
    return f"{time}Z {level:<7} {what}{'  ' if fields else ''}{fields}"


def _shown(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return repr(text) if " " in text or "=" in text else text
