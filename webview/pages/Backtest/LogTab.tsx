/** The strategy's own words: what it logged and printed, at which bar, from which line. */
import { useMemo, useState } from "react";
import type { Run } from "#contracts";
import type { Columns } from "../../chart/columns.ts";
import { runClock } from "../../chart/runShape.ts";
import { plain } from "../../format.ts";
import { type Column, DataTable, rowKey } from "../../parts/DataTable.tsx";
import { SourceLink } from "../../parts/states.tsx";

interface Props {
  readonly run: Run;
  readonly table: Columns;
  readonly onTime: (at: number) => void;
}

const tones: Readonly<Record<string, "loss" | "muted">> = { ERROR: "loss", CRITICAL: "loss", DEBUG: "muted" };

export function LogTab({ run, table, onTime }: Props) {
  const [selected, setSelected] = useState<number | null>(null);
  const [level, setLevel] = useState<string | null>(null);
  const [words, setWords] = useState("");
  const levels = useMemo(() => {
    const counts = new Map<string, number>();
    for (const row of table.indices()) {
      const name = table.textAt("level", row) ?? "";
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return [...counts];
  }, [table]);
  const rows = useMemo(() => {
    const wanted = words.trim().toLowerCase();
    return table
      .indices()
      .filter(
        (row) =>
          (level === null || table.textAt("level", row) === level) && (wanted === "" || (table.textAt("message", row) ?? "").toLowerCase().includes(wanted)),
      );
  }, [table, level, words]);
  const columns = useMemo<Column<number>[]>(() => {
    const { write, width } = runClock(run);
    return [
      { id: "ts", heading: "Time", width, value: (row) => table.numberAt("ts", row), cell: (row) => write(table.numberAt("ts", row)) },
      { id: "level", heading: "Level", width: 72, value: (row) => table.textAt("level", row), cell: (row) => (table.textAt("level", row) ?? "").toLowerCase() },
      {
        id: "message",
        heading: "Message",
        value: (row) => table.textAt("message", row),
        cell: (row) => <span title={table.textAt("message", row) ?? undefined}>{table.textAt("message", row)}</span>,
      },
      {
        id: "source",
        heading: "Source",
        width: 132,
        value: (row) => table.numberAt("line", row),
        cell: (row) => {
          const path = table.textAt("path", row);
          return path ? <SourceLink path={path} line={table.numberAt("line", row)} /> : null;
        },
      },
    ];
  }, [run, table]);
  return (
    <div className="tab-with-filter">
      <div className="filter" role="toolbar" aria-label="Filter the log">
        <span className="segmented">
          <button type="button" aria-pressed={level === null} onClick={() => setLevel(null)}>
            All {plain(table.rows)}
          </button>
          {levels.map(([name, count]) => (
            <button key={name} type="button" aria-pressed={level === name} onClick={() => setLevel(name)}>
              {name.charAt(0) + name.slice(1).toLowerCase()} {plain(count)}
            </button>
          ))}
        </span>
        <input type="search" aria-label="Search the log" placeholder="Search" value={words} onChange={(event) => setWords(event.target.value)} />
      </div>
      <DataTable
        label="Log"
        columns={columns}
        rows={rows}
        keyOf={rowKey}
        selected={selected}
        toneOf={(row) => tones[table.textAt("level", row) ?? ""] ?? null}
        onSelect={(row) => {
          setSelected(row);
          onTime(table.numberAt("ts", row));
        }}
      />
    </div>
  );
}
