/** How a run's times and prices are written: in its instrument's zone, with as many digits as anybody reads. */
import type { Instrument, Run } from "#contracts";
import { Zone } from "./zone.ts";

/** Shorter than a day, so that labels need the time of day. */
export const isIntraday = (barType: string | null | undefined): boolean => !/-(DAY|WEEK|MONTH|YEAR)-/.test(barType ?? "");

/** The instrument whose bars these are; the run's first one when that cannot be told. */
export function instrumentOf(run: Run, barType: string | null = null): Instrument | undefined {
  const all = run.result?.instruments ?? [];
  return all.find(({ id }) => barType?.startsWith(`${id}-`)) ?? all[0];
}

/** Stocks are quoted in cents, below one unit finer; adjusted prices have more decimals than anybody reads. */
export function priceDigits(instrument: Instrument | undefined, price = Number.POSITIVE_INFINITY): number {
  const most = Math.min(instrument?.pricePrecision ?? 2, 8);
  return instrument?.assetClass === "equity" ? Math.min(most, price < 1 ? 4 : 2) : most;
}

/** Writes instants of a run. */
export interface RunClock {
  readonly zone: Zone;
  /** The instant as tables write it: a day, or a time where bars are shorter. */
  readonly write: (at: number) => string;
  /** Pixels a column of instants needs. */
  readonly width: number;
}

export function runClock(run: Run): RunClock {
  const zone = new Zone(instrumentOf(run)?.timeZone ?? "UTC");
  const { firstBarAt, lastBarAt } = run.result ?? {};
  if (firstBarAt && lastBarAt) zone.prepare(firstBarAt, lastBarAt);
  const intraday = run.barTypes.some(isIntraday);
  return { zone, write: (at) => (Number.isNaN(at) ? "–" : intraday ? zone.time(at) : zone.day(at)), width: intraday ? 140 : 94 };
}

/** The days a run really covered, in its instrument's zone. */
export function periodOf(run: Run): string {
  const { firstBarAt, lastBarAt } = run.result ?? {};
  if (!firstBarAt || !lastBarAt) return `${run.from ?? "start"} – ${run.to ?? "end"}`;
  const { zone } = runClock(run);
  return `${zone.day(firstBarAt)} – ${zone.day(lastBarAt)}`;
}
