"""Print what a home's database holds, as one JSON object: for the judge of a schedule, once all engines are gone.

Called with the path of the database. Reads with the engine's own SQLite, and changes nothing.
"""

import json
import sys

import pysqlite3.dbapi2 as sqlite

connection = sqlite.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
events = [
    {
        "seq": seq,
        "type": type_,
        "key": key,
        "run": (content := json.loads(payload)).get("id"),
        "status": content.get("status"),
        "pid": (content.get("client") or {}).get("pid"),
        "since": (content.get("client") or {}).get("since"),
    }
    for seq, type_, key, payload in connection.execute(
        "SELECT seq, type, source_event_id, payload FROM events ORDER BY seq"
    )
]
print(
    json.dumps(
        {
            "integrity": connection.execute("PRAGMA integrity_check").fetchone()[0],
            "events": events,
            "runs": dict(connection.execute("SELECT id, status FROM backtest_results").fetchall()),
            "poison": connection.execute("SELECT count(*) FROM poison_messages").fetchone()[0],
        }
    )
)
