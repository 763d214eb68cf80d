/**
 * How much two processes speed up a sweep of 200 points, against how much they speed up NautilusTrader alone on the same points: with the bars in
 * memory, an engine for each point, half of the points in each process.
 */
import { join } from "node:path";
import { type Sweep, SweepRequest } from "#contracts";
import type { EngineLink } from "../../extension/client/engineLink.ts";
import { python } from "../engine.ts";
import type { Row } from "../row.ts";
import { CROSSING, FOLDER, takeScript, withBars } from "../runs.ts";

const BARS = 10_000;
const POINTS = 200;
const LEAST = 0.85;
const DIMENSIONS = [
  { name: "fast", from: 2, to: 21, step: 1 },
  { name: "slow", from: 25, to: 34, step: 1 },
];

export const rows: readonly Row[] = [
  {
    name: "sweep",
    goal: `≥ ${LEAST}× the floor: speed-up by a second process, ${POINTS} points over ${BARS.toLocaleString("en")} bars, the floor is NautilusTrader's`,
    run: () =>
      withBars(BARS, async (rig, link) => {
        const catalog = join(rig.home, "data", "catalog");
        // The first sweep of an engine starts its processes; so does each floor, before its word to begin.
        await sweep(link, 2, 0);
        const value = (await sweep(link, 1, 1)) / (await sweep(link, 2, 2));
        const floor = (await bare(catalog, 1)) / (await bare(catalog, 2));
        return { value, unit: "×", floor, ratio: value / floor, ok: value / floor >= LEAST };
      }),
  },
];

/** A whole sweep, in milliseconds. Another seed of the venue is another result: nothing is known from the sweep before. */
async function sweep(link: EngineLink, workers: number, seed: number): Promise<number> {
  const body = SweepRequest.parse({ backtest: { ...CROSSING, venue: { ...CROSSING.venue, seed } }, dimensions: DIMENSIONS, workers });
  const heard = new Map<string, Sweep>();
  let tell = () => {};
  const stop = link.listen({
    onEvent: (event) => {
      if (event.type !== "sweep.changed") return;
      heard.set(event.sweep.id, event.sweep);
      tell();
    },
  });
  try {
    const started = performance.now();
    const { id } = await link.call("startSweep", { body });
    const ended = await new Promise<Sweep>((resolve) => {
      tell = () => {
        const sweep = heard.get(id);
        if (sweep && sweep.status !== "queued" && sweep.status !== "running") resolve(sweep);
      };
      tell();
    });
    const elapsed = performance.now() - started;
    if (ended.status !== "finished" || ended.progress.done !== POINTS) throw new Error(`The sweep is ${ended.status} after ${ended.progress.done} points.`);
    return elapsed;
  } finally {
    stop();
  }
}

/** The points in so many processes of NautilusTrader alone: until the last of them has answered. */
async function bare(catalog: string, parts: number): Promise<number> {
  const ran = await Promise.all(
    Array.from({ length: parts }, (_, part) => takeScript(python(), ["-E", "-s", join(FOLDER, "bare_sweep.py"), catalog, String(part), String(parts)])),
  );
  return Math.max(...ran.map(({ elapsed }) => elapsed));
}
