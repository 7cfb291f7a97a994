"""What others are told: visits, events, and how far each destination is"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "visits",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("camera", sa.Text(), nullable=True),
        sa.Column("person_id", sa.String(32), nullable=True),
        sa.Column("sighting_id", sa.String(32), nullable=True),
        sa.Column("begun_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.Column("noted_at", sa.Double(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("announced", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("person_id", "last_at", "noted_at"):
        op.create_index(f"ix_visits_{column}", "visits", [column])
    op.create_index("ix_visits_camera_last", "visits", ["camera", "last_at"])
    op.create_table(
        "events",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("written_at", sa.Double(), nullable=False),
        sa.Column("camera", sa.Text(), nullable=True),
        sa.Column("person_id", sa.String(32), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("visit_id", sa.String(32), nullable=True),
        sa.Column("sighting_id", sa.String(32), nullable=True),
        sa.Column("head_version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,  # the number of one that was deleted must not be given to another
    )
    for column in ("at", "written_at", "person_id"):
        op.create_index(f"ix_events_{column}", "events", [column])
    op.create_table(
        "destinations",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(100), nullable=True),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("touched_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "destinations_ahead",
        sa.Column("destination", sa.String(40), nullable=False),
        sa.Column("camera", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "camera"),
    )
    op.create_table(
        "retained_events",
        sa.Column("destination", sa.String(40), nullable=False),
        sa.Column("topic", sa.String(300), nullable=False),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("destination", "topic"),
    )


def downgrade() -> None:
    op.drop_table("retained_events")
    op.drop_table("destinations_ahead")
    op.drop_table("destinations")
    for column in ("person_id", "written_at", "at"):
        op.drop_index(f"ix_events_{column}", table_name="events")
    op.drop_table("events")
    op.drop_index("ix_visits_camera_last", table_name="visits")
    for column in ("noted_at", "last_at", "person_id"):
        op.drop_index(f"ix_visits_{column}", table_name="visits")
    op.drop_table("visits")
