/** Runs that exist: open, cancel, copy, go to their code. Each takes a run from a lens or the tree, or asks which. */
import * as vscode from "vscode";
import type { RunSummary } from "#contracts";
import { TinoError } from "#contracts/catalogue";
import { requestOf } from "../client/again.ts";
import type { ConnectedContext } from "../context.ts";
import { isActive } from "../engineView.ts";
import { openAt } from "../sources.ts";
import { ago, outcomeOf, symbolsOf } from "../views/text.ts";
import { readRunId } from "./arguments.ts";
import type { Surroundings } from "./command.ts";

const HISTORY = 200;

export async function openRun(connected: ConnectedContext, { panels }: Surroundings, argument: unknown): Promise<void> {
  const run = await pickRun(connected, argument);
  if (run) (await panels()).show({ page: "backtest", run: run.id, path: run.path, name: run.name });
}

/** Do a run once more, as it was asked for, with the code as it is now. */
export async function runAgain(connected: ConnectedContext, { panels }: Surroundings, argument: unknown): Promise<RunSummary | undefined> {
  const chosen = await pickRun(connected, argument, (run) => !isActive(run));
  if (!chosen) return undefined;
  const { client } = connected;
  const request = requestOf(await client.call("getRun", { path: { id: chosen.id } }));
  const pages = await panels();
  const run = await pages.start(connected, request);
  pages.show({ page: "backtest", run: run.id, path: run.path, name: run.name });
  return run;
}

/** Repeat a run with the code and spec it had; the repetition is shown, and it says what came of it. */
export async function reproduceRun(connected: ConnectedContext, { panels }: Surroundings, argument: unknown): Promise<RunSummary | undefined> {
  const chosen = await pickRun(connected, argument, (run) => run.status === "finished");
  if (!chosen) return undefined;
  const run = await connected.client.call("reproduceRun", { path: { id: chosen.id } });
  (await panels()).show({ page: "backtest", run: run.id, path: run.path, name: run.name });
  return run;
}

export async function openRuns({ context, panels }: Surroundings): Promise<void> {
  context.requireTrust();
  (await panels()).show({ page: "runs", run: null, path: null, name: null }, { focus: true });
}

export async function cancelRun(connected: ConnectedContext, argument: unknown): Promise<void> {
  const run = await pickRun(connected, argument, isActive);
  if (!run) return;
  try {
    await connected.client.call("cancelRun", { path: { id: run.id } });
  } catch (error) {
    // It ended while the user pressed the button: what was wanted is the case.
    if (!TinoError.is(error, "run_already_ended")) throw error;
  }
}

export async function refreshRuns({ context, client }: ConnectedContext): Promise<void> {
  context.addRuns((await client.call("listRuns", { query: { limit: HISTORY } })).runs);
}

export async function copyRunId(connected: ConnectedContext, argument: unknown): Promise<void> {
  const run = await pickRun(connected, argument);
  if (!run) return;
  await vscode.env.clipboard.writeText(run.id);
  vscode.window.setStatusBarMessage(`$(copy) ${run.id}`, 4_000);
}

/** Open the class that was run, as its file is now. */
export async function showRunSource(connected: ConnectedContext, argument: unknown): Promise<void> {
  const run = await pickRun(connected, argument);
  if (!run) return;
  const { path, name } = run;
  const line = await connected.client.call("getStrategySchema", { query: { path, name } }).then(
    (strategy) => strategy.line,
    // Renamed, broken or removed since: the file alone is still worth showing, and if it is gone, that is the failure to tell.
    () => 1,
  );
  await openAt(path, line);
}

/** The run given, or the one the user picks. @throws run_not_found */
async function pickRun(
  { context, client }: ConnectedContext,
  argument: unknown,
  wanted: (run: RunSummary) => boolean = () => true,
): Promise<RunSummary | undefined> {
  const id = readRunId(argument);
  if (id) return context.view.snapshot?.runs.find((run) => run.id === id) ?? client.call("getRun", { path: { id } });
  const runs = (await client.call("listRuns", { query: { limit: HISTORY } })).runs.filter(wanted);
  if (runs.length === 0) {
    vscode.window.setStatusBarMessage("$(info) tino: there is no such run", 4_000);
    return undefined;
  }
  return (await vscode.window.showQuickPick(runs.map(itemOf), { title: "Which run?", matchOnDescription: true }))?.run;
}

/** A run as a choice. */
export const itemOf = (run: RunSummary) => ({
  label: `${run.pinned ? "$(pinned) " : ""}${run.name}`,
  description: [symbolsOf(run), outcomeOf(run), ...run.tags.map((tag) => `#${tag}`)].join(" · "),
  detail: [ago(run.createdAt, Date.now()), run.note].filter(Boolean).join(" · "),
  run,
});
