"""One store on its way in: bytes of a body to instances in the archive (PS3.18 10.5).

Works in whatever thread feeds it, one at a time. Rules:

- Slices of a part go to the archive as they come; of an instance no more than its head is held here.
- A part that fails is one failure in the answer; the ones before and behind it are stored.
- Whatever ends the body early - a client that is gone, a body that is none - leaves the instances that were whole, and
  nothing of the one that was not.
- Instances become durable side by side, a few at a time: one waits for the disk while the next one arrives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from kerma.archive import Archive
from kerma.archive.access.guarded import admission
from kerma.archive.arriving import FileSink
from kerma.archive.permissions import Principal
from kerma.dataset import Dataset
from kerma.dicomweb.accept import MULTIPART_RELATED, MediaType
from kerma.dicomweb.accept import parse as parse_media
from kerma.dicomweb.composing import METADATA_TYPES, Composer
from kerma.dicomweb.media_types import DICOM, OCTET_STREAM
from kerma.dicomweb.multipart import Data, MultipartLimits, Parser, Part, PartEnd, boundary_of
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.store import (
    DUPLICATE_INSTANCE,
    RETRY_AFTER,
    Outcome,
    RefusedClassError,
    RefusedTypeError,
    Report,
    reason_of,
)
from kerma.errors import FormatError, InvalidInstanceError, KermaError
from kerma.services.providers import StoreOutcome, StoreRequest
from kerma.standard import sop_classes, uids

MAX_WAITING = 4
"""Instances of one request that wait for the disk at one time."""
_KEPT_ELSEWHERE = frozenset({StoreOutcome.KEPT_FIRST, StoreOutcome.QUARANTINED})
_PIECE = 1 << 20
OnError = Callable[[str, BaseException], None]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a store goes: the archive, who stores, and what is told of it. ``base`` is the address of the request."""

    archive: Archive
    principal: Principal
    study: str
    base: str
    pool: ThreadPoolExecutor
    on_error: OnError

    @property
    def admit(self) -> Callable[[Dataset], None] | None:
        """What keeps who may write a part of the archive within it."""
        return admission(self.archive, self.principal)


class Storing:
    """One request. ``feed`` the body, then ``finish``; ``abort`` where it ends otherwise, harmless after ``finish``."""

    def __init__(self, target: Target, media: MediaType, report: Report, limits: MultipartLimits) -> None:
        self._target = target
        self._report = report
        self._parser: Parser | None = None
        self._kind = media.type
        if media.type == MULTIPART_RELATED:
            self._parser = Parser(boundary_of(media), limits)
            self._kind = media.inner
        self._composer: Composer | None = None
        if self._kind:
            self._take_as(self._kind)
        self._sink: FileSink | None = None
        self._waiting: deque[tuple[FileSink, Future[Outcome]]] = deque()
        self._skipping = False
        if self._parser is None:
            self._begin(media, {})

    def _take_as(self, kind: str) -> None:
        """What the body is of: instances, or metadata and bulk data."""
        if kind != DICOM and kind not in METADATA_TYPES:
            raise HTTPProblem(
                415, f"{kind[:64]} cannot be stored", hint="send application/dicom, or metadata and bulk data"
            )
        self._kind = kind
        if kind != DICOM:
            self._composer = Composer(self._target.base, limits=self._target.archive.config.limits)

    def feed(self, chunks: Sequence[bytes]) -> None:
        """Take the next bytes of the body; HTTPProblem where it is none."""
        for chunk in chunks:
            if self._parser is None:
                self._write(memoryview(chunk))
                continue
            for event in self._parser.feed(chunk):
                if isinstance(event, Data):
                    self._write(event.data)
                elif isinstance(event, Part):
                    if not self._kind:  # a multipart without a type is what its first part is
                        first = _media_of(event, DICOM).type
                        self._take_as(first if first in METADATA_TYPES else DICOM)
                    self._begin(_media_of(event, self._kind), event.headers)
                elif isinstance(event, PartEnd):
                    self._end()

    def finish(self) -> Report:
        """The body has ended: what became of everything in it."""
        if self._parser is None:
            self._end()
        else:
            self._parser.close()
        if self._composer is not None:
            self._compose(self._composer)
        while self._waiting:
            self._settle()
        if not self._report.outcomes:
            raise HTTPProblem(400, "the body has no instance", hint="send at least one part")
        return self._report

    def abort(self) -> None:
        """Forget what is not whole. What waits for the disk is whole."""
        if self._sink is not None:
            self._sink.abort()
            self._sink = None
        if self._composer is not None:
            self._composer.close()
        wait([future for _, future in self._waiting])
        self._waiting.clear()

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _begin(self, media: MediaType, headers: object) -> None:
        self._skipping = False
        if self._composer is not None:
            self._composer.begin(media, headers)  # type: ignore[arg-type]
            return
        if media.type not in (DICOM, OCTET_STREAM):
            self._fail(RefusedTypeError(f"a part is {media.type[:64]}"))
            return
        target = self._target
        self._sink = target.archive.begin_file(study_instance_uid=target.study, check=_check, admit=target.admit)

    def _write(self, data: memoryview) -> None:
        if self._skipping:
            return
        if self._composer is not None:
            try:
                self._composer.write(data)
            except OSError as error:
                raise _no_room(error) from error
            return
        assert self._sink is not None
        try:
            self._sink.write([data])
        except Exception as error:  # noqa: BLE001 - whatever it is, the other parts are stored
            self._fail(error)

    def _end(self) -> None:
        if self._skipping:
            return
        if self._composer is not None:
            self._composer.end()
            return
        sink, self._sink = self._sink, None
        assert sink is not None
        while len(self._waiting) >= MAX_WAITING:
            self._settle()
        self._waiting.append((sink, self._target.pool.submit(self._commit, sink)))

    def _settle(self) -> None:
        _, future = self._waiting.popleft()
        self._report.add(future.result())

    def _commit(self, sink: FileSink) -> Outcome:
        try:
            done = sink.commit()
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
            return self._failure(error, sink.sop_class_uid, sink.sop_instance_uid)
        return Outcome(
            done.sop_class_uid,
            done.sop_instance_uid,
            done.study_instance_uid,
            done.series_instance_uid,
            failure=DUPLICATE_INSTANCE if done.outcome in _KEPT_ELSEWHERE else 0,
        )

    def _fail(self, error: Exception) -> None:
        """The part is no instance; the rest of it is passed over."""
        sink, self._sink = self._sink, None
        self._skipping = True
        names = (sink.sop_class_uid, sink.sop_instance_uid) if sink is not None else ("", "")
        if sink is not None:
            sink.abort()
        outcome = self._failure(error, *names)
        while self._waiting:  # the answer keeps the order of the body
            self._settle()
        self._report.add(outcome)

    def _failure(self, error: BaseException, sop_class: str, sop_instance: str) -> Outcome:
        if not isinstance(error, KermaError):
            self._target.on_error("a store failed", error)
        unsupported = isinstance(error, RefusedTypeError)
        if not (_is_uid(sop_class) and _is_uid(sop_instance)):
            sop_class = sop_instance = ""
        return Outcome(sop_class, sop_instance, failure=reason_of(error), unsupported_type=unsupported)

    # -- metadata and bulk data ----------------------------------------------------------------------------------------

    def _compose(self, composer: Composer) -> None:
        try:
            for made in _instances(composer):
                if isinstance(made, KermaError):
                    self._report.add(self._failure(made, "", ""))
                else:
                    self._report.add(self._composed(*made))
        finally:
            composer.close()

    def _composed(self, ds: Dataset, syntax: str) -> Outcome:
        names = ("", "")
        try:
            names = (_text(ds, "SOPClassUID"), _text(ds, "SOPInstanceUID"))
            request = StoreRequest(*names, syntax, study_instance_uid=self._target.study, admit=self._target.admit)
            _check(request)
            sink = self._target.archive.begin(request)
            try:
                for chunk in ds.chunks(syntax):
                    sink.write([memoryview(chunk)])
                outcome = sink.commit()
            finally:
                sink.abort()
            failure = DUPLICATE_INSTANCE if outcome in _KEPT_ELSEWHERE else 0
            return Outcome(*names, _text(ds, "StudyInstanceUID"), _text(ds, "SeriesInstanceUID"), failure=failure)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other instances are stored
            return self._failure(error, *names)


def _instances(composer: Composer) -> Iterator[tuple[Dataset, str] | KermaError]:
    try:
        yield from composer.instances()
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> HTTPProblem:
    return HTTPProblem(
        507,
        f"bulk data cannot be kept until it is stored: {error.strerror}",
        hint="free some space for temporary files",
        headers={"Retry-After": str(RETRY_AFTER)},
    )


def _media_of(part: Part, kind: str) -> MediaType:
    """What a part is; the type of the whole where it does not say."""
    if not part.content_type:
        return MediaType(kind if kind == DICOM or part.location is None else OCTET_STREAM)
    return parse_media(part.content_type)


def _check(request: StoreRequest) -> None:
    """Whether such an instance is stored: of a class of the storage service, or of one that nobody knows (private)."""
    uid = request.sop_class_uid
    if not sop_classes.is_storage(uid) and uids.lookup(uid) is not None:
        raise RefusedClassError("the SOP class is none of the storage service")


def _text(ds: Dataset, keyword: str) -> str:
    try:
        value = ds.get(keyword)
    except FormatError as error:
        raise InvalidInstanceError(f"{keyword} cannot be read") from error
    return value if isinstance(value, str) else ""


def _is_uid(text: str) -> bool:
    return 0 < len(text) <= 64 and text.replace(".", "").isdigit() and text.isascii()
