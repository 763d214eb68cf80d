"""Series of ticks, what was downloaded, and the names of keys"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _user() -> sa.Column[str]:
    return sa.Column("user_id", sa.String(), server_default="default", nullable=False)


def upgrade() -> None:
    op.create_table(
        "tick_coverage",
        _user(),
        sa.Column("instrument_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("to_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name=op.f("fk_tick_coverage_instrument_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tick_coverage_user_id")),
        sa.UniqueConstraint(
            "user_id", "instrument_id", "kind", name=op.f("uq_tick_coverage_user_id_instrument_id_kind")
        ),
    )
    op.create_table(
        "download_spans",
        _user(),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("from_day", sa.String(), nullable=False),
        sa.Column("to_day", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_download_spans_user_id")),
        sa.UniqueConstraint(
            "user_id", "provider", "series", "from_day", name=op.f("uq_download_spans_user_id_provider_series_from_day")
        ),
    )
    op.create_table(
        "keys",
        _user(),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_keys_user_id")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_keys_user_id_name")),
    )


def downgrade() -> None:
    op.drop_table("keys")
    op.drop_table("download_spans")
    op.drop_table("tick_coverage")
