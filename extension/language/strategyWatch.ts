/**
 * Notices when a strategy is opened. That is what starts the engine and the language client; other Python files start nothing.
 * Also keeps the `when` key `tino.strategyFile`, by which the editor's title shows the run button.
 */
import * as vscode from "vscode";
import type { Context } from "../context.ts";
import { wordOf } from "../engineView.ts";
import type { Language } from "./language.ts";
import { mentionsStrategy } from "./strategyFile.ts";

export class StrategyWatch implements vscode.Disposable {
  readonly #context: Context;
  readonly #loadLanguage: () => Promise<Language>;
  readonly #disposables: vscode.Disposable[];
  #language: Language | null = null;
  #seen = false;

  constructor(context: Context, loadLanguage: () => Promise<Language>) {
    this.#context = context;
    this.#loadLanguage = loadLanguage;
    this.#disposables = [
      vscode.workspace.onDidOpenTextDocument((document) => this.#look(document)),
      // The import may be typed in only later; a saved file is looked at again.
      vscode.workspace.onDidSaveTextDocument((document) => this.#look(document)),
      vscode.window.onDidChangeActiveTextEditor(() => this.#publish()),
      context.onDidChangeView(() => this.#ensure()),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("tino.codeLens")) this.#language?.refreshLenses();
      }),
    ];
    for (const document of vscode.workspace.textDocuments) this.#look(document);
    this.#publish();
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
    this.#language?.dispose();
  }

  #look(document: vscode.TextDocument): void {
    if (!mentionsStrategy(document)) return;
    this.#publish();
    if (this.#seen) return;
    this.#seen = true;
    this.#ensure();
  }

  /** Also called when trust is granted and when another engine came: each time it is cheap to find that nothing is to be done. */
  #ensure(): void {
    if (!this.#seen || !vscode.workspace.isTrusted) return;
    const word = wordOf(this.#context.view);
    if (word === "offline") this.#context.attachQuietly();
    if (word === "healthy") void this.#begin();
  }

  async #begin(): Promise<void> {
    this.#language ??= await this.#loadLanguage();
    this.#language.ensure();
  }

  #publish(): void {
    const document = vscode.window.activeTextEditor?.document;
    void vscode.commands.executeCommand("setContext", "tino.strategyFile", document !== undefined && mentionsStrategy(document));
  }
}
