"""Studies, series and instances as DICOM files (PS3.18 10.4, 10.4.1.1.1; 8.7.3.1).

multipart/related of application/dicom, one file by itself where one instance was asked for so, or a zip of files, which
no part of PS3.18 has and people want. Rules:

- What the asker takes as it is stored goes as it is stored, byte for byte: a range of a blob, and nothing is decoded.
- Else it is transcoded on the way, in bounded memory. Of several instances one that cannot be brought into what was
  asked for is sent as stored, with its transfer syntax said on its part: better than a study with holes. Of one alone
  that is a 406.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kerma.dicomweb.media_types import DICOM, Category, Range, Representation, choose
from kerma.dicomweb.multipart import Writer
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.uris import Kind
from kerma.encoding.source import Buffer
from kerma.errors import FormatError
from kerma.formats import part10
from kerma.formats.instance import Instance
from kerma.services.flow import RangePayload
from kerma.services.sendable import Sendable
from kerma.web.answers import answer, digest_of_many, in_thread
from kerma.web.bodies import Body, Literal, Made, Piece, Stored
from kerma.web.selecting import asked, instances_of

ZIP = "application/zip"
_NAME = re.compile(r"[0-9.]{1,64}")
_DICM = 132
"""Where the meta information of a file begins (PS3.10 7.1)."""


def retrieve(request: Request) -> Response:
    """``GET`` of a study, a series or an instance."""
    return given(request, instances_of(request), asked(request))


def given(request: Request, instances: Sequence[Instance], ranges: Sequence[Range]) -> Response:
    """``instances``, which somebody who takes ``ranges`` asked for."""
    if _wants_zip(ranges):
        digest = digest_of_many((instance.name for instance in instances), ZIP)
        name = _file_name(request.url.path.rpartition("/")[2], "dicom") + ".zip"
        body = Body.of(Made(lambda: zipped(instances)))
        return answer(request, body, ZIP, digest, headers=_download(name))
    forms, missed = _forms(instances, ranges)
    multipart = any(form.multipart for form in forms.values())
    digest = digest_of_many(
        (instance.name for instance in instances), str(multipart), *(form.content_type for form in forms.values())
    )
    if not multipart:
        (instance,) = instances
        form = forms[instance.transfer_syntax_uid]
        headers = _download(_file_name(instance.sop_instance_uid, "instance") + ".dcm")
        return answer(request, Body.of(*_file(instance, form)), form.content_type, digest, headers=headers)
    body = Body(lambda: _parts(instances, forms, digest), _length(instances, forms, digest))
    headers = {"Warning": '299 - "some instances cannot be had as asked for and are sent as stored"'} if missed else {}
    return answer(request, body, Writer(digest).content_type(DICOM), digest, headers=headers)


def _wants_zip(ranges: Sequence[Range]) -> bool:
    """Whether a zip is the best that was asked for: it has to be named."""
    best = max((one.q for one in ranges), default=0)
    first = next((one for one in ranges if one.q == best), None)
    return first is not None and first.type == ZIP and best > 0


def _forms(instances: Sequence[Instance], ranges: Sequence[Range]) -> tuple[dict[str, Representation], bool]:
    """How instances go that are stored in a transfer syntax, and whether some go as stored because nothing else can
    be had. HTTPProblem 406 where that is all of them.
    """
    forms: dict[str, Representation] = {}
    problem: HTTPProblem | None = None
    stored: list[str] = []
    for uid in dict.fromkeys(instance.transfer_syntax_uid for instance in instances):
        try:
            forms[uid] = choose(ranges, uid, Category.DICOM, transcodable(uid), single=len(instances) == 1)
        except HTTPProblem as error:
            problem = error
            stored.append(uid)
    if not forms and problem is not None:
        raise problem
    for uid in stored:
        forms[uid] = Representation(DICOM, uid, True)
    return forms, bool(stored)


@lru_cache(maxsize=256)
def transcodable(uid: str) -> tuple[str, ...]:
    """What instances stored in a transfer syntax can be sent in, without looking at them."""
    return Sendable("", "", uid, "").syntaxes


# -- one file ----------------------------------------------------------------------------------------------------------


def _file(instance: Instance, form: Representation) -> tuple[Piece, ...]:
    """One instance as a file in a form of it."""
    syntax = form.transfer_syntax_uid
    if syntax is None or syntax == instance.transfer_syntax_uid:
        return stored_file(instance)
    return (Made(lambda: _acceptable(_transcoded(instance, syntax), syntax)),)


def stored_file(instance: Instance) -> tuple[Piece, ...]:
    """The file that is stored; of a bare data set, a file made of it."""
    if instance.dataset_offset >= _DICM:
        return (Stored.file_of(instance),)
    return (
        Literal(_head(instance, instance.transfer_syntax_uid)),
        Stored(instance.open, instance.dataset_offset, instance.dataset_length),
    )


def _head(instance: Instance, syntax: str) -> bytes:
    return part10.file_head(
        sop_class_uid=instance.sop_class_uid,
        sop_instance_uid=instance.sop_instance_uid,
        transfer_syntax_uid=syntax,
    )


def _transcoded(instance: Instance, syntax: str) -> Iterator[Buffer]:
    """The file in another transfer syntax. What cannot be decoded is known before anything is given."""
    payload = Sendable.of_instance(instance).payload(syntax)
    assert not isinstance(payload, RangePayload)  # that is what is stored
    chunks = payload.make()
    first = next(chunks, b"")
    yield _head(instance, syntax)
    yield first
    yield from chunks


def _acceptable(chunks: Iterator[Buffer], syntax: str) -> Iterator[Buffer]:
    """``chunks``; where nothing can be made of what is stored (``FormatError`` and its kinds), that is a 406."""
    try:
        first = next(chunks, b"")
    except FormatError as error:
        raise HTTPProblem(
            406,
            f"this instance cannot be had as transfer-syntax={syntax}: {error.message}",
            hint=error.hint or "transfer-syntax=* is what is stored",
        ) from error
    yield first
    yield from chunks


# -- many --------------------------------------------------------------------------------------------------------------


def _parts(instances: Sequence[Instance], forms: dict[str, Representation], boundary: str) -> Iterator[Piece]:
    writer = Writer(boundary)
    for instance in instances:
        form = forms[instance.transfer_syntax_uid]
        syntax = form.transfer_syntax_uid or instance.transfer_syntax_uid
        if syntax == instance.transfer_syntax_uid:
            yield Literal(writer.part(form.content_type))
            yield from stored_file(instance)
        elif len(instances) == 1:
            yield Literal(writer.part(form.content_type))
            yield from _file(instance, form)
        else:
            yield Made(_part_of(writer, instance, form, syntax))
    yield Literal(writer.end())


def _part_of(writer: Writer, instance: Instance, form: Representation, syntax: str) -> Callable[[], Iterator[Buffer]]:
    """A part that is transcoded if that can be done, and says what it is."""

    def make() -> Iterator[Buffer]:
        chunks = _transcoded(instance, syntax)
        try:
            first = next(chunks)
        except FormatError:
            yield writer.part(Representation(DICOM, instance.transfer_syntax_uid).content_type)
            for piece in stored_file(instance):
                yield from piece.read(0, None)
            return
        yield writer.part(form.content_type)
        yield first
        yield from chunks

    return make


def _length(instances: Sequence[Instance], forms: dict[str, Representation], boundary: str) -> int | None:
    """Bytes of the multipart, where nothing is transcoded."""
    if any(form.transfer_syntax_uid not in (None, uid) for uid, form in forms.items()):
        return None
    writer = Writer(boundary)
    writer.part(DICOM)  # the first boundary has no CRLF before it, all others have
    heads = {uid: len(writer.part(form.content_type)) for uid, form in forms.items()}
    total = -2
    for instance in instances:
        total += heads[instance.transfer_syntax_uid]
        if instance.dataset_offset >= _DICM:
            total += instance.dataset_offset + instance.dataset_length
        else:
            total += sum(piece.length or 0 for piece in stored_file(instance))
    return total + len(writer.end())


# -- zip ---------------------------------------------------------------------------------------------------------------


class _Sink(io.RawIOBase):
    """Takes what ``zipfile`` writes, for it to be sent; cannot seek, so that sizes and checksums follow the data."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:  # type: ignore[override]
        self.pieces.append(bytes(data))
        return len(data)

    def take(self) -> list[bytes]:
        pieces, self.pieces = self.pieces, []
        return pieces


def zipped(instances: Sequence[Instance]) -> Iterator[Buffer]:
    """A zip of the stored files, not compressed again, named by their SOP Instance UIDs."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for number, instance in enumerate(instances, 1):
            # A UID from outside is no path: what is none is a number.
            name = _file_name(instance.sop_instance_uid, f"{number:06d}")
            pieces = stored_file(instance)
            large = sum(piece.length or 0 for piece in pieces) >= 1 << 31
            with archive.open(zipfile.ZipInfo(f"{name}.dcm"), "w", force_zip64=large) as member:
                for piece in pieces:
                    for buffer in piece.read(0, None):
                        member.write(buffer)
                        yield from sink.take()
            yield from sink.take()
    yield from sink.take()


def _file_name(uid: str, otherwise: str) -> str:
    return uid if _NAME.fullmatch(uid) and ".." not in uid and not uid.startswith(".") else otherwise


def _download(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


ROUTES = [Route(kind.template, in_thread(retrieve)) for kind in (Kind.STUDY, Kind.SERIES, Kind.INSTANCE)]
