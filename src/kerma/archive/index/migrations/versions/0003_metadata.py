"""Metadata of series, kept; what follows the header of an instance."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("instance", sa.Column("rest", sa.Text()))
    op.create_table(
        "series_metadata",
        sa.Column("series_pk", sa.Integer(), sa.ForeignKey("series.id"), primary_key=True),
        sa.Column("form", sa.Text(), primary_key=True),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("crc", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
