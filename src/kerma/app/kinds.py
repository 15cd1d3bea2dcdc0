"""Kinds of configuration values: from TOML, from the text of an environment variable, and back to words.

May touch nothing but its arguments. Rules: a kind says in one phrase what it wants, so that every refusal reads the
same; a value is checked here once and is right everywhere after. AE titles are those of PS3.5 6.2 (VR AE) and PS3.8
9.3.2.
"""

from __future__ import annotations

import importlib
import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kerma.errors import UsageError, ValueEncodeError
from kerma.net.peer import check_aet
from kerma.pixels.targets import TARGETS
from kerma.standard import transfer_syntaxes
from kerma.values.new_uid import new_uid

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: a host name or address, and a TCP port (0: any free one)."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it. A name other than ``localhost`` counts as open to others."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @classmethod
    def parse(cls, text: str) -> Address:
        """``HOST:PORT`` or ``[IPV6]:PORT``; ``ValueError`` says what is wrong."""
        match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s:\[\]@/]+)):([0-9]{1,5})", text.strip())
        if match is None:
            raise ValueError("an address HOST:PORT is wanted, for example 127.0.0.1:11112 or [::1]:11112")
        port = int(match[3])
        if port > 65535:
            raise ValueError(f"port {port} is past 65535")
        return cls(match[1] or match[2], port)


def is_ip_address(host: str) -> bool:
    """Whether ``host`` is an address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Kind:
    """What values a key takes. ``wanted`` is the phrase for messages; the functions raise ``ValueError``."""

    wanted: str
    from_toml: Callable[[Any], Any]
    from_text: Callable[[str], Any]


def _typed(wanted: str, *types: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        # bool is an int to Python, but `port = true` is a mistake.
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise ValueError(f"{wanted} is wanted")
        return value

    return check


def _text_kind(wanted: str, check: Callable[[str], Any] = str) -> Kind:
    is_text = _typed(wanted, str)
    return Kind(wanted, lambda value: check(is_text(value)), check)


def _list_kind(wanted: str, check: Callable[[str], Any]) -> Kind:
    def from_toml(value: Any) -> tuple[Any, ...]:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise ValueError(f"{wanted} is wanted")
        return tuple(check(item) for item in items)

    return Kind(wanted, from_toml, lambda text: tuple(check(part) for part in _parts(text)))


def _parts(text: str) -> Iterable[str]:
    return (part.strip() for part in text.split(",") if part.strip())


def _ae_title(text: str) -> str:
    try:
        return check_aet(text)
    except UsageError as error:
        raise ValueError(error.message) from None


def _uid(text: str) -> str:
    if len(text) > 64 or _UID.fullmatch(text) is None:
        raise ValueError("a UID is wanted: digits and dots, at most 64 characters")
    return text


def _uid_root(text: str) -> str:
    try:
        new_uid(text)
    except ValueEncodeError as error:
        raise ValueError(f"a root for UIDs is wanted: {error.message}") from None
    return text


def _transfer_syntax(text: str) -> str:
    row = transfer_syntaxes.get(_uid(text))
    if row is None:
        raise ValueError("no transfer syntax of the standard has this UID")
    return row.uid


def _lossless(text: str) -> str:
    if not text:
        return text
    uid = _transfer_syntax(text)
    target = TARGETS.get(uid)
    if uid != transfer_syntaxes.EXPLICIT_LE.uid and (target is None or target.method):
        raise ValueError("a transfer syntax is wanted that loses nothing and that can be written here")
    return uid


def _boolean(text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if text.strip().lower() not in words:
        raise ValueError("true or false is wanted")
    return words[text.strip().lower()]


def _peer_name(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", text) is None:
        raise ValueError("a short name is wanted: letters, digits, dot, dash and underscore")
    return text


def _host(text: str) -> str:
    host = text.strip()
    if not host or re.search(r"[\s@/\[\]]", host):
        raise ValueError("a host name or IP address is wanted")
    return host


def _origin(text: str) -> str:
    origin = text.strip().rstrip("/")
    if origin in {"*", "loopback"}:
        return origin
    if len(origin) > 300 or re.fullmatch(r"https?://[^\s/@?#]+", origin) is None:
        raise ValueError("an origin is wanted, for example https://viewer.example.org, or * or loopback")
    return origin


def whole_number(low: int, high: int) -> Kind:
    """Integers from ``low`` to ``high``, both included."""
    wanted = f"a whole number from {low:,} to {high:,}"

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{wanted} is wanted")
        return value

    def from_text(text: str) -> int:
        try:
            number = int(text.strip())
        except ValueError:
            raise ValueError(f"{wanted} is wanted") from None
        return check(number)

    return Kind(wanted, check, from_text)


def seconds(low: float, high: float) -> Kind:
    """A duration in seconds from ``low`` to ``high``, both included."""
    wanted = f"a number of seconds from {low:g} to {high:,.0f}"

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"{wanted} is wanted")
        return float(value)

    def from_text(text: str) -> float:
        try:
            number = float(text.strip())
        except ValueError:
            raise ValueError(f"{wanted} is wanted") from None
        return check(number)

    return Kind(wanted, check, from_text)


def one_of(*words: str) -> Kind:
    """One of a few words."""
    wanted = "one of " + ", ".join(words)

    def check(text: str) -> str:
        if text not in words:
            raise ValueError(f"{wanted} is wanted")
        return text

    return _text_kind(wanted, check)


def _grant(text: str) -> str:
    # Loaded only for a configuration that has grants: the archive is heavy, and most commands never touch it.
    permissions = importlib.import_module("kerma.archive.permissions")
    try:
        return str(permissions.Grant.parse(text))
    except UsageError as error:
        raise ValueError(f"a grant is wanted: {error}") from None


def _role(text: str) -> str:
    role, equals, grant = text.partition("=")
    if not equals or not role.strip():
        raise ValueError("a role and its grant are wanted, for example radiologist=read,write")
    return f"{role.strip()}={_grant(grant)}"


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise ValueError("a network is wanted, for example 10.1.0.0/16, or one address") from None


def _issuer(text: str) -> str:
    match = re.fullmatch(r"(https?)://([^\s/?#@]+)(/[^\s?#]*)?", text)
    if match is None or (match[1] == "http" and not Address(match[2].partition(":")[0], 0).is_loopback):
        raise ValueError("the https:// address of an issuer is wanted")
    return text


BOOLEAN = Kind("true or false", _typed("true or false", bool), _boolean)
AE_TITLE = _text_kind("an AE title", _ae_title)
PATH = _text_kind("a path")
PEER_NAME = _text_kind("a name", _peer_name)
HOST = _text_kind("a host name or IP address", _host)
ORIGINS = _list_kind("a list of origins, `*` or `loopback`", _origin)
ADDRESSES = _list_kind("a list of addresses HOST:PORT", Address.parse)
TRANSFER_SYNTAXES = _list_kind("a list of UIDs of transfer syntaxes", _transfer_syntax)
LOSSLESS_SYNTAX = _text_kind("the UID of a transfer syntax that loses nothing, or nothing", _lossless)
UIDS = _list_kind("a list of UIDs", _uid)
UID_ROOT = _text_kind("a root for UIDs", _uid_root)
TEXT = _text_kind("a text")
TEXTS = _list_kind("a list of texts", str)
GRANTS = _list_kind("a list of grants, for example `read` or `read@label:teaching`", _grant)
ROLES = _list_kind("a list of ROLE=GRANT", _role)
NETWORKS = _list_kind("a list of networks", _network)
ISSUER = _text_kind("the https:// address of an issuer", _issuer)


def some_of(*words: str) -> Kind:
    """A list of a few words."""

    def check(text: str) -> str:
        if text not in words:
            raise ValueError(f"{text[:32]!r} is none of {', '.join(words)}")
        return text

    return _list_kind("a list of " + ", ".join(words), check)
