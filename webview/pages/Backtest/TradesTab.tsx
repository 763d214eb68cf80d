/** Round trips: a click moves the chart there, the arrow opens the line that gave the order. */
import { useMemo } from "react";
import type { Run } from "#contracts";
import type { Columns } from "../../chart/columns.ts";
import { isLong } from "../../chart/runMarks.ts";
import { instrumentOf, priceDigits, runClock } from "../../chart/runShape.ts";
import { number, percent, plain } from "../../format.ts";
import { type Column, DataTable, rowKey } from "../../parts/DataTable.tsx";
import { Signed } from "../../parts/Signed.tsx";
import { SourceLink } from "../../parts/states.tsx";

interface Props {
  readonly run: Run;
  readonly table: Columns;
  readonly selected: number | null;
  readonly onSelect: (row: number) => void;
  readonly onOpenSource: (path: string, line: number) => void;
}

export function TradesTab({ run, table, selected, onSelect, onOpenSource }: Props) {
  const rows = useMemo(() => table.indices(), [table]);
  const columns = useMemo<Column<number>[]>(() => {
    const { write, width } = runClock(run);
    const digits = priceDigits(instrumentOf(run));
    const figure = (id: string, heading: string, size: number, text: (value: number) => string, title?: string): Column<number> => ({
      id,
      heading,
      width: size,
      figure: true,
      ...(title ? { title } : {}),
      value: (row) => table.numberAt(id, row),
      cell: (row) => text(table.numberAt(id, row)),
    });
    const many = run.symbols.length > 1;
    return [
      { id: "number", heading: "#", width: 44, figure: true, value: (row) => row + 1 },
      { id: "side", heading: "Side", width: 64, value: (row) => (isLong(table.textAt("side", row)) ? "Long" : "Short") },
      {
        id: "source",
        heading: "Source",
        title: "Lines that gave the entry and the exit",
        width: 92,
        sortable: false,
        value: () => null,
        cell: (row) => <Sources table={table} row={row} />,
      },
      ...(many ? [{ id: "instrument", heading: "Symbol", width: 104, value: (row: number) => table.textAt("instrument", row) }] : []),
      { id: "opened", heading: "Opened", width, value: (row) => table.numberAt("opened", row), cell: (row) => write(table.numberAt("opened", row)) },
      {
        id: "closed",
        heading: "Closed",
        width,
        value: (row) => table.numberAt("closed", row),
        cell: (row) => (Number.isNaN(table.numberAt("closed", row)) ? "still open" : write(table.numberAt("closed", row))),
      },
      figure("quantity", "Quantity", 80, (value) => plain(value)),
      figure("entryPrice", "Entry", 76, (value) => number(value, digits), "Average price of the entry"),
      figure("exitPrice", "Exit", 76, (value) => number(value, digits), "Average price of the exit"),
      {
        ...figure("result", `Result (${run.currency ?? ""})`, 112, () => "", "After fees"),
        cell: (row) => <Signed value={table.numberAt("result", row)} text={number(table.numberAt("result", row), 2, true)} />,
      },
      {
        ...figure("return", "Return", 80, () => "", "Result over the value of the entry"),
        cell: (row) => <Signed value={table.numberAt("return", row)} text={percent(table.numberAt("return", row), 2, true)} />,
      },
      figure("fees", "Fees", 72, (value) => number(value, 2)),
      figure("bars", "Bars", 54, (value) => plain(value, 0), "How many bars it was held"),
    ];
  }, [run, table]);
  return (
    <DataTable
      label="Trades"
      columns={columns}
      rows={rows}
      keyOf={rowKey}
      selected={selected}
      onSelect={onSelect}
      onOpen={(row) => {
        const path = table.textAt("path", row);
        const line = table.numberAt("line", row);
        if (path && line >= 1) onOpenSource(path, line);
      }}
    />
  );
}

function Sources({ table, row }: { table: Columns; row: number }) {
  const path = table.textAt("path", row);
  const entry = table.numberAt("line", row);
  const exit = table.numberAt("exitLine", row);
  if (!path) return null;
  return (
    <span className="sources">
      {entry >= 1 ? (
        <SourceLink path={path} line={entry}>
          :{entry}
        </SourceLink>
      ) : null}
      {exit >= 1 ? <span className="muted">→</span> : null}
      {exit >= 1 ? (
        <SourceLink path={path} line={exit}>
          :{exit}
        </SourceLink>
      ) : null}
    </span>
  );
}
