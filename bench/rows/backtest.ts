/**
 * A run of half a million bars and 22 000 orders, as the one who clicks waits for it, and how soon there is something to see.
 *
 * The clock starts when `startBacktest` is sent and stops when the event that the run is finished has arrived: its files are then complete under
 * their final name, and its record is committed. The floor is a script of NautilusTrader alone, the same strategy over the same Parquet
 * file, from the word to begin until it has run; its imports are done before, as the warm worker's are.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { BacktestRequest, type Event, type RunSummary } from "#contracts";
import type { EngineLink } from "../../extension/client/engineLink.ts";
import type { Rig } from "../../test/rig.ts";
import { connect, python, ROOT, withHome } from "../engine.ts";
import { againstFloor, atMost, inTurns, least, median, type Row } from "../row.ts";

const BARS = 500_000;
const FOLDER = join(ROOT, "bench");
const REQUEST = BacktestRequest.parse({ path: join(FOLDER, "ema_flip.py"), symbols: ["BENCH.XNAS"] });

const RUN_TURNS = 5;
const MOST = 1.15;
const PROGRESS_TURNS = 9;
const MOST_PROGRESS_MS = 150;

/** The spare says to nobody outside the engine that it is ready. It is when its memory stands still. */
const LOOK_MS = 100;
const LOOKS = 6;

export const rows: readonly Row[] = [
  {
    name: "backtest",
    goal: `≤ ${MOST}× NautilusTrader alone; ${BARS.toLocaleString("en")} bars, click → complete result on disk`,
    run: () =>
      withBars(async (rig, link) => {
        let orders = 0;
        const tino = async () => {
          await untilWarm(link);
          const started = performance.now();
          const run = await followRun(link, ({ status }) => status !== "queued" && status !== "running");
          const elapsed = performance.now() - started;
          if (run.status !== "finished") throw new Error(`The run is ${run.status}: ${run.error?.message}`);
          orders = (await link.call("getRun", { path: { id: run.id } })).result?.outcome.orders ?? 0;
          return elapsed;
        };
        const bare = async () => {
          const { elapsed, ran } = await runBare(join(rig.home, "data", "catalog"));
          if (ran.orders !== orders || ran.bars !== BARS) throw new Error(`Not the same run: ${orders} orders in tino, ${JSON.stringify(ran)} without it.`);
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
      withBars(async (_rig, link) => {
        const times: number[] = [];
        for (let turn = 0; turn <= PROGRESS_TURNS; turn += 1) {
          await untilWarm(link);
          const started = performance.now();
          const run = await followRun(link, ({ progress }) => (progress?.barsDone ?? 0) > 0);
          if (turn > 0) times.push(performance.now() - started);
          await link.call("cancelRun", { path: { id: run.id } });
        }
        return atMost("ms", median(times), MOST_PROGRESS_MS);
      }),
  },
];

/** An engine whose catalog holds the bars. */
function withBars<T>(work: (rig: Rig, link: EngineLink) => Promise<T>): Promise<T> {
  return withHome(async (rig) => {
    execFileSync(python(), ["-I", join(FOLDER, "data.py"), rig.home, String(BARS)], { stdio: ["ignore", "ignore", "inherit"] });
    const link = await connect(rig, [FOLDER]);
    try {
      return await work(rig, link);
    } finally {
      await link.leave();
    }
  });
}

/** Start the run and give it as it was when it became what was waited for. Nothing is missed: events that outrun the reply are kept. */
async function followRun(link: EngineLink, reached: (run: RunSummary) => boolean): Promise<RunSummary> {
  const heard: Event[] = [];
  let take = (event: Event) => void heard.push(event);
  const stop = link.listen({ onEvent: (event) => take(event) });
  try {
    let run = await link.call("startBacktest", { body: REQUEST });
    return await new Promise((resolve) => {
      take = (event) => {
        if (event.type === "run.changed" && event.run.id === run.id) run = event.run;
        else if (event.type === "run.progressed" && event.id === run.id) run = { ...run, progress: event.progress };
        else return;
        if (reached(run)) resolve(run);
      };
      for (const event of heard) take(event);
    });
  } finally {
    stop();
  }
}

async function untilWarm(link: EngineLink): Promise<void> {
  for (let same = 0, before = 0; same < LOOKS; ) {
    await delay(LOOK_MS);
    const { children } = await link.call("getEngine");
    const memory = children.find(({ role }) => role === "spare")?.memoryBytes ?? 0;
    same = memory > 0 && memory === before ? same + 1 : 0;
    before = memory;
  }
}

/** Run the script; the time from its word to begin to its answer. */
async function runBare(catalog: string): Promise<{ elapsed: number; ran: { orders: number; bars: number } }> {
  // Without `-I`, which would hide the strategy that lies beside the script.
  const child = spawn(python(), ["-E", "-s", join(FOLDER, "bare_backtest.py"), catalog], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit").then(([code, signal]) => {
    throw new Error(`The script ended (${signal ?? code}) before it had answered.`);
  });
  const lines = createInterface({ input: child.stdout });
  const answer = async () => ((await Promise.race([once(lines, "line"), ended])) as [string])[0];
  try {
    await answer();
    const started = performance.now();
    child.stdin.end("begin\n");
    const text = await answer();
    return { elapsed: performance.now() - started, ran: JSON.parse(text) };
  } finally {
    child.kill("SIGKILL");
    await ended.catch(() => undefined);
  }
}
