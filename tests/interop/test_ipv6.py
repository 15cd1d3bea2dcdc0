"""IPv6: pynetdicom's programs and Kerma's own on ``::1``. DCMTK before 3.6.8 and Orthanc speak IPv4 only."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from . import peers, studies
from .conftest import Start
from .scu import KermaScu, PynetdicomScu, Scu


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6 loopback")


@pytest.mark.parametrize("make", [KermaScu, PynetdicomScu])
def test_kerma_serves_over_ipv6(
    make: Callable[[], Scu], start: Start, ct_series: list[studies.Made], tmp_path: Path
) -> None:
    server = start(peers.kerma_serve, host="::1")
    scu = make()
    assert scu.echo(server).returncode == 0
    done = scu.store(server, ct_series[0].path.parent)
    assert done.returncode == 0, done.stderr
    done = scu.get(server, tmp_path / "got", "study", {"StudyInstanceUID": ct_series[0].study_uid})
    assert done.returncode == 0, done.stderr
    assert studies.received(server.extra["data"]) == studies.digests(ct_series)
    assert studies.have_the_values_of(tmp_path / "got", ct_series)


def test_kerma_sends_to_pynetdicom_over_ipv6(start: Start, ct_series: list[studies.Made]) -> None:
    scp = start(peers.pynetdicom_storescp, host="::1")
    done = KermaScu().store(scp, ct_series[0].path.parent)
    assert done.returncode == 0, done.stderr
    assert studies.received(scp.extra["in"]) == studies.digests(ct_series)


def test_kerma_queries_pynetdicom_over_ipv6(start: Start, ct_series: list[studies.Made], tmp_path: Path) -> None:
    scp = start(peers.pynetdicom_qrscp, host="::1")
    assert KermaScu().store(scp, ct_series[0].path.parent).returncode == 0
    found = KermaScu().find(scp, tmp_path, "study", {"PatientID": "IO-1"}, ["StudyInstanceUID"])
    assert {ds.StudyInstanceUID for ds in found} == {ct_series[0].study_uid}
