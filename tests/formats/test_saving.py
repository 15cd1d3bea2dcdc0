"""Files that are written whole or not at all, and names that are no files."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kerma.formats import saving
from kerma.formats.saving import save

PIECES = [b"one ", b"two"]


def test_a_pipe_is_written_into_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    came: list[bytes] = []
    reader = threading.Thread(target=lambda: came.append(pipe.read_bytes()))
    reader.start()
    save(PIECES, pipe)
    reader.join()
    assert came == [b"one two"]
    assert pipe.is_fifo()


def test_a_pipe_gets_what_finish_made(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    came: list[bytes] = []
    reader = threading.Thread(target=lambda: came.append(pipe.read_bytes()))
    reader.start()
    save(PIECES, pipe, _louder)
    reader.join()
    assert came == [b"ONE two"]


def _louder(fd: int) -> None:
    os.pwrite(fd, b"ONE", 0)


def test_a_link_to_a_pipe_is_followed(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    came: list[bytes] = []
    reader = threading.Thread(target=lambda: came.append(pipe.read_bytes()))
    reader.start()
    save(PIECES, str(link))
    reader.join()
    assert (came, link.is_symlink()) == ([b"one two"], True)


def test_a_missing_folder_is_named_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no such folder") as caught:
        save(PIECES, "missing/out.dcm")
    assert caught.value.filename == "missing"


def test_a_full_disk_is_told_of_the_name_that_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, piece: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(saving, "write_all", full)
    with pytest.raises(OSError, match="No space left") as caught:
        save(PIECES, tmp_path / "out.dcm")
    assert caught.value.filename == str(tmp_path / "out.dcm")
    assert not list(tmp_path.iterdir())


def test_an_error_of_what_gives_the_pieces_is_left_as_it_is(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"one"
        raise OSError(errno.EIO, "the input broke", "in.dcm")

    target = tmp_path / "out.dcm"
    target.write_bytes(b"what was there")
    with pytest.raises(OSError, match="the input broke") as caught:
        save(pieces(), target)
    assert caught.value.filename == "in.dcm"
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"what was there"]
