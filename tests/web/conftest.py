"""An archive with the application over it, in this process; nothing listens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kerma.archive import Archive
from kerma.web.application import application
from kerma.web.context import Context


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "data") as archive:
        yield archive


@pytest.fixture
def web(archive: Archive) -> Iterator[TestClient]:
    with TestClient(application(Context(archive)), raise_server_exceptions=False) as client:
        yield client
