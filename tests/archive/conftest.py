"""What the archive's tests share: instances made to measure, and an archive in a fresh folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kerma.archive import Archive
from kerma.archive.index import migrate
from kerma.dataset import Dataset
from kerma.services.providers import StoreOutcome, StoreRequest

EXPLICIT = "1.2.840.10008.1.2.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
Make = Callable[..., Dataset]
Store = Callable[..., StoreOutcome]


def make_instance(number: int = 1, *, study: int = 1, series: int = 1, pixels: int = 2048, **values: Any) -> Dataset:
    """A small CT image; ``values`` by keyword change it, None takes an attribute out."""
    ds = Dataset()
    everything = {
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPClassUID": CT,
        "SOPInstanceUID": f"1.2.3.{study}.{series}.{number}",
        "StudyDate": "20260102",
        "StudyTime": "101112",
        "AccessionNumber": f"ACC{study}",
        "Modality": "CT",
        "PatientName": "Müller^Hans",
        "PatientID": "P1",
        "PatientSex": "M",
        "StudyInstanceUID": f"1.2.3.{study}",
        "SeriesInstanceUID": f"1.2.3.{study}.{series}",
        "StudyID": str(study),
        "SeriesNumber": series,
        "InstanceNumber": number,
        "Rows": 32,
        "Columns": 32,
        **values,
    }
    for keyword, value in everything.items():
        if value is not None:
            setattr(ds, keyword, value)
    ds.add("PixelData", "OW", bytes([number % 256]) * pixels)
    return ds


def store_bytes(archive: Archive, data: bytes, request: StoreRequest, *, step: int = 1000) -> StoreOutcome:
    """Send encoded bytes in slices of ``step``."""
    sink = archive.begin(request)
    view = memoryview(data)
    for at in range(0, len(data), step):
        sink.write([view[at : at + step // 2], view[at + step // 2 : at + step]])
    return sink.commit()


def store_instance(archive: Archive, ds: Dataset, *, syntax: str = EXPLICIT) -> StoreOutcome:
    """Send a data set as an association would."""
    request = StoreRequest(str(ds.SOPClassUID), str(ds.SOPInstanceUID), syntax, calling_aet="MODALITY")
    return store_bytes(archive, ds.to_bytes(syntax), request)


@pytest.fixture(scope="session")
def empty_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index as the migrations leave it: they take most of the time of a new archive."""
    path = tmp_path_factory.mktemp("index") / "index.db"
    migrate.ensure(path)
    return path


@pytest.fixture
def folder(tmp_path: Path, empty_index: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(empty_index, folder)
    return folder


@pytest.fixture
def archive(folder: Path) -> Iterator[Archive]:
    with Archive.open(folder) as opened:
        yield opened


@pytest.fixture
def make() -> Make:
    return make_instance


@pytest.fixture
def store() -> Store:
    return store_instance
