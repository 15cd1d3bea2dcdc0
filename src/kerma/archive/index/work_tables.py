"""The tables of work: what is to be done, what is being done, what was done, who wants to hear of it (SQLAlchemy Core).

Rules:

- They are not made from the blobs: ``info={"kept": True}`` keeps them when the index is built anew.
- A row's ``data`` is the data set in explicit VR little endian and UTF-8, whole; the other columns are what a search
  starts from, and what must never be in an answer (the Transaction UID).
- Times are milliseconds since 1970.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text

_KEPT: dict[str, Any] = {"kept": True}


def define(metadata: MetaData) -> None:
    """Put the tables into ``metadata``."""
    _items(metadata)
    _subscriptions(metadata)
    _modality(metadata)
    Table(
        "work_commitment",
        metadata,
        Column("transaction_uid", Text, primary_key=True),
        Column("made_at", BigInteger, nullable=False),
        Column("data", LargeBinary, nullable=False),
        info=_KEPT,
    )


def _items(metadata: MetaData) -> None:
    item = Table(
        "work_item",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("uid", Text, nullable=False, unique=True),
        Column("state", Text, nullable=False),
        Column("transaction_uid", Text),
        Column("patient_id", Text, nullable=False),
        Column("worklist_label", Text, nullable=False),
        Column("changed_at", BigInteger, nullable=False),
        Column("data", LargeBinary, nullable=False),
        info=_KEPT,
    )
    Index("work_item_state", item.c.state)
    Index("work_item_patient_id", item.c.patient_id)
    Table("work_gone", metadata, Column("uid", Text, primary_key=True), info=_KEPT)


def _subscriptions(metadata: MetaData) -> None:
    subscription = Table(
        "work_subscription",
        metadata,
        Column("aet", Text, primary_key=True),
        Column("uid", Text, primary_key=True),
        Column("deletion_lock", Boolean, nullable=False),
        info=_KEPT,
    )
    Index("work_subscription_uid", subscription.c.uid)
    Table(
        "work_global",
        metadata,
        Column("aet", Text, primary_key=True),
        Column("uid", Text, primary_key=True),
        Column("deletion_lock", Boolean, nullable=False),
        Column("keys", LargeBinary),
        info=_KEPT,
    )
    event = Table(
        "work_event",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("aet", Text, nullable=False),
        Column("uid", Text, nullable=False),
        Column("event_type", Integer, nullable=False),
        Column("data", LargeBinary, nullable=False),
        info=_KEPT,
        sqlite_autoincrement=True,
    )
    Index("work_event_aet", event.c.aet)
    Table(
        "work_channel",
        metadata,
        Column("aet", Text, primary_key=True),
        Column("delivered", Integer, nullable=False),
        info=_KEPT,
    )


def _modality(metadata: MetaData) -> None:
    step = Table(
        "work_scheduled",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("study_instance_uid", Text, nullable=False),
        Column("step_id", Text, nullable=False),
        Column("patient_id", Text, nullable=False),
        Column("accession_number", Text, nullable=False),
        Column("modality", Text, nullable=False),
        Column("start_date", Text, nullable=False),
        Column("data", LargeBinary, nullable=False),
        info=_KEPT,
    )
    Index("work_scheduled_step", step.c.study_instance_uid, step.c.step_id, unique=True)
    Index("work_scheduled_start_date", step.c.start_date)
    Index("work_scheduled_patient_id", step.c.patient_id)
    Table(
        "work_performed",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("uid", Text, nullable=False, unique=True),
        Column("state", Text, nullable=False),
        Column("changed_at", BigInteger, nullable=False),
        Column("data", LargeBinary, nullable=False),
        info=_KEPT,
    )
