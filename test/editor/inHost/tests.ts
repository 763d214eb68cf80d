/** What is tested inside the extension host, through the editor's own interface. The workspace is a copy of the examples. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as vscode from "vscode";
import type { RunSummary } from "#contracts";
import { EngineClient } from "../../../extension/client/engineClient.ts";
import { COMMANDS } from "../../../extension/commands/ids.ts";
import { systemClock } from "../../../extension/supervisor/clock.ts";
import { findEngine } from "../../../extension/supervisor/discovery.ts";
import { locateInstallation } from "../../../extension/supervisor/locate.ts";
import { fileLog } from "../../../extension/supervisor/log.ts";
import { findHome, pathsOf } from "../../../extension/supervisor/paths.ts";
import { placeOf } from "../../../extension/supervisor/place.ts";
import { LOOPS, markedLine, RAISES, TYPO } from "../strategies.ts";
import { test, until } from "./suite.ts";

const paths = pathsOf(findHome());
const root = (): vscode.Uri => {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  assert.ok(folder, "a folder is open");
  return folder.uri;
};
const extension = (): vscode.Extension<unknown> => {
  const found = vscode.extensions.getExtension("tino.tino");
  assert.ok(found, "the extension is installed");
  return found;
};

async function engine(): Promise<EngineClient> {
  const place = placeOf(paths, locateInstallation(extension().extensionPath), fileLog(join(paths.logs, "test.log"), systemClock));
  const finding = await findEngine(place);
  assert.equal(finding.kind, "running");
  return new EngineClient((finding as Extract<typeof finding, { kind: "running" }>).connection, null);
}

async function write(name: string, source: string): Promise<vscode.Uri> {
  const uri = vscode.Uri.joinPath(root(), "strategies", name);
  await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(source));
  return uri;
}

async function show(uri: vscode.Uri): Promise<vscode.TextEditor> {
  return vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
}

const lensesOf = async (uri: vscode.Uri): Promise<vscode.CodeLens[]> =>
  (await vscode.commands.executeCommand<vscode.CodeLens[]>("vscode.executeCodeLensProvider", uri, 10)) ?? [];

const lensesOnceThere = (uri: vscode.Uri, title: RegExp): Promise<vscode.Command> =>
  until(async () => (await lensesOf(uri)).find(({ command }) => title.test(command?.title ?? ""))?.command, `a lens ${title}`);

const diagnosticsOf = (uri: vscode.Uri, code: string): vscode.Diagnostic[] =>
  vscode.languages.getDiagnostics(uri).filter((diagnostic) => (typeof diagnostic.code === "object" ? diagnostic.code.value : diagnostic.code) === code);

async function ended(id: string): Promise<RunSummary> {
  const client = await engine();
  try {
    return await until(async () => {
      const run = await client.call("getRun", { path: { id } });
      return run.status === "queued" || run.status === "running" ? null : run;
    }, "the run to end");
  } finally {
    client.close();
  }
}

const run = (path: vscode.Uri, name: string): Thenable<RunSummary | undefined> =>
  vscode.commands.executeCommand(COMMANDS.runBacktest, { path: path.fsPath, name });

const example = (): vscode.Uri => vscode.Uri.joinPath(root(), "strategies", "ema_cross.py");

test("activation starts nothing", async () => {
  await extension().activate();
  assert.ok(extension().isActive);
  assert.equal(existsSync(paths.engineInfo), false);
  assert.equal(existsSync(paths.run), false);
});

test("every command of the manifest is registered", async () => {
  const registered = new Set(await vscode.commands.getCommands(true));
  const missing = Object.values(COMMANDS).filter((id) => !registered.has(id));
  assert.deepEqual(missing, []);
  const contributed: { command: string }[] = extension().packageJSON.contributes.commands;
  assert.deepEqual(contributed.map(({ command }) => command).sort(), Object.values(COMMANDS).sort());
});

test("a Python file without a strategy starts nothing", async () => {
  await show(await write("plain.py", "from nautilus_trader.model import Bar\n"));
  assert.equal(existsSync(paths.engineInfo), false);
});

test("a strategy starts the engine, and this window holds a lease", async () => {
  await show(example());
  await until(() => existsSync(paths.engineInfo), "engine.pid");
  assert.deepEqual(readdirSync(paths.clients), [`cli-${process.pid}.lock`]);
  const lock = JSON.parse(readFileSync(join(paths.clients, `cli-${process.pid}.lock`), "utf8"));
  assert.equal(lock.kind, "vscode");
  assert.equal(lock.tty, null);
  assert.equal(lock.workspace, root().fsPath);
});

test("the lens names the command with its strategy", async () => {
  const lens = await lensesOnceThere(example(), /^▶ Backtest$/);
  assert.equal(lens.command, COMMANDS.runBacktest);
  assert.deepEqual(lens.arguments, [{ path: example().fsPath, name: "EmaCross" }]);
});

test("lenses can be switched off, and on again", async () => {
  const settings = vscode.workspace.getConfiguration("tino");
  await settings.update("codeLens.enabled", false, vscode.ConfigurationTarget.Workspace);
  await until(async () => (await lensesOf(example())).length === 0, "no lens");
  await settings.update("codeLens.enabled", undefined, vscode.ConfigurationTarget.Workspace);
  await lensesOnceThere(example(), /Backtest/);
});

test("the sample is imported", async () => {
  await vscode.commands.executeCommand(COMMANDS.importSampleData);
  const client = await engine();
  const { symbols } = await client.call("listSymbols");
  client.close();
  assert.ok(symbols.some(({ instrument }) => instrument.id === "AAPL.XNAS"));
});

test("a run from the lens opens the panel, ends, and becomes the lens", async () => {
  const started = await run(example(), "EmaCross");
  assert.ok(started);
  const panels = () =>
    vscode.window.tabGroups.all
      .flatMap(({ tabs }) => tabs)
      .filter(({ input }) => input instanceof vscode.TabInputWebview && input.viewType.endsWith("tino.backtest"));
  await until(() => panels().length === 1, "the panel");
  assert.equal((await ended(started.id)).status, "finished");
  const lens = await lensesOnceThere(example(), /^▶ Backtest · last: [+−][\d.,]+\u202f?\s?%, Sharpe/);
  assert.equal(lens.command, COMMANDS.runBacktest);
  await run(example(), "EmaCross");
  assert.equal(panels().length, 1, "a second run uses the same panel");
});

test("what is typed is saved before it runs", async () => {
  const editor = await show(example());
  const at = editor.document.getText().indexOf("= 10  #");
  const range = new vscode.Range(editor.document.positionAt(at + 2), editor.document.positionAt(at + 4));
  await editor.edit((edit) => edit.replace(range, "15"));
  assert.ok(editor.document.isDirty);
  const started = await run(example(), "EmaCross");
  assert.ok(started);
  assert.equal(editor.document.isDirty, false);
  assert.equal(started.parameters.fast, 15);
  await ended(started.id);
});

test("an unknown instrument is underlined, and a fix is offered", async () => {
  const uri = await write("typo.py", TYPO);
  const editor = await show(uri);
  const [diagnostic] = await until(() => {
    const found = diagnosticsOf(uri, "symbol_unknown");
    return found.length > 0 ? found : null;
  }, "a diagnostic");
  assert.ok(diagnostic);
  assert.equal(diagnostic.range.start.line + 1, markedLine(TYPO));
  assert.match(editor.document.getText(diagnostic.range), /^"?APPL\.XNAS"?$/);
  const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>("vscode.executeCodeActionProvider", uri, diagnostic.range);
  const fix = actions.find(({ title }) => title.includes("AAPL.XNAS"));
  assert.ok(fix?.edit, "a fix with an edit");
  assert.ok(await vscode.workspace.applyEdit(fix.edit));
  await until(() => diagnosticsOf(uri, "symbol_unknown").length === 0, "the diagnostic to go");
  await editor.document.save();
});

test("a hover over an instrument says what the catalog holds, and completion offers it", async () => {
  const uri = vscode.Uri.joinPath(root(), "strategies", "typo.py");
  const document = await vscode.workspace.openTextDocument(uri);
  const inside = document.positionAt(document.getText().indexOf("AAPL.XNAS") + 2);
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>("vscode.executeHoverProvider", uri, inside);
  const text = hovers.flatMap(({ contents }) => contents.map((content) => (typeof content === "string" ? content : content.value))).join("\n");
  assert.match(text, /3,?270/);
  const begin = document.positionAt(document.getText().indexOf("AAPL.XNAS"));
  const list = await vscode.commands.executeCommand<vscode.CompletionList>("vscode.executeCompletionItemProvider", uri, begin);
  const labels = list.items.map(({ label }) => (typeof label === "string" ? label : label.label));
  assert.ok(
    labels.some((label) => label.includes("MSFT.XNAS")),
    `MSFT.XNAS among ${labels.slice(0, 10)}`,
  );
});

test("a strategy that raises is a problem, until the file is edited", async () => {
  const uri = await write("raises.py", RAISES);
  const editor = await show(uri);
  const started = await run(uri, "Raises");
  assert.ok(started);
  const { error } = await ended(started.id);
  assert.equal(error?.code, "strategy_failed");
  const [diagnostic] = await until(() => {
    const found = diagnosticsOf(uri, "strategy_failed");
    return found.length > 0 ? found : null;
  }, "a diagnostic");
  assert.ok(diagnostic);
  assert.equal(diagnostic.source, "tino");
  assert.equal(diagnostic.range.start.line + 1, markedLine(RAISES));
  assert.equal(diagnostic.message, error.message);
  assert.deepEqual(
    diagnostic.relatedInformation?.map(({ location }) => location.range.start.line + 1),
    error.traceback.map(({ line }) => line),
  );
  await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), "\n"));
  await until(() => diagnosticsOf(uri, "strategy_failed").length === 0, "the mark to go");
});

test("a newer run takes the mark of the older away, and brings its own", async () => {
  const uri = vscode.Uri.joinPath(root(), "strategies", "raises.py");
  const editor = await show(uri);
  const started = await run(uri, "Raises");
  assert.ok(started);
  await until(() => diagnosticsOf(uri, "strategy_failed").length === 1, "a mark");
  const text = editor.document.getText();
  await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text.replace("/ 0", "/ 2")));
  await until(() => editor.document.getText().includes("/ 2"), "the editor to read the file again");
  const second = await run(uri, "Raises");
  assert.ok(second);
  assert.equal((await ended(second.id)).status, "finished");
  await until(() => diagnosticsOf(uri, "strategy_failed").length === 0, "no mark");
});

test("an endless loop is cancelled", async () => {
  const uri = await write("loops.py", LOOPS);
  const started = await run(uri, "Loops");
  assert.ok(started);
  await vscode.commands.executeCommand(COMMANDS.cancelRun, { id: started.id });
  assert.equal((await ended(started.id)).status, "cancelled");
  // Cancelling what has ended is no failure: what was wanted is the case.
  await vscode.commands.executeCommand(COMMANDS.cancelRun, { id: started.id });
});

test("a new strategy runs as it is", async () => {
  const uri = await vscode.commands.executeCommand<vscode.Uri>(COMMANDS.newStrategy, "MeanReversion");
  assert.equal(uri.fsPath, join(root().fsPath, "strategies", "mean_reversion.py"));
  assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, uri.fsPath);
  const started = await run(uri, "MeanReversion");
  assert.ok(started);
  const { status, error, metrics } = await ended(started.id);
  assert.equal(status, "finished", error?.message ?? "");
  assert.ok((metrics?.trades ?? 0) > 0, "it trades");
});

test("a run that has ended is run again, as it was asked for", async () => {
  const client = await engine();
  const [newest] = (await client.call("listRuns", { query: { limit: 1 } })).runs;
  client.close();
  assert.ok(newest);
  const again = await vscode.commands.executeCommand<RunSummary>(COMMANDS.runAgain, { id: newest.id });
  assert.notEqual(again.id, newest.id);
  const { status, metrics, parameters } = await ended(again.id);
  assert.deepEqual({ status, metrics, parameters }, { status: newest.status, metrics: newest.metrics, parameters: newest.parameters });
});

test("the identifier and the source of a run", async () => {
  const client = await engine();
  const [newest] = (await client.call("listRuns", { query: { limit: 1 } })).runs;
  client.close();
  assert.ok(newest);
  await vscode.commands.executeCommand(COMMANDS.copyRunId, { id: newest.id });
  assert.equal(await vscode.env.clipboard.readText(), newest.id);
  await vscode.commands.executeCommand(COMMANDS.showRunSource, { id: newest.id });
  const editor = vscode.window.activeTextEditor;
  assert.equal(editor?.document.uri.fsPath, newest.path);
  assert.match(editor?.document.lineAt(editor.selection.active.line).text ?? "", /^class MeanReversion\(/);
});

test("tino is there in a terminal and talks to the same engine", async () => {
  const answer = join(root().fsPath, "status.json");
  const terminal = vscode.window.createTerminal({ name: "tino", shellPath: process.platform === "win32" ? "cmd.exe" : "/bin/sh" });
  terminal.sendText(`tino status --json > "${answer}.part" && mv "${answer}.part" "${answer}"`);
  await until(() => existsSync(answer), "the answer of tino");
  const status = JSON.parse(readFileSync(answer, "utf8"));
  terminal.dispose();
  const { pid } = JSON.parse(readFileSync(paths.engineInfo, "utf8"));
  assert.ok(JSON.stringify(status).includes(`"pid":${pid}`), "the engine of this window");
});

test("an engine that is stopped stays so until it is asked for", async () => {
  await vscode.commands.executeCommand(COMMANDS.stopEngine);
  assert.equal(existsSync(paths.engineInfo), false);
  await show(example());
  await vscode.commands.executeCommand(COMMANDS.startEngine);
  assert.ok(existsSync(paths.engineInfo));
  await lensesOnceThere(example(), /Backtest/);
});
