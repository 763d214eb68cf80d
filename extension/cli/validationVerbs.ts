/** The verbs that judge results, their options and help. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Context } from "./context.ts";
import type { CheckOptions, PathOptions, SearchOptions } from "./validationCommands.ts";

interface Common {
  readonly json?: boolean;
}
type Verb = (name: string, description: string, end?: string) => Command;
type Perform = <O extends Common>(options: O, work: (context: Context, options: O) => Promise<number>) => Promise<void>;

/** Add them to the program: `verb` makes one, `perform` runs its work, `addBacktest` adds the options that say what is run. */
export function addValidationVerbs(verb: Verb, perform: Perform, addBacktest: (command: Command) => Command): void {
  const load = () => import("./validationCommands.ts");
  const searching = (command: Command) =>
    addBacktest(command)
      .option("--where <condition>", 'what every point must fulfil, such as "fast < slow"')
      .option("--objective <metric>", "what the best is chosen by, such as sharpe or maxDrawdown", "sharpe")
      .addOption(new Option("--method <method>", "every combination, or drawn at random").choices(["grid", "random"]).default("grid"))
      .option("--points <number>", "how many sets of parameters compete", readWhole)
      .option("--draw-seed <number>", "of the points that are drawn", readWhole, 42)
      .option("--workers <number>", "processes at most", readWhole)
      .option("--cluster <address>", "run on a Dask cluster, such as tcp://host:8786")
      .option("-y, --yes", "do not ask about many points");
  searching(verb("walk-forward", "Choose parameters on the past, test them on what follows, move on", WALK_END))
    .option("--train <days>", "days with bars to choose on", readWhole, 504)
    .option("--test <days>", "days to test on", readWhole, 126)
    .option("--step <days>", "from one window to the next; the length of a test without it", readWhole)
    .option("--purge <days>", "days left out between training and test", readWhole, 0)
    .option("--before <days>", "days before a test that the strategy sees first", readWhole, 60)
    .option("--anchored", "every training begins with the first day")
    .action((file: string, options: Common & Omit<SearchOptions, "file">) =>
      perform({ ...options, file }, async (context, chosen) => (await load()).performWalkForward(context, chosen)),
    );
  searching(verb("cross-validate", "Purged cross-validation: every part of the time tested by what was chosen on the rest", SEARCH_END))
    .option("--folds <number>", "parts of the time", readWhole, 8)
    .option("--test-folds <number>", "parts that are tested together", readWhole, 2)
    .option("--purge <days>", "days left out on both sides of a test", readWhole, 5)
    .option("--embargo <days>", "days left out after it besides", readWhole, 5)
    .action((file: string, options: Common & Omit<SearchOptions, "file">) =>
      perform({ ...options, file }, async (context, chosen) => (await load()).performCrossValidate(context, chosen)),
    );
  verb("monte-carlo", "What else could have happened: trades in another order, bars in other blocks", NAMED)
    .argument("[run]", "which run", "last")
    .option("--bars", "put its bars together anew from blocks and run the strategy on them, instead of drawing its trades")
    .option("--paths <number>", "how many; 2000 of trades, 100 of bars", readWhole)
    .addOption(
      new Option("--method <method>", "of trades: another order, or as many drawn with replacement").choices(["shuffle", "bootstrap"]).default("bootstrap"),
    )
    .addOption(new Option("--size <size>", "a trade counts as a share of equity, or as money").choices(["fraction", "fixed"]).default("fraction"))
    .option("--block <bars>", "mean length of a block of bars", readWhole, 20)
    .option("--ruin <share>", "share of the starting balance whose loss is ruin", Number, 0.5)
    .option("--seed <number>", "of what is drawn", readWhole, 42)
    .option("--workers <number>", "processes at most", readWhole)
    .option("--cluster <address>", "run on a Dask cluster, such as tcp://host:8786")
    .action((run: string, options: Common & Omit<PathOptions, "run">) =>
      perform({ ...options, run }, async (context, chosen) => (await load()).performMonteCarlo(context, chosen)),
    );
  verb("look-ahead", "Does it use the future? Repeats a run on data that end earlier and compares what was decided", NAMED)
    .argument("[run]", "which run", "last")
    .option("--cuts <number>", "how often", readWhole, 20)
    .option("--workers <number>", "processes at most", readWhole)
    .action((run: string, options: Common & Omit<CheckOptions, "run">) =>
      perform({ ...options, run }, async (context, chosen) => (await load()).performLookAhead(context, chosen)),
    );
  verb("honesty", "Is it luck? The Sharpe ratio against its length and the number of trials before it", `${NAMED}\nA sweep is named by its whole id.`)
    .argument("[result]", "a run or a sweep", "last")
    .action((result: string, options: Common) => perform(options, async (context) => (await load()).performHonesty(context, result)));
  verb("validations", "List walk-forwards, cross-validations, Monte Carlo and look-ahead checks, or show one")
    .argument("[id]", "show this one")
    .action((id: string | undefined, options: Common) => perform(options, async (context) => (await load()).performValidations(context, id ?? null)));
}

function readWhole(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0) throw new InvalidArgumentError("It must be a whole number.");
  return number;
}

const NAMED = "\nA run is named by its id, by any part of it that is unique, or by `last`.";
const SEARCH_END = `
A parameter with a range (fast=5:50:5) or values (slow=20,50,100) competes, one with a single value is fixed.
Ctrl-C cancels.`;
const WALK_END = `${SEARCH_END}

Example:
  tino walk-forward examples/strategies/ema_cross.py -s AAPL.XNAS -p fast=5:20:5 -p slow=20,40,80 --where "fast < slow"`;
