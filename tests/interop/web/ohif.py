"""OHIF as its makers ship it: the ready-built page of the npm package, served on a port of its own, driven in Chromium.

``tools/peers.sh`` unpacks the package outside of the project. The page comes from another origin than the archive, as
in real life, so every request of it is a cross-origin one. Waiting is for what the page shows or says, not for a time.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Response, ViewportSize
from tests.interop.processes import MissingPeerError, find_program

VERSION = "3.13.2"
# Without the last one Chromium has no WebGL where there is no graphics card, and volumes need it.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
)
SIZE = ViewportSize(width=1280, height=800)
SECONDS = 45

# The page's guided tour would lie over it; a document shown by the browser itself has no such storage.
PREPARED = """try { localStorage.setItem('shownTours', '["basicViewerTour"]') } catch { }"""
DRAWN = """count => {
    const all = (window.cornerstone?.getEnabledElements() ?? []).map(one => one.viewport);
    const volumes = window.cornerstone?.cache.getVolumes() ?? [];
    return all.length >= count && volumes.every(one => one.loadStatus?.loaded ?? true)
        && all.every(one => one.viewportStatus === 'rendered');
}"""
# Two frames of the browser later, what was drawn is on the screen.
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
CONFIG = """window.config = %s;
"""


def cache() -> Path:
    """Where peers that no package manager installs are kept; ``tools/peers.sh`` says the same."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "kerma" / "peers"


def find_page() -> Path:
    """The folder of the page."""
    folder = cache() / f"ohif-{VERSION}"
    if not (folder / "index.html").is_file():
        raise MissingPeerError(f"OHIF {VERSION} is not in {folder}")
    return folder


def config(dicomweb: str, wado: str) -> str:
    """The page's configuration, for a DICOMweb root and a WADO-URI root of ours."""
    source: dict[str, Any] = {
        "friendlyName": "Kerma",
        "name": "kerma",
        "wadoUriRoot": wado,
        "qidoRoot": dicomweb,
        "wadoRoot": dicomweb,
        "qidoSupportsIncludeField": True,
        "imageRendering": "wadors",
        "thumbnailRendering": "thumbnail",
        "thumbnailRequestStrategy": "fetch",
        "enableStudyLazyLoad": True,
        "supportsFuzzyMatching": True,
        "supportsWildcard": True,
        "supportsReject": False,
        "dicomUploadEnabled": True,
        "singlepart": "bulkdata,video",
        "bulkDataURI": {"enabled": True, "relativeResolution": "studies"},
        "omitQuotationForMultipartRequest": True,
    }
    page = {
        "name": "kerma",
        "routerBasename": None,
        "extensions": [],
        "modes": [],
        "customizationService": {},
        "showStudyList": True,
        "maxNumberOfWebWorkers": 2,
        "showWarningMessageForCrossOrigin": True,
        "showCPUFallbackMessage": False,
        "showLoadingIndicator": True,
        "strictZSpacingForVolumeViewport": True,
        "groupEnabledModesFirst": True,
        "allowMultiSelectExport": False,
        "maxNumRequests": {"interaction": 100, "thumbnail": 5, "prefetch": 25},
        "showErrorDetails": "always",
        "investigationalUseDialog": {"option": "never"},
        "defaultDataSourceName": "kerma",
        "dataSources": [
            {
                "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
                "sourceName": "kerma",
                "configuration": source,
            }
        ],
    }
    return CONFIG % json.dumps(page)


class _Pages(SimpleHTTPRequestHandler):
    """The folder; what is no file of it is the page itself, which looks at its own address."""

    protocol_version = "HTTP/1.1"
    settings = b""

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/app-config.js":
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript")
            self.send_header("Content-Length", str(len(self.settings)))
            self.end_headers()
            self.wfile.write(self.settings)
            return
        if not Path(self.translate_path(path)).is_file():
            self.path = "/index.html"
        with contextlib.suppress(ConnectionError):
            super().do_GET()

    def log_message(self, *args: object) -> None:
        """Nobody reads it."""


@contextlib.contextmanager
def serving(folder: Path, settings: str) -> Iterator[str]:
    """Serve the page; the address of it."""
    handler = type("Pages", (_Pages,), {"settings": settings.encode()})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def start_browser(playwright: Playwright) -> Browser:
    """The system's Chromium, without anything of its own that would call home."""
    return playwright.chromium.launch(
        executable_path=find_program("chromium"), args=list(FLAGS), ignore_default_args=["--enable-automation"]
    )


class Viewer:
    """One tab with the page, and what went wrong in it."""

    def __init__(self, page: Page, site: str, server: str) -> None:
        self.page = page
        self.site = site
        self.server = server
        self.errors: list[str] = []
        self.requests: list[tuple[str, str, int]] = []
        self.answers: list[Response] = []
        page.set_default_timeout(SECONDS * 1000)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"page: {error}"))
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _response(self, response: Response) -> None:
        if response.url.startswith(self.server):
            self.answers.append(response)
            self.requests.append((response.request.method, response.url, response.status))
            if response.status >= 400:
                self.errors.append(f"{response.status}: {response.request.method} {response.url}")

    def open(self, route: str = "", **query: str) -> None:
        self.page.goto(f"{self.site}/{route}" + (f"?{urlencode(query)}" if query else ""))

    def study(self, uid: str, mode: str = "viewer", **query: str) -> None:
        """Open a study in a mode of the viewer, and wait until every image on show is drawn."""
        self.open(mode, StudyInstanceUIDs=uid, **query)

    def drawn(self, count: int = 1) -> None:
        """Wait until ``count`` viewports of cornerstone have drawn their image, volumes to the last slice."""
        self.page.wait_for_function(DRAWN, arg=count)

    def picture(self, good: Callable[[bytes], bool] = bool) -> bytes:
        """The screen, as soon as it is good; whatever it shows when the time is over."""
        end = time.monotonic() + SECONDS
        while True:
            self.page.evaluate(PAINTED)
            png = self.page.screenshot()
            if good(png) or time.monotonic() > end:
                return png
