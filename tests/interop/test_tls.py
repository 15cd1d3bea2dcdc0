"""DICOM over TLS with real programs: DCMTK's with ``+tls``, pynetdicom with an ``ssl`` context, Kerma's on both sides.

Certificates are made for the run by a test authority. Both sides show one (PS3.15 B.9 and B.10: TLS 1.2 or later).
"""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from . import peers, studies
from .conftest import Start
from .peers import TLSFiles
from .processes import Peer
from .raw import ABORT, Raw
from .scu import DcmtkScu, KermaScu


def dcmtk(tls: TLSFiles) -> DcmtkScu:
    return DcmtkScu(options=["+tls", str(tls.client_key), str(tls.client_cert), "+cf", str(tls.ca)])


def kerma(tls: TLSFiles, folder: Path, peer: Peer) -> KermaScu:
    files = (tls.client_cert, tls.client_key, tls.ca)
    config = peers.kerma_config(folder, tls=files, tls_peers={peer.aet: peer.port})
    return KermaScu(config=config, address=peer.aet.lower())


def test_dcmtk_stores_and_queries_over_tls(
    start: Start, tls_files: TLSFiles, ct_series: list[studies.Made], tmp_path: Path
) -> None:
    server = start(peers.kerma_serve, tls=tls_files)
    scu = dcmtk(tls_files)
    assert scu.echo(server).returncode == 0
    done = scu.store(server, ct_series[0].path.parent)
    assert done.returncode == 0, done.stderr
    assert studies.received(server.extra["data"]) == studies.digests(ct_series)
    found = scu.find(server, tmp_path / "rsp", "study", {"PatientID": "IO-1"}, ["StudyInstanceUID"])
    assert [ds.StudyInstanceUID for ds in found] == [ct_series[0].study_uid]


def test_kerma_sends_to_storescp_over_tls(
    start: Start, tls_files: TLSFiles, ct_series: list[studies.Made], tmp_path: Path
) -> None:
    scp = start(peers.storescp, tls=tls_files)
    scu = kerma(tls_files, tmp_path, scp)
    assert scu.echo(scp).returncode == 0
    done = scu.store(scp, ct_series[0].path.parent)
    assert done.returncode == 0, done.stderr
    assert studies.received(scp.extra["in"]) == studies.digests(ct_series)


def test_kerma_to_kerma_over_tls(
    start: Start, tls_files: TLSFiles, ct_series: list[studies.Made], tmp_path: Path
) -> None:
    server = start(peers.kerma_serve, tls=tls_files)
    scu = kerma(tls_files, tmp_path, server)
    done = scu.store(server, ct_series[0].path.parent)
    assert done.returncode == 0, done.stderr
    done = scu.get(server, tmp_path / "got", "study", {"StudyInstanceUID": ct_series[0].study_uid})
    assert done.returncode == 0, done.stderr
    assert studies.received(tmp_path / "got") == studies.digests(ct_series)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_pynetdicom_echoes_over_each_version(start: Start, tls_files: TLSFiles, version: ssl.TLSVersion) -> None:
    from pynetdicom import AE

    server = start(peers.kerma_serve, tls=tls_files)
    secure = ssl.create_default_context(cafile=str(tls_files.ca))
    secure.load_cert_chain(str(tls_files.client_cert), str(tls_files.client_key))
    secure.minimum_version = secure.maximum_version = version
    entity = AE(ae_title="PYNET")
    entity.add_requested_context("1.2.840.10008.1.1")
    association = entity.associate(server.host, server.port, ae_title="KERMA", tls_args=(secure, "localhost"))
    assert association.is_established
    assert association.send_c_echo().Status == 0
    association.release()


def test_a_caller_without_certificate_is_refused_and_the_server_lives(start: Start, tls_files: TLSFiles) -> None:
    server = start(peers.kerma_serve, tls=tls_files)
    stranger = DcmtkScu(options=["+tla", "+cf", str(tls_files.ca)])
    assert stranger.echo(server).returncode != 0
    assert DcmtkScu().echo(server).returncode != 0  # plain DICOM to the secured port
    assert dcmtk(tls_files).echo(server).returncode == 0


def test_kerma_refuses_a_server_of_another_authority(start: Start, tls_files: TLSFiles, tmp_path: Path) -> None:
    import trustme

    scp = start(peers.storescp, tls=tls_files)
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    files = (tls_files.client_cert, tls_files.client_key, other)
    config = peers.kerma_config(tmp_path, tls=files, tls_peers={scp.aet: scp.port})
    done = KermaScu(config=config, address=scp.aet.lower()).echo(scp)
    assert done.returncode == 1
    assert "certificate" in done.stderr.lower()
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_tls_hello_on_the_plain_port_is_answered_by_an_abort(start: Start, tls_files: TLSFiles) -> None:
    server = start(peers.kerma_serve)
    assert dcmtk(tls_files).echo(server).returncode != 0
    with Raw.connect(server.host, server.port) as raw:
        raw.send(bytes.fromhex("1603010200010001fc0303") + bytes(506))
        assert raw.receive()[0] in (ABORT, 0)
    assert DcmtkScu().echo(server).returncode == 0
