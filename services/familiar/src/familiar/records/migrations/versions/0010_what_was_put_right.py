"""What was put right, and whose samples were before"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("samples", sa.Column("set_aside", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "corrections",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=True),
        sa.Column("to_person_id", sa.String(32), nullable=True),
        sa.Column("enrollment_id", sa.String(32), nullable=True),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(32), nullable=True),
        sa.Column("address", sa.String(64), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("undoable_until", sa.Double(), nullable=False),
        sa.Column("undone_at", sa.Double(), nullable=True),
        sa.Column("undone_by", sa.String(32), nullable=True),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    for column in ("person_id", "to_person_id"):
        op.create_index(f"ix_corrections_{column}", "corrections", [column])
    op.create_table(
        "former_owners",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sample_id", sa.String(32), nullable=False),
        sa.Column("correction_id", sa.String(32), nullable=True),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("enrollment_id", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("first_version", sa.Integer(), nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["sample_id"], ["samples.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("sample_id", "correction_id", "enrollment_id"):
        op.create_index(f"ix_former_owners_{column}", "former_owners", [column])


def downgrade() -> None:
    for column in ("enrollment_id", "correction_id", "sample_id"):
        op.drop_index(f"ix_former_owners_{column}", table_name="former_owners")
    op.drop_table("former_owners")
    for column in ("to_person_id", "person_id"):
        op.drop_index(f"ix_corrections_{column}", table_name="corrections")
    op.drop_table("corrections")
    for table, column in (("embeddings", "sample_id"), ("samples", "id")):  # they would be somebody's again
        op.execute(f"DELETE FROM {table} WHERE {column} IN (SELECT id FROM samples WHERE set_aside)")
    op.drop_column("samples", "set_aside")
