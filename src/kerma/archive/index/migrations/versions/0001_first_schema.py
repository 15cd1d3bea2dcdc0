"""The first schema: patients, studies, series, instances, and what the archive keeps of itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Forward only: an older Kerma refuses the index, and reindex rebuilds it."""
    _patient()
    _purge()
    _quarantine()
    _state()
    _study()
    _series()
    _study_value()
    _instance()


def _patient() -> None:
    op.create_table(
        "patient",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("identity", sa.Text(), nullable=False, unique=True),
        sa.Column("patient_id", sa.Text()),
        sa.Column("patient_name", sa.Text()),
        sa.Column("patient_name_a", sa.Text()),
        sa.Column("patient_name_i", sa.Text()),
        sa.Column("patient_name_p", sa.Text()),
        sa.Column("issuer_of_patient_id", sa.Text()),
        sa.Column("patient_birth_date", sa.Text()),
        sa.Column("patient_birth_time", sa.Text()),
        sa.Column("patient_birth_time_key", sa.Text()),
        sa.Column("patient_sex", sa.Text()),
        sa.Column("studies", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("more", sa.LargeBinary()),
    )
    op.create_index("patient_patient_birth_date", "patient", ["patient_birth_date"])
    op.create_index("patient_patient_id", "patient", ["patient_id"])
    op.create_index("patient_patient_name_a", "patient", ["patient_name_a"])
    op.create_index(
        "patient_patient_name_i", "patient", ["patient_name_i"], sqlite_where=sa.text("patient_name_i IS NOT NULL")
    )
    op.create_index(
        "patient_patient_name_p", "patient", ["patient_name_p"], sqlite_where=sa.text("patient_name_p IS NOT NULL")
    )


def _purge() -> None:
    op.create_table(
        "purge",
        sa.Column("blob", sa.Text(), primary_key=True),
    )


def _quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("sop_instance_uid", sa.Text(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=False, unique=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("calling_aet", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
    )


def _state() -> None:
    op.create_table(
        "state",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )


def _study() -> None:
    op.create_table(
        "study",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("patient_pk", sa.Integer(), sa.ForeignKey("patient.id"), nullable=False),
        sa.Column("study_instance_uid", sa.Text(), nullable=False),
        sa.Column("study_date", sa.Text()),
        sa.Column("study_time", sa.Text()),
        sa.Column("study_time_key", sa.Text()),
        sa.Column("accession_number", sa.Text()),
        sa.Column("study_id", sa.Text()),
        sa.Column("referring_physician_name", sa.Text()),
        sa.Column("referring_physician_name_a", sa.Text()),
        sa.Column("referring_physician_name_i", sa.Text()),
        sa.Column("referring_physician_name_p", sa.Text()),
        sa.Column("study_description", sa.Text()),
        sa.Column("series", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("instances", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("more", sa.LargeBinary()),
    )
    op.create_index("study_accession_number", "study", ["accession_number"])
    op.create_index("study_patient_pk", "study", ["patient_pk"])
    op.create_index("study_study_date", "study", ["study_date"])
    op.create_index("study_study_id", "study", ["study_id"])
    op.create_index("study_study_instance_uid", "study", ["study_instance_uid"], unique=True)


def _series() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("study_pk", sa.Integer(), sa.ForeignKey("study.id"), nullable=False),
        sa.Column("series_instance_uid", sa.Text(), nullable=False),
        sa.Column("modality", sa.Text()),
        sa.Column("series_number", sa.Text()),
        sa.Column("series_description", sa.Text()),
        sa.Column("series_date", sa.Text()),
        sa.Column("series_time", sa.Text()),
        sa.Column("series_time_key", sa.Text()),
        sa.Column("body_part_examined", sa.Text()),
        sa.Column("protocol_name", sa.Text()),
        sa.Column("manufacturer", sa.Text()),
        sa.Column("manufacturer_model_name", sa.Text()),
        sa.Column("institution_name", sa.Text()),
        sa.Column("station_name", sa.Text()),
        sa.Column("performed_procedure_step_start_date", sa.Text()),
        sa.Column("performed_procedure_step_start_time", sa.Text()),
        sa.Column("performed_procedure_step_start_time_key", sa.Text()),
        sa.Column("instances", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("more", sa.LargeBinary()),
        sa.Column("header_base", sa.LargeBinary(), nullable=False),
    )
    op.create_index("series_modality", "series", ["modality"])
    op.create_index("series_series_instance_uid", "series", ["series_instance_uid"])
    op.create_index("series_study_pk", "series", ["study_pk", "series_instance_uid"], unique=True)


def _study_value() -> None:
    op.create_table(
        "study_value",
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("value", sa.Text(), primary_key=True),
        sa.Column("study_pk", sa.Integer(), sa.ForeignKey("study.id"), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("study_value_study_pk", "study_value", ["study_pk"])


def _instance() -> None:
    op.create_table(
        "instance",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("series_pk", sa.Integer(), sa.ForeignKey("series.id"), nullable=False),
        sa.Column("sop_instance_uid", sa.Text(), nullable=False),
        sa.Column("instance_number", sa.Text()),
        sa.Column("sop_class_uid", sa.Text()),
        sa.Column("transfer_syntax_uid", sa.Text(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("dataset_offset", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.Column("header", sa.LargeBinary()),
    )
    op.create_index("instance_blob", "instance", ["blob"], unique=True)
    op.create_index("instance_series_pk", "instance", ["series_pk"])
    op.create_index("instance_sop_instance_uid", "instance", ["sop_instance_uid"], unique=True)
