"""Of an enrolment that failed: the other person from whom its own cannot be told"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("enrollments", sa.Column("alike_person_id", sa.String(32), nullable=True))


def downgrade() -> None:
    op.drop_column("enrollments", "alike_person_id")
