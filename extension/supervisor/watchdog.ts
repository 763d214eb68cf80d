/**
 * When an engine is given up.
 *
 * ENDED AGAIN AND AGAIN. Three ends within two minutes are no accident: a fourth start would fail too, and hide the reason in a log
 * that grows by the second.
 *
 * HANGING. An engine that answers nothing for ten seconds is replaced. Before that it is asked once more, because the silence may have
 * been ours: after a suspend or a stop our own ticks had a gap, and what it sent has not been read yet. Who it is was read while it was
 * found, so it is also ended when its record was deleted since: it would keep its clients waiting, and all others out. It gets no SIGTERM: the loop that
 * would take it hangs, and one that came to itself in that instant would end in order, as if its user had wanted that. By then it has
 * left the stacks of its threads for the log (`tino_engine/supervision/hang.py`).
 */
import type { Clock } from "./clock.ts";
import { HEALTH_TIMEOUT_MS, probeHealth } from "./health.ts";
import type { Place } from "./place.ts";
import { livenessOf, mayBeSignalled, type ProcessRecord } from "./processIdentity.ts";

/** How long an engine may answer nothing. */
export const HANG_MS = 10_000;

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

/** Ask an engine once more that answered nothing, and end it if it still does not. Gives whether it was ended. */
export async function endHung(place: Place, engine: ProcessRecord & { readonly port: number }, signal?: AbortSignal): Promise<boolean> {
  const { paths, processes, log } = place;
  if (livenessOf(processes, engine) !== "alive") return false;
  const probe = await probeHealth(paths, engine.port, HEALTH_TIMEOUT_MS, signal);
  if (probe.kind !== "silent" || !mayBeSignalled(processes, engine)) return false;
  log("error", "supervisor", "engine_hangs", { enginePid: engine.pid });
  return processes.signal(engine.pid, "SIGKILL");
}
