"""Failed attempts, and how long the next one has to wait.

Rules: a name may be wrong a few times, then each failure doubles the wait, up to a quarter of an hour; an hour without
one forgets them. Attempts are counted for a user at one address, and more patiently for each alone: who guesses from
one address does not lock the user out at another. Of IPv6 a /64 is one address, since everybody has all of one.
"""

from __future__ import annotations

import ipaddress

from kerma.archive.access.store import Store
from kerma.errors import AccessError

_LONGEST = 900
_FORGET = 3600
_FREE = {"pair": 5, "address": 40, "user": 100}


class TooManyAttemptsError(AccessError):
    """Wrong too often; ``wait`` is the number of seconds until the next attempt counts."""

    def __init__(self, wait: int) -> None:
        super().__init__("too many failed attempts", hint=f"try again in {wait} seconds")
        self.wait = wait


class Failures:
    """The count of them, shared by all processes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @staticmethod
    def _names(user: str, address: str) -> dict[str, str]:
        address = _place(address)
        return {"pair": f"pair:{address} {user}", "address": f"address:{address}", "user": f"user:{user}"}

    def check(self, user: str, address: str, now: int) -> None:
        """``TooManyAttemptsError`` where the next attempt has to wait."""
        names = self._names(user, address).values()
        rows = self._store.rows("SELECT max(blocked_until) FROM failure WHERE name IN (?, ?, ?)", *names)
        until = int(rows[0][0] or 0)
        if until > now:
            raise TooManyAttemptsError(until - now)

    def note(self, user: str, address: str, now: int) -> None:
        """One more."""
        changes: list[tuple[str, tuple[str | int, ...]]] = []
        for kind, name in self._names(user, address).items():
            found = self._store.row("SELECT count, last_at FROM failure WHERE name = ?", name)
            count = 1 + (int(found[0]) if found is not None and now - int(found[1]) < _FORGET else 0)
            over = count - _FREE[kind]
            wait = min(1 << min(over, 10), _LONGEST) if over >= 0 else 0
            changes.append(
                (
                    "INSERT INTO failure (name, count, last_at, blocked_until) VALUES (?, ?, ?, ?) ON CONFLICT (name)"
                    " DO UPDATE SET count = excluded.count, last_at = excluded.last_at,"
                    " blocked_until = excluded.blocked_until",
                    (name, count, now, now + wait),
                )
            )
        changes.append(("DELETE FROM failure WHERE last_at < ?", (now - _FORGET,)))
        self._store.change(*changes)

    def forget(self, user: str, address: str) -> None:
        """It was right: this user at this address starts anew."""
        name = self._names(user, address)["pair"]
        if self._store.row("SELECT 1 FROM failure WHERE name = ?", name) is not None:
            self._store.change(("DELETE FROM failure WHERE name = ?", (name,)))


def _place(address: str) -> str:
    """What counts as one address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
