/**
 * Lines drawn with characters: eight dots a cell in Braille, so that a chart of 60 × 10 cells has 120 × 40 points. Where the terminal
 * has no Braille, one asterisk a cell.
 */
import { day } from "../format.ts";
import { cellsOf, pad, type Screen } from "../output.ts";

export interface ChartOptions {
  /** Whole size with its axes, in cells. */
  readonly width: number;
  readonly height: number;
  /** Text of a value on the axis. */
  readonly label: (value: number) => string;
  /** A level to be marked, such as the starting balance. */
  readonly baseline?: number;
}

interface Grid {
  readonly dotsAcross: number;
  readonly dotsDown: number;
  readonly draw: (dots: boolean[][], column: number, row: number) => string;
}

const BRAILLE: Grid = {
  dotsAcross: 2,
  dotsDown: 4,
  draw(dots, column, row) {
    let bits = 0;
    for (const [x, y, bit] of BRAILLE_BITS) if (dots[4 * row + y]?.[2 * column + x]) bits |= bit;
    return bits === 0 ? " " : String.fromCharCode(0x2800 + bits);
  },
};
const BRAILLE_BITS = [
  [0, 0, 0x01],
  [0, 1, 0x02],
  [0, 2, 0x04],
  [1, 0, 0x08],
  [1, 1, 0x10],
  [1, 2, 0x20],
  [0, 3, 0x40],
  [1, 3, 0x80],
] as const;
const PLAIN: Grid = { dotsAcross: 1, dotsDown: 1, draw: (dots, column, row) => (dots[row]?.[column] ? "*" : " ") };

/** A line over time with its axes, one string for each row. Fewer than two points or a size too small to read give no lines. */
export function lineChart(
  times: ArrayLike<number>,
  values: ArrayLike<number>,
  options: ChartOptions,
  { paint, unicode }: Pick<Screen, "paint" | "unicode">,
): string[] {
  const grid = unicode ? BRAILLE : PLAIN;
  const rows = options.height - 2;
  const [low, high] = padded(extent(values, options.baseline));
  if (times.length < 2 || rows < 3 || low === null || high === null) return [];
  const ticks = ticksOf(low, high, Math.max(2, Math.floor(rows / 2.5)));
  const bottom = Math.min(low, ticks[0] ?? low);
  const top = Math.max(high, ticks.at(-1) ?? high);
  const labels = ticks.map(options.label);
  const margin = Math.max(...labels.map(cellsOf));
  const columns = options.width - margin - 2;
  if (columns < 10) return [];

  const dots = rasterize(times, values, columns * grid.dotsAcross, rows * grid.dotsDown, bottom, top);
  const rowOf = (value: number) => Math.min(rows - 1, Math.max(0, Math.round(((top - value) / (top - bottom || 1)) * (rows - 1))));
  const labelled = new Map(ticks.map((tick, index) => [rowOf(tick), labels[index] as string]));
  const baseline = options.baseline === undefined ? -1 : rowOf(options.baseline);
  const axis = unicode ? { tick: "┤", line: "│", corner: "└", floor: "─", mark: "┄" } : { tick: "+", line: "|", corner: "+", floor: "-", mark: "." };

  const lines = Array.from({ length: rows }, (_, row) => {
    const cells = Array.from({ length: columns }, (_, column) => grid.draw(dots, column, row));
    const label = labelled.get(row);
    const body = runs(cells).map(({ blank, text }) => (blank ? (row === baseline ? paint("dim", axis.mark.repeat(text.length)) : text) : paint("cyan", text)));
    return `${paint("dim", pad(label ?? "", margin, "right"))} ${paint("dim", label ? axis.tick : axis.line)}${body.join("")}`.trimEnd();
  });
  const floor = `${" ".repeat(margin)} ${paint("dim", axis.corner + axis.floor.repeat(columns))}`;
  return [...lines, floor, `${" ".repeat(margin + 2)}${paint("dim", timeAxis(times[0] as number, times[times.length - 1] as number, columns))}`];
}

const BLOCKS = "▁▂▃▄▅▆▇█";
const PLAIN_BLOCKS = "_.-=+*%#";

/** A small picture of a series in one row of text. */
export function sparkline(values: readonly number[], width: number, unicode: boolean): string {
  const [low, high] = extent(values);
  if (low === null || high === null) return "";
  const blocks = unicode ? BLOCKS : PLAIN_BLOCKS;
  const size = Math.min(width, values.length);
  return Array.from({ length: size }, (_, index) => {
    const value = values[Math.round((index * (values.length - 1)) / Math.max(1, size - 1))] as number;
    return blocks[Math.round(((value - low) / (high - low || 1)) * (blocks.length - 1))];
  }).join("");
}

/** `██████░░░░`: how much of something is done. */
export function bar(share: number, width: number, unicode: boolean): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return unicode ? "█".repeat(full) + "░".repeat(width - full) : "#".repeat(full) + ".".repeat(width - full);
}

/** Every column shows the whole stretch of its values, from the last column's end on, so that no spike is lost and the line is closed. */
function rasterize(times: ArrayLike<number>, values: ArrayLike<number>, width: number, height: number, bottom: number, top: number): boolean[][] {
  const dots = Array.from({ length: height }, () => new Array<boolean>(width).fill(false));
  const first = times[0] as number;
  const span = (times[times.length - 1] as number) - first || 1;
  const yOf = (value: number) => Math.round(((top - value) / (top - bottom || 1)) * (height - 1));
  let lastX = 0;
  let lastY = yOf(values[0] as number);
  for (let index = 0; index < times.length; index += 1) {
    const value = values[index] as number;
    if (!Number.isFinite(value)) continue;
    const x = Math.round((((times[index] as number) - first) / span) * (width - 1));
    const y = yOf(value);
    const steps = Math.max(1, x - lastX);
    for (let step = 1; step <= steps; step += 1) {
      const from = lastY + Math.round(((step - 1) / steps) * (y - lastY));
      const to = lastY + Math.round((step / steps) * (y - lastY));
      for (let row = Math.min(from, to); row <= Math.max(from, to); row += 1) (dots[row] as boolean[])[Math.min(x, lastX + step)] = true;
    }
    lastX = x;
    lastY = y;
  }
  return dots;
}

function runs(cells: readonly string[]): { blank: boolean; text: string }[] {
  const found: { blank: boolean; text: string }[] = [];
  for (const cell of cells) {
    const last = found.at(-1);
    if (last && last.blank === (cell === " ")) last.text += cell;
    else found.push({ blank: cell === " ", text: cell });
  }
  return found;
}

function extent(values: ArrayLike<number>, also?: number): [number | null, number | null] {
  let low = also ?? Number.POSITIVE_INFINITY;
  let high = also ?? Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] as number;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return Number.isFinite(low) && Number.isFinite(high) ? [low, high] : [null, null];
}

/** A level line runs through the middle. */
const padded = ([low, high]: [number | null, number | null]): [number | null, number | null] =>
  low !== null && low === high ? [low - (Math.abs(low) / 100 || 1), low + (Math.abs(low) / 100 || 1)] : [low, high];

/** Round levels: 1, 2, 2.5 or 5 times a power of ten apart. */
function ticksOf(low: number, high: number, most: number): number[] {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const ticks: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) ticks.push(tick);
  return ticks.length > 0 ? ticks : [low];
}

function timeAxis(first: number, last: number, width: number): string {
  const size = day(first).length;
  const labels = Math.max(2, Math.min(5, Math.floor(width / (size + 8))));
  let line = "";
  for (let index = 0; index < labels; index += 1) {
    const share = index / (labels - 1);
    const start = Math.round(share * (width - size));
    line = `${pad(line, start)}${day(first + share * (last - first))}`;
  }
  return line;
}
