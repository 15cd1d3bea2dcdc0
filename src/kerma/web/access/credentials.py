"""Credentials as requests carry them. Pure: headers in, one credential out.

Rules:

- One request has one credential: Authorization wins, then X-API-Key, then a link in the address, then cookies.
- What a browser sends by itself (cookies, Basic) is *ambient*: a page of another origin can make it send them, so what
  changes anything is only taken from our own pages.
- Everything is bounded before it is decoded.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers

from kerma.archive.access.keys import PREFIX as KEY_PREFIX
from kerma.archive.access.links import PREFIX as LINK_PREFIX
from kerma.dicomweb.problems import HTTPProblem

SESSION_COOKIE = "kerma_session"
LINK_COOKIE = "kerma_link"
MAX_CREDENTIAL = 16_384
_DEFAULT_PORTS = {"http": 80, "https": 443}

Kind = Literal["key", "link", "token", "user", "session"]


@dataclass(frozen=True, slots=True)
class Credential:
    """What somebody shows. ``user`` is the name that goes with a password."""

    kind: Kind
    secret: str
    user: str = ""
    ambient: bool = False
    stale: bool = False
    """Whether one that is wrong counts as none at all: an old cookie is no attempt."""


def credentials_of(headers: Headers, query: bytes) -> list[Credential]:
    """What a request carries, the first that holds counts; none where it carries nothing. HTTPProblem 400, 401."""
    given = headers.getlist("authorization")
    key = headers.get("x-api-key")
    if len(given) > 1:
        raise HTTPProblem(400, "more than one Authorization header", hint="send one credential")
    if any(len(text) > MAX_CREDENTIAL for text in (*given, key or "")):
        raise HTTPProblem(400, f"a credential is longer than {MAX_CREDENTIAL} characters")
    if given:
        return [_authorization(given[0])]
    if key is not None:
        return [Credential("key", key.strip())]
    if b"token=" in query:
        values = parse_qs(query.decode("latin-1")[: MAX_CREDENTIAL * 2], max_num_fields=256).get("token", [])
        if values:
            return [Credential("link", values[0])]
    return _cookies(headers.get("cookie", ""))


def _authorization(text: str) -> Credential:
    scheme, _, value = text.partition(" ")
    value = value.strip()
    match scheme.lower():
        case "bearer" if value.startswith(KEY_PREFIX):
            return Credential("key", value)
        case "bearer" if value.startswith(LINK_PREFIX):
            return Credential("link", value)
        case "bearer":
            return Credential("token", value)
        case "basic":
            return _basic(value)
    raise HTTPProblem(401, "this kind of Authorization is not taken", hint="Bearer, or Basic", headers=challenge())


def _basic(value: str) -> Credential:
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        colon = ""
    if not colon:
        raise HTTPProblem(401, "the Basic credential cannot be read", headers=challenge())
    if password.startswith(KEY_PREFIX):
        return Credential("key", password, ambient=True)
    return Credential("user", password, user, ambient=True)


def _cookies(header: str) -> list[Credential]:
    if not header or len(header) > MAX_CREDENTIAL:
        return []
    try:
        found = SimpleCookie(header)
    except CookieError:
        return []
    kinds: tuple[tuple[str, Kind], ...] = ((SESSION_COOKIE, "session"), (LINK_COOKIE, "link"))
    return [Credential(kind, found[name].value, ambient=True, stale=True) for name, kind in kinds if name in found]


def challenge(error: str = "") -> dict[str, str]:
    """The header that goes with a 401 (RFC 6750 3). Basic is not named: browsers would ask for a password over it."""
    return {"WWW-Authenticate": 'Bearer realm="kerma"' + (f', error="{error}"' if error else "")}


# -- where it comes from -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    name = host.strip("[]").lower().rstrip(".").partition("%")[0]
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


@lru_cache(maxsize=1024)
def host_of(host_header: str) -> str:
    """The host of a Host header without its port, "" where it is none."""
    try:
        return urlsplit(f"//{host_header}").hostname or ""
    except ValueError:
        return ""


def is_same_origin(origin: str, host_header: str) -> bool:
    """Whether an Origin is the server's own. The scheme is not compared: a proxy may have ended the TLS."""
    try:
        theirs, ours = urlsplit(origin), urlsplit(f"//{host_header}")
        port = _DEFAULT_PORTS.get(theirs.scheme, -1)
        return bool(theirs.hostname) and (
            theirs.hostname == ours.hostname and (theirs.port or port) == (ours.port or port)
        )
    except ValueError:
        return False


def is_foreign(headers: Headers, listed: frozenset[str], *, loopback: bool) -> bool:
    """Whether a browser sends this for a page that is not ours. ``listed`` are origins that count as ours, with
    ``loopback`` all those of this machine.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}
    if origin.rstrip("/").lower() in listed or is_same_origin(origin, headers.get("host", "")):
        return False
    try:
        return not (loopback and is_loopback(urlsplit(origin).hostname or ""))
    except ValueError:
        return True
