"""Queries as the standard has them, asked by DCMTK and pynetdicom: roots, counts, character sets, cancel.

PS3.4 C.2.2 (matching), C.3.4 (optional keys), C.4.1 (C-FIND), C.4.2 (C-MOVE); PS3.3 C.12.1.1.2 (character sets).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from . import peers, studies
from .conftest import starter
from .processes import Peer
from .scu import DcmtkScu, KermaScu, PynetdicomScu, Scu

NAMES = {
    31: ("ISO_IR 100", "Äneas^Rüdiger"),
    32: ("ISO_IR 192", "Ünal^Şule"),
    33: ("GB18030", "Wang^XiaoDong=王^小东"),
    34: ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    35: ("ISO_IR 144", "Люкceмбypг"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """Patients of several alphabets, and one study of 300 images to be interrupted in."""
    folder = tmp_path_factory.mktemp("queries")
    for study, (charset, name) in NAMES.items():
        place = folder / "send" / str(study)
        place.mkdir(parents=True)
        ds = studies.template(8, 8)
        ds.SpecificCharacterSet = charset.split("\\")
        ds.PatientName, ds.PatientID = name, f"CS-{study}"
        ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{studies.ROOT}.{study}", f"{studies.ROOT}.{study}.1"
        ds.SOPInstanceUID, ds.PixelData = f"{studies.ROOT}.{study}.1.1", bytes(128)
        studies.write(place / "1.dcm", ds)
    studies.make_series(folder / "send" / "many", 300, study=36, patient_id="MANY", rows=32, columns=32)
    studies.make_series(folder / "send" / "mr", 2, study=36, series=2, patient_id="MANY", rows=32, columns=32)
    with starter(folder) as begin:
        destination = begin(peers.storescp, "-aet", "DEST")
        peer = begin(peers.kerma_serve, {"DEST": destination.port})
        done = DcmtkScu().store(peer, folder / "send")
        assert done.returncode == 0, done.stderr
        yield peer


@pytest.mark.parametrize("study", NAMES)
@pytest.mark.parametrize("scu", [DcmtkScu(), PynetdicomScu(), KermaScu()], ids=lambda scu: str(scu.name))
def test_names_of_other_alphabets_come_back(server: Peer, tmp_path: Path, scu: Scu, study: int) -> None:
    found = scu.find(server, tmp_path / "rsp", "study", {"PatientID": f"CS-{study}"}, ["PatientName"])
    assert [str(ds.PatientName) for ds in found] == [NAMES[study][1]]


@pytest.mark.parametrize("study", NAMES)
def test_names_are_matched_in_the_character_set_of_the_identifier(server: Peer, study: int) -> None:
    """Asked in UTF-8, whatever the archive's copy is written in (PS3.4 C.2.2.2)."""
    from pynetdicom import AE

    find = "1.2.840.10008.5.1.4.1.2.2.1"
    entity = AE()
    entity.add_requested_context(find)
    association = entity.associate(server.host, server.port, ae_title="KERMA")
    identifier = Dataset()
    identifier.SpecificCharacterSet = "ISO_IR 192"
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.PatientName = NAMES[study][1].split("=", 1)[0][:4] + "*"
    identifier.PatientID = ""
    answers = [answer for _, answer in association.send_c_find(identifier, find) if answer is not None]
    association.release()
    assert f"CS-{study}" in {answer.PatientID for answer in answers}
    assert {answer.PatientID for answer in answers} <= {f"CS-{one}" for one in NAMES}


@pytest.mark.parametrize("model", ["-P", "-S"])
def test_counts_and_modalities(server: Peer, tmp_path: Path, model: str) -> None:
    keys = {"PatientID": "MANY"} if model == "-S" else {"PatientID": "MANY", "StudyInstanceUID": f"{studies.ROOT}.36"}
    returns = ["NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances", "ModalitiesInStudy", "RetrieveAETitle"]
    found = DcmtkScu(model=model).find(server, tmp_path / "rsp", "study", keys, returns)
    assert len(found) == 1
    assert (found[0].NumberOfStudyRelatedSeries, found[0].NumberOfStudyRelatedInstances) == (2, 302)
    assert found[0].ModalitiesInStudy == "CT"
    assert found[0].RetrieveAETitle == "KERMA"


def test_patient_level_by_patient_root(server: Peer, tmp_path: Path) -> None:
    found = DcmtkScu(model="-P").find(server, tmp_path / "rsp", "patient", {"PatientID": "CS-3*"}, ["PatientName"])
    assert {ds.PatientID for ds in found} == {f"CS-{study}" for study in NAMES}


def test_patient_level_in_the_study_root_is_refused(server: Peer) -> None:
    """PS3.4 C.6.2: the study root has no patient level."""
    scu = DcmtkScu(options=["-v"])
    done = scu.call("findscu", server, ["-S", "-k", "QueryRetrieveLevel=PATIENT", "-k", "PatientID=*"])
    said = done.stdout + done.stderr
    assert "Success" not in said
    assert "DataSetDoesNotMatchSOPClass" in said, said


def test_a_cancelled_find_ends_with_cancel_or_had_ended(server: Peer) -> None:
    scu = DcmtkScu(options=["-v"])
    keys = ["-S", "-k", "QueryRetrieveLevel=IMAGE", "-k", f"StudyInstanceUID={studies.ROOT}.36"]
    keys += ["-k", f"SeriesInstanceUID={studies.ROOT}.36.1", "-k", "SOPInstanceUID", "--cancel", "5"]
    done = scu.call("findscu", server, keys)
    said = done.stdout + done.stderr
    assert "Cancel" in said or "Success" in said, said
    assert DcmtkScu().echo(server).returncode == 0


def test_a_cancelled_move_ends_with_cancel_and_counts(server: Peer) -> None:
    scu = DcmtkScu(options=["-v"])
    keys = ["-S", "-aem", "DEST", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={studies.ROOT}.36"]
    done = scu.call("movescu", server, [*keys, "--cancel", "3"])
    said = done.stdout + done.stderr
    assert "Cancel: SubOperationsTerminatedDueToCancelIndication" in said, said[-2000:]
    assert DcmtkScu().echo(server).returncode == 0
