/** Backtests from the editor: the lens, the tree, the palette. */
import { dirname } from "node:path";
import * as vscode from "vscode";
import type { BacktestRequest, RunSummary, Strategy } from "#contracts";
import type { ConnectedContext } from "../context.ts";
import { mentionsStrategy } from "../language/strategyFile.ts";
import { saveSources } from "../sources.ts";
import { readStrategyReference, type StrategyReference } from "./arguments.ts";
import type { Surroundings } from "./command.ts";
import { COMMANDS } from "./ids.ts";

/**
 * Run a strategy with the parameters its code states, on the data of its last run: the lens tests the class as it stands, the
 * panel's form is for trying other values. The panel opens first and fills while the run goes on.
 */
export async function runBacktest(surroundings: Surroundings, argument: unknown): Promise<RunSummary | undefined> {
  const { context, panels } = surroundings;
  context.requireTrust();
  const asked = readStrategyReference(argument) ?? strategyOfEditor();
  const pages = await panels();
  // Where the class is known there is nothing to wait for.
  if (asked?.name) pages.show({ page: "backtest", run: null, ...asked });
  const connected = await context.connect();
  const strategy = asked ? await findStrategy(connected, asked) : await pickStrategy((await connected.client.call("listStrategies")).strategies);
  if (!strategy) return undefined;
  const reference = { path: strategy.path, name: strategy.name };
  if (!asked?.name) pages.show({ page: "backtest", run: null, ...reference });
  const data = await chooseData(connected, strategy, () => pages.untilData());
  if (!data) return undefined;
  const run = await pages.start(connected, { ...reference, ...data });
  tellSevere(connected, run);
  pages.show({ page: "backtest", run: run.id, ...reference });
  return run;
}

/** One word when the data of a run has a severe fault: whoever pressed a lens did not see the panel's list before. Nobody waits for it. */
function tellSevere({ context, client }: ConnectedContext, { symbols, barTypes, from, to, adjustment }: RunSummary): void {
  const check = client.call("checkData", { body: { symbols: barTypes.length > 0 ? [] : symbols, barTypes, from, to, adjustment } });
  check.then(
    ({ severity, warnings: [first, ...more] }) => {
      if (severity !== "severe" || !first) return;
      const rest = more.length > 0 ? ` And ${more.length} more.` : "";
      vscode.window.showWarningMessage(`${first.barType}: ${first.finding.message}${rest}`, "Show data").then((chosen) => {
        if (chosen) void vscode.commands.executeCommand(COMMANDS.openData, { symbol: first.barType.split("-")[0] });
      });
    },
    (error) => context.log("debug", "backtest", "data_not_checked", { reason: error instanceof Error ? error.message : String(error) }),
  );
}

/** Open the panel without running anything: on the strategy given, or that of the editor, or as it was. */
export async function openBacktest({ context, panels }: Surroundings, argument: unknown): Promise<void> {
  context.requireTrust();
  const { path = null, name = null } = readStrategyReference(argument) ?? strategyOfEditor() ?? {};
  (await panels()).show({ page: "backtest", run: null, path, name }, { focus: true });
}

/** Open the page on which many parameters are tried: on the strategy given, or that of the editor. */
export async function sweepParameters({ context, panels }: Surroundings, argument: unknown): Promise<void> {
  context.requireTrust();
  const { path = null, name = null } = readStrategyReference(argument) ?? strategyOfEditor() ?? {};
  if (path) await saveSources(path);
  (await panels()).show({ page: "sweep", run: null, path, name }, { focus: true });
}

/** Bring the embedded sample data into the catalog. */
export async function importSampleData({ client }: ConnectedContext): Promise<void> {
  const reply = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: "tino: importing the sample data" }, () =>
    client.call("importSample"),
  );
  const news = reply.imported.length;
  const text = news > 0 ? `${news} series imported` : "the sample data is already there";
  vscode.window.setStatusBarMessage(`$(database) tino: ${text}`, 8_000);
}

function strategyOfEditor(): StrategyReference | null {
  const document = vscode.window.activeTextEditor?.document;
  return document && mentionsStrategy(document) ? { path: document.uri.fsPath, name: null } : null;
}

/** The strategy meant; asks when its file holds several. Undefined: the user chose none. */
async function findStrategy({ client }: ConnectedContext, { path, name }: StrategyReference): Promise<Strategy | undefined> {
  await saveSources(path);
  if (name) return client.call("getStrategySchema", { query: { path, name } });
  const { strategies } = await client.call("listStrategies", { query: { folder: dirname(path) } });
  const here = strategies.filter((strategy) => strategy.path === path);
  // None, or the file is reached by a link: the engine says what it finds, or why nothing.
  return here.length < 2 ? (here[0] ?? client.call("getStrategySchema", { query: { path, name: null } })) : pickStrategy(here);
}

async function pickStrategy(strategies: readonly Strategy[]): Promise<Strategy | undefined> {
  if (strategies.length === 0) {
    const create = "New strategy";
    const chosen = await vscode.window.showInformationMessage("There is no strategy in this workspace yet.", create);
    if (chosen === create) await vscode.commands.executeCommand(COMMANDS.newStrategy);
    return undefined;
  }
  const items = strategies.map((strategy) => ({
    label: strategy.name,
    description: `${vscode.workspace.asRelativePath(strategy.path)}:${strategy.line}`,
    detail: strategy.description ?? "",
    strategy,
  }));
  return (await vscode.window.showQuickPick(items, { title: "Which strategy?", matchOnDescription: true, matchOnDetail: true }))?.strategy;
}

type Data = Pick<BacktestRequest, "symbols" | "barTypes" | "from" | "to" | "adjustment"> & { venue?: BacktestRequest["venue"] };

/**
 * Data of the strategy's last run; else what its config names; else the data of the last run of all; else the catalog's first
 * instrument, for which an empty catalog is waited for. Undefined: it stayed empty.
 */
async function chooseData({ client }: ConnectedContext, strategy: Strategy, untilData: () => Promise<boolean>): Promise<Partial<Data> | undefined> {
  const own = await client.call("listRuns", { query: { limit: 1, path: strategy.path, name: strategy.name } });
  const last = own.runs[0];
  if (last) return { ...dataOf(last), venue: (await client.call("getRun", { path: { id: last.id } })).venue };
  const named = dataInConfig(strategy);
  if (named) return named;
  const [recent] = (await client.call("listRuns", { query: { limit: 1 } })).runs;
  if (recent) return dataOf(recent);
  const firstSymbol = async () => (await client.call("listSymbols")).symbols[0];
  const first = (await firstSymbol()) ?? ((await untilData()) ? await firstSymbol() : undefined);
  return first && { symbols: [first.instrument.id] };
}

const dataOf = ({ symbols, barTypes, from, to, adjustment }: RunSummary): Data => ({ symbols, barTypes, from, to, adjustment });

function dataInConfig({ parameters }: Strategy): Partial<Data> | null {
  const named = (...kinds: string[]) =>
    parameters
      .filter(({ kind }) => kinds.includes(kind))
      .flatMap((parameter) => parameter.default ?? [])
      .filter((value) => typeof value === "string");
  const data = { symbols: named("instrument", "instruments"), barTypes: named("barType", "barTypes") };
  return data.symbols.length + data.barTypes.length > 0 ? data : null;
}
