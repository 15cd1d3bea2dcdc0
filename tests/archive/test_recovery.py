"""After a crash, and care: what is half there goes, what is whole comes back, what was deleted stays away."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kerma.archive import Archive
from kerma.archive.blobs import BlobName
from kerma.dataset import Dataset
from kerma.errors import ArchiveError, NotFoundError, OutOfResourcesError
from kerma.services.providers import StoreOutcome, StoreRequest

EXPLICIT = "1.2.840.10008.1.2.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
Make = Callable[..., Dataset]
Store = Callable[..., StoreOutcome]


def blobs(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "blobs").rglob("*.dcm"))


def sql(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "index.db", isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def uids(archive: Archive) -> set[str]:
    return {str(ds.SOPInstanceUID) for ds in archive.find(level="image")}


@pytest.fixture
def filled(folder: Path, make: Make, store: Store) -> Path:
    """An archive of five instances in two studies, closed."""
    with Archive.open(folder) as archive:
        for number in range(1, 4):
            store(archive, make(number))
        for number in range(1, 3):
            store(archive, make(number, study=2))
    return folder


def test_a_name_proves_its_blob() -> None:
    name = BlobName("20260102/0304", "0" * 24, 400, 5000, "a" * 32)
    assert BlobName.parse(name.key) == name
    for bad in ("../x", name.key + "x", "20260102/0304/x.dcm", name.key.replace("a", "z")):
        assert BlobName.parse(bad) is None


def test_what_was_half_written_goes(filled: Path) -> None:
    (filled / "incoming" / "half").write_bytes(b"x" * 100)
    with Archive.open(filled) as archive:
        assert archive.recovered is not None
        assert archive.recovered.incoming == 1
        assert not list((filled / "incoming").iterdir())


def test_rows_that_a_power_cut_took_come_back(filled: Path) -> None:
    sql(
        filled,
        "DELETE FROM instance",
        "DELETE FROM series",
        "DELETE FROM study",
        "DELETE FROM patient",
        "DELETE FROM state",
    )
    with Archive.open(filled) as archive:
        assert archive.recovered is not None
        assert archive.recovered.indexed == 5
        assert archive.stats().studies == 2
        assert archive.check().clean


def test_a_lost_index_is_built_anew(filled: Path) -> None:
    before = {path.name: path.read_bytes() for path in blobs(filled)}
    for path in filled.glob("index.db*"):
        path.unlink()
    with Archive.open(filled) as archive:
        assert len(uids(archive)) == 5
        assert archive.check().clean
    assert {path.name: path.read_bytes() for path in blobs(filled)} == before


def test_a_damaged_index_is_salvaged(filled: Path) -> None:
    (filled / "index.db").write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(OutOfResourcesError, match="reindex"):
        Archive.open(filled)
    with Archive.open(filled, salvage=True) as archive:
        assert len(uids(archive)) == 5
    assert list(filled.glob("index.damaged-*"))


def test_bytes_that_do_not_fit_their_name_are_set_aside(filled: Path) -> None:
    victim = blobs(filled)[-1]
    sql(filled, "DELETE FROM instance", "DELETE FROM state")
    victim.write_bytes(victim.read_bytes()[:-1])
    stray = victim.parent / "stray.txt"
    stray.write_text("hello")
    with Archive.open(filled) as archive:
        assert archive.recovered is not None
        assert (archive.recovered.indexed, archive.recovered.set_aside) == (4, 2)
        assert not stray.exists()
    assert len(list((filled / "lost+found").iterdir())) == 2


def test_only_the_newest_buckets_are_looked_at(filled: Path) -> None:
    old = filled / "blobs" / "20000101" / "0000"
    old.mkdir(parents=True)
    (old / "stray").write_text("x")
    with Archive.open(filled) as archive:
        assert (old / "stray").exists()
        report = archive.check()
        assert report.strays == ["20000101/0000/stray"]
        archive.check(repair=True)
        assert archive.check().clean


def test_the_clock_may_run_backwards(filled: Path, make: Make, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = blobs(filled)[-1].parent
    monkeypatch.setattr("time.gmtime", lambda *_: (2001, 1, 1, 0, 0, 0, 0, 1, 0))
    with Archive.open(filled) as archive:
        store(archive, make(9))
        assert archive.check().clean
    assert blobs(filled)[-1].parent == newest


def test_what_was_deleted_does_not_come_back(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Archive.open(filled) as archive:
        monkeypatch.setattr(archive._blobs, "delete", lambda key: (_ for _ in ()).throw(ArchiveError("crash")))
        with pytest.raises(ArchiveError):
            archive.delete("study", "1.2.3.1")
        assert archive.check().unpurged == 3
        assert len(blobs(filled)) == 5
    sql(filled, "DELETE FROM state")
    with Archive.open(filled) as archive:
        assert len(uids(archive)) == 2
        assert len(blobs(filled)) == 2
        assert archive.check().clean


def test_check_finds_and_mends(filled: Path) -> None:
    first, second, third, *_ = blobs(filled)
    first.unlink()
    data = bytearray(second.read_bytes())
    data[-1] ^= 1
    second.write_bytes(data)
    sql(
        filled,
        f"DELETE FROM instance WHERE blob LIKE '%{third.name}'",
        "UPDATE study SET instances = 77 WHERE study_instance_uid = '1.2.3.2'",
    )
    seen: list[tuple[int, int]] = []
    with Archive.open(filled) as archive:
        # the newest bucket is looked at on opening, so that the unindexed one is there again
        assert archive.recovered is not None
        assert archive.recovered.indexed == 1
        report = archive.check(progress=lambda done, total: seen.append((done, total)))
        assert not report.clean
        assert [Path(key).name for key in report.missing] == [first.name]
        assert [Path(key).name for key in report.damaged] == [second.name]
        assert report.miscounted
        assert seen[-1] == (5, 5)
        archive.check(repair=True)
        report = archive.check()
        assert report.clean, report
        assert report.instances == 3
        assert (filled / "lost+found" / second.name).exists()


def test_check_indexes_orphans(filled: Path) -> None:
    with Archive.open(filled) as archive:
        sql(filled, "DELETE FROM instance WHERE sop_instance_uid = '1.2.3.2.1.2'")
        report = archive.check()
        assert len(report.orphans) == 1
        archive.check(repair=True)
        assert archive.check().clean
        assert len(uids(archive)) == 5


def test_reindex_takes_no_damaged_blob(filled: Path) -> None:
    victim = blobs(filled)[0]
    data = bytearray(victim.read_bytes())
    data[-1] ^= 1
    victim.write_bytes(data)
    with Archive.open(filled) as archive:
        assert archive.reindex() == 4
        assert [Path(key).name for key in archive.check(repair=True).strays] == [victim.name]
        assert archive.check().clean
    assert (filled / "lost+found" / victim.name).exists()


def test_a_rebuild_that_finds_a_blob_first_does_no_harm(
    archive: Archive, make: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between sealing and indexing another one adopts the blob; the ingest must not take it for a duplicate."""
    add = archive.index.add

    def late(entry: Any, **when: Any) -> Any:
        assert add(entry, **when) is None
        return add(entry, **when)

    monkeypatch.setattr(archive.index, "add", late)
    assert store(archive, make(1)) is StoreOutcome.STORED
    assert archive.file_bytes("1.2.3.1.1.1")
    assert archive.check().clean


def test_reindex_while_others_have_it_open(filled: Path, make: Make, store: Store) -> None:
    with Archive.open(filled) as one, Archive.open(filled) as other:
        assert one.recovered is not None
        assert other.recovered is None
        store(one, make(7))
        sql(filled, "DELETE FROM study_value", "UPDATE series SET instances = 0")
        assert other.reindex() == 6
        store(one, make(8))
        assert len(uids(one)) == len(uids(other)) == 7
        assert one.check().clean
    assert not list(filled.glob("index.new*"))


def test_two_processes_may_write(filled: Path, make: Make, store: Store) -> None:
    with Archive.open(filled) as one, Archive.open(filled) as other:
        for number in range(10, 20):
            store(one, make(number))
            store(other, make(number + 10))
            if number == 15:
                assert other.delete("series", "1.2.3.1.1") > 0
        assert one.check().clean
        assert store(other, make(19)) is StoreOutcome.IDENTICAL


def test_a_quarantined_one_survives_a_rebuild(filled: Path, make: Make, store: Store) -> None:
    with Archive.open(filled) as archive:
        assert store(archive, make(1, PatientName="Other")) is StoreOutcome.QUARANTINED
        assert archive.reindex() == 5
        (aside,) = archive.quarantined()
        assert (aside.sop_instance_uid, aside.calling_aet) == ("1.2.3.1.1.1", "MODALITY")
        assert "SOP Instance UID" in aside.reason
    sql(filled, "DELETE FROM quarantine")
    with Archive.open(filled) as archive:
        (aside,) = archive.quarantined()
        assert "crash" in aside.reason
    with Archive.open(filled) as archive:
        assert archive.stats().quarantined == 1


def test_sinks_open_at_a_close_leave_nothing_for_the_next(filled: Path, make: Make) -> None:
    archive = Archive.open(filled)
    sink = archive.begin(StoreRequest(CT, "1.2.3.1.1.99", EXPLICIT))
    sink.write([memoryview(make(99).to_bytes(EXPLICIT))])
    archive.close()
    archive.close()
    with pytest.raises(OutOfResourcesError):
        sink.commit()
    with Archive.open(filled) as archive:
        assert archive.recovered is not None
        assert (archive.recovered.incoming, archive.recovered.indexed) == (0, 0)
        with pytest.raises(NotFoundError):
            archive.open_instance("1.2.3.1.1.99")


def test_nothing_outside_its_folder_is_touched(filled: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    with Archive.open(filled) as archive:
        sql(filled, "UPDATE instance SET blob = '../../../outside' WHERE id = 1")
        report = archive.check(repair=True)
        assert report.missing == ["../../../outside"]
        archive.check(repair=True)
        assert archive.check().clean
        assert len(uids(archive)) == 5
    assert outside.read_text() == "mine"
