"""A file whose preamble makes it a program: taken with a warning, or refused where that is configured."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import kerma
from kerma.app.archives import archive_settings
from kerma.app.settings import ArchiveSection, Config
from kerma.archive import Archive
from kerma.archive.config import ArchiveConfig
from kerma.errors import InvalidInstanceError

from .conftest import Make


def program(make: Make) -> bytes:
    ds = make()
    ds.preamble = b"MZ".ljust(128, b"\0")
    out = io.BytesIO()
    kerma.write(ds, out)
    return out.getvalue()


def test_it_is_taken_as_it_came_with_a_warning(tmp_path: Path, make: Make) -> None:
    data = program(make)
    with Archive.open(tmp_path / "data") as archive:
        result = archive.ingest(data)
        assert "DOS or Windows program" in result.warning
        assert archive.file_bytes(result.sop_instance_uid) == data
        assert archive.ingest(make(2)).warning == ""


def test_it_is_refused_where_that_is_configured(tmp_path: Path, make: Make) -> None:
    with Archive.open(tmp_path / "data", config=ArchiveConfig(refuse_executable=True)) as archive:
        with pytest.raises(InvalidInstanceError, match=r"program.*without its preamble"):
            archive.ingest(program(make))
        assert archive.stats().instances == 0
        archive.ingest(make())


def test_the_configuration_reaches_the_archive() -> None:
    assert not archive_settings(Config()).refuse_executable
    assert archive_settings(Config(archive=ArchiveSection(executable_preambles="refuse"))).refuse_executable
