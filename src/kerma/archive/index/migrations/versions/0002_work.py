"""Work: procedure steps, subscriptions and their events, the modality worklist, commitments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _items()
    _subscriptions()
    _modality()
    op.create_table(
        "work_commitment",
        sa.Column("transaction_uid", sa.Text(), primary_key=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )


def _items() -> None:
    op.create_table(
        "work_item",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("uid", sa.Text(), nullable=False, unique=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("transaction_uid", sa.Text()),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("worklist_label", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    op.create_index("work_item_state", "work_item", ["state"])
    op.create_index("work_item_patient_id", "work_item", ["patient_id"])
    op.create_table("work_gone", sa.Column("uid", sa.Text(), primary_key=True))


def _subscriptions() -> None:
    op.create_table(
        "work_subscription",
        sa.Column("aet", sa.Text(), primary_key=True),
        sa.Column("uid", sa.Text(), primary_key=True),
        sa.Column("deletion_lock", sa.Boolean(), nullable=False),
    )
    op.create_index("work_subscription_uid", "work_subscription", ["uid"])
    op.create_table(
        "work_global",
        sa.Column("aet", sa.Text(), primary_key=True),
        sa.Column("uid", sa.Text(), primary_key=True),
        sa.Column("deletion_lock", sa.Boolean(), nullable=False),
        sa.Column("keys", sa.LargeBinary()),
    )
    op.create_table(
        "work_event",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("aet", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("work_event_aet", "work_event", ["aet"])
    op.create_table(
        "work_channel",
        sa.Column("aet", sa.Text(), primary_key=True),
        sa.Column("delivered", sa.Integer(), nullable=False),
    )


def _modality() -> None:
    op.create_table(
        "work_scheduled",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("study_instance_uid", sa.Text(), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("accession_number", sa.Text(), nullable=False),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("start_date", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    op.create_index("work_scheduled_step", "work_scheduled", ["study_instance_uid", "step_id"], unique=True)
    op.create_index("work_scheduled_start_date", "work_scheduled", ["start_date"])
    op.create_index("work_scheduled_patient_id", "work_scheduled", ["patient_id"])
    op.create_table(
        "work_performed",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("uid", sa.Text(), nullable=False, unique=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
