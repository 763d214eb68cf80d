/**
 * What a failed run says about the user's code, in Problems: the line that raised, with the frames that led there. A mark goes
 * when its file is edited or when a newer run of the same strategy begins, since then it says nothing about the code any more.
 * After a reload the mark of a strategy's newest run comes back, unless the file was saved since.
 */
import { stat } from "node:fs/promises";
import * as vscode from "vscode";
import type { RunSummary } from "#contracts";
import type { Context } from "../context.ts";

interface Mark {
  readonly uri: vscode.Uri;
  readonly diagnostic: vscode.Diagnostic;
}

export class Problems implements vscode.Disposable {
  readonly #context: Context;
  readonly #collection = vscode.languages.createDiagnosticCollection("tino");
  readonly #marks = new Map<string, Mark>();
  /** The run that speaks for each strategy. */
  readonly #newest = new Map<string, string>();
  readonly #disposables: vscode.Disposable[];

  constructor(context: Context) {
    this.#context = context;
    this.#disposables = [
      this.#collection,
      context.onDidReceiveEvent(({ event }) => {
        if (event.type === "run.changed") this.#take(event.run);
      }),
      context.onDidReceiveSnapshot(() => this.#restore()),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) this.#edited(document.uri);
      }),
    ];
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #take(run: RunSummary): void {
    const key = keyOf(run);
    if ((this.#newest.get(key) ?? "") > run.id) return;
    this.#newest.set(key, run.id);
    this.#clear(key);
    if (run.status !== "failed") return;
    this.#write(run);
    this.#mark(run).catch((error) => this.#context.log("warning", "problems", "not_marked", { reason: String(error) }));
  }

  /** The newest run of each strategy, where it failed on code that is still the same. */
  #restore(): void {
    const newest = new Map<string, RunSummary>();
    for (const run of this.#context.view.snapshot?.runs ?? []) if (!newest.has(keyOf(run))) newest.set(keyOf(run), run);
    for (const run of newest.values()) {
      if (run.status !== "failed" || !run.error?.location || this.#newest.get(keyOf(run)) === run.id) continue;
      stat(run.error.location.path).then(
        ({ mtimeMs }) => {
          if (mtimeMs <= run.createdAt) this.#take(run);
        },
        // Removed or renamed since: there is no line to mark.
        () => undefined,
      );
    }
  }

  /** The traceback as Python writes it, for the log: Problems has room for one line a frame. */
  #write({ id, name, error }: RunSummary): void {
    if (!error) return;
    this.#context.log("warning", "run", "failed", { runId: id, name, code: error.code });
    const frames = error.traceback.flatMap(({ path, line, function: callee, code }) => [`  File "${path}", line ${line}, in ${callee}`, `    ${code}`]);
    this.#context.channel.error([...(frames.length > 0 ? ["Traceback (most recent call last):", ...frames] : []), `${error.message} ${error.hint}`].join("\n"));
  }

  async #mark(run: RunSummary): Promise<void> {
    const { error } = run;
    if (!error?.location || !vscode.workspace.getWorkspaceFolder(vscode.Uri.file(error.location.path))) return;
    const { path, line } = error.location;
    const uri = vscode.Uri.file(path);
    const diagnostic = new vscode.Diagnostic(await rangeOf(uri, line), error.message, vscode.DiagnosticSeverity.Error);
    if (this.#newest.get(keyOf(run)) !== run.id) return;
    diagnostic.source = "tino";
    diagnostic.code = error.code;
    diagnostic.relatedInformation = error.traceback.map(
      (frame) =>
        new vscode.DiagnosticRelatedInformation(
          new vscode.Location(vscode.Uri.file(frame.path), new vscode.Position(frame.line - 1, 0)),
          `in ${frame.function}: ${frame.code}`,
        ),
    );
    this.#marks.set(keyOf(run), { uri, diagnostic });
    this.#show(uri);
  }

  #edited(uri: vscode.Uri): void {
    for (const [key, mark] of this.#marks) if (mark.uri.toString() === uri.toString()) this.#clear(key);
  }

  #clear(key: string): void {
    const mark = this.#marks.get(key);
    if (!mark) return;
    this.#marks.delete(key);
    this.#show(mark.uri);
  }

  #show(uri: vscode.Uri): void {
    const here = [...this.#marks.values()].filter((mark) => mark.uri.toString() === uri.toString());
    this.#collection.set(
      uri,
      here.map(({ diagnostic }) => diagnostic),
    );
  }
}

const keyOf = ({ path, name }: RunSummary): string => `${path}\n${name}`;

/** The line without its indentation. */
async function rangeOf(uri: vscode.Uri, line: number): Promise<vscode.Range> {
  const document = await vscode.workspace.openTextDocument(uri);
  const { range, firstNonWhitespaceCharacterIndex } = document.lineAt(Math.min(line, document.lineCount) - 1);
  return range.with(range.start.with({ character: firstNonWhitespaceCharacterIndex }));
}
