"""Jobs that sort photos, the files and pictures they looked at, and the faces they found"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "photo_jobs",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("uploaded", sa.Boolean(), nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("found", sa.Integer(), nullable=True),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("written", sa.JSON(), nullable=True),
        sa.Column("error_code", sa.String(32), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("owner", sa.String(100), nullable=True),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.Column("next_path", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_photo_jobs_stage", "photo_jobs", ["stage"])
    op.create_table(
        "photo_files",
        sa.Column("job_id", sa.String(32), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=True),
        sa.Column("code", sa.String(32), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["photo_jobs.id"]),
        sa.PrimaryKeyConstraint("job_id", "path"),
    )
    op.create_index("ix_photo_files_digest", "photo_files", ["job_id", "digest"])
    op.create_table(
        "photos",
        sa.Column("job_id", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("orientation", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["photo_jobs.id"]),
        sa.PrimaryKeyConstraint("job_id", "digest"),
    )
    op.create_table(
        "photo_faces",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("job_id", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("box", sa.JSON(), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=True),
        sa.Column("enrollment_id", sa.String(32), nullable=True),
        sa.Column("said", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("stranger_id", sa.String(32), nullable=True),
        sa.Column("backbone_version", sa.Integer(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("crop", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["photo_jobs.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id", "digest", "place"),
    )
    op.create_index("ix_photo_faces_person", "photo_faces", ["person_id", "job_id"])
    op.create_index("ix_photo_faces_stranger", "photo_faces", ["job_id", "stranger_id"])


def downgrade() -> None:
    for table in ("photo_faces", "photos", "photo_files", "photo_jobs"):
        op.drop_table(table)
