"""Secrets: made at random, kept as hashes, compared in constant time.

Rules:

- A secret of 32 random bytes needs no slow hash: SHA-256. A password does: scrypt (RFC 7914) with its own salt, its
  parameters kept beside it, so that they can grow.
- A password of nobody costs as much time as one of somebody.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading

from kerma.errors import UsageError

MIN_PASSWORD = 10
MAX_PASSWORD = 1024
_N, _R, _P = 1 << 15, 8, 1
_MAX_MEMORY = 64 << 20
_AT_ONCE = threading.BoundedSemaphore(2)
"""Each takes 32 MB and a tenth of a second: a flood of guesses must not take all of them."""


def random_text(size: int = 32) -> str:
    """``size`` random bytes as text of ``[A-Za-z0-9_-]``."""
    return secrets.token_urlsafe(size)


def digest_of(secret: str) -> bytes:
    """What is kept of a random secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def same(one: bytes, other: bytes) -> bool:
    """Equality in constant time."""
    return hmac.compare_digest(one, other)


def hash_password(password: str) -> str:
    """What is kept of a password; ``UsageError`` where it is too short or too long."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise UsageError(
            f"a password has {MIN_PASSWORD} to {MAX_PASSWORD:,} characters", hint="several words make a good one"
        )
    salt = secrets.token_bytes(16)
    return f"scrypt${_N}${_R}${_P}${_text(salt)}${_text(_scrypt(password, salt, _N, _R, _P))}"


def check_password(password: str, kept: str | None) -> bool:
    """Whether it is the password; with ``kept`` None, the time that it takes to find out."""
    if len(password) > MAX_PASSWORD:
        return False
    if kept is None:
        _scrypt(password, b"nobody has a salt", _N, _R, _P)
        return False
    _, n, r, p, salt, wanted = kept.split("$")
    return same(_scrypt(password, base64.b64decode(salt), int(n), int(r), int(p)), base64.b64decode(wanted))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    with _AT_ONCE:
        data = password.encode("utf-8", "surrogateescape")
        return hashlib.scrypt(data, salt=salt, n=n, r=r, p=p, maxmem=_MAX_MEMORY, dklen=32)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
