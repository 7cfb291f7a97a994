"""Who opened an enrolment; and lines of the audit that are old enough may be deleted"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_LEAST_KEPT_S = 30 * 86_400


def upgrade() -> None:
    op.add_column("enrollments", sa.Column("opened_by", sa.String(32), nullable=True))
    op.create_index("ix_audit_at", "audit", ["at"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_no_delete")
        op.execute(
            "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit "
            f"WHEN OLD.at > (julianday('now') - 2440587.5) * 86400 - {_LEAST_KEPT_S} "
            "BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END"
        )
    else:
        op.execute("DROP TRIGGER audit_no_change ON audit")
        op.execute(_statement_trigger("UPDATE OR TRUNCATE"))
        op.execute(
            "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW "
            f"WHEN (OLD.at > extract(epoch FROM clock_timestamp()) - {_LEAST_KEPT_S}) "
            "EXECUTE FUNCTION refuse_to_change_the_audit()"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_no_delete")
        op.execute(
            "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END"
        )
    else:
        op.execute("DROP TRIGGER audit_no_delete ON audit")
        op.execute("DROP TRIGGER audit_no_change ON audit")
        op.execute(_statement_trigger("UPDATE OR DELETE OR TRUNCATE"))
    op.drop_index("ix_audit_at", table_name="audit")
    op.drop_column("enrollments", "opened_by")


def _statement_trigger(changes: str) -> str:
    return (
        f"CREATE TRIGGER audit_no_change BEFORE {changes} ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_audit()"
    )
