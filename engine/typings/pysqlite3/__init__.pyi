"""pysqlite3 is the standard library's sqlite3 with a newer SQLite inside, and brings no types of its own."""
