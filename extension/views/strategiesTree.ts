/** The tree of strategies in the workspace, as the engine finds them by reading syntax trees. */
import * as vscode from "vscode";
import type { ErrorBody, Strategy } from "#contracts";
import type { Context } from "../context.ts";
import { wordOf } from "../engineView.ts";

/** Many files are saved at once by a branch switch. */
const SETTLE_MS = 300;

type Node = { readonly kind: "strategy"; readonly strategy: Strategy } | { readonly kind: "problem"; readonly problem: ErrorBody };

export class StrategiesTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #context: Context;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #tree: vscode.TreeView<Node>;
  readonly #disposables: vscode.Disposable[];
  #settling: NodeJS.Timeout | undefined;
  #live = false;

  constructor(context: Context) {
    this.#context = context;
    this.#tree = vscode.window.createTreeView<Node>("tino.strategies", { treeDataProvider: this });
    const sources = vscode.workspace.createFileSystemWatcher("**/*.py");
    this.#disposables = [
      this.#tree,
      this.#changed,
      sources,
      sources.onDidChange(() => this.refresh()),
      sources.onDidCreate(() => this.refresh()),
      sources.onDidDelete(() => this.refresh()),
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

  /** Read the workspace again, soon. */
  refresh(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#changed.fire(undefined), SETTLE_MS);
  }

  /** Asked for only while the view is visible, so showing it is what starts the engine. */
  async getChildren(node?: Node): Promise<Node[]> {
    if (node || !vscode.workspace.isTrusted) return [];
    try {
      const { client } = await this.#context.attach();
      const { strategies, problems } = await client.call("listStrategies");
      this.#tellWhetherNone(strategies.length + problems.length === 0);
      return [...strategies.map((strategy): Node => ({ kind: "strategy", strategy })), ...problems.map((problem): Node => ({ kind: "problem", problem }))];
    } catch (error) {
      // The engine's state is shown by the welcome text of an empty view; a new state asks again.
      this.#context.log("debug", "strategies", "not_listed", { reason: error instanceof Error ? error.message : String(error) });
      this.#tellWhetherNone(false);
      return [];
    }
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return node.kind === "strategy" ? strategyItem(node.strategy) : problemItem(node.problem);
  }

  /** That there is none is said when it is known, not while the first list is on its way. */
  #tellWhetherNone(none: boolean): void {
    void vscode.commands.executeCommand("setContext", "tino.noStrategy", none);
  }
}

function strategyItem({ path, name, line, description, parameters }: Strategy): vscode.TreeItem {
  const item = new vscode.TreeItem(name);
  item.id = `${path}\n${name}`;
  item.description = vscode.workspace.asRelativePath(path);
  item.tooltip = new vscode.MarkdownString();
  if (description) item.tooltip.appendText(description).appendMarkdown("\n\n");
  item.tooltip.appendMarkdown("Parameters: ").appendText(parameters.map((parameter) => parameter.name).join(", ") || "none");
  item.iconPath = new vscode.ThemeIcon("symbol-class", new vscode.ThemeColor("symbolIcon.classForeground"));
  item.contextValue = "strategy";
  item.command = openCommand(path, line);
  return item;
}

function problemItem({ message, hint, location }: ErrorBody): vscode.TreeItem {
  const item = new vscode.TreeItem(location ? vscode.workspace.asRelativePath(location.path) : message);
  item.description = location ? message : "";
  item.tooltip = `${message} ${hint}`;
  item.iconPath = new vscode.ThemeIcon("warning", new vscode.ThemeColor("list.warningForeground"));
  if (location) item.command = openCommand(location.path, location.line);
  return item;
}

const openCommand = (path: string, line: number): vscode.Command => ({
  command: "vscode.open",
  title: "Open source",
  arguments: [vscode.Uri.file(path), { selection: new vscode.Range(line - 1, 0, line - 1, 0) } satisfies vscode.TextDocumentShowOptions],
});
