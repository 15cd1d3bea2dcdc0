"""In, found, opened, deleted: the archive's happy ways and its rules for duplicates, identity and counts."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kerma
from kerma.archive import Archive, ArchiveConfig, Duplicates
from kerma.dataset import Dataset
from kerma.errors import ArchiveError, FormatError, InvalidInstanceError, NotFoundError, UsageError
from kerma.formats import part10
from kerma.query import from_keys
from kerma.query.model import Level, Query, Root
from kerma.services.providers import StoreOutcome, StoreRequest

EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
CT = "1.2.840.10008.5.1.4.1.1.2"
Make = Callable[..., Dataset]
Store = Callable[..., StoreOutcome]


def files_below(folder: Path, name: str) -> list[Path]:
    return [path for path in (folder / name).rglob("*") if path.is_file()]


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"])
def test_stored_found_and_read(archive: Archive, make: Make, store: Store, syntax: str) -> None:
    ds = make()
    assert store(archive, ds, syntax=syntax) is StoreOutcome.STORED
    (instance,) = archive.instances(from_keys("image", {"SOPInstanceUID": ds.SOPInstanceUID}))
    assert (instance.sop_class_uid, instance.transfer_syntax_uid) == (CT, syntax)
    with instance.open() as source:
        assert source.read(instance.dataset_offset, instance.dataset_length) == ds.to_bytes(syntax)
    (found,) = archive.find(level="image", return_keys=("PatientName", "Rows", "PixelSpacing"))
    assert (found.PatientName, found.Rows, found.PixelSpacing) == ("Müller^Hans", 32, None)
    back = archive.open(str(ds.SOPInstanceUID))
    assert back.PatientName == "Müller^Hans"
    assert back.meta is not None
    assert back.meta.SourceApplicationEntityTitle == "MODALITY"
    assert archive.check().clean


def test_a_file_keeps_its_own_bytes(archive: Archive, make: Make, tmp_path: Path) -> None:
    path = tmp_path / "one.dcm"
    part10.write(make(), path)
    data = b"\x01" * 128 + path.read_bytes()[128:]
    path.write_bytes(data)
    result = archive.ingest(path)
    assert (result.outcome, result.size) == (StoreOutcome.STORED, len(data))
    assert archive.file_bytes(result.sop_instance_uid) == data
    assert archive.ingest(data).outcome is StoreOutcome.IDENTICAL
    assert archive.ingest(io.BytesIO(data)).outcome is StoreOutcome.IDENTICAL
    assert archive.ingest(kerma.read(data)).outcome is StoreOutcome.IDENTICAL


def test_a_data_set_without_file_head_gets_ours(archive: Archive, make: Make) -> None:
    ds = make()
    raw = ds.to_bytes(IMPLICIT)
    assert archive.ingest(raw).outcome is StoreOutcome.STORED
    assert archive.open(str(ds.SOPInstanceUID)).to_bytes(IMPLICIT) == raw
    assert archive.reindex() == 1


def test_what_cannot_be_ingested(archive: Archive, tmp_path: Path, make: Make) -> None:
    with pytest.raises(NotFoundError):
        archive.ingest(tmp_path / "nothing.dcm")
    with pytest.raises(UsageError):
        archive.ingest(5)
    with pytest.raises(FormatError):
        archive.ingest(b"GET / HTTP/1.1\r\n\r\n" * 30)
    with pytest.raises(InvalidInstanceError):
        archive.ingest(make(SOPInstanceUID=None))


def test_identical_is_success_and_nothing_is_done(archive: Archive, folder: Path, make: Make, store: Store) -> None:
    assert store(archive, make()) is StoreOutcome.STORED
    assert store(archive, make()) is StoreOutcome.IDENTICAL
    assert len(files_below(folder, "blobs")) == 1
    assert not files_below(folder, "incoming")
    assert archive.stats().instances == 1


@pytest.mark.parametrize(
    ("policy", "outcome", "name", "blobs", "aside"),
    [
        (Duplicates.QUARANTINE, StoreOutcome.QUARANTINED, "Müller^Hans", 1, 1),
        (Duplicates.KEEP_FIRST, StoreOutcome.KEPT_FIRST, "Müller^Hans", 1, 0),
        (Duplicates.REPLACE, StoreOutcome.REPLACED, "Other", 1, 0),
    ],
)
def test_another_under_the_same_uid(
    folder: Path, make: Make, store: Store, policy: Duplicates, outcome: StoreOutcome, name: str, blobs: int, aside: int
) -> None:
    with Archive.open(folder, config=ArchiveConfig(duplicates=policy)) as archive:
        store(archive, make())
        assert store(archive, make(PatientName="Other")) is outcome
        assert archive.open("1.2.3.1.1.1").PatientName == name
        assert len(files_below(folder, "blobs")) == blobs
        assert len(files_below(folder, "quarantine")) == archive.stats().quarantined == aside
        assert archive.stats().instances == 1
        assert archive.check().clean


def test_concurrent_stores_of_one_uid(archive: Archive, folder: Path, make: Make, store: Store) -> None:
    barrier = threading.Barrier(8)
    outcomes: list[StoreOutcome] = []

    def run(number: int) -> None:
        ds = make(PatientName=f"N{number % 2}")
        barrier.wait(30)
        outcomes.append(store(archive, ds))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert outcomes.count(StoreOutcome.STORED) == 1
    assert outcomes.count(StoreOutcome.IDENTICAL) == 3
    assert outcomes.count(StoreOutcome.QUARANTINED) == 4
    assert len(files_below(folder, "blobs")) == 1
    assert archive.check().clean


def test_concurrent_stores_of_many(archive: Archive, make: Make, store: Store) -> None:
    barrier = threading.Barrier(4)
    errors: list[ArchiveError] = []

    def run(series: int) -> None:
        barrier.wait(30)
        try:
            for number in range(25):
                store(archive, make(number, series=series))
        except ArchiveError as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(series,)) for series in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    (study,) = archive.find(return_keys=("NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"))
    assert (study.NumberOfStudyRelatedSeries, study.NumberOfStudyRelatedInstances) == (4, 100)
    assert archive.check().clean


@pytest.mark.parametrize(
    "values",
    [
        {"StudyInstanceUID": None},
        {"SeriesInstanceUID": None},
        {"StudyInstanceUID": "../../etc/passwd"},
        {"SOPClassUID": None},
        {"SOPInstanceUID": None},
        {"SOPInstanceUID": "1.2.3.9"},
        {"SOPClassUID": "1.2.3.9"},
    ],
)
def test_what_is_no_instance(archive: Archive, folder: Path, make: Make, values: dict[str, Any]) -> None:
    data = make(**values).to_bytes(EXPLICIT)
    sink = archive.begin(StoreRequest(CT, "1.2.3.1.1.1", EXPLICIT))
    sink.write([memoryview(data)])
    with pytest.raises(InvalidInstanceError):
        sink.commit()
    sink.abort()
    assert not files_below(folder, "incoming")
    assert not files_below(folder, "blobs")


@pytest.mark.parametrize(
    "request_",
    [
        StoreRequest(CT, "../../etc/passwd", EXPLICIT),
        StoreRequest(CT, "1." * 5000 + "1", EXPLICIT),
        StoreRequest(CT, "", EXPLICIT),
        StoreRequest("x", "1.2", EXPLICIT),
        StoreRequest(CT, "1.2", "1.2.3.4.5.6.7.8.9"),
        StoreRequest(CT, "1.2\n", EXPLICIT),
    ],
)
def test_impossible_requests(archive: Archive, folder: Path, request_: StoreRequest) -> None:
    with pytest.raises(InvalidInstanceError):
        archive.begin(request_)
    assert not files_below(folder, "incoming")


@pytest.mark.parametrize("cut", [1, 100, 2000, 2047, 2055])
def test_a_cut_data_set_is_refused(archive: Archive, folder: Path, make: Make, cut: int) -> None:
    data = make().to_bytes(EXPLICIT)
    sink = archive.begin(StoreRequest(CT, "1.2.3.1.1.1", EXPLICIT))
    sink.write([memoryview(data)[:-cut]])
    with pytest.raises(InvalidInstanceError):
        sink.commit()
    assert not files_below(folder, "blobs")


def test_nonsense_is_refused(archive: Archive, folder: Path) -> None:
    sink = archive.begin(StoreRequest(CT, "1.2.3", EXPLICIT))
    with pytest.raises(InvalidInstanceError):  # noqa: PT012 (either call may notice)
        sink.write([memoryview(b"\xff" * 100_000)])
        sink.commit()
    with pytest.raises(ArchiveError):
        sink.write([memoryview(b"x")])
    assert not files_below(folder, "incoming")


def test_abort_leaves_nothing(archive: Archive, folder: Path, make: Make) -> None:
    sink = archive.begin(StoreRequest(CT, "1.2.3", EXPLICIT))
    sink.write([memoryview(make().to_bytes(EXPLICIT))[:500]])
    sink.abort()
    sink.abort()
    with pytest.raises(ArchiveError):
        sink.commit()
    assert not files_below(folder, "incoming")


def test_hostile_values_are_bounded(archive: Archive, make: Make, store: Store) -> None:
    ds = make(PatientName="x" * 10_000, StudyDescription="y" * 10_000, PatientID="z" * 10_000, StudyDate="99999999")
    assert store(archive, ds) is StoreOutcome.STORED
    (found,) = archive.find(return_keys=("PatientName", "StudyDescription"))
    assert len(found.PatientName or "") == len(found.StudyDescription or "") == 4096


def test_a_huge_header_keeps_its_small_values(folder: Path, make: Make, store: Store) -> None:
    with Archive.open(folder, config=ArchiveConfig(max_header=20_000)) as archive:
        ds = make()
        ds.add(0x00091001, "OB", b"x" * 60_000)
        ds.ImageComments = "kept"
        store(archive, ds)
        (found,) = archive.find(level="image", return_keys=("ImageComments",))
        assert found.ImageComments == "kept"


def test_levels_counts_and_sets(archive: Archive, make: Make, store: Store) -> None:
    store(archive, make(1))
    store(archive, make(2))
    store(archive, make(1, series=2, Modality="SR", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11"))
    store(archive, make(1, study=2, StudyDate="20260201"))
    (patient,) = archive.find(
        level="patient",
        return_keys=(
            "PatientID",
            "NumberOfPatientRelatedStudies",
            "NumberOfPatientRelatedSeries",
            "NumberOfPatientRelatedInstances",
        ),
    )
    assert [patient[tag].value for tag in (0x00201200, 0x00201202, 0x00201204)] == [2, 3, 4]
    first = next(
        archive.find(
            StudyInstanceUID="1.2.3.1",
            return_keys=(
                "ModalitiesInStudy",
                "SOPClassesInStudy",
                "InstanceAvailability",
                "RetrieveAETitle",
                "NumberOfStudyRelatedSeries",
            ),
        )
    )
    assert first.ModalitiesInStudy == ("CT", "SR")
    assert first.SOPClassesInStudy == (CT, "1.2.840.10008.5.1.4.1.1.88.11")
    assert (first.InstanceAvailability, first.RetrieveAETitle, first.NumberOfStudyRelatedSeries) == (
        "ONLINE",
        "KERMA",
        2,
    )
    (series,) = archive.find(level="series", Modality="SR", return_keys=("NumberOfSeriesRelatedInstances",))
    assert series.NumberOfSeriesRelatedInstances == 1


def test_patients_are_told_apart_by_id_and_issuer(archive: Archive, make: Make, store: Store) -> None:
    store(archive, make(1))
    store(archive, make(1, study=2, IssuerOfPatientID="OTHER"))
    store(archive, make(1, study=3, PatientID=None))
    store(archive, make(1, study=4, PatientID=None))
    assert archive.stats().patients == 4
    assert len(list(archive.find(PatientID="P1"))) == 2
    assert len(list(archive.find(PatientID='""'))) == 2


def test_the_first_instance_decides(archive: Archive, make: Make, store: Store) -> None:
    store(archive, make(1))
    store(archive, make(2, StudyDescription="late", PatientName="Late"))
    (study,) = archive.find(return_keys=("StudyDescription", "PatientName"))
    assert (study.StudyDescription, study.PatientName) == (None, "Müller^Hans")
    names = {str(ds.StudyDescription) for ds in archive.find(level="image", return_keys=("StudyDescription",))}
    assert names == {"None"}


def test_answers_speak_the_askers_character_set(archive: Archive, make: Make, store: Store) -> None:
    store(archive, make())
    keys = from_keys("study", {"PatientID": "P1"}, ("PatientName",))

    def charset(*asked: str) -> Any:
        (found,) = archive.search(Query(keys.level, keys.root, keys.predicates, keys.return_keys, charset=asked))
        again = Dataset.from_bytes(found.to_bytes(IMPLICIT), IMPLICIT)
        assert again.PatientName == "Müller^Hans"
        return again.get("SpecificCharacterSet")

    assert charset() == "ISO_IR 192"
    assert charset("ISO_IR 100") == "ISO_IR 100"
    assert charset("ISO_IR 144") == "ISO_IR 192"
    store(archive, make(study=2, PatientID="P2", PatientName="Plain"))
    (plain,) = archive.find(PatientID="P2", return_keys=("PatientName",))
    assert "SpecificCharacterSet" not in plain


def test_pages(archive: Archive, make: Make, store: Store) -> None:
    for study in range(1, 8):
        store(archive, make(study=study))

    def page(limit: int | None, offset: int, **keys: str) -> list[str]:
        return [str(ds.StudyInstanceUID) for ds in archive.find(limit=limit, offset=offset, keys=keys)]

    everything = page(None, 0)
    assert len(everything) == 7
    assert page(3, 0) + page(3, 3) + page(3, 6) == everything
    assert page(2, 1, NumberOfStudyRelatedInstances="1") == everything[1:3]


@pytest.mark.parametrize(
    ("level", "uid", "gone", "left"),
    [
        ("image", "1.2.3.1.1.1", 1, (1, 2, 3, 4)),
        ("series", "1.2.3.1.1", 2, (1, 2, 2, 3)),
        ("study", "1.2.3.1", 3, (1, 1, 1, 2)),
        ("patient", "P1", 5, (0, 0, 0, 0)),
        ("study", "9.9", 0, (1, 2, 3, 5)),
    ],
)
def test_delete(
    archive: Archive, folder: Path, make: Make, store: Store, level: str, uid: str, gone: int, left: tuple[int, ...]
) -> None:
    for number, series, study in ((1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2), (2, 1, 2)):
        store(archive, make(number, series=series, study=study))
    assert archive.delete(level, uid) == gone
    stats = archive.stats()
    assert (stats.patients, stats.studies, stats.series, stats.instances) == left
    assert len(files_below(folder, "blobs")) == left[3]
    assert archive.check().clean
    store(archive, make(9))
    assert archive.check().clean


def test_instances_below_any_level_in_order(archive: Archive, make: Make, store: Store) -> None:
    for number in (10, 2, 1):
        store(archive, make(number))
    store(archive, make(1, series=2))
    found = archive.instances(from_keys("patient", {"PatientID": "P1"}, root=Root.PATIENT))
    assert [item.sop_instance_uid for item in found] == ["1.2.3.1.1.1", "1.2.3.1.1.2", "1.2.3.1.1.10", "1.2.3.1.2.1"]
    assert len(archive.instances(from_keys("series", {"SeriesInstanceUID": ["1.2.3.1.2", "7.7"]}))) == 1
    assert archive.instances(from_keys(Level.IMAGE, {"SOPInstanceUID": "9.9"})) == []
    with pytest.raises(NotFoundError):
        archive.open("9.9")


def test_a_blob_that_is_gone_is_said_to_be(archive: Archive, folder: Path, make: Make, store: Store) -> None:
    store(archive, make())
    files_below(folder, "blobs")[0].unlink()
    with pytest.raises(NotFoundError):
        archive.file_bytes("1.2.3.1.1.1")


@pytest.mark.parametrize("policy", list(Duplicates))
def test_sending_it_again_heals_what_is_missing(folder: Path, make: Make, store: Store, policy: Duplicates) -> None:
    with Archive.open(folder, config=ArchiveConfig(duplicates=policy)) as archive:
        store(archive, make())
        files_below(folder, "blobs")[0].unlink()
        assert store(archive, make()) is StoreOutcome.STORED
        assert archive.open("1.2.3.1.1.1").PatientName == "Müller^Hans"
        assert archive.check().clean


def test_a_large_document_is_kept_though_not_all_of_it_is_scanned(folder: Path, make: Make, store: Store) -> None:
    with Archive.open(folder, config=ArchiveConfig(max_scan=100_000)) as archive:
        ds = make()
        del ds.PixelData
        ds.EncapsulatedDocument = b"%PDF" * 500_000
        assert store(archive, ds) is StoreOutcome.STORED
        (found,) = archive.find(level="image", return_keys=("InstanceNumber", "Rows"))
        assert (found.InstanceNumber, found.Rows) == (1, 32)
        assert archive.open("1.2.3.1.1.1").to_bytes(EXPLICIT) == ds.to_bytes(EXPLICIT)
        assert archive.reindex() == 1
        assert archive.check().clean


def encapsulated(make: Make, *, fragments: tuple[int, ...] = (100, 5000, 40_000), delimiter: bool = True) -> bytes:
    ds = make()
    del ds.PixelData
    items = b"".join(b"\xfe\xff\x00\xe0" + size.to_bytes(4, "little") + b"j" * size for size in (0, *fragments))
    end = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00" if delimiter else b""
    return ds.to_bytes(EXPLICIT) + b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff" + items + end


@pytest.mark.parametrize("step", [2, 7, 1000, 100_000])
@pytest.mark.parametrize(
    ("cut", "good"), [(0, True), (8, True), (3, False), (9, False), (20_000, False), (40_011, False), (45_100, False)]
)
def test_a_cut_fragment_is_refused(archive: Archive, make: Make, step: int, cut: int, good: bool) -> None:
    data = encapsulated(make)
    view = memoryview(data)[: len(data) - cut]
    sink = archive.begin(StoreRequest(CT, "1.2.3.1.1.1", "1.2.840.10008.1.2.4.50"))
    for at in range(0, len(view), step):
        sink.write([view[at : at + step]])
    if good:
        assert sink.commit() is StoreOutcome.STORED
    else:
        with pytest.raises(InvalidInstanceError, match="cut"):
            sink.commit()
