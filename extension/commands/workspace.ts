/** New strategies, and the example workspace. */
import { posix } from "node:path";
import * as vscode from "vscode";
import type { Surroundings } from "./command.ts";
import { fileNameOf, strategySource, whyNotAName } from "./strategyTemplate.ts";

/** Create a strategy in the workspace's `strategies` folder and open it. Never overwrites a file. */
export async function newStrategy({ refreshStrategies }: Surroundings, argument: unknown): Promise<vscode.Uri | undefined> {
  const folder = await pickFolder();
  if (!folder) return undefined;
  const given = typeof argument === "string" ? argument : "";
  const isGood = given !== "" && (await whyNot(folder, given)) === null;
  const name = isGood ? given : await askName(folder, given);
  if (!name) return undefined;
  const file = fileOf(folder, name);
  await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(strategySource(name)));
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(file));
  refreshStrategies();
  return file;
}

/** Copy the example workspace to a folder of the user's choice and open it. */
export async function openExample({ context }: Surroundings, argument: unknown): Promise<void> {
  const parent = argument instanceof vscode.Uri ? argument : await pickParent();
  if (!parent) return;
  const target = await freeName(parent, "tino-examples");
  const source = vscode.Uri.joinPath(context.extension.extensionUri, "examples");
  await copy(source, target);
  // A window that shows a folder already is left as it is.
  await vscode.commands.executeCommand("vscode.openFolder", target, { forceNewWindow: vscode.workspace.workspaceFolders !== undefined });
}

async function pickFolder(): Promise<vscode.WorkspaceFolder | undefined> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length > 1) return vscode.window.showWorkspaceFolderPick({ placeHolder: "Folder for the new strategy" });
  if (folders[0]) return folders[0];
  const open = "Open folder";
  const chosen = await vscode.window.showInformationMessage("A strategy needs a folder to live in. Open one first.", open);
  if (chosen === open) await vscode.commands.executeCommand("vscode.openFolder");
  return undefined;
}

function askName(folder: vscode.WorkspaceFolder, value: string): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: "New strategy",
    prompt: "Name of the class",
    placeHolder: "MeanReversion",
    value,
    validateInput: (name) => whyNot(folder, name),
  });
}

const fileOf = (folder: vscode.WorkspaceFolder, name: string): vscode.Uri => vscode.Uri.joinPath(folder.uri, "strategies", fileNameOf(name));

/** Why a strategy of that name cannot be created, null when it can. */
async function whyNot(folder: vscode.WorkspaceFolder, name: string): Promise<string | null> {
  return whyNotAName(name) ?? ((await exists(fileOf(folder, name))) ? `strategies/${fileNameOf(name)} exists already` : null);
}

async function pickParent(): Promise<vscode.Uri | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    title: "Where shall the example workspace go?",
    openLabel: "Create it here",
    canSelectFiles: false,
    canSelectFolders: true,
  });
  return chosen?.[0];
}

async function freeName(parent: vscode.Uri, name: string): Promise<vscode.Uri> {
  for (let number = 1; ; number += 1) {
    const candidate = vscode.Uri.joinPath(parent, number === 1 ? name : `${name}-${number}`);
    if (!(await exists(candidate))) return candidate;
  }
}

/** File by file, leaving out what running an example leaves behind. */
async function copy(source: vscode.Uri, target: vscode.Uri): Promise<void> {
  await vscode.workspace.fs.createDirectory(target);
  for (const [name, type] of await vscode.workspace.fs.readDirectory(source)) {
    if (name === "__pycache__" || posix.extname(name) === ".pyc") continue;
    const from = vscode.Uri.joinPath(source, name);
    const to = vscode.Uri.joinPath(target, name);
    if (type === vscode.FileType.Directory) await copy(from, to);
    else await vscode.workspace.fs.writeFile(to, await vscode.workspace.fs.readFile(from));
  }
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch (error) {
    if (error instanceof vscode.FileSystemError && error.code === "FileNotFound") return false;
    throw error;
  }
}
