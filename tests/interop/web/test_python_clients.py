"""The DICOMweb clients of the Python world against ``kerma serve``: dicomweb-client, and wsidicom on top of it."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicomweb_client import DICOMwebClient
from PIL import Image
from requests import HTTPError
from tests.interop import studies
from wsidicom import WsiDicom, WsiDicomWebClient

import kerma

from .conftest import Served

# What these packages warn of is theirs.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture
def client(served: Served) -> DICOMwebClient:
    return DICOMwebClient(served.dicomweb)


def place(path: Path) -> tuple[str, str, str]:
    ds = pydicom.dcmread(path, stop_before_pixels=True)
    return str(ds.StudyInstanceUID), str(ds.SeriesInstanceUID), str(ds.SOPInstanceUID)


def value(found: dict[str, dict[str, list[str]]], tag: str) -> str:
    return found[tag]["Value"][0]


def test_searches(client: DICOMwebClient, served: Served) -> None:
    found = client.search_for_studies(search_filters={"PatientName": "*compressed*"}, fields=["StudyDescription"])
    assert len(found) == 4
    assert len(client.search_for_studies(limit=2, offset=1)) == 2
    ct = served.samples["ct"].study
    (series,) = client.search_for_series(ct, search_filters={"Modality": "CT"})
    uid = value(series, "0020000E")
    assert len(client.search_for_instances(ct, uid)) == 10
    assert len(client.search_for_instances(search_filters={"SeriesInstanceUID": uid})) == 10
    assert client.search_for_studies(search_filters={"PatientID": "nobody"}) == []


def test_metadata(client: DICOMwebClient, served: Served) -> None:
    for name in ("ct", "slide", "seg", "ecg"):
        study, series, instance = place(served.samples[name].paths[0])
        of_instance = client.retrieve_instance_metadata(study, series, instance)
        of_series = client.retrieve_series_metadata(study, series)
        of_study = client.retrieve_study_metadata(study)
        assert of_instance in of_series
        assert of_instance in of_study
        ds = pydicom.Dataset.from_json(json.dumps(of_instance), lambda tag, vr, uri: None)
        assert ds.SOPInstanceUID == instance


def test_instances(client: DICOMwebClient, served: Served) -> None:
    path = served.samples["ct"].paths[0]
    ds = client.retrieve_instance(*place(path))
    assert studies.same_values(ds, pydicom.dcmread(path))
    study, series, _ = place(path)
    assert len(client.retrieve_series(study, series)) == 10
    assert len(list(client.iter_study(study))) == 11
    path = served.samples["jpeg12"].paths[0]
    (as_stored,) = client.retrieve_series(*place(path)[:2], media_types=(("application/dicom", "*"),))
    assert as_stored.PixelData == pydicom.dcmread(path).PixelData


@pytest.mark.parametrize("name", ["ct", "echo", "jpeg2000", "htj2k", "jpeg12", "slide", "dose"])
def test_frames(client: DICOMwebClient, served: Served, name: str) -> None:
    """Decoded by the server for who asks for plain bytes."""
    path = served.samples[name].paths[0]
    ds = kerma.read(path)
    number = min(2, int(ds.get("NumberOfFrames") or 1))
    media = (("application/octet-stream", "1.2.840.10008.1.2.1"),)
    (frame,) = client.retrieve_instance_frames(*place(path), [number], media_types=media)
    wanted = kerma.pixels.frame(ds, number - 1)
    assert np.array_equal(np.frombuffer(frame, wanted.dtype).reshape(wanted.shape), wanted)


def test_frames_in_the_colour_that_the_metadata_tells(client: DICOMwebClient, served: Served) -> None:
    path = served.samples["colour"].paths[0]
    media = (("application/octet-stream", "1.2.840.10008.1.2.1"),)
    (frame,) = client.retrieve_instance_frames(*place(path), [1], media_types=media)
    stored = pydicom.pixels.pixel_array(path, raw=True)
    assert client.retrieve_instance_metadata(*place(path))["00280004"]["Value"] == ["YBR_FULL"]
    assert np.array_equal(np.frombuffer(frame, np.uint8).reshape(stored.shape), stored)


def test_several_frames(client: DICOMwebClient, served: Served) -> None:
    path = served.samples["echo"].paths[0]
    stored = client.retrieve_instance_frames(*place(path), [3, 1, 8], media_types=(("image/jpeg", "*"),))
    assert [Image.open(BytesIO(frame)).size for frame in stored] == [(320, 240)] * 3
    wanted = list(pydicom.encaps.generate_frames(pydicom.dcmread(path).PixelData, number_of_frames=8))
    assert stored == [wanted[2], wanted[0], wanted[7]]


def test_bulk_data(client: DICOMwebClient, served: Served) -> None:
    path = served.samples["ecg"].paths[0]
    metadata = client.retrieve_instance_metadata(*place(path))
    url = metadata["54000100"]["Value"][0]["54001010"]["BulkDataURI"]
    (data,) = client.retrieve_bulkdata(url)
    assert data == pydicom.dcmread(path).WaveformSequence[0].WaveformData


def test_rendered(client: DICOMwebClient, served: Served) -> None:
    where = place(served.samples["colour"].paths[0])
    for kind, name in (("image/png", "PNG"), ("image/jpeg", "JPEG")):
        picture = client.retrieve_instance_rendered(*where, media_types=(kind,))
        assert Image.open(BytesIO(picture)).format == name
        picture = client.retrieve_instance_frames_rendered(*where, [1], media_types=(kind,))
        assert Image.open(BytesIO(picture)).size == (640, 480)


def test_store_and_delete(client: DICOMwebClient, served: Served, tmp_path: Path) -> None:
    made = studies.make_series(tmp_path, 3, study=31)
    answer = client.store_instances([pydicom.dcmread(one.path) for one in made])
    assert len(answer.ReferencedSOPSequence) == 3
    with kerma.connect(f"KERMA@127.0.0.1:{served.peer.port}") as peer:
        got = {str(ds.SOPInstanceUID): ds for ds in peer.get(StudyInstanceUID=made[0].study_uid)}
    assert set(got) == {one.sop_instance_uid for one in made}
    client.delete_instance(made[0].study_uid, made[0].series_uid, made[0].sop_instance_uid)
    assert len(client.search_for_instances(made[0].study_uid)) == 2
    client.delete_study(made[0].study_uid)
    with pytest.raises(HTTPError, match="404"):
        client.retrieve_study_metadata(made[0].study_uid)


def test_wsidicom_reads_a_slide(served: Served) -> None:
    study, series, _ = place(served.samples["slide"].paths[0])
    with WsiDicom.open_web(WsiDicomWebClient.create_client(served.dicomweb), study, series) as slide:
        assert (slide.size.width, slide.size.height) == (3175, 2281)
        near = np.asarray(slide.read_region((1200, 900), 0, (480, 360)).convert("RGB"))
        small = slide.read_thumbnail((300, 300))
    assert near.shape == (360, 480, 3)
    assert near.std() > 3
    assert small.size[0] == 300
    tile = kerma.pixels.frame(kerma.read(served.samples["slide"].paths[0]), 4 * 14 + 5)
    # Row 4 and column 5 of the tiles begin at (1200, 960); two JPEG decoders may differ a little.
    assert np.abs(near[60:300, :240].astype(int) - tile).mean() < 2
