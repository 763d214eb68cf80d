/** Figures, instants and sizes in words, the same everywhere in the terminal. */
import type { Client, MetricUnit } from "#contracts";
import { CLIENT_KINDS } from "../supervisor/lockDirectory.ts";

/** What stands for a figure that is not defined. */
export const NOTHING = "–";

export const count = (value: number): string => group(value, 0);

/** `0.123` → `12.3 %`; with `signed` also a plus. */
export function percent(value: number | null, signed = false): string {
  if (value === null) return NOTHING;
  const digits = Math.abs(value) >= 10 ? 0 : 1;
  return `${signed && value > 0 ? "+" : ""}${group(value * 100, digits)} %`;
}

/** Decimal places first, then groups, so that places are not grouped. */
function group(value: number, digits: number): string {
  const [whole = "", places] = value.toFixed(digits).split(".");
  const text = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return places ? `${text}.${places}` : text;
}

export const money = (value: number | null, currency: string | null, digits = 2): string =>
  value === null ? NOTHING : `${group(value, digits)}${currency ? ` ${currency}` : ""}`;

export const price = (value: number | null): string => (value === null ? NOTHING : group(value, Math.abs(value) < 10 ? 4 : 2));

export function metric(value: number | null, unit: MetricUnit, currency: string | null): string {
  if (value === null) return NOTHING;
  switch (unit) {
    case "percent":
      return percent(value);
    case "ratio":
      return group(value, 2);
    case "money":
      return money(value, currency);
    case "days":
      return `${count(value)} ${value === 1 ? "day" : "days"}`;
    case "perYear":
      return `${group(value, 1)} × a year`;
    case "count":
      return count(value);
  }
}

/** `90 061 000` → `1 d 1 h`; two units at most. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function bytes(value: number): string {
  return value < 1e9 ? `${Math.max(1, Math.round(value / 1e6))} MB` : `${(value / 1e9).toFixed(1)} GB`;
}

/** `41 200` → `41.2 k`. */
export function rate(value: number): string {
  if (value >= 999_500) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 1_000) return `${(value / 1e3).toFixed(value >= 99_950 ? 0 : 1)} k`;
  return String(Math.round(value));
}

const two = (value: number): string => String(value).padStart(2, "0");

/** A day in UTC, in which bars are stored. */
export const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** An instant of the machine's own day: `14:03:27`. */
export function clockTime(ms: number): string {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** In the machine's zone: the time alone today, else with its day. */
export function moment(ms: number, now: number): string {
  const at = new Date(ms);
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const today = new Date(now).toDateString() === at.toDateString();
  return today ? clockTime(ms) : `${date} ${clockTime(ms).slice(0, 5)}`;
}

/** In UTC with minutes only where the bars are finer than days. */
export function barTime(ms: number): string {
  const text = new Date(ms).toISOString();
  return text.endsWith("T00:00:00.000Z") ? text.slice(0, 10) : `${text.slice(0, 10)} ${text.slice(11, 16)}`;
}

/** A path with the home folder as `~`. */
export const shortPath = (path: string, home = process.env.HOME ?? ""): string =>
  home.length > 1 && (path === home || path.startsWith(`${home}/`)) ? `~${path.slice(home.length)}` : path;

/** Runs are named by the end of their id, as commits are by their beginning: a run's start is a time, shared by many. */
export const shortRun = (id: string): string => id.slice(-8);

/** One client in a sentence: `window 4711 (~/strategies)`. */
export function clientName({ kind, pid, tty, workspace }: Pick<Client, "kind" | "pid" | "tty" | "workspace">): string {
  const where = workspace ? shortPath(workspace) : tty;
  return `${CLIENT_KINDS[kind]}${pid === null ? "" : ` ${pid}`}${where ? ` (${where})` : ""}`;
}
