/** The user's source files in the editor: showing a line, saving what the engine is about to read. */
import * as vscode from "vscode";
import { TinoError } from "#contracts/catalogue";

/** Open a file at a line, counted from 1. @throws strategy_file_not_found */
export async function openAt(path: string, line: number, column: vscode.ViewColumn = vscode.ViewColumn.Active): Promise<vscode.TextEditor> {
  let document: vscode.TextDocument;
  try {
    document = await vscode.workspace.openTextDocument(vscode.Uri.file(path));
  } catch (error) {
    throw TinoError.of("strategy_file_not_found", { path }, { cause: error });
  }
  // The file may have become shorter since.
  const at = document.validateRange(new vscode.Range(line - 1, 0, line - 1, 0));
  const editor = await vscode.window.showTextDocument(document, { viewColumn: column, selection: at });
  editor.revealRange(at, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  return editor;
}

/** Save a strategy's file and the other Python sources of its workspace folder, which it may import: the engine reads the disk. */
export async function saveSources(path: string): Promise<void> {
  const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(path));
  const isSource = (document: vscode.TextDocument) =>
    document.uri.fsPath === path || (document.languageId === "python" && folder !== undefined && vscode.workspace.getWorkspaceFolder(document.uri) === folder);
  const dirty = vscode.workspace.textDocuments.filter((document) => document.isDirty && document.uri.scheme === "file" && isSource(document));
  await Promise.all(dirty.map((document) => document.save()));
}
