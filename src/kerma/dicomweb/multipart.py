"""multipart/related, read and written as a stream (RFC 2046 5.1, RFC 2387; PS3.18 8.6.1.2).

``Parser.feed`` takes the body in any pieces and gives ``Part``, ``Data``, ``PartEnd`` and ``End``. Rules:

- The pieces never change what is said: only how the bytes of one part are spread over its ``Data`` events.
- ``Data`` is a view of the piece that was fed; a piece is copied only where it ends within what may be a boundary.
- Work is linear in the body, and what is kept between two pieces is bounded by the headers of one part.
- Taken: a preamble, CRLF before the first boundary, blanks after a boundary, parts without headers or without a
  Content-Length, an epilogue. Not taken: a body that ends before its closing boundary (``close`` says so).
"""

from __future__ import annotations

import enum
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass

from kerma.dicomweb.accept import MULTIPART_RELATED, MediaType
from kerma.dicomweb.problems import HTTPProblem
from kerma.errors import UsageError

MAX_PADDING = 64
"""Blanks between a boundary and its end of line (RFC 2046 transport-padding)."""
_CRLF = b"\r\n"
_BOUNDARY_CHARS = frozenset(" !#$%&'()*+,-./:;<=>?@[]^_`{|}~" + string.ascii_letters + string.digits)


@dataclass(frozen=True, slots=True)
class MultipartLimits:
    """Bounds of one body."""

    max_parts: int = 9_999
    max_header: int = 8_192
    """Bytes of the headers of one part."""
    max_header_lines: int = 64
    max_boundary: int = 200
    """Characters; RFC 2046 has 70, and nobody is hurt by some more."""
    max_preamble: int = 16_384
    max_epilogue: int = 65_536
    max_total: int = 1 << 42
    """Bytes of the whole body; who stores has limits of its own."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part begins; header names are in lower case."""

    headers: Mapping[str, str]

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def location(self) -> str | None:
        return self.headers.get("content-location")


@dataclass(slots=True)
class Data:
    """Bytes of the part; valid as long as the piece that was fed is left as it is."""

    data: memoryview


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The part is whole."""


@dataclass(frozen=True, slots=True)
class End:
    """The closing boundary was there: the body is whole."""


Event = Part | Data | PartEnd | End


class _State(enum.Enum):
    PREAMBLE = "before the first boundary"
    HEADERS = "in the headers of a part"
    BODY = "in a part"
    EPILOGUE = "after the closing boundary"


class _Line(enum.Enum):
    """What stands behind the characters of a boundary."""

    MORE = 0
    PART = 1
    CLOSING = 2
    NONE = 3


class Parser:
    """Reads one body. An error that comes after events of the same piece is raised by the next call."""

    def __init__(self, boundary: str, limits: MultipartLimits = MultipartLimits()) -> None:
        self.limits = limits
        self._delimiter = b"\r\n--" + _checked(boundary, limits).encode("ascii")
        self._state = _State.PREAMBLE
        self._held = _CRLF
        """What the next piece is put behind. The first boundary needs no CRLF before it: here it is."""
        self._skip = 2
        """Bytes at the start of the body that are no data: the CRLF that ended the headers."""
        self._searched = 0
        self._total = 0
        self._passed = 0
        """Bytes of the preamble or the epilogue."""
        self._parts = 0
        self._error: HTTPProblem | None = None

    @property
    def ended(self) -> bool:
        """Whether the closing boundary has come."""
        return self._state is _State.EPILOGUE

    def feed(self, data: bytes | bytearray) -> list[Event]:
        """The events in the next piece of the body."""
        if self._error is not None:
            raise self._error
        events: list[Event] = []
        try:
            self._feed(data, events)
        except HTTPProblem as error:
            self._error = error
            if not events:
                raise
        return events

    def close(self) -> None:
        """The body has no more bytes; HTTPProblem 400 where some are missing."""
        if self._error is not None:
            raise self._error
        if not self.ended:
            raise HTTPProblem(
                400,
                f"the multipart body ends {self._state.value}, after {self._total} bytes",
                hint="end it with --boundary--; nothing of it was kept",
            )

    def _feed(self, data: bytes | bytearray, events: list[Event]) -> None:
        self._total += len(data)
        if self._total > self.limits.max_total:
            raise HTTPProblem(413, f"the body is longer than {self.limits.max_total} bytes", hint="send less at once")
        if not data:
            return
        buffer = self._held + data if self._held else data
        self._held = b""
        position: int | None = 0
        while position is not None:
            if self._state is _State.HEADERS:
                position = self._headers(buffer, position, events)
            elif self._state is _State.EPILOGUE:
                self._pass(len(buffer) - position, self.limits.max_epilogue, "after its closing boundary")
                position = None
            else:
                position = self._body(buffer, position, events)

    def _body(self, buffer: bytes | bytearray, position: int, events: list[Event]) -> int | None:
        """Data up to a boundary, or what comes before the first one."""
        search = position
        while True:
            found = buffer.find(self._delimiter, search)
            if found < 0:
                held = self._partial(buffer, search)
                self._give(buffer, position, held, events)
                self._held = bytes(buffer[held:])
                return None
            after, line = self._line(buffer, found + len(self._delimiter))
            if line is _Line.MORE:
                self._give(buffer, position, found, events)
                self._held = bytes(buffer[found:])
                return None
            if line is not _Line.NONE:
                break
            search = found + len(self._delimiter)
        self._give(buffer, position, found, events)
        if self._state is _State.BODY:
            events.append(PartEnd())
        self._passed = 0
        if line is _Line.CLOSING:
            self._state = _State.EPILOGUE
            events.append(End())
        else:
            self._parts += 1
            if self._parts > self.limits.max_parts:
                raise HTTPProblem(
                    413, f"the body has more than {self.limits.max_parts} parts", hint="send it in several requests"
                )
            self._state = _State.HEADERS
            self._searched = 0
        return after

    def _line(self, buffer: bytes | bytearray, position: int) -> tuple[int, _Line]:
        """What follows the characters of a boundary, and where it is over: the CRLF of a part stays to be read."""
        two = buffer[position : position + 2]
        if two == b"--":
            return position + 2, _Line.CLOSING
        if two == b"-" or not two:
            return position, _Line.MORE
        window = bytes(buffer[position : position + MAX_PADDING + 3])
        rest = window.lstrip(b" \t")
        end = position + len(window) - len(rest)
        if end - position > MAX_PADDING:
            return position, _Line.NONE
        two = rest[:2]
        if two == _CRLF:
            return end, _Line.PART
        return end, _Line.MORE if two in (b"", b"\r") else _Line.NONE

    def _partial(self, buffer: bytes | bytearray, start: int) -> int:
        """Where a boundary may have begun that the buffer does not hold whole; its length where none has."""
        at = buffer.rfind(b"\r", max(start, len(buffer) - len(self._delimiter) + 1))
        if at >= 0 and self._delimiter.startswith(bytes(buffer[at:])):
            return at
        return len(buffer)

    def _give(self, buffer: bytes | bytearray, start: int, end: int, events: list[Event]) -> None:
        if self._state is _State.PREAMBLE:
            self._pass(end - start, self.limits.max_preamble, "before its first boundary")
            return
        if end > start and self._skip:
            start += self._skip
            self._skip = 0
        if end > start:
            events.append(Data(memoryview(buffer)[start:end]))

    def _pass(self, count: int, limit: int, where: str) -> None:
        self._passed += count
        if self._passed > limit:
            raise HTTPProblem(
                400, f"the body has more than {limit} bytes {where}", hint="is the boundary the one of Content-Type?"
            )

    def _headers(self, buffer: bytes | bytearray, position: int, events: list[Event]) -> int | None:
        """The headers of a part, from the CRLF of its boundary to the one before the empty line, where data begin."""
        end = buffer.find(b"\r\n\r\n", position + self._searched)
        # Three bytes of the empty line may be there already: no cut of the body changes what is refused.
        if (len(buffer) - 3 if end < 0 else end) - position > self.limits.max_header:
            raise HTTPProblem(
                400, f"the headers of a part are longer than {self.limits.max_header} bytes", hint="send fewer"
            )
        if end < 0:
            self._held = bytes(buffer[position:])
            self._searched = max(0, len(self._held) - 3)
            return None
        events.append(Part(_parsed(bytes(buffer[position + 2 : end]), self.limits)))
        self._state = _State.BODY
        self._skip = 2
        return end + 2


def _parsed(block: bytes, limits: MultipartLimits) -> dict[str, str]:
    """Header fields by lower-case name; the first of a name counts."""
    if not block:
        return {}
    lines = block.split(_CRLF)
    if len(lines) > limits.max_header_lines:
        raise HTTPProblem(400, f"a part has more than {limits.max_header_lines} header lines", hint="send fewer")
    fields: list[list[str]] = []
    for line in lines:
        text = line.decode("latin-1")
        if any(ord(char) < 32 and char != "\t" for char in text):
            raise HTTPProblem(400, "a header of a part has control characters", hint="end its lines with CR LF")
        if text[:1] in (" ", "\t") and fields:
            fields[-1][1] += " " + text.strip()
            continue
        name, colon, value = text.partition(":")
        name = name.strip().lower()
        if not colon or not name or " " in name:
            raise HTTPProblem(400, "a header line of a part is no 'name: value'", hint="an empty line ends the headers")
        fields.append([name, value.strip()])
    headers: dict[str, str] = {}
    for name, value in fields:
        headers.setdefault(name, value)
    return headers


def boundary_of(media: MediaType) -> str:
    """The boundary of a multipart/related Content-Type; HTTPProblem 415 for another type, 400 without boundary."""
    if media.type != MULTIPART_RELATED:
        raise HTTPProblem(415, f"the body is {media.type}", hint=f"send {MULTIPART_RELATED}")
    boundary = media.params.get("boundary", "")
    if not boundary:
        raise HTTPProblem(400, "Content-Type has no boundary", hint='write multipart/related; boundary="..."')
    return boundary


def _checked(boundary: str, limits: MultipartLimits) -> str:
    if not 0 < len(boundary) <= limits.max_boundary:
        raise HTTPProblem(400, f"a boundary has 1 to 70 characters, this one has {len(boundary)}", hint="shorten it")
    if not _BOUNDARY_CHARS.issuperset(boundary) or boundary.endswith(" "):
        raise HTTPProblem(400, "the boundary has characters that none may have", hint="use letters and digits")
    return boundary


_OWN = MultipartLimits(max_boundary=70)


class Writer:
    """Writes one body: for each part ``part(...)`` and then its bytes, at last ``end()``.

    Nothing comes before the first boundary, and ``Content-Type:`` is spelled so and comes first: clients look for both.
    """

    def __init__(self, boundary: str | None = None) -> None:
        # 128 random bits: nobody can have put them into the data.
        self.boundary = secrets.token_hex(16) if boundary is None else _checked(boundary, _OWN)
        self._begun = False

    def content_type(self, part_type: str, *, transfer_syntax: str | None = None) -> str:
        """The Content-Type of the whole, for parts of a type (its parameters are not repeated); the transfer syntax is
        that of the first part.
        """
        kind = _field("type", part_type.partition(";")[0].strip())
        syntax = f"; transfer-syntax={_field('transfer-syntax', transfer_syntax)}" if transfer_syntax else ""
        return f'{MULTIPART_RELATED}; type="{kind}"{syntax}; boundary="{self.boundary}"'

    def part(
        self,
        content_type: str,
        *,
        transfer_syntax: str | None = None,
        location: str | None = None,
        length: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """What comes before the bytes of a part."""
        if transfer_syntax:
            content_type = f"{content_type}; transfer-syntax={transfer_syntax}"
        fields = {"Content-Type": content_type}
        if length is not None:
            fields["Content-Length"] = str(length)
        if location is not None:
            fields["Content-Location"] = location
        fields.update(headers or {})
        lines = "".join(f"{_field('name', name)}: {_field(name, value)}\r\n" for name, value in fields.items())
        begin = "\r\n--" if self._begun else "--"
        self._begun = True
        return f"{begin}{self.boundary}\r\n{lines}\r\n".encode("latin-1")

    def end(self) -> bytes:
        """The closing boundary."""
        begin = "\r\n--" if self._begun else "--"
        return f"{begin}{self.boundary}--\r\n".encode("ascii")


def _field(name: str, value: str) -> str:
    """A header's text, if it is one line of Latin-1."""
    if value.isascii() and value.isprintable():
        return value
    if any(ord(char) < 32 or ord(char) == 127 or ord(char) > 255 for char in value):
        raise UsageError(f"the header {name} of a part is not one line of Latin-1", hint="percent-encode it")
    return value
