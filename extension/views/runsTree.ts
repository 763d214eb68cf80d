/** The tree of runs: one node for each strategy, the one with the newest run on top; below it its runs, newest first. */
import * as vscode from "vscode";
import { marksOf, type RunSummary } from "#contracts";
import { COMMANDS } from "../commands/ids.ts";
import type { Context } from "../context.ts";
import { activeRuns, type EngineWord, isActive, wordOf } from "../engineView.ts";
import { ago, count, outcomeOf, outcomeWithMarks, percent, rangeOf, signed, symbolsOf } from "./text.ts";

/** The engine's snapshot holds this many; older ones are in the Runs page. */
const SHOWN = 50;
const MINUTE_MS = 60_000;
/** A run under way says many times a second how far it is; the eye needs fewer. */
const SETTLE_MS = 150;

interface Group {
  readonly kind: "group";
  readonly path: string;
  readonly name: string;
  readonly runs: RunSummary[];
}
interface Leaf {
  readonly kind: "run";
  readonly run: RunSummary;
}
type Node = Group | Leaf | { readonly kind: "older" };

/** Group runs that are sorted newest first. Pure. */
export function groupRuns(runs: readonly RunSummary[]): Group[] {
  const groups = new Map<string, Group>();
  for (const run of runs) {
    const key = `${run.path}\n${run.name}`;
    const group = groups.get(key);
    if (group) group.runs.push(run);
    else groups.set(key, { kind: "group", path: run.path, name: run.name, runs: [run] });
  }
  // What is pinned stands on top of its strategy.
  for (const { runs: own } of groups.values()) own.sort((a, b) => Number(b.pinned) - Number(a.pinned));
  return [...groups.values()];
}

export class RunsTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #context: Context;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #tree: vscode.TreeView<Node>;
  readonly #disposables: vscode.Disposable[];
  #shown: readonly RunSummary[] | undefined;
  #settling: NodeJS.Timeout | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.#tree = vscode.window.createTreeView<Node>("tino.runs", { treeDataProvider: this, showCollapseAll: true, canSelectMany: true });
    // Ages grow while nothing happens.
    const clock = setInterval(() => this.#tree.visible && this.#changed.fire(undefined), MINUTE_MS);
    this.#disposables = [
      this.#tree,
      this.#changed,
      new vscode.Disposable(() => clearInterval(clock)),
      this.#tree.onDidChangeVisibility(() => this.#attach()),
      context.onDidChangeView(() => this.#update()),
    ];
    this.#attach();
  }

  dispose(): void {
    clearTimeout(this.#settling);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  getChildren(node?: Node): Node[] {
    if (node?.kind === "group") return node.runs.map((run) => ({ kind: "run", run }));
    const runs = this.#context.view.snapshot?.runs ?? [];
    return runs.length < SHOWN ? groupRuns(runs) : [...groupRuns(runs), { kind: "older" }];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    if (node.kind === "older") return olderItem();
    return node.kind === "group" ? groupItem(node) : runItem(node.run);
  }

  resolveTreeItem(item: vscode.TreeItem, node: Node): vscode.TreeItem {
    if (node.kind === "run") item.tooltip = runTooltip(node.run);
    return item;
  }

  #attach(): void {
    if (this.#tree.visible) this.#context.attachQuietly();
  }

  #update(): void {
    const { view } = this.#context;
    const runs = view.snapshot?.runs;
    this.#tree.message = (runs && runs.length > 0 && AGE[wordOf(view)]) || "";
    if (runs === this.#shown) return;
    this.#shown = runs;
    const active = activeRuns(view).length;
    this.#tree.badge = active > 0 ? { value: active, tooltip: `${count(active, "run")} under way` } : undefined;
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      this.#changed.fire(undefined);
    }, SETTLE_MS);
  }
}

/** What stands above runs that may be old. */
const AGE: Partial<Record<EngineWord, string>> = {
  stale: "The engine does not answer; this may be old.",
  offline: "The engine is stopped; this may be old.",
  error: "The engine could not be started; this may be old.",
};

function groupItem({ path, name, runs }: Group): vscode.TreeItem {
  const item = new vscode.TreeItem(name, vscode.TreeItemCollapsibleState.Expanded);
  item.id = `${path}\n${name}`;
  item.description = vscode.workspace.asRelativePath(path);
  item.tooltip = path;
  item.iconPath = new vscode.ThemeIcon("symbol-class", new vscode.ThemeColor("symbolIcon.classForeground"));
  item.contextValue = "strategy";
  item.accessibilityInformation = { label: `${name}, ${runs.length} runs` };
  return item;
}

function runItem(run: RunSummary): vscode.TreeItem {
  const item = new vscode.TreeItem(symbolsOf(run), vscode.TreeItemCollapsibleState.None);
  item.id = run.id;
  item.description = [...(run.pinned ? ["★"] : []), outcomeWithMarks(run), ago(run.createdAt, Date.now()), ...run.tags.map((tag) => `#${tag}`)].join(" · ");
  item.iconPath = iconOf(run);
  item.contextValue = `run.${isActive(run) ? "active" : "ended"}${run.pinned ? ".pinned" : ""}`;
  item.command = { command: COMMANDS.openRun, title: "Open run", arguments: [{ id: run.id }] };
  item.accessibilityInformation = { label: `${run.name} on ${symbolsOf(run)}: ${outcomeWithMarks(run)}, ${ago(run.createdAt, Date.now())}` };
  return item;
}

function olderItem(): vscode.TreeItem {
  const item = new vscode.TreeItem("Show all runs");
  item.iconPath = new vscode.ThemeIcon("history");
  item.command = { command: COMMANDS.openRuns, title: "Show all runs" };
  return item;
}

function iconOf(run: RunSummary): vscode.ThemeIcon {
  const icon = (name: string, colour: string) => new vscode.ThemeIcon(name, new vscode.ThemeColor(colour));
  switch (run.status) {
    case "queued":
      return icon("clock", "testing.iconQueued");
    case "running":
      return icon("sync~spin", "charts.blue");
    case "finished":
      return run.noTrades === null ? icon("pass", "testing.iconPassed") : icon("info", "charts.yellow");
    case "failed":
      return icon("error", "testing.iconFailed");
    case "cancelled":
      return icon("circle-slash", "testing.iconSkipped");
    case "interrupted":
      return icon("debug-disconnect", "testing.iconErrored");
  }
}

function runTooltip(run: RunSummary): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  const row = (label: string, value: string) => {
    text.appendMarkdown(`| ${label} | `).appendText(value.replaceAll("|", "/").replaceAll("\n", " ")).appendMarkdown(" |\n");
  };
  text
    .appendMarkdown("**")
    .appendText(`${run.name} · ${symbolsOf(run)}`)
    .appendMarkdown("**\n\n| | |\n|---|---|\n");
  row("Result", outcomeOf(run));
  if (run.metrics?.maxDrawdown != null) row("Max drawdown", percent(run.metrics.maxDrawdown));
  if (run.metrics && run.noTrades === null) row("Trades", String(run.metrics.trades));
  if (run.metrics?.netProfit != null) row("Net profit", `${signed(run.metrics.netProfit, 2)} ${run.currency ?? ""}`);
  row("Range", rangeOf(run));
  for (const [name, value] of Object.entries(run.parameters)) row(name, typeof value === "string" ? value : JSON.stringify(value));
  if (run.tags.length > 0) row("Tags", run.tags.join(", "));
  if (run.note) row("Note", run.note);
  row("Started", new Date(run.createdAt).toLocaleString());
  if (run.code?.commit) row("Commit", `${run.code.commit.slice(0, 7)}${run.code.dirty ? ", with changes" : ""}`);
  row("Run", run.id);
  const remark = run.error?.message ?? run.noTrades;
  for (const sentence of [...(remark ? [remark] : []), ...marksOf(run).map(({ means }) => means)]) text.appendMarkdown("\n\n").appendText(sentence);
  return text;
}
