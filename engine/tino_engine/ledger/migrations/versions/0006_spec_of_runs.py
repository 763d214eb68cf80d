"""Runs are found by their spec"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("backtest_results", schema=None) as batch_op:
        batch_op.add_column(sa.Column("spec_hash", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("spec", sa.JSON(), nullable=True))
        batch_op.create_index(batch_op.f("ix_backtest_results_spec_hash"), ["spec_hash"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("backtest_results", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_backtest_results_spec_hash"))
        batch_op.drop_column("spec")
        batch_op.drop_column("spec_hash")
