"""Frames of images (PS3.18 10.4.1.1.4, 8.7.3.3): as they are stored, or one by one in another transfer syntax.

Rules:

- A frame is found by the index of its image, which is kept (``images``); no other frame is read.
- What was asked for by ``*``, or by nothing, is the stored code stream, said on its part as
  ``Content-Type: image/jpeg; transfer-syntax=...``; samples are told as Explicit VR Little Endian, whatever the byte
  order in which they are stored.
- A single frame has a length before it is sent, so that ranges of it can be asked for; frames after the first are made
  when their turn comes.
- The frames of a video have no bytes of their own: they are decoded, or the whole stream is given to who takes video.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib.util import find_spec

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kerma import pixels
from kerma.dicomweb import uris
from kerma.dicomweb.media_types import EXPLICIT_LE, IMPLICIT_LE, Category, Representation, choose
from kerma.dicomweb.multipart import Writer
from kerma.dicomweb.uris import Kind, Templates
from kerma.encoding.source import Buffer
from kerma.encoding.swap import WORD_SIZES
from kerma.errors import PixelError, UnsupportedSyntaxError
from kerma.formats.instance import Instance
from kerma.pixels.encapsulated import EncapsulatedFrames
from kerma.pixels.frame_index import FrameIndex, NativeFrames
from kerma.pixels.syntaxes import VIDEO
from kerma.pixels.targets import TARGETS, decodable, has_codecs
from kerma.web.answers import answer, digest_of
from kerma.web.bodies import CHUNK, Body, Literal, Made, Piece, Ranged
from kerma.web.context import context_of
from kerma.web.images import Image, WouldWait, acceptable
from kerma.web.selecting import asked, instance_of

_IN_MEMORY = 8 << 20
"""A code stream of an image up to this size is read at once, a larger one as it is sent."""


async def retrieve_frames(request: Request) -> Response:
    """``GET .../frames/1,2,3``.

    One frame that the system has in memory is read at once: to hand that to a thread would cost more than to do it.
    """
    try:
        return _frames(request, waiting=False)
    except WouldWait:
        return await to_thread.run_sync(_frames, request, limiter=context_of(request).readers)


def _frames(request: Request, *, waiting: bool = True) -> Response:
    numbers = uris.frames(request.path_params["frames"])
    if not waiting and len(numbers) > 1:
        raise WouldWait
    instance = instance_of(request)
    image = context_of(request).images.open(instance, waiting=waiting)
    for number in numbers:
        image.check(number - 1)
    if not waiting and not image.in_memory(numbers[0] - 1):
        raise WouldWait
    return given(request, instance, image, numbers, waiting=waiting)


def given(
    request: Request, instance: Instance, image: Image, numbers: Sequence[int], *, waiting: bool = True
) -> Response:
    """Frames of an image, numbered from 1, as the sender of the request takes them. Not ``waiting``: ``WouldWait``
    where they have to be made.
    """
    found, stored = image.found, stored_syntax(image.found)
    form = choose(asked(request), stored, Category.FRAMES, transcodable(stored), single=len(numbers) == 1)
    if form.transcode and not waiting:
        raise WouldWait
    named = (f"{numbers[0]} to {numbers[-1]}",) if isinstance(numbers, range) else map(str, numbers)
    digest = digest_of(instance.name, "frames", *named, form.content_type, str(form.multipart))
    if form.media_type.startswith("video/"):
        numbers = numbers[:1]  # the stream is all of them
    first = piece_of(found, numbers[0] - 1, form, at_once=True)
    if not form.multipart:
        return answer(request, Body.of(first), form.content_type, digest)
    locate = located(request)

    def parts() -> Iterator[Piece]:
        writer = Writer(digest)
        for number in numbers:
            yield Literal(writer.part(form.content_type, location=locate(number)))
            yield first if number == numbers[0] else piece_of(found, number - 1, form)
        yield Literal(writer.end())

    body = Body.of(*parts()) if len(numbers) <= uris.MAX_FRAMES else Body(parts, None)
    return answer(request, body, Writer(digest).content_type(form.media_type), digest)


def located(request: Request) -> Callable[[int], str]:
    """The path of a frame of the instance that a path names."""
    study, series, instance = (uris.uid(request.path_params[name]) for name in ("study", "series", "instance"))
    where = Templates(context_of(request).config.root)
    return lambda number: where.frames(study, series, instance, number)


def stored_syntax(found: FrameIndex) -> str:
    """What the bytes of a frame are in. Samples are little endian ones, however they are stored."""
    return found.layout.transfer_syntax_uid if found.encapsulated else EXPLICIT_LE


@lru_cache(maxsize=256)
def transcodable(stored: str) -> frozenset[str]:
    """What frames in a transfer syntax can become, without looking at them."""
    if not decodable(stored) and not (stored in VIDEO and has_codecs() and find_spec("av")):
        return frozenset()
    return frozenset((EXPLICIT_LE, IMPLICIT_LE, *TARGETS))


def piece_of(found: FrameIndex, number: int, form: Representation, *, at_once: bool = False) -> Piece:
    """A frame in a form, counted from 0. One that is made ``at_once`` cannot fail any more."""
    syntax = form.transfer_syntax_uid
    if form.transcode and syntax is not None:
        return _made(lambda: frame_as(found, number, syntax), at_once=at_once)
    if found.layout.transfer_syntax_uid in VIDEO and found.encapsulated and found.count > 1:
        ranges, read = found.whole_stream()
        return Ranged(tuple(ranges), read)
    if found.layout.native_size > (CHUNK if isinstance(found, NativeFrames) else _IN_MEMORY):
        ranged = _ranged(found, number)
        if ranged is not None:
            return ranged
    size = found.layout.native_size if isinstance(found, NativeFrames) else None
    return _made(lambda: found.read(number), at_once=at_once, size=size)


def _made(make: Callable[[], Buffer], *, at_once: bool, size: int | None = None) -> Piece:
    if at_once:
        return Literal(make())

    def later() -> Iterator[Buffer]:
        yield make()

    return Made(later, size)


def _ranged(found: FrameIndex, number: int) -> Ranged | None:
    """A frame as ranges of what is stored; None where its bytes have to be turned or shifted, or are not all there."""
    if isinstance(found, EncapsulatedFrames):
        return Ranged(tuple(found.ranges(number)), found.place.range)
    if not isinstance(found, NativeFrames) or found.layout.native_bits % 8:
        return None
    place, ranges = found.place, found.ranges(number)
    if not place.little_endian and WORD_SIZES.get(place.vr, 1) > 1:
        return None
    whole = all(offset + length <= place.bound for offset, length in ranges)
    return Ranged(tuple(ranges), place.range) if whole else None


def frame_as(found: FrameIndex, number: int, syntax: str) -> Buffer:
    """A frame in another transfer syntax, counted from 0; HTTPProblem 406 with the reason where it cannot be had so."""
    try:
        return pixels.transcoded_frame(found, number, syntax)
    except (PixelError, UnsupportedSyntaxError) as error:
        raise acceptable(error, f"frame {number + 1} cannot be had as transfer-syntax={syntax}") from error


ROUTES = [Route(Kind.FRAMES.template, retrieve_frames)]
