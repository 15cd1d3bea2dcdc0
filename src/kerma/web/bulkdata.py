"""Bulk data: the values that metadata name by a URI, and all of them at once (PS3.18 10.4.1.1.5, 10.4.1.1.6, 8.7.3.5).

Rules:

- A value is a range of a blob: it is found by the lazy data set and sent from where it lies, never loaded.
- Values go as little endian words, whatever they are stored in. A document goes as what it says that it is, without
  the byte that made its length even; what is no PDF may run no script in a browser.
- Compressed pixels are their frames, in the form of the frames resource. A video is its stream, and by itself a body
  that can be sought by ranges.
- The lists (``/bulkdata``, ``/pixeldata``) are multiparts that say of each part where it is to be had by itself.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kerma.dataset import Dataset, Element
from kerma.dataset.fragments import Fragments
from kerma.dataset.walking import BULK, walk
from kerma.dicomweb.bulkdata import MAX_DEPTH, PIXELS, name_of, namer, path_of
from kerma.dicomweb.media_types import EXPLICIT_LE, OCTET_STREAM, Category, Representation, choose, media_type_of
from kerma.dicomweb.metadata import damaged
from kerma.dicomweb.multipart import Writer
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.uris import Kind, Templates
from kerma.encoding.source import Buffer
from kerma.encoding.swap import WORD_SIZES, swapped
from kerma.errors import KermaError, PixelError
from kerma.formats.instance import Instance
from kerma.pixels.frame_index import FrameIndex, index
from kerma.pixels.items import walk as walk_items
from kerma.pixels.places import Place, place_of
from kerma.pixels.syntaxes import VIDEO
from kerma.web.answers import answer, digest_of, digest_of_many, in_thread
from kerma.web.bodies import CHUNK, Body, Literal, Made, Piece, Ranged
from kerma.web.context import context_of
from kerma.web.frames import given, piece_of, stored_syntax
from kerma.web.images import damage_told, dataset_of
from kerma.web.selecting import asked, instance_of, instances_of

_DOCUMENT = 0x00420011
_PDF = "application/pdf"
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}")
_SANDBOX = {"Content-Security-Policy": "sandbox"}


@dataclass(frozen=True, slots=True)
class Value:
    """One value: what it is, and its bytes."""

    media_type: str
    piece: Piece
    syntax: str | None = None

    @property
    def content_type(self) -> str:
        return Representation(self.media_type, self.syntax).content_type


def retrieve_bulkdata(request: Request) -> Response:
    """``GET .../bulkdata/{path}``."""
    path = path_of(request.path_params["bulk"])
    instance = instance_of(request)
    if path[0] in PIXELS and len(path) == 1:
        found = _pixels(request, instance)
        if found is not None:
            return found
    with damage_told():
        value = value_at(dataset_of(instance), path)
    offered = (value.media_type,) if value.media_type == OCTET_STREAM else (value.media_type, OCTET_STREAM)
    form = choose(asked(request), None, Category.BULK, offered=offered)
    return _one(request, instance, name_of(path), value, form)


def _one(request: Request, instance: Instance, name: str, value: Value, form: Representation) -> Response:
    """One value as a body, or as a multipart of one part."""
    syntax = value.syntax if form.media_type == value.media_type else form.transfer_syntax_uid
    form = Representation(form.media_type, syntax, form.multipart)
    digest = digest_of(instance.name, "bulkdata", name, form.content_type, str(form.multipart))
    headers = {} if form.media_type in (_PDF, OCTET_STREAM) or form.multipart else _SANDBOX
    if not form.multipart:
        return answer(request, Body.of(value.piece), form.content_type, digest, headers=headers)
    writer = Writer(digest)
    head = Literal(writer.part(form.content_type, location=request.scope["path"]))
    body = Body.of(head, value.piece, Literal(writer.end()))
    return answer(request, body, writer.content_type(form.media_type), digest)


def _pixels(request: Request, instance: Instance) -> Response | None:
    """The pixel data, where they are compressed; None where they are a value like others."""
    try:
        image = context_of(request).images.open(instance)
    except PixelError:
        return None  # whatever they are, their bytes are there
    found = image.found
    if not found.encapsulated:
        return None
    if _is_video(found):
        value = _stream(found)
        form = choose(asked(request), None, Category.BULK, offered=(value.media_type, OCTET_STREAM))
        # Nobody wants it as samples, which are a hundred times as many: as octets it is the stream as well.
        return _one(request, instance, "pixels", Value(form.media_type, value.piece, value.syntax), form)
    return given(request, instance, image, range(1, found.count + 1))


def _is_video(found: FrameIndex) -> bool:
    return found.encapsulated and found.layout.transfer_syntax_uid in VIDEO


def _stream(found: FrameIndex) -> Value:
    ranges, read = found.whole_stream()
    uid = found.layout.transfer_syntax_uid
    return Value(media_type_of(uid), Ranged(tuple(ranges), read), uid)


# -- one value ---------------------------------------------------------------------------------------------------------


def value_at(ds: Dataset, path: tuple[int, ...]) -> Value:
    """The value at a path of tags and item numbers; HTTPProblem 404 where there is none."""
    holder = ds
    for tag, number in zip(path[0:-1:2], path[1::2], strict=True):
        if tag not in holder or holder.vr_of(tag) != "SQ":
            raise _absent()
        items = holder[tag].sequence
        if number >= len(items):
            raise _absent()
        holder = items[number]
    if path[-1] not in holder:
        raise _absent()
    if holder.vr_of(path[-1]) == "SQ":
        raw = holder[path[-1]].raw
        if len(path) > 1 or raw is None or not damaged(holder[path[-1]]):
            raise _absent()
        return Value(OCTET_STREAM, Literal(raw), EXPLICIT_LE)  # metadata tell its bytes, as it has no items
    return _value(ds, holder, path[-1])


def _absent() -> HTTPProblem:
    return HTTPProblem(404, "the instance has no such bulk data", hint="its metadata say what there is")


def _value(ds: Dataset, holder: Dataset, tag: int) -> Value:
    place = place_of(holder, tag)
    if isinstance(place, Fragments):  # only of what was built in memory
        raise _absent()
    if place.length is None:
        return _stream_in(ds, place)
    media_type, size = OCTET_STREAM, place.bound - place.start
    if tag == _DOCUMENT:
        media_type, size = _document_type(holder), _document_size(holder, size)
        return Value(media_type, Ranged(((place.start, size),), place.range), _syntax(media_type))
    word = 1 if place.little_endian else WORD_SIZES.get(place.vr, 1)
    if word > 1:
        return Value(OCTET_STREAM, Made(_turned(place, size, word), size), EXPLICIT_LE)
    return Value(OCTET_STREAM, Ranged(((place.start, size),), place.range), EXPLICIT_LE)


def _syntax(media_type: str) -> str | None:
    return EXPLICIT_LE if media_type == OCTET_STREAM else None


def _turned(place: Place, size: int, word: int) -> Callable[[], Iterator[Buffer]]:
    """Big endian words as little endian ones."""

    def make() -> Iterator[Buffer]:
        for at in range(0, size, CHUNK):
            yield swapped(place.range(place.start + at, min(CHUNK, size - at)), word)

    return make


def _stream_in(ds: Dataset, place: Place) -> Value:
    """The code stream of an encapsulated value below the top level, an icon: its fragments but the offset table."""
    spans, _ = walk_items(place.whole(), place.start, place.bound)
    uid = ds.transfer_syntax_uid or EXPLICIT_LE
    return Value(media_type_of(uid), Ranged(tuple(spans.between(1, len(spans))), place.range), uid)


def _document_type(ds: Dataset) -> str:
    """What an encapsulated document says it is (PS3.3 C.24.2)."""
    try:
        said = ds.get("MIMETypeOfEncapsulatedDocument")
    except KermaError:
        return OCTET_STREAM
    return said.lower() if isinstance(said, str) and _TYPE.fullmatch(said) else OCTET_STREAM


def _document_size(ds: Dataset, size: int) -> int:
    """Its length without padding, where the data set tells a length that can be."""
    try:
        said = ds.get("EncapsulatedDocumentLength")
    except KermaError:
        return size
    return said if isinstance(said, int) and size - 2 < said <= size else size


# -- many --------------------------------------------------------------------------------------------------------------


def retrieve_all(request: Request) -> Response:
    """``GET`` of all bulk data, or of all pixel data, of a study, a series or an instance."""
    only_pixels = request.scope["path"].endswith("/pixeldata")
    instances = instances_of(request)
    form = choose(asked(request), None, Category.BULK, offered=(OCTET_STREAM, "image/jpeg", _PDF), single=False)
    digest = digest_of_many((instance.name for instance in instances), "all", str(only_pixels), form.media_type)
    root = Templates(context_of(request).config.root)

    def parts() -> Iterator[Piece]:
        writer = Writer(digest)
        for instance in instances:
            ds = dataset_of(instance)
            for name, value in _values_of(ds, only_pixels):
                yield Literal(writer.part(value.content_type, location=_location(root, ds, name)))
                yield value.piece
        yield Literal(writer.end())

    begun = parts()
    with damage_told():
        first = next(begun)
    if isinstance(first, Literal) and first.data == Writer(digest).end():
        raise HTTPProblem(404, "there is no bulk data", hint="all of it is in the metadata")
    started = itertools.chain((first,), begun)
    return answer(request, Body(lambda: started, None), Writer(digest).content_type(OCTET_STREAM), digest)


def _location(root: Templates, ds: Dataset, name: str) -> str | None:
    """Where a value is to be had by itself; None where the UIDs of the data set are none."""
    study, series, uid = (
        str(ds.get(each) or "") for each in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    )
    try:
        if name.startswith("frames/"):
            return root.frames(study, series, uid, int(name.removeprefix("frames/")))
        return root.bulkdata(study, series, uid, name)
    except HTTPProblem:
        return None


def _elements_of(ds: Dataset) -> Iterator[tuple[tuple[int, ...], Element]]:
    """All elements with their paths; of sequences what is in them, and those that are damaged themselves."""
    for tag in ds:
        element = ds[tag]
        if element.vr != "SQ" or damaged(element):
            yield (tag,), element
            continue
        for number, item in enumerate(element.sequence):
            for path, found in walk(item, max_path=2 * MAX_DEPTH):
                if found.vr != "SQ":
                    yield (tag, number, *path), found


def _values_of(ds: Dataset, only_pixels: bool) -> Iterator[tuple[str, Value]]:
    """The bulk data of one instance, each with its path below ``bulkdata``, or as ``frames/1``."""
    if not only_pixels:
        uri = namer("")
        for path, element in _elements_of(ds):
            if uri(path, element) is None or (len(path) == 1 and path[0] in PIXELS):
                continue
            if element.vr in BULK:
                yield name_of(path), _value(ds, element.dataset, path[-1])
            elif element.vr == "SQ" and len(path) == 1 and (raw := element.raw) is not None:
                yield name_of(path), Value(OCTET_STREAM, Literal(raw), EXPLICIT_LE)
    tag = next((tag for tag in sorted(PIXELS) if tag in ds), None)
    if tag is None:
        return
    try:
        found = index(ds)
    except PixelError:
        found = None  # whatever they are, their bytes are there
    if found is None or not found.encapsulated:
        yield name_of((tag,)), _value(ds, ds, tag)
    elif _is_video(found):
        yield name_of((tag,)), _stream(found)
    else:
        syntax = stored_syntax(found)
        form = Representation(media_type_of(syntax), syntax)
        for number in range(found.count):
            yield f"frames/{number + 1}", Value(form.media_type, piece_of(found, number, form), syntax)


ROUTES = [
    Route(Kind.BULKDATA.template, in_thread(retrieve_bulkdata, short=True)),
    *(
        Route(kind.template, in_thread(retrieve_all))
        for kind in (
            Kind.STUDY_BULKDATA,
            Kind.SERIES_BULKDATA,
            Kind.INSTANCE_BULKDATA,
            Kind.STUDY_PIXELDATA,
            Kind.SERIES_PIXELDATA,
            Kind.INSTANCE_PIXELDATA,
        )
    ),
]
