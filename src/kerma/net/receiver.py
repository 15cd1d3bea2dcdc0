"""A storage provider that keeps what comes as data sets: what stands behind ``peer.get`` when nothing else is named.

Rules: a small instance is held in memory, a larger one in a temporary file that has no name and is mapped, so that
memory stays bounded.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Sequence
from typing import IO

from kerma.dataset import Dataset
from kerma.errors import OutOfResourcesError
from kerma.services.providers import StoreOutcome, StoreRequest

IN_MEMORY = 16 << 20
"""Bytes of an instance that is kept in memory."""


class DatasetProvider:
    """Keeps the instance that was committed last as ``taken`` until somebody takes it."""

    def __init__(self) -> None:
        self.taken: Dataset | None = None

    def begin(self, request: StoreRequest) -> DatasetSink:
        return DatasetSink(self, request.transfer_syntax_uid)

    def take(self) -> Dataset | None:
        dataset, self.taken = self.taken, None
        return dataset


class DatasetSink:
    """One data set on its way."""

    def __init__(self, provider: DatasetProvider, syntax: str) -> None:
        self._provider = provider
        self._syntax = syntax
        self._memory = bytearray()
        self._file: IO[bytes] | None = None

    def write(self, chunks: Sequence[memoryview]) -> None:
        try:
            if self._file is None:
                for chunk in chunks:
                    self._memory += chunk
                if len(self._memory) > IN_MEMORY:
                    self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the data set's map
                    self._file.write(self._memory)
                    self._memory = bytearray()
                return
            self._file.writelines(chunks)
        except OSError as error:
            raise OutOfResourcesError(f"no room for a temporary file: {error.strerror}") from error

    def commit(self) -> StoreOutcome:
        if self._file is None:
            buffer: bytes | memoryview = bytes(self._memory)
        else:
            try:
                self._file.flush()
                buffer = memoryview(mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ))
            except OSError as error:
                raise OutOfResourcesError(f"no room for a temporary file: {error.strerror}") from error
            finally:
                self._file.close()
        self._provider.taken = Dataset.from_bytes(buffer, self._syntax)
        return StoreOutcome.STORED

    def abort(self) -> None:
        self._memory = bytearray()
        if self._file is not None:
            self._file.close()
