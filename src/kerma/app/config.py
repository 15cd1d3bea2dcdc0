"""The configuration: one TOML file and the environment, checked against the rows of ``settings``.

May touch the file that it is told to read. Rules:

- Later wins: defaults, file, environment (``KERMA_SECTION_KEY``), then what the command line says.
- A wrong key or value is refused, never skipped: with the file and line, or the variable, and the name that was
  probably meant.
- A relative path in the file counts from the file's folder, elsewhere from the current one.
- Listening beyond this machine wants known peers or ``open = true``.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kerma.app.kinds import PATH, Address, Kind, is_ip_address
from kerma.app.settings import (
    CONFIG_VARIABLE,
    PEERS_VARIABLE,
    REQUIRED,
    SECTIONS,
    Config,
    PeerSection,
    rows,
    rows_of,
)
from kerma.app.toml_lines import Place, key_lines
from kerma.errors import ConfigError

_MAX_FILE = 1 << 20
Values = dict[str, dict[str, Any]]


def load(
    path: str | Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> Config:
    """The configuration from a file, the environment and ``overrides`` (section, key, value already checked).

    ``path`` None takes the file that ``KERMA_CONFIG`` names, if any. ``ConfigError`` names the line or variable.
    """
    environ = {} if environ is None else environ
    values: Values = {}
    peers: tuple[PeerSection, ...] = ()
    file = path or environ.get(CONFIG_VARIABLE) or None
    if file is not None:
        values, peers = _from_file(Path(file))
    for section, keys in _from_environment(environ).items():
        values.setdefault(section, {}).update(keys)
    if environ.get(PEERS_VARIABLE):
        peers += _peers_from_text(environ[PEERS_VARIABLE])
    for section, chosen in (overrides or {}).items():
        values.setdefault(section, {}).update(chosen)
    sections = {name: struct(**values.get(name, {})) for name, struct in SECTIONS.items()}
    config = Config(**sections, peers=peers)
    _check_peers(config, str(file) if file else PEERS_VARIABLE)
    return config


def check_listening(config: Config) -> None:
    """``ConfigError`` where the servers would listen to other machines without being told to whom."""
    server = config.server
    if not server.dicom and not server.dicom_tls:
        raise ConfigError("there is no address to listen on", where="[server]", hint="give `dicom` or `dicom_tls`")
    if server.dicom_tls and config.tls.cert is None:
        raise ConfigError(
            "`dicom_tls` wants a certificate", where="[tls]", hint="give `cert`, and `key` where it is apart"
        )
    outside = [address for address in (*server.dicom, *server.dicom_tls) if not address.is_loopback]
    if outside and not config.peers and not server.open:
        raise ConfigError(
            f"listening on {outside[0]} lets other machines in, and no peer is known",
            where="[server]",
            hint="list them as [[peer]] tables, or set `open = true` to take anyone",
        )


def check_http(config: Config) -> None:
    """``ConfigError`` where HTTP would be open to other machines without being told so, or to nobody."""
    server = config.server
    if server.http_tls and config.tls.cert is None:
        raise ConfigError(
            "`http_tls` wants a certificate", where="[tls]", hint="give `cert`, and `key` where it is apart"
        )
    if config.web.client_certificates and config.tls.ca is None:
        raise ConfigError(
            "`client_certificates` wants authorities to check them against", where="[tls]", hint="give `ca`"
        )
    outside = [address for address in (*server.http, *server.http_tls) if not address.is_loopback]
    access = config.access
    if outside and not (server.open or access.issuer or access.anonymous or access.login == "required"):
        raise ConfigError(
            f"listening on {outside[0]} lets other machines read the archive over HTTP",
            where="[server]",
            hint='set `login = "required"` in [access] to let in users and keys, or `open = true` to let anyone',
        )
    if access.issuer and not access.audience:
        raise ConfigError(
            "an `issuer` wants an `audience`", where="[access]", hint="give what its tokens for this archive name"
        )


def takes_anyone(config: Config) -> bool:
    """Whether unknown callers may associate: ``open`` when it is given, otherwise when only this machine can call."""
    if config.server.open is not None:
        return config.server.open
    return all(address.is_loopback for address in (*config.server.dicom, *config.server.dicom_tls))


# -- the file ----------------------------------------------------------------------------------------------------------


def _from_file(path: Path) -> tuple[Values, tuple[PeerSection, ...]]:
    try:
        if path.stat().st_size > _MAX_FILE:
            raise ConfigError("this is no configuration: more than 1 MB", where=str(path))
        text = path.read_bytes().decode("utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"cannot be read: {reason}", where=str(path), hint="check the path of --config") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        at = re.search(r"line (\d+)", str(error))
        where = f"{path}:{at[1]}" if at else str(path)
        raise ConfigError(f"not TOML: {error}", where=where) from error
    return _FileReader(path, key_lines(text)).read(document)


class _FileReader:
    """Checks one parsed file; knows its name and lines."""

    def __init__(self, path: Path, lines: Mapping[Place, int]) -> None:
        self._path = path
        self._lines = lines

    def read(self, document: Mapping[str, Any]) -> tuple[Values, tuple[PeerSection, ...]]:
        values: Values = {}
        peers: tuple[PeerSection, ...] = ()
        for name, table in document.items():
            if name == "peer":
                peers = self._peers(table)
            elif name not in SECTIONS:
                raise self._unknown_section(name, table)
            elif not isinstance(table, dict):
                raise self._error(f"`{name}` is a table: write [{name}]", ("", 0, name))
            else:
                values[name] = self._table(name, SECTIONS[name], table, 0)
        return values, peers

    def _peers(self, tables: Any) -> tuple[PeerSection, ...]:
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise self._error("peers are an array of tables: write [[peer]]", ("peer", 0, ""))
        peers = []
        for index, table in enumerate(tables):
            given = self._table("peer", PeerSection, table, index)
            for field in dataclasses.fields(PeerSection):
                if field.default is REQUIRED and field.name not in given:
                    raise self._error(f"[[peer]] wants `{field.name}`", ("peer", index, ""))
            peers.append(PeerSection(**given))
        return tuple(peers)

    def _table(self, section: str, struct: type, table: Mapping[str, Any], index: int) -> dict[str, Any]:
        known = {row.key: row for row in rows_of(section, struct)}
        values = {}
        for key, value in table.items():
            if key not in known:
                raise self._error(f"no key `{key}` in {_heading(section)}", (section, index, key), _meant(key, known))
            kind = known[key].kind
            values[key] = _checked(kind.from_toml, value, f"`{key}`", self._where((section, index, key)))
            if kind is PATH:
                values[key] = str(self._path.parent / Path(values[key]).expanduser())
        return values

    def _unknown_section(self, name: str, table: Any) -> ConfigError:
        place = (name, 0, "") if isinstance(table, dict | list) else ("", 0, name)
        homes = [row.section for row in rows() if row.key == name]
        if not isinstance(table, dict | list) and homes:
            return self._error(f"`{name}` stands outside of a table", place, f"it belongs below {_heading(homes[0])}")
        return self._error(f"no table [{name}]", place, _meant(name, [*SECTIONS, "peer"]))

    def _where(self, place: Place) -> str:
        line = self._lines.get(place) or self._lines.get((place[0], place[1], ""))
        return f"{self._path}:{line}" if line else str(self._path)

    def _error(self, message: str, place: Place, hint: str | None = None) -> ConfigError:
        return ConfigError(message, where=self._where(place), hint=hint)


def _heading(section: str) -> str:
    return "[[peer]]" if section == "peer" else f"[{section}]"


def _meant(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else "known: " + ", ".join(names)


def _checked(convert: Any, value: Any, name: str, where: str) -> Any:
    try:
        return convert(value)
    except ValueError as error:
        shown = repr(value)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise ConfigError(f"{name} is {shown}, but {error}", where=where) from None


# -- the environment ---------------------------------------------------------------------------------------------------


def _from_environment(environ: Mapping[str, str]) -> Values:
    known = {row.variable: row for row in rows() if row.variable}
    names = [*known, PEERS_VARIABLE, CONFIG_VARIABLE]
    values: Values = {}
    for name, text in environ.items():
        if name in known:
            row = known[name]
            value = _checked(row.kind.from_text, text, name, "environment")
            values.setdefault(row.section, {})[row.key] = value
        elif name.startswith("KERMA_") and name not in names:
            # Other programs of the house have variables of their own, so only what looks like a slip is refused.
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.85)
            if near or name.startswith(tuple(f"KERMA_{section.upper()}_" for section in SECTIONS)):
                raise ConfigError(f"no variable {name}", where="environment", hint=_meant(name, names))
    return values


def _peers_from_text(text: str) -> tuple[PeerSection, ...]:
    """``name=AET@HOST:PORT``, several with commas; ``+tls`` at the end connects over TLS."""
    return tuple(_peer_from_text(part.strip()) for part in text.split(",") if part.strip())


def _peer_from_text(text: str) -> PeerSection:
    name, equals, rest = text.partition("=")
    title, at, address = rest.rpartition("@")
    if not equals or not at:
        raise ConfigError(
            f"{text!r} is no peer", where=f"environment: {PEERS_VARIABLE}", hint="write name=AET@HOST:PORT"
        )
    address, plus, _ = address.partition("+tls")
    kinds: dict[str, Kind] = {row.key: row.kind for row in rows_of("peer", PeerSection)}
    where = f"environment: {PEERS_VARIABLE}"
    place = _checked(Address.parse, address, name, where)
    return PeerSection(
        name=_checked(kinds["name"].from_text, name.strip(), "name", where),
        aet=_checked(kinds["aet"].from_text, title, name, where),
        host=place.host,
        port=_checked(kinds["port"].from_toml, place.port, name, where),
        tls=bool(plus),
    )


def _check_peers(config: Config, where: str) -> None:
    names = [peer.name for peer in config.peers]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two peers are called {name!r}", where=where, hint="give each [[peer]] its own name")
    for peer in config.peers:
        if peer.check_host and not is_ip_address(peer.host):
            raise ConfigError(
                f"`check_host` of {peer.name!r} wants an IP address as `host`",
                where=where,
                hint="names are not looked up when somebody calls",
            )
