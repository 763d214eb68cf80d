/**
 * Webview ↔ extension. A webview is a guest: it holds no socket and no token, and reaches the engine only through the
 * calls of {@link PANEL_CALLS}, which the extension relays. Every request is answered, with an error if need be.
 */
import { z } from "zod";
import type { CallName } from "./api.ts";
import { RunSummary } from "./backtest.ts";
import { RunId } from "./base.ts";
import { ErrorBody } from "./errors.ts";
import { ServerMessage } from "./events.ts";

/** What a page may ask the engine for. Nothing here ends the engine, opens a session or submits an order. */
export const PANEL_CALLS = [
  "getEngine",
  "listSymbols",
  "getBars",
  "importSample",
  "listProviders",
  "searchProvider",
  "startDownload",
  "listDownloads",
  "cancelDownload",
  "listStrategies",
  "getStrategySchema",
  "startBacktest",
  "listRuns",
  "getRun",
  "getRunCode",
  "reproduceRun",
  "cancelRun",
  "getSeries",
  "getTearsheet",
  "exportRun",
  "compareRuns",
  "labelRuns",
  "deleteRuns",
  "startValidation",
  "listValidations",
  "getValidation",
  "cancelValidation",
  "getHonesty",
  "planSweep",
  "startSweep",
  "listSweeps",
  "getSweep",
  "listSweepPoints",
  "stopSweep",
  "resumeSweep",
  "deleteSweep",
  "previewImport",
  "startImport",
  "listImports",
  "getImport",
  "cancelImport",
  "uploadFile",
  "removeData",
  "getQuality",
  "checkData",
  "changeActions",
  "resampleData",
  "getFundamentals",
  "listWatchlists",
  "putWatchlist",
  "removeWatchlist",
] as const satisfies readonly CallName[];
export type PanelCall = (typeof PANEL_CALLS)[number];

/** A page of the dashboard with what it shows: the same in a panel's saved state and in the browser's address. */
export const PageState = z
  .object({
    page: z.enum(["backtest", "runs", "compare", "data", "sweep"]),
    run: z.string().nullable().default(null),
    path: z.string().nullable().default(null).describe("Strategy file."),
    name: z.string().nullable().default(null).describe("Strategy class."),
    runs: z.array(z.string()).optional().describe("Runs side by side, on their page; the first is what the others are held against."),
    sweep: z.string().nullable().optional().describe("Sweep, on its page."),
    symbol: z.string().optional().describe("Instrument that the data page shows."),
    files: z.array(z.string()).max(1000).optional().describe("Files that the data page is to import."),
  })
  .meta({ id: "PageState" });
export type PageState = z.infer<typeof PageState>;

/** What only the editor can do for a page. In a browser the page hides or replaces these. */
export const PanelAction = z.discriminatedUnion("type", [
  z.object({ type: z.literal("openSource"), path: z.string(), line: z.number().int().min(1) }),
  z.object({ type: z.literal("showLog") }),
  /** Choose files with the editor's dialog and show how they would be imported. */
  z.object({ type: z.literal("importData") }),
  z.object({ type: z.literal("openPage"), state: PageState }),
  /** Delete runs, after the user was asked. */
  z.object({ type: z.literal("deleteRuns"), runs: z.array(RunSummary).min(1) }),
  /** Show how the code of two runs differs, in the editor's own diff editor. */
  z.object({ type: z.literal("compareCode"), runs: z.tuple([RunId, RunId]) }),
  z.object({ type: z.literal("saveFile"), name: z.string().max(120), bytes: z.instanceof(Uint8Array) }),
]);
export type PanelAction = z.infer<typeof PanelAction>;

/** From the page to the extension. */
export const FromPanel = z.discriminatedUnion("kind", [
  /** The page is loaded and asks for its whole initial state. */
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("call"), id: z.number().int(), call: z.enum(PANEL_CALLS), args: z.unknown() }),
  z.object({ kind: z.literal("action"), id: z.number().int(), action: PanelAction }),
  /** What the page shows now; kept so that a reloaded window shows it again. */
  z.object({ kind: z.literal("state"), state: PageState }),
]);
export type FromPanel = z.infer<typeof FromPanel>;

/** From the extension to the page. */
export const ToPanel = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("init"), state: PageState }),
  z.object({ kind: z.literal("reply"), id: z.number().int(), value: z.unknown() }),
  z.object({ kind: z.literal("failure"), id: z.number().int(), error: ErrorBody }),
  /** Events, forwarded while the panel is visible; on becoming visible again a fresh snapshot comes first. */
  z.object({ kind: z.literal("server"), message: ServerMessage }),
  z.object({ kind: z.literal("connection"), state: z.enum(["connecting", "live", "lost"]) }),
  /** Show something else, because a command asked for it. */
  z.object({ kind: z.literal("navigate"), state: PageState }),
]);
export type ToPanel = z.infer<typeof ToPanel>;
