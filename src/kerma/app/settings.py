"""Every key of the configuration as one row: its section, default, kind and help.

May touch ``kinds`` and ``limits`` only. The loader, ``kerma serve --help``, the environment names and the reference in
the user guide all come from these rows, so they cannot drift apart.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kerma.app.kinds import (
    ADDRESSES,
    AE_TITLE,
    BOOLEAN,
    GRANTS,
    HOST,
    ISSUER,
    LOSSLESS_SYNTAX,
    NETWORKS,
    ORIGINS,
    PATH,
    PEER_NAME,
    ROLES,
    TEXT,
    TEXTS,
    TRANSFER_SYNTAXES,
    UID_ROOT,
    UIDS,
    Address,
    Kind,
    one_of,
    seconds,
    some_of,
    whole_number,
)
from kerma.limits import NetworkLimits

REQUIRED = dataclasses.MISSING
_NET = NetworkLimits()


def _key(default: Any, kind: Kind, text: str) -> Any:
    return dataclasses.field(default=default, metadata={"kind": kind, "help": text})


@dataclass(frozen=True, slots=True)
class ServerSection:
    """``[server]``: who we are and where we listen."""

    aet: str = _key("KERMA", AE_TITLE, "our AE title")
    dicom: tuple[Address, ...] = _key(
        (Address("127.0.0.1", 11112),), ADDRESSES, "where to listen for DICOM associations, one or several"
    )
    dicom_tls: tuple[Address, ...] = _key((), ADDRESSES, "where to listen for DICOM over TLS; wants [tls]")
    http: tuple[Address, ...] = _key(
        (Address("127.0.0.1", 8080),), ADDRESSES, "where to listen for HTTP, one or several; an empty list: nowhere"
    )
    http_tls: tuple[Address, ...] = _key((), ADDRESSES, "where to listen for HTTPS; wants [tls]")
    data: str = _key("kerma-data", PATH, "the folder of the archive; made when it is not there")
    open: bool | None = _key(
        None,
        BOOLEAN,
        "who may associate: true everyone, false known peers only; left out: everyone when all addresses are "
        "loopback, known peers otherwise",
    )
    accept_any_called_aet: bool = _key(True, BOOLEAN, "take associations that call another AE title than ours")
    drain: float = _key(30.0, seconds(0, 3600), "seconds that running operations may take to end at shutdown")


@dataclass(frozen=True, slots=True)
class WebSection:
    """``[web]``: how HTTP is served."""

    processes: int = _key(1, whole_number(1, 64), "processes that answer HTTP, beside the one for DICOM associations")
    origins: tuple[str, ...] = _key(
        ("loopback",),
        ORIGINS,
        "origins whose pages a browser lets read answers; `loopback`: those of this machine, `*`: all",
    )
    client_certificates: bool = _key(
        False, BOOLEAN, "callers over HTTPS must show a certificate of the authorities in `ca` of [tls]"
    )
    access_log: bool = _key(True, BOOLEAN, "a line in the log for each request")
    max_connections: int = _key(
        10_000, whole_number(1, 1_000_000), "connections at one time, for each address and process"
    )
    max_requests: int = _key(512, whole_number(1, 100_000), "requests that are worked on at one time, in each process")
    header_time: float = _key(30.0, seconds(1, 3600), "seconds that the head of a request may take to arrive")
    body_idle: float = _key(60.0, seconds(0.1, 3600), "seconds that the next bytes of a request's body may take")


ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
"""Signatures of tokens that can be verified with public keys (RFC 7518 3.1, RFC 9864)."""


@dataclass(frozen=True, slots=True)
class AccessSection:
    """``[access]``: who may do what over HTTP. Users, keys and links are made with ``kerma access``."""

    login: str = _key(
        "auto",
        one_of("auto", "required"),
        "`auto`: without users, keys, an issuer and `anonymous`, whoever is on this machine may do everything; "
        "`required`: nobody without a credential",
    )
    anonymous: tuple[str, ...] = _key((), GRANTS, "what anyone may do without a credential, from anywhere")
    session: int = _key(43_200, whole_number(60, 2_592_000), "seconds that a login lasts")
    proxies: tuple[str, ...] = _key(
        (), NETWORKS, "proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, by their addresses"
    )
    issuer: str | None = _key(None, ISSUER, "the OpenID Connect provider whose bearer tokens are taken")
    audience: str | None = _key(None, TEXT, "what its tokens must name as audience; wanted with `issuer`")
    algorithms: tuple[str, ...] = _key(ALGORITHMS, some_of(*ALGORITHMS), "signatures of tokens that are taken")
    roles: tuple[str, ...] = _key(
        ("kerma:read=read", "kerma:write=write", "kerma:delete=delete", "kerma:administer=administer"),
        ROLES,
        "what each scope or role of a token gives",
    )
    role_claims: tuple[str, ...] = _key(
        ("scope", "scp", "roles", "groups", "realm_access.roles"), TEXTS, "where tokens hold scopes and roles"
    )
    patient_claim: str = _key("", TEXT, "a claim with Patient IDs: a token that has it is limited to these patients")
    leeway: int = _key(60, whole_number(0, 600), "seconds that the issuer's clock and ours may differ")


@dataclass(frozen=True, slots=True)
class LimitsSection:
    """``[limits]``: bounds on what comes from the network (``kerma.limits.NetworkLimits``)."""

    max_pdu: int = _key(
        _NET.max_pdu, whole_number(4096, 16 << 20), "maximum length of a received P-DATA-TF, announced to peers, bytes"
    )
    max_associate_pdu: int = _key(
        _NET.max_associate_pdu, whole_number(65_536, 64 << 20), "maximum length of a received A-ASSOCIATE-RQ, bytes"
    )
    max_command: int = _key(_NET.max_command, whole_number(4096, 64 << 20), "maximum length of a command set, bytes")
    max_identifier: int = _key(
        _NET.max_identifier, whole_number(65_536, 1 << 30), "maximum length of a query identifier, bytes"
    )
    artim: float = _key(_NET.artim, seconds(0.1, 3600), "the ARTIM timer of PS3.8 9.1.5, seconds")
    idle: float = _key(
        _NET.idle, seconds(0, 86_400), "seconds without a byte before an association is aborted; 0 never"
    )
    response: float = _key(_NET.response, seconds(0.1, 86_400), "seconds that we wait for a peer's response")
    connect: float = _key(_NET.connect, seconds(0.1, 3600), "seconds for a connection and its TLS hand-shake")
    max_associations: int = _key(_NET.max_associations, whole_number(1, 100_000), "associations at one time")
    max_associations_per_peer: int = _key(
        _NET.max_associations_per_peer, whole_number(1, 100_000), "associations of one peer at one time"
    )
    max_busy: int = _key(_NET.max_busy, whole_number(1, 1024), "associations that are worked on at one time")


@dataclass(frozen=True, slots=True)
class TLSSection:
    """``[tls]``: certificates for listening and for connecting (PS3.15 B.9, B.10: TLS 1.2 or later)."""

    cert: str | None = _key(None, PATH, "our certificate chain, PEM")
    key: str | None = _key(None, PATH, "its private key, PEM; left out: it is in the certificate's file")
    ca: str | None = _key(None, PATH, "the authorities that we trust, PEM; left out: those of this machine")
    verify: bool = _key(
        True, BOOLEAN, "check the peer's certificate: servers that we call always, callers when `ca` is given"
    )
    check_hostname: bool = _key(True, BOOLEAN, "compare a server's certificate with the host that was called")


@dataclass(frozen=True, slots=True)
class ArchiveSection:
    """``[archive]``: what is kept, and how."""

    duplicates: str = _key(
        "quarantine",
        one_of("quarantine", "keep-first", "replace"),
        "other bytes under a SOP Instance UID that is there already: refuse them but keep them in quarantine, keep the "
        "first and drop them, or let them replace the first",
    )
    executable_preambles: str = _key(
        "keep",
        one_of("keep", "refuse"),
        "files whose preamble makes them a program as well: take them with a warning, or refuse them",
    )
    private_sop_classes: tuple[str, ...] = _key((), UIDS, "storage SOP classes to take besides those of the standard")
    transfer_syntaxes: tuple[str, ...] = _key(
        (), TRANSFER_SYNTAXES, "transfer syntaxes to take; empty: all that the standard knows"
    )
    store_as: str = _key(
        "",
        LOSSLESS_SYNTAX,
        "the transfer syntax to keep images in, one that loses nothing; what it cannot hold, and what came with loss, "
        "is kept as it came; empty: everything as it came",
    )


@dataclass(frozen=True, slots=True)
class UIDsSection:
    """``[uids]``: the UIDs of new objects."""

    root: str | None = _key(
        None, UID_ROOT, "a root of your organisation to make UIDs under; left out: 2.25 and a UUID (PS3.5 B.2)"
    )


@dataclass(frozen=True, slots=True)
class LogSection:
    """``[log]``: structured logs on standard error."""

    format: str = _key("console", one_of("console", "json"), "how a line looks")
    level: str = _key("info", one_of("debug", "info", "warning", "error"), "the least level that is written")
    patient_data: bool = _key(False, BOOLEAN, "let logs hold values that name a patient")


@dataclass(frozen=True, slots=True)
class PeerSection:
    """``[[peer]]``: another application entity, by name; may be given many times."""

    name: str = _key(REQUIRED, PEER_NAME, "what to call it on the command line")
    aet: str = _key(REQUIRED, AE_TITLE, "its AE title; a calling AE title that is here is a known peer")
    host: str = _key(REQUIRED, HOST, "its host name or IP address")
    port: int = _key(104, whole_number(1, 65_535), "its port")
    tls: bool = _key(False, BOOLEAN, "connect to it over TLS, with the files of [tls]")
    check_host: bool = _key(False, BOOLEAN, "take its associations from `host` (an IP address) only")
    rights: tuple[str, ...] = _key(
        (), GRANTS, "what it may do, for example `read` or `write@label:trial`; left out: all that DICOM offers"
    )


@dataclass(frozen=True, slots=True)
class Config:
    """All of the configuration. ``Config()`` is what holds when there is none: everything on loopback."""

    server: ServerSection = ServerSection()
    web: WebSection = WebSection()
    access: AccessSection = AccessSection()
    limits: LimitsSection = LimitsSection()
    tls: TLSSection = TLSSection()
    archive: ArchiveSection = ArchiveSection()
    uids: UIDsSection = UIDsSection()
    log: LogSection = LogSection()
    peers: tuple[PeerSection, ...] = ()


SECTIONS: dict[str, type] = {
    "server": ServerSection,
    "web": WebSection,
    "access": AccessSection,
    "limits": LimitsSection,
    "tls": TLSSection,
    "archive": ArchiveSection,
    "uids": UIDsSection,
    "log": LogSection,
}
"""The tables of the file by name, in the order of the reference; ``[[peer]]`` stands apart, being an array."""

PEERS_VARIABLE = "KERMA_PEERS"
CONFIG_VARIABLE = "KERMA_CONFIG"


@dataclass(frozen=True, slots=True)
class Row:
    """One key for a reference: ``variable`` is its name in the environment, empty for keys of ``[[peer]]``."""

    section: str
    key: str
    kind: Kind
    default: Any
    help: str
    variable: str


def rows_of(section: str, struct: type) -> Iterator[Row]:
    """The keys of one section."""
    for field in dataclasses.fields(struct):
        variable = "" if section == "peer" else f"KERMA_{section}_{field.name}".upper()
        yield Row(section, field.name, field.metadata["kind"], field.default, field.metadata["help"], variable)


def rows() -> Iterator[Row]:
    """Every key of the configuration, ``[[peer]]`` last."""
    for section, struct in SECTIONS.items():
        yield from rows_of(section, struct)
    yield from rows_of("peer", PeerSection)


def as_toml(value: Any) -> str:
    """A default as it would be written in the file; ``-`` for a key that has none."""
    if value is None or value is REQUIRED:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(as_toml(str(item)) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
