"""The narrow interface of blob stores, and the name by which a blob proves itself.

Rules:

- A key is made here from the time, chance, lengths and a checksum; nothing of it comes from outside.
- A blob with a final key whose bytes do not have the key's size and checksum was never acknowledged.
- The checksum runs over the data set first and the bytes before it (preamble and file meta information) last, so that
  one pass gives the checksum of the data set alone as well, which tells whether two instances are identical whoever
  sent them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from kerma.encoding.source import ByteSource

_KEY = re.compile(r"(\d{8}/\d{4})/([0-9a-f]{24})-([0-9a-f]{1,8})-([0-9a-f]{1,16})-([0-9a-f]{32})\.dcm", re.ASCII)


@dataclass(frozen=True, slots=True)
class BlobName:
    """What a key says: ``bucket`` (day/minute, UTC), a unique ``stem``, where the data set starts, size of all in
    bytes, checksum.
    """

    bucket: str
    stem: str
    dataset_offset: int
    size: int
    checksum: str

    @property
    def key(self) -> str:
        return f"{self.bucket}/{self.stem}-{self.dataset_offset:x}-{self.size:x}-{self.checksum}.dcm"

    @classmethod
    def parse(cls, key: str) -> BlobName | None:
        """The parts of a key; None where it is none of ours."""
        found = _KEY.fullmatch(key)
        if found is None:
            return None
        bucket, stem, offset, size, checksum = found.groups()
        return cls(bucket, stem, int(offset, 16), int(size, 16), checksum)


def new_stem(milliseconds: int) -> str:
    """A unique name that sorts by time: 48 bits of milliseconds since 1970, 48 bits of chance."""
    return f"{milliseconds & 0xFFFFFFFFFFFF:012x}{secrets.token_hex(6)}"


class BlobWriter(Protocol):
    """One blob on its way in. Exactly one of ``seal`` and ``abort`` ends it; ``abort`` after either is harmless."""

    def write(self, chunks: Sequence[bytes | memoryview]) -> None:
        """Append; ``OutOfResourcesError`` where that fails."""
        ...

    def seal(self, dataset_offset: int, checksum: str) -> str:
        """Give it its final key, which is returned, and begin to make it durable. ``OutOfResourcesError`` where that
        fails, with nothing left.
        """
        ...

    def durable(self) -> None:
        """Return when the sealed blob is durable; ``OutOfResourcesError`` where it cannot be made so, with nothing
        left. May be called again, from any thread, and then says the same.
        """
        ...

    def abort(self) -> None:
        """Forget it; never raises."""
        ...

    def source(self) -> ByteSource:
        """The bytes so far, for comparing before ``seal``."""
        ...


class BlobStore(Protocol):
    """Blobs by key."""

    def create(self) -> BlobWriter: ...

    def open(self, key: str) -> ByteSource:
        """``NotFoundError`` where it is not there."""
        ...

    def delete(self, key: str) -> bool:
        """False where it was not there; ``OutOfResourcesError`` where it cannot be deleted."""
        ...

    def list(self, since: str = "") -> Iterator[str]:
        """The keys in buckets at or after ``since``, in order of their buckets and names."""
        ...

    def verify(self, key: str) -> bool:
        """True where size and checksum of the bytes are those of the key; reads all of it."""
        ...

    def size(self, key: str) -> int:
        """Bytes that are there; -1 where it is not there."""
        ...

    def digests(self, key: str) -> tuple[str, str]:
        """Checksum of the data set, and of the whole blob."""
        ...

    def quarantine(self, key: str) -> None:
        """Move a blob out of the findable ones, durably."""
        ...

    def set_aside(self, key: str) -> None:
        """Move a blob that is not what its key says to ``lost+found``."""
        ...

    def clear_incoming(self) -> int:
        """Remove what a crash left half written; how many. Only while nobody else writes."""
        ...
