/** The tree of data: one node for each watchlist and instrument, below it its series; what is wrong with one is its icon and tooltip. */
import * as vscode from "vscode";
import type { Coverage, SeriesQuality, SymbolEntry } from "#contracts";
import { COMMANDS } from "../commands/ids.ts";
import type { Context } from "../context.ts";
import { wordOf } from "../engineView.ts";

const SETTLE_MS = 300;
const SHOWN_FINDINGS = 8;

type Node =
  | { readonly kind: "list"; readonly name: string; readonly symbols: readonly string[] }
  | { readonly kind: "instrument"; readonly symbol: string; readonly entry: SymbolEntry; readonly list: string | null }
  | { readonly kind: "series"; readonly symbol: string; readonly coverage: Coverage; readonly list: string | null };

export class DataTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #context: Context;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #tree: vscode.TreeView<Node>;
  readonly #disposables: vscode.Disposable[];
  #entries: readonly SymbolEntry[] = [];
  #quality: ReadonlyMap<string, SeriesQuality> = new Map();
  #settling: NodeJS.Timeout | undefined;
  #live = false;

  constructor(context: Context) {
    this.#context = context;
    this.#tree = vscode.window.createTreeView<Node>("tino.data", { treeDataProvider: this, showCollapseAll: true });
    this.#disposables = [
      this.#tree,
      this.#changed,
      context.onDidReceiveEvent(({ event }) => event.type === "data.changed" && this.refresh()),
      context.onDidChangeView((view) => {
        const live = wordOf(view) === "healthy";
        if (live !== this.#live) this.refresh();
        this.#live = live;
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.#settling);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  /** Ask the engine again, soon. */
  refresh(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#quality = new Map();
      this.#changed.fire(undefined);
    }, SETTLE_MS);
  }

  /** Asked for only while the view is visible. */
  async getChildren(node?: Node): Promise<Node[]> {
    if (!vscode.workspace.isTrusted) return [];
    if (node?.kind === "list") return this.#instruments(node.symbols, node.name);
    if (node?.kind === "instrument")
      return node.entry.coverage.map((coverage): Node => ({ kind: "series", symbol: coverage.barType, coverage, list: node.list }));
    if (node) return [];
    try {
      const { client } = await this.#context.attach();
      const [{ symbols }, { watchlists }] = await Promise.all([client.call("listSymbols"), client.call("listWatchlists")]);
      this.#entries = symbols;
      if (this.#quality.size === 0 && symbols.length > 0) this.#lookAt();
      const lists = watchlists.map(({ name, symbols: named }): Node => ({ kind: "list", name, symbols: named }));
      return [...lists, ...this.#instruments(null, null)];
    } catch (error) {
      // The engine's state is shown by the welcome text of an empty view; a new state asks again.
      this.#context.log("debug", "data", "not_listed", { reason: error instanceof Error ? error.message : String(error) });
      return [];
    }
  }

  getTreeItem(node: Node): vscode.TreeItem {
    if (node.kind === "list") return listItem(node.name, node.symbols);
    const { symbol } = node;
    if (node.kind === "series") return seriesItem(node.coverage, node.list, this.#quality.get(symbol));
    const reports = node.entry.coverage.flatMap(({ barType }) => this.#quality.get(barType) ?? []);
    return instrumentItem(node.entry, node.list, reports);
  }

  #instruments(symbols: readonly string[] | null, list: string | null): Node[] {
    return this.#entries
      .filter(({ instrument }) => symbols === null || symbols.includes(instrument.id))
      .map((entry): Node => ({ kind: "instrument", symbol: entry.instrument.id, entry, list }));
  }

  /** The list does not wait for the look at every series; flags appear when it is done. */
  #lookAt(): void {
    const report = this.#context.attach().then(({ client }) => client.call("getQuality"));
    report.then(
      ({ series }) => {
        this.#quality = new Map(series.map((one) => [one.barType, one]));
        if (series.length > 0) this.#changed.fire(undefined);
      },
      (error) => this.#context.log("debug", "data", "not_inspected", { reason: error instanceof Error ? error.message : String(error) }),
    );
  }
}

function listItem(name: string, symbols: readonly string[]): vscode.TreeItem {
  const item = new vscode.TreeItem(`@${name}`, vscode.TreeItemCollapsibleState.Collapsed);
  item.id = `@${name}`;
  item.description = `${symbols.length} instruments`;
  item.tooltip = `Use @${name} wherever a symbol is asked for.`;
  item.iconPath = new vscode.ThemeIcon("list-unordered");
  item.contextValue = "data.list";
  return item;
}

function instrumentItem({ instrument, coverage, actions }: SymbolEntry, list: string | null, reports: readonly SeriesQuality[]): vscode.TreeItem {
  const item = new vscode.TreeItem(instrument.id, vscode.TreeItemCollapsibleState.Collapsed);
  item.id = `${list ?? ""}\n${instrument.id}`;
  item.description = [instrument.name, coverage.map(stepOf).join(", ")].filter(Boolean).join(" · ");
  item.iconPath = iconOf(reports, "graph");
  item.tooltip = tooltip(`${instrument.id} · ${actions.length} splits and dividends`, reports);
  item.contextValue = "data.instrument";
  item.command = { command: COMMANDS.openData, title: "Open data", arguments: [{ symbol: instrument.id }] };
  return item;
}

function seriesItem(coverage: Coverage, list: string | null, report: SeriesQuality | undefined): vscode.TreeItem {
  const item = new vscode.TreeItem(stepOf(coverage));
  item.id = `${list ?? ""}\n${coverage.barType}`;
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  item.description = `${coverage.bars.toLocaleString("en-US")} bars, ${day(coverage.from)} – ${day(coverage.to)}`;
  const reports = report ? [report] : [];
  item.iconPath = iconOf(reports, "symbol-array");
  item.tooltip = tooltip(`${coverage.barType} · ${coverage.source}`, reports);
  item.contextValue = "data.series";
  item.command = { command: COMMANDS.openData, title: "Open data", arguments: [{ symbol: coverage.instrumentId }] };
  return item;
}

const stepOf = ({ barType, instrumentId }: Coverage): string => barType.slice(instrumentId.length + 1).replace(/-LAST-EXTERNAL$/, "");

/** Shape and colour say how bad it is; nothing is flagged for what only describes. */
function iconOf(reports: readonly SeriesQuality[], usual: string): vscode.ThemeIcon {
  const worst = reports.some(({ severity }) => severity === "severe") ? "severe" : reports.some(({ severity }) => severity === "warning") ? "warning" : null;
  if (worst === "severe") return new vscode.ThemeIcon("error", new vscode.ThemeColor("list.errorForeground"));
  if (worst === "warning") return new vscode.ThemeIcon("warning", new vscode.ThemeColor("list.warningForeground"));
  return new vscode.ThemeIcon(usual);
}

function tooltip(head: string, reports: readonly SeriesQuality[]): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.appendText(head);
  const findings = reports.flatMap(({ findings: found }) => found).filter(({ severity }) => severity !== "info");
  for (const { message } of findings.slice(0, SHOWN_FINDINGS)) text.appendMarkdown("\n\n- ").appendText(message);
  if (findings.length > SHOWN_FINDINGS) text.appendMarkdown(`\n\n${findings.length - SHOWN_FINDINGS} more on the data page.`);
  if (reports.length > 0 && findings.length === 0) text.appendMarkdown("\n\nNothing wrong was found.");
  return text;
}
