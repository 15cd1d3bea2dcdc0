"""An archive whose work the tests of this folder look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kerma.archive import Archive
from kerma.archive.work import Work


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "data") as archive:
        yield archive


@pytest.fixture
def work(archive: Archive) -> Work:
    return archive.work
