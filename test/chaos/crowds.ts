/**
 * Crowds: many clients that start in the same instant, again and again; windows that reload, one after the other and at once. Both ask one
 * question: is there always one engine, and the same.
 */
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { Rig, type Running, until } from "../rig.ts";
import type { Report } from "./client.ts";
import { enginesOf, startClient } from "./play.ts";
import { randomOf } from "./schedule.ts";

export interface CrowdOutcome {
  /** Rounds, or reloads. */
  readonly done: number;
  /** What was not as it has to be, in words. */
  readonly findings: readonly string[];
  readonly elapsedMs: number;
}

const LONGEST_GAP_MS = 300;
/** A crowd that starts at once has to share a machine that may be busy already. */
const PATIENCE_MS = 120_000;

/** Clients that wait for a word and then all connect; the engine of a round is gone before the next one. */
export async function storm(clients: number, rounds: number, onRound: (round: number) => void = () => undefined): Promise<CrowdOutcome> {
  const since = performance.now();
  const findings: string[] = [];
  const rig = new Rig({ engine: "real" });
  try {
    const crowd = await Promise.all(Array.from({ length: clients }, async () => new Listener(await startClient(rig, "waiting"))));
    for (let round = 1; round <= rounds; round += 1) {
      for (const client of crowd) client.tell("go");
      await until(
        () => crowd.every((client) => client.engine !== null),
        () => `round ${round}: not live: ${crowd.flatMap((client) => (client.engine === null ? JSON.stringify(client.reports.at(-1)) : [])).join(" ")}`,
        PATIENCE_MS,
      );
      const engines = new Set(crowd.map((client) => client.engine));
      if (engines.size !== 1) findings.push(`round ${round}: ${engines.size} engines for ${clients} clients`);
      await until(
        () => enginesOf(rig).length === 1,
        () => `round ${round}: engines ${enginesOf(rig).join(", ")}`,
        PATIENCE_MS,
      );
      for (const client of crowd) client.tell("rest");
      await until(
        () => enginesOf(rig).length === 0 && crowd.every((client) => client.engine === null),
        () => `round ${round}: the engine does not end`,
        PATIENCE_MS,
      );
      onRound(round);
    }
  } finally {
    await rig.close();
  }
  return { done: rounds, findings, elapsedMs: performance.now() - since };
}

/** Windows that reload: each goes, one in four by SIGKILL, and a process of its own comes in its place within moments. */
export async function reloads(count: number, windows: number, seed: number, onReload: (done: number) => void = () => undefined): Promise<CrowdOutcome> {
  const since = performance.now();
  const findings: string[] = [];
  const random = randomOf(seed);
  const rig = new Rig({ engine: "real", env: { TINO_WINDOW_GRACE_MS: "30000" } });
  try {
    let engine: string | null = null;
    let done = 0;
    let left = count;
    const come = async () => {
      const window = new Listener(await startClient(rig, "window"));
      await until(
        () => window.engine !== null,
        () => `a window is not live: ${window.reports.map((report) => JSON.stringify(report)).join(" ")}`,
        PATIENCE_MS,
      );
      engine ??= window.engine;
      if (window.engine !== engine) findings.push(`after ${done} reloads the engine is ${window.engine}, it was ${engine}`);
      return window;
    };
    let first: Listener | null = await come();
    await Promise.all(
      Array.from({ length: windows }, async () => {
        let window = first ?? (await come());
        first = null;
        while (left > 0) {
          left -= 1;
          if (random() < 0.25) window.running.process.kill("SIGKILL");
          else window.tell("leave");
          await window.running.finished;
          await delay(random() * LONGEST_GAP_MS);
          window = await come();
          done += 1;
          onReload(done);
        }
      }),
    );
    return { done, findings, elapsedMs: performance.now() - since };
  } finally {
    await rig.close();
  }
}

/** A client and the engine that it is live with, by PID and instance; null while it is with none. */
class Listener {
  readonly running: Running;
  readonly reports: Report[] = [];

  constructor(running: Running) {
    this.running = running;
    createInterface({ input: running.process.stdout as NodeJS.ReadableStream }).on("line", (line) => this.reports.push(JSON.parse(line)));
  }

  get engine(): string | null {
    const last = this.reports.findLast((report) => "state" in report || "left" in report);
    return last && "state" in last && last.state === "live" ? `${last.pid} ${last.instance}` : null;
  }

  tell(command: string): void {
    this.running.process.stdin?.write(`${command}\n`);
  }
}
