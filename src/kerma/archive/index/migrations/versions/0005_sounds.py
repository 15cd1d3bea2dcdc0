"""Person names by words and sounds, for fuzzy matching."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kerma.query.normal import sounding

revision = "0005"
down_revision = "0004"

_BATCH = 1000


def upgrade() -> None:
    for table, column in (("patient", "patient_name"), ("study", "referring_physician_name")):
        op.add_column(table, sa.Column(f"{column}_f", sa.Text()))
        _fill(sa.table(table, sa.column("id"), sa.column(column), sa.column(f"{column}_f")), column)


def _fill(table: sa.TableClause, column: str) -> None:
    connection = op.get_bind()
    last = 0
    while True:
        rows = connection.execute(
            sa.select(table.c.id, table.c[column]).where(table.c.id > last).order_by(table.c.id).limit(_BATCH)
        ).all()
        if not rows:
            return
        last = rows[-1][0]
        values = [{"row": number, "form": sounding(name)} for number, name in rows if name]
        if values:
            connection.execute(
                sa.update(table).where(table.c.id == sa.bindparam("row")).values({f"{column}_f": sa.bindparam("form")}),
                values,
            )
