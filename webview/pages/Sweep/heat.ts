/** A sweep's points as a grid of two parameters: pure, so that it can be tested without a page. */
import type { ParameterValue, SweepPoint } from "#contracts";

/** How the points that share a cell become one figure. */
export type Together = "best" | "mean" | "worst";

export interface Heat {
  readonly columns: readonly string[];
  readonly rows: readonly string[];
  /** By column and row. */
  readonly cells: ReadonlyMap<string, Cell>;
  readonly low: number;
  readonly high: number;
}

export interface Cell {
  readonly value: number | null;
  readonly points: readonly SweepPoint[];
}

/** More places than this are put into as many equal parts of the range. */
const MOST = 48;

export const cellKey = (column: number, row: number): string => `${column}/${row}`;

/** Lay the points out; `maximize` says which figure of a cell is its best. */
export function layHeat(points: readonly SweepPoint[], x: string, y: string, together: Together, maximize: boolean): Heat {
  const across = placesOf(points.map(({ parameters }) => parameters[x] ?? null));
  const down = placesOf(points.map(({ parameters }) => parameters[y] ?? null));
  const gathered = new Map<string, SweepPoint[]>();
  for (const point of points) {
    const key = cellKey(across.place(point.parameters[x] ?? null), down.place(point.parameters[y] ?? null));
    gathered.set(key, [...(gathered.get(key) ?? []), point]);
  }
  const cells = new Map<string, Cell>();
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [key, own] of gathered) {
    const values = own.flatMap(({ status, values: [value] }) => (status === "finished" && typeof value === "number" ? [value] : []));
    const value = values.length === 0 ? null : gather(values, together, maximize);
    cells.set(key, { value, points: own });
    if (value !== null) [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  return { columns: across.labels, rows: down.labels, cells, low, high };
}

function gather(values: readonly number[], together: Together, maximize: boolean): number {
  if (together === "mean") return values.reduce((sum, value) => sum + value, 0) / values.length;
  return (together === "best") === maximize ? Math.max(...values) : Math.min(...values);
}

/** The places of an axis: its values in order, or equal parts of the range where there are too many. */
function placesOf(values: readonly ParameterValue[]): { labels: string[]; place: (value: ParameterValue) => number } {
  const texts = [...new Set(values.map(String))];
  const numeric = values.every((value) => value !== null && typeof value !== "boolean" && Number.isFinite(Number(value)));
  if (numeric) texts.sort((a, b) => Number(a) - Number(b));
  if (!numeric || texts.length <= MOST) {
    const at = new Map(texts.map((text, index) => [text, index]));
    return { labels: texts, place: (value) => at.get(String(value)) ?? 0 };
  }
  const first = Number(texts[0]);
  const part = (Number(texts.at(-1)) - first) / MOST;
  return {
    labels: Array.from({ length: MOST }, (_, index) => `${Number((first + index * part).toPrecision(4))}…`),
    place: (value) => Math.min(MOST - 1, Math.floor((Number(value) - first) / part)),
  };
}
