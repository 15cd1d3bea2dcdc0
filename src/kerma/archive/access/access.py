"""Users, keys and links of one archive, behind one door."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from kerma.archive.access.keys import Keys
from kerma.archive.access.links import Links
from kerma.archive.access.store import Store
from kerma.archive.access.users import Users


class Access:
    """Who has access to the archive in ``folder``; safe to use from many threads."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.store = Store(folder / "access.db")
        self.users = Users(self.store)
        self.keys = Keys(self.store)
        self.links = Links(self.store, folder / "access.key")
        self._clock = clock
        self._rules: tuple[int, bool] | None = None

    def now(self) -> int:
        """Seconds since 1970."""
        return int(self._clock())

    def has_rules(self) -> bool:
        """Whether anybody has a password or a key here: then nobody gets in without one.

        Revoked keys count: taking the last one away must not open the archive.
        """
        stamp = self.store.stamp()
        if self._rules is None or self._rules[0] != stamp:
            found = self.store.row("SELECT EXISTS (SELECT 1 FROM user) OR EXISTS (SELECT 1 FROM api_key)")
            self._rules = (stamp, bool(found and found[0]))
        return self._rules[1]

    def close(self) -> None:
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
