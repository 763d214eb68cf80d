/**
 * How often an engine may end before clients stop to start it again. Three ends within two minutes are no accident: a fourth
 * start would fail too, and hide the reason in a log that grows by the second.
 */
import type { Clock } from "./clock.ts";

const CRASH_LIMIT = 3;
export const CRASH_WINDOW_MS = 120_000;

export class EndCounter {
  readonly #clock: Clock;
  #ends: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Note one unexpected end. */
  record(): void {
    this.#ends.push(this.#clock.monotonic());
  }

  /** Ends within the window. */
  get count(): number {
    const since = this.#clock.monotonic() - CRASH_WINDOW_MS;
    this.#ends = this.#ends.filter((at) => at > since);
    return this.#ends.length;
  }

  /** Whether another start is refused. */
  get looping(): boolean {
    return this.count >= CRASH_LIMIT;
  }

  /** The user asked to try again. */
  clear(): void {
    this.#ends = [];
  }
}
