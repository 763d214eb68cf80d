/** Figures as text: one way for each unit, so that the same number reads the same on every page. */
import { METRICS, type Metrics } from "#contracts";

/** U+2212: as wide as a plus sign, so that columns of figures line up. */
const MINUS = "−";
/** Narrow space between a figure and its unit; a line never breaks there. */
const THIN = "\u202f";
/** Where there is nothing to say. */
export const NOTHING = "–";

const formats = new Map<string, Intl.NumberFormat>();

function grouped(value: number, least: number, most: number): string {
  const key = `${least}.${most}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: most });
    formats.set(key, format);
  }
  return format.format(value);
}

function signed(value: number, text: (magnitude: number) => string, plus: boolean): string {
  if (!Number.isFinite(value)) return NOTHING;
  const magnitude = text(Math.abs(value));
  const zero = !/[1-9]/.test(magnitude);
  return `${zero ? "" : value < 0 ? MINUS : plus ? "+" : ""}${magnitude}`;
}

export function number(value: number | null | undefined, digits = 2, plus = false): string {
  return value === null || value === undefined ? NOTHING : signed(value, (magnitude) => grouped(magnitude, digits, digits), plus);
}

/** As many decimals as the value has, at most `most`: quantities, parameters. */
export function plain(value: number | null | undefined, most = 8): string {
  return value === null || value === undefined ? NOTHING : signed(value, (magnitude) => grouped(magnitude, 0, most), false);
}

/** A fraction as a percentage: 0.123 → `12.3 %`. */
export function percent(fraction: number | null | undefined, digits = 1, plus = false): string {
  const text = number(fraction === null || fraction === undefined ? fraction : fraction * 100, digits, plus);
  return text === NOTHING ? text : `${text}${THIN}%`;
}

/** An amount with its currency; cents below a million. */
export function money(amount: number | null | undefined, currency: string | null, plus = false): string {
  const text = number(amount, amount !== null && amount !== undefined && Math.abs(amount) >= 1e6 ? 0 : 2, plus);
  return text === NOTHING || !currency ? text : `${text}${THIN}${currency}`;
}

/** Volumes and axis labels: 1 234 567 → `1.23M`. */
export function compact(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  const magnitude = Math.abs(value);
  const [scale, unit] = magnitude >= 1e9 ? [1e9, "B"] : magnitude >= 1e6 ? [1e6, "M"] : magnitude >= 1e4 ? [1e3, "K"] : [1, ""];
  const scaled = value / scale;
  return signed(scaled, (m) => grouped(m, 0, m >= 100 || (unit === "" && Number.isInteger(value)) ? 0 : m >= 10 ? 1 : 2), false) + unit;
}

/** A span of time in at most two units. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1_000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How long ago, coarse: for lists. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1_000));
  if (seconds < 45) return "just now";
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 36 * 3_600) return `${Math.round(seconds / 3_600)} h ago`;
  const days = Math.round(seconds / 86_400);
  return days < 60 ? `${days} days ago` : new Date(at).toISOString().slice(0, 10);
}

/** One metric with its unit, as METRICS says. */
export function metric(name: keyof Metrics, value: number | null, currency: string | null): string {
  const { unit, better } = METRICS[name];
  switch (unit) {
    case "percent":
      return percent(value, 1, name === "benchmarkReturn" || (better === "higher" && name !== "winRate"));
    case "ratio":
      return number(value, 2);
    case "money":
      return money(value, currency, name === "netProfit" || name === "expectancy");
    case "days":
      return value === null ? NOTHING : `${plain(value, 0)} ${value === 1 ? "day" : "days"}`;
    case "perYear":
      return value === null ? NOTHING : `${number(value, 1)}${THIN}× a year`;
    case "count":
      return plain(value, 0);
  }
}

/** Colour by sign alone, and only where a sign means better or worse. */
export function tone(name: keyof Metrics, value: number | null): "gain" | "loss" | null {
  const unsigned: ReadonlySet<keyof Metrics> = new Set(["winRate", "profitFactor", "averageWin", "averageLoss", "finalEquity", "maxDrawdown"]);
  if (value === null || value === 0 || METRICS[name].better !== "higher" || unsigned.has(name)) return null;
  return value > 0 ? "gain" : "loss";
}

/** The last part of a path, for showing; the whole one belongs into a title. */
export const fileName = (path: string): string => path.split(/[\\/]/).pop() ?? path;
