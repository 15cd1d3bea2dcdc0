"""Any bytes: headers of code streams and CDA documents are read or refused with an error of ours, never worse."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st
from tests.formats.building_samples import CDA, colour, grey, picture

import kerma
from kerma.errors import KermaError
from kerma.formats.building.cda import read_head as read_cda
from kerma.formats.building.codestreams import read_head

JPEG = picture(grey()[:16, :16], "JPEG")
JP2 = picture(colour()[:16, :16], "JPEG2000", mct=1)


def spoiled(data: bytes, places: list[tuple[int, int]], end: int) -> bytes:
    out = bytearray(data)
    for place, value in places:
        out[place % len(out)] = value
    return bytes(out[:end]) if end else bytes(out)


@given(
    st.sampled_from([JPEG, JP2]),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=6),
    st.integers(0, 400),
)
def test_spoiled_code_streams(data: bytes, places: list[tuple[int, int]], end: int) -> None:
    with contextlib.suppress(KermaError):
        head = read_head(spoiled(data, places, end))
        if head is not None:
            assert 0 <= head.start <= head.end <= len(data)


@given(st.binary(max_size=64), st.sampled_from([b"\xff\xd8\xff", b"\xff\x4f\xff\x51", JP2[:12], b""]))
def test_random_code_streams(tail: bytes, head: bytes) -> None:
    with contextlib.suppress(KermaError):
        read_head(head + tail)


@given(st.lists(st.tuples(st.integers(0, len(CDA)), st.integers(0, 255)), max_size=4), st.integers(0, len(CDA)))
def test_spoiled_cda(places: list[tuple[int, int]], end: int) -> None:
    with contextlib.suppress(KermaError):
        read_cda(spoiled(CDA, places, end))


@given(st.binary(max_size=200), st.sampled_from(["pdf", "cda", "stl", "obj", "mtl"]))
def test_documents_come_back_whole(data: bytes, kind: str) -> None:
    with contextlib.suppress(KermaError):
        assert bytes(kerma.unwrap(kerma.wrap(data, kind=kind)).data) == data
