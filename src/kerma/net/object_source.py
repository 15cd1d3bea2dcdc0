"""An object of an object store as a ``ByteSource``: S3, Google Cloud Storage, Azure; through ``obstore``, an extra.

Rules: credentials, region and endpoint are those of the environment, as each store's own tools take them; none is in a
message. The object must stay what it was: its ETag goes along with each range.
"""

from __future__ import annotations

import os
from typing import Any

from kerma.errors import FormatError, NetworkError, TruncatedError, UsageError
from kerma.net.remote_source import RemoteSource

_FIRST = 1 << 16
_REASONS = ("timed out", "connection", "dns", "certificate", "credential", "region")


class ObjectSource(RemoteSource):
    """Random access to one object. ``store`` is one of obstore's; reads may run in several threads at once."""

    def __init__(self, store: Any, key: str, name: str) -> None:
        """Asks for the first kilobytes. ``NetworkError`` where they do not come."""
        self.name = name
        self._store = store
        self._key = key
        self._etag: str | None = None
        self._size = 0
        self._first = b""
        self._first = self._get(0, _FIRST)

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``; ``TruncatedError`` where they are not there."""
        missing = max(0, offset + length - self._size)
        if offset < 0 or length < 0 or missing:
            raise TruncatedError(f"{length} bytes wanted, {missing} are missing", missing=missing, offset=offset)
        if offset + length <= len(self._first):
            return self._first[offset : offset + length]
        if self._store is None:
            raise FormatError("the source is closed", where=self.name)
        data = self._get(offset, length) if length else b""
        if len(data) != length:
            raise self._changed()
        return data

    def close(self) -> None:
        self._store = None

    def _get(self, offset: int, length: int) -> bytes:
        obstore = _obstore()
        options: dict[str, Any] = {"range": (offset, offset + length)}
        first = self._etag is None and not self._size
        if self._etag is not None:
            options["if_match"] = self._etag
        kinds = obstore.exceptions
        try:
            result = obstore.get(self._store, self._key, options=options)
            meta = result.meta
            if first:
                self._etag, self._size = meta["e_tag"], meta["size"]
            elif (meta["e_tag"], meta["size"]) != (self._etag, self._size):
                raise self._changed()
            return bytes(result.bytes())
        except kinds.PreconditionError:
            raise self._changed() from None
        except (FileNotFoundError, kinds.NotFoundError):
            raise NetworkError("there is no such object", where=self.name, hint="check bucket and key") from None
        except (kinds.UnauthenticatedError, kinds.PermissionDeniedError):
            raise NetworkError(
                "the store does not let us read it", where=self.name, hint="give credentials in the environment"
            ) from None
        except (kinds.BaseError, OSError, ValueError) as error:
            if first and self._is_empty(obstore):
                return b""
            raise NetworkError(
                f"cannot be read: {_reason(error)}",
                where=self.name,
                hint="check network, and the store's region, endpoint and credentials in the environment",
            ) from None

    def _is_empty(self, obstore: Any) -> bool:
        """An object without bytes has no first range."""
        try:
            return bool(obstore.head(self._store, self._key)["size"] == 0)
        except (obstore.exceptions.BaseError, OSError, ValueError):
            return False

    def _changed(self) -> FormatError:
        return FormatError("the object was changed since its head was read", where=self.name, hint="read it again")


def _reason(error: Exception) -> str:
    """The kind of an error: the texts of obstore hold requests."""
    text = str(error).lower()
    return next((word for word in _REASONS if word in text), type(error).__name__)


def _obstore() -> Any:
    try:
        import obstore  # noqa: PLC0415  (an extra)
        import obstore.exceptions  # noqa: PLC0415
        import obstore.store  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            "reading from object stores wants obstore, which is not installed", hint="pip install 'kerma[remote]'"
        ) from None
    return obstore


def open_object(url: str, name: str) -> ObjectSource:
    """The object at an ``s3://bucket/key`` kind of address."""
    obstore = _obstore()
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if not bucket or not key:
        raise UsageError("this is no address of an object", where=name, hint=f"write {scheme}://bucket/key")
    config: dict[str, Any] = {}
    client: dict[str, Any] = {}
    if os.environ.get("AWS_ALLOW_HTTP", "").lower() in {"1", "true"}:
        client["allow_http"] = True
    try:
        store = obstore.store.from_url(f"{scheme}://{bucket}", client_options=client or None, **config)
    except (obstore.exceptions.BaseError, ValueError, OSError) as error:
        raise NetworkError(f"the store cannot be reached: {_reason(error)}", where=name) from None
    return ObjectSource(store, key, name)
