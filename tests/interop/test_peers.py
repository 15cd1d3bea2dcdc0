"""The peers themselves work as the other tests rely on: they start, answer, keep what they are sent, and end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from . import peers, studies
from .processes import Peer, run

Start = Callable[..., Peer]
Program = Callable[[str], str]


@pytest.mark.parametrize(
    "make", [peers.storescp, peers.dcmqrscp, peers.pynetdicom_storescp, peers.pynetdicom_qrscp, peers.orthanc]
)
def test_peer_starts_and_answers_an_echo(make: Callable[..., Peer], start: Start, program: Program) -> None:
    peer = start(make)
    done = run([program("echoscu"), "-aec", peer.aet, peer.host, peer.port])
    assert (done.returncode, done.stderr) == (0, "")


def test_storescp_keeps_the_bytes_it_is_sent(start: Start, program: Program, ct_series: list[studies.Made]) -> None:
    peer = start(peers.storescp, "+B")
    folder = ct_series[0].path.parent
    done = run([program("storescu"), "+sd", "-R", peer.host, peer.port, folder], env=peers.DCMTK_ENV)
    assert done.returncode == 0, done.stderr
    assert studies.received(peer.extra["in"]) == studies.digests(ct_series)


def test_mixed_study_is_read_by_pydicom_in_every_syntax(mixed_study: list[studies.Made], tmp_path: Path) -> None:
    from pydicom import dcmread

    assert {one.syntax for one in mixed_study} >= {studies.EXPLICIT_BE, studies.DEFLATED_LE, studies.RLE}
    for one in mixed_study:
        ds = dcmread(one.path)
        assert ds.file_meta.TransferSyntaxUID == one.syntax
        assert ds.SOPInstanceUID == one.sop_instance_uid
        assert len(ds.PixelData) > 8000
