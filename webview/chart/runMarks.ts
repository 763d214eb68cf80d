/** A run's tables of trades and fills as what the chart draws over the bars of one instrument. */
import type { Columns } from "./columns.ts";
import type { FillMarks, TradeMarks } from "./marks.ts";

/** Both kinds of words a side is written in. */
export const isLong = (side: string | null): boolean => side === "LONG" || side === "BUY";

function rowsOf(table: Columns, instrument: string | null, order: string): number[] {
  const rows: number[] = [];
  for (let row = 0; row < table.rows; row++) if (instrument === null || table.textAt("instrument", row) === instrument) rows.push(row);
  const at = table.number(order);
  return rows.sort((a, b) => at[a]! - at[b]!);
}

const pick = (column: Float64Array, rows: readonly number[]): Float64Array => Float64Array.from(rows, (row) => column[row] ?? Number.NaN);
const sides = (table: Columns, rows: readonly number[]): Int8Array => Int8Array.from(rows, (row) => (isLong(table.textAt("side", row)) ? 1 : -1));

/** Round trips of an instrument; of all of them when it is null. */
export function tradeMarks(trades: Columns, instrument: string | null): TradeMarks {
  const rows = rowsOf(trades, instrument, "opened");
  const of = (name: string) => pick(trades.number(name), rows);
  return {
    opened: of("opened"),
    closed: of("closed"),
    entry: of("entryPrice"),
    exit: of("exitPrice"),
    result: of("result"),
    side: sides(trades, rows),
    row: Int32Array.from(rows),
  };
}

/** Fills of an instrument; of all of them when it is null. */
export function fillMarks(fills: Columns, instrument: string | null): FillMarks {
  const rows = rowsOf(fills, instrument, "ts");
  const of = (name: string) => pick(fills.number(name), rows);
  return { ts: of("ts"), price: of("price"), quantity: of("quantity"), side: sides(fills, rows) };
}
