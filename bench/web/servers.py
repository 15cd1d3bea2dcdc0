"""The contestants: each serves HTTP on a free loopback port from a folder of its own."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from tests.interop import peers
from tests.interop.processes import Peer, find_program, free_port

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass
class Contestant:
    """A server that runs: its process, and where its DICOMweb starts."""

    peer: Peer
    base: str


def kerma(folder: Path, data: Path | None = None) -> Contestant:
    peer = peers.kerma_serve(folder, data=data)
    return Contestant(peer, f"{peer.http}/dicomweb")


def orthanc(folder: Path) -> Contestant:
    """Orthanc as Debian has it, with the plugin; its frames and metadata as they come."""
    port, http, store = free_port(), free_port(), folder / "store"
    store.mkdir(parents=True)
    settings = {
        "StorageDirectory": str(store),
        "IndexDirectory": str(store),
        "DicomPort": port,
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    config = folder / "orthanc.json"
    config.write_text(json.dumps(settings))
    peer = Peer("orthanc", [find_program("Orthanc"), str(config)], folder, port=http)
    return Contestant(peer, f"http://127.0.0.1:{http}/dicom-web")


_NGINX = """{user}daemon off;
worker_processes 1;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    gzip_static on;
    keepalive_requests 1000000;
    client_max_body_size 8g;
    client_body_temp_path {folder}/body;
    default_type application/octet-stream;
    server {{ listen 127.0.0.1:{port}; root {folder}/files; dav_methods PUT; create_full_put_path on; }}
    server {{ listen 127.0.0.1:{h2} http2; root {folder}/files; }}
}}
"""


@dataclass
class Static(Contestant):
    """nginx over a folder; ``h2`` is the base of its HTTP/2 in cleartext."""

    files: Path
    h2: str


def nginx(folder: Path) -> Static:
    port, h2, files = free_port(), free_port(), folder / "files"
    files.mkdir(parents=True)
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(user="user root;\n" if os.geteuid() == 0 else "", folder=folder, port=port, h2=h2))
    argv = [find_program("nginx"), "-c", str(config), "-p", str(folder)]
    peer = Peer("nginx", argv, folder, port=port)
    return Static(peer, f"http://127.0.0.1:{port}", files, f"http://127.0.0.1:{h2}")
