"""Quality of data, and fundamentals"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "data_quality",
        sa.Column("bar_type", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), server_default="default", nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_data_quality_user_id")),
        sa.PrimaryKeyConstraint("bar_type", name=op.f("pk_data_quality")),
    )
    op.create_table(
        "fundamentals",
        sa.Column("user_id", sa.String(), server_default="default", nullable=False),
        sa.Column("instrument_id", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("period_end", sa.String(), nullable=False),
        sa.Column("known_on", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_fundamentals_user_id")),
        sa.UniqueConstraint(
            "user_id",
            "instrument_id",
            "field",
            "period_end",
            "known_on",
            name=op.f("uq_fundamentals_user_id_instrument_id_field_period_end_known_on"),
        ),
    )


def downgrade() -> None:
    op.drop_table("fundamentals")
    op.drop_table("data_quality")
