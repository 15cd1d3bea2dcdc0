"""Rendered resources and thumbnails of studies, series, instances and frames (PS3.18 8.3.5, 10.4.1.1.3, 10.4.4).

Rules:

- Instances are read through the narrowed query: what one may not see is not there.
- Several instances, or several frames that were named, come as multipart/related; one instance is one body, unless
  Accept asks for parts: then every frame is one.
- Of several instances those that cannot be rendered are left out, and a Warning says so. Each part says by its
  Content-Location what it is of, so that one whose frames fail on the way is missed as well.
- Work is done in threads, a few at a time; parts are made when the one before has been taken.
- An answer is known by its ETag before anything is rendered: blobs never change. That of a presentation state has none
  and is never kept: it shows other instances.
"""

from __future__ import annotations

import hashlib
import importlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kerma._version import __version__
from kerma.archive import Archive
from kerma.archive.permissions import Principal
from kerma.dataset import Dataset
from kerma.dicomweb import uris
from kerma.dicomweb.media_types import Range, parse_accept
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.rendered import FILMS, MP4, THUMBNAILS, Kind, RenderedParameters, choose, parse
from kerma.errors import (
    KermaError,
    NotFoundError,
)
from kerma.formats import part10
from kerma.formats.instance import Instance
from kerma.query.model import AnyOf, Level, Predicate, Query, ReturnKey, Root, Single
from kerma.web.context import context_of, principal_of
from kerma.web.rendered_bodies import Desk, Part, attempt, film_of, parts_of, whole, written_film

if TYPE_CHECKING:
    from kerma.dicomweb.rendering import Rendering, Rendition

_TRIES = 4
"""Instances that are tried for a thumbnail of a series or study."""
_LEVELS = {"study": 0x0020000D, "series": 0x0020000E, "instance": 0x00080018}


class _Module(Protocol):
    """``dicomweb.rendering``: it needs numpy and is loaded when something is rendered."""

    Rendering: Any
    is_presentation_state: Callable[[str], bool]
    shown_first: Callable[[str], int]
    referenced: Callable[[Dataset, Any], list[tuple[str, tuple[int, ...]]]]
    RenderingLimits: Any


_MISSED = '299 - "some instances cannot be rendered as asked for and are left out"'


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, checked."""

    archive: Archive
    principal: Principal
    study: str
    series: str | None
    instance: str | None
    frames: tuple[int, ...]
    """From 0; () is not said."""
    parameters: RenderedParameters
    ranges: tuple[Range, ...]
    thumbnail: bool = False
    root: str = ""
    """Of the service, for the locations of parts."""
    state: str | None = None
    """The SOP Instance UID of a presentation state of the same study, which the one instance is shown by."""

    def instances(self) -> list[Instance]:
        """What the path names, in order; ``NotFoundError`` where that is nothing, or nothing one may see."""
        said = (("study", self.study), ("series", self.series), ("instance", self.instance))
        found = self._found([Single(_LEVELS[name], "UI", uid) for name, uid in said if uid is not None])
        if not found:
            level = "instance" if self.instance else "series" if self.series else "study"
            raise NotFoundError(f"there is no such {level}")
        return found

    def others(self, uids: Sequence[str]) -> dict[str, Instance]:
        """Instances of the same study by SOP Instance UID."""
        study = Single(_LEVELS["study"], "UI", self.study)
        found = self._found([study, AnyOf(_LEVELS["instance"], "UI", tuple(uids))]) if uids else []
        return {each.sop_instance_uid: each for each in found}

    def _found(self, predicates: list[Predicate]) -> list[Instance]:
        keys = (ReturnKey(_LEVELS["instance"], "UI"),)
        query = Query(Level.IMAGE, Root.STUDY, tuple(predicates), keys, relational=True)
        return list(self.archive.instances(self.principal.narrow(query)))

    def etag(self, instances: Sequence[Instance]) -> str:
        """What the answer depends on, as one word."""
        said = repr((__version__, self.frames, self.parameters, self.ranges, self.thumbnail, self.instance))
        digest = hashlib.sha256(said.encode())
        for each in instances:
            digest.update(each.name.encode() + b"\0")
        return f'"{digest.hexdigest()[:32]}"'


# -- handlers ----------------------------------------------------------------------------------------------------------


async def rendered(request: Request) -> Response:
    """GET .../rendered."""
    return await _answer(request, thumbnail=False)


async def thumbnail(request: Request) -> Response:
    """GET .../thumbnail."""
    return await _answer(request, thumbnail=True)


async def _answer(request: Request, *, thumbnail: bool) -> Response:
    return await answer(request, _asked(request, thumbnail=thumbnail))


async def answer(request: Request, asked: Asked) -> Response:
    """The answer to whoever asks so, by whatever front door: of ``request`` only its conditions are looked at."""
    desk = _desk(request)
    known = [each.strip() for each in request.headers.get("if-none-match", "").split(",")]

    def work() -> Response:
        instances = asked.instances()
        headers = {
            "Cache-Control": "private, no-cache",
            "Vary": "Accept, Authorization",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if asked.state is None and not _depends_on_others(instances):
            etag = headers["ETag"] = asked.etag(instances)
            if etag in known or f"W/{etag}" in known or "*" in known:
                return Response(status_code=304, headers=headers)
        found = (
            _thumbnail(asked, instances, desk) if asked.thumbnail else _rendered(asked, instances, desk, request.method)
        )
        found.headers.update(headers)
        return found

    return await anyio.to_thread.run_sync(work, limiter=desk.limiter)


def _asked(request: Request, *, thumbnail: bool) -> Asked:
    path, context = request.path_params, context_of(request)
    parameters = request.query_params
    said = [(name, value) for name, value in parameters.multi_items()]
    if "charset" not in parameters and "accept-charset" in request.headers:
        said.append(("charset", request.headers["accept-charset"]))
    return Asked(
        context.archive,
        principal_of(request),
        uris.uid(path["study"], "Study Instance UID"),
        uris.uid(path["series"], "Series Instance UID") if "series" in path else None,
        uris.uid(path["instance"], "SOP Instance UID") if "instance" in path else None,
        tuple(number - 1 for number in uris.frames(path["frames"])) if "frames" in path else (),
        parse(said, thumbnail=thumbnail),
        parse_accept(request.headers.get("accept"), parameters.get("accept")),
        thumbnail,
        context.config.root,
    )


def _desk(request: Request) -> Desk:
    state = request.app.state
    desk: Desk | None = getattr(state, "rendered", None)
    if desk is None:
        desk = state.rendered = Desk()
    return desk


def _rendering() -> _Module:
    try:
        module: Any = importlib.import_module("kerma.dicomweb.rendering")
    except ImportError as error:
        if (error.name or "").split(".")[0] == "kerma":
            raise
        hint = "pip install 'kerma[pixels]' on the server"
        raise HTTPProblem(501, "this server renders nothing: numpy is not installed", hint=hint) from None
    found: _Module = module
    return found


def _depends_on_others(instances: Sequence[Instance]) -> bool:
    """Whether what comes is made of instances that the path does not name, which come, go and may be hidden."""
    is_state = _rendering().is_presentation_state
    return all(is_state(each.sop_class_uid) for each in instances)


# -- rendered ----------------------------------------------------------------------------------------------------------


def _rendered(asked: Asked, instances: list[Instance], desk: Desk, method: str) -> Response:
    if len(instances) > 1:
        shown, missed = _shown(asked, instances)
        told = {"Warning": _MISSED} if missed else {}
        return parts_of(_every_part(asked, shown, desk), desk, method, told)
    with ExitStack() as stack:
        ds = stack.enter_context(closing_data_set(instances[0]))
        if _rendering().is_presentation_state(instances[0].sop_class_uid):
            return _of_state(asked, ds, stack.pop_all(), desk, method)
        rendering = _new(ds, asked, state=_state_of(asked, stack))
        if asked.frames and not rendering.is_image:
            raise HTTPProblem(404, "the instance has no frames")
        media_type, multipart = choose(asked.ranges, _offered(rendering, asked))
        if max(asked.frames, default=0) >= rendering.count:
            raise HTTPProblem(404, f"there is no frame {max(asked.frames) + 1}", hint=f"there are {rendering.count}")
        several = len(asked.frames) > 1 or (multipart and not asked.frames)
        if media_type in FILMS and rendering.kind is not Kind.STILL and len(asked.frames) != 1:
            return film_of(rendering, media_type, asked.frames or None, desk)
        if not several:
            return whole(attempt(_body, rendering, media_type, asked), multipart)
        parts = _frames_of(rendering, media_type, asked, stack.pop_all())
        return parts_of(parts, desk, method)
    raise AssertionError  # no exit of the stack swallows an error


def _state_of(asked: Asked, stack: ExitStack) -> Dataset | None:
    """The presentation state that was asked for, open as long as the stack."""
    if asked.state is None:
        return None
    found = asked.others([asked.state]).get(asked.state)
    if found is None:
        raise NotFoundError("there is no such presentation state in this study")
    return stack.enter_context(closing_data_set(found))


def _offered(rendering: Rendering, asked: Asked) -> tuple[str, ...]:
    """What an instance can be had as; a frame that is named is a picture, or with others a film."""
    if not asked.frames:
        return rendering.kind.media_types
    pictures = tuple(each for each in Kind.MOVING.media_types if each != MP4)
    return Kind.MOVING.media_types if len(asked.frames) > 1 else pictures


def _new(ds: Dataset, asked: Asked, **more: Any) -> Rendering:
    module: Any = _rendering()
    found: Rendering = attempt(module.Rendering, ds, asked.parameters, thumbnail=asked.thumbnail, **more)
    attempt(found.look)
    return found


def _body(rendering: Rendering, media_type: str, asked: Asked) -> Rendition:
    if asked.frames:
        return rendering.picture(media_type, asked.frames[0])
    return rendering.body(media_type)


def _of_state(asked: Asked, state: Dataset, stack: ExitStack, desk: Desk, method: str) -> Response:
    """What a presentation state is about, as it says (PS3.18 8.3.5.1): the first picture, or all as parts."""
    with stack:
        module = _rendering()
        limits = module.RenderingLimits()
        named = module.referenced(state, limits)
        there = asked.others([uid for uid, _ in named])
        wanted = [(there[uid], frames) for uid, frames in named if uid in there]
        if not wanted:
            raise HTTPProblem(404, "none of the images that this presentation state is about are here")
        media_type, multipart = choose(asked.ranges, Kind.STILL.media_types)
        if not multipart:
            with closing_data_set(wanted[0][0]) as ds:
                rendering = _new(ds, asked, state=state)
                frame = wanted[0][1][0] if wanted[0][1] else rendering.frame
                return whole(attempt(rendering.picture, media_type, frame), False)
        return parts_of(_state_parts(asked, state, media_type, wanted, stack.pop_all()), desk, method)
    raise AssertionError


def _state_parts(
    asked: Asked, state: Dataset, media_type: str, wanted: list[tuple[Instance, tuple[int, ...]]], stack: ExitStack
) -> Iterator[Part]:
    with stack:
        for instance, frames in wanted:
            with closing_data_set(instance) as ds:
                rendering = _new(ds, asked, state=state)
                for frame in frames or range(rendering.count):
                    yield attempt(rendering.picture, media_type, frame), None


def _frames_of(rendering: Rendering, media_type: str, asked: Asked, stack: ExitStack) -> Iterator[Part]:
    """Frames of one instance, one by one; of what has none its only body."""
    with stack:
        if not rendering.is_image:
            yield attempt(rendering.body, media_type), _location(asked, rendering.ds)
            return
        for frame in asked.frames or range(rendering.count):
            yield attempt(rendering.picture, media_type, frame), _location(asked, rendering.ds, frame)


def _location(asked: Asked, ds: Dataset, frame: int | None = None) -> str | None:
    """Where a part is to be had by itself; None where the UIDs of the data set are none."""
    study, series, uid = (ds.get(each) for each in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"))
    urls = uris.Templates(asked.root)
    try:
        if frame is None:
            return urls.below("rendered", str(study), str(series), str(uid))
        frames = (frame + 1,)
        return urls.of(uris.Kind.FRAMES_RENDERED, study=study, series=series, instance=uid, frames=frames)
    except HTTPProblem:
        return None


def _shown(asked: Asked, instances: list[Instance]) -> tuple[list[Instance], bool]:
    """The instances of a series or study that can be looked at as what is asked for, and whether some cannot although
    they are images or documents. The error of one of them where that is all there is.
    """
    error: KermaError | None = None
    found: list[Instance] = []
    for instance in instances:
        try:
            with closing_data_set(instance) as ds:
                rendering = _new(ds, asked)
                if rendering.kind is Kind.OTHER:
                    continue
                choose(asked.ranges, rendering.kind.media_types)
        except KermaError as problem:
            error = problem
        else:
            found.append(instance)
    if not found:
        raise error or HTTPProblem(406, "nothing here can be rendered", hint="ask for an instance, or its thumbnail")
    return found, error is not None


def _every_part(asked: Asked, instances: list[Instance], desk: Desk) -> Iterator[Part]:
    """All of these. What turns out to be broken while it is decoded is left out, if anything else is there."""
    error: KermaError | None = None
    made = 0
    for instance in instances:
        try:
            with closing_data_set(instance) as ds:
                rendering = _new(ds, asked)
                media_type, _ = choose(asked.ranges, rendering.kind.media_types)
                if media_type in FILMS and rendering.kind is not Kind.STILL:
                    with tempfile.TemporaryDirectory() as folder:
                        # What has begun waits for its turn: a film is not left out because others are being made.
                        path = written_film(rendering, media_type, None, folder, desk, waiting=made > 0)
                        with open(path, "rb") as file:
                            yield _rendition(media_type, file.read()), _location(asked, ds)
                        made += 1
                    continue
                for part in _frames_of(rendering, media_type, asked, ExitStack()):
                    yield part
                    made += 1
        except KermaError as found:
            if isinstance(found, HTTPProblem) and found.status == 503:
                raise
            error = found
    if not made:
        raise error or HTTPProblem(406, "nothing here can be rendered", hint="ask for an instance, or its thumbnail")


def _rendition(media_type: str, body: bytes) -> Rendition:
    module: Any = _rendering()
    made: Rendition = module.Rendition(media_type, body)
    return made


# -- thumbnails --------------------------------------------------------------------------------------------------------


def _thumbnail(asked: Asked, instances: list[Instance], desk: Desk) -> Response:
    """One small picture: of the instance, or of one that stands for the series or study."""
    media_type, multipart = choose(asked.ranges, THUMBNAILS)
    error: KermaError | None = None
    for instance in _standing_for(instances):
        key = (instance.name, asked.frames[:1], asked.parameters, media_type)
        alone = not _depends_on_others([instance])
        body = desk.kept.get(key) if alone else None
        if body is None:
            try:
                body = _small(asked, instance, media_type).body
            except KermaError as found:
                error = error or found
                continue
            if alone:
                desk.kept.put(key, body)
        return whole(_rendition(media_type, body), multipart)
    raise error or HTTPProblem(404, "nothing here can be shown")


def _standing_for(instances: list[Instance]) -> list[Instance]:
    """The middle one of what shows most, and some more should it be broken."""
    if len(instances) == 1:
        return instances
    first = _rendering().shown_first
    ranks = [first(each.sop_class_uid) for each in instances]
    best = [each for each, rank in zip(instances, ranks, strict=True) if rank == min(ranks)]
    places = dict.fromkeys([len(best) // 2, 0, len(best) - 1, len(best) // 4])
    return [best[place] for place in list(places)[:_TRIES]]


def _small(asked: Asked, instance: Instance, media_type: str) -> Rendition:
    with closing_data_set(instance) as ds:
        if _rendering().is_presentation_state(instance.sop_class_uid):
            shown = _small_of_state(asked, ds, media_type)
            if shown is not None:
                return shown
        rendering = _new(ds, asked)
        if asked.frames and not rendering.is_image:
            raise HTTPProblem(404, "the instance has no frames")
        frame = asked.frames[0] if asked.frames else None
        return attempt(rendering.picture, media_type, frame)


def _small_of_state(asked: Asked, state: Dataset, media_type: str) -> Rendition | None:
    """The first image that a presentation state is about, as it says; None where none is here or it cannot be had."""
    module = _rendering()
    named = module.referenced(state, module.RenderingLimits())
    there = asked.others([uid for uid, _ in named[:16]])
    for uid, frames in named:
        if uid in there:
            try:
                with closing_data_set(there[uid]) as ds:
                    rendering = _new(ds, replace(asked, frames=()), state=state)
                    frame = frames[0] if frames else rendering.frame
                    return attempt(rendering.picture, media_type, frame)
            except KermaError:
                return None
    return None


def closing_data_set(instance: Instance) -> closing[Dataset]:
    """The data set of a stored instance, lazily over its blob, closed at the end."""
    return closing(attempt(part10.read_source, instance.open()))


ROUTES = [
    Route(kind.template, handler)
    for kind, handler in (
        (uris.Kind.STUDY_RENDERED, rendered),
        (uris.Kind.SERIES_RENDERED, rendered),
        (uris.Kind.INSTANCE_RENDERED, rendered),
        (uris.Kind.FRAMES_RENDERED, rendered),
        (uris.Kind.STUDY_THUMBNAIL, thumbnail),
        (uris.Kind.SERIES_THUMBNAIL, thumbnail),
        (uris.Kind.INSTANCE_THUMBNAIL, thumbnail),
        (uris.Kind.FRAMES_THUMBNAIL, thumbnail),
    )
]
