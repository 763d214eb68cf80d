/**
 * What is done with runs that are there: put side by side, labelled, exported, deleted. Each takes what a menu of the tree gives, which is the
 * node it was opened on and all that are selected, or asks which runs are meant.
 */
import { homedir } from "node:os";
import * as vscode from "vscode";
import { type ExportQuery, exportName, type RunCode, type RunSummary, Tag } from "#contracts";
import type { EngineClient } from "../client/engineClient.ts";
import type { ConnectedContext } from "../context.ts";
import { isActive } from "../engineView.ts";
import { codeUri } from "../views/runCode.ts";
import { ago, count, outcomeOf, symbolsOf } from "../views/text.ts";
import { readRunIds } from "./arguments.ts";
import type { Surroundings } from "./command.ts";
import { itemOf } from "./runs.ts";

const HISTORY = 200;
/** How many runs a question names one by one. */
const NAMED = 6;

export async function compareRuns(connected: ConnectedContext, { panels }: Surroundings, ...args: unknown[]): Promise<void> {
  const runs = await pickRuns(connected, args, { least: 2, title: "Compare which runs? The oldest is what the others are held against." });
  if (runs) (await panels()).show({ page: "compare", run: null, path: null, name: null, runs: runs.map(({ id }) => id).sort() }, { focus: true });
}

/** Show how the code of two runs, or of a run and of the files as they are, differs: in the editor's own diff editor. */
export async function compareCode(connected: ConnectedContext, _: Surroundings, ...args: unknown[]): Promise<void> {
  const { client } = connected;
  const runs = await pickRuns(connected, args, { title: "Compare the code of which run, or of which two?" });
  if (!runs) return;
  const [first, second] = runs.map(({ id }) => id).sort() as [string, string?];
  await showCode(client, first, second ?? null);
}

/** `second` null: the files as they are now. */
export async function showCode(client: EngineClient, first: string, second: string | null): Promise<void> {
  const codeOf = (id: string) => client.call("getRunCode", { path: { id } });
  const a = await codeOf(first);
  const b = second === null ? null : await codeOf(second);
  const pairs = b
    ? pairsOfRuns(a, b)
    : a.files.filter(({ edited }) => edited).map(({ name, path }) => ({ name, left: codeUri(a.id, name), right: vscode.Uri.file(path) }));
  const title = `${first.slice(-8)} ↔ ${second === null ? "now" : second.slice(-8)}`;
  const [only] = pairs;
  if (!only) {
    vscode.window.showInformationMessage(b ? "Both runs ran the same code." : "The code is as it was when it ran.");
  } else if (pairs.length === 1) await vscode.commands.executeCommand("vscode.diff", only.left, only.right, `${only.name} (${title})`);
  else
    await vscode.commands.executeCommand(
      "vscode.changes",
      `Code of runs (${title})`,
      pairs.map(({ left, right }) => [right, left, right]),
    );
}

function pairsOfRuns(a: RunCode, b: RunCode) {
  const textOf = (code: RunCode, name: string) => code.files.find((file) => file.name === name)?.text;
  const names = [...new Set([...a.files, ...b.files].map(({ name }) => name))];
  return names.filter((name) => textOf(a, name) !== textOf(b, name)).map((name) => ({ name, left: codeUri(a.id, name), right: codeUri(b.id, name) }));
}

export async function tagRuns(connected: ConnectedContext, ...args: unknown[]): Promise<void> {
  const runs = await pickRuns(connected, args, { title: "Tag which runs?" });
  if (!runs) return;
  const known = new Set((connected.context.view.snapshot?.runs ?? runs).flatMap(({ tags }) => tags));
  const chosen = await pickTags([...known].sort(), runs);
  if (!chosen) return;
  const had = new Set(runs.flatMap(({ tags }) => tags));
  const addTags = chosen.filter((tag) => !runs.every(({ tags }) => tags.includes(tag)));
  const removeTags = [...had].filter((tag) => !chosen.includes(tag));
  if (addTags.length + removeTags.length > 0) await connected.client.call("labelRuns", { body: { runs: idsOf(runs), addTags, removeTags } });
}

/** Choose among the tags there are; what is typed and is not one of them becomes one. */
function pickTags(known: readonly string[], runs: readonly RunSummary[]): Promise<string[] | undefined> {
  const pick = vscode.window.createQuickPick();
  pick.canSelectMany = true;
  pick.title = `Tags of ${runs.length === 1 ? "the run" : count(runs.length, "run")}`;
  pick.placeholder = "Choose tags, or type a new one";
  const items = known.map((label) => ({ label }));
  pick.items = items;
  pick.selectedItems = items.filter(({ label }) => runs.every(({ tags }) => tags.includes(label)));
  return new Promise((resolve) => {
    pick.onDidChangeValue((value) => {
      const typed = value.trim();
      const fresh = Tag.safeParse(typed).success && !items.some(({ label }) => label === typed) ? [{ label: typed, description: "new" }] : [];
      const chosen = new Set(pick.selectedItems.map(({ label }) => label));
      pick.items = [...fresh, ...items, ...pick.selectedItems.filter(({ label }) => !items.some((item) => item.label === label) && label !== typed)];
      pick.selectedItems = pick.items.filter(({ label }) => chosen.has(label));
    });
    pick.onDidAccept(() => {
      const typed = pick.value.trim();
      const chosen = pick.selectedItems.map(({ label }) => label);
      resolve(Tag.safeParse(typed).success && !known.some((tag) => tag.includes(typed)) ? [...new Set([...chosen, typed])] : chosen);
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}

export async function noteRun(connected: ConnectedContext, ...args: unknown[]): Promise<void> {
  const runs = await pickRuns(connected, args.slice(0, 1), { most: 1, title: "Write a note on which run?" });
  const run = runs?.[0];
  if (!run) return;
  const note = await vscode.window.showInputBox({ title: `Note on ${run.name}, ${symbolsOf(run)}`, value: run.note, prompt: "Empty removes the note." });
  if (note !== undefined) await connected.client.call("labelRuns", { body: { runs: [run.id], note } });
}

export async function pinRuns(connected: ConnectedContext, pinned: boolean, ...args: unknown[]): Promise<void> {
  const runs = await pickRuns(connected, args, { wanted: (run) => run.pinned !== pinned, title: pinned ? "Pin which runs?" : "Unpin which runs?" });
  if (runs) await connected.client.call("labelRuns", { body: { runs: idsOf(runs), pinned } });
}

export async function deleteRuns(connected: ConnectedContext, ...args: unknown[]): Promise<void> {
  const runs = await pickRuns(connected, args, { wanted: (run) => !isActive(run), title: "Delete which runs?" });
  if (runs) await deleteAfterQuestion(connected.client, runs);
}

/** Deleting cannot be undone, so it asks, with the facts. */
export async function deleteAfterQuestion(client: EngineClient, runs: readonly RunSummary[]): Promise<void> {
  const lines = runs.slice(0, NAMED).map((run) => `${run.name} on ${symbolsOf(run)}: ${outcomeOf(run)}, ${ago(run.createdAt, Date.now())}`);
  if (runs.length > NAMED) lines.push(`and ${runs.length - NAMED} more`);
  const detail = `${lines.join("\n")}\n\nTheir results are removed from the disk for good.`;
  const answer = await vscode.window.showWarningMessage(
    `Delete ${runs.length === 1 ? "this run" : count(runs.length, "run")}?`,
    { modal: true, detail },
    "Delete",
  );
  if (answer === "Delete") await client.call("deleteRuns", { body: { runs: idsOf(runs) } });
}

const FORMATS: readonly (vscode.QuickPickItem & { readonly query: ExportQuery })[] = [
  { label: "Tearsheet", description: "HTML, one file", query: { as: "html", table: "trades" } },
  { label: "Trades", description: "CSV", query: { as: "csv", table: "trades" } },
  { label: "Orders", description: "CSV", query: { as: "csv", table: "orders" } },
  { label: "Equity", description: "CSV", query: { as: "csv", table: "equity" } },
  { label: "All tables", description: "CSV in a ZIP", query: { as: "csv", table: "all" } },
  { label: "All tables", description: "Parquet in a ZIP", query: { as: "parquet", table: "all" } },
  { label: "Everything", description: "JSON", query: { as: "json", table: "all" } },
];

export async function exportRun({ context, client }: ConnectedContext, ...args: unknown[]): Promise<void> {
  const runs = await pickRuns({ context, client }, args.slice(0, 1), { most: 1, wanted: (run) => run.status === "finished", title: "Export which run?" });
  const run = runs?.[0];
  if (!run) return;
  const chosen = await vscode.window.showQuickPick(FORMATS, { title: "Export as", matchOnDescription: true });
  if (!chosen) return;
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file(homedir());
  const target = await vscode.window.showSaveDialog({ defaultUri: vscode.Uri.joinPath(folder, exportName(run.name, run.id, chosen.query)) });
  if (!target) return;
  const content = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: "Exporting" }, () =>
    client.call("exportRun", { path: { id: run.id }, query: chosen.query }),
  );
  await vscode.workspace.fs.writeFile(target, content);
}

const idsOf = (runs: readonly RunSummary[]): string[] => runs.map(({ id }) => id);

interface Choice {
  readonly title: string;
  readonly least?: number;
  readonly most?: number;
  readonly wanted?: (run: RunSummary) => boolean;
}

/** The runs given, if they are enough, or those the user picks. @throws run_not_found */
async function pickRuns(
  { context, client }: ConnectedContext,
  args: readonly unknown[],
  { title, least = 1, most = Number.POSITIVE_INFINITY, wanted = () => true }: Choice,
): Promise<RunSummary[] | undefined> {
  const known = new Map((context.view.snapshot?.runs ?? []).map((run) => [run.id, run]));
  const given = readRunIds(args);
  if (given.length >= least) {
    const runs = await Promise.all(given.map(async (id) => known.get(id) ?? client.call("getRun", { path: { id } })));
    return given.length > 1 ? runs.filter(wanted) : runs;
  }
  const runs = (await client.call("listRuns", { query: { limit: HISTORY } })).runs.filter(wanted);
  if (runs.length < least) {
    vscode.window.setStatusBarMessage(least > 1 ? `$(info) tino: it takes ${least} runs` : "$(info) tino: there is no such run", 4_000);
    return undefined;
  }
  const items = runs.map((run) => ({ ...itemOf(run), picked: given.includes(run.id) }));
  if (most === 1) {
    const one = await vscode.window.showQuickPick(items, { title, matchOnDescription: true });
    return one && [one.run];
  }
  const chosen = await vscode.window.showQuickPick(items, { title, matchOnDescription: true, canPickMany: true });
  if (!chosen || chosen.length === 0) return undefined;
  if (chosen.length < least) {
    vscode.window.setStatusBarMessage(`$(info) tino: it takes ${least} runs`, 4_000);
    return undefined;
  }
  return chosen.map(({ run }) => run);
}
