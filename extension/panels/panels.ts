/**
 * The pages as panels: one for backtests, one for the list of runs, each there at most once. A command shows something in the
 * panel that is open, and opens it where there is none; after a reload of the window the editor hands back what was open.
 */
import * as vscode from "vscode";
import { PageState, type RunSummary } from "#contracts";
import { COMMANDS } from "../commands/ids.ts";
import type { ConnectedContext, Context } from "../context.ts";
import { isActive } from "../engineView.ts";
import { saveSources } from "../sources.ts";
import { Panel, type RunRequest } from "./panel.ts";
import { VIEW_TYPES } from "./viewTypes.ts";

export interface ShowOptions {
  /** Move the keyboard into the panel. */
  readonly focus?: boolean;
}

export class Panels implements vscode.Disposable {
  readonly #context: Context;
  readonly #panels = new Map<PageState["page"], Panel>();
  readonly #disposables: vscode.Disposable[];
  /** Ends the wait of a run for data. */
  #stopWaiting: (found: boolean) => void = () => undefined;
  /** Runs that this window started and that have not ended. */
  readonly #started = new Set<string>();

  constructor(context: Context) {
    this.#context = context;
    this.#disposables = [
      context.onDidReceiveEvent(({ event }) => {
        if (event.type === "run.changed") this.#ended(event.run);
        if (event.type === "data.changed") this.#stopWaiting(true);
      }),
    ];
  }

  dispose(): void {
    for (const disposable of [...this.#disposables, ...this.#panels.values()]) disposable.dispose();
  }

  /** Show a page with what it is to show. */
  show(state: PageState, { focus = false }: ShowOptions = {}): void {
    const panel = this.#panels.get(state.page);
    if (panel) {
      panel.navigate(state);
      panel.webviewPanel.reveal(undefined, !focus);
      return;
    }
    // A result belongs beside the code that made it; the list of runs is a page of its own and wants the room.
    const beside = state.page === "backtest" && this.#context.settings.openBeside && vscode.window.activeTextEditor !== undefined;
    const viewColumn = beside ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active;
    const webviewPanel = vscode.window.createWebviewPanel(VIEW_TYPES[state.page], "tino", { viewColumn, preserveFocus: !focus });
    this.#adopt(webviewPanel, state);
  }

  /** Take over a panel that the editor kept over a reload. */
  revive(webviewPanel: vscode.WebviewPanel, saved: unknown): void {
    const page = (Object.keys(VIEW_TYPES) as PageState["page"][]).find((name) => VIEW_TYPES[name] === webviewPanel.viewType) ?? "backtest";
    const state = PageState.safeParse(saved);
    // A second one of the same kind cannot be, unless two were saved by an older version: the newer stays.
    this.#panels.get(page)?.webviewPanel.dispose();
    this.#adopt(webviewPanel, state.success ? { ...state.data, page } : { page, run: null, path: null, name: null });
  }

  /** Start a run and remember that this window did. */
  async start({ client }: ConnectedContext, body: RunRequest): Promise<RunSummary> {
    await saveSources(body.path);
    const run = await client.call("startBacktest", { body });
    this.#started.add(run.id);
    // A run that fails at once may be told of before its start was answered: the two come by different sockets.
    const heard = this.#context.view.snapshot?.runs.find(({ id }) => id === run.id);
    if (heard) this.#ended(heard);
    return run;
  }

  /**
   * Wait until there is data to run on. The page of an empty catalog offers the sample, so nothing else has to ask; false when
   * the panel was closed or another run is asked for instead.
   */
  untilData(): Promise<boolean> {
    this.#stopWaiting(false);
    return new Promise((resolve) => {
      this.#stopWaiting = resolve;
    });
  }

  #adopt(webviewPanel: vscode.WebviewPanel, state: PageState): void {
    const panel = new Panel(this.#context, webviewPanel, state, {
      start: (connected, body) => this.start(connected, body),
      open: (wanted) => this.show(wanted, { focus: true }),
    });
    this.#panels.set(state.page, panel);
    webviewPanel.onDidDispose(() => {
      panel.dispose();
      if (state.page === "backtest") this.#stopWaiting(false);
      if (this.#panels.get(state.page) === panel) this.#panels.delete(state.page);
    });
  }

  /** A run of ours that failed while nobody looks at it is worth one quiet word. */
  #ended(run: RunSummary): void {
    if (isActive(run) || !this.#started.delete(run.id)) return;
    if (run.status !== "failed" || this.#isSeen(run)) return;
    const message = run.error?.message ?? `${run.name} failed.`;
    vscode.window.showWarningMessage(message, "Open").then((chosen) => {
      if (chosen) void vscode.commands.executeCommand(COMMANDS.openRun, { id: run.id });
    });
  }

  #isSeen(run: RunSummary): boolean {
    const panel = this.#panels.get("backtest");
    return panel?.webviewPanel.visible === true && (panel.state.run === run.id || panel.state.run === null);
  }
}
