/** Figures and times as the trees and hovers write them. Pure; the pages have the same in `webview/format.ts`. */
import { marksOf, type RunSummary } from "#contracts";

/** U+2212, as wide as the plus sign. */
const MINUS = "−";
/** Narrow no-break space between a figure and its unit. */
const THIN = "\u202f";

/** A signed number with fixed decimals, thousands apart; what rounds to zero has no sign. */
export function signed(value: number, digits: number, plus = true): string {
  const magnitude = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  if (!/[1-9]/.test(magnitude)) return magnitude;
  return `${value < 0 ? MINUS : plus ? "+" : ""}${magnitude}`;
}

/** A fraction as a percentage: 0.123 → `+12.3 %`. */
export const percent = (fraction: number): string => `${signed(fraction * 100, 1)}${THIN}%`;

/** How long ago, coarse. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 45) return "just now";
  if (seconds < 90 * 60) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}

/** What is left, coarse: `12 s left`. */
function left(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 90 ? `${seconds} s left` : `${Math.round(seconds / 60)} min left`;
}

/** What became of a run, in the words of the lens: `+12.3 %, Sharpe 0.71`. */
export function outcomeOf(run: RunSummary): string {
  switch (run.status) {
    case "queued":
      return "queued";
    case "running": {
      const { progress } = run;
      if (!progress || progress.phase === "queued" || progress.phase === "preparing" || progress.barsTotal === 0) return "preparing";
      if (progress.phase === "writing") return "writing the result";
      const done = `${Math.floor((100 * progress.barsDone) / progress.barsTotal)}${THIN}%`;
      return progress.remainingMs === null ? done : `${done}, ${left(progress.remainingMs)}`;
    }
    case "finished": {
      if (run.noTrades !== null) return "no trades";
      const { totalReturn = null, sharpe = null } = run.metrics ?? {};
      const parts = [totalReturn === null ? null : percent(totalReturn), sharpe === null ? null : `Sharpe ${signed(sharpe, 2, false)}`];
      return parts.filter((part) => part !== null).join(", ") || "finished";
    }
    case "failed":
    case "cancelled":
    case "interrupted":
      return run.status;
  }
}

/** What is to be known beside the result: `+12.3 %, Sharpe 0.71 · edited since`. */
export const outcomeWithMarks = (run: RunSummary): string => [outcomeOf(run), ...marksOf(run).map(({ word }) => word)].join(" · ");

/** Range of a run as asked for: `2000-01-01 – 2013-12-31`. */
export const rangeOf = (run: Pick<RunSummary, "from" | "to">): string => `${run.from ?? "start of data"} – ${run.to ?? "end of data"}`;

/** One instrument, or the first and how many more. */
export const symbolsOf = ({ symbols }: Pick<RunSummary, "symbols">): string =>
  symbols.length <= 1 ? (symbols[0] ?? "no instrument") : `${symbols[0]} and ${symbols.length - 1} more`;

/** `1 run`, `2 runs`. */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
