/**
 * `tino` in the editor's terminals: the folder with its launcher is put on their PATH. The launcher runs the terminal program
 * with the editor's own Node, so that nothing has to be installed for it.
 */
import { delimiter } from "node:path";
import * as vscode from "vscode";

export function offerInTerminals(extension: vscode.ExtensionContext): void {
  const variables = extension.environmentVariableCollection;
  // Kept by the editor until it is set again, so a removed variable must not linger from an earlier start.
  variables.clear();
  variables.description = "Makes the command `tino` available.";
  variables.append("PATH", `${delimiter}${vscode.Uri.joinPath(extension.extensionUri, "dist", "bin").fsPath}`);
  variables.replace("TINO_NODE", process.execPath);
  // A terminal talks to the same engine as its window.
  if (process.env.TINO_HOME) variables.replace("TINO_HOME", process.env.TINO_HOME);
}
