/**
 * Who was an engine, and from when until when: seen from outside, by the kernel's process table, and from inside, by the engines' log.
 *
 * An engine says in its log that it is healthy: from that instant it may write. Until when it lives, the kernel says: its process is
 * looked at again and again, and a process that was seen alive was alive until then. Two engines overlap when one was
 * healthy before the other was last seen. The ledger is the second witness (`judge.ts`): it shows who wrote when.
 */
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { systemProcesses } from "../../extension/supervisor/processes.ts";
import { livenessOf } from "../../extension/supervisor/processIdentity.ts";

const LOOK_MS = 20;

export interface EngineLife {
  readonly pid: number;
  readonly instance: string;
  readonly healthyAt: number;
  /** The last instant at which the process was certainly there. */
  readonly seenAt: number;
}

export class Witness {
  readonly #log: string;
  readonly #lives = new Map<string, EngineLife & { readonly startId: string | null }>();
  readonly #watched: Promise<void>;
  #over = false;
  #read = 0;

  constructor(log: string) {
    this.#log = log;
    this.#watched = this.#watch();
  }

  /** Healthy engines so far, in order. */
  get lives(): EngineLife[] {
    return [...this.#lives.values()].sort((a, b) => a.healthyAt - b.healthyAt);
  }

  /** Look a last time and give all lives. */
  async close(): Promise<EngineLife[]> {
    this.#over = true;
    await this.#watched;
    this.#look();
    return this.lives;
  }

  async #watch(): Promise<void> {
    for (; !this.#over; await delay(LOOK_MS)) this.#look();
  }

  #look(): void {
    for (const { pid, instance, ts } of this.#news()) {
      const at = Date.parse(ts);
      if (!this.#lives.has(instance)) this.#lives.set(instance, { pid, instance, healthyAt: at, seenAt: at, startId: systemProcesses.look(pid).startId });
    }
    for (const life of this.#lives.values()) {
      if (life.startId === null) continue;
      const asked = Date.now();
      const alive = livenessOf(systemProcesses, { pid: life.pid, startId: life.startId, bootId: null }) === "alive";
      this.#lives.set(life.instance, alive ? { ...life, seenAt: Math.max(life.seenAt, asked) } : { ...life, startId: null });
    }
  }

  /** Whole new lines that say that an engine is healthy. The log of a schedule never grows to where it rotates. */
  #news(): { pid: number; instance: string; ts: string }[] {
    if (!existsSync(this.#log)) return [];
    const text = readFileSync(this.#log).subarray(this.#read).toString("utf8");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    this.#read += Buffer.byteLength(whole);
    return whole
      .split("\n")
      .filter((line) => line.includes('"event": "healthy"'))
      .map((line) => JSON.parse(line));
  }
}

/** Pairs of engines that were there at the same time. */
export function overlapsOf(lives: readonly EngineLife[]): [EngineLife, EngineLife][] {
  return lives.flatMap((one, index) =>
    lives.slice(index + 1).flatMap((other) => (other.healthyAt < one.seenAt ? [[one, other] as [EngineLife, EngineLife]] : [])),
  );
}
