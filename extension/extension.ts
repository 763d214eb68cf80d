/**
 * The extension's beginning and end, and nothing else. Activation makes what is light and listens; no process is started, no
 * file is written and no schema is loaded before something needs the engine (see `context.ts`).
 */
import * as vscode from "vscode";
import { registerCommands } from "./commands/command.ts";
import { COMMAND_TABLE } from "./commands/table.ts";
import { Context } from "./context.ts";
import { Problems } from "./language/problems.ts";
import { StrategyWatch } from "./language/strategyWatch.ts";
import type { Panels } from "./panels/panels.ts";
import { VIEW_TYPES } from "./panels/viewTypes.ts";
import { offerInTerminals } from "./terminal.ts";
import { DataTree } from "./views/dataTree.ts";
import { offerRunCode } from "./views/runCode.ts";
import { RunsTree } from "./views/runsTree.ts";
import { StatusBar } from "./views/statusBar.ts";
import { StrategiesTree } from "./views/strategiesTree.ts";

let active: Context | undefined;

export function activate(extension: vscode.ExtensionContext): void {
  const context = new Context(extension);
  active = context;
  const keep = <T extends vscode.Disposable>(part: T): T => {
    extension.subscriptions.push(part);
    return part;
  };
  keep(context);

  let opened: Promise<Panels> | undefined;
  const panels = () => {
    opened ??= import("./panels/panels.ts").then(({ Panels }) => keep(new Panels(context)));
    return opened;
  };
  const revive: vscode.WebviewPanelSerializer = {
    deserializeWebviewPanel: async (panel, state) => (await panels()).revive(panel, state),
  };
  for (const type of Object.values(VIEW_TYPES)) keep(vscode.window.registerWebviewPanelSerializer(type, revive));

  keep(new StatusBar(context));
  keep(new RunsTree(context));
  keep(offerRunCode(context));
  const strategies = keep(new StrategiesTree(context));
  const data = keep(new DataTree(context));
  keep(new Problems(context));
  keep(registerCommands(COMMAND_TABLE, { context, panels, refreshStrategies: () => strategies.refresh(), refreshData: () => data.refresh() }));
  keep(new StrategyWatch(context, async () => new (await import("./language/language.ts")).Language(context)));
  offerInTerminals(extension);
}

/** The editor gives five seconds; this takes none. The engine waits out its grace, which a reload of the window survives. */
export function deactivate(): void {
  active?.leave();
}
