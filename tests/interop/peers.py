"""The peers by name: DCMTK, pynetdicom, Orthanc, and Kerma's own server and command line as processes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .processes import MissingPeerError, Peer, find_program, free_port, python

# DCMTK leaves Nagle's algorithm on unless this is set; without it each small PDU waits for the delayed acknowledgement.
DCMTK_ENV = {"TCP_NODELAY": "1"}


@dataclass(frozen=True)
class TLSFiles:
    """One test authority and the certificates it signed, as PEM files."""

    ca: Path
    server_cert: Path
    server_key: Path
    client_cert: Path
    client_key: Path


# -- DCMTK -------------------------------------------------------------------------------------------------------------


def storescp(folder: Path, *options: str, tls: TLSFiles | None = None, pdu: int = 131072) -> Peer:
    """DCMTK's bare storage SCP; files are written to ``folder/in``."""
    port, target = free_port(), folder / "in"
    target.mkdir(parents=True, exist_ok=True)
    secure = [] if tls is None else ["+tls", str(tls.server_key), str(tls.server_cert), "+cf", str(tls.ca), "-vc"]
    argv = [find_program("storescp"), "-pdu", str(pdu), "-od", str(target), *secure, *options, str(port)]
    return Peer("storescp", argv, folder, port=port, aet="STORESCP", env=DCMTK_ENV, extra={"in": target})


def dcmqrscp(folder: Path, destinations: Mapping[str, int] | None = None, *options: str) -> Peer:
    """DCMTK's archive, with its configuration file written here; ``destinations`` are titles and ports for C-MOVE."""
    port, store = free_port(), folder / "store"
    store.mkdir(parents=True, exist_ok=True)
    hosts = [f"dest{n} = ({aet}, localhost, {p})" for n, (aet, p) in enumerate((destinations or {}).items())]
    config = folder / "dcmqrscp.cfg"
    config.write_text(
        "\n".join(
            [
                f"NetworkTCPPort = {port}",
                "MaxPDUSize = 131072",
                "MaxAssociations = 64",
                "HostTable BEGIN",
                *hosts,
                "HostTable END",
                "VendorTable BEGIN",
                "VendorTable END",
                "AETable BEGIN",
                f"QRSCP {store} RW (200, 1024mb) ANY",
                "AETable END",
                "",
            ]
        )
    )
    argv = [find_program("dcmqrscp"), "-c", str(config), *options, str(port)]
    return Peer("dcmqrscp", argv, folder, port=port, aet="QRSCP", env=DCMTK_ENV, extra={"store": store})


# -- pynetdicom --------------------------------------------------------------------------------------------------------


def pynetdicom_storescp(folder: Path, *options: str, host: str = "127.0.0.1", pdu: int = 131072) -> Peer:
    port, target = free_port(host), folder / "in"
    target.mkdir(parents=True, exist_ok=True)
    argv = [python(), "-m", "pynetdicom", "storescp", str(port), "-ba", host, "-pdu", str(pdu), "-od", str(target)]
    return Peer("pynetdicom-storescp", [*argv, *options], folder, host, port, "STORESCP", extra={"in": target})


def pynetdicom_qrscp(folder: Path, destinations: Mapping[str, int] | None = None, host: str = "127.0.0.1") -> Peer:
    port, store = free_port(host), folder / "store"
    store.mkdir(parents=True, exist_ok=True)
    lines = [
        "[DEFAULT]",
        "ae_title: QRSCP",
        f"port: {port}",
        "max_pdu: 131072",
        "acse_timeout: 30",
        "dimse_timeout: 30",
        "network_timeout: 30",
        f"bind_address: {host}",
        f"instance_location: {store}",
        f"database_location: {folder / 'qrscp.sqlite'}",
        "log_identifier: False",
    ]
    for aet, destination in (destinations or {}).items():
        lines += [f"[{aet}]", "address: 127.0.0.1", f"port: {destination}"]
    config = folder / "qrscp.ini"
    config.write_text("\n".join(lines) + "\n")
    argv = [python(), "-m", "pynetdicom", "qrscp", "-c", str(config)]
    return Peer("pynetdicom-qrscp", argv, folder, host, port, "QRSCP", extra={"store": store})


# -- Orthanc -----------------------------------------------------------------------------------------------------------


def orthanc(
    folder: Path,
    destinations: Mapping[str, int] | None = None,
    titles: Sequence[str] = (),
    *,
    env: Mapping[str, str] = DCMTK_ENV,
    dicomweb: bool = False,
    sections: Mapping[str, object] | None = None,
) -> Peer:
    """Orthanc with its SQLite index and its own defaults, its page refused to everyone but loopback; with ``dicomweb``
    its plugin as well, below ``/dicom-web``. ``sections`` are more of its settings.

    ``titles`` are callers that may query; Orthanc wants to know its modalities. It is made of DCMTK, so its ``env`` too
    has a say in Nagle's algorithm: six times as many images a second with ``TCP_NODELAY=1`` as without.
    """
    port, http, store = free_port(), free_port(), folder / "store"
    store.mkdir(parents=True, exist_ok=True)
    known = {aet: [aet, "127.0.0.1", number] for aet, number in (destinations or {}).items()}
    known.update({aet: [aet, "127.0.0.1", 1] for aet in titles if aet not in known})
    settings = {
        "Name": "peer",
        "StorageDirectory": str(store),
        "IndexDirectory": str(store),
        "DicomAet": "ORTHANC",
        "DicomPort": port,
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "DicomModalities": known,
        "MaximumPduLength": 131072,
        "Plugins": [str(orthanc_dicomweb())] if dicomweb else [],
        **(sections or {}),
    }
    config = folder / "orthanc.json"
    config.write_text(json.dumps(settings, indent=1))
    argv = [find_program("Orthanc"), str(config)]
    url = f"http://127.0.0.1:{http}"
    return Peer("orthanc", argv, folder, port=port, aet="ORTHANC", env=env, extra={"store": store}, http=url)


def orthanc_dicomweb() -> Path:
    """Orthanc's DICOMweb plugin."""
    plugin = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
    if not plugin.exists():
        raise MissingPeerError("Orthanc's DICOMweb plugin is not installed")
    return plugin


# -- Kerma -------------------------------------------------------------------------------------------------------------


def kerma_program() -> str:
    """The console script that was installed beside this interpreter."""
    return str(Path(python()).parent / "kerma")


def kerma_config(
    folder: Path,
    destinations: Mapping[str, int] | None = None,
    *,
    sections: Mapping[str, Mapping[str, object]] | None = None,
    tls: tuple[Path, Path, Path] | None = None,
    tls_peers: Mapping[str, int] | None = None,
) -> Path:
    """A configuration file; ``tls`` is certificate, key, authority; JSON's scalars and lists are TOML's too."""
    lines: list[str] = []
    for name, keys in (sections or {}).items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    if tls is not None:
        lines += [
            "[tls]",
            *(f"{key} = {json.dumps(str(path))}" for key, path in zip(("cert", "key", "ca"), tls, strict=True)),
        ]
    for aet, port in {**(destinations or {}), **(tls_peers or {})}.items():
        lines += ["[[peer]]", f'name = "{aet.lower()}"', f'aet = "{aet}"', 'host = "127.0.0.1"', f"port = {port}"]
        if aet in (tls_peers or {}):
            lines += ["tls = true"]
    path = folder / "kerma.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def kerma_serve(
    folder: Path,
    destinations: Mapping[str, int] | None = None,
    *options: str,
    host: str = "127.0.0.1",
    tls: TLSFiles | None = None,
    data: Path | None = None,
    sections: Mapping[str, Mapping[str, object]] | None = None,
) -> Peer:
    """``kerma serve`` with its own data folder, for DICOM and HTTP; over TLS alone where ``tls`` is given."""
    port = free_port(host)
    listen = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    server: dict[str, object] = {"aet": "KERMA", "open": True, "drain": 5.0}
    web = f"[{host}]:{free_port(host)}" if ":" in host else f"{host}:{free_port(host)}"
    server.update(
        {"dicom": [], "dicom_tls": [listen], "http": [], "http_tls": [web]}
        if tls
        else {"dicom": [listen], "http": [web]}
    )
    server["data"] = str(data or folder / "data")
    merged = {**(sections or {}), "server": {**server, **((sections or {}).get("server", {}))}}
    files = None if tls is None else (tls.server_cert, tls.server_key, tls.ca)
    config = kerma_config(folder, destinations, sections=merged, tls=files)
    argv = [kerma_program(), "serve", "--config", str(config), *options]
    url = f"{'https' if tls else 'http'}://{web}"
    return Peer("kerma", argv, folder, host, port, "KERMA", extra={"data": data or folder / "data"}, http=url)


def kerma_listen(folder: Path, *options: str) -> Peer:
    port, target = free_port(), folder / "in"
    target.mkdir(parents=True, exist_ok=True)
    argv = [kerma_program(), "listen", "--dicom", f"127.0.0.1:{port}", "-o", str(target), *options]
    return Peer("kerma-listen", argv, folder, port=port, aet="KERMA", extra={"in": target})
