"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Forward only: an older Kerma refuses the index, and reindex rebuilds it."""
    ${upgrades if upgrades else "pass"}
