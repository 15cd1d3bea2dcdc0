"""Instances that are kept in another transfer syntax than they came in, where the configuration says so (``store_as``).

Rules:

- Only syntaxes that lose nothing can be configured, so that an instance stays the instance that it is (PS3.4 B.4.1).
- What is compressed is decompressed again and compared before the bytes that came are forgotten: an encoder's fault
  costs room, not an image.
- What cannot be brought into the syntax is kept as it came: no pixels, more bits than it holds, a broken frame. What
  came with loss is not compressed again, which would make it larger.
- The sender is answered when what is kept is durable, not before (``ingest``). Until then the bytes wait in memory, or
  beyond 32 MB in a temporary file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kerma import pixels
from kerma.archive.blobs.files import resources
from kerma.archive.facts import Facts
from kerma.archive.ingest import Desk, Sink
from kerma.dataset import Dataset
from kerma.errors import KermaError
from kerma.formats.spool import Spool
from kerma.pixels.targets import TARGETS, decodable
from kerma.services.providers import StoreOutcome, StoreRequest
from kerma.standard import transfer_syntaxes

_PIECE = 1 << 20


def sink_for(desk: Desk, request: StoreRequest, *, head: bytes | None = None) -> Sink | RecodingSink:
    """A sink for one data set. ``head`` is what lies before it in its file."""
    sink = Sink(desk, request, head=head)  # says what is wrong with the request
    if not _is_recoded(desk.config.store_as, request.transfer_syntax_uid):
        return sink
    return RecodingSink(desk, request, sink)


def _is_recoded(wanted: str, syntax: str) -> bool:
    if not wanted or wanted == syntax or not decodable(syntax):
        return False
    row = transfer_syntaxes.get(syntax)
    return row is not None and not (row.lossy and wanted in TARGETS)


class RecodingSink:
    """Takes one data set, and keeps it in the syntax of the configuration. ``plain`` takes it where that cannot be."""

    def __init__(self, desk: Desk, request: StoreRequest, plain: Sink) -> None:
        self._desk = desk
        self._request = request
        self._plain = plain
        self._spool = Spool()
        self.facts: Facts | None = None
        """What it is, once it is committed."""

    def write(self, chunks: Sequence[memoryview]) -> None:
        """Take the next slices of the data set."""
        try:
            for chunk in chunks:
                self._spool.add(bytes(chunk))
        except OSError as error:
            self.abort()
            raise resources("the temporary file cannot be written", error) from error

    def commit(self) -> StoreOutcome:
        """Make it durable, then findable."""
        try:
            try:
                data = memoryview(self._spool.whole())
                recoded = self._recoded(data)
            except OSError as error:
                raise resources("the temporary file cannot be used", error) from error
            if recoded is None:
                outcome = _fill(self._plain, data)
                self.facts = self._plain.facts
                return outcome
            self._plain.abort()
            wanted = self._desk.config.store_as
            sink = Sink(self._desk, replace(self._request, transfer_syntax_uid=wanted))
            try:
                for chunk in recoded.chunks(wanted):
                    sink.write([memoryview(chunk)])
                outcome = sink.commit()
                self.facts = sink.facts
                return outcome
            finally:
                sink.abort()
        finally:
            self.abort()

    def _recoded(self, data: memoryview) -> Dataset | None:
        """The data set in the configured syntax; None where that cannot be."""
        config = self._desk.config
        try:
            ds = Dataset.from_bytes(data, self._request.transfer_syntax_uid, limits=config.limits)
            recoded = pixels.transcode(ds, config.store_as, new_uid=False, limits=config.limits)
            if config.store_as in TARGETS and not pixels.same_samples(ds, recoded, limits=config.limits):
                return None
        except KermaError:
            return None
        return recoded

    def abort(self) -> None:
        """Forget it."""
        self._plain.abort()
        self._spool.close()


def _fill(sink: Sink, data: memoryview) -> StoreOutcome:
    for at in range(0, len(data), _PIECE):
        sink.write([data[at : at + _PIECE]])
    return sink.commit()
