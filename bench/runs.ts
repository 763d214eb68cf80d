/** Runs for the benches: generated bars in a home of their own, the crossing of two averages over them, and scripts that do the same without tino. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { BacktestRequest, type Event, type RunSummary } from "#contracts";
import type { EngineLink } from "../extension/client/engineLink.ts";
import type { Rig } from "../test/rig.ts";
import { connect, python, ROOT, withHome } from "./engine.ts";

export const FOLDER = join(ROOT, "bench");
/** A run of `ema_flip.py` over all bars. */
export const CROSSING = BacktestRequest.parse({ path: join(FOLDER, "ema_flip.py"), symbols: ["BENCH.XNAS"], cache: false });

/** The spare says to nobody outside the engine that it is ready. It is when its memory stands still. */
const LOOK_MS = 100;
const LOOKS = 6;

/** An engine whose catalog holds so many one-minute bars. */
export function withBars<T>(bars: number, work: (rig: Rig, link: EngineLink) => Promise<T>): Promise<T> {
  return withHome(async (rig) => {
    execFileSync(python(), ["-I", join(FOLDER, "data.py"), rig.home, String(bars)], { stdio: ["ignore", "ignore", "inherit"] });
    const link = await connect(rig, [FOLDER]);
    try {
      return await work(rig, link);
    } finally {
      await link.leave();
    }
  });
}

/** One whole run with a warm spare: milliseconds from the request to the news that its result is complete, and what came of it. */
export async function runCrossing(link: EngineLink, request: BacktestRequest): Promise<{ elapsed: number; orders: number; profit: number }> {
  await untilWarm(link);
  const started = performance.now();
  const run = await followRun(link, request, ({ status }) => status !== "queued" && status !== "running");
  const elapsed = performance.now() - started;
  const { result } = await link.call("getRun", { path: { id: run.id } });
  const profit = result?.metrics.netProfit;
  if (run.status !== "finished" || !result || typeof profit !== "number") throw new Error(`The run is ${run.status}: ${run.error?.message}`);
  return { elapsed, orders: result.outcome.orders, profit };
}

/** Start the run and give it as it was when it became what was waited for. Nothing is missed: events that outrun the reply are kept. */
export async function followRun(link: EngineLink, request: BacktestRequest, reached: (run: RunSummary) => boolean): Promise<RunSummary> {
  const heard: Event[] = [];
  let take = (event: Event) => void heard.push(event);
  const stop = link.listen({ onEvent: (event) => take(event) });
  try {
    let run = await link.call("startBacktest", { body: request });
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

export async function untilWarm(link: EngineLink): Promise<void> {
  for (let same = 0, before = 0; same < LOOKS; ) {
    await delay(LOOK_MS);
    const { children } = await link.call("getEngine");
    const memory = children.find(({ role }) => role === "spare")?.memoryBytes ?? 0;
    same = memory > 0 && memory === before ? same + 1 : 0;
    before = memory;
  }
}

/** What a script says of its run; `peak` is its peak of resident memory in bytes. */
export interface ScriptAnswer {
  readonly bars: number;
  readonly orders: number;
  readonly profit?: number;
  readonly peak?: number;
}

/** Have a script prepare, then run it by one line: milliseconds from that line to its answer, and the answer. */
export async function takeScript(program: string, args: readonly string[]): Promise<{ elapsed: number; answer: ScriptAnswer }> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk) => (said = `${said}${chunk}`.slice(-2_000)));
  const ended = once(child, "exit").then(([code, signal]) => {
    throw new Error(`${args.at(-2)} ended (${signal ?? code}) before it had answered: ${said}`);
  });
  const lines = createInterface({ input: child.stdout });
  const answer = async () => ((await Promise.race([once(lines, "line"), ended])) as [string])[0];
  try {
    await answer();
    const started = performance.now();
    child.stdin.end("begin\n");
    const text = await answer();
    return { elapsed: performance.now() - started, answer: JSON.parse(text) as ScriptAnswer };
  } finally {
    child.kill("SIGKILL");
    await ended.catch(() => undefined);
  }
}
