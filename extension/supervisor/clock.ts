/** The one place that reads time and waits for supervision and client, so that a test can turn it. */
import { setTimeout as delay } from "node:timers/promises";

export interface Clock {
  /** Milliseconds since the epoch; may step either way, so only for people to read. */
  now(): number;
  /** Milliseconds of a clock that never steps; differences only. */
  monotonic(): number;
  /** Wait; rejects with the signal's reason when that is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Call again and again without keeping the process alive; the returned function ends it. */
  every(ms: number, tick: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    }
  },
  every(ms, tick) {
    const timer = setInterval(tick, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** A look that comes later than this after the one before it: the machine slept, or we were stopped, and the other side with us. */
const LONGEST_STEP_MS = 3_000;

/**
 * How long somebody is waited for, counted from look to look. A gap between two looks counts as one step at most, so that waking up
 * does not mean that everybody else is late.
 */
export class Patience {
  readonly #clock: Clock;
  readonly #ms: number;
  #spent = 0;
  #last: number;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
    this.#last = clock.monotonic();
  }

  /** Whether it is used up; to be asked at each look. */
  get isOver(): boolean {
    const now = this.#clock.monotonic();
    this.#spent += Math.min(now - this.#last, LONGEST_STEP_MS);
    this.#last = now;
    return this.#spent >= this.#ms;
  }

  /** Begin anew: there was progress. */
  renew(): void {
    this.#spent = 0;
    this.#last = this.#clock.monotonic();
  }
}
