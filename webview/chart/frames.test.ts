import { float64, TimeUnit, tableFromArrays, tableToIPC, timestamp, utf8 } from "@uwdata/flechette";
import { describe, expect, test } from "vitest";
import { Columns } from "./columns.ts";
import { layOut } from "./frames.ts";
import { fillMarks, tradeMarks } from "./runMarks.ts";

type Cells = Record<string, (number | string | null)[]>;

function table(cells: Cells): Columns {
  const types = Object.fromEntries(
    Object.entries(cells).map(([name, values]) => [
      name,
      ["ts", "opened", "closed"].includes(name)
        ? timestamp(TimeUnit.MILLISECOND, "UTC")
        : values.some((value) => typeof value === "string")
          ? utf8()
          : float64(),
    ]),
  );
  return new Columns(tableToIPC(tableFromArrays(cells, { types }), { format: "stream" })!);
}

const equityOf = (ts: number[]) => table({ ts, equity: ts.map((at) => at * 10), drawdown: ts.map(() => -0.1), exposure: ts.map(() => 1) });
const barsOf = (ts: number[], close = ts) =>
  table({ ts, open: close.map((c) => c - 1), high: close.map((c) => c + 2), low: close.map((c) => c - 2), close, volume: ts.map(() => 100) });
const all = { level: 0, first: 0, count: 4, from: null, to: null };
const list = (column: Float64Array | undefined) => [...(column ?? [])];

describe("tables of one stretch", () => {
  test("with the same rows lie side by side", () => {
    const ts = [1_000, 2_000, 3_000, 4_000];
    const frame = layOut(all, equityOf(ts), barsOf(ts), [table({ ts, fast: [null, 2, 3, 4] })]);
    expect(list(frame.ts)).toEqual(ts);
    expect(list(frame.close)).toEqual(ts);
    expect(list(frame.drawings.get("fast"))).toEqual([Number.NaN, 2, 3, 4]);
  });

  test("are cut to what was asked for, whatever more was sent", () => {
    const sent = [1_000, 2_000, 3_000, 4_000, 5_000];
    const frame = layOut({ level: 0, first: 1, count: 2, from: 1_001, to: 3_000 }, equityOf(sent), barsOf(sent), []);
    expect(list(frame.ts)).toEqual([2_000, 3_000]);
    expect(list(frame.equity)).toEqual([20_000, 30_000]);
    expect(list(frame.close)).toEqual([2_000, 3_000]);
    expect(frame.first).toBe(1);
  });

  test("of an instrument that lacks bars leave their rows empty", () => {
    const frame = layOut(all, equityOf([1_000, 2_000, 3_000, 4_000]), barsOf([1_000, 3_000]), []);
    expect(list(frame.close)).toEqual([1_000, Number.NaN, 3_000, Number.NaN]);
    expect(list(frame.volume)).toEqual([100, Number.NaN, 100, Number.NaN]);
  });

  test("with finer bars than rows merge them: first open, highest, lowest, last close, all volume", () => {
    const frame = layOut({ ...all, level: 1 }, equityOf([2_000, 4_000]), barsOf([1_000, 2_000, 3_000, 4_000], [10, 14, 8, 9]), []);
    expect(list(frame.open)).toEqual([9, 7]);
    expect(list(frame.high)).toEqual([16, 11]);
    expect(list(frame.low)).toEqual([8, 6]);
    expect(list(frame.close)).toEqual([14, 9]);
    expect(list(frame.volume)).toEqual([200, 200]);
  });
});

describe("a table of columns", () => {
  const columns = table({ ts: [1_500, null], price: [2.5, null], path: ["/a.py", null] });
  test("gives figures, instants and texts, and nothing where there is nothing", () => {
    expect([columns.rows, columns.numberAt("ts", 0), columns.numberAt("price", 0), columns.textAt("path", 0)]).toEqual([2, 1_500, 2.5, "/a.py"]);
    expect([columns.numberAt("ts", 1), columns.numberAt("price", 1), columns.textAt("path", 1), columns.numberAt("missing", 0)]).toEqual([
      Number.NaN,
      Number.NaN,
      null,
      Number.NaN,
    ]);
    expect(columns.names.map((name) => columns.kind(name))).toEqual(["instant", "figure", "text"]);
  });
});

describe("marks", () => {
  const trades = table({
    opened: [3_000, 1_000, 2_000],
    closed: [null, 1_500, 2_500],
    instrument: ["A.X", "A.X", "B.X"],
    side: ["LONG", "SHORT", "LONG"],
    entryPrice: [3, 1, 2],
    exitPrice: [null, 1.5, 2.5],
    result: [0, -5, 5],
  });
  test("of one instrument come in the order of their opening and know their rows", () => {
    const marks = tradeMarks(trades, "A.X");
    expect(list(marks.opened)).toEqual([1_000, 3_000]);
    expect(list(marks.closed)).toEqual([1_500, Number.NaN]);
    expect([...marks.side]).toEqual([-1, 1]);
    expect([...marks.row]).toEqual([1, 0]);
  });

  test("of all instruments come together", () => {
    expect([...tradeMarks(trades, null).row]).toEqual([1, 2, 0]);
  });

  test("of fills tell bought from sold", () => {
    const fills = table({ ts: [2_000, 1_000], instrument: ["A.X", "A.X"], side: ["SELL", "BUY"], price: [2, 1], quantity: [5, 5] });
    expect([...fillMarks(fills, null).side]).toEqual([1, -1]);
  });
});
