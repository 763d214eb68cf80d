/** Starting, ending and looking at the engine. */
import { existsSync } from "node:fs";
import * as vscode from "vscode";
import type { Client } from "#contracts";
import { TinoError } from "#contracts/catalogue";
import type { ConnectedContext, Context } from "../context.ts";
import { activeRuns, wordOf } from "../engineView.ts";
import { endEngine } from "../supervisor/shutdown.ts";
import { ago, count } from "../views/text.ts";
import { COMMANDS } from "./ids.ts";

/** How long an engine may take to say whether it ends. */
const ASK_MS = 3_000;

/**
 * End the engine. When others use it, or it does not answer, says so, and does it anyway only if the user says so.
 * @returns whether it ended
 */
export async function stopEngine(context: Context): Promise<boolean> {
  const { connected } = context;
  if (!connected) throw TinoError.of("engine_not_running");
  try {
    await connected.client.call("shutdown", { body: { force: false, nonce: context.nonce } }, { timeoutMs: ASK_MS });
  } catch (error) {
    if (!TinoError.is(error, "engine_busy") && !TinoError.is(error, "engine_unreachable")) throw error;
    const anyway = "Stop anyway";
    const detail = "Runs under way are marked interrupted; what is finished is kept. Other windows and terminals lose their connection.";
    if ((await vscode.window.showWarningMessage(error.message, { modal: true, detail }, anyway)) !== anyway) return false;
  }
  await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: "tino" }, (progress) =>
    endEngine(context.place, true, (message) => progress.report({ message })),
  );
  return true;
}

export async function restartEngine(context: Context): Promise<void> {
  if (await stopEngine(context)) await context.connect();
}

const CLIENT_KINDS: Record<Client["kind"], { word: string; icon: string }> = {
  vscode: { word: "Window", icon: "window" },
  cli: { word: "Terminal", icon: "terminal" },
  browser: { word: "Browser page", icon: "globe" },
  trader: { word: "Trader", icon: "pulse" },
};

/** List who uses the engine; choosing one copies its line. */
export async function showClients({ context, client }: ConnectedContext): Promise<void> {
  const { clients } = await client.call("getEngine");
  const items = clients.map((user) => {
    const { word, icon } = CLIENT_KINDS[user.kind];
    const own = user.pid === process.pid ? ", this one" : "";
    return {
      label: `$(${icon}) ${word}${user.pid === null ? "" : ` ${user.pid}`}${own}`,
      description: user.workspace ?? user.tty ?? "",
      detail: `since ${new Date(user.since).toLocaleTimeString()} (${ago(user.since, Date.now())})${user.connected ? "" : ", not connected"}`,
      text: `${word} ${user.pid ?? ""} ${user.workspace ?? user.tty ?? ""}`.trim(),
    };
  });
  const title = `${count(clients.length, "client")} of engine ${context.view.snapshot?.status.pid ?? ""}`;
  const chosen = await vscode.window.showQuickPick(items, { title, placeHolder: "Choose one to copy its line", matchOnDescription: true });
  if (chosen) await vscode.env.clipboard.writeText(chosen.text);
}

/** Open the dashboard in the system's browser, at a page if given one. */
export async function openDashboard({ client }: ConnectedContext, path = "/"): Promise<void> {
  const { url } = await client.call("createBrowserCode", { body: { path } });
  if (!(await vscode.env.openExternal(vscode.Uri.parse(url, true)))) throw TinoError.of("browser_not_opened", { reason: "the editor refused to", url });
}

/** The engine's own log, as an editor; there is none before the first engine was started. */
export async function openEngineLog(context: Context): Promise<void> {
  const path = context.view.snapshot?.status.logPath ?? context.place.paths.engineLog;
  if (existsSync(path)) await vscode.window.showTextDocument(vscode.Uri.file(path));
  else vscode.window.setStatusBarMessage("$(info) tino: no engine has written a log yet", 4_000);
}

/** What the status bar item opens: only what can be done in the present state. */
export async function showEngineMenu(context: Context): Promise<void> {
  type Item = vscode.QuickPickItem & { command?: string };
  const item = (icon: string, label: string, command: string, description = ""): Item => ({ label: `$(${icon}) ${label}`, command, description });
  const separator: Item = { label: "", kind: vscode.QuickPickItemKind.Separator };
  const { view } = context;
  const word = wordOf(view);
  const items: Item[] = [];
  if (!vscode.workspace.isTrusted) {
    items.push(item("shield", "Manage workspace trust", "workbench.trust.manage", "tino runs nothing in a folder that is not trusted"));
  } else if (word === "healthy" || word === "stale") {
    const runs = activeRuns(view).length;
    items.push(
      item("globe", "Open dashboard in browser", COMMANDS.openDashboard),
      item("history", "Open runs", COMMANDS.openRuns, runs > 0 ? `${count(runs, "run")} under way` : ""),
      separator,
      item("organization", "Show who uses the engine", COMMANDS.showClients, count(view.snapshot?.status.clients.length ?? 0, "client")),
      item("debug-restart", "Restart engine", COMMANDS.restartEngine),
      item("debug-stop", "Stop engine", COMMANDS.stopEngine),
    );
  } else {
    items.push(item("play", word === "error" ? "Start engine again" : "Start engine", COMMANDS.startEngine));
  }
  items.push(
    separator,
    item("output", "Show log", COMMANDS.showLog),
    item("file", "Open engine log file", COMMANDS.openEngineLog),
    item("pulse", "Run doctor", COMMANDS.runDoctor),
    item("archive", "Save diagnostics", COMMANDS.saveDiagnostics),
  );
  const chosen = await vscode.window.showQuickPick(items, { title: "tino engine" });
  if (chosen?.command) await vscode.commands.executeCommand(chosen.command);
}
