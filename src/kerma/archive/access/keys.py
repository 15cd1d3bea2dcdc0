"""Keys of machines: ``kerma_ID_SECRET``, shown once, kept as a hash.

Rules: the id finds the row, the secret (32 random bytes) is compared in constant time. A key may have an end date and
networks that it works from; a revoked one stays in the list.
"""

from __future__ import annotations

import ipaddress
import re
import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass

from kerma.archive.access import secrets
from kerma.archive.access.store import Store
from kerma.archive.access.users import read_grants
from kerma.archive.permissions import Grant, Principal, parse_grants
from kerma.errors import NotFoundError, UsageError

PREFIX = "kerma_"
_TOKEN = re.compile(r"kerma_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_MAX_NETWORKS = 64
_COLUMNS = "id, note, grants, networks, made_at, expires_at, revoked_at"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret."""

    id: str
    note: str
    grants: tuple[Grant, ...]
    networks: tuple[Network, ...]
    made_at: int
    expires_at: int | None
    revoked_at: int | None

    @property
    def principal(self) -> Principal:
        return Principal.of(f"key {self.id}", self.grants)

    def works(self, now: int) -> bool:
        """Whether it is neither revoked nor past its end."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks as written (``10.1.0.0/16``, ``2001:db8::/32``, ``10.1.2.3``); ``UsageError``."""
    if len(texts) > _MAX_NETWORKS:
        raise UsageError(f"more than {_MAX_NETWORKS} networks", hint="write larger ones")
    try:
        return tuple(ipaddress.ip_network(text.strip(), strict=False) for text in texts)
    except ValueError:
        raise UsageError("this is no network", hint="write 10.1.0.0/16, 2001:db8::/32 or one address") from None


def in_networks(address: str, networks: Sequence[Network]) -> bool:
    """Whether an IP address lies in one of ``networks``; IPv4 in IPv6 counts as IPv4."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found.version == network.version and found in network for network in networks)


class Keys:
    """The keys of one archive."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make(
        self,
        grants: Sequence[str],
        now: int,
        *,
        note: str = "",
        networks: Sequence[str] = (),
        expires_at: int | None = None,
    ) -> tuple[str, str]:
        """A new key: its id, and the token that nobody can read again."""
        given = parse_grants(grants)
        if not given:
            raise UsageError("a key needs rights", hint="for example: read,write")
        if expires_at is not None and expires_at <= now:
            raise UsageError("the key would have ended already", hint="give a later date")
        places = parse_networks(networks)
        name, secret = random.token_hex(6), secrets.random_text()
        self._store.change(
            (
                "INSERT INTO api_key (id, digest, note, grants, networks, made_at, expires_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    name,
                    secrets.digest_of(secret),
                    note[:200],
                    "\n".join(map(str, given)),
                    "\n".join(map(str, places)),
                    now,
                    expires_at,
                ),
            )
        )
        return name, f"{PREFIX}{name}_{secret}"

    def find(self, token: str) -> ApiKey | None:
        """The key of a token; whether it still works is for the asker to see."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        row = self._store.row(f"SELECT digest, {_COLUMNS} FROM api_key WHERE id = ?", match[1])  # noqa: S608
        kept = bytes(row[0]) if row is not None else bytes(32)
        if not secrets.same(secrets.digest_of(match[2]), kept) or row is None:
            return None
        return _key(row[1:])

    def all(self) -> list[ApiKey]:
        """The keys, oldest first."""
        return [_key(row) for row in self._store.rows(f"SELECT {_COLUMNS} FROM api_key ORDER BY made_at, id")]  # noqa: S608

    def revoke(self, name: str, now: int) -> None:
        """End a key; ``NotFoundError`` where there is none that works."""
        gone = self._store.change(
            ("UPDATE api_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (now, name)),
        )
        if not gone:
            raise NotFoundError("there is no such key, or it was revoked", where=name[:64])


def _key(row: Sequence[object]) -> ApiKey:
    name, note, grants, networks, made_at, expires_at, revoked_at = row
    return ApiKey(
        str(name),
        str(note),
        read_grants(str(grants)),
        parse_networks(str(networks).splitlines()),
        int(str(made_at)),
        None if expires_at is None else int(str(expires_at)),
        None if revoked_at is None else int(str(revoked_at)),
    )
