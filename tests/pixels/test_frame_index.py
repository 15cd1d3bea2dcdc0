"""Where frames lie, for every way to lay them out, and what is read for one of them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

import kerma
from kerma.errors import KermaError, PixelError, UsageError
from kerma.formats.late import LateFile
from kerma.pixels import encapsulate, index
from kerma.pixels.frame_index import FrameIndex

from .images import BIG_ENDIAN, RLE, image, ramp, read_back, with_frames, with_native

JPEG = "1.2.840.10008.1.2.4.50"
MPEG = "1.2.840.10008.1.2.4.102"


def streams(count: int) -> list[bytes]:
    """Something that begins as a JPEG does; of odd and even lengths, one of them with the delimiter's bytes in it."""
    return [b"\xff\xd8\xff" + bytes([n % 251]) * (5 + n % 4) + b"\xfe\xff\xdd\xe0" * (n == 2) for n in range(count)]


def read_all(found: FrameIndex) -> list[bytes]:
    return [bytes(found.read(number)) for number in range(found.count)]


def padded(data: bytes) -> bytes:
    return data + b"\0" * (len(data) & 1)


# -- native ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("allocated", [8, 16, 32, 64])
def test_native_frames_lie_one_behind_the_other(allocated: int) -> None:
    samples = ramp((5, 3, 7), min(allocated, 16))
    found = index(read_back(with_native(image(3, 7, frames=5, allocated=allocated), samples)))
    size = 21 * allocated // 8
    assert found.count == 5
    assert not found.encapsulated
    first = found.ranges(0)[0][0]
    assert [found.ranges(n) for n in range(5)] == [[(first + n * size, size)] for n in range(5)]
    assert b"".join(read_all(found)) == samples.astype(f"<u{allocated // 8}").tobytes()


@pytest.mark.parametrize("allocated", [1, 12])
def test_frames_that_do_not_end_on_a_byte(allocated: int) -> None:
    samples = ramp((4, 3, 5), allocated)
    found = index(read_back(with_native(image(3, 5, frames=4, allocated=allocated, stored=allocated), samples)))
    for number in range(4):
        alone = with_native(image(3, 5, allocated=allocated, stored=allocated), samples[number])
        assert bytes(found.read(number)) == bytes(alone.PixelData)


@pytest.mark.parametrize("allocated", [8, 16])
def test_big_endian_words_are_turned_wherever_a_frame_begins(allocated: int) -> None:
    ds = with_native(image(3, 3, frames=3, allocated=allocated), ramp((3, 3, 3), 8))
    ds.add("PixelData", "OW", bytes(ds.PixelData) + b"\0" * (allocated == 8))
    little, big = index(read_back(ds)), index(read_back(ds, BIG_ENDIAN))
    assert read_all(little) == read_all(big)


@pytest.mark.parametrize(
    ("keyword", "code", "vr"), [("FloatPixelData", "<f4", "OF"), ("DoubleFloatPixelData", "<f8", "OD")]
)
def test_floating_point_samples(keyword: str, code: str, vr: str) -> None:
    samples = (ramp((2, 3, 4)) / 7).astype(code)
    ds = image(3, 4, frames=2, allocated=samples.itemsize * 8)
    ds.add(keyword, vr, samples.tobytes())
    assert b"".join(read_all(index(read_back(ds)))) == samples.tobytes()
    assert b"".join(read_all(index(read_back(ds, BIG_ENDIAN)))) == samples.tobytes()


def test_missing_samples_are_an_error_of_their_frame() -> None:
    ds = with_native(image(4, 4, frames=3), ramp((2, 4, 4)))
    found = index(read_back(ds))
    assert len(found.read(1)) == 32
    with pytest.raises(PixelError, match=r"32 bytes of it are not in the pixel data.* in frame 2"):
        found.read(2)


def test_samples_left_over_are_a_finding() -> None:
    found = index(read_back(with_native(image(4, 4), ramp((2, 4, 4)))))
    assert [finding.code for finding in found.findings] == ["pixels-left"]


@pytest.mark.parametrize("number", [-1, 3, 1 << 40])
def test_a_frame_that_is_not_there(number: int) -> None:
    plain = index(with_native(image(4, 4, frames=3), ramp((3, 4, 4))))
    coded = index(with_frames(image(4, 4, frames=3, uid=JPEG), streams(3)))
    stored = index(read_back(with_frames(image(4, 4, frames=3, uid=JPEG), streams(3))))
    for found in (plain, coded, stored):
        with pytest.raises(UsageError, match="the image has 3, counted from 0"):
            found.read(number)
        with pytest.raises(UsageError):
            found.ranges(number)


# -- encapsulated ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extended", [None, True, False])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_tables_that_we_write(extended: bool | None, count: int) -> None:
    ds = image(4, 4, frames=count, uid=JPEG)
    encapsulate(ds, streams(count), extended=extended)
    assert ("ExtendedOffsetTable" in ds) == (extended is True)
    assigned, stored = index(ds), index(read_back(ds))
    assert read_all(assigned) == streams(count)
    wanted = streams(count) if extended and count > 1 else [padded(each) for each in streams(count)]
    assert read_all(stored) == wanted
    assert stored.findings == []
    table = read_back(ds)["PixelData"].fragment(0)
    assert (len(table) == 0) == (extended is True)


@pytest.mark.parametrize("table", ["none", "basic"])
def test_several_fragments_a_frame(table: str) -> None:
    frames = [[b"\xff\xd8\xffab", b"cdef"], [b"\xff\xd8\xffgh", b"ij", b"klmn"], [b"\xff\xd8\xffopq"]]
    parts = [part for frame in frames for part in frame]
    offsets, at = [], 0
    for frame in frames:
        offsets.append(at)
        at += sum(8 + len(padded(part)) for part in frame)
    ds = image(4, 4, frames=3, uid=JPEG)
    with_frames(ds, parts, struct.pack("<3I", *offsets) if table == "basic" else b"")
    stored = index(read_back(ds))
    assert [len(stored.ranges(n)) for n in range(3)] == [2, 3, 1]
    assert read_all(stored) == [b"".join(padded(part) for part in frame) for frame in frames]
    assert read_all(index(ds)) == [b"".join(frame) for frame in frames]


def test_all_fragments_are_the_frame_of_a_single_one() -> None:
    ds = with_frames(image(4, 4, uid=JPEG), [b"\xff\xd8ab", b"cd", b"ef"])
    assert read_all(index(read_back(ds))) == [b"\xff\xd8abcdef"]


def test_rle_has_one_fragment_a_frame() -> None:
    ds = with_frames(image(4, 4, frames=2, uid=RLE), [b"ab", b"cd", b"ef"])
    assert read_all(index(read_back(ds))) == [b"ab", b"cd"]


WRONG_TABLES = {
    "too short": struct.pack("<2I", 0, 16),
    "not from the start": struct.pack("<4I", 8, 24, 40, 56),
    "into a fragment": struct.pack("<4I", 0, 18, 34, 50),
    "backwards": struct.pack("<4I", 0, 48, 32, 16),
    "far away": struct.pack("<4I", 0, 0xFFFFFFF0, 0xFFFFFFF4, 0xFFFFFFF8),
    "odd": b"\0\0\0\0\0\0",
}


@pytest.mark.parametrize("name", WRONG_TABLES)
def test_a_wrong_table_is_found_out(name: str) -> None:
    ds = with_frames(image(4, 4, frames=4, uid=JPEG), streams(4), WRONG_TABLES[name])
    found = index(read_back(ds))
    assert read_all(found) == [padded(each) for each in streams(4)]
    assert "wrong-offset-table" in {finding.code for finding in found.findings}
    assert read_all(index(ds)) == streams(4)


@pytest.mark.parametrize("tables", [(0, 1 << 62), (1 << 63, 4), (3, 4)])
def test_a_wrong_extended_table_is_found_out(tables: tuple[int, int]) -> None:
    ds = with_frames(image(4, 4, frames=2, uid=JPEG), streams(2))
    ds.add("ExtendedOffsetTable", "OV", struct.pack("<2Q", 0, tables[0]))
    ds.add("ExtendedOffsetTableLengths", "OV", struct.pack("<2Q", 8, tables[1]))
    found = index(read_back(ds))
    assert read_all(found) == [padded(each) for each in streams(2)]
    assert "wrong-offset-table" in {finding.code for finding in found.findings}


def test_fewer_fragments_than_frames() -> None:
    found = index(read_back(with_frames(image(4, 4, frames=5, uid=JPEG), streams(3))))
    assert bytes(found.read(2)) == padded(streams(3)[2])
    with pytest.raises(PixelError, match="3 frames of 5, in frame 3"):
        found.read(3)


def test_fragments_that_nothing_tells_apart() -> None:
    ds = with_frames(image(4, 4, frames=2, uid=JPEG), [b"ab", b"cd", b"ef"])
    for each in (ds, read_back(ds)):
        with pytest.raises(PixelError, match="which of 3 fragments belong to which of 2 frames"):
            index(each).read(0)


def test_video_has_no_bytes_for_a_frame() -> None:
    found = index(read_back(with_frames(image(4, 4, frames=2, uid=MPEG), [b"abcd"])))
    with pytest.raises(PixelError, match="video"):
        found.read(0)
    assert bytes(index(read_back(with_frames(image(4, 4, uid=MPEG), [b"abcd"]))).read(0)) == b"abcd"


def test_a_stream_without_items() -> None:
    ds = image(4, 4, uid=JPEG)
    ds.add("PixelData", "OB", b"\xff\xd8\xffab\0")
    found = index(read_back(ds))
    assert (found.encapsulated, bytes(found.read(0))) == (True, b"\xff\xd8\xffab\0")
    assert [finding.code for finding in found.findings] == ["not-encapsulated"]


# -- what the data set says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Rows": 0}, "Rows is 0"),
        ({"Rows": None}, "has no Rows"),
        ({"BitsAllocated": 128}, "BitsAllocated is 128"),
        ({"SamplesPerPixel": 9}, "SamplesPerPixel is 9"),
        ({"NumberOfFrames": "-1"}, "Number of Frames"),
    ],
)
def test_nonsense_names_its_attribute(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PixelError, match=words):
        index(read_back(changed(changes)))


def changed(changes: dict[str, Any]) -> Any:
    ds = with_native(image(4, 4), ramp((4, 4)))
    ds.update(changes.items())
    return ds


def test_what_has_no_pixels() -> None:
    with pytest.raises(PixelError, match="no pixel data"):
        index(image(4, 4))
    with pytest.raises(PixelError, match="Pixel Data Provider URL"):
        index(image(4, 4, PixelDataProviderURL="https://example.org/1"))


def test_what_is_odd_is_a_finding() -> None:
    ds = with_native(image(4, 4, allocated=16, stored=12), ramp((4, 4)))
    ds.HighBit = 3
    ds.NumberOfFrames = "0"
    assert [finding.code for finding in index(ds).findings] == ["high-bit", "no-frames"]


# -- what is read ------------------------------------------------------------------------------------------------------


class Counted:
    """Counts the ranges that are asked of late files, and refuses to give a whole one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ranges: list[tuple[int, int]] = []
        real = LateFile.read

        def read(late: LateFile, offset: int, length: int) -> Any:
            self.ranges.append((offset, length))
            return real(late, offset, length)

        def data(late: LateFile) -> Any:
            raise AssertionError("the whole file was read")

        monkeypatch.setattr(LateFile, "read", read)
        monkeypatch.setattr(LateFile, "data", data)


def test_one_native_frame_costs_one_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "native.dcm"
    kerma.write(with_native(image(8, 8, frames=10_000, allocated=8), ramp((10_000, 8, 8), 8)), path)
    counted = Counted(monkeypatch)
    with kerma.open(path) as ds:
        found = index(ds)
        data = bytes(found.read(9_900))
        assert counted.ranges == found.ranges(9_900)
    assert data == ramp((10_000, 8, 8), 8).astype("u1")[9_900].tobytes()


@pytest.mark.parametrize("extended", [True, False])
def test_one_encapsulated_frame_costs_its_table_and_one_range(
    extended: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "coded.dcm"
    frames = [stream + bytes(200) for stream in streams(20_000)]  # smaller files are read whole
    ds = image(8, 8, frames=20_000, uid=JPEG)
    encapsulate(ds, frames, extended=extended)
    kerma.write(ds, path)
    counted = Counted(monkeypatch)
    with kerma.open(path) as ds:
        found = index(ds)
        tables = len(counted.ranges)
        assert bytes(found.read(19_900)).startswith(frames[19_900])
        assert len(counted.ranges) == tables + 1
        assert counted.ranges[-1][1] < 300
        assert bytes(found.read(19_999)).startswith(frames[19_999])
        assert sum(length for _, length in counted.ranges) < 20_000 * 16 + 20_000


def test_a_changed_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    kerma.write(with_native(image(400, 400), ramp((400, 400))), path)
    ds = kerma.read(path)
    found = index(ds)
    path.write_bytes(path.read_bytes() + b"\0\0")
    with pytest.raises(KermaError, match="was changed"):
        found.read(0)


def test_numpy_is_not_needed_for_the_index() -> None:
    import subprocess
    import sys

    script = (
        "import sys, kerma\nkerma.pixels.index\nassert 'numpy' not in sys.modules and 'imagecodecs' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
