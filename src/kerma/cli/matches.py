"""Matches of a query on standard output: which attributes a level shows, and a data set as fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kerma.cli.report import result_line
from kerma.cli.showing import table
from kerma.dataset import Dataset
from kerma.errors import FormatError

RETURNS: dict[str, tuple[str, ...]] = {
    "patient": ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "NumberOfPatientRelatedStudies"),
    "study": (
        "PatientID",
        "PatientName",
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "ModalitiesInStudy",
        "StudyDescription",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
        "StudyInstanceUID",
    ),
    "series": (
        "StudyInstanceUID",
        "Modality",
        "SeriesNumber",
        "SeriesDescription",
        "NumberOfSeriesRelatedInstances",
        "SeriesInstanceUID",
    ),
    "image": ("StudyInstanceUID", "SeriesInstanceUID", "InstanceNumber", "SOPClassUID", "SOPInstanceUID"),
}
"""What is asked for at each level when ``--return`` does not say."""

HEADINGS = {
    "PatientBirthDate": "BirthDate",
    "PatientSex": "Sex",
    "NumberOfPatientRelatedStudies": "Studies",
    "AccessionNumber": "Accession",
    "ModalitiesInStudy": "Modalities",
    "StudyDescription": "Description",
    "NumberOfStudyRelatedSeries": "Series",
    "NumberOfStudyRelatedInstances": "Instances",
    "SeriesNumber": "Number",
    "SeriesDescription": "Description",
    "NumberOfSeriesRelatedInstances": "Instances",
    "InstanceNumber": "Number",
}
"""Shorter headings for a terminal."""


def columns_of(level: str, keys: Iterable[str], returns: Sequence[str]) -> tuple[str, ...]:
    """The attributes to ask for and to show: ``returns`` or the level's own, then the matching keys besides."""
    return tuple(dict.fromkeys((*(returns or RETURNS[level]), *keys)))


def show(matches: Iterable[Dataset], columns: Sequence[str], *, as_json: bool) -> int:
    """Print each match as it comes; how many."""
    if not as_json:
        return table(columns, ([field(match, keyword) for keyword in columns] for match in matches), HEADINGS)
    from kerma.formats import json as dicom_json

    count = 0
    for match in matches:
        result_line(dicom_json.to_json(match))
        count += 1
    return count


def field(match: Dataset, keyword: str) -> str:
    """One attribute as text: several values with ``\\`` between, nothing where it is absent, empty or a sequence."""
    try:
        value: Any = match.get(keyword)
    except FormatError:
        return "?"
    if (
        value is None
        or isinstance(value, memoryview)
        or (isinstance(value, Sequence) and not isinstance(value, str | tuple))
    ):
        return ""
    return "\\".join(map(str, value)) if isinstance(value, tuple) else str(value)
