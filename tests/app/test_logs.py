"""Logs: one line an event, no patient data unless asked for, nothing that a terminal would obey."""

from __future__ import annotations

import io
import json

import pytest

from kerma.app.logs import PATIENT_FIELDS, open_log
from kerma.app.settings import LogSection


def test_json_lines_parse_and_hold_the_fields() -> None:
    stream = io.StringIO()
    log = open_log(LogSection(format="json"), stream)
    log.info("association ended", calling="CT1", stored=12, seconds=0.25)
    log.warning("second")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["event"], first["calling"], first["stored"], first["level"]) == (
        "association ended",
        "CT1",
        12,
        "info",
    )
    assert first["timestamp"].endswith("Z")
    assert second["level"] == "warning"


def test_console_lines_are_for_people() -> None:
    stream = io.StringIO()
    open_log(LogSection(), stream).info("association ended", calling="CT 1", stored=12, peer=None)
    line = stream.getvalue()
    assert line.endswith("info    association ended  calling='CT 1' stored=12\n")
    assert "peer" not in line


@pytest.mark.parametrize("style", ["json", "console"])
def test_no_patient_data_unless_asked_for(style: str) -> None:
    fields = {field: f"secret-{field}" for field in PATIENT_FIELDS}
    quiet, open_ = io.StringIO(), io.StringIO()
    open_log(LogSection(format=style), quiet).info("query", **fields)
    open_log(LogSection(format=style, patient_data=True), open_).info("query", **fields)
    assert "secret" not in quiet.getvalue()
    assert open_.getvalue().count("secret") == len(PATIENT_FIELDS)


@pytest.mark.parametrize("style", ["json", "console"])
def test_hostile_text_stays_on_its_line(style: str) -> None:
    stream = io.StringIO()
    open_log(LogSection(format=style), stream).info("association", calling="A\x1b[2J\r\nforged line\x9b")
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert not set("\x1b\r\x9b") & set(text)


def test_levels_below_are_not_written() -> None:
    stream = io.StringIO()
    log = open_log(LogSection(level="warning"), stream)
    log.info("quiet")
    log.debug("quieter")
    log.error("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()


def test_a_stream_that_is_gone_stops_nothing() -> None:
    stream = io.StringIO()
    log = open_log(LogSection(), stream)
    stream.close()
    log.error("into the void")
    assert stream.closed
