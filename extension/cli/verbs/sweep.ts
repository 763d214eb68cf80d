/** Sweeps: from what was typed to points. */
import { type CallArgs, type Event, type Sweep, type SweepPoint, TinoError } from "#contracts";
import type { EngineLink } from "../../client/engineLink.ts";
import { type BacktestOptions, buildRequest } from "./backtest.ts";
import { readObjective, readSearched } from "./validate.ts";

export type SweepRequestInput = NonNullable<CallArgs<"startSweep">["body"]>;

export interface SweepOptions extends BacktestOptions {
  readonly where?: string;
  readonly objective?: string[];
  readonly method: "grid" | "random" | "tpe";
  readonly points?: number;
  readonly drawSeed: number;
  readonly prune?: boolean;
  readonly workers?: number;
  readonly cluster?: string;
  /** Gigabytes. */
  readonly memory?: number;
  readonly yes?: boolean;
  readonly top: number;
}

/** @throws what the engine says about the file, usage for an option that is not of its form */
export async function buildSweep(link: EngineLink, path: string, options: SweepOptions): Promise<SweepRequestInput> {
  const { fixed, dimensions } = readSearched(options.param ?? [], "sweep");
  const backtest = await buildRequest(link, path, { ...options, param: fixed });
  const objectives = (options.objective ?? ["sharpe"]).map((text) => readObjective(text, "sweep"));
  return {
    backtest,
    dimensions: dimensions as SweepRequestInput["dimensions"],
    constraint: options.where ?? null,
    method: options.method,
    points: options.points ?? null,
    objectives,
    seed: options.drawSeed,
    pruning: options.prune ?? false,
    workers: options.workers ?? null,
    cluster: options.cluster ?? null,
    memoryBytes: options.memory === undefined ? null : Math.round(options.memory * 1e9),
    confirmed: options.yes ?? false,
  };
}

const ENDED: readonly Sweep["status"][] = ["finished", "stopped", "interrupted", "failed"];

/**
 * Start or resume a sweep and stay with it to its end. Aborting the signal stops it; it can be resumed.
 * @returns the sweep as it ended, however
 */
export async function followSweep(link: EngineLink, start: () => Promise<Sweep>, signal: AbortSignal, onProgress: (sweep: Sweep) => void): Promise<Sweep> {
  let end: (sweep: Sweep) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const ended = new Promise<Sweep>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  ended.catch(() => undefined);
  let current: Sweep | null = null;
  const early: Event[] = [];
  const take = (event: Event) => {
    if (!current) early.push(event);
    else if (event.type === "sweep.changed" && event.sweep.id === current.id) hold(event.sweep);
    else if (event.type === "sweep.progressed" && event.id === current.id) {
      const { progress, best, plateau, stable, elapsedMs } = event;
      hold({ ...current, progress, best, plateau, stable, elapsedMs });
    }
  };
  const hold = (sweep: Sweep) => {
    current = sweep;
    if (ENDED.includes(sweep.status)) end(sweep);
    else onProgress(sweep);
  };
  const silence = link.listen({
    onEvent: take,
    // Another engine has recorded it as interrupted; the same one after a gap tells how it stands.
    onSnapshot: () => current && link.call("getSweep", { path: { id: current.id } }).then(hold, fail),
    onState: (state) => {
      if (state.kind === "failed") fail(state.error);
      if (state.kind === "stopped") fail(TinoError.of("sweep_interrupted"));
    },
  });
  const stop = () =>
    current && void link.call("stopSweep", { path: { id: current.id } }).catch((error) => !TinoError.is(error, "sweep_already_ended") && fail(error));
  try {
    hold(await start());
    for (const event of early) take(event);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    return await ended;
  } finally {
    signal.removeEventListener("abort", stop);
    silence();
  }
}

const PAGE = 5000;

/** Every point that has ended, by number. */
export async function listPoints(link: EngineLink, id: string): Promise<SweepPoint[]> {
  const points: SweepPoint[] = [];
  for (;;) {
    const after = points.at(-1)?.number ?? -1;
    const page = await link.call("listSweepPoints", { path: { id }, query: { after, limit: PAGE } });
    points.push(...page.points);
    if (!page.more) return points;
  }
}

/** Find the sweep that a user means: its id, any part of it that is unique, or `last`. @throws sweep_not_found, usage */
export async function findSweepId(link: EngineLink, reference: string): Promise<string> {
  const { sweeps } = await link.call("listSweeps", { query: { limit: reference === "last" ? 1 : 1000 } });
  const [first, second] = reference === "last" ? sweeps : sweeps.filter(({ id }) => id.includes(reference));
  if (!first) throw TinoError.of("sweep_not_found", { id: reference });
  if (second && first.id !== reference)
    throw TinoError.of("usage", { reason: `${reference} may be ${first.id} or ${second.id}; give more of the id.`, verb: "sweeps" });
  return first.id;
}
