"""Every SCU against every SCP where one side is Kerma: echo, store, find, get and move with real processes.

DCMTK's and pynetdicom's programs work on ``kerma serve``; ``kerma echo send find get move`` work on DCMTK's
``dcmqrscp``, pynetdicom's ``qrscp`` and Orthanc. What was stored and what comes back is the data set
that was sent, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import peers, studies
from .conftest import Start, starter
from .processes import Peer
from .scu import DcmtkScu, KermaScu, PynetdicomScu, Scu

SCUS: dict[str, Callable[[], Scu]] = {"dcmtk": DcmtkScu, "pynetdicom": PynetdicomScu, "kerma": KermaScu}
SCPS: dict[str, Callable[..., Peer]] = {
    "kerma": peers.kerma_serve,
    "dcmqrscp": peers.dcmqrscp,
    "qrscp": peers.pynetdicom_qrscp,
    "orthanc": peers.orthanc,
}
PAIRS = [
    ("dcmtk", "kerma"),
    ("pynetdicom", "kerma"),
    ("kerma", "kerma"),
    ("kerma", "dcmqrscp"),
    ("kerma", "qrscp"),
    ("kerma", "orthanc"),
]


@dataclass
class Pair:
    """An SCU, an archive that it has filled, and a storescp that the archive knows as a move destination."""

    scu: Scu
    scp: Peer
    destination: Peer
    made: list[studies.Made]

    @property
    def study(self) -> str:
        return self.made[0].study_uid

    @property
    def is_pynetdicom_archive(self) -> bool:
        return self.scp.name == "pynetdicom-qrscp"


@pytest.fixture(scope="module", params=PAIRS, ids=["-to-".join(pair) for pair in PAIRS])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    scu_name, scp_name = request.param
    folder = tmp_path_factory.mktemp("pair")
    made = studies.make_series(folder / "send", 4, study=3, series=1)
    # DCMTK's storescu proposes the uncompressed syntaxes in one context and writes what is taken of them.
    second = studies.EXPLICIT_LE if scu_name == "dcmtk" else studies.IMPLICIT_LE
    made += studies.make_series(folder / "send", 3, study=3, series=2, syntax=second)
    other = studies.make_series(folder / "send", 1, study=4, patient_id="IO-2", patient_name="Other^Otto")
    with starter(folder) as begin:
        destination = begin(peers.storescp, "+B", "-aet", "DEST")
        scp = begin(SCPS[scp_name], {"DEST": destination.port})
        scu = SCUS[scu_name]()
        done = scu.store(scp, folder / "send")
        assert done.returncode == 0, done.stderr + scp.output()
        yield Pair(scu, scp, destination, made + other)


def test_echo(pair: Pair) -> None:
    done = pair.scu.echo(pair.scp)
    assert done.returncode == 0, done.stderr


def test_stored_bytes_are_the_sent_ones(pair: Pair) -> None:
    if pair.scp.aet != "KERMA":
        return _other_archives_hold_the_instances(pair)
    assert studies.received(pair.scp.extra["data"]) == studies.digests(pair.made)
    return None


def _other_archives_hold_the_instances(pair: Pair) -> None:
    assert set(studies.received(pair.scp.extra["store"])) == {one.sop_instance_uid for one in pair.made}


@pytest.mark.parametrize(
    ("keys", "patients"),
    [
        ({"PatientID": "IO-1"}, {"IO-1"}),
        ({"PatientName": "Inter*"}, {"IO-1"}),
        ({"StudyDate": "20260101-20260131"}, {"IO-1", "IO-2"}),
        ({"StudyDate": "20270101-"}, set()),
        ({"StudyInstanceUID": f"{studies.ROOT}.4"}, {"IO-2"}),
        ({"StudyInstanceUID": f"{studies.ROOT}.4\\{studies.ROOT}.3"}, {"IO-1", "IO-2"}),
        ({"ModalitiesInStudy": "MR"}, set()),
    ],
    ids=["id", "wildcard", "range", "open-range", "uid", "uid-list", "modalities"],
)
def test_find_studies(pair: Pair, tmp_path: Path, keys: dict[str, str], patients: set[str]) -> None:
    if "ModalitiesInStudy" in keys and pair.scp.aet == "QRSCP":
        keys = {"PatientID": "NOBODY"}  # neither dcmqrscp nor qrscp knows ModalitiesInStudy
    if "\\" in keys.get("StudyInstanceUID", "") and pair.is_pynetdicom_archive:
        keys = {"StudyInstanceUID": "*"}  # pynetdicom's qrscp knows no list of UIDs
    found = pair.scu.find(pair.scp, tmp_path / "rsp", "study", keys, ["PatientID", "StudyInstanceUID"])
    assert {ds.PatientID for ds in found} == patients
    if not pair.is_pynetdicom_archive:  # which answers once for each instance of a study
        assert len(found) == len(patients)


def test_find_series_and_instances(pair: Pair, tmp_path: Path) -> None:
    series = pair.scu.find(
        pair.scp, tmp_path / "a", "series", {"StudyInstanceUID": pair.study}, ["SeriesInstanceUID", "Modality"]
    )
    assert {(ds.SeriesInstanceUID, ds.Modality) for ds in series} == {
        (f"{pair.study}.1", "CT"),
        (f"{pair.study}.2", "CT"),
    }
    keys = {"StudyInstanceUID": pair.study, "SeriesInstanceUID": f"{pair.study}.2"}
    images = pair.scu.find(pair.scp, tmp_path / "b", "image", keys, ["SOPInstanceUID"])
    assert {ds.SOPInstanceUID for ds in images} == {f"{pair.study}.2.{n}" for n in (1, 2, 3)}


def test_get_a_series(pair: Pair, tmp_path: Path) -> None:
    keys = {"StudyInstanceUID": pair.study, "SeriesInstanceUID": f"{pair.study}.1"}
    done = pair.scu.get(pair.scp, tmp_path / "got", "series", keys)
    assert done.returncode == 0, done.stderr
    made = [one for one in pair.made if one.series_uid == f"{pair.study}.1"]
    if pair.is_pynetdicom_archive or isinstance(pair.scu, PynetdicomScu):
        # pynetdicom prefers implicit VR, decodes, and encodes again: the values are what must be the same.
        assert studies.have_the_values_of(tmp_path / "got", made)
    else:
        assert studies.received(tmp_path / "got") == studies.digests(made)


def test_move_a_study(pair: Pair) -> None:
    done = pair.scu.move(pair.scp, "DEST", "study", {"StudyInstanceUID": f"{studies.ROOT}.4"})
    assert done.returncode == 0, done.stderr
    wanted = studies.digests(one for one in pair.made if one.study_uid == f"{studies.ROOT}.4")
    assert studies.received(pair.destination.extra["in"]) == wanted


def test_move_to_nobody_fails(pair: Pair) -> None:
    done = pair.scu.move(pair.scp, "NOWHERE", "study", {"StudyInstanceUID": pair.study})
    if isinstance(pair.scu, DcmtkScu | PynetdicomScu):
        # Their exit status does not tell the status of a C-MOVE; DCMTK prints it.
        assert "Success" not in done.stdout + done.stderr
    else:
        assert done.returncode == 1
        # Orthanc says C000 where A801 (move destination unknown) is meant.
        assert "A801" in done.stderr.upper() or pair.scp.name == "orthanc", done.stderr


@pytest.mark.parametrize("make", [peers.storescp, peers.pynetdicom_storescp])
def test_kerma_sends_to_a_bare_storage_scp(
    make: Callable[..., Peer], start: Start, ct_series: list[studies.Made]
) -> None:
    peer = start(make)
    done = KermaScu().store(peer, ct_series[0].path.parent)
    assert done.returncode == 0, done.stderr
    assert studies.received(peer.extra["in"]) == studies.digests(ct_series)


@pytest.mark.parametrize("scu", SCUS.values(), ids=SCUS)
def test_kerma_listen_takes_what_is_sent(scu: Callable[[], Scu], start: Start, ct_series: list[studies.Made]) -> None:
    peer = start(peers.kerma_listen)
    assert scu().echo(peer).returncode == 0
    done = scu().store(peer, ct_series[0].path.parent)
    assert done.returncode == 0, done.stderr
    assert studies.received(peer.extra["in"]) == studies.digests(ct_series)
