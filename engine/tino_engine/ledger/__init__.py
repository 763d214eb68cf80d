"""What tino remembers: the database, its one writer and the append-only ledger."""

from tino_engine.ledger.database import Database
from tino_engine.ledger.history import newest, read_after
from tino_engine.ledger.writer import Writer, append

__all__ = ["Database", "Writer", "append", "newest", "read_after"]
