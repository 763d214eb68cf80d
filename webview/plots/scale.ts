/** From figures to pixels: round levels for values, calendar levels for time. Pure. */

export interface Tick {
  readonly at: number;
  readonly label: string;
}

const DAY_MS = 86_400_000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Round levels between two values, 1, 2, 2.5 or 5 times a power of ten apart, at most about `most` of them. */
export function levels(low: number, high: number, most: number): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, index) => (first + index) * step);
}

/** Levels of a logarithmic axis: 1, 2 and 5 times each power of ten, or round levels where these are too few. */
export function logLevels(low: number, high: number, most: number): number[] {
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const factor of [1, 2, 5]) {
      const level = factor * 10 ** power;
      if (level >= low && level <= high) found.push(level);
    }
  return found.length >= 3 ? found : levels(low, high, most).filter((level) => level > 0);
}

/** Labelled instants between two: years, months, days or times of day, whichever are at most about `most`. Wall clocks in UTC. */
export function timeTicks(from: number, to: number, most: number): Tick[] {
  const span = to - from;
  const wanted = span / Math.max(1, most);
  if (!(span > 0)) return [];
  if (wanted >= 20 * DAY_MS) {
    const step = [1, 2, 3, 6, 12, 24, 60, 120, 240].find((months) => months * 28 * DAY_MS >= wanted) ?? 480;
    const ticks: Tick[] = [];
    const start = new Date(from);
    for (let month = Math.ceil((start.getUTCFullYear() * 12 + start.getUTCMonth()) / step) * step; ; month += step) {
      const at = Date.UTC(Math.floor(month / 12), month % 12, 1);
      if (at > to) return ticks;
      if (at >= from)
        ticks.push({ at, label: month % 12 === 0 ? String(month / 12) : `${MONTHS[month % 12]}${step < 12 ? "" : ` ${Math.floor(month / 12)}`}` });
    }
  }
  const step = [1, 5, 15, 30, 60, 180, 360, 720, 1440, 2880, 10_080].map((minutes) => minutes * 60_000).find((length) => length >= wanted) ?? 20_160 * 60_000;
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_, index) => {
    const at = (first + index) * step;
    const date = new Date(at);
    const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
    return { at, label: step >= DAY_MS || at % DAY_MS === 0 ? day : date.toISOString().slice(11, 16) };
  });
}

/** The lowest and the highest of some values and of levels that must be seen; a level line gets room around it. */
export function extent(series: readonly ArrayLike<number | null>[], also: readonly number[] = []): [number, number] {
  let low = Math.min(...also, Number.POSITIVE_INFINITY);
  let high = Math.max(...also, Number.NEGATIVE_INFINITY);
  for (const values of series)
    for (let index = 0; index < values.length; index++) {
      const value = values[index] ?? Number.NaN;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  return low === high ? [low - (Math.abs(low) / 100 || 1), high + (Math.abs(high) / 100 || 1)] : [low, high];
}
