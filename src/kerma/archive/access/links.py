"""Links that are shared: who holds one may read one patient, study or series until a date.

Rules: the token is signed (HMAC-SHA-256) with ``access.key``, which never leaves the folder, and names a row that can
be revoked. Read is all that a link gives, and never the whole archive.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import secrets as random
from dataclasses import dataclass
from pathlib import Path

from kerma.archive.access import secrets
from kerma.archive.access.store import Store
from kerma.archive.access.users import read_grants
from kerma.archive.permissions import Grant, Principal, Right
from kerma.errors import NotFoundError, OutOfResourcesError, UsageError
from kerma.query.model import Area

PREFIX = "kermalink_"
LONGEST = 366 * 86_400
"""Seconds that a link may last."""
_TOKEN = re.compile(r"kermalink_([0-9a-f]{16})_([0-9]{1,12})_([A-Za-z0-9_-]{43})", re.ASCII)
_COLUMNS = "id, grants, note, made_by, made_at, expires_at, revoked_at"
_KEY = 32


@dataclass(frozen=True, slots=True)
class Link:
    """A link that was given away."""

    id: str
    grants: tuple[Grant, ...]
    note: str
    made_by: str
    made_at: int
    expires_at: int
    revoked_at: int | None

    @property
    def principal(self) -> Principal:
        return Principal.of(f"link {self.id}", self.grants)

    def works(self, now: int) -> bool:
        """Whether it is neither revoked nor past its end."""
        return self.revoked_at is None and now < self.expires_at


class Links:
    """The links of one archive."""

    def __init__(self, store: Store, key: Path) -> None:
        self._store = store
        self._path = key
        self._secret: bytes | None = None

    def make(self, area: Area, expires_at: int, now: int, *, note: str = "", made_by: str = "") -> tuple[str, str]:
        """A new link: its id, and its token."""
        if area.patient_id is None and area.study is None and area.series is None:
            raise UsageError("a link is for one patient, study or series", hint="write study:UID")
        if not now < expires_at <= now + LONGEST:
            raise UsageError("a link ends between now and a year from now", hint="give another date")
        name = random.token_hex(8)
        self._store.change(
            (
                "INSERT INTO link (id, grants, note, made_by, made_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
                (name, str(Grant(Right.READ, area)), note[:200], made_by[:64], now, expires_at),
            )
        )
        return name, f"{PREFIX}{name}_{expires_at}_{self._sign(name, expires_at)}"

    def find(self, token: str) -> Link | None:
        """The link of a token; whether it still works is for the asker to see."""
        match = _TOKEN.fullmatch(token)
        if match is None or not secrets.same(self._sign(match[1], int(match[2])).encode(), match[3].encode()):
            return None
        row = self._store.row(f"SELECT {_COLUMNS} FROM link WHERE id = ? AND expires_at = ?", match[1], int(match[2]))  # noqa: S608
        return None if row is None else _link(row)

    def all(self) -> list[Link]:
        """The links, oldest first."""
        return [_link(row) for row in self._store.rows(f"SELECT {_COLUMNS} FROM link ORDER BY made_at, id")]  # noqa: S608

    def revoke(self, name: str, now: int) -> None:
        """End a link; ``NotFoundError`` where there is none that works."""
        gone = self._store.change(
            ("UPDATE link SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (now, name)),
        )
        if not gone:
            raise NotFoundError("there is no such link, or it was revoked", where=name[:64])

    def _sign(self, name: str, expires_at: int) -> str:
        if self._secret is None:
            self._secret = _secret(self._path)
        made = hmac.digest(self._secret, f"kerma link {name} {expires_at}".encode("ascii"), "sha256")
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode("ascii")


def _secret(path: Path) -> bytes:
    """The key, made once: whole under another name first, so that nobody ever reads half of it."""
    try:
        if not path.exists():
            fresh = path.with_name(f"{path.name}.{random.token_hex(8)}")
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.write(handle, random.token_bytes(_KEY))
                os.fsync(handle)
            finally:
                os.close(handle)
            try:
                os.link(fresh, path)
            except FileExistsError:
                pass  # another process was first: its key is the key
            finally:
                os.unlink(fresh)
        found = path.read_bytes()
    except OSError as error:
        raise OutOfResourcesError(
            f"the key for links cannot be used: {error.strerror}", where=str(path), hint="check its permissions"
        ) from error
    if len(found) != _KEY:
        raise OutOfResourcesError(
            "the key for links is damaged", where=str(path), hint="delete it: all links that were given away end then"
        )
    return found


def _link(row: tuple[object, ...]) -> Link:
    name, grants, note, made_by, made_at, expires_at, revoked_at = row
    return Link(
        str(name),
        read_grants(str(grants)),
        str(note),
        str(made_by),
        int(str(made_at)),
        int(str(expires_at)),
        None if revoked_at is None else int(str(revoked_at)),
    )
