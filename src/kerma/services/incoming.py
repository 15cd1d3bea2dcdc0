"""A data set on its way into a sink: what arrives is handed on as slices, an error is kept until the peer can be told.

Rules of this module: after an error nothing more reaches the sink, which has been told to abort, and the rest of the
data set is dropped as it arrives (PS3.7 has no way to stop a sender in the middle). Whatever a provider raises is
kept, nothing escapes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kerma.services.providers import StoreOutcome, StoreRequest, StoreSink


class Incoming:
    """One C-STORE's data set (PS3.7 9.1.1). ``size`` counts bytes, kept or not."""

    __slots__ = ("error", "request", "result", "sink", "size")

    def __init__(self, request: StoreRequest, begin: Callable[[StoreRequest], StoreSink]) -> None:
        self.request = request
        self.size = 0
        self.error: Exception | None = None
        self.sink: StoreSink | None = None
        self.result: StoreOutcome | None = None
        try:
            self.sink = begin(request)
        except Exception as error:  # noqa: BLE001 - a provider's bug becomes a failure status
            self.error = error

    def write(self, chunks: Sequence[memoryview]) -> None:
        """The next slices; they are the caller's again afterwards."""
        for chunk in chunks:
            self.size += len(chunk)
        if self.sink is None or self.error is not None:
            return
        try:
            self.sink.write(chunks)
        except Exception as error:  # noqa: BLE001 - as above
            self.error = error
            self.abort()

    def commit(self) -> StoreOutcome:
        """Durable and findable, or the error that stood in the way is raised."""
        if self.error is not None:
            raise self.error
        assert self.sink is not None
        sink, self.sink = self.sink, None
        try:
            self.result = sink.commit()
        except Exception as error:
            self.error = error
            sink.abort()
            raise
        return self.result

    def abort(self) -> None:
        """Forget it. Harmless after anything."""
        sink, self.sink = self.sink, None
        if sink is not None:
            sink.abort()
