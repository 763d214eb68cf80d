/**
 * A run of half a million bars and 22 000 orders, as the one who clicks waits for it, and how soon there is something to see.
 *
 * The clock starts when `startBacktest` is sent and stops when the event that the run is finished has arrived: its files are then complete under
 * their final name, and its record is committed. The floor is a script of NautilusTrader alone, the same strategy over the same Parquet
 * file, from the word to begin until it has run; its imports are done before, as the warm worker's are.
 */
import { join } from "node:path";
import { python } from "../engine.ts";
import { againstFloor, atMost, inTurns, least, median, type Row } from "../row.ts";
import { CROSSING, FOLDER, followRun, runCrossing, takeScript, untilWarm, withBars } from "../runs.ts";

const BARS = 500_000;

const RUN_TURNS = 5;
const MOST = 1.15;
const PROGRESS_TURNS = 9;
const MOST_PROGRESS_MS = 150;

export const rows: readonly Row[] = [
  {
    name: "backtest",
    goal: `≤ ${MOST}× NautilusTrader alone; ${BARS.toLocaleString("en")} bars, click → complete result on disk`,
    run: () =>
      withBars(BARS, async (rig, link) => {
        let orders = 0;
        const tino = async () => {
          const ran = await runCrossing(link, CROSSING);
          orders = ran.orders;
          return ran.elapsed;
        };
        const bare = async () => {
          // Without `-I`, which would hide the strategy that lies beside the script.
          const { elapsed, answer } = await takeScript(python(), ["-E", "-s", join(FOLDER, "bare_backtest.py"), join(rig.home, "data", "catalog")]);
          if (answer.orders !== orders || answer.bars !== BARS)
            throw new Error(`Not the same run: ${orders} orders in tino, ${JSON.stringify(answer)} without it.`);
          return elapsed;
        };
        const [value, floor] = await inTurns(RUN_TURNS, tino, bare, least);
        return againstFloor("ms", value, floor, MOST);
      }),
  },
  {
    name: "first progress",
    goal: `≤ ${MOST_PROGRESS_MS} ms; of that run, click → news that a bar is done`,
    run: () =>
      withBars(BARS, async (_rig, link) => {
        const times: number[] = [];
        for (let turn = 0; turn <= PROGRESS_TURNS; turn += 1) {
          await untilWarm(link);
          const started = performance.now();
          const run = await followRun(link, CROSSING, ({ progress }) => (progress?.barsDone ?? 0) > 0);
          if (turn > 0) times.push(performance.now() - started);
          await link.call("cancelRun", { path: { id: run.id } });
        }
        return atMost("ms", median(times), MOST_PROGRESS_MS);
      }),
  },
];
