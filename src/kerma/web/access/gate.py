"""The gate: from what a request carries to a principal, or to the refusal.

Rules:

- Without any rule (no user, no key, no issuer, nothing configured) there is no login, and only this machine gets in:
  the request comes from loopback, asks for a loopback name (so that no foreign name can be bent to us), and changes
  things for pages of this machine only.
- With rules nobody gets in without a credential, from loopback as little as from anywhere: a proxy may sit there. What
  anyone may do without one is configured (``anonymous``).
- A credential that is wrong is a 401, never a way to do what one could without it; only old cookies count as none.
- What was found is remembered as long as nobody changed anything in the list of users and keys.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from starlette.datastructures import Headers
from starlette.types import Scope

from kerma.archive.access import Access
from kerma.archive.access.failures import TooManyAttemptsError
from kerma.archive.access.keys import Network, in_networks
from kerma.archive.permissions import EVERYTHING, Grant, Principal, Right
from kerma.dicomweb.problems import HTTPProblem
from kerma.web.access.credentials import (
    Credential,
    challenge,
    credentials_of,
    host_of,
    is_foreign,
    is_loopback,
)
from kerma.web.access.tokens import Verifier

NOBODY = Principal("nobody")
"""Who has shown nothing, where that is no reason to be refused."""
_REMEMBERED = 4096
_AGAIN = 60.0
"""Seconds after which a token is verified again, and a password."""
_CARRIERS = frozenset({b"authorization", b"x-api-key", b"cookie"})
_HOPS = (b"x-forwarded-for", b"x-real-ip")
_FORWARDED = frozenset({b"forwarded", b"x-forwarded-host", *_HOPS})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ABOUT_READING = re.compile(r"/subscribers/[^/]+(/suspend)?$|/commitment-requests/[^/]+$")
"""Where POST and DELETE change nothing but what the asker is told: subscriptions, storage commitment."""
_CHANGES = Right.WRITE | Right.DELETE | Right.ADMINISTER


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says of access."""

    required: bool = False
    """Nobody without a credential, even where there are no users and keys yet."""
    anonymous: tuple[Grant, ...] = ()
    """What anyone may do without a credential, from anywhere."""
    origins: frozenset[str] = frozenset()
    """Origins whose pages count as ours."""
    proxies: tuple[Network, ...] = ()
    """Proxies whose word on where a request comes from is taken (X-Forwarded-For, X-Forwarded-Proto)."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a credential is good for: until when, from where, as long as the list of users has this stamp."""

    principal: Principal
    until: float
    stamp: int | None = None
    networks: tuple[Network, ...] = ()


class Gate:
    """Who may pass into one application."""

    def __init__(
        self,
        access: Access,
        rules: Rules | None = None,
        tokens: Verifier | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.access = access
        self.rules = rules or Rules()
        self._tokens = tokens
        self._clock = clock
        self._remembered: dict[bytes, Found] = {}

    @property
    def open_house(self) -> bool:
        """Whether there is no rule at all."""
        rules = self.rules
        return not (rules.required or rules.anonymous or self._tokens is not None or self.access.has_rules())

    async def principal(self, scope: Scope, *, public: bool = False) -> Principal:
        """Who asks; HTTPProblem where that is nobody who may. ``public`` is for what needs no right."""
        headers = Headers(scope=scope)
        given = dict(scope["headers"])  # of a header that came twice the last
        carries = not _CARRIERS.isdisjoint(given) or b"token=" in scope["query_string"]
        credentials = credentials_of(headers, scope["query_string"]) if carries else []
        address = self.address_of(scope, headers)
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE
        if changes and all(one.ambient for one in credentials):
            self._check_origin(headers, self.open_house)
        for credential in credentials:
            found = await self._found(credential, address)
            if found is not None:
                if credential.kind == "link" and changes and not public:
                    # Not even what takes the right to read only: subscriptions belong to titles, not to who asks.
                    raise HTTPProblem(403, "a shared link is for looking only")
                return found
            if not credential.stale and not public:
                raise HTTPProblem(
                    401, "the credential is wrong, or has ended", headers=challenge("invalid_token"), hint="log in anew"
                )
        if self.rules.anonymous:
            return Principal.of("anyone", self.rules.anonymous)
        if self.open_house:
            if self._is_at_home(given, address):
                return EVERYTHING
            if not public:
                raise HTTPProblem(
                    403,
                    "without users, keys or an issuer only this machine may ask, by a name of its own (localhost)",
                    hint="make a user or a key with kerma access",
                )
        if public:
            return NOBODY
        raise HTTPProblem(401, "this needs a credential", hint="a bearer token, a key or a login", headers=challenge())

    # -- where from ----------------------------------------------------------------------------------------------------

    def address_of(self, scope: Scope, headers: Headers) -> str:
        """The address of whoever asks: behind a proxy of ours the last one that is none of ours."""
        address = str(scope["client"][0]) if scope.get("client") else ""
        if not self.rules.proxies or not in_networks(address, self.rules.proxies):
            return address
        for hop in reversed(",".join(headers.getlist("x-forwarded-for")).split(",")[-32:]):
            if not hop.strip():
                continue
            address = hop.strip()
            if not in_networks(address, self.rules.proxies):
                break
        return address

    def is_secure(self, scope: Scope, headers: Headers) -> bool:
        """Whether the browser speaks TLS."""
        if scope["scheme"] in ("https", "wss"):
            return True
        behind = scope.get("client") and in_networks(str(scope["client"][0]), self.rules.proxies)
        return bool(behind) and headers.get("x-forwarded-proto", "").lower() == "https"

    def _check_origin(self, headers: Headers, house: bool) -> None:
        if is_foreign(headers, self.rules.origins, loopback=house):
            raise HTTPProblem(
                403,
                "a page of another origin may not do this",
                hint="send a bearer token or a key, or list the origin in [web] origins",
            )

    @staticmethod
    def _is_at_home(given: dict[bytes, bytes], address: str) -> bool:
        """Whether this machine asks, by a name of its own, and not for somebody else."""
        host = given.get(b"host")  # HTTP/1.0 need not name one; a browser always does
        if not is_loopback(address) or (host and not is_loopback(host_of(host.decode("latin-1")))):
            return False
        if _FORWARDED.isdisjoint(given):
            return True
        hops = [given.get(name, b"").rpartition(b",")[2].strip().decode("latin-1") for name in _HOPS]
        hops += [host_of(name.strip().decode("latin-1")) for name in given.get(b"x-forwarded-host", b"").split(b",")]
        return b"forwarded" not in given and all(is_loopback(hop) for hop in hops if hop)

    # -- who -----------------------------------------------------------------------------------------------------------

    async def _found(self, credential: Credential, address: str) -> Principal | None:
        name = hashlib.sha256(f"{credential.kind}\n{credential.user}\n{credential.secret}".encode("utf-8", "replace"))
        key = name.digest()
        found = self._remembered.get(key)
        if found is not None and not self._holds(found):
            found = None
        if found is None:
            found = await asyncio.to_thread(partial(self._look, credential, address))
            if found is None:
                return None
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = found
        if found.networks and not in_networks(address, found.networks):
            raise HTTPProblem(403, "this key does not work from here")
        return found.principal

    def _holds(self, found: Found) -> bool:
        return self._clock() < found.until and found.stamp in (None, self.access.store.stamp())

    def _look(self, credential: Credential, address: str) -> Found | None:
        """What a credential is good for; None where it is not."""
        access, now = self.access, int(self._clock())
        stamp = access.store.stamp()
        match credential.kind:
            case "key":
                key = access.keys.find(credential.secret)
                if key is None or not key.works(now):
                    return None
                return Found(key.principal, key.expires_at or float("inf"), stamp, key.networks)
            case "link":
                link = access.links.find(credential.secret)
                return Found(link.principal, link.expires_at, stamp) if link is not None and link.works(now) else None
            case "session":
                session = access.users.session(credential.secret)
                if session is None or session[1] <= now:
                    return None
                return Found(session[0].principal, session[1], stamp)
            case "user":
                user = self.check_password(credential.user, credential.secret, address)
                return None if user is None else Found(user, now + _AGAIN, access.store.stamp())
            case "token":
                if self._tokens is None:
                    return None
                principal, end = self._tokens.verify(credential.secret)
                return Found(principal, min(end, now + _AGAIN))

    def check_password(self, user: str, password: str, address: str) -> Principal | None:
        """Whose password it is; HTTPProblem 429 after too many that were wrong."""
        try:
            found = self.access.users.check(user, password, address, int(self._clock()))
        except TooManyAttemptsError as error:
            raise HTTPProblem(429, error.message, headers={"Retry-After": str(error.wait)}) from None
        return None if found is None else found.principal


def require_some_right(principal: Principal, scope: Scope) -> None:
    """The least right that a request of this method can do with; handlers ask for more. HTTPProblem 403."""
    if scope["type"] == "http" and scope["method"] == "OPTIONS":
        return
    reads = scope["type"] == "websocket" or scope["method"] in _SAFE or _ABOUT_READING.search(scope["path"]) is not None
    if not principal.anywhere & (Right.READ if reads else _CHANGES):
        raise HTTPProblem(403, f"{principal.name} may not {'read' if reads else 'change anything'} here")
