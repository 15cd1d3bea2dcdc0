"""Local users, their passwords and their sessions.

Rules: a session is a random secret of which only a hash is kept; it ends at its time, when the user logs out, and when
the password or the grants change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kerma.archive.access import secrets
from kerma.archive.access.failures import Failures
from kerma.archive.access.store import Store
from kerma.archive.permissions import Grant, Principal, parse_grants
from kerma.errors import NotFoundError, UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", re.ASCII)
SESSION = 12 * 3600
"""Seconds that a session lasts."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who has a password here."""

    name: str
    grants: tuple[Grant, ...]
    made_at: int

    @property
    def principal(self) -> Principal:
        return Principal.of(self.name, self.grants)


class Users:
    """The local users of one archive."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._failures = Failures(store)

    def put(self, name: str, now: int, *, password: str | None = None, grants: Sequence[str] | None = None) -> None:
        """Make a user (who needs both), or change one; ``UsageError``. Ends the sessions of the user."""
        if _NAME.fullmatch(name) is None:
            raise UsageError("this is no name for a user", hint="letters, digits, dot, dash, underscore and @")
        found = self._store.row("SELECT password, grants FROM user WHERE name = ?", name)
        if found is None and (password is None or not grants):
            raise UsageError("a new user needs a password and rights", where=name, hint="for example: read,write")
        kept = secrets.hash_password(password) if password is not None else str((found or ("",))[0])
        given = _written(grants) if grants is not None else str((found or ("", ""))[1])
        self._store.change(
            ("DELETE FROM session WHERE user = ?", (name,)),
            (
                "INSERT INTO user (name, password, grants, made_at) VALUES (?, ?, ?, ?) ON CONFLICT (name)"
                " DO UPDATE SET password = excluded.password, grants = excluded.grants",
                (name, kept, given, now),
            ),
        )

    def remove(self, name: str) -> None:
        """Forget a user; ``NotFoundError``."""
        gone = self._store.change(
            ("DELETE FROM session WHERE user = ?", (name,)), ("DELETE FROM user WHERE name = ?", (name,))
        )
        if not gone:
            raise NotFoundError("there is no such user", where=name[:64])

    def all(self) -> list[User]:
        """The users by name."""
        rows = self._store.rows("SELECT name, grants, made_at FROM user ORDER BY name")
        return [User(name, read_grants(grants), made_at) for name, grants, made_at in rows]

    def check(self, name: str, password: str, address: str, now: int) -> User | None:
        """The user with this password; ``TooManyAttemptsError`` where it was wrong too often."""
        self._failures.check(name[:64], address, now)
        row = self._store.row("SELECT password, grants, made_at FROM user WHERE name = ?", name)
        if not secrets.check_password(password, None if row is None else str(row[0])):
            self._failures.note(name[:64], address, now)
            return None
        assert row is not None
        self._failures.forget(name[:64], address)
        return User(name, read_grants(row[1]), row[2])

    # -- sessions ------------------------------------------------------------------------------------------------------

    def begin(self, name: str, now: int, lasts: int = SESSION) -> str:
        """The secret of a new session."""
        secret = secrets.random_text()
        self._store.change(
            ("DELETE FROM session WHERE expires_at < ?", (now,)),
            (
                "INSERT INTO session (digest, user, made_at, expires_at) VALUES (?, ?, ?, ?)",
                (secrets.digest_of(secret), name, now, now + lasts),
            ),
        )
        return secret

    def session(self, secret: str) -> tuple[User, int] | None:
        """Whose session this is, and when it ends."""
        row = self._store.row(
            "SELECT user.name, user.grants, user.made_at, session.expires_at FROM session"
            " JOIN user ON user.name = session.user WHERE session.digest = ?",
            secrets.digest_of(secret),
        )
        return None if row is None else (User(row[0], read_grants(row[1]), row[2]), int(row[3]))

    def end(self, secret: str) -> None:
        """Log out."""
        self._store.change(("DELETE FROM session WHERE digest = ?", (secrets.digest_of(secret),)))


def _written(grants: Sequence[str]) -> str:
    return "\n".join(str(grant) for grant in parse_grants(grants))


def read_grants(text: str) -> tuple[Grant, ...]:
    """Grants as they are kept: one a line."""
    return parse_grants(text.splitlines())
