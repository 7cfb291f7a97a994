"""What somebody said of whom faces were taken for, and what is learned from use"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_IN_FORCE = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.add_column("samples", sa.Column("origin", sa.String(32), nullable=False, server_default="human"))
    op.add_column("samples", sa.Column("learned_on", sa.Integer(), nullable=True))
    op.create_table(
        "quarantine",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("sighting_id", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("named_id", sa.String(32), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("agreeing", sa.Integer(), nullable=False),
        sa.Column("disagreeing", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("captured_at", sa.Double(), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("crop", sa.LargeBinary(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("backbone_version", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("proposed", sa.Boolean(), nullable=False),
        sa.Column("standing", sa.String(32), nullable=False),
        sa.Column("sample_id", sa.String(32), nullable=True),
        sa.Column("learned_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sighting_id", "position"),
    )
    for column in ("named_id", "created_at", "sample_id"):
        op.create_index(f"ix_quarantine_{column}", "quarantine", [column])
    op.create_table(
        "feedback",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("face_id", sa.String(32), nullable=True),
        sa.Column("sighting_id", sa.String(32), nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("named_id", sa.String(32), nullable=True),
        sa.Column("person_id", sa.String(32), nullable=True),
        sa.Column("was_id", sa.String(32), nullable=True),
        sa.Column("key_id", sa.String(32), nullable=True),
        sa.Column("address", sa.String(64), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("ended_by", sa.String(32), nullable=True),
        sa.Column("replaced", sa.Boolean(), nullable=False),
        sa.Column("conflict", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    for column in ("face_id", "named_id", "person_id"):
        op.create_index(f"ix_feedback_{column}", "feedback", [column])
    op.create_index(
        "ix_feedback_one_in_force", "feedback", ["face_id"], unique=True,
        sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_feedback_one_in_force", table_name="feedback")
    for column in ("person_id", "named_id", "face_id"):
        op.drop_index(f"ix_feedback_{column}", table_name="feedback")
    op.drop_table("feedback")
    for column in ("sample_id", "created_at", "named_id"):
        op.drop_index(f"ix_quarantine_{column}", table_name="quarantine")
    op.drop_table("quarantine")
    op.drop_column("samples", "learned_on")
    op.drop_column("samples", "origin")
