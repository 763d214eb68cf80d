/** Every order with what became of it, and why where it was refused. */
import { useMemo, useState } from "react";
import type { Run } from "#contracts";
import type { Columns } from "../../chart/columns.ts";
import { instrumentOf, priceDigits, runClock } from "../../chart/runShape.ts";
import { number, plain } from "../../format.ts";
import { type Column, DataTable, rowKey } from "../../parts/DataTable.tsx";
import { SourceLink } from "../../parts/states.tsx";

interface Props {
  readonly run: Run;
  readonly table: Columns;
  readonly onTime: (at: number) => void;
}

const REFUSED = new Set(["DENIED", "REJECTED"]);
const sentence = (word: string): string => word.charAt(0) + word.slice(1).toLowerCase().replaceAll("_", " ");

export function OrdersTab({ run, table, onTime }: Props) {
  const [selected, setSelected] = useState<number | null>(null);
  const [status, setStatus] = useState<string | null>(null);
  const statuses = useMemo(() => {
    const counts = new Map<string, number>();
    for (const row of table.indices()) {
      const name = table.textAt("status", row) ?? "";
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return [...counts].sort(([, a], [, b]) => b - a);
  }, [table]);
  const rows = useMemo(() => table.indices().filter((row) => status === null || table.textAt("status", row) === status), [table, status]);
  const columns = useMemo<Column<number>[]>(() => {
    const { write, width } = runClock(run);
    const digits = priceDigits(instrumentOf(run));
    const price = (id: string, heading: string): Column<number> => ({
      id,
      heading,
      width: 88,
      figure: true,
      value: (row) => table.numberAt(id, row),
      cell: (row) => number(table.numberAt(id, row), digits),
    });
    const size = (id: string, heading: string): Column<number> => ({
      id,
      heading,
      width: 84,
      figure: true,
      value: (row) => table.numberAt(id, row),
      cell: (row) => plain(table.numberAt(id, row)),
    });
    const text = (id: string, heading: string, width: number): Column<number> => ({
      id,
      heading,
      width,
      value: (row) => table.textAt(id, row),
      cell: (row) => sentence(table.textAt(id, row) ?? ""),
    });
    return [
      { id: "ts", heading: "Time", width, value: (row) => table.numberAt("ts", row), cell: (row) => write(table.numberAt("ts", row)) },
      ...(run.symbols.length > 1 ? [{ id: "instrument", heading: "Symbol", width: 104, value: (row: number) => table.textAt("instrument", row) }] : []),
      text("side", "Side", 52),
      text("type", "Type", 88),
      size("quantity", "Quantity"),
      size("filled", "Filled"),
      price("averagePrice", "Average"),
      price("limitPrice", "Limit"),
      price("triggerPrice", "Trigger"),
      text("status", "Status", 92),
      {
        id: "source",
        heading: "Source",
        width: 136,
        value: (row) => table.numberAt("line", row),
        cell: (row) => {
          const path = table.textAt("path", row);
          return path ? <SourceLink path={path} line={table.numberAt("line", row)} /> : null;
        },
      },
      {
        id: "reason",
        heading: "Reason",
        value: (row) => table.textAt("reason", row),
        cell: (row) => <span title={table.textAt("reason", row) ?? undefined}>{table.textAt("reason", row)}</span>,
      },
    ];
  }, [run, table]);
  return (
    <div className="tab-with-filter">
      <div className="filter" role="toolbar" aria-label="Filter orders">
        <span className="segmented">
          <button type="button" aria-pressed={status === null} onClick={() => setStatus(null)}>
            All {plain(table.rows)}
          </button>
          {statuses.map(([name, count]) => (
            <button key={name} type="button" aria-pressed={status === name} onClick={() => setStatus(name)}>
              {sentence(name)} {plain(count)}
            </button>
          ))}
        </span>
      </div>
      <DataTable
        label="Orders"
        columns={columns}
        rows={rows}
        keyOf={rowKey}
        selected={selected}
        toneOf={(row) => (REFUSED.has(table.textAt("status", row) ?? "") ? "loss" : null)}
        onSelect={(row) => {
          setSelected(row);
          onTime(table.numberAt("ts", row));
        }}
      />
    </div>
  );
}
