/** Every command of the extension. */

import { importSampleData, openBacktest, runBacktest, sweepParameters } from "./backtest.ts";
import type { Command } from "./command.ts";
import { importData, openData, removeData } from "./data.ts";
import { openDashboard, openEngineLog, restartEngine, showClients, showEngineMenu, stopEngine } from "./engine.ts";
import { COMMANDS, type CommandId } from "./ids.ts";
import { compareCode, compareRuns, deleteRuns, exportRun, noteRun, pinRuns, tagRuns } from "./runLabels.ts";
import { cancelRun, copyRunId, openRun, openRuns, refreshRuns, reproduceRun, runAgain, showRunSource } from "./runs.ts";
import { newStrategy, openExample } from "./workspace.ts";

export const COMMAND_TABLE: Record<CommandId, Command> = {
  // Whoever asks for an engine has it by the time this is called.
  [COMMANDS.startEngine]: { connected: () => undefined },
  [COMMANDS.stopEngine]: { plain: ({ context }) => stopEngine(context) },
  [COMMANDS.restartEngine]: { plain: ({ context }) => restartEngine(context) },
  [COMMANDS.showEngineMenu]: { plain: ({ context }) => showEngineMenu(context) },
  [COMMANDS.showClients]: { connected: (connected) => showClients(connected) },
  [COMMANDS.showLog]: { plain: ({ context }) => context.channel.show(true) },
  [COMMANDS.openEngineLog]: { plain: ({ context }) => openEngineLog(context) },
  // The diagnosis reads files of tino's own and runs its own Python, so it works in a folder that is not trusted too.
  [COMMANDS.runDoctor]: { plain: async ({ context }) => (await import("./diagnosis.ts")).runDoctor(context) },
  [COMMANDS.saveDiagnostics]: { plain: async ({ context }) => (await import("./diagnosis.ts")).saveDiagnostics(context) },
  [COMMANDS.runBacktest]: { plain: runBacktest },
  [COMMANDS.openBacktest]: { plain: openBacktest },
  [COMMANDS.sweepParameters]: { plain: sweepParameters },
  [COMMANDS.openRun]: { connected: openRun },
  [COMMANDS.runAgain]: { connected: runAgain },
  [COMMANDS.reproduceRun]: { connected: reproduceRun },
  [COMMANDS.cancelRun]: { connected: (connected, _, argument) => cancelRun(connected, argument) },
  [COMMANDS.openRuns]: { plain: openRuns },
  [COMMANDS.refreshRuns]: {
    connected: (connected, { refreshStrategies }) => {
      refreshStrategies();
      return refreshRuns(connected);
    },
  },
  [COMMANDS.copyRunId]: { connected: (connected, _, argument) => copyRunId(connected, argument) },
  [COMMANDS.showRunSource]: { connected: (connected, _, argument) => showRunSource(connected, argument) },
  [COMMANDS.compareRuns]: { connected: compareRuns },
  [COMMANDS.compareCode]: { connected: compareCode },
  [COMMANDS.tagRun]: { connected: (connected, _, ...args) => tagRuns(connected, ...args) },
  [COMMANDS.noteRun]: { connected: (connected, _, ...args) => noteRun(connected, ...args) },
  [COMMANDS.pinRun]: { connected: (connected, _, ...args) => pinRuns(connected, true, ...args) },
  [COMMANDS.unpinRun]: { connected: (connected, _, ...args) => pinRuns(connected, false, ...args) },
  [COMMANDS.exportRun]: { connected: (connected, _, ...args) => exportRun(connected, ...args) },
  [COMMANDS.deleteRun]: { connected: (connected, _, ...args) => deleteRuns(connected, ...args) },
  [COMMANDS.openDashboard]: { connected: (connected, _, path) => openDashboard(connected, typeof path === "string" ? path : undefined) },
  [COMMANDS.importSampleData]: { connected: importSampleData },
  [COMMANDS.downloadData]: { connected: async (connected) => (await import("./providers.ts")).downloadData(connected) },
  [COMMANDS.setKey]: { connected: async (connected, _, name) => (await import("./providers.ts")).setKey(connected, name) },
  [COMMANDS.removeKey]: { connected: async (connected) => (await import("./providers.ts")).removeKey(connected) },
  [COMMANDS.openData]: { plain: openData },
  [COMMANDS.importData]: { plain: importData },
  [COMMANDS.removeData]: { connected: (connected, _, argument) => removeData(connected, argument) },
  [COMMANDS.refreshData]: { connected: (_connected, { refreshData }) => refreshData() },
  [COMMANDS.newStrategy]: { plain: newStrategy },
  [COMMANDS.openExample]: { plain: openExample },
};
