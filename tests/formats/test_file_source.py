"""A file as a byte source: exact reads, scatter, short files."""

from __future__ import annotations

from pathlib import Path

import pytest

from kerma.errors import FormatError, TruncatedError
from kerma.formats.source import FileSource


def test_reads_are_exact(tmp_path: Path) -> None:
    data = bytes(range(256)) * 20
    path = tmp_path / "file"
    path.write_bytes(data)
    with FileSource(path) as source:
        assert source.size == len(data)
        assert source.read(100, 300) == data[100:400]
        buffers = [bytearray(3) for _ in range(1000)]
        assert source.readinto(7, buffers) == 3000
        assert b"".join(buffers) == data[7:3007]
        for offset, length, missing in ((0, len(data) + 1, 1), (len(data), 5, 5), (-1, 2, 0)):
            with pytest.raises(TruncatedError) as caught:
                source.read(offset, length)
            assert caught.value.missing == missing
        with pytest.raises(TruncatedError):
            source.readinto(len(data) - 2, [bytearray(3)])
    with pytest.raises(FormatError, match="closed"):
        source.read(0, 1)


def test_a_file_that_shrinks_is_an_error_and_not_a_shorter_value(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(1000))
    with FileSource(path) as source:
        path.write_bytes(bytes(10))
        with pytest.raises(TruncatedError):
            source.read(0, 1000)
        with pytest.raises(TruncatedError):
            source.readinto(0, [bytearray(1000)])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileSource(tmp_path / "none")
