"""A file that arrives in slices: the same bytes, whatever the slices (PS3.10 7.1)."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

import kerma
from kerma.archive import Archive
from kerma.dataset import Dataset
from kerma.errors import AccessError, ArchiveError, KermaError, WrongStudyError
from kerma.services.providers import StoreOutcome, StoreRequest

from .conftest import CT, make_instance

IMPLICIT = "1.2.840.10008.1.2"


def file_of(ds: Dataset) -> bytes:
    out = io.BytesIO()
    kerma.write(ds, out)
    return out.getvalue()


def arrive(archive: Archive, data: bytes, step: int, **options: object) -> StoreOutcome:
    sink = archive.begin_file(**options)  # type: ignore[arg-type]
    try:
        for at in range(0, len(data), step):
            piece = bytearray(data[at : at + step])
            sink.write([memoryview(piece)])
            piece[:] = bytes(len(piece))  # it is ours again
        return sink.commit().outcome
    finally:
        sink.abort()


@pytest.mark.parametrize("step", [1, 100, 1 << 10, 70_000, 1 << 20])
def test_any_slices_give_the_same_file(archive: Archive, step: int) -> None:
    size = 2048 if step == 1 else 200_000
    plain = file_of(make_instance(1, pixels=size))
    without_preamble = file_of(make_instance(2, pixels=size))[128:]
    bare = make_instance(3, pixels=size).to_bytes(IMPLICIT)
    for data in (plain, without_preamble, bare):
        assert arrive(archive, data, step) is StoreOutcome.STORED
    assert archive.file_bytes("1.2.3.1.1.1") == plain
    assert archive.file_bytes("1.2.3.1.1.2") == without_preamble
    assert archive.file_bytes("1.2.3.1.1.3").endswith(bare)
    assert arrive(archive, plain, step) is StoreOutcome.IDENTICAL


def test_it_says_what_it_is(archive: Archive) -> None:
    sink = archive.begin_file()
    sink.write([memoryview(file_of(make_instance()))])
    assert (sink.sop_class_uid, sink.sop_instance_uid) == (CT, "1.2.3.1.1.1")
    done = sink.commit()
    assert (done.study_instance_uid, done.series_instance_uid) == ("1.2.3.1", "1.2.3.1.1")
    with pytest.raises(ArchiveError):
        sink.commit()
    with pytest.raises(ArchiveError):
        sink.write([])


def _refuse(what: object) -> None:
    raise AccessError("not here")


def test_who_is_asked_can_refuse_and_nothing_is_left(archive: Archive) -> None:
    seen: list[StoreRequest] = []
    arrive(archive, file_of(make_instance(1)), 500, check=seen.append)
    assert [request.sop_instance_uid for request in seen] == ["1.2.3.1.1.1"]
    data = file_of(make_instance(2, pixels=50_000))
    asked: Callable[[object], None] = _refuse
    for options, error in (
        ({"check": asked}, AccessError),
        ({"admit": asked}, AccessError),
        ({"study_instance_uid": "1.2.9"}, WrongStudyError),
    ):
        with pytest.raises(error):
            arrive(archive, data, 5000, **options)
    assert archive.stats().instances == 1
    assert not list((archive.root / "incoming").iterdir())


@pytest.mark.parametrize(
    "data",
    [b"", b"x" * 200_000, bytes(128) + b"DICM", bytes(128) + b"DICM" + b"\2\0\x02\0OB\0\0\0\0\0\x10" + bytes(2 << 20)],
)
def test_what_is_no_file_leaves_nothing(archive: Archive, data: bytes) -> None:
    with pytest.raises(KermaError):
        arrive(archive, data, 4096)
    assert not list((archive.root / "incoming").iterdir())


def test_a_file_that_is_cut_leaves_nothing(archive: Archive) -> None:
    data = file_of(make_instance(pixels=5000))
    for size in (100, 200, 400, 1000, len(data) - 1):
        with pytest.raises(KermaError):
            arrive(archive, data[:size], 333)
    assert not list((archive.root / "incoming").iterdir())
    assert archive.check().clean
