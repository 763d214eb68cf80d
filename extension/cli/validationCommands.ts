/** `tino walk-forward`, `cross-validate`, `monte-carlo`, `look-ahead`, `honesty`, `validations`: from options to output. */
import { EXIT, TinoError } from "#contracts/catalogue";
import type { EngineLink } from "../client/engineLink.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { orAborted, withEngine } from "./session.ts";
import { StatusLine } from "./ui/statusLine.ts";
import { honestyText, validationProgressText, validationsText, validationText } from "./ui/validationText.ts";
import { type BacktestOptions, buildRequest, getStrategyFile } from "./verbs/backtest.ts";
import { findRunId } from "./verbs/runs.ts";
import { readObjective, readSearched, type ValidationRequestInput, validate } from "./verbs/validate.ts";
import { workspaceAround, workspaceOf } from "./workspace.ts";

export interface SearchOptions extends BacktestOptions {
  readonly where?: string;
  readonly objective: string;
  readonly method: "grid" | "random";
  readonly points?: number;
  readonly drawSeed: number;
  readonly workers?: number;
  readonly cluster?: string;
  readonly yes?: boolean;
  readonly train?: number;
  readonly test?: number;
  readonly step?: number;
  readonly purge?: number;
  readonly before?: number;
  readonly anchored?: boolean;
  readonly folds?: number;
  readonly testFolds?: number;
  readonly embargo?: number;
}

export interface PathOptions {
  readonly run: string;
  readonly bars?: boolean;
  readonly paths?: number;
  readonly method: "shuffle" | "bootstrap";
  readonly size: "fraction" | "fixed";
  readonly block: number;
  readonly ruin: number;
  readonly seed: number;
  readonly workers?: number;
  readonly cluster?: string;
}

export interface CheckOptions {
  readonly run: string;
  readonly cuts: number;
  readonly workers?: number;
}

export const performWalkForward = (context: Context, options: SearchOptions): Promise<number> =>
  search(context, options, "walk-forward", (searched) => ({
    kind: "walkForward",
    ...searched,
    ...given({ trainDays: options.train, testDays: options.test, stepDays: options.step, purgeDays: options.purge, warmUpDays: options.before }),
    anchored: options.anchored ?? false,
  }));

export const performCrossValidate = (context: Context, options: SearchOptions): Promise<number> =>
  search(context, options, "cross-validate", (searched) => ({
    kind: "crossValidation",
    ...searched,
    ...given({ folds: options.folds, testFolds: options.testFolds, purgeDays: options.purge, embargoDays: options.embargo }),
  }));

export const performMonteCarlo = (context: Context, options: PathOptions): Promise<number> =>
  withEngine(context, { workspace: workspaceAround(context.cwd) }, async (link) => {
    const run = await orAborted(findRunId(link, options.run), context.signal);
    const { seed, ruin, method, size, block } = options;
    const paths = given({ paths: options.paths });
    return judge(
      context,
      link,
      options.bars
        ? { kind: "barMonteCarlo", run, seed, ruin, block, ...paths, ...given({ workers: options.workers, cluster: options.cluster }) }
        : { kind: "tradeMonteCarlo", run, seed, ruin, method, size, ...paths },
    );
  });

/** The exit code says the verdict too: 0 unless it looks ahead. */
export const performLookAhead = (context: Context, { run, cuts, workers }: CheckOptions): Promise<number> =>
  withEngine(context, { workspace: workspaceAround(context.cwd) }, async (link) => {
    const id = await orAborted(findRunId(link, run), context.signal);
    return judge(context, link, { kind: "lookAhead", run: id, cuts, ...given({ workers }) });
  });

export const performHonesty = (context: Context, name: string): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const query = name.startsWith("sweep_") ? { sweep: name } : { run: await orAborted(findRunId(link, name), signal) };
    const honesty = await orAborted(link.call("getHonesty", { query }), signal);
    if (screen.json) screen.printJson(honesty);
    else screen.print(honestyText(honesty, screen));
    return EXIT.ok;
  });

export const performValidations = (context: Context, id: string | null): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal, place } = context;
    if (id !== null) {
      const listed = await orAborted(link.call("listValidations", { query: { limit: 1000 } }), signal);
      const found = listed.validations.find((each) => each.id === id || each.id.endsWith(id));
      const validation = await orAborted(link.call("getValidation", { path: { id: found?.id ?? id } }), signal);
      if (screen.json) screen.printJson(validation);
      else screen.print(validationText(validation, screen));
      return EXIT.ok;
    }
    const list = await orAborted(link.call("listValidations", { query: {} }), signal);
    if (screen.json) screen.printJson(list);
    else if (list.validations.length === 0) screen.print("No validations yet. `tino look-ahead` checks the last run, `tino walk-forward` a strategy.");
    else screen.print(validationsText(list.validations, screen, place.clock.now()));
    return EXIT.ok;
  });

type Common = Pick<
  Extract<ValidationRequestInput, { kind: "walkForward" }>,
  "backtest" | "dimensions" | "constraint" | "method" | "points" | "objective" | "seed" | "workers" | "cluster" | "confirmed"
>;

function search(context: Context, options: SearchOptions, verb: string, make: (searched: Common) => ValidationRequestInput): Promise<number> {
  const path = getStrategyFile(options.file, context.cwd);
  const { fixed, dimensions } = readSearched(options.param ?? [], verb);
  const objective = readObjective(options.objective, verb);
  return withEngine(context, { workspace: workspaceOf(path, context.cwd) }, async (link) => {
    const backtest = await orAborted(buildRequest(link, path, { ...options, param: fixed }), context.signal);
    const searched: Common = {
      backtest,
      dimensions: dimensions as Common["dimensions"],
      objective,
      method: options.method,
      seed: options.drawSeed,
      confirmed: options.yes ?? false,
      ...given({ constraint: options.where, points: options.points, workers: options.workers, cluster: options.cluster }),
    };
    return judge(context, link, make(searched));
  });
}

/** Do it with its progress in view. What only needs a yes is asked about; a cluster that is gone is replaced by this machine if wanted. */
async function judge(context: Context, link: EngineLink, request: ValidationRequestInput): Promise<number> {
  const { screen, signal } = context;
  const line = new StatusLine(screen);
  try {
    line.spin("Starting");
    const validation = await validate(link, request, signal, (progress) => line.show(validationProgressText(progress, screen, line.width)));
    line.clear();
    if (screen.json) screen.printJson(validation);
    else screen.print(validationText(validation, screen));
    return validation.result?.kind === "lookAhead" && validation.result.verdict === "cheats" ? EXIT.strategy : EXIT.ok;
  } catch (error) {
    line.clear();
    if (!screen.interactive || screen.json || !TinoError.is(error)) throw error;
    if (error.code === "sweep_large" && "confirmed" in request && !request.confirmed) {
      screen.fail(error);
      if (await confirm("Do it all the same? [y/N] ", signal)) return judge(context, link, { ...request, confirmed: true });
    } else if (error.code === "cluster_unreachable" && "cluster" in request) {
      screen.fail(error);
      if (await confirm("Run it on this machine instead? [y/N] ", signal)) return judge(context, link, { ...request, cluster: null });
    }
    throw error;
  } finally {
    line.clear();
  }
}

/** Without the keys whose value was not typed. */
const given = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
