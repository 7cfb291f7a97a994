"""The first tables"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backbone_versions",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("meta", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "erasures",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("person_id"),
    )
    issued = op.create_table(
        "issued_versions",
        sa.Column("servable", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("servable"),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_people_name"), "people", ["name"], unique=False)
    op.create_table(
        "trainings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("backbone_version", sa.Integer(), nullable=True),
        sa.Column("source_version", sa.Integer(), nullable=True),
        sa.Column("head_version", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.String(length=32), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=100), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_trainings_stage"), "trainings", ["stage"], unique=False)
    op.create_table(
        "enrollments",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=True),
        sa.Column("training_id", sa.String(length=32), nullable=True),
        sa.Column("head_version", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.String(length=32), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
        ),
        sa.ForeignKeyConstraint(
            ["training_id"],
            ["trainings.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("idempotency_key"),
    )
    op.create_index(op.f("ix_enrollments_person_id"), "enrollments", ["person_id"], unique=False)
    op.create_index(op.f("ix_enrollments_status"), "enrollments", ["status"], unique=False)
    op.create_index(op.f("ix_enrollments_training_id"), "enrollments", ["training_id"], unique=False)
    op.create_table(
        "head_versions",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("training_id", sa.String(length=32), nullable=True),
        sa.Column("backbone_version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("meta", sa.JSON(), nullable=False),
        sa.Column("person_ids", sa.JSON(), nullable=False),
        sa.Column("weights", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("live_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["training_id"],
            ["trainings.id"],
        ),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_index(op.f("ix_head_versions_status"), "head_versions", ["status"], unique=False)
    op.create_index(op.f("ix_head_versions_training_id"), "head_versions", ["training_id"], unique=False)
    op.create_table(
        "frames",
        sa.Column("enrollment_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrollment_id"],
            ["enrollments.id"],
        ),
        sa.PrimaryKeyConstraint("enrollment_id", "position"),
        sa.UniqueConstraint("enrollment_id", "digest"),
    )
    op.create_table(
        "samples",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("enrollment_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("captured_at", sa.Double(), nullable=False),
        sa.Column("detector", sa.String(length=32), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("crop", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["enrollment_id"],
            ["enrollments.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("enrollment_id", "position"),
    )
    op.create_index(op.f("ix_samples_person_id"), "samples", ["person_id"], unique=False)
    op.create_index("ix_samples_person_time", "samples", ["person_id", "captured_at"], unique=False)
    op.create_table(
        "embeddings",
        sa.Column("sample_id", sa.String(length=32), nullable=False),
        sa.Column("backbone_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["sample_id"], ["samples.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sample_id", "backbone_version"),
    )
    op.bulk_insert(issued, [{"servable": "backbone", "version": 0}, {"servable": "head", "version": 0}])


def downgrade() -> None:
    op.drop_table("embeddings")
    op.drop_index("ix_samples_person_time", table_name="samples")
    op.drop_index(op.f("ix_samples_person_id"), table_name="samples")
    op.drop_table("samples")
    op.drop_table("frames")
    op.drop_index(op.f("ix_head_versions_training_id"), table_name="head_versions")
    op.drop_index(op.f("ix_head_versions_status"), table_name="head_versions")
    op.drop_table("head_versions")
    op.drop_index(op.f("ix_enrollments_training_id"), table_name="enrollments")
    op.drop_index(op.f("ix_enrollments_status"), table_name="enrollments")
    op.drop_index(op.f("ix_enrollments_person_id"), table_name="enrollments")
    op.drop_table("enrollments")
    op.drop_index(op.f("ix_trainings_stage"), table_name="trainings")
    op.drop_table("trainings")
    op.drop_index(op.f("ix_people_name"), table_name="people")
    op.drop_table("people")
    op.drop_table("issued_versions")
    op.drop_table("erasures")
    op.drop_table("backbone_versions")
