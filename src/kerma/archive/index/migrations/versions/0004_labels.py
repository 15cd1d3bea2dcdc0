"""Labels of studies, which grants refer to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "study_label",
        sa.Column("study_instance_uid", sa.Text(), primary_key=True),
        sa.Column("label", sa.Text(), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("study_label_label", "study_label", ["label"])
