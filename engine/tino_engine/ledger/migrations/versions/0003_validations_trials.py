"""Validations, and the count of trials"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _user() -> sa.Column[str]:
    return sa.Column("user_id", sa.String(), server_default="default", nullable=False)


def upgrade() -> None:
    op.create_table(
        "validations",
        sa.Column("id", sa.String(), nullable=False),
        _user(),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_validations_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_validations")),
    )
    op.create_index(op.f("ix_validations_user_id_path_name_id"), "validations", ["user_id", "path", "name", "id"])
    op.create_index(op.f("ix_validations_status"), "validations", ["status"])
    op.create_table(
        "trials",
        _user(),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("data", sa.String(), nullable=False),
        sa.Column("spec", sa.String(), nullable=False),
        sa.Column("sharpe", sa.Float(), nullable=True),
        sa.Column("tried_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_trials_user_id")),
        sa.UniqueConstraint(
            "user_id", "path", "name", "data", "spec", name=op.f("uq_trials_user_id_path_name_data_spec")
        ),
    )


def downgrade() -> None:
    op.drop_table("trials")
    op.drop_table("validations")
