/** Command identifiers, once. A test holds them against the manifest; a lens of the language host carries two of them. */
export const COMMANDS = {
  startEngine: "tino.startEngine",
  stopEngine: "tino.stopEngine",
  restartEngine: "tino.restartEngine",
  showEngineMenu: "tino.showEngineMenu",
  showClients: "tino.showClients",
  showLog: "tino.showLog",
  openEngineLog: "tino.openEngineLog",
  runDoctor: "tino.runDoctor",
  saveDiagnostics: "tino.saveDiagnostics",
  runBacktest: "tino.runBacktest",
  openBacktest: "tino.openBacktest",
  openRun: "tino.openRun",
  runAgain: "tino.runAgain",
  cancelRun: "tino.cancelRun",
  openRuns: "tino.openRuns",
  refreshRuns: "tino.refreshRuns",
  copyRunId: "tino.copyRunId",
  showRunSource: "tino.showRunSource",
  openDashboard: "tino.openDashboard",
  importSampleData: "tino.importSampleData",
  newStrategy: "tino.newStrategy",
  openExample: "tino.openExample",
} as const;

export type CommandId = (typeof COMMANDS)[keyof typeof COMMANDS];
