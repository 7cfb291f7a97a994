"""What a person agreed to before being enrolled"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("enrollments", sa.Column("consent", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("enrollments", "consent")
