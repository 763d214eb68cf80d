/** One backtest: from what was typed to a finished run. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import {
  type Adjustment,
  BacktestRequest,
  type Parameter,
  type ParameterValue,
  type Run,
  type RunProgress,
  type RunSummary,
  type StrategyChoice,
  TinoError,
} from "#contracts";
import type { EngineLink } from "../../client/engineLink.ts";
import { readVenue, type VenueOptions } from "./venue.ts";

/** What was typed; undefined where nothing was. */
export interface BacktestOptions extends VenueOptions {
  readonly file: string;
  readonly class?: string | undefined;
  readonly symbol?: string[] | undefined;
  readonly barType?: string[] | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly param?: string[] | undefined;
  readonly adjustment?: Adjustment | undefined;
  /** A number of bars, or `auto`. */
  readonly warmUp?: string | undefined;
  readonly perSymbol?: boolean | undefined;
  /** Further strategies: `file.py:Class name=value …`. */
  readonly with?: string[] | undefined;
  readonly ticks?: string[] | undefined;
  /** Run on faultless data or not at all. */
  readonly strict?: boolean | undefined;
  /** False: run it, even if an equal run's result is stored. */
  readonly cache?: boolean | undefined;
}

/** The strategy's file, absolute. Checked here, so that a typing mistake starts no engine. @throws strategy_file_not_found */
export function getStrategyFile(file: string, cwd: string): string {
  const path = resolve(cwd, file);
  if (!existsSync(path)) throw TinoError.of("strategy_file_not_found", { path: file });
  return path;
}

/**
 * Make the request; parameters are read by the strategy's own schema, so that `--param fast=10` is a number where one is wanted.
 * @throws what the engine says about the file, usage for an option that is not of its form
 */
export async function buildRequest(link: EngineLink, path: string, options: BacktestOptions): Promise<BacktestRequest> {
  if (!options.symbol?.length && !options.barType?.length)
    throw TinoError.of("usage", { reason: "On which data? Name it with --symbol or --bar-type.", verb: "backtest" });
  const strategies = await Promise.all((options.with ?? []).map((text) => readStrategy(link, text)));
  const request = BacktestRequest.safeParse({
    path,
    name: options.class ?? null,
    symbols: options.symbol ?? [],
    barTypes: options.barType ?? [],
    from: options.from ?? null,
    to: options.to ?? null,
    parameters: await readParameters(link, path, options.class ?? null, options.param ?? []),
    strategies,
    perSymbol: options.perSymbol ?? false,
    ticks: options.ticks ?? [],
    ...(options.warmUp !== undefined && { warmUp: options.warmUp === "auto" ? null : Number(options.warmUp || Number.NaN) }),
    ...(options.adjustment && { adjustment: options.adjustment }),
    venue: readVenue(options, "backtest"),
    ...(options.cache === false && { cache: false }),
  });
  if (request.success) return request.data;
  const issue = request.error.issues[0];
  const option = OPTION_NAMES[issue?.path.join(".") ?? ""] ?? issue?.path.join(".") ?? "";
  throw TinoError.of("usage", { reason: `${option} is not of its form.`, verb: "backtest" });
}

const OPTION_NAMES: Record<string, string> = {
  from: "--from (a day such as 2005-01-31)",
  to: "--to (a day such as 2013-12-31)",
  warmUp: "--warm-up (a number of bars such as 200, or auto)",
};

/** Hears of a run on its way. */
export interface RunListener {
  readonly onStarted: (run: RunSummary) => void;
  readonly onProgress: (run: RunSummary, progress: RunProgress) => void;
}

/**
 * Start it and wait for its end. Aborting the signal cancels the run.
 * @returns the finished run
 * @throws what the run failed with; run_cancelled, run_interrupted
 */
export const runBacktest = (link: EngineLink, request: BacktestRequest, signal: AbortSignal, listener: RunListener): Promise<Run> =>
  followRun(link, () => link.call("startBacktest", { body: request }), signal, listener);

/** Wait for the end of a run that `start` starts; as {@link runBacktest}. */
export async function followRun(link: EngineLink, start: () => Promise<RunSummary>, signal: AbortSignal, { onStarted, onProgress }: RunListener): Promise<Run> {
  const ended = new RunWatch(link, onProgress);
  try {
    const started = await start();
    onStarted(started);
    const cancel = () => void link.call("cancelRun", { path: { id: started.id } }).catch((error) => ended.fail(error));
    if (signal.aborted) cancel();
    signal.addEventListener("abort", cancel, { once: true });
    const run = await ended.of(started);
    signal.removeEventListener("abort", cancel);
    if (run.status === "finished") return await link.call("getRun", { path: { id: run.id } });
    if (run.error) throw new TinoError(run.error);
    throw TinoError.of(run.status === "interrupted" ? "run_interrupted" : "run_cancelled");
  } finally {
    ended.close();
  }
}

/**
 * Follows one run through the link's events. It listens before the run is started, so nothing that happens between the reply and the
 * first look is missed; an engine that was replaced meanwhile tells the run's end in its snapshot.
 */
class RunWatch {
  readonly #seen = new Map<string, RunSummary>();
  readonly #ended: Promise<RunSummary>;
  readonly #stop: () => void;
  #resolve: (run: RunSummary) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #id: string | null = null;

  constructor(link: EngineLink, onProgress: RunListener["onProgress"]) {
    this.#ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // It may fail before anybody waits for it; whoever does then gets the failure.
    this.#ended.catch(() => undefined);
    this.#stop = link.listen({
      onSnapshot: (snapshot) => {
        for (const run of snapshot.runs) this.#take(run);
      },
      onEvent: (event) => {
        if (event.type === "run.changed") this.#take(event.run);
        if (event.type !== "run.progressed" || event.id !== this.#id) return;
        const run = this.#seen.get(event.id);
        if (run) onProgress(run, event.progress);
      },
      onState: (state) => {
        if (state.kind === "failed") this.fail(state.error);
        if (state.kind === "stopped") this.fail(TinoError.of("run_interrupted"));
      },
    });
  }

  /** The run as it ended. */
  of(run: RunSummary): Promise<RunSummary> {
    this.#id = run.id;
    this.#take(this.#seen.get(run.id) ?? run);
    return this.#ended;
  }

  fail(error: unknown): void {
    this.#reject(error);
  }

  close(): void {
    this.#stop();
  }

  #take(run: RunSummary): void {
    this.#seen.set(run.id, run);
    if (run.id === this.#id && run.status !== "queued" && run.status !== "running") this.#resolve(run);
  }
}

/** `file.py:Class name=value …`; the file relative to where the command runs. */
async function readStrategy(link: EngineLink, text: string): Promise<StrategyChoice> {
  const [target = "", ...given] = text.trim().split(/\s+/);
  const match = /^(.+?)(?::([A-Za-z_]\w*))?$/.exec(target);
  const path = getStrategyFile(match?.[1] ?? target, process.cwd());
  const name = match?.[2] ?? null;
  return { path, name, symbols: [], barTypes: [], parameters: await readParameters(link, path, name, given) };
}

/** Read by the strategy's own schema, which is asked for only where there is something to read. */
async function readParameters(link: EngineLink, path: string, name: string | null, texts: readonly string[]): Promise<Record<string, ParameterValue>> {
  if (texts.length === 0) return {};
  const { parameters } = await link.call("getStrategySchema", { query: { path, name } });
  const read = (key: string, text: string) =>
    readParameter(
      parameters.find((parameter) => parameter.name === key),
      text,
    );
  return Object.fromEntries(texts.map(splitParameter).map(([key, text]) => [key, read(key, text)]));
}

function splitParameter(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw TinoError.of("usage", { reason: `--param ${text} is not of the form name=value.`, verb: "backtest" });
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

/** Text to the value its kind asks for. What does not fit stays text, and the engine says what was expected. */
function readParameter(parameter: Parameter | undefined, text: string): ParameterValue {
  if (parameter?.nullable && /^(none|null)$/i.test(text)) return null;
  switch (parameter?.kind) {
    case "integer":
      return /^[+-]?[0-9][0-9_]*$/.test(text) ? Number(text.replaceAll("_", "")) : text;
    case "number":
      return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
    case "boolean":
      return /^(true|yes|on|1)$/i.test(text) ? true : /^(false|no|off|0)$/i.test(text) ? false : text;
    case "instruments":
    case "barTypes":
      return text.split(",").map((part) => part.trim());
    default:
      return text;
  }
}
