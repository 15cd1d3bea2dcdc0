"""A structured report as text that a person reads: plain, and HTML (PS3.3 C.17.3; PS3.18 8.7.4, text).

Rules: the content tree is walked in order without recursion, to a largest depth and count, and says where it was cut;
every value goes into HTML escaped; nothing in the page is fetched from anywhere.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kerma.dataset import Dataset
from kerma.errors import KermaError
from kerma.standard import uids

MAX_ITEMS = 20_000
MAX_DEPTH = 64

_HEAD = (
    ("Patient", "PatientName"),
    ("Patient ID", "PatientID"),
    ("Born", "PatientBirthDate"),
    ("Sex", "PatientSex"),
    ("Study", "StudyDescription"),
    ("Study date", "StudyDate"),
    ("Accession number", "AccessionNumber"),
    ("Series", "SeriesDescription"),
    ("Content date", "ContentDate"),
    ("Completion", "CompletionFlag"),
    ("Verification", "VerificationFlag"),
)
_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#15171c}"
    "ul{list-style:none;margin:.2em 0;padding-left:1.2em;border-left:1px solid #d5dae1}"
    "table{border-collapse:collapse}th{text-align:left;color:#6b7078;font-weight:normal;padding-right:1.5em}"
    "b{color:#2d558c}p{margin:.2em 0;white-space:pre-wrap}"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One content item: how deep it stands, what it is called, what it says."""

    depth: int
    name: str
    value: str

    @property
    def text(self) -> str:
        return f"{self.name}: {self.value}" if self.name and self.value else self.name or self.value


def title(ds: Dataset) -> str:
    """What the report is called: its root's concept name, else its class."""
    return _meaning(ds, "ConceptNameCodeSequence") or uids.name_of(_text(ds, "SOPClassUID")) or "Report"


def head(ds: Dataset) -> list[tuple[str, str]]:
    """Who and what it is about, as far as it says."""
    found = [(label, _text(ds, keyword)) for label, keyword in _HEAD]
    return [(label, value) for label, value in found if value]


def lines(ds: Dataset) -> Iterator[Line]:
    """The content items below the root, in order."""
    stack: list[tuple[int, Iterator[Dataset]]] = [(0, iter(_items(ds, "ContentSequence")))]
    count = 0
    while stack:
        depth, below = stack[-1]
        item = next(below, None)
        if item is None:
            stack.pop()
            continue
        count += 1
        if count > MAX_ITEMS:
            yield Line(0, "", f"... and more: only the first {MAX_ITEMS} items are shown")
            return
        name, value = _meaning(item, "ConceptNameCodeSequence"), _value(item)
        if name or value:
            yield Line(depth, name, value)
        if depth < MAX_DEPTH:
            stack.append((depth + 1, iter(_items(item, "ContentSequence"))))


def plain(ds: Dataset) -> str:
    """The report as plain text."""
    said = [title(ds), "=" * len(title(ds)), ""]
    said += [f"{label}: {value}" for label, value in head(ds)]
    said.append("")
    for line in lines(ds):
        indent = "  " * line.depth
        said.append(indent + line.text.replace("\r\n", "\n").replace("\n", "\n" + indent + "  "))
    return "\n".join(said) + "\n"


def page(ds: Dataset, charset: str = "utf-8") -> str:
    """The report as a page of HTML that needs nothing else."""
    named = html.escape(title(ds))
    said = [f'<!DOCTYPE html>\n<html><head><meta charset="{html.escape(charset)}"><title>{named}</title>']
    said.append(f"<style>{_STYLE}</style></head><body>\n<h1>{named}</h1>\n<table>")
    said += [f"<tr><th>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>" for label, value in head(ds)]
    said.append("</table>\n<hr>")
    depth = -1
    for line in lines(ds):
        said.append("<ul>" * (line.depth - depth) if line.depth > depth else "</ul>" * (depth - line.depth))
        depth = line.depth
        name = f"<b>{html.escape(line.name)}</b> " if line.name else ""
        said.append(f"<li><p>{name}{html.escape(line.value)}</p></li>")
    said.append("</ul>" * (depth + 1) + "\n</body></html>\n")
    return "\n".join(piece for piece in said if piece)


# -- one content item --------------------------------------------------------------------------------------------------


def _value(item: Dataset) -> str:
    kind = _text(item, "ValueType")
    if kind == "NUM":
        return _measured(item)
    if kind == "CODE":
        return _meaning(item, "ConceptCodeSequence")
    if kind in _PLAIN:
        return _text(item, _PLAIN[kind])
    if kind in {"IMAGE", "COMPOSITE", "WAVEFORM"}:
        return _references(item)
    if kind in {"SCOORD", "SCOORD3D"}:
        data = _get(item, "GraphicData")
        count = len(data) if isinstance(data, tuple) else 0
        return f"{_text(item, 'GraphicType')} of {count // (3 if kind == 'SCOORD3D' else 2)} points"
    if kind == "TCOORD":
        return _text(item, "TemporalRangeType")
    if not kind:
        # By reference to another item of the tree (PS3.3 C.17.3.2.5).
        where = _get(item, "ReferencedContentItemIdentifier")
        return (
            "" if where is None else "see item " + ".".join(map(str, where if isinstance(where, tuple) else (where,)))
        )
    return ""


_PLAIN = {
    "TEXT": "TextValue",
    "DATE": "Date",
    "TIME": "Time",
    "DATETIME": "DateTime",
    "PNAME": "PersonName",
    "UIDREF": "UID",
}


def _measured(item: Dataset) -> str:
    found = next(iter(_items(item, "MeasuredValueSequence")), None)
    if found is None:
        return _meaning(item, "NumericValueQualifierCodeSequence")
    unit = next(iter(_items(found, "MeasurementUnitsCodeSequence")), None)
    code = "" if unit is None else _text(unit, "CodeValue")
    # UCUM's codes are what people write, but for "1" and annotations in braces.
    said = "" if code in {"1", ""} or code.startswith("{") else code
    return f"{_text(found, 'NumericValue')} {said}".strip()


def _references(item: Dataset) -> str:
    said = []
    for each in _items(item, "ReferencedSOPSequence")[:16]:
        name = uids.name_of(_text(each, "ReferencedSOPClassUID")).removesuffix(" Storage") or "Instance"
        frames = _text(each, "ReferencedFrameNumber")
        said.append(f"{name} {_text(each, 'ReferencedSOPInstanceUID')}" + (f", frames {frames}" if frames else ""))
    return "; ".join(said)


def _meaning(ds: Dataset, keyword: str) -> str:
    found = next(iter(_items(ds, keyword)), None)
    return "" if found is None else _text(found, "CodeMeaning") or _text(found, "CodeValue")


def _get(ds: Dataset, keyword: str) -> Any:
    try:
        return ds.get(keyword)
    except KermaError:
        return None


def _text(ds: Dataset, keyword: str) -> str:
    value = _get(ds, keyword)
    if value is None or isinstance(value, (bytes, memoryview)):
        return ""
    values = value if isinstance(value, tuple) else (value,)
    return ", ".join(getattr(each, "text", None) or str(each) for each in values if each is not None).strip()


def _items(ds: Dataset, keyword: str) -> list[Dataset]:
    value = _get(ds, keyword)
    if value is None or isinstance(value, (str, bytes, tuple, memoryview)):
        return []
    try:
        return [each for each in value if isinstance(each, Dataset)]
    except (KermaError, TypeError):
        return []
