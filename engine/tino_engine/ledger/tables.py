"""Every table of the database. Names of columns are the contracts' names in snake_case.

All tables carry `user_id`; one user, `default`, exists from the first migration on. Instants are whole milliseconds
since the epoch. JSON columns hold contract shapes as they go on the wire, so that what is stored is what is sent.
A change here needs a migration in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

DEFAULT_USER = "default"
"""The one user of a personal installation."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _user() -> Column[str]:
    return Column("user_id", String, ForeignKey("users.id"), nullable=False, server_default=DEFAULT_USER)


users = Table(
    "users",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

settings = Table(
    "settings",
    metadata,
    _user(),
    Column("key", String, nullable=False),
    Column("value", JSON, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("user_id", "key"),
)

events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    _user(),
    Column("type", String, nullable=False),
    Column("source", String, nullable=False),
    Column("source_event_id", String, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("ingested_at", BigInteger, nullable=False),
    Column("payload", JSON, nullable=False),
    UniqueConstraint("source", "source_event_id"),
    Index(None, "type", "seq"),
    sqlite_autoincrement=True,
)
"""The ledger: append-only. `(source, source_event_id)` makes taking in the same event twice harmless."""

poison_messages = Table(
    "poison_messages",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _user(),
    Column("received_at", BigInteger, nullable=False),
    Column("description", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", Text, nullable=False),
)
"""Writes that the database refused for their content; kept so that they can be looked at."""

strategy_configs = Table(
    "strategy_configs",
    metadata,
    Column("id", String, primary_key=True),
    _user(),
    Column("name", String, nullable=False),
    Column("path", String, nullable=False),
    Column("class_name", String, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("user_id", "name"),
)

backtest_results = Table(
    "backtest_results",
    metadata,
    Column("id", String, primary_key=True),
    _user(),
    Column("status", String, nullable=False),
    Column("path", String, nullable=False),
    Column("name", String, nullable=False),
    Column("request", JSON, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("spec_hash", String),
    Column("spec", JSON),
    Index(None, "user_id", "path", "name", "id"),
    Index(None, "status"),
    Index(None, "spec_hash"),
)
"""One row a run. `request` is the `BacktestRequest`, `summary` the `RunSummary` as lists show it, `spec` what `backtest.reproduction` records."""

trade_history = Table(
    "trade_history",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _user(),
    Column("trader_id", String, nullable=False),
    Column("mode", String, nullable=False),
    Column("instrument_id", String, nullable=False),
    Column("side", String, nullable=False),
    Column("quantity", String, nullable=False),
    Column("price", String, nullable=False),
    Column("fee", String, nullable=False),
    Column("currency", String, nullable=False),
    Column("client_order_id", String, nullable=False),
    Column("trade_id", String, nullable=False),
    Column("ts", BigInteger, nullable=False),
    UniqueConstraint("trader_id", "trade_id"),
    Index(None, "user_id", "ts"),
)

watchlists = Table(
    "watchlists",
    metadata,
    Column("id", String, primary_key=True),
    _user(),
    Column("name", String, nullable=False),
    Column("symbols", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("user_id", "name"),
)

ai_conversations = Table(
    "ai_conversations",
    metadata,
    Column("id", String, primary_key=True),
    _user(),
    Column("title", String, nullable=False),
    Column("messages", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

instruments = Table(
    "instruments",
    metadata,
    Column("id", String, primary_key=True),
    _user(),
    Column("definition", JSON, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
"""One row an instrument; `definition` is the contract's `Instrument`."""

coverage = Table(
    "coverage",
    metadata,
    Column("bar_type", String, primary_key=True),
    _user(),
    Column("instrument_id", String, ForeignKey("instruments.id"), nullable=False),
    Column("bars", BigInteger, nullable=False),
    Column("from_at", BigInteger, nullable=False),
    Column("to_at", BigInteger, nullable=False),
    Column("source", String, nullable=False),
    Column("hash", String, nullable=False),
    Column("files", JSON, nullable=False),
    Column("imported_at", BigInteger, nullable=False),
    Index(None, "instrument_id"),
)
"""One row a stored series of bars; `files` are paths below the catalog, in order of time."""

corporate_actions = Table(
    "corporate_actions",
    metadata,
    _user(),
    Column("instrument_id", String, ForeignKey("instruments.id"), nullable=False),
    Column("ex_day", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("value", String, nullable=False),
    Column("source", String, nullable=False),
    UniqueConstraint("user_id", "instrument_id", "ex_day", "kind"),
)
"""Splits and dividends; `value` is exact decimal text."""

tick_coverage = Table(
    "tick_coverage",
    metadata,
    _user(),
    Column("instrument_id", String, ForeignKey("instruments.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("from_at", BigInteger, nullable=False),
    Column("to_at", BigInteger, nullable=False),
    Column("source", String, nullable=False),
    Column("hash", String, nullable=False),
    Column("files", JSON, nullable=False),
    Column("imported_at", BigInteger, nullable=False),
    UniqueConstraint("user_id", "instrument_id", "kind"),
)
"""One row a stored series of quotes, trades or changes of a book; `files` as with bars."""

download_spans = Table(
    "download_spans",
    metadata,
    _user(),
    Column("provider", String, nullable=False),
    Column("series", String, nullable=False),
    Column("from_day", String, nullable=False),
    Column("to_day", String, nullable=False),
    UniqueConstraint("user_id", "provider", "series", "from_day"),
)
"""Days that a provider was asked for and whose answer is stored, both inclusive. `series` is a bar type, or `INSTRUMENT kind`."""

keys = Table(
    "keys",
    metadata,
    _user(),
    Column("name", String, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    UniqueConstraint("user_id", "name"),
)
"""Names of keys; their values are in the system's keychain, never here."""

validations = Table(
    "validations",
    metadata,
    Column("id", String, primary_key=True),
    _user(),
    Column("status", String, nullable=False),
    Column("path", String, nullable=False),
    Column("name", String, nullable=False),
    Column("request", JSON, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("result", JSON),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index(None, "user_id", "path", "name", "id"),
    Index(None, "status"),
)
"""One row a validation: `ValidationRequest`, `ValidationSummary`, and the `ValidationResult` of a finished one."""

trials = Table(
    "trials",
    metadata,
    _user(),
    Column("path", String, nullable=False),
    Column("name", String, nullable=False),
    Column("data", String, nullable=False),
    Column("spec", String, nullable=False),
    Column("sharpe", Float),
    Column("tried_at", BigInteger, nullable=False),
    UniqueConstraint("user_id", "path", "name", "data", "spec"),
)
"""What was ever tried with a strategy on some data, once each; kept when its run is deleted, for it cannot be untried.

`data` are the bar types, `spec` a hash of code, parameters, assumptions and range; `sharpe` is that of one day, null where it is not defined.
"""

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", String, primary_key=True),
    _user(),
    Column("status", String, nullable=False),
    Column("path", String, nullable=False),
    Column("name", String, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("code", String, nullable=False),
    Column("data", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "user_id", "path", "name", "id"),
    Index(None, "status"),
)
"""One row a sweep: `summary` is the contract's `Sweep`; `code` and `data` are hashes of what its points must have in common."""

sweep_points = Table(
    "sweep_points",
    metadata,
    _user(),
    Column("sweep_id", String, ForeignKey("sweeps.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("key", String, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("status", String, nullable=False),
    Column("objectives", JSON, nullable=False),
    Column("cached", Boolean, nullable=False),
    Column("elapsed_ms", BigInteger, nullable=False),
    Column("error", JSON),
    UniqueConstraint("sweep_id", "number"),
    Index(None, "key"),
)
"""One row a point that has ended; `key` names its result, if it has one, in `point_results`."""

point_results = Table(
    "point_results",
    metadata,
    Column("key", String, primary_key=True),
    _user(),
    Column("metrics", JSON, nullable=False),
    Column("sparkline", JSON, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("returns", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""What a point came to, by a hash of all that went into it: code, data, parameters, venue, versions. Shared by all sweeps.

`returns` are the days (int64) and the daily returns (float64) that `nautilus/points.py` gives, compressed by zlib.
"""

data_quality = Table(
    "data_quality",
    metadata,
    Column("bar_type", String, primary_key=True),
    _user(),
    Column("key", String, nullable=False),
    Column("report", JSON, nullable=False),
)
"""What a look at a series found; `key` is a hash of all that it rests on, so that a row for an earlier state is never taken for the present one."""

fundamentals = Table(
    "fundamentals",
    metadata,
    _user(),
    Column("instrument_id", String, nullable=False),
    Column("field", String, nullable=False),
    Column("period_end", String, nullable=False),
    Column("known_on", String, nullable=False),
    Column("value", Float, nullable=False),
    Column("source", String, nullable=False),
    UniqueConstraint("user_id", "instrument_id", "field", "period_end", "known_on"),
)
"""Figures of companies, point in time: a period's figure may be known in several versions, each from its own day on."""
