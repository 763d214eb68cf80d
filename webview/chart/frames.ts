/** The drawable part of a run: its tables fetched for one stretch of the axis and laid onto the same rows. */
import type { Run, SeriesInfo } from "#contracts";
import { Columns, lowerBound } from "./columns.ts";
import { ChartWindow, type Extent, type Frame, type FrameRequest, merged } from "./window.ts";

/** Figures of every row; NaN where there is none. */
export interface ChartFrame extends Frame {
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
  readonly equity: Float64Array;
  readonly drawdown: Float64Array;
  readonly exposure: Float64Array;
  /** By column name. */
  readonly drawings: ReadonlyMap<string, Float64Array>;
}

/** Gives one table of the run, in part: bytes of an Arrow stream. */
export type LoadSeries = (series: string, query: { from: number | null; to: number | null; level: number }, signal: AbortSignal) => Promise<Uint8Array>;

/** The tables that the chart draws. */
export interface ChartTables {
  readonly equity: SeriesInfo;
  readonly bars: SeriesInfo;
  readonly drawings: readonly SeriesInfo[];
}

/** The tables of a run for one instrument's bars; null when the run has none to draw. */
export function chartTables(run: Run, barType: string | null): ChartTables | null {
  const series = run.result?.series ?? [];
  const equity = series.find(({ kind }) => kind === "equity");
  const bars = series.filter(({ kind }) => kind === "bars");
  const chosen = bars.find((info) => info.barType === barType) ?? bars[0];
  if (!equity || !chosen || equity.rows === 0) return null;
  return { equity, bars: chosen, drawings: series.filter(({ kind }) => kind === "drawings") };
}

/** Fetch the whole run at its coarsest level, which tells the axis, and get ready to fetch any part of it. */
export async function openWindow(
  tables: ChartTables,
  load: LoadSeries,
  signal: AbortSignal,
  arrived: () => void,
  failed: (error: unknown) => void,
): Promise<ChartWindow<ChartFrame>> {
  const { rows, levels } = tables.equity;
  const level = levels - 1;
  const count = Math.ceil(rows / merged(level));
  const whole = await loadFrame(tables, load, { level, first: 0, count, from: null, to: null }, signal);
  const extent: Extent = { rows, levels, start: tables.equity.from ?? whole.ts[0]!, coarse: whole.ts };
  return new ChartWindow(extent, whole, (request, abort) => loadFrame(tables, load, request, abort), arrived, failed);
}

async function loadFrame(tables: ChartTables, load: LoadSeries, request: FrameRequest, signal: AbortSignal): Promise<ChartFrame> {
  const { level, from, to } = request;
  const fetched = async (info: SeriesInfo) => new Columns(await load(info.id, { from, to, level: Math.min(level, info.levels - 1) }, signal));
  const [equity, bars, ...drawings] = await Promise.all([tables.equity, tables.bars, ...tables.drawings].map(fetched));
  return layOut(request, equity!, bars!, drawings);
}

/** Cut the replies to what was asked for, and put each table's rows onto the axis. */
export function layOut(request: FrameRequest, equity: Columns, bars: Columns, drawings: readonly Columns[]): ChartFrame {
  const all = equity.number("ts");
  const start = request.from === null ? 0 : lowerBound(all, request.from);
  const end = request.to === null ? all.length : lowerBound(all, request.to + 1);
  const ts = all.subarray(start, end);
  const own = (name: string) => equity.number(name).subarray(start, end);
  return {
    level: request.level,
    first: request.first,
    ts,
    ...barsOnto(ts, bars),
    equity: own("equity"),
    drawdown: own("drawdown"),
    exposure: own("exposure"),
    drawings: new Map(
      drawings.flatMap((table) => table.names.filter((name) => name !== "ts").map((name) => [name, onto(ts, table.number("ts"), table.number(name))])),
    ),
  };
}

type Bars = Pick<ChartFrame, "open" | "high" | "low" | "close" | "volume">;

/** An instrument may lack bars on some rows, or have several within one of a coarser level: those are merged. */
function barsOnto(ts: Float64Array, bars: Columns): Bars {
  const [at, open, high, low, close, volume] = ["ts", "open", "high", "low", "close", "volume"].map((name) => bars.number(name)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const offset = sameRows(ts, at);
  if (offset !== null) {
    const cut = (column: Float64Array) => column.subarray(offset, offset + ts.length);
    return { open: cut(open), high: cut(high), low: cut(low), close: cut(close), volume: cut(volume) };
  }
  const empty = () => new Float64Array(ts.length).fill(Number.NaN);
  const out: Bars = { open: empty(), high: empty(), low: empty(), close: empty(), volume: empty() };
  eachOnto(ts, at, (row, source) => {
    const first = Number.isNaN(out.open[row]!);
    if (first) out.open[row] = open[source]!;
    out.high[row] = first ? high[source]! : Math.max(out.high[row]!, high[source]!);
    out.low[row] = first ? low[source]! : Math.min(out.low[row]!, low[source]!);
    out.close[row] = close[source]!;
    out.volume[row] = (first ? 0 : out.volume[row]!) + volume[source]!;
  });
  return out;
}

function onto(ts: Float64Array, at: Float64Array, values: Float64Array): Float64Array {
  const offset = sameRows(ts, at);
  if (offset !== null) return values.subarray(offset, offset + ts.length);
  const out = new Float64Array(ts.length).fill(Number.NaN);
  eachOnto(ts, at, (row, source) => {
    out[row] = values[source]!;
  });
  return out;
}

/** Where `ts` lies in `at` when both have the same rows there; null when they differ. */
function sameRows(ts: Float64Array, at: Float64Array): number | null {
  if (ts.length === 0) return 0;
  const offset = lowerBound(at, ts[0]!);
  if (offset + ts.length > at.length) return null;
  for (let row = 0; row < ts.length; row++) if (at[offset + row] !== ts[row]) return null;
  return offset;
}

/** Calls `take(row, source)` for every source row that falls into a row of the axis. */
function eachOnto(ts: Float64Array, at: Float64Array, take: (row: number, source: number) => void): void {
  // The first row's stretch begins before its instant; how far is not known, so what comes much earlier is left out.
  const usual = ts.length > 1 ? (ts[ts.length - 1]! - ts[0]!) / (ts.length - 1) : Number.POSITIVE_INFINITY;
  let row = 0;
  for (let source = lowerBound(at, (ts[0] ?? 0) - usual + 1); source < at.length; source++) {
    while (row < ts.length && ts[row]! < at[source]!) row++;
    if (row === ts.length) return;
    take(row, source);
  }
}
