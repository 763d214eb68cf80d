/** The verbs of `tino`, their options and help; each loads what it needs when it is chosen. */
import { styleText } from "node:util";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { EXIT, TinoError } from "#contracts/catalogue";
import type { ActionOptions, FundamentalsOptions } from "./catalogCommands.ts";
import type { Context } from "./context.ts";
import type { performImport } from "./dataCommands.ts";
import { addImportOptions } from "./dataOptions.ts";
import { addRunVerbs } from "./runVerbs.ts";
import { addSweepVerbs } from "./sweepVerbs.ts";
import { addValidationVerbs } from "./validationVerbs.ts";
import { addVenueOptions } from "./venueOptions.ts";
import type { BacktestOptions } from "./verbs/backtest.ts";
import type { DownloadOptions } from "./verbs/download.ts";

/** Runs a verb; gives the exit code. */
type Perform<O> = (context: Context, options: O) => Promise<number>;
/** Builds the context when the verb's options are known. */
export type BuildContext = (json: boolean) => Context;

interface Common {
  readonly json?: boolean;
}

/** Parse, perform, give the exit code. @throws what the verb throws; usage for an option or verb that is not one */
export async function run(argv: readonly string[], version: string, build: BuildContext): Promise<number> {
  let code: number = EXIT.ok;
  const perform = async <O extends Common>(options: O, work: Perform<O>) => {
    code = await work(build(options.json ?? false), options);
  };
  const program = new Command("tino")
    .description("Algorithmic trading: write a strategy in Python, backtest it, look at the result.\nWithout a verb: starts the engine and shows what it does.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand(false)
    .option("--json", "print the engine's state as JSON, and leave")
    .option("--port <number>", "port of an engine that is started now; a free one without it", readPort)
    .showSuggestionAfterError()
    .configureOutput({ writeErr: () => undefined })
    .configureHelp({ styleTitle: (title) => styleText("bold", title), subcommandTerm: termOf })
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText("after", HELP_END);
  const verb = (name: string, description: string, end = "", parent: Command = program) =>
    parent
      .command(name)
      .description(description)
      .helpOption("-h, --help", "show help")
      .allowExcessArguments(false)
      .addOption(new Option("--json", "print the result as JSON"))
      .addHelpText("after", end);

  verb("demo", "Import the sample data and backtest the example strategy on it")
    .option("--port <number>", "port of an engine that is started now", readPort)
    .action((options: Common & { port?: number }) => perform(options, async (context, chosen) => (await import("./actions.ts")).performDemo(context, chosen)));
  verb("status", "Show who runs the engine and who uses it; starts nothing", "\nExit code 0 when an engine runs, 5 when none does.").action((options: Common) =>
    perform(options, async (context) => (await import("./statusCommand.ts")).runStatus(context)),
  );
  verb("up", "Start the engine, or attach to it, and stay", "\nThe engine lives while somebody uses it: this terminal holds it until you leave.")
    .option("--port <number>", "port of an engine that is started now", readPort)
    .action((options: Common & { port?: number }) => perform(options, async (context, chosen) => (await import("./actions.ts")).performUp(context, chosen)));
  verb("down", "End the engine", "\nWithout --force an engine that others use stays, and the answer says who they are.\nTraders go on in either case.")
    .option("--force", "end it although others use it; runs under way are interrupted")
    .action((options: Common & { force?: boolean }) =>
      perform(options, async (context, chosen) => (await import("./actions.ts")).performDown(context, chosen)),
    );
  const addBacktest = (command: Command) =>
    addVenueOptions(
      command
        .argument("<file>", "the strategy's Python file")
        .option("-s, --symbol <id>", "instrument, such as AAPL.XNAS; again for more", collect)
        .option("--bar-type <type>", "bar type, such as AAPL.XNAS-1-DAY-LAST-EXTERNAL; again for more", collect)
        .option("--from <day>", "first day, such as 2005-01-31; the start of the data without it")
        .option("--to <day>", "last day, inclusive; the end of the data without it")
        .option("-p, --param <name=value>", "parameter of the strategy's config; again for more", collect)
        .option("--class <name>", "strategy class, when the file holds more than one")
        .addOption(new Option("--adjustment <kind>", "how prices are adjusted").choices(["none", "splits", "splitsAndDividends"]))
        .option("--warm-up <bars>", "bars fed before the first day, orders withheld; auto: as many as the indicators need")
        .option("--per-symbol", "an instance of the strategy for each symbol, in one portfolio")
        .option("--with <strategy>", 'a further strategy in the same portfolio, such as "other.py:Class fast=5"; again for more', collect)
        .addOption(new Option("--ticks <kind>", "stored ticks to feed too; again for both").choices(["quotes", "trades"]).argParser(collect)),
    );
  addBacktest(verb("backtest", "Run a strategy over stored data", BACKTEST_END))
    .option("--no-cache", "run it even if the result of an equal run is stored")
    .option("--strict", "refuse data that may spoil the result, instead of a warning")
    .action((file: string, options: Common & Omit<BacktestOptions, "file">) =>
      perform({ ...options, file }, async (context, chosen) => (await import("./actions.ts")).performBacktest(context, chosen)),
    );
  verb("runs", "List backtests, newest first")
    .option("-n, --limit <number>", "how many", readCount, 20)
    .option("--strategy <class>", "only those of this strategy class")
    .option("--tag <tag>", "only those with this tag")
    .option("--pinned", "only those that are pinned")
    .action((options: Common & { limit: number; strategy?: string; tag?: string; pinned?: boolean }) =>
      perform(options, async (context, chosen) => (await import("./actions.ts")).performRuns(context, chosen)),
    );
  verb("show", "Show one backtest: equity, figures, what they rest on", "\nA run is named by its id, by any part of it that is unique, or by `last`.")
    .argument("[run]", "which run", "last")
    .option("--trades", "list its trades")
    .option("--orders", "list its orders")
    .option("--log", "print what the strategy logged")
    .option("--assumptions", "say everything the figures rest on")
    .action((run: string, options: Common & { trades?: boolean; orders?: boolean; log?: boolean; assumptions?: boolean }) =>
      perform({ ...options, run }, async (context, chosen) => (await import("./actions.ts")).performShow(context, chosen)),
    );
  addRunVerbs(verb, perform);
  addSweepVerbs(verb, perform, addBacktest);
  addValidationVerbs(verb, perform, addBacktest);
  verb("open", "Open the dashboard in the browser", "\nThe address works once and for a short time. It stays in this terminal until the page holds the engine.")
    .argument("[target]", "backtest, runs, data, a run's id, or `last`", "backtest")
    .option("--print", "print the address and open nothing")
    .action((target: string, options: Common & { print?: boolean }) =>
      perform({ ...options, target }, async (context, chosen) => (await import("./actions.ts")).performOpen(context, chosen)),
    );
  verb("logs", "Show the log of the engine and its clients; works without an engine")
    .option("-f, --follow", "go on with what is written from now on")
    .option("-n, --lines <number>", "how many of the last records", readCount, 50)
    .option("--component <name>", "only this component, such as supervision or backtest")
    .addOption(new Option("--level <level>", "the lowest level").choices(["debug", "info", "warning", "error"]).default("debug"))
    .action((options: Common & { follow?: boolean; lines: number; component?: string; level: "debug" | "info" | "warning" | "error" }) =>
      perform(options, async (context, chosen) => (await import("./actions.ts")).performLogs(context, chosen)),
    );
  const data = verb("data", "Import, list, show and remove market data; without a verb: list")
    .helpCommand(false)
    .configureHelp({ subcommandTerm: termOf })
    .action((options: Common) => perform(options, async (context) => (await import("./dataCommands.ts")).performList(context)));
  const dataVerb = (name: string, description: string, end = "") => verb(name, description, end, data);
  const importing = dataVerb("import", "Import files of bars", DATA_IMPORT_END);
  addImportOptions(importing).action((files: string[], options: Common & Parameters<typeof performImport>[2]) =>
    perform(options, async (context, chosen) =>
      (await import("./dataCommands.ts")).performImport(context, files, chosen, importing.getOptionValueSource("header") === "cli"),
    ),
  );
  dataVerb("download", "Download from a provider into the catalog", DATA_DOWNLOAD_END)
    .argument("<symbol...>", "symbols as the provider writes them, such as BTC/USDT")
    .requiredOption("-p, --provider <name>", "such as binance, kraken, yahoo, databento, tardis; `tino providers` lists them")
    .requiredOption("--from <day>", "first day, such as 2024-01-31")
    .option("--to <day>", "last day, inclusive; today without it")
    .option("--step <step>", "length of a bar, such as 1-MINUTE, 1-HOUR or 1-DAY")
    .addOption(new Option("--kind <kind>", "what to download").choices(["bars", "trades", "quotes", "deltas"]).default("bars"))
    .option("--refresh", "fetch again what was fetched before")
    .action((symbols: string[], options: Common & DownloadOptions) =>
      perform(options, async (context, chosen) => (await import("./providerCommands.ts")).performDownload(context, symbols, chosen)),
    );
  dataVerb("catalog", "Show where the catalog lives, or move it to an object store or back", DATA_CATALOG_END)
    .argument("[uri]", "such as s3://bucket/prefix")
    .option("--local", "bring it back to this machine")
    .option("--free", "remove local copies of what the store has")
    .action((uri: string | undefined, options: Common & { local?: boolean; free?: boolean }) =>
      perform(options, async (context, chosen) => (await import("./providerCommands.ts")).performCatalog(context, uri, chosen)),
    );
  dataVerb("list", "List the stored series").action((options: Common) =>
    perform(options, async (context) => (await import("./dataCommands.ts")).performList(context)),
  );
  dataVerb("show", "Show what is stored of an instrument, with the last bars")
    .argument("<symbol>", "instrument, symbol or bar type")
    .action((name: string, options: Common) => perform(options, async (context) => (await import("./dataCommands.ts")).performShowData(context, name)));
  dataVerb("check", "Look for gaps, spikes, unexplained splits and other faults", "\nWith --strict the exit code is 6 when anything is at least a warning.")
    .argument("[symbol]", "instrument, symbol or @watchlist; all without it")
    .option("--strict", "fail when something is wrong")
    .action((symbol: string | undefined, options: Common & { strict?: boolean }) =>
      perform(options, async (context, chosen) => (await import("./catalogCommands.ts")).performCheck(context, symbol ?? null, chosen)),
    );
  dataVerb("actions", "List, set, remove and import splits and dividends", DATA_ACTIONS_END)
    .argument("[symbol]", "instrument; needed to set and remove")
    .option("--split <day=ratio>", "set a split, such as 2020-08-31=4:1; again for more", collect)
    .option("--dividend <day=amount>", "set a dividend a share, such as 2020-08-07=0.82; again for more", collect)
    .option("--remove <kind=day>", "remove one, such as split=2020-08-31; again for more", collect)
    .option("--import <file>", "take in a CSV file; again for more", collect)
    .action((symbol: string | undefined, options: Common & ActionOptions) =>
      perform(options, async (context, chosen) => (await import("./catalogCommands.ts")).performActions(context, symbol ?? null, chosen)),
    );
  dataVerb("resample", "Store a series at a coarser step", "\nExample:\n  tino data resample AAPL.XNAS-1-DAY-LAST-EXTERNAL --to 1-WEEK")
    .argument("<series>", "bar type, or an instrument with a single series")
    .requiredOption("--to <step>", "such as 5-MINUTE, 1-DAY, 1-WEEK or 1-MONTH")
    .action((series: string, options: Common & { to: string }) =>
      perform(options, async (context, chosen) => (await import("./catalogCommands.ts")).performResample(context, series, chosen.to)),
    );
  dataVerb("watchlist", "List, make, change and remove watchlists; @name stands for one wherever a symbol may", DATA_WATCHLIST_END)
    .argument("[name]", "which list")
    .argument("[symbol...]", "instruments that it is to hold")
    .option("--add", "add them to the list instead of replacing it")
    .option("--remove", "remove them from the list; without any: the list")
    .action((name: string | undefined, symbols: string[], options: Common & { add?: boolean; remove?: boolean }) =>
      perform(options, async (context, chosen) => (await import("./catalogCommands.ts")).performWatchlist(context, name ?? null, symbols, chosen)),
    );
  dataVerb("fundamentals", "Show and import figures of companies, point in time", DATA_FUNDAMENTALS_END)
    .argument("[symbol]", "instrument")
    .option("--field <name>", "only this figure")
    .option("--as-of <day>", "as they were known on this day; every version without it")
    .option("--import <file>", "take in a CSV or Parquet file; again for more", collect)
    .option("--lag-days <number>", "days until figures of a file without that column were known", readCount)
    .action((symbol: string | undefined, options: Common & FundamentalsOptions) =>
      perform(options, async (context, chosen) => (await import("./catalogCommands.ts")).performFundamentals(context, symbol ?? null, chosen)),
    );
  dataVerb("sample", "Bring sample data into the catalog")
    .addArgument(new Argument("[which]", "five US stocks as traded, or closes of 20 stocks of the S&P 500").choices(["usStocks", "sp500"]).default("usStocks"))
    .action((which: "usStocks" | "sp500", options: Common) =>
      perform(options, async (context) => (await import("./catalogCommands.ts")).performSample(context, which)),
    );
  dataVerb("remove", "Remove series; asks before it does", "\nRuns keep their results. Without a terminal it needs --yes.")
    .argument("<symbol...>", "instruments, symbols or bar types")
    .option("-y, --yes", "do not ask")
    .action((names: string[], options: Common & { yes?: boolean }) =>
      perform(options, async (context, chosen) => (await import("./dataCommands.ts")).performRemove(context, names, chosen)),
    );
  verb("providers", "List providers of market data, or show one", PROVIDERS_END)
    .argument("[name]", "such as binance or yahoo")
    .option("--search <text>", "find symbols of this provider")
    .action((name: string | undefined, options: Common & { search?: string }) =>
      perform(options, async (context, chosen) => (await import("./providerCommands.ts")).performProviders(context, name, chosen)),
    );
  const keys = verb("keys", "List, set and remove keys of providers; without a verb: list")
    .helpCommand(false)
    .configureHelp({ subcommandTerm: termOf })
    .action((options: Common) => perform(options, async (context) => (await import("./providerCommands.ts")).performKeys(context)));
  verb("list", "List the keys that are set; never their values", "", keys).action((options: Common) =>
    perform(options, async (context) => (await import("./providerCommands.ts")).performKeys(context)),
  );
  verb("set", "Keep a key in the system's keychain", KEYS_SET_END, keys)
    .argument("<provider>", "such as databento")
    .action((name: string, options: Common) => perform(options, async (context) => (await import("./providerCommands.ts")).performSetKey(context, name)));
  verb("remove", "Forget a key", "", keys)
    .argument("<provider>", "such as databento")
    .action((name: string, options: Common) => perform(options, async (context) => (await import("./providerCommands.ts")).performRemoveKey(context, name)));
  verb("doctor", "Look whether everything that tino rests on is in order; starts nothing", DOCTOR_END)
    .option("--fix", "put right what can be put right without a risk")
    .option("--bundle <file>", "show what a report of a fault should hold, and save it after you agreed")
    .option("-y, --yes", "save the bundle without asking")
    .action((options: Common & { fix?: boolean; bundle?: string; yes?: boolean }) =>
      perform(options, async (context, chosen) => (await import("./doctorCommand.ts")).performDoctor(context, chosen)),
    );

  try {
    const { operands, unknown } = program.parseOptions([...argv]);
    if (operands.length + unknown.length > 0) await program.parseAsync(argv, { from: "user" });
    else await perform(program.opts<Common & { port?: number }>(), async (context, chosen) => (await import("./actions.ts")).performBare(context, chosen));
    return code;
  } catch (error) {
    return explain(error, program, argv);
  }
}

/** Help and version end the parser with an exception of its own; what was typed wrong becomes an error like any other. */
function explain(error: unknown, program: Command, argv: readonly string[]): number {
  const { code, exitCode, message } = error as { code?: string; exitCode?: number; message: string };
  if (!code?.startsWith("commander.")) throw error;
  if (exitCode === 0) return EXIT.ok;
  const reason = message
    .replace(/^error: /, "")
    .replace(/\n/g, " ")
    .trim();
  const sentence = `${reason.charAt(0).toUpperCase()}${reason.slice(1)}${/[.)]$/.test(reason) ? "" : "."}`;
  const called = program.commands.find((command) => argv.includes(command.name()));
  const inner = called?.commands.find((command) => argv.includes(command.name()));
  const verb = [called, inner].flatMap((command) => command?.name() ?? []).join(" ");
  if (verb) throw TinoError.of("usage", { reason: sentence, verb });
  throw TinoError.of("usage", { reason: sentence, verb: "" }, { hint: "`tino --help` lists what there is." });
}

/** `backtest <file>`: without a word for options, which every verb has. */
const termOf = (command: Command): string =>
  [command.name(), ...command.registeredArguments.map((part) => (part.required ? `<${part.name()}>` : `[${part.name()}]`))].join(" ");

const collect = (value: string, earlier: string[] = []): string[] => [...earlier, value];

function readPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError("It must be between 1 and 65535.");
  return port;
}

function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1_000) throw new InvalidArgumentError("It must be between 1 and 1000.");
  return count;
}

const HELP_END = `
Exit codes: 0 done, 1 fault, 2 usage, 3 input, 4 strategy, 5 engine, 6 refused, 7 set-up, 130 cancelled.
Environment: NO_COLOR, FORCE_COLOR, TINO_HOME (where tino keeps everything), TINO_LOG_LEVEL.
All of it: docs/cli.md`;

const DOCTOR_END = `
Works without an engine, and when little else does. Exit code 0 unless there is a problem, then 1.
What a bundle holds, and what never: docs/diagnostics.md`;

const DATA_IMPORT_END = `
How a file is to be read is guessed from its beginning; --preview shows it, options say it instead.
Importing again changes nothing; other files of a series are merged into it, and the newer value of a bar stays.
Ctrl-C cancels the import, and nothing of it is kept.

Example:
  tino data import prices/AAPL.csv --symbol AAPL.XNAS --preview`;

const DATA_DOWNLOAD_END = `
Only what is missing is fetched. Ctrl-C ends it, and what was fetched is kept: started again, it goes on where it stopped.
Keys: tino keys set <provider>

Example:
  tino data download BTC/USDT --provider binance --step 1-HOUR --from 2024-01-01`;

const DATA_CATALOG_END = `
Everything is brought to the new place before it counts; runs read local copies, which come by themselves when they are needed.
Credentials: tino keys set s3 takes ACCESS:SECRET; without it the usual files of the AWS tools are read.

Example:
  tino data catalog "s3://bucket/tino?region=eu-central-1"`;

const PROVIDERS_END = `
Example:
  tino providers binance --search btc`;

const KEYS_SET_END = `
The key is asked for, or read from standard input: arguments are there for every program to see.
Without a keychain, such as on a server, it is kept until the engine ends.`;

const DATA_ACTIONS_END = `
Prices are stored as traded; a run says with --adjustment which of these are taken out of them.
A file has the columns symbol, date, kind and value, or symbol, date, split and dividend.`;

const DATA_WATCHLIST_END = `
Examples:
  tino data watchlist tech AAPL MSFT
  tino backtest strategy.py --symbol @tech`;

const DATA_FUNDAMENTALS_END = `
A file has the columns symbol, period and known, then field and value, or a column for each figure. A file that does
not say when its figures became known is refused without --lag-days: they would show the future.`;

const BACKTEST_END = `
Ctrl-C cancels the run.

Example:
  tino backtest examples/strategies/ema_cross.py --symbol AAPL.XNAS --from 2005-01-01 --param fast=10 --param slow=20`;
