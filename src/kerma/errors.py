"""One tree of errors: what went wrong, where, and what to do about it.

Rules of this module:

- Every error that Kerma raises on purpose is a ``KermaError``. A foreign exception (``OSError``, ``sqlite3.Error``)
  is mapped at the one seam where it enters.
- The message says *what*; ``where`` says where (a path, a peer, an offset, a tag path); ``hint`` says what to do.
  The command line prints the three in one line.
- Nothing in an error is patient data: tags, offsets, lengths, UIDs of classes and syntaxes, never an element's value.
- Errors that a peer will be told of carry the answer: ``AbortError`` source and reason (PS3.8 9.3.8),
  ``RejectedError`` result, source and reason (PS3.8 9.3.4), ``StatusError`` the DIMSE status (PS3.7 C).
"""

from __future__ import annotations

from collections.abc import Sequence


class KermaError(Exception):
    """The root of all errors of Kerma.

    ``where`` is a short text (path, peer, tag path); ``hint`` says what the reader can do. Both may be None.
    """

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = self.message if self.where is None else f"{self.where}: {self.message}"
        return text if self.hint is None else f"{text} ({self.hint})"


# -- bytes of files and data sets (PS3.5, PS3.10) ----------------------------------------------------------------------


def format_path(path: Sequence[int]) -> str:
    """A tag path as text: alternating tag, item index, tag ... e.g. ``(0040,A730)[2].(0040,A043)``."""
    parts: list[str] = []
    for index, step in enumerate(path):
        if index % 2:
            parts[-1] += f"[{step}]"
        else:
            parts.append(f"({step >> 16:04X},{step & 0xFFFF:04X})")
    return ".".join(parts)


class FormatError(KermaError):
    """Bytes that are not what PS3.5 or PS3.10 says. ``offset`` counts from the start of the source; ``path`` is tag,
    item, tag ...
    """

    def __init__(
        self,
        message: str,
        *,
        offset: int | None = None,
        path: Sequence[int] = (),
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.offset = offset
        self.path = tuple(path)

    def __str__(self) -> str:
        text = super().__str__()
        if self.path:
            text += f", in {format_path(self.path)}"
        if self.offset is not None:
            text += f", at offset {self.offset}"
        return text


class NotDicomError(FormatError):
    """Nothing in the bytes says that this is DICOM."""


class TruncatedError(FormatError):
    """The source ends before what was announced; ``missing`` is how many bytes are not there."""

    def __init__(
        self,
        message: str,
        *,
        missing: int,
        offset: int | None = None,
        path: Sequence[int] = (),
        where: str | None = None,
    ) -> None:
        super().__init__(message, offset=offset, path=path, where=where)
        self.missing = missing


class LimitError(FormatError):
    """A length, depth or count beyond ``Limits``; the bytes may be right, but they are not taken."""


class UnsupportedSyntaxError(FormatError):
    """A transfer syntax that is not known, or that this operation cannot read or write."""

    def __init__(self, message: str, *, uid: str, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, where=where, hint=hint)
        self.uid = uid


class ValueFormatError(FormatError):
    """An element's bytes are not a value of its VR (PS3.5 6.2). The bytes stay reachable as ``Element.raw``."""


class PixelError(FormatError):
    """Pixel data that are not as the data set says, or cannot be decoded. ``frame`` counts from 0; None where it is not
    one frame's fault.
    """

    def __init__(
        self,
        message: str,
        *,
        frame: int | None = None,
        path: Sequence[int] = (),
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, path=path, where=where, hint=hint)
        self.frame = frame

    def __str__(self) -> str:
        text = super().__str__()
        return text if self.frame is None else f"{text}, in frame {self.frame}"


class ValueEncodeError(KermaError):
    """A Python value that cannot be written as this VR, or not in this character set."""


# -- network (PS3.7, PS3.8) --------------------------------------------------------------------------------------------


class NetworkError(KermaError):
    """Anything between us and a peer."""


class ConnectError(NetworkError):
    """No connection: refused, unreachable, name not found, TLS hand-shake failed."""


class TimeoutExpiredError(NetworkError):
    """The peer did not answer in time."""


class ConnectionLostError(NetworkError):
    """The transport ended without release or abort."""


class RejectedError(NetworkError):
    """A-ASSOCIATE-RJ, sent or received: ``result``, ``source``, ``reason`` as in PS3.8 table 9-21."""

    def __init__(
        self, message: str, *, result: int, source: int, reason: int, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.result = result
        self.source = source
        self.reason = reason


class AbortError(NetworkError):
    """A-ABORT: ``source`` 0 service user, 2 service provider; ``reason`` as in PS3.8 table 9-26."""

    def __init__(
        self, message: str, *, source: int, reason: int, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.source = source
        self.reason = reason


class RemoteProtocolError(AbortError):
    """The peer broke PS3.7 or PS3.8; ``source`` and ``reason`` are what we answer with."""


class LocalProtocolError(NetworkError):
    """A call that the state of the association does not allow: the caller's mistake, nothing is sent."""


class NoContextError(NetworkError):
    """No accepted presentation context serves the SOP class and transfer syntax at hand."""


class AnswerError(NetworkError):
    """An HTTP server answered, but not with what was asked for; ``status`` is the HTTP status."""

    def __init__(self, message: str, *, status: int = 0, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, where=where, hint=hint)
        self.status = status


class StatusError(KermaError):
    """An operation that ends with a DIMSE status (PS3.7 C); ``comment`` goes to the peer as Error Comment
    (0000,0902).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        comment: str | None = None,
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.status = status
        self.comment = message[:64] if comment is None else comment[:64]


# -- archive -----------------------------------------------------------------------------------------------------------


class ArchiveError(KermaError):
    """The archive cannot do what was asked."""


class OutOfResourcesError(ArchiveError):
    """Disk full, folder not writable, database locked or broken: try later. Nothing was kept, nothing was lost."""


class InvalidInstanceError(ArchiveError):
    """The data set cannot be kept: no or impossible UIDs, or, with ``mismatch``, it contradicts the request."""

    def __init__(
        self, message: str, *, mismatch: bool = False, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.mismatch = mismatch


class WrongStudyError(InvalidInstanceError):
    """The instance is of another study than the one that it was sent to."""


class NotFoundError(ArchiveError):
    """Nothing in the archive has this UID."""


class AccessError(ArchiveError):
    """The one who asks has no right to do that."""


# -- configuration and command line ------------------------------------------------------------------------------------


class ConfigError(KermaError):
    """A wrong key or value in the configuration; ``where`` names file and line."""


class UsageError(KermaError):
    """A command or call that cannot be meant; exit status 2 on the command line."""
