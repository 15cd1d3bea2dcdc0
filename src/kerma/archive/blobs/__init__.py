"""Where the bytes of instances lie, by opaque keys that prove themselves."""

from __future__ import annotations

from kerma.archive.blobs.files import FileBlobs
from kerma.archive.blobs.store import BlobName, BlobStore, BlobWriter

__all__ = ["BlobName", "BlobStore", "BlobWriter", "FileBlobs"]
