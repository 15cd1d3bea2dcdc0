"""From configuration to what the server and the archive take, and from what they report to log lines."""

from __future__ import annotations

import io
import json
from typing import Any

from kerma.app import config as configuration
from kerma.app.archives import archive_settings
from kerma.app.logs import open_log
from kerma.app.reporting import Reporter
from kerma.app.serving import server_config
from kerma.app.settings import LogSection
from kerma.archive.config import Duplicates
from kerma.errors import OutOfResourcesError
from kerma.net.server import KnownPeer
from kerma.net.summary import AssociationSummary

PEERS = "ct=CT1@10.0.0.7:104"


def test_the_server_gets_what_is_configured() -> None:
    config = configuration.load(
        environ={
            "KERMA_SERVER_AET": "ARC",
            "KERMA_SERVER_DICOM": "127.0.0.1:1,[::1]:2",
            "KERMA_SERVER_DICOM_TLS": "0.0.0.0:3",
            "KERMA_TLS_CERT": "/c.pem",
            "KERMA_LIMITS_MAX_BUSY": "9",
            "KERMA_ARCHIVE_PRIVATE_SOP_CLASSES": "1.2.3",
            "KERMA_PEERS": PEERS,
        }
    )
    server = server_config(config)
    assert server.aet == "ARC"
    assert server.listen == (("127.0.0.1", 1), ("::1", 2))
    assert server.listen_tls == (("0.0.0.0", 3),)
    assert server.tls is not None
    assert server.tls.cert == "/c.pem"
    assert server.limits.max_busy == 9
    assert server.private_storage_classes == ("1.2.3",)
    assert server.known_peers == (KnownPeer("CT1", None),)


def test_on_loopback_everyone_is_known_and_elsewhere_nobody_else() -> None:
    assert server_config(configuration.load(environ={"KERMA_PEERS": PEERS})).known_peers is None
    closed = configuration.load(environ={"KERMA_PEERS": PEERS, "KERMA_SERVER_OPEN": "false"})
    assert server_config(closed).known_peers == (KnownPeer("CT1", None),)


def test_the_archive_gets_what_is_configured() -> None:
    settings = archive_settings(
        configuration.load(environ={"KERMA_ARCHIVE_DUPLICATES": "replace", "KERMA_SERVER_AET": "ARC"})
    )
    assert (settings.duplicates, settings.retrieve_aet) == (Duplicates.REPLACE, "ARC")


def report(level: str = "info") -> tuple[Reporter, io.StringIO]:
    stream = io.StringIO()
    return Reporter(open_log(LogSection(format="json", level=level), stream)), stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_association_is_one_line() -> None:
    reporter, stream = report()
    reporter.ended(
        AssociationSummary(
            "10.0.0.7:999",
            calling_aet="CT1",
            called_aet="KERMA",
            duration=1.23456,
            operations={"C-STORE": 12, "C-ECHO": 1},
            failures={"C-STORE A700": 2},
            bytes_received=1000,
            end="released",
        )
    )
    (line,) = lines(stream)
    assert line["event"] == "association ended"
    assert line["operations"] == "12 C-STORE, 1 C-ECHO"
    assert line["failures"] == "2 C-STORE A700"
    assert (line["seconds"], line["received"], line["level"]) == (1.235, 1000, "warning")


def failure(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


def test_our_errors_are_told_and_foreign_ones_keep_their_text_to_themselves() -> None:
    reporter, stream = report("debug")
    reporter.failed("C-STORE failed", failure(OutOfResourcesError("the disk is full", hint="free some space")))
    reporter.failed("C-FIND failed", failure(ValueError("Doe^Jane is no date")))
    ours, foreign, trace = lines(stream)
    assert ours["reason"] == "the disk is full (free some space)"
    assert (foreign["error"], foreign["level"]) == ("ValueError", "error")
    assert foreign["at"].startswith("test_serving.py:")
    assert trace["event"] == "traceback"
    assert "Doe" not in stream.getvalue()


def test_a_cut_at_the_end_is_told() -> None:
    reporter, stream = report()
    reporter.drained(True)
    assert lines(stream) == []
    reporter.drained(False)
    assert lines(stream)[0]["event"] == "associations were cut"
