"""The tables of the index, made from the rows of ``query.keys`` (SQLAlchemy Core).

Rules:

- A key with ``home`` column has a column of its name with the value as it was sent. A PN has three more with its
  folded groups (``_a`` alphabetic, ``_i`` ideographic, ``_p`` phonetic) and one with its words and how they sound
  (``_f``, for fuzzy matching), a TM one more that sorts (``_key``); a DA is kept as ``YYYYMMDD``.
- ``more`` holds the level's other attributes as a data set in explicit VR little endian, from the first instance that
  was seen.
- ``header`` of an instance is its data set up to the pixels, deflated with the series' ``header_base`` as dictionary:
  a slice differs from its neighbour in some 100 bytes.
- ``rest`` tells what follows that header: "" nothing, "7FE00010OW" pixel data with its VR and nothing else, NULL what
  only the blob knows: of a header that was too large for the index, or where something follows the pixels.
- ``series_metadata`` is what was made of the headers of a series, packed; whoever changes the series deletes it.
- Nothing has the meaning of two things: foreign keys end in ``_pk``, attributes have their keyword.
- A table that is not made from the blobs has ``info={"kept": True}``: it outlives the building of a new index.
- A change here needs a migration; a test compares the two.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text

from kerma.archive.index import work_tables
from kerma.query import keys
from kerma.query.model import Level

HEAD = "0005"
"""The newest migration."""

metadata = MetaData()


def _columns(level: Level) -> list[Column[Any]]:
    out: list[Column[Any]] = []
    for key in keys.at(level, "column"):
        out.append(Column(key.column, Text, nullable=key.usage != "U" or level is Level.PATIENT))
        if key.vr == "PN":
            out.extend(Column(f"{key.column}_{suffix}", Text) for suffix in "aipf")
        elif key.vr == "TM":
            out.append(Column(f"{key.column}_key", Text))
    return out


def _count(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False, server_default="0")


patient = Table(
    "patient",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("identity", Text, nullable=False, unique=True),
    *_columns(Level.PATIENT),
    _count("studies"),
    Column("more", LargeBinary),
)
study = Table(
    "study",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("patient_pk", Integer, ForeignKey("patient.id"), nullable=False),
    *_columns(Level.STUDY),
    _count("series"),
    _count("instances"),
    Column("more", LargeBinary),
)
series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_pk", Integer, ForeignKey("study.id"), nullable=False),
    *_columns(Level.SERIES),
    _count("instances"),
    Column("more", LargeBinary),
    Column("header_base", LargeBinary, nullable=False),
)
instance = Table(
    "instance",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("series_pk", Integer, ForeignKey("series.id"), nullable=False),
    *_columns(Level.IMAGE),
    Column("transfer_syntax_uid", Text, nullable=False),
    Column("blob", Text, nullable=False),
    Column("dataset_offset", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("checksum", Text, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
    Column("header", LargeBinary),
    Column("rest", Text),
)
series_metadata = Table(
    "series_metadata",
    metadata,
    Column("series_pk", Integer, ForeignKey("series.id"), primary_key=True),
    Column("form", Text, primary_key=True),
    Column("etag", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("crc", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
study_value = Table(
    "study_value",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("study_pk", Integer, ForeignKey("study.id"), primary_key=True),
    sqlite_with_rowid=False,
)
purge = Table("purge", metadata, Column("blob", Text, primary_key=True), info={"kept": True})
quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sop_instance_uid", Text, nullable=False),
    Column("blob", Text, nullable=False, unique=True),
    Column("reason", Text, nullable=False),
    Column("calling_aet", Text, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
    info={"kept": True},
)
state = Table(
    "state",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    info={"kept": True},
)
study_label = Table(
    "study_label",
    metadata,
    Column("study_instance_uid", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    sqlite_with_rowid=False,
    info={"kept": True},
)
work_tables.define(metadata)

Index("patient_patient_id", patient.c.patient_id)
Index("patient_patient_name_a", patient.c.patient_name_a)
Index("patient_patient_name_i", patient.c.patient_name_i, sqlite_where=patient.c.patient_name_i.is_not(None))
Index("patient_patient_name_p", patient.c.patient_name_p, sqlite_where=patient.c.patient_name_p.is_not(None))
Index("patient_patient_birth_date", patient.c.patient_birth_date)
Index("study_study_instance_uid", study.c.study_instance_uid, unique=True)
Index("study_patient_pk", study.c.patient_pk)
Index("study_study_date", study.c.study_date)
Index("study_accession_number", study.c.accession_number)
Index("study_study_id", study.c.study_id)
Index("study_value_study_pk", study_value.c.study_pk)
Index("study_label_label", study_label.c.label)
Index("series_study_pk", series.c.study_pk, series.c.series_instance_uid, unique=True)
Index("series_series_instance_uid", series.c.series_instance_uid)
Index("series_modality", series.c.modality)
Index("instance_sop_instance_uid", instance.c.sop_instance_uid, unique=True)
Index("instance_series_pk", instance.c.series_pk)
Index("instance_blob", instance.c.blob, unique=True)

TABLES: dict[Level, Table] = {Level.PATIENT: patient, Level.STUDY: study, Level.SERIES: series, Level.IMAGE: instance}
PARENT_KEY = {Level.STUDY: "patient_pk", Level.SERIES: "study_pk", Level.IMAGE: "series_pk"}
INDEXED = frozenset(
    (
        "patient_id",
        "patient_name",
        "patient_birth_date",
        "study_instance_uid",
        "study_date",
        "accession_number",
        "study_id",
        "series_instance_uid",
        "modality",
        "sop_instance_uid",
    )
)
"""Columns of keys that an index serves: the plan of a query starts from one of these."""
