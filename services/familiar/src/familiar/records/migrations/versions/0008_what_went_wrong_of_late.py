"""What went wrong of late, each kind once"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recent_errors",
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("part", sa.String(32), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
    )
    op.create_index("ix_recent_errors_last_at", "recent_errors", ["last_at"])


def downgrade() -> None:
    op.drop_index("ix_recent_errors_last_at", table_name="recent_errors")
    op.drop_table("recent_errors")
