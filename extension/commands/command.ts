/** How commands are written and registered. */
import * as vscode from "vscode";
import type { ConnectedContext, Context } from "../context.ts";
import type { Panels } from "../panels/panels.ts";
import type { CommandId } from "./ids.ts";

/** What commands may reach besides the context. */
export interface Surroundings {
  readonly context: Context;
  /** Panels load the schemas with them, so they are made when the first one is shown. */
  readonly panels: () => Promise<Panels>;
  /** Have the tree of strategies read the workspace again. */
  readonly refreshStrategies: () => void;
  /** Have the tree of data ask the engine again. */
  readonly refreshData: () => void;
}

/** `plain` works without an engine; `connected` is called with a live one. Arguments come from menus, lenses and other extensions, so their shape is unknown. */
export type Command =
  | { readonly plain: (surroundings: Surroundings, ...args: unknown[]) => unknown }
  | { readonly connected: (connected: ConnectedContext, surroundings: Surroundings, ...args: unknown[]) => unknown };

/** Register a whole table; the compiler sees to it that no identifier is left out. */
export function registerCommands(table: Record<CommandId, Command>, surroundings: Surroundings): vscode.Disposable {
  const { context } = surroundings;
  const run = async (command: Command, args: unknown[]) => {
    try {
      if ("plain" in command) return await command.plain(surroundings, ...args);
      return await command.connected(await context.connect(), surroundings, ...args);
    } catch (error) {
      context.failures.report(error);
      return undefined;
    }
  };
  const registered = Object.entries(table).map(([id, command]) => vscode.commands.registerCommand(id, (...args: unknown[]) => run(command, args)));
  return vscode.Disposable.from(...registered);
}
