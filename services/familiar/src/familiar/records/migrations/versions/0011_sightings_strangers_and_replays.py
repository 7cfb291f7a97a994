"""Sightings and their crops, the strangers they are grouped to, and replays"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_INDICES = {
    "strangers": (("ended_at",),),
    "stranger_changes": (("at",), ("stranger_id",), ("other_id",)),
    "sightings": (("kept_at",), ("stranger_id",)),
    "sighting_crops": (("request_id",),),
    "sighted_faces": (("request_id",),),
    "replays": (("stage",),),
}
_JOINT = {
    "ix_sightings_time": ["captured_at", "id"],
    "ix_sightings_person_time": ["person_id", "captured_at", "id"],
    "ix_sightings_camera_time": ["camera", "last_at"],
}


def upgrade() -> None:
    op.create_table(
        "strangers",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("into_id", sa.String(32), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "stranger_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("stranger_id", sa.String(32), nullable=False),
        sa.Column("other_id", sa.String(32), nullable=False),
        sa.Column("sightings", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "sightings",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("captured_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.Column("kept_at", sa.Double(), nullable=False),
        sa.Column("camera", sa.Text(), nullable=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=True),
        sa.Column("named_at", sa.Double(), nullable=True),
        sa.Column("enrollment_id", sa.String(32), nullable=True),
        sa.Column("stranger_id", sa.String(32), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("candidates", sa.JSON(), nullable=False),
        sa.Column("head_version", sa.Integer(), nullable=False),
        sa.Column("backbone_version", sa.Integer(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("agreeing", sa.Integer(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.ForeignKeyConstraint(["stranger_id"], ["strangers.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "sighting_crops",
        sa.Column("sighting_id", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("captured_at", sa.Double(), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("face", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("box", sa.JSON(), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("crop", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["sighting_id"], ["sightings.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sighting_id", "position"),
    )
    op.create_table(
        "sighted_faces",
        sa.Column("sighting_id", sa.String(32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("face", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["sighting_id"], ["sightings.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sighting_id", "place"),
    )
    op.create_table(
        "replays",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("error_code", sa.String(32), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    for table, indices in _INDICES.items():
        for columns in indices:
            op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
    for name, columns in _JOINT.items():
        op.create_index(name, "sightings", columns)


def downgrade() -> None:
    for table in ("replays", "sighted_faces", "sighting_crops", "sightings", "stranger_changes", "strangers"):
        op.drop_table(table)
