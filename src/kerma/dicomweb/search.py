"""Search requests: from the parameters of a URL to a question, and from a match to its answer (PS3.18 8.3.4, 10.6).

Rules:

- An attribute is named by keyword or by eight figures, one of a sequence's items by a path with dots.
- Several values are told apart by backslashes, and by commas where a value of the VR cannot hold one (UIDs, codes,
  dates, numbers); a parameter that comes again adds values. One of them is enough.
- What cannot be matched is left out of the question and told in a Warning; what cannot be a value at all is a 400.
- An answer has the attributes of tables 10.6.3-3 to 10.6.3-5, those that were asked for, and those that clients rely
  on; what the path does not name of the levels above comes with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kerma.dataset import Dataset
from kerma.dataset.walking import BULK
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.uris import Templates
from kerma.errors import KermaError, StatusError
from kerma.query import keys
from kerma.query.model import Level, Page, Predicate, Query, ReturnKey, Root, SequenceMatch, Single
from kerma.query.predicates import fuzzily, predicate
from kerma.standard import elements

MAX_PARAMETERS = 500
MAX_VALUES = 10_000
"""Values of one attribute, UIDs in a list most of all."""
_MAX_NAME = 512
_MAX_DEPTH = 8
_MAX_NUMBER = 1 << 31
_RETRIEVE_URL = 0x00081190
_MODALITY, _MODALITIES = 0x00080060, 0x00080061
_WITHOUT_COMMA = frozenset(("AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "SL", "SS", "TM", "UI", "UL", "US"))
_ONE_VALUE = frozenset(("LT", "ST", "UR", "UT"))
_OURS = frozenset(
    (
        "accept",
        "charset",
        "emptyvaluematching",
        "fuzzymatching",
        "includefield",
        "limit",
        "multiplevaluematching",
        "offset",
    )
)
_NAME = re.compile(r"[A-Za-z0-9_.]{1,64}")
_DEFAULTS = {
    Level.STUDY: (
        "StudyDate StudyTime AccessionNumber InstanceAvailability ModalitiesInStudy ReferringPhysicianName"
        " StudyDescription TimezoneOffsetFromUTC PatientName PatientID PatientBirthDate PatientSex StudyInstanceUID"
        " StudyID NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances"
    ),
    Level.SERIES: (
        "SeriesDate SeriesTime Modality SeriesDescription SeriesInstanceUID SeriesNumber NumberOfSeriesRelatedInstances"
        " PerformedProcedureStepStartDate PerformedProcedureStepStartTime RequestAttributesSequence"
        " InstanceAvailability TimezoneOffsetFromUTC"
    ),
    Level.IMAGE: (
        "SOPClassUID SOPInstanceUID InstanceAvailability AvailableTransferSyntaxUID InstanceNumber Rows Columns"
        " BitsAllocated NumberOfFrames TimezoneOffsetFromUTC"
    ),
}
_LEFT_OUT_EMPTY = frozenset(
    (
        0x00080201,
        0x00280008,
        0x00280010,
        0x00280011,
        0x00280100,
        0x00400244,
        0x00400245,
        0x00400275,
        0x00080021,
        0x00080031,
    )
)
"""Attributes of the tables that are there "if known"; others without a value are told as empty."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search request. ``query`` has the page; ``everything`` asks for all attributes of an instance; ``asked`` are
    tags that come back even where they are empty; ``warnings`` are sentences for the Warning header.
    """

    query: Query
    limit: int | None
    offset: int
    fuzzy: bool
    everything: bool
    asked: frozenset[int]
    warnings: tuple[str, ...]


def parse(parameters: Sequence[tuple[str, str]], level: Level, within: Mapping[Level, str]) -> Search:
    """What the decoded parameters of a URL ask at ``level``, of what lies ``within`` the UIDs of the path.

    HTTPProblem 400 where a value is none of its kind or there are too many.
    """
    if len(parameters) > MAX_PARAMETERS:
        raise HTTPProblem(400, f"more than {MAX_PARAMETERS} parameters", hint="ask for less at once")
    reader = _Reader(level)
    reader.read(parameters)
    for upper, uid in within.items():
        reader.predicates.append(Single(upper.unique_key, "UI", uid))
    reader.defaults(within)
    query = Query(
        level,
        Root.STUDY,
        tuple(reader.predicates),
        tuple(reader.wanted[tag] for tag in sorted(reader.wanted)),
        relational=True,
        fuzzy=reader.fuzzy,
        page=Page(reader.limit, reader.offset),
    )
    return Search(
        query,
        reader.limit,
        reader.offset,
        reader.fuzzy,
        reader.everything and level is Level.IMAGE,
        frozenset(reader.asked),
        tuple(dict.fromkeys(reader.warnings)),
    )


class _Reader:
    """One request while it is read."""

    def __init__(self, level: Level) -> None:
        self.level = level
        self.predicates: list[Predicate] = []
        self.wanted: dict[int, ReturnKey] = {}
        self.asked: set[int] = set()
        self.warnings: list[str] = []
        self.limit: int | None = None
        self.offset = 0
        self.fuzzy = False
        self.everything = False

    def read(self, parameters: Iterable[tuple[str, str]]) -> None:
        values: dict[tuple[int, ...], list[str]] = {}
        fields: list[str] = []
        for name, value in parameters:
            lowered = name.lower()
            if lowered == "limit":
                self.limit = _number(value, "limit")
            elif lowered == "offset":
                self.offset = _number(value, "offset") or 0
            elif lowered == "fuzzymatching":
                self.fuzzy = _flag(value, "fuzzymatching")
            elif lowered == "includefield":
                fields += value.split(",")
            elif lowered not in _OURS:
                path = self._path(name)
                if path is not None:
                    values.setdefault(path, []).append(value)
        if len(fields) > MAX_PARAMETERS:
            raise HTTPProblem(400, f"more than {MAX_PARAMETERS} fields to include", hint="includefield=all")
        for field in fields:
            self._include(field.strip())
        self._match(values)

    def _path(self, name: str) -> tuple[int, ...] | None:
        """The tags of an attribute's name; None, and a warning, where it names none that is served."""
        told = name if _NAME.fullmatch(name) else "a parameter"
        steps = name.split(".")
        if len(name) > _MAX_NAME or len(steps) > _MAX_DEPTH:
            self.warnings.append(f"{told} is not supported and was not used")
            return None
        tags = tuple(tag for step in steps if (tag := elements.find_tag(step)) is not None)
        if len(tags) < len(steps):
            self.warnings.append(f"{told} is no attribute and was not used")
            return None
        if self.level is Level.STUDY and tags == (_MODALITY,):
            tags = (_MODALITIES,)
        if keys.serves(self.level, tags[0]) is None or any(elements.vr_of(tag) != "SQ" for tag in tags[:-1]):
            self.warnings.append(f"{told} is not supported at this level and was not used")
            return None
        return tags

    def _include(self, field: str) -> None:
        if not field:
            return
        if field.lower() == "all":
            self.everything = True
            for key in keys.KEYS:
                if key.level <= self.level and key.home != "answer":
                    self.wanted.setdefault(key.tag, ReturnKey(key.tag, key.vr))
            return
        path = self._path(field)
        if path is not None:
            self._want(path)

    def _want(self, path: tuple[int, ...]) -> None:
        """Have an attribute in the answers; of a sequence the whole items, whatever was asked of them."""
        self.asked.add(path[0])
        self.wanted[path[0]] = ReturnKey(path[0], elements.vr_of(path[0]))

    def _match(self, values: Mapping[tuple[int, ...], list[str]]) -> None:
        nested: dict[int, list[tuple[tuple[int, ...], Predicate]]] = {}
        for path, texts in values.items():
            self._want(path)
            key = keys.serves(self.level, path[0])
            if key is not None and key.home == "answer" and key.tag != 0x00083002:
                continue
            item = self._predicate(path[-1], texts)
            if item is None:
                continue
            if len(path) == 1:
                self.predicates.append(item)
            else:
                nested.setdefault(path[0], []).append((path[1:], item))
        self.predicates += (SequenceMatch(tag, _within(found)) for tag, found in nested.items())

    def _predicate(self, tag: int, texts: Sequence[str]) -> Predicate | None:
        vr = elements.vr_of(tag)
        if vr == "SQ":
            return None
        parts = [part for text in texts for part in _values(text, vr)]
        if len(parts) > MAX_VALUES:
            raise HTTPProblem(400, f"more than {MAX_VALUES} values of one attribute", hint="ask in several requests")
        try:
            item = predicate(tag, vr, parts)
        except StatusError as error:
            name = elements.keyword_of(tag) or f"{tag:08X}"
            raise HTTPProblem(400, f"{name}: {error.message}", hint="20260101-20260131 is a range of dates") from error
        return fuzzily(item) if item is not None and self.fuzzy else item

    def defaults(self, within: Mapping[Level, str]) -> None:
        """What an answer has without being asked."""
        levels = [self.level, *(level for level in (Level.SERIES, Level.STUDY) if level < self.level)]
        for level in levels:
            if level != self.level and level in within:
                continue
            for keyword in _DEFAULTS[level].split():
                tag = elements.KEYWORD_TO_TAG[keyword]
                self.wanted.setdefault(tag, ReturnKey(tag, elements.vr_of(tag)))
        for level in levels:
            self.wanted.setdefault(level.unique_key, ReturnKey(level.unique_key, "UI"))


def _within(found: list[tuple[tuple[int, ...], Predicate]]) -> tuple[Predicate, ...]:
    """Predicates by their paths below a sequence: those on attributes of one item have to hold in one item."""
    out: list[Predicate] = []
    deeper: dict[int, list[tuple[tuple[int, ...], Predicate]]] = {}
    for path, item in found:
        if len(path) == 1:
            out.append(item)
        else:
            deeper.setdefault(path[0], []).append((path[1:], item))
    return (*out, *(SequenceMatch(tag, _within(below)) for tag, below in deeper.items()))


def _values(text: str, vr: str) -> Iterator[str]:
    if vr in _ONE_VALUE:
        yield text
        return
    for part in text.split("\\"):
        if vr in _WITHOUT_COMMA and "," in part:
            yield from part.split(",")
        else:
            yield part


def _number(text: str, name: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10) or int(text) >= _MAX_NUMBER:
        raise HTTPProblem(400, f"{name} is no whole number from 0", hint=f"{name}=100")
    return int(text)


def _flag(text: str, name: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("true", "1", "yes"):
        return True
    if lowered in ("false", "0", "no", ""):
        return False
    raise HTTPProblem(400, f"{name} is true or false", hint=f"{name}=true")


def complete(ds: Dataset, search: Search, urls: Templates) -> Dataset:
    """A match as it is answered: with RetrieveURL, without what is not known and was not asked for."""
    level = search.query.level
    for tag in list(ds):
        if tag in search.asked or not (tag in _LEFT_OUT_EMPTY or search.everything or _optional(tag)):
            continue
        value = ds[tag].value
        if value is None or (ds[tag].vr == "SQ" and not len(value)):
            del ds[tag]
    ds.add(_RETRIEVE_URL, "UR", retrieve_url(ds, level, urls))
    return ds


def _optional(tag: int) -> bool:
    """Whether only includefield=all has asked for it."""
    key = keys.lookup(tag)
    return key is not None and key.home == "more"


def retrieve_url(ds: Dataset, level: Level, urls: Templates) -> str:
    """Where a match is retrieved."""
    out = f"{urls.root}/studies/{ds.StudyInstanceUID}"
    if level >= Level.SERIES:
        out += f"/series/{ds.SeriesInstanceUID}"
    if level is Level.IMAGE:
        out += f"/instances/{ds.SOPInstanceUID}"
    return out


def with_header(ds: Dataset, header: Dataset) -> Dataset:
    """A match with all attributes of the instance's header but its bulk data, which metadata are for."""
    for tag in header:
        element = header[tag]
        if tag in ds or element.vr in BULK or tag & 0xFFFF == 0:
            continue
        try:
            ds.add(tag, element.vr, element.value)
        except KermaError:  # no value of its VR: told as its bytes, as metadata do
            ds.add(tag, "UN", element.raw)
    return ds
