/**
 * Schedules: what happens to the clients of one user and to their engine, and when. Made from a seed alone, so that the seed of a
 * schedule that failed plays the same actions at the same distances again.
 *
 * A schedule begins with a crowd at the same instant. Then single actions follow, many of them without any distance, because races
 * live there. It knows which places are taken, so that each action has somebody to happen to. Whether a client has got anywhere by
 * then is left to the machine, except before most ends of an engine: a schedule that kills before there is anything to kill shows nothing.
 */

/** `tino` is the shipped terminal program itself. */
export type Kind = "window" | "terminal" | "tino";

/** Before it is asked to end, or right after it said that it will. */
export type Stop = "before" | "after";

export type Action = { readonly afterMs: number } & (
  | { readonly do: "start"; readonly slot: number; readonly as: Kind }
  /** As its user closes it: a window disposes, a terminal leaves. */
  | { readonly do: "leave"; readonly slot: number }
  | { readonly do: "kill"; readonly slot: number }
  | { readonly do: "pause"; readonly slot: number; readonly ms: number }
  /** A window goes and comes again at once, in another process. */
  | { readonly do: "reload"; readonly slot: number }
  | { readonly do: "backtest"; readonly slot: number }
  /** `any`: whichever engine process there is, also one that is just starting; otherwise the one that is announced. */
  | { readonly do: "killEngine"; readonly any: boolean }
  | { readonly do: "pauseEngine"; readonly ms: number }
  /** The engine that somebody uses stops for good: its clients have to find that out, and end it. */
  | { readonly do: "hangEngine" }
  /** `tino down --force` by a process of its own, of an engine that stops at that instant. */
  | { readonly do: "force"; readonly stops: Stop; readonly resumesMs: number | null }
  /** The engine is killed, and a process that is nobody's business has its PID and its port, or port and record before any client can look. */
  | { readonly do: "reusePid"; readonly unseen: boolean }
  | { readonly do: "deleteRun" }
  /** Go on when somebody, or everybody, has got to an engine, however slow the machine is: what follows then really happens to it. */
  | { readonly do: "untilLive"; readonly everybody: boolean }
);

export interface Schedule {
  readonly seed: number;
  readonly actions: readonly Action[];
  /** How each of those that are left at the end goes. */
  readonly ends: readonly ("leave" | "kill")[];
}

/** Ends of the engine in one schedule: a third within two minutes would rightly be taken for a crash loop. */
const MOST_ENDS = 2;
const LONGEST_GAP_MS = 700;
const LONGEST_PAUSE_MS = 1_500;
/** One schedule in five has one of these, since they take as long as an engine is waited for. */
const TEMPTATIONS = ["hangEngine", "before", "after", "reusePid"] as const;
const TEMPTED = 0.2;
/** A forced end sends SIGTERM about two and five seconds after such a stop, SIGKILL three later: on both sides of that, or never. */
const RESUMES_MS = { before: [1_000, 3_500, null, null], after: [2_000, 6_500, null, null] };

/** Make the schedule of a seed. */
export function makeSchedule(seed: number, clients: number): Schedule {
  const random = randomOf(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(choices: readonly T[]): T => choices[below(choices.length)] as T;
  const kindOf = (): Kind => (random() < 0.12 ? "tino" : random() < 0.55 ? "window" : "terminal");
  const taken = new Map<number, Kind>();
  const actions: Action[] = [];
  const gap = () => (random() < 0.35 ? 0 : Math.round(random() ** 2 * LONGEST_GAP_MS));
  const start = (slot: number, afterMs: number) => {
    const as = kindOf();
    taken.set(slot, as);
    actions.push({ do: "start", slot, as, afterMs });
  };

  const crowd = 1 + below(clients);
  for (let slot = 0; slot < crowd; slot += 1) start(slot, 0);
  if (random() < 0.6) actions.push({ do: "untilLive", everybody: false, afterMs: 0 });
  const temptation = random() < TEMPTED ? pick(TEMPTATIONS) : null;
  const temptedAt = below(2 * clients);
  let ends = temptation === null ? 0 : 1;
  for (let step = 0; step < 2 * clients; step += 1) {
    if (temptation !== null && step === temptedAt) {
      if (![...taken.values()].some((kind) => kind !== "tino")) {
        taken.set(clients, "window");
        actions.push({ do: "start", slot: clients, as: "window", afterMs: 0 });
      }
      actions.push({ do: "untilLive", everybody: random() < 0.6, afterMs: gap() });
      if (temptation === "hangEngine") actions.push({ do: temptation, afterMs: 0 });
      else if (temptation === "reusePid") actions.push({ do: temptation, unseen: random() < 0.5, afterMs: 0 });
      else actions.push({ do: "force", stops: temptation, resumesMs: pick(RESUMES_MS[temptation]), afterMs: 0 });
    }
    const free = Array.from({ length: clients }, (_, slot) => slot).filter((slot) => !taken.has(slot));
    const slots = [...taken.keys()];
    const ours = slots.filter((slot) => taken.get(slot) !== "tino");
    const windows = slots.filter((slot) => taken.get(slot) === "window");
    const afterMs = gap();
    const dice = random();
    if (dice < 0.26) {
      if (free.length > 0) start(pick(free), afterMs);
    } else if (dice < 0.38) {
      if (slots.length === 0) continue;
      const slot = pick(slots);
      taken.delete(slot);
      actions.push({ do: "leave", slot, afterMs });
    } else if (dice < 0.52) {
      if (slots.length === 0) continue;
      const slot = pick(slots);
      taken.delete(slot);
      actions.push({ do: "kill", slot, afterMs });
    } else if (dice < 0.62) {
      if (slots.length > 0) actions.push({ do: "pause", slot: pick(slots), ms: 50 + below(LONGEST_PAUSE_MS), afterMs });
    } else if (dice < 0.7) {
      if (windows.length > 0) actions.push({ do: "reload", slot: pick(windows), afterMs });
    } else if (dice < 0.79) {
      // Often three at once: there is a worker for each of two, and what waits in the queue has to survive too.
      for (const _ of random() < 0.5 ? [0, 1, 2] : [0]) if (ours.length > 0) actions.push({ do: "backtest", slot: pick(ours), afterMs });
    } else if (dice < 0.95 && ends < MOST_ENDS) {
      ends += 1;
      const any = random() < 0.3;
      if (!any && ours.length > 0) actions.push({ do: "untilLive", everybody: random() < 0.6, afterMs });
      actions.push({ do: "killEngine", any, afterMs });
    } else if (dice < 0.98) {
      actions.push({ do: "pauseEngine", ms: 50 + below(LONGEST_PAUSE_MS), afterMs });
    } else if (ends < MOST_ENDS && temptation === null) {
      ends += 1;
      actions.push({ do: "deleteRun", afterMs });
    }
  }
  return { seed, actions, ends: Array.from({ length: clients }, () => (random() < 0.5 ? "leave" : "kill")) };
}

/** Mulberry32: small, well spread, the same everywhere. Gives numbers from 0 to 1. */
export function randomOf(seed: number): () => number {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
