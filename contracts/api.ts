/**
 * The call table: every HTTP route of the engine, once. The typed client, the Python routers' models and the OpenAPI
 * file are derived from it; a test compares it with the routes that the engine really has.
 */
import type { z } from "zod";
import { BacktestRequest, Run, RunCode, RunList, RunListQuery, RunSummary, SeriesQuery } from "./backtest.ts";
import type { Scope } from "./base.ts";
import { CompareRequest, Comparison } from "./compare.ts";
import {
  ActionsImportReply,
  ActionsImportRequest,
  ActionsRequest,
  BarsQuery,
  DataCheck,
  DataCheckRequest,
  DataImport,
  FundamentalList,
  FundamentalsImportReply,
  FundamentalsImportRequest,
  FundamentalsQuery,
  ImportList,
  ImportPreview,
  ImportRequest,
  QualityQuery,
  QualityReport,
  RemoveRequest,
  ResampleReply,
  ResampleRequest,
  SampleQuery,
  SampleReply,
  SymbolEntry,
  SymbolList,
  UploadReply,
  UploadRequest,
  WatchlistList,
  WatchlistRequest,
} from "./data.ts";
import { ExportQuery } from "./export.ts";
import { DeleteReply, DeleteRequest, LabelRequest } from "./labels.ts";
import { BrowserCode, BrowserCodeRequest, EngineStatus, Health, HealthQuery, Session, SessionRequest, ShutdownReply, ShutdownRequest, SocketTicket } from "./process.ts";
import { CatalogPlace, CatalogPlaceRequest, Download, DownloadList, DownloadRequest, KeyList, ProviderList, ProviderSymbolList, ProviderSymbolQuery, SetKeyRequest } from "./providers.ts";
import { Sweep, SweepList, SweepListQuery, SweepPlan, SweepPointList, SweepPointsQuery, SweepRequest } from "./search.ts";
import { Strategy, StrategyList, StrategyQuery, StrategySchemaQuery } from "./strategies.ts";
import { Tearsheet } from "./tearsheet.ts";
import { Honesty, HonestyQuery, StartValidation, Validation, ValidationList, ValidationListQuery, ValidationSummary } from "./validation.ts";

/** Header in which a client names itself by its lock file's nonce, so that the engine knows whose run it starts. */
export const CLIENT_HEADER = "x-tino-client";

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path with `{name}` for each path parameter. */
  readonly path: string;
  readonly summary: string;
  /** Scope the token needs; null: open to anyone who passes the guard. */
  readonly scope: Scope | null;
  /** JSON body of a POST or PUT. */
  readonly body?: z.ZodType;
  /** Query parameters; null fields are left out of the address. */
  readonly query?: z.ZodType;
  /** JSON reply, "arrow" for an Arrow IPC stream, or "file" for bytes to be saved. */
  readonly reply: z.ZodType | "arrow" | "file";
}

export const CALLS = {
  getHealth: { method: "GET", path: "/api/health", summary: "Who answers here, with proof", scope: null, query: HealthQuery, reply: Health },
  getEngine: { method: "GET", path: "/api/engine", summary: "State, clients and children of the engine", scope: "read", reply: EngineStatus },
  shutdown: { method: "POST", path: "/api/shutdown", summary: "End the engine, unless others use it", scope: "operate", body: ShutdownRequest, reply: ShutdownReply },

  createBrowserCode: { method: "POST", path: "/api/session/code", summary: "A one-time address for a browser", scope: "operate", body: BrowserCodeRequest, reply: BrowserCode },
  createSession: { method: "POST", path: "/api/session", summary: "Exchange a one-time code for a session", scope: null, body: SessionRequest, reply: Session },
  createSocketTicket: { method: "POST", path: "/api/session/ticket", summary: "A one-use ticket for a WebSocket", scope: "read", reply: SocketTicket },

  listSymbols: { method: "GET", path: "/api/data/symbols", summary: "Instruments in the catalog with their coverage", scope: "read", reply: SymbolList },
  getBars: { method: "GET", path: "/api/data/bars", summary: "Bars of one series", scope: "read", query: BarsQuery, reply: "arrow" },
  importSample: { method: "POST", path: "/api/data/sample", summary: "Bring embedded sample data into the catalog", scope: "simulate", query: SampleQuery, reply: SampleReply },
  previewImport: { method: "POST", path: "/api/data/import/preview", summary: "How files of bars would be read; stores nothing", scope: "simulate", body: ImportRequest, reply: ImportPreview },
  startImport: { method: "POST", path: "/api/data/import", summary: "Import files of bars", scope: "simulate", body: ImportRequest, reply: DataImport },
  listImports: { method: "GET", path: "/api/data/import", summary: "Imports since the engine started, newest first", scope: "read", reply: ImportList },
  getImport: { method: "GET", path: "/api/data/import/{id}", summary: "One import", scope: "read", reply: DataImport },
  cancelImport: { method: "POST", path: "/api/data/import/{id}/cancel", summary: "Cancel an import; nothing of it is kept", scope: "simulate", reply: DataImport },
  removeData: { method: "POST", path: "/api/data/remove", summary: "Remove series of bars from the catalog", scope: "operate", body: RemoveRequest, reply: SymbolList },
  uploadFile: { method: "POST", path: "/api/data/upload", summary: "Give the engine a file piece by piece, to import it", scope: "simulate", body: UploadRequest, reply: UploadReply },
  getQuality: { method: "GET", path: "/api/data/quality", summary: "Gaps, leaps and other faults of the stored series", scope: "read", query: QualityQuery, reply: QualityReport },
  checkData: { method: "POST", path: "/api/data/check", summary: "What is wrong with the data of a run before it starts", scope: "read", body: DataCheckRequest, reply: DataCheck },
  changeActions: { method: "POST", path: "/api/data/actions", summary: "Set and remove splits and dividends", scope: "simulate", body: ActionsRequest, reply: SymbolEntry },
  importActions: { method: "POST", path: "/api/data/actions/import", summary: "Import splits and dividends", scope: "simulate", body: ActionsImportRequest, reply: ActionsImportReply },
  resampleData: { method: "POST", path: "/api/data/resample", summary: "Store a series at a coarser step", scope: "simulate", body: ResampleRequest, reply: ResampleReply },
  getFundamentals: { method: "GET", path: "/api/data/fundamentals", summary: "Figures of a company, as known on a day", scope: "read", query: FundamentalsQuery, reply: FundamentalList },
  importFundamentals: {
    method: "POST",
    path: "/api/data/fundamentals/import",
    summary: "Import figures of companies",
    scope: "simulate",
    body: FundamentalsImportRequest,
    reply: FundamentalsImportReply,
  },
  listWatchlists: { method: "GET", path: "/api/data/watchlists", summary: "Named lists of instruments", scope: "read", reply: WatchlistList },
  putWatchlist: { method: "PUT", path: "/api/data/watchlists/{name}", summary: "Make or replace a watchlist", scope: "simulate", body: WatchlistRequest, reply: WatchlistList },
  removeWatchlist: { method: "DELETE", path: "/api/data/watchlists/{name}", summary: "Remove a watchlist", scope: "simulate", reply: WatchlistList },

  listProviders: { method: "GET", path: "/api/data/providers", summary: "Providers of market data and what they have", scope: "read", reply: ProviderList },
  searchProvider: { method: "GET", path: "/api/data/providers/{provider}/symbols", summary: "Symbols of a provider", scope: "simulate", query: ProviderSymbolQuery, reply: ProviderSymbolList },
  startDownload: { method: "POST", path: "/api/data/download", summary: "Download from a provider into the catalog", scope: "simulate", body: DownloadRequest, reply: Download },
  listDownloads: { method: "GET", path: "/api/data/download", summary: "Downloads since the engine started, newest first", scope: "read", reply: DownloadList },
  getDownload: { method: "GET", path: "/api/data/download/{id}", summary: "One download", scope: "read", reply: Download },
  cancelDownload: { method: "POST", path: "/api/data/download/{id}/cancel", summary: "Cancel a download; what it fetched is kept", scope: "simulate", reply: Download },
  getCatalogPlace: { method: "GET", path: "/api/data/catalog", summary: "Where the catalog lives", scope: "read", reply: CatalogPlace },
  setCatalogPlace: { method: "PUT", path: "/api/data/catalog", summary: "Move the catalog to an object store or back", scope: "operate", body: CatalogPlaceRequest, reply: CatalogPlace },
  freeCatalog: { method: "POST", path: "/api/data/catalog/free", summary: "Remove local copies of what an object store has", scope: "operate", reply: CatalogPlace },
  listKeys: { method: "GET", path: "/api/keys", summary: "Names of the keys that are set", scope: "read", reply: KeyList },
  setKey: { method: "PUT", path: "/api/keys/{name}", summary: "Keep a provider’s key in the keychain", scope: "operate", body: SetKeyRequest, reply: KeyList },
  removeKey: { method: "DELETE", path: "/api/keys/{name}", summary: "Forget a provider’s key", scope: "operate", reply: KeyList },

  listStrategies: { method: "GET", path: "/api/strategies", summary: "Strategies below the trusted folders", scope: "read", query: StrategyQuery, reply: StrategyList },
  getStrategySchema: { method: "GET", path: "/api/strategies/schema", summary: "One strategy and its parameters", scope: "read", query: StrategySchemaQuery, reply: Strategy },

  startBacktest: { method: "POST", path: "/api/backtest", summary: "Start a run", scope: "simulate", body: BacktestRequest, reply: RunSummary },
  listRuns: { method: "GET", path: "/api/backtest", summary: "Runs, newest first", scope: "read", query: RunListQuery, reply: RunList },
  getRun: { method: "GET", path: "/api/backtest/{id}", summary: "One run with its result", scope: "read", reply: Run },
  getRunCode: { method: "GET", path: "/api/backtest/{id}/code", summary: "The code that a run ran", scope: "read", reply: RunCode },
  reproduceRun: { method: "POST", path: "/api/backtest/{id}/reproduce", summary: "Repeat a run with the code and spec it had, and compare", scope: "simulate", reply: RunSummary },
  cancelRun: { method: "POST", path: "/api/backtest/{id}/cancel", summary: "Cancel a queued or running run", scope: "simulate", reply: RunSummary },
  getSeries: { method: "GET", path: "/api/backtest/{id}/series/{series}", summary: "One table of a run's result", scope: "read", query: SeriesQuery, reply: "arrow" },
  getTearsheet: { method: "GET", path: "/api/backtest/{id}/tearsheet", summary: "What is behind a run's metrics", scope: "read", reply: Tearsheet },
  exportRun: { method: "GET", path: "/api/backtest/{id}/export", summary: "A run as a file", scope: "read", query: ExportQuery, reply: "file" },
  compareRuns: { method: "POST", path: "/api/backtest/compare", summary: "Runs side by side", scope: "read", body: CompareRequest, reply: Comparison },
  labelRuns: { method: "POST", path: "/api/backtest/label", summary: "Tag, annotate or pin runs", scope: "simulate", body: LabelRequest, reply: RunList },
  deleteRuns: { method: "POST", path: "/api/backtest/delete", summary: "Delete runs and their files", scope: "simulate", body: DeleteRequest, reply: DeleteReply },

  startValidation: { method: "POST", path: "/api/validation", summary: "Walk-forward, cross-validation, Monte Carlo or look-ahead check", scope: "simulate", body: StartValidation, reply: ValidationSummary },
  listValidations: { method: "GET", path: "/api/validation", summary: "Validations, newest first", scope: "read", query: ValidationListQuery, reply: ValidationList },
  getValidation: { method: "GET", path: "/api/validation/{id}", summary: "One validation with its result", scope: "read", reply: Validation },
  cancelValidation: { method: "POST", path: "/api/validation/{id}/cancel", summary: "Cancel a validation", scope: "simulate", reply: ValidationSummary },
  getHonesty: { method: "GET", path: "/api/honesty", summary: "A run, or the best point of a sweep, judged by the number of trials", scope: "read", query: HonestyQuery, reply: Honesty },

  planSweep: { method: "POST", path: "/api/search/sweep/plan", summary: "What a sweep would try; runs nothing", scope: "simulate", body: SweepRequest, reply: SweepPlan },
  startSweep: { method: "POST", path: "/api/search/sweep", summary: "Start a sweep", scope: "simulate", body: SweepRequest, reply: Sweep },
  listSweeps: { method: "GET", path: "/api/search/sweep", summary: "Sweeps, newest first", scope: "read", query: SweepListQuery, reply: SweepList },
  getSweep: { method: "GET", path: "/api/search/sweep/{id}", summary: "One sweep", scope: "read", reply: Sweep },
  listSweepPoints: { method: "GET", path: "/api/search/sweep/{id}/points", summary: "Points of a sweep that have ended, by number", scope: "read", query: SweepPointsQuery, reply: SweepPointList },
  stopSweep: { method: "POST", path: "/api/search/sweep/{id}/stop", summary: "Stop a sweep; it can be resumed", scope: "simulate", reply: Sweep },
  resumeSweep: { method: "POST", path: "/api/search/sweep/{id}/resume", summary: "Go on with a sweep; points that have ended are not run again", scope: "simulate", reply: Sweep },
  deleteSweep: { method: "DELETE", path: "/api/search/sweep/{id}", summary: "Forget a sweep and its points", scope: "simulate", reply: Sweep },
} as const satisfies Record<string, Call>;

export type CallName = keyof typeof CALLS;

type PathNames<P extends string> = P extends `${string}{${infer Name}}${infer Rest}` ? Name | PathNames<Rest> : never;
type PartFor<C, K extends "body" | "query"> = C extends { [P in K]: infer S extends z.ZodType } ? { [P in K]?: z.input<S> } : unknown;

/** What a call takes: its path parameters, and `body` or `query` where it has one. */
export type CallArgs<N extends CallName> = (PathNames<(typeof CALLS)[N]["path"]> extends never ? unknown : { path: Record<PathNames<(typeof CALLS)[N]["path"]>, string> }) & PartFor<(typeof CALLS)[N], "body"> & PartFor<(typeof CALLS)[N], "query">;

/** What it gives back: the checked reply, or the bytes of an Arrow stream. */
export type CallReply<N extends CallName> = (typeof CALLS)[N]["reply"] extends z.ZodType ? z.output<(typeof CALLS)[N]["reply"]> : Uint8Array<ArrayBuffer>;

/** Address of a call: path parameters encoded, null and undefined query values left out. */
export function callUrl(call: Call, path: Record<string, string> = {}, query: Record<string, unknown> = {}): string {
  const filled = call.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ""));
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== null && value !== undefined) search.set(key, String(value));
  const text = search.toString();
  return text ? `${filled}?${text}` : filled;
}
