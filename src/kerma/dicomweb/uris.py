"""The resources of DICOMweb: one table of URI templates, for building and for parsing.

PS3.18 10.1-10.4 (studies), 11.1 (work items), 13 to 15 (storage commitment, worklist, MPPS).
Rules:

- A ``Kind`` is a resource; its value is the template, below the root of the service, and is a route of the server too.
- A UID, a frame list and the path of a bulk datum are checked in both directions: nothing else gets into a path.
- A path that is no resource is a 404, a value that cannot be one is a 400; neither repeats the value.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from kerma.dicomweb.problems import HTTPProblem

MAX_PATH = 8_192
"""Characters of a path; 1,000 frame numbers fit."""
MAX_FRAMES = 2_000

_STUDY = "/studies/{study}"
_SERIES = _STUDY + "/series/{series}"
_INSTANCE = _SERIES + "/instances/{instance}"
_FRAMES = _INSTANCE + "/frames/{frames}"


class Kind(enum.Enum):
    """A resource; the value is its template."""

    SERVICE = "/"
    STUDIES = "/studies"
    ALL_SERIES = "/series"
    ALL_INSTANCES = "/instances"

    STUDY = _STUDY
    STUDY_METADATA = _STUDY + "/metadata"
    STUDY_RENDERED = _STUDY + "/rendered"
    STUDY_THUMBNAIL = _STUDY + "/thumbnail"
    STUDY_BULKDATA = _STUDY + "/bulkdata"
    STUDY_PIXELDATA = _STUDY + "/pixeldata"
    STUDY_SERIES = _STUDY + "/series"
    STUDY_INSTANCES = _STUDY + "/instances"

    SERIES = _SERIES
    SERIES_METADATA = _SERIES + "/metadata"
    SERIES_RENDERED = _SERIES + "/rendered"
    SERIES_THUMBNAIL = _SERIES + "/thumbnail"
    SERIES_BULKDATA = _SERIES + "/bulkdata"
    SERIES_PIXELDATA = _SERIES + "/pixeldata"
    SERIES_INSTANCES = _SERIES + "/instances"

    INSTANCE = _INSTANCE
    INSTANCE_METADATA = _INSTANCE + "/metadata"
    INSTANCE_RENDERED = _INSTANCE + "/rendered"
    INSTANCE_THUMBNAIL = _INSTANCE + "/thumbnail"
    INSTANCE_BULKDATA = _INSTANCE + "/bulkdata"
    INSTANCE_PIXELDATA = _INSTANCE + "/pixeldata"
    BULKDATA = _INSTANCE + "/bulkdata/{bulk:path}"

    FRAMES = _FRAMES
    FRAMES_RENDERED = _FRAMES + "/rendered"
    FRAMES_THUMBNAIL = _FRAMES + "/thumbnail"

    WORKITEMS = "/workitems"
    WORKITEM = "/workitems/{workitem}"
    WORKITEM_STATE = "/workitems/{workitem}/state"
    WORKITEM_CANCEL = "/workitems/{workitem}/cancelrequest"
    SUBSCRIPTION = "/workitems/{workitem}/subscribers/{aet}"
    SUSPENSION = "/workitems/{workitem}/subscribers/{aet}/suspend"
    NOTIFICATIONS = "/subscribers/{aet}"

    COMMITMENT = "/commitment-requests/{transaction}"
    SCHEDULED_STEPS = "/modality-scheduled-procedure-steps"
    PERFORMED_STEP = "/modality-performed-procedure-steps/{mpps}"

    @property
    def template(self) -> str:
        """The template below the root of the service; a route path of Starlette."""
        return self.value


@dataclass(frozen=True, slots=True)
class Resource:
    """What a path names; what its template has no place for is None or empty."""

    kind: Kind
    study: str | None = None
    series: str | None = None
    instance: str | None = None
    frames: tuple[int, ...] = ()
    """Frame numbers, the first is 1, as asked for."""
    bulk: str | None = None
    workitem: str | None = None
    aet: str | None = None
    transaction: str | None = None
    mpps: str | None = None

    def path(self) -> str:
        """The path below the root of the service."""
        out: list[str] = []
        for segment in self.kind.template.strip("/").split("/"):
            name = _variable(segment)
            if name is None:
                out.append(segment)
                continue
            value: object = getattr(self, name)
            if value is None or value == ():
                raise HTTPProblem(400, f"a path of {self.kind.name} needs {name}")
            out.append(_WRITE[name](value))
        return "/" + "/".join(out)


def _variable(segment: str) -> str | None:
    return segment[1:-1].removesuffix(":path") if segment.startswith("{") else None


_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_BULK = re.compile(r"[0-9A-Fa-f]{8}(?:/[0-9]{1,9}/[0-9A-Fa-f]{8})*")
_AET = re.compile(r"[ -\[\]-~]{1,16}")


def uid(text: str, name: str = "UID") -> str:
    """A UID of a path: digits and dots, at most 64 characters. Components may begin with 0: such UIDs are about."""
    if len(text) > 64 or _UID.fullmatch(text) is None:
        raise HTTPProblem(400, f"{name} is not a UID", hint="digits and dots, at most 64 characters")
    return text


def frames(text: str) -> tuple[int, ...]:
    """A frame list of a path, "1,2,7" (PS3.18 10.4.1.1.4): numbers from 1, each once, in the order asked."""
    pieces = text.split(",", MAX_FRAMES)
    if len(pieces) > MAX_FRAMES:
        raise HTTPProblem(400, f"more than {MAX_FRAMES} frames in one request", hint="ask in several")
    found: dict[int, None] = {}
    for piece in pieces:
        number = piece.strip()
        if not (number.isascii() and number.isdigit() and len(number) <= 10) or not 0 < int(number) < 1 << 31:
            raise HTTPProblem(400, "the frame list is no list of frame numbers", hint="frames/1,2,3; the first is 1")
        found[int(number)] = None
    return tuple(found)


def _bulk(text: str, name: str = "bulk") -> str:
    if len(text) > 1_024 or _BULK.fullmatch(text) is None:
        raise HTTPProblem(400, "no path of bulk data", hint="bulkdata/GGGGEEEE or bulkdata/GGGGEEEE/ITEM/GGGGEEEE")
    return text.upper()


def aet(text: str, name: str = "AE title") -> str:
    """An AE title of a path (PS3.5 6.2, AE)."""
    title = text.strip(" ")
    if not title or _AET.fullmatch(title) is None:
        raise HTTPProblem(400, f"{name} is no AE title", hint="1 to 16 characters, no backslash")
    return title


_UIDS = {
    "study": "Study Instance UID",
    "series": "Series Instance UID",
    "instance": "SOP Instance UID",
    "workitem": "the UID of the work item",
    "transaction": "Transaction UID",
    "mpps": "the UID of the performed procedure step",
}


def _write_frames(value: object) -> str:
    numbers: Sequence[int] = (value,) if isinstance(value, int) else tuple(value)  # type: ignore[arg-type]
    return ",".join(map(str, frames(",".join(map(str, numbers)))))


def _write_uid(label: str) -> Callable[[object], str]:
    return lambda value: uid(str(value), label)


_WRITE: dict[str, Callable[[object], str]] = {
    **{name: _write_uid(label) for name, label in _UIDS.items()},
    "frames": _write_frames,
    "bulk": lambda value: _bulk(str(value)),
    "aet": lambda value: quote(aet(str(value)), safe=""),
}


def _trie() -> dict[str, object]:
    """Templates by segment: one step a segment, however many templates there are."""
    root: dict[str, object] = {}
    for kind in Kind:
        node = root
        for segment in filter(None, kind.template.split("/")):
            node = node.setdefault(segment, {})  # type: ignore[assignment]
        node[""] = kind
    return root


_TREE = _trie()


def parse(path: str) -> Resource:
    """What a path below the root names; HTTPProblem 404 where it is nothing, 400 where a value cannot be one.

    Percent-encoding is undone here, once; a path that was decoded before has none left in its values.
    """
    if len(path) > MAX_PATH:
        raise HTTPProblem(414, f"the path is longer than {MAX_PATH} characters", hint="ask for less at once")
    node: dict[str, object] = _TREE
    values: dict[str, str] = {}
    whole = path.removeprefix("/").removesuffix("/")
    segments = whole.split("/") if whole else []
    for index, segment in enumerate(segments):
        below = node.get(segment)
        if below is None or segment == "" or segment.startswith("{"):
            variable = next((key for key in node if key.startswith("{")), None)
            if variable is None or segment == "":
                raise HTTPProblem(404, "no such resource", hint="see the capabilities of the service")
            below = node[variable]
            name = _variable(variable) or ""
            if variable.endswith(":path}"):
                values[name] = unquote("/".join(segments[index:]))
                node = below  # type: ignore[assignment]
                break
            values[name] = unquote(segment)
        node = below  # type: ignore[assignment]
    kind = node.get("")
    if not isinstance(kind, Kind):
        raise HTTPProblem(404, "no such resource", hint="see the capabilities of the service")
    return _resource(kind, values)


def _resource(kind: Kind, values: dict[str, str]) -> Resource:
    checked = {name: uid(values[name], label) for name, label in _UIDS.items() if name in values}
    return Resource(
        kind,
        **checked,
        frames=frames(values["frames"]) if "frames" in values else (),
        bulk=_bulk(values["bulk"]) if "bulk" in values else None,
        aet=aet(values["aet"]) if "aet" in values else None,
    )


class Templates:
    """URIs below one root ("/dicomweb", or an absolute URL): ``Templates(root).instance(study, series, instance)``."""

    def __init__(self, root: str = "") -> None:
        self.root = root.rstrip("/")

    def of(self, kind: Kind, **values: object) -> str:
        """The URI of any resource: ``of(Kind.STUDY, study=uid)``."""
        return self.root + Resource(kind, **values).path()  # type: ignore[arg-type]

    def studies(self) -> str:
        return self.of(Kind.STUDIES)

    def study(self, study: str) -> str:
        return self.of(Kind.STUDY, study=study)

    def series(self, study: str, series: str) -> str:
        return self.of(Kind.SERIES, study=study, series=series)

    def instance(self, study: str, series: str, instance: str) -> str:
        return self.of(Kind.INSTANCE, study=study, series=series, instance=instance)

    def frames(self, study: str, series: str, instance: str, frames: Sequence[int] | int) -> str:
        return self.of(Kind.FRAMES, study=study, series=series, instance=instance, frames=frames)

    def bulkdata(self, study: str, series: str, instance: str, bulk: str) -> str:
        return self.of(Kind.BULKDATA, study=study, series=series, instance=instance, bulk=bulk)

    def below(self, kind: str, study: str, series: str | None = None, instance: str | None = None) -> str:
        """``metadata``, ``rendered``, ``thumbnail``, ``bulkdata`` or ``pixeldata`` of a study, series or instance."""
        level = "STUDY" if series is None else "SERIES" if instance is None else "INSTANCE"
        found = Kind.__members__.get(f"{level}_{kind.upper()}")
        if found is None:
            raise HTTPProblem(404, "no such resource", hint="metadata, rendered, thumbnail, bulkdata or pixeldata")
        return self.of(found, study=study, series=series, instance=instance)

    def workitem(self, workitem: str) -> str:
        return self.of(Kind.WORKITEM, workitem=workitem)

    def subscription(self, workitem: str, aet: str) -> str:
        return self.of(Kind.SUBSCRIPTION, workitem=workitem, aet=aet)
