/** The one item in the status bar: the engine's state and the mode, in words. A click opens what can be done about it. */
import * as vscode from "vscode";
import { COMMANDS } from "../commands/ids.ts";
import type { Context } from "../context.ts";
import type { EngineView } from "../engineView.ts";
import { indicatorOf } from "./indicator.ts";
import { ago } from "./text.ts";

export class StatusBar implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem("tino.engine", vscode.StatusBarAlignment.Left, 10);
  readonly #listener: vscode.Disposable;
  #shown = "";

  constructor(context: Context) {
    this.#item.name = "tino engine";
    this.#item.command = COMMANDS.showEngineMenu;
    this.#listener = context.onDidChangeView((view) => this.#show(view));
    this.#show(context.view);
    this.#item.show();
  }

  dispose(): void {
    this.#listener.dispose();
    this.#item.dispose();
  }

  #show(view: EngineView): void {
    const { icon, state, sentence, severity } = indicatorOf(view, vscode.workspace.isTrusted);
    // LIVE must be confirmed in words before any engine says so; until one does, nothing here can trade for real.
    const mode = view.snapshot?.status.mode ?? "PAPER";
    const text = `$(${icon}) tino ${mode}${state ? ` · ${state}` : ""}`;
    const hover = hoverText(view, mode, sentence);
    // Progress of a run changes the view many times a second, and nothing that is shown here.
    if (this.#shown === text + hover) return;
    this.#shown = text + hover;
    this.#item.text = text;
    this.#item.tooltip = new vscode.MarkdownString(hover);
    this.#item.accessibilityInformation = { label: `tino, mode ${mode}. ${sentence}`, role: "button" };
    this.#item.backgroundColor = severity === "none" ? undefined : new vscode.ThemeColor(`statusBarItem.${severity}Background`);
  }
}

function hoverText({ link, snapshot }: EngineView, mode: string, sentence: string): string {
  const lines = [`**tino** · mode **${mode}**${mode === "PAPER" ? ", no real money" : ""}`, sentence];
  if (link.kind === "starting") lines.push(`Now: ${link.phase}.`);
  if (link.kind === "failed") lines.push(`${link.error.message} ${link.error.hint}`);
  if (link.kind === "live" && snapshot) {
    const { pid, port, startedAt, version } = snapshot.status;
    lines.push(`Process ${pid}, port ${port}, version ${version}, started ${ago(startedAt, Date.now())}`);
  }
  return lines.join("\n\n");
}
