/** The verbs about sweeps, their options and help. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Context } from "./context.ts";
import type { SweepOptions } from "./verbs/sweep.ts";

interface Common {
  readonly json?: boolean;
}
type Verb = (name: string, description: string, end?: string, parent?: Command) => Command;
type Perform = <O extends Common>(options: O, work: (context: Context, options: O) => Promise<number>) => Promise<void>;

/** Add them to the program: `verb` makes one, `perform` runs its work, `addBacktest` adds the options that say what is run. */
export function addSweepVerbs(verb: Verb, perform: Perform, addBacktest: (command: Command) => Command): void {
  const load = () => import("./sweepCommands.ts");
  const top = (command: Command) => command.option("--top <number>", "how many of the best points to show", readWhole, 10);
  const sweep = top(addBacktest(verb("sweep", "Try many parameters over the same data", SWEEP_END)))
    .option("--where <condition>", 'what every point must fulfil, such as "fast < slow"')
    .option("--objective <metric>", "what the best is chosen by, such as sharpe or fees:minimize; again for a Pareto front", collect)
    .addOption(new Option("--method <method>", "every combination, drawn at random, or Optuna's TPE").choices(["grid", "random", "tpe"]).default("grid"))
    .option("--points <number>", "how many points; all of a grid, 100 of the others without it", readWhole)
    .option("--prune", "end points early that are worse than the median")
    .option("--draw-seed <number>", "of the order and of what is drawn", readWhole, 42)
    .option("--workers <number>", "processes at most", readWhole)
    .option("--cluster <address>", "run on a Dask cluster, such as tcp://host:8786")
    .option("--memory <gigabytes>", "what they may take together; half of what is free without it", readNumber)
    .option("-y, --yes", "do not ask about many points")
    .action((file: string, options: Common & Omit<SweepOptions, "file">) =>
      perform({ ...options, file }, async (context, chosen) => (await load()).performSweep(context, chosen)),
    );
  top(verb("resume", "Go on with a sweep; points that have ended are not run again", NAMED, sweep))
    .argument("[sweep]", "which sweep", "last")
    .action((name: string, options: Common & { top: number }) =>
      perform(options, async (context, chosen) => (await load()).performResume(context, name, chosen)),
    );
  verb("stop", "Stop a sweep; it can be resumed", NAMED, sweep)
    .argument("[sweep]", "which sweep", "last")
    .action((name: string, options: Common) => perform(options, async (context) => (await load()).performStop(context, name)));
  top(verb("show", "Show the best points of a sweep", NAMED, sweep))
    .argument("[sweep]", "which sweep", "last")
    .action((name: string, options: Common & { top: number }) =>
      perform(options, async (context, chosen) => (await load()).performShowSweep(context, name, chosen)),
    );
  verb("delete", "Forget a sweep and its points", NAMED, sweep)
    .argument("<sweep>", "which sweep")
    .action((name: string, options: Common) => perform(options, async (context) => (await load()).performDeleteSweep(context, name)));
  verb("sweeps", "List sweeps, newest first")
    .option("-n, --limit <number>", "how many", readWhole, 20)
    .action((options: Common & { limit: number }) => perform(options, async (context, chosen) => (await load()).performSweeps(context, chosen)));
}

const collect = (value: string, previous: string[] = []): string[] => [...previous, value];

function readWhole(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError("It must be a whole number.");
  return number;
}

function readNumber(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError("It must be a number above 0.");
  return number;
}

const NAMED = "\nA sweep is named by its id, by any part of it that is unique, or by `last`.";
const SWEEP_END = `
--param fast=5:50:5 is a range with a step, slow=20,50,100 are values, size=3 is fixed.
Ctrl-C stops it; what has ended stays.

Example:
  tino sweep examples/strategies/ema_cross.py --symbol AAPL.XNAS \\
    --param fast=5:50:5 --param slow=20,50,100 --where "fast < slow"`;
