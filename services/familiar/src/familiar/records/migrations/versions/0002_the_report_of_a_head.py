"""The report of a head by person, until now among the metrics that each servable carries"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_HEADS = sa.table(
    "head_versions",
    sa.column("version", sa.Integer()),
    sa.column("meta", sa.JSON()),
    sa.column("report", sa.JSON()),
)


def upgrade() -> None:
    op.add_column("head_versions", sa.Column("report", sa.JSON(), nullable=True))
    connection = op.get_bind()
    # One at a time: with many people a row is megabytes.
    for version in connection.scalars(sa.select(_HEADS.c.version)).all():
        head = _HEADS.c.version == version
        meta = connection.scalars(sa.select(_HEADS.c.meta).where(head)).one()
        people = (meta.get("metrics") or {}).pop("people", None)
        if people is not None:
            report = {person_id: _entry(told) for person_id, told in people.items()}
            meta["metrics"]["dropped"] = sum(len(entry["dropped"]) for entry in report.values())
            connection.execute(sa.update(_HEADS).where(head).values(meta=meta, report=report))


def downgrade() -> None:
    op.drop_column("head_versions", "report")


def _entry(told: dict) -> dict:
    # Positions among a person's samples were kept, of which nobody knows any more which samples they were.
    dropped = [{"sample": None, "reason": "like_strangers"} for _ in told["dropped"]]
    return {**told, "dropped": dropped, "weakest": None}
