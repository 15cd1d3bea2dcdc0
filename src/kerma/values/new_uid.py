"""Making UIDs (PS3.5 9, B.2).

Rules: a new UID is random and names nobody: not the machine, not the time. Without a root it is 2.25 and a UUID as a
decimal number (PS3.5 B.2, ITU-T X.667); with an organisation's own root, as many random digits behind it as 64
characters leave room for.
"""

from __future__ import annotations

import secrets
import uuid

from kerma.errors import ValueEncodeError
from kerma.values.uid import UID

_LONGEST = 64
_FEWEST = 20  # random digits behind a root; fewer are no longer unique for practical purposes
_MOST = 38


def new_uid(root: str | None = None) -> UID:
    """A UID that nobody else has. ``root`` is one that was given to your organisation.

    ``ValueEncodeError`` where ``root`` is no UID or leaves less than 20 digits.
    """
    if root is None:
        return UID(f"2.25.{uuid.uuid4().int}")
    stem = UID(root.rstrip("."))
    if not stem.valid or "." not in stem:
        raise ValueEncodeError(f"{root[:80]!r} is no root for UIDs", hint="digits with dots between them (PS3.5 9.1)")
    room = _LONGEST - len(stem) - 1
    if room < _FEWEST:
        raise ValueEncodeError(
            f"the root for UIDs has {len(stem)} characters",
            hint=f"at most {_LONGEST - 1 - _FEWEST} leave room behind it",
        )
    digits = min(room, _MOST)
    low = 10 ** (digits - 1)
    return UID(f"{stem}.{low + secrets.randbelow(9 * low)}")
