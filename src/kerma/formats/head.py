"""The header of a data set while it passes by: for ingest, without holding the pixels (PS3.5 7, A.5).

``feed`` takes chunks of any size until ``done``. Kept are the bytes up to pixel data and a little more; what comes
after is counted, so that ``finish`` can say whether the data set was cut.

How: the bytes so far are scanned again whenever they have doubled, which is linear in the end, with the same fast
loop as a file. A deflated syntax is inflated on the way.
"""

from __future__ import annotations

import zlib

from kerma.dataset import Dataset
from kerma.dataset.body import Body
from kerma.encoding.headers import read_header
from kerma.encoding.marks import Marks
from kerma.encoding.scan import scan_head
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import UNDEFINED, encoding_of, tag_of
from kerma.errors import FormatError, LimitError, TruncatedError
from kerma.formats.passing import PassingFragments
from kerma.limits import Limits, Strictness

_LIMITS = Limits()
_FIRST = 4096
_VR_OF = {0x7FE00008: "OF", 0x7FE00009: "OD", 0x7FE00010: "OW"}
"""VRs of pixel data in implicit VR (PS3.5 A.1)."""
EXPLICIT_LE_UID = "1.2.840.10008.1.2.1"


class HeadScanner:
    """Collects the header of one data set. ``bound`` is how many bytes of header are kept at most."""

    def __init__(self, transfer_syntax_uid: str, *, limits: Limits = _LIMITS, bound: int = 64 << 20) -> None:
        """``UnsupportedSyntaxError`` for an unknown syntax."""
        self._encoding, deflated = encoding_of(transfer_syntax_uid)
        self._limits = limits
        self._bound = bound
        self._data = bytearray()
        self._header_syntax = EXPLICIT_LE_UID if deflated else transfer_syntax_uid
        self._found: tuple[dict[int, int], Marks] | None = None
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS) if deflated else None
        self._next = _FIRST  # scan again when so many bytes are here
        self._seen = 0
        self._must_reach = 0
        self.fragments: PassingFragments | None = None
        """Wants to see all bytes from here on, where pixel data is encapsulated; ``feed`` shows it what it is given."""
        self.done = False
        self.truncated = False
        self.header_bytes = b""
        self.pixel: tuple[int, str] | None = None
        """Tag and VR of the pixel data that follows the header."""

    @property
    def rest(self) -> str | None:
        """What follows the header of a data set that is complete: "" for nothing, tag and VR where it is pixel data
        alone ("7FE00010OW"), None where there is more or nobody looked.
        """
        if self.truncated:
            return None
        if self.pixel is None:
            return ""
        end = self.after_pixels
        if self._inflate is not None or (end is not None and end < self._seen):
            return None
        return f"{self.pixel[0]:08X}{self.pixel[1]}"

    @property
    def after_pixels(self) -> int | None:
        """Where what follows the pixel data begins; None where nobody looked that far."""
        return self._must_reach if self.fragments is None else self.fragments.end

    def feed(self, chunk: Buffer) -> bool:
        """Take the next chunk; returns ``done``. Feeding on after that only counts bytes.

        ``FormatError`` where the bytes are no data set; ``LimitError`` where a deflated one inflates too far.
        """
        if self._inflate is not None:
            return self._feed_deflated(chunk)
        if not self.done:
            self._take(chunk)
        elif self.fragments is not None:
            self.fragments.feed(self._seen, chunk)
        self._seen += len(chunk)
        return self.done

    def finish(self, total: int | None = None) -> bytes:
        """The data set is complete, with ``total`` bytes if not all were fed; returns ``header_bytes``.

        ``TruncatedError`` where it ended inside an element.
        """
        if self._inflate is not None:
            if not self.done and not self._inflate.eof and self._seen:
                raise TruncatedError("the deflate stream of the data set does not end", missing=1, offset=self._seen)
        elif total is not None:
            self._seen = total
        if not self.done:
            self._scan(last=True)
        if self._inflate is None and self._seen < self._must_reach:
            missing = self._must_reach - self._seen
            raise TruncatedError(
                f"the pixel data is cut, {missing} bytes are missing",
                missing=missing,
                offset=self._seen,
                path=(0x7FE00010,),
            )
        if self.fragments is not None and (missing := self.fragments.missing(self._seen)):
            raise TruncatedError(
                f"a fragment of the pixel data is cut, {missing} bytes are missing",
                missing=missing,
                offset=self._seen,
                path=(0x7FE00010,),
            )
        return self.header_bytes

    def dataset(self) -> Dataset:
        """The header as a data set, over the index that the scan made already where there was nothing odd in it."""
        if self._found is None:
            return Dataset.from_bytes(self.header_bytes, self._header_syntax, limits=self._limits)
        index, marks = self._found
        body = Body(self.header_bytes, 0, len(self.header_bytes), self._encoding, marks)
        body.index_now = dict(index)
        return Dataset.from_body(body)

    def _feed_deflated(self, chunk: Buffer) -> bool:
        stream = self._inflate
        assert stream is not None
        pending: Buffer = chunk
        while not self.done and not stream.eof:
            try:
                part = stream.decompress(pending, 1 << 20)
            except zlib.error:
                raise FormatError("the deflated data set is no deflate stream (PS3.5 A.5)", offset=0) from None
            pending = stream.unconsumed_tail
            self._seen += len(part)
            if self._seen > self._limits.max_inflated:
                raise LimitError(f"the data set inflates to more than {self._limits.max_inflated} bytes", offset=0)
            self._take(part)
            if not part and not pending:
                break
        return self.done

    def _take(self, chunk: Buffer) -> None:
        data = self._data
        data += chunk
        if len(data) >= self._next:
            self._scan(last=False)
            self._next = max(_FIRST, 2 * len(data))

    def _scan(self, *, last: bool) -> None:
        data = bytes(self._data)
        marks = Marks(self._limits, Strictness.LENIENT)
        marks.partial = not last
        size = len(data)
        index: dict[int, int] = {}
        pixel = scan_head(data, size, self._encoding, marks, last=last, index=index)
        if not marks.odd and not marks.findings:
            self._found = (index, marks)
        if pixel >= 0:
            head = read_header(data, pixel, self._encoding)
            tag = tag_of(head.key)
            self.pixel = tag, head.vr or _VR_OF[tag]
            self._must_reach = head.value + (0 if head.length == UNDEFINED else head.length)
            if head.length == UNDEFINED and self._inflate is None:
                self.fragments = PassingFragments(head.value)
                self.fragments.feed(0, data)
            self._end(data[:pixel])
        elif last:
            self._end(data)
        elif size > self._bound:
            self.truncated = True
            self._end(data[: marks.whole])

    def _end(self, header: bytes) -> None:
        self.header_bytes = header
        self.done = True
        self._data = bytearray()
