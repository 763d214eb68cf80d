/** What a row of `npm run bench` is, and how its figures are taken. */
export interface Figure {
  readonly value: number;
  readonly unit: string;
  /** The same work done by the least that could do it, measured in the same run; null where there is nothing to compare with. */
  readonly floor: number | null;
  /** Value over floor; null without a floor. Only ratios may be compared between machines. */
  readonly ratio: number | null;
  readonly ok: boolean;
}

export interface Row {
  readonly name: string;
  /** For people: what `ok` means. */
  readonly goal: string;
  /** Throws a plain Error, whose message people read, when something it needs is not there. */
  run(): Promise<Figure>;
}

/** Judge a value by its ratio to a floor. */
export function againstFloor(unit: string, value: number, floor: number, most: number): Figure {
  return { value, unit, floor, ratio: value / floor, ok: value / floor <= most };
}

/** Judge a value by itself; a floor is shown where there is one. */
export function atMost(unit: string, value: number, most: number, floor: number | null = null): Figure {
  return { value, unit, floor, ratio: floor === null ? null : value / floor, ok: value <= most };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? (sorted[Math.floor(middle)] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Milliseconds that something takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

export const least = (values: readonly number[]): number => Math.min(...values);

/**
 * Take two figures in turns, so that whatever else the machine does meets both, and give one of each: the median, or the least where a turn is
 * so long that something always comes between. A first pair is thrown away: it pays for cold caches.
 */
export async function inTurns(
  times: number,
  first: () => Promise<number>,
  second: () => Promise<number>,
  choose: (values: readonly number[]) => number = median,
): Promise<[number, number]> {
  const firsts: number[] = [];
  const seconds: number[] = [];
  for (let turn = 0; turn <= times; turn += 1) {
    const pair = [await first(), await second()] as const;
    if (turn === 0) continue;
    firsts.push(pair[0]);
    seconds.push(pair[1]);
  }
  return [choose(firsts), choose(seconds)];
}
