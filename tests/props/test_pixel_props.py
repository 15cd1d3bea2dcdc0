"""Any items in place of pixel data: each frame is bytes of the file, as its ranges say, or an error of ours."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st
from tests.pixels.images import image, read_back, with_frames

import kerma
from kerma.errors import KermaError

JPEG = "1.2.840.10008.1.2.4.50"
BEGINNING = b"\xff\xd8\xff"


@given(
    st.lists(st.tuples(st.booleans(), st.binary(max_size=12)), max_size=8),
    st.one_of(st.binary(max_size=40), st.lists(st.integers(0, 200), max_size=8)),
    st.integers(1, 8),
    st.integers(0, 60),
)
def test_frames_are_bytes_of_the_file_or_errors(
    parts: list[tuple[bool, bytes]], table: bytes | list[int], frames: int, cut: int
) -> None:
    fragments = [(BEGINNING if begins else b"") + data for begins, data in parts]
    offsets = table if isinstance(table, bytes) else struct.pack(f"<{len(table)}I", *table)
    ds = with_frames(image(4, 4, frames=frames, uid=JPEG), fragments, offsets)
    whole = read_back(ds)
    data = bytes(whole._file.whole())
    try:
        found = kerma.pixels.index(kerma.read(data[: len(data) - cut]))
    except KermaError:
        return
    for number in range(frames):
        try:
            pieces = found.ranges(number)
            read = bytes(found.read(number))
        except KermaError:
            continue
        assert read == b"".join(data[offset : offset + length] for offset, length in pieces)


@given(st.integers(1, 64), st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.binary(max_size=200))
def test_native_frames_are_there_or_errors(allocated: int, rows: int, columns: int, frames: int, data: bytes) -> None:
    ds = image(rows, columns, frames=frames, allocated=allocated)
    ds.add("PixelData", "OW", data)
    back = read_back(ds)
    try:
        whole = kerma.pixels.array(back)
    except KermaError:
        assert len(data) * 8 < rows * columns * frames * allocated
        return
    assert whole.shape == ((frames, rows, columns) if frames > 1 else (rows, columns))
    for number in range(frames):
        assert (kerma.pixels.frame(back, number) == (whole[number] if frames > 1 else whole)).all()
