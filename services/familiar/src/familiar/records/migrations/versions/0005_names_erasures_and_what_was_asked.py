"""One person of each name by a constraint; what a key was used for; heads made of what was deleted since"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_PEOPLE = sa.table(
    "people",
    sa.column("id", sa.String()),
    sa.column("name", sa.Text()),
    sa.column("created_at", sa.Double()),
    sa.column("name_key", sa.Text()),
    sa.column("shares_name", sa.Boolean()),
    sa.column("enrolled", sa.Boolean()),
)
_ENROLLMENTS = sa.table("enrollments", sa.column("person_id", sa.String()), sa.column("status", sa.String()))
_HEADS = sa.table(
    "head_versions",
    sa.column("version", sa.Integer()),
    sa.column("status", sa.String()),
    sa.column("person_ids", sa.JSON()),
    sa.column("weights", sa.LargeBinary()),
)
_ERASURES = sa.table("erasures", sa.column("id", sa.String()))
_ONE_OF_A_NAME = "enrolled AND NOT shares_name"


def upgrade() -> None:
    op.add_column("enrollments", sa.Column("request_digest", sa.String(64), nullable=True))
    _names()
    _erasures()
    # A head that never served is no good for a rollback; its report stays.
    never_served = _HEADS.c.status.in_(("rejected", "failed", "abandoned"))
    op.get_bind().execute(sa.update(_HEADS).where(never_served).values(weights=None))


def downgrade() -> None:
    op.drop_table("tainted_versions")
    op.drop_column("erasures", "in_heads")
    op.execute("ALTER TABLE erasures RENAME COLUMN id TO person_id")
    op.drop_index("ix_people_one_of_a_name", table_name="people")
    op.drop_index("ix_people_name_key", table_name="people")
    for column in ("enrolled", "shares_name", "name_key"):
        op.drop_column("people", column)
    op.drop_column("enrollments", "request_digest")


def _names() -> None:
    op.add_column("people", sa.Column("name_key", sa.Text(), nullable=False, server_default=""))
    for column in ("shares_name", "enrolled"):
        op.add_column("people", sa.Column(column, sa.Boolean(), nullable=False, server_default=sa.false()))
    connection = op.get_bind()
    closed = sa.select(_ENROLLMENTS.c.person_id).where(_ENROLLMENTS.c.status.not_in(("open", "capturing")))
    enrolled = set(connection.scalars(closed))
    taken: set[str] = set()
    for person_id, name in connection.execute(
        sa.select(_PEOPLE.c.id, _PEOPLE.c.name).order_by(_PEOPLE.c.created_at, _PEOPLE.c.id)
    ).all():
        key = _key(name)
        # Of those who bear one name already, meant or not, the first one counts; the others share it.
        known = person_id in enrolled
        values = {"name_key": key, "enrolled": known, "shares_name": known and key in taken}
        if known:
            taken.add(key)
        connection.execute(sa.update(_PEOPLE).where(_PEOPLE.c.id == person_id).values(**values))
    op.create_index("ix_people_name_key", "people", ["name_key"])
    op.create_index(
        "ix_people_one_of_a_name",
        "people",
        ["name_key"],
        unique=True,
        sqlite_where=sa.text(_ONE_OF_A_NAME),
        postgresql_where=sa.text(_ONE_OF_A_NAME),
    )


def _erasures() -> None:
    op.execute("ALTER TABLE erasures RENAME COLUMN person_id TO id")
    op.add_column("erasures", sa.Column("in_heads", sa.Boolean(), nullable=False, server_default=sa.true()))
    tainted = op.create_table(
        "tainted_versions",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    connection = op.get_bind()
    erased = set(connection.scalars(sa.select(_ERASURES.c.id)))
    if erased:
        held = [
            {"version": version}
            for version, person_ids in connection.execute(sa.select(_HEADS.c.version, _HEADS.c.person_ids)).all()
            if erased.intersection(person_ids)
        ]
        op.bulk_insert(tainted, held)


def _key(name: str) -> str:
    """Return what ``familiar.records.person`` makes of names that were clean before it knew what nobody sees."""
    from familiar.errors import InvalidInput
    from familiar.records.person import clean_name, name_key

    try:
        return name_key(clean_name(name))
    except InvalidInput:
        return unicodedata.normalize("NFC", name)
