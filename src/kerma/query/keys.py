"""Which attributes may be asked for at which level, and what serves each: one row an attribute (PS3.4 C.6.1.1,
C.6.2.1, C.3.4).

Rules:

- One fact, one row. The archive's tables are made from these rows; the identifier check and the answers read them.
- ``usage`` is the standard's U (unique), R (required) or O (optional). The study root's patient attributes are rows
  of the PATIENT level: a key of a level above the one asked for is served at any level.
- ``home`` says what serves the row: ``column`` its own column (single-valued attributes that SQL matches), ``more``
  the data set of the level's other attributes, ``count`` a number that the index keeps, ``set`` a set of values that
  it keeps, ``answer`` what the archive itself says. At the IMAGE level every other attribute of the standard is
  served from the header of the instance (``HEADER``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from kerma.query.model import Level

Home = Literal["column", "more", "count", "set", "answer", "header"]


@dataclass(frozen=True, slots=True)
class Key:
    """One attribute that queries may name."""

    tag: int
    vr: str
    keyword: str
    level: Level
    usage: Literal["U", "R", "O"]
    home: Home

    @property
    def column(self) -> str:
        """The column's name: the keyword in snake case."""
        return _snake(self.keyword)


@cache
def _snake(keyword: str) -> str:
    out: list[str] = []
    for index, char in enumerate(keyword):
        if char.isupper() and index:
            before, after = keyword[index - 1], keyword[index + 1 : index + 2]
            if before.islower() or (before.isupper() and after.islower()):
                out.append("_")
        out.append(char.lower())
    return "".join(out)


# tag, VR, keyword, usage, home
_ROWS: dict[Level, str] = {
    Level.PATIENT: """
        00100020 LO PatientID                                U column
        00100010 PN PatientName                              R column
        00100021 LO IssuerOfPatientID                        O column
        00100030 DA PatientBirthDate                         O column
        00100032 TM PatientBirthTime                         O column
        00100040 CS PatientSex                               O column
        00100024 SQ IssuerOfPatientIDQualifiersSequence      O more
        00100022 CS TypeOfPatientID                          O more
        00101000 LO OtherPatientIDs                          O more
        00101001 PN OtherPatientNames                        O more
        00101002 SQ OtherPatientIDsSequence                  O more
        00102160 SH EthnicGroup                              O more
        00102180 SH Occupation                               O more
        00104000 LT PatientComments                          O more
        00102201 LO PatientSpeciesDescription                O more
        00102292 LO PatientBreedDescription                  O more
        00102297 PN ResponsiblePerson                        O more
        00081120 SQ ReferencedPatientSequence                O more
        00201200 IS NumberOfPatientRelatedStudies            O count
        00201202 IS NumberOfPatientRelatedSeries             O count
        00201204 IS NumberOfPatientRelatedInstances          O count
    """,
    Level.STUDY: """
        0020000D UI StudyInstanceUID                         U column
        00080020 DA StudyDate                                R column
        00080030 TM StudyTime                                R column
        00080050 SH AccessionNumber                          R column
        00200010 SH StudyID                                  R column
        00080090 PN ReferringPhysicianName                   O column
        00081030 LO StudyDescription                         O column
        00080051 SQ IssuerOfAccessionNumberSequence          O more
        00081032 SQ ProcedureCodeSequence                    O more
        00081060 PN NameOfPhysiciansReadingStudy             O more
        00081048 PN PhysiciansOfRecord                       O more
        00081080 LO AdmittingDiagnosesDescription            O more
        00081110 SQ ReferencedStudySequence                  O more
        00101010 AS PatientAge                               O more
        00101020 DS PatientSize                              O more
        00101030 DS PatientWeight                            O more
        001021B0 LT AdditionalPatientHistory                 O more
        00380010 LO AdmissionID                              O more
        00380500 LO PatientState                             O more
        00321032 PN RequestingPhysician                      O more
        00321060 LO RequestedProcedureDescription            O more
        00080201 SH TimezoneOffsetFromUTC                    O more
        00080061 CS ModalitiesInStudy                        O set
        00080062 UI SOPClassesInStudy                        O set
        00201206 IS NumberOfStudyRelatedSeries               O count
        00201208 IS NumberOfStudyRelatedInstances            O count
    """,
    Level.SERIES: """
        0020000E UI SeriesInstanceUID                        U column
        00080060 CS Modality                                 R column
        00200011 IS SeriesNumber                             R column
        0008103E LO SeriesDescription                        O column
        00080021 DA SeriesDate                               O column
        00080031 TM SeriesTime                               O column
        00180015 CS BodyPartExamined                         O column
        00181030 LO ProtocolName                             O column
        00080070 LO Manufacturer                             O column
        00081090 LO ManufacturerModelName                    O column
        00080080 LO InstitutionName                          O column
        00081010 SH StationName                              O column
        00400244 DA PerformedProcedureStepStartDate          O column
        00400245 TM PerformedProcedureStepStartTime          O column
        00200060 CS Laterality                               O more
        00185100 CS PatientPosition                          O more
        00081040 LO InstitutionalDepartmentName              O more
        00081050 PN PerformingPhysicianName                  O more
        00081070 PN OperatorsName                            O more
        00081111 SQ ReferencedPerformedProcedureStepSequence O more
        0008103F SQ SeriesDescriptionCodeSequence            O more
        00181000 LO DeviceSerialNumber                       O more
        00181020 LO SoftwareVersions                         O more
        00400253 SH PerformedProcedureStepID                 O more
        00400254 LO PerformedProcedureStepDescription        O more
        00400260 SQ PerformedProtocolCodeSequence            O more
        00400275 SQ RequestAttributesSequence                O more
        00201209 IS NumberOfSeriesRelatedInstances           O count
    """,
    Level.IMAGE: """
        00080018 UI SOPInstanceUID                           U column
        00200013 IS InstanceNumber                           R column
        00080016 UI SOPClassUID                              O column
        00083002 UI AvailableTransferSyntaxUID               O answer
    """,
}

_ANSWERS = (
    Key(0x00080005, "CS", "SpecificCharacterSet", Level.PATIENT, "O", "answer"),
    Key(0x00080052, "CS", "QueryRetrieveLevel", Level.PATIENT, "O", "answer"),
    Key(0x00080054, "AE", "RetrieveAETitle", Level.PATIENT, "O", "answer"),
    Key(0x00080056, "CS", "InstanceAvailability", Level.PATIENT, "O", "answer"),
)


def _rows() -> tuple[Key, ...]:
    keys = list(_ANSWERS)
    for level, text in _ROWS.items():
        for line in text.split("\n"):
            if line.strip():
                tag, vr, keyword, usage, home = line.split()
                keys.append(Key(int(tag, 16), vr, keyword, level, usage, home))  # type: ignore[arg-type]
    return tuple(keys)


KEYS: tuple[Key, ...] = _rows()
_BY_TAG = {key.tag: key for key in KEYS}
_BY_KEYWORD = {key.keyword: key for key in KEYS}


def lookup(tag: int) -> Key | None:
    """The row of ``tag``; None where no row serves it."""
    return _BY_TAG.get(tag)


def by_keyword(keyword: str) -> Key:
    """The row of a keyword that is known to be here."""
    return _BY_KEYWORD[keyword]


def at(level: Level, *homes: Home) -> tuple[Key, ...]:
    """The rows of one level, of the given homes only where any are given."""
    return tuple(key for key in KEYS if key.level is level and (not homes or key.home in homes))


def serves(level: Level, tag: int) -> Key | None:
    """What serves ``tag`` in a query at ``level``; None where it is not supported there.

    At the IMAGE level any standard attribute outside these rows is served from the header; private ones and pixel
    data are not.
    """
    key = _BY_TAG.get(tag)
    if key is not None:
        return key if key.level <= level else None
    group = tag >> 16
    if level is Level.IMAGE and group % 2 == 0 and 0x0008 <= group < 0x7FE0 and tag & 0xFFFF:
        return Key(tag, "", "", Level.IMAGE, "O", "header")
    return None
