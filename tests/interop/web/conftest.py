"""A ``kerma serve`` that holds the samples, Chromium, and the viewer in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.interop import peers
from tests.interop.conftest import missing, starter
from tests.interop.processes import MissingPeerError, Peer

import kerma

from . import ohif
from .samples import Sample, samples


@dataclass(frozen=True)
class Served:
    """A running server and what is in it."""

    peer: Peer
    samples: dict[str, Sample]

    @property
    def url(self) -> str:
        return self.peer.http

    @property
    def dicomweb(self) -> str:
        return f"{self.url}/dicomweb"


@pytest.fixture(scope="session")
def served(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """All samples came by C-STORE, and are asked for over HTTP. Tests may add to it, never take away."""
    folder = tmp_path_factory.mktemp("served")
    made = samples(corpus, folder)
    with starter(folder) as start:
        peer = start(peers.kerma_serve)
        with kerma.connect(f"KERMA@127.0.0.1:{peer.port}") as client:
            outcomes = list(client.store([path for sample in made.values() for path in sample]))
        assert all(outcome.ok for outcome in outcomes), [outcome for outcome in outcomes if not outcome.ok]
        yield Served(peer, made)


@pytest.fixture
def web(served: Served) -> Iterator[httpx.Client]:
    """A plain HTTP client at the DICOMweb root."""
    with httpx.Client(base_url=served.dicomweb + "/", timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            found = ohif.start_browser(playwright)
        except MissingPeerError as error:
            missing(str(error))
            raise
        yield found
        found.close()


@pytest.fixture(scope="session")
def site(served: Served) -> Iterator[str]:
    """The address of the viewer's page, set up for the server."""
    try:
        folder = ohif.find_page()
    except MissingPeerError as error:
        missing(str(error))
        raise
    with ohif.serving(folder, ohif.config(served.dicomweb, f"{served.url}/wado")) as address:
        yield address


@pytest.fixture
def viewer(browser: Browser, site: str, served: Served) -> Iterator[ohif.Viewer]:
    """A fresh tab. The test fails for any error that the console tells and any answer of the server that is one."""
    context = browser.new_context(viewport=ohif.SIZE)
    context.add_init_script(ohif.PREPARED)
    try:
        tab = ohif.Viewer(context.new_page(), site, served.url)
        yield tab
        assert tab.errors == []
    finally:
        context.close()
