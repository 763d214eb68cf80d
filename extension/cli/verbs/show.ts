/** One run with what it left: metrics, equity, and on request trades, orders and the strategy's log. */

import { tableFromIPC } from "@uwdata/flechette";
import { type Run, type SeriesKind, TinoError } from "#contracts";
import type { EngineLink } from "../../client/engineLink.ts";

/** Equity over time, at most as fine as a terminal shows. */
export interface Equity {
  readonly times: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

export type Row = Record<string, unknown>;

export interface RunDetails {
  readonly run: Run;
  readonly equity: Equity | null;
  readonly trades: Row[] | null;
  readonly orders: Row[] | null;
  readonly log: Row[] | null;
}

export interface ShowOptions {
  readonly trades: boolean;
  readonly orders: boolean;
  readonly log: boolean;
}

const EQUITY_POINTS = 4_000;

export async function showRun(link: EngineLink, id: string, wanted: ShowOptions): Promise<RunDetails> {
  const run = await link.call("getRun", { path: { id } });
  if (!run.result && (wanted.trades || wanted.orders || wanted.log)) throw TinoError.of("run_not_finished", { id, status: run.status });
  const rows = async (kind: SeriesKind, asked: boolean) => (asked ? readRows(await link.call("getSeries", { path: { id, series: kind } })) : null);
  const [equity, trades, orders, log] = await Promise.all([
    run.result ? readEquity(link, id) : null,
    rows("trades", wanted.trades),
    rows("orders", wanted.orders),
    rows("log", wanted.log),
  ]);
  return { run, equity, trades, orders, log };
}

async function readEquity(link: EngineLink, id: string): Promise<Equity> {
  const table = tableFromIPC(await link.call("getSeries", { path: { id, series: "equity" }, query: { points: EQUITY_POINTS } }));
  return { times: table.getChild("ts").toArray(), values: table.getChild("equity").toArray() };
}

function readRows(stream: Uint8Array<ArrayBuffer>): Row[] {
  return tableFromIPC(stream).toArray() as Row[];
}
