/**
 * How failures reach the user: once, as one notification with what happened, what to do and a button that does it; the details
 * go to the log. Nobody else in the extension shows errors.
 */
import * as vscode from "vscode";
import { CATALOGUE, EXIT, TinoError } from "#contracts/catalogue";
import { openAt } from "./sources.ts";
import type { Log } from "./supervisor/log.ts";

/** What a button of the notification does. */
export type Remedies = Readonly<Record<string, () => unknown>>;

export class Failures {
  readonly #channel: vscode.LogOutputChannel;
  readonly #log: Log;
  readonly #logPath: string;
  /** Everybody who waited for the same start gets the same error; it is shown to the user once. */
  readonly #reported = new WeakSet<object>();

  constructor(channel: vscode.LogOutputChannel, log: Log, logPath: string) {
    this.#channel = channel;
    this.#log = log;
    this.#logPath = logPath;
  }

  /** Tell the user, unless that was done already or the user cancelled. */
  report(error: unknown, remedies: Remedies = {}): void {
    if (error instanceof vscode.CancellationError) return;
    const failure = this.asTinoError(error);
    const original = error instanceof Error ? error : failure;
    if (this.#reported.has(original)) return;
    this.#reported.add(original);
    this.#log("error", "extension", "failure", {
      code: failure.code,
      message: failure.message,
      ...(failure.code === "internal" && { exception: original.stack }),
    });
    const buttons: Remedies = { ...this.#ownRemedies(failure), ...remedies };
    const show = failure.code === "workspace_untrusted" ? vscode.window.showWarningMessage : vscode.window.showErrorMessage;
    show(`${failure.message} ${failure.hint}`, ...Object.keys(buttons)).then((chosen) => {
      if (chosen) Promise.resolve(buttons[chosen]?.()).catch((next) => this.report(next));
    });
  }

  /** What is not of the catalogue is a fault of ours. */
  asTinoError(error: unknown): TinoError {
    if (error instanceof TinoError) return error;
    return TinoError.of("internal", { reference: error instanceof Error ? error.message : String(error), log: this.#logPath }, { cause: error });
  }

  #ownRemedies(failure: TinoError): Remedies {
    if (failure.code === "workspace_untrusted") return { "Manage trust": () => vscode.commands.executeCommand("workbench.trust.manage") };
    const { location } = failure.body;
    const exit = CATALOGUE[failure.code].exit;
    const isOurs = exit === EXIT.engine || exit === EXIT.fault || exit === EXIT.setup;
    return {
      ...(location && { Open: () => openAt(location.path, location.line) }),
      ...(isOurs && { "Show log": () => this.#channel.show(true) }),
    };
  }
}
