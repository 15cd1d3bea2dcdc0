"""The operations of the studies service as flows: search, retrieve, render, store, delete (PS3.18 10).

Sans-IO: what they need they yield (``effects``). Rules:

- Pages of a search follow each other until the server has no more; a server that does not know ``offset`` gives its
  answer once.
- ``transfer-syntax=*``: what is stored is what comes, unless another syntax is asked for.
- An answer may be a multipart or a single part, whatever was asked for: both are understood. Accept names one range:
  there are servers that understand no more.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kerma.dataset import Dataset
from kerma.dicomweb.media_types import DICOM, DICOM_JSON, OCTET_STREAM
from kerma.dicomweb.problems import MEDIA_TYPE
from kerma.dicomweb.store import PROCESSING_FAILURE
from kerma.dicomweb.uris import Kind, Resource
from kerma.errors import AnswerError, FormatError, UsageError
from kerma.formats.json import from_json
from kerma.formats.json_text import Splitter
from kerma.limits import Limits
from kerma.query.identifier import level_of
from kerma.query.model import Level
from kerma.standard import elements
from kerma.web.client.asking import Manner, ask, media_of, parser_of, read_all, refusal_of
from kerma.web.client.effects import Ask, Do, Emit, Flow, Read, Reply
from kerma.web.client.keeping import STRETCH, BytesKeeper, Keeper, Sorter, syntax_of
from kerma.web.client.sending import Item, Storable, Unusable, batches, body_of, items_of, several

PAGE = 500
FRAMES_AT_ONCE = 64
MAX_FRAME = 2 << 30
_LIMITS = Limits()
_PATHS = {
    Level.STUDY: (Kind.STUDIES, Kind.STUDIES, Kind.STUDIES),
    Level.SERIES: (Kind.ALL_SERIES, Kind.STUDY_SERIES, Kind.STUDY_SERIES),
    Level.IMAGE: (Kind.ALL_INSTANCES, Kind.STUDY_INSTANCES, Kind.SERIES_INSTANCES),
}
_MORE = re.compile(r"299\b.*\b(additional|more)\b", re.IGNORECASE)
_JSON_ASKED = {"Accept": f"{DICOM_JSON}, application/json;q=0.5"}


@dataclass(frozen=True, slots=True)
class Target:
    """A study, a series, an instance, as the caller names them."""

    StudyInstanceUID: str
    SeriesInstanceUID: str | None = None
    SOPInstanceUID: str | None = None

    def path(self, below: str = "") -> str:
        """The path of it, or of one of its resources: "metadata", "rendered", "thumbnail"."""
        if self.SOPInstanceUID is not None and self.SeriesInstanceUID is None:
            raise UsageError("an instance is named by its study, its series and itself", hint="give SeriesInstanceUID")
        level = "STUDY" if self.SeriesInstanceUID is None else "SERIES" if self.SOPInstanceUID is None else "INSTANCE"
        return path_of(
            Kind[f"{level}_{below.upper()}" if below else level],
            study=self.StudyInstanceUID,
            series=self.SeriesInstanceUID,
            instance=self.SOPInstanceUID,
        )


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came; ``transfer_syntax_uid`` says how it is encoded, empty where the server does not."""

    number: int
    data: bytes
    media_type: str
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True)
class StoreResult:
    """What became of one instance: ``failure`` is its Failure Reason (0008,1197), 0 where it is stored."""

    source: str
    sop_class_uid: str
    sop_instance_uid: str
    failure: int = 0
    warning: int = 0
    url: str = ""
    """Where it is to be had."""
    error: str = ""
    """Why it could not be sent, or what the server said."""

    @property
    def ok(self) -> bool:
        return not self.failure and not self.error


def path_of(kind: Kind, **values: Any) -> str:
    return Resource(kind, **{name: value for name, value in values.items() if value is not None}).path()


# -- search ------------------------------------------------------------------------------------------------------------


def search(
    manner: Manner,
    level: str | Level,
    keys: Mapping[str, Any],
    *,
    include: Iterable[str] = (),
    fuzzy: bool = False,
    limit: int | None = None,
    offset: int = 0,
    page: int = PAGE,
) -> Flow[None]:
    """Emits a data set a match."""
    level = level_of(level) if isinstance(level, str) else level
    if level not in _PATHS:
        raise UsageError("DICOMweb searches studies, series and instances", hint="level study, series or instance")
    path, params = _question(level, keys, include, fuzzy)
    yield from page_through(manner, path, params, level.unique_key, limit, offset, page)


def _question(
    level: Level, keys: Mapping[str, Any], include: Iterable[str], fuzzy: bool
) -> tuple[str, list[tuple[str, str]]]:
    left = {_name(name): value for name, value in keys.items()}
    study = left.get("StudyInstanceUID") if level > Level.STUDY else None
    series = left.get("SeriesInstanceUID") if level > Level.SERIES else None
    within: dict[str, str] = {}
    if isinstance(study, str) and study.replace(".", "").isdigit():
        within["study"] = str(left.pop("StudyInstanceUID"))
        if isinstance(series, str) and series.replace(".", "").isdigit():
            within["series"] = str(left.pop("SeriesInstanceUID"))
    return path_of(_PATHS[level][len(within)], **within), question(left, include, fuzzy)


def question(keys: Mapping[str, Any], include: Iterable[str] = (), fuzzy: bool = False) -> list[tuple[str, str]]:
    """Keys as the parameters of a search; those without a value are return keys."""
    params: list[tuple[str, str]] = []
    fields = list(include)
    for name, value in keys.items():
        if value is None:
            fields.append(_name(name))
        else:
            params.append((_name(name), _text(value)))
    params += [("includefield", name) for name in fields]
    if fuzzy:
        params.append(("fuzzymatching", "true"))
    return params


def _name(name: str) -> str:
    """A keyword; a tag is one too, and so is a path of them ("RequestAttributesSequence.ScheduledProcedureStepID")."""
    if "." in name:
        return ".".join(map(_name, name.split(".")))
    return elements.keyword_of(elements.parse_tag(name)) or name


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple, set, frozenset)):
        return ",".join(_text(item) for item in value)
    text = getattr(value, "text", None)
    return text if isinstance(text, str) else str(value)


def page_through(
    manner: Manner, path: str, params: list[tuple[str, str]], unique: int, limit: int | None, offset: int, page: int
) -> Flow[None]:
    first_before = ""
    given = 0
    while limit is None or given < limit:
        asked = page if limit is None else min(page, limit - given)
        window = [("limit", str(asked)), *([("offset", str(offset + given))] if offset + given else [])]
        reply = yield from ask(Ask("GET", path, (*params, *window), _JSON_ASKED), manner, (200, 204))
        count, first = 0, ""
        if reply.status == 200:
            source = DatasetStream(reply)
            ds = yield from source.next()
            first = str(ds.get(unique, "")) if ds is not None else ""
            if first and first == first_before:
                return  # the same page again: this server knows no offset
            while ds is not None:
                count += 1
                if limit is None or given + count <= limit:
                    yield Emit(ds)
                ds = yield from source.next()
        given += count
        first_before = first
        if count > asked or (count < asked and not (count and _MORE.search(reply.headers.get("warning", "")))):
            return


class DatasetStream:
    """The data sets of a JSON answer, one after the other."""

    def __init__(self, reply: Reply, bulk: Any = None) -> None:
        media = media_of(reply)
        if not media.type.endswith("json"):
            raise AnswerError(f"the server answered {media.type[:64]} where DICOM JSON was asked for")
        self._splitter = Splitter(_LIMITS.max_value)
        self._ready: deque[bytes] = deque()
        self._ended = False
        self._bulk = bulk

    def next(self) -> Flow[Dataset | None]:
        """The next one, None at the end."""
        while not self._ready:
            if self._ended:
                return None
            data: bytes = yield Read()
            try:
                if data:
                    self._ready.extend(self._splitter.feed(data))
                else:
                    self._ended = True
                    self._splitter.finish()
            except FormatError as error:
                raise AnswerError(f"the answer is no DICOM JSON: {error.message}") from error
        text = self._ready.popleft()
        try:
            return from_json(text, bulk=self._bulk)
        except FormatError as error:
            raise AnswerError(f"the answer is no DICOM JSON: {error.message}") from error


def metadata(manner: Manner, target: Target, bulk: Any = None) -> Flow[None]:
    """Emits the metadata of each instance; bulk data stays a URI."""
    reply = yield from ask(Ask("GET", target.path("metadata"), (), _JSON_ASKED), manner, (200, 204))
    if reply.status == 204:
        return
    source = DatasetStream(reply, bulk)
    while (ds := (yield from source.next())) is not None:
        yield Emit(ds)


# -- retrieve ----------------------------------------------------------------------------------------------------------


def retrieve(manner: Manner, target: Target, keeper: Keeper, transfer_syntax: str = "*") -> Flow[None]:
    """Emits what the keeper makes of each instance."""
    accept = f'multipart/related; type="{DICOM}"; transfer-syntax={transfer_syntax}'
    yield from _parts(manner, Ask("GET", target.path(), (), {"Accept": accept}), keeper)


def _parts(
    manner: Manner, request: Ask, keeper: Keeper, give: Callable[[int, Any, str], Any] = lambda number, done, kind: done
) -> Flow[int]:
    """Emits what ``give`` makes of each part: its place, what the keeper made of it, its Content-Type. How many."""
    reply = yield from ask(request, manner)
    sorter = Sorter(parser_of(media_of(reply)), keeper, reply.content_type)
    count = 0
    try:
        ended = False
        while not ended:
            chunks: list[bytes] = []
            size = 0
            while size < STRETCH and not ended:
                data: bytes = yield Read()
                chunks.append(data)
                size += len(data)
                ended = not data
            done = yield Do(partial(sorter.take, chunks, last=ended))
            for value, kind in done:
                yield Emit(give(count, value, kind))
                count += 1
    finally:
        keeper.abort()
    return count


def frames(
    manner: Manner, target: Target, numbers: Sequence[int], transfer_syntax: str = "*", media_type: str = OCTET_STREAM
) -> Flow[None]:
    """Emits a ``Frame`` for each number, the first is 1."""
    if target.SOPInstanceUID is None:
        raise UsageError("frames are asked of one instance", hint="give SOPInstanceUID")
    for at in range(0, len(numbers), FRAMES_AT_ONCE):
        some = tuple(numbers[at : at + FRAMES_AT_ONCE])
        path = path_of(
            Kind.FRAMES,
            study=target.StudyInstanceUID,
            series=target.SeriesInstanceUID,
            instance=target.SOPInstanceUID,
            frames=some,
        )
        accept = f'multipart/related; type="{media_type}"; transfer-syntax={transfer_syntax}'
        request = Ask("GET", path, (), {"Accept": accept})
        count = yield from _parts(manner, request, BytesKeeper(MAX_FRAME), partial(_frame, some))
        if count != len(some):
            raise AnswerError(f"the server sent {count} of {len(some)} frames")


def _frame(numbers: Sequence[int], place: int, data: bytes, content_type: str) -> Frame:
    if place >= len(numbers):
        raise AnswerError("the server sent more frames than it was asked for")
    return Frame(numbers[place], data, *syntax_of(content_type))


def bulkdata(manner: Manner, uri: str, keeper: Keeper) -> Flow[None]:
    """Emits what the keeper makes of bulk data."""
    accept = f'multipart/related; type="{OCTET_STREAM}"'
    yield from _parts(manner, Ask("GET", uri, (), {"Accept": accept}), keeper)


def rendered(
    manner: Manner, target: Target, *, frame: int | None, thumbnail: bool, media_type: str, params: Mapping[str, Any]
) -> Flow[None]:
    """Emits the bytes of a picture or a document."""
    name = "thumbnail" if thumbnail else "rendered"
    if frame is None:
        path = target.path(name)
    else:
        if target.SOPInstanceUID is None:
            raise UsageError("a frame is one of an instance", hint="give SOPInstanceUID")
        path = path_of(
            Kind[f"FRAMES_{name.upper()}"],
            study=target.StudyInstanceUID,
            series=target.SeriesInstanceUID,
            instance=target.SOPInstanceUID,
            frames=(frame,),
        )
    asked = tuple((key, _text(value)) for key, value in params.items() if value is not None)
    reply = yield from ask(Ask("GET", path, asked, {"Accept": media_type}), manner)
    parser = parser_of(media_of(reply))
    body = yield from read_all(manner)
    for part, _ in Sorter(parser, BytesKeeper(manner.max_body), reply.content_type).take([body], last=True):
        yield Emit(part)


# -- store and delete --------------------------------------------------------------------------------------------------


def store(manner: Manner, things: Iterable[Storable] | Storable, study: str | None) -> Flow[None]:
    """Emits a ``StoreResult`` for each instance."""
    path = path_of(Kind.STUDIES) if study is None else path_of(Kind.STUDY, study=study)
    source = batches(items_of(several(things)))
    while True:
        batch = yield Do(lambda: next(source, None))
        if batch is None:
            return
        if isinstance(batch, Unusable):
            yield Emit(StoreResult(batch.source, "", "", error=str(batch.error)))
            continue
        content_type, content = body_of(batch)
        headers = {"Content-Type": content_type, "Accept": DICOM_JSON}
        reply = yield from ask(Ask("POST", path, (), headers, content), manner, (200, 202, 409, 507))
        for result in (yield from _results(batch, reply, manner)):
            yield Emit(result)


def _results(batch: Sequence[Item], reply: Reply, manner: Manner) -> Flow[list[StoreResult]]:
    body = yield from read_all(manner)
    told: dict[str, tuple[int, int, str]] = {}
    others: list[int] = []
    words = f"the server answered {reply.status}"
    if body and media_of(reply).type == MEDIA_TYPE:
        raise refusal_of(reply, body)
    if body and media_of(reply).type.endswith("json"):
        try:
            _read_answer(from_json(body), told, others)
        except (FormatError, AttributeError) as error:
            raise AnswerError("the answer to a store is no DICOM JSON", status=reply.status) from error
    elif reply.status == 200:
        # Some servers answer without a word where all is well.
        return [StoreResult(one.source, one.sop_class_uid, one.sop_instance_uid) for one in batch]
    found: list[StoreResult] = []
    for item in batch:
        failure, warning, url = told.get(item.sop_instance_uid, (0, 0, ""))
        if item.sop_instance_uid not in told:
            failure = others.pop(0) if others else 0
        silent = "" if failure or item.sop_instance_uid in told else f"{words} and did not name it"
        found.append(StoreResult(item.source, item.sop_class_uid, item.sop_instance_uid, failure, warning, url, silent))
    return found


def _read_answer(ds: Dataset, told: dict[str, tuple[int, int, str]], others: list[int]) -> None:
    for item in ds.get("ReferencedSOPSequence") or ():
        url = item.get("RetrieveURL")
        told[_uid(item)] = 0, _number(item, "WarningReason", 0), str(url) if isinstance(url, str) else ""
    for item in ds.get("FailedSOPSequence") or ():
        told[_uid(item)] = _number(item, "FailureReason", PROCESSING_FAILURE), 0, ""
    others += [_number(item, "FailureReason", PROCESSING_FAILURE) for item in ds.get("OtherFailuresSequence") or ()]


def _uid(item: Dataset) -> str:
    return str(item.get("ReferencedSOPInstanceUID") or "")


def _number(item: Dataset, keyword: str, default: int) -> int:
    """A status; some servers write it as text."""
    value = item.get(keyword)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:6])
    return int(value) if isinstance(value, int) and value else default


def delete(manner: Manner, target: Target) -> Flow[None]:
    """Deletes; emits nothing."""
    yield from ask(Ask("DELETE", target.path()), manner, (200, 202, 204))
