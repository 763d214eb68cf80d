/** Providers of market data: who they are, what they have, downloads from them, and the keys they want. */
import { z } from "zod";
import { Day, EpochMs } from "./base.ts";
import { AssetClass } from "./data.ts";
import { ErrorBody } from "./errors.ts";

/** What a series consists of: bars, trades, best bid and ask, or changes of an order book. */
export const DataKind = z.enum(["bars", "trades", "quotes", "deltas"]).meta({ id: "DataKind" });
export type DataKind = z.infer<typeof DataKind>;

export const ProviderName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,39}$/)
  .meta({ id: "ProviderName", description: "Name of a provider: small letters, digits, - and _." });
export type ProviderName = z.infer<typeof ProviderName>;

/** What a provider can do. */
export const Provider = z
  .object({
    name: ProviderName,
    title: z.string(),
    kinds: z.array(DataKind),
    steps: z.array(z.string()).describe("Lengths of the bars it has: 1-MINUTE, 1-DAY, …"),
    actions: z.boolean().describe("Whether splits and dividends come with its bars."),
    key: z.enum(["none", "optional", "required"]),
    keySet: z.boolean(),
    from: z.enum(["tino", "ccxt", "package"]).describe("`package`: installed by the user."),
    example: z.string().describe("A symbol as it writes them."),
    note: z.string().nullable().describe("What one has to know before using it."),
  })
  .meta({ id: "Provider" });
export type Provider = z.infer<typeof Provider>;

export const ProviderList = z
  .object({
    providers: z.array(Provider),
    problems: z.array(z.object({ name: z.string(), reason: z.string() })).describe("Installed packages that could not be loaded."),
  })
  .meta({ id: "ProviderList" });
export type ProviderList = z.infer<typeof ProviderList>;

export const ProviderSymbolQuery = z.object({ text: z.string().max(100).default(""), limit: z.number().int().min(1).max(500).default(50) }).meta({ id: "ProviderSymbolQuery" });
export type ProviderSymbolQuery = z.infer<typeof ProviderSymbolQuery>;

/** Something that a provider has data of. */
export const ProviderSymbol = z
  .object({
    symbol: z.string().describe("As the provider writes it, and as a download wants it."),
    name: z.string().nullable(),
    assetClass: AssetClass.nullable(),
    venue: z.string().nullable(),
  })
  .meta({ id: "ProviderSymbol" });
export type ProviderSymbol = z.infer<typeof ProviderSymbol>;

export const ProviderSymbolList = z.object({ symbols: z.array(ProviderSymbol) }).meta({ id: "ProviderSymbolList" });
export type ProviderSymbolList = z.infer<typeof ProviderSymbolList>;

/** Identifier of a download: `dl_` and a time-ordered suffix. */
export const DownloadId = z
  .string()
  .regex(/^dl_[0-9a-z]{20,32}$/)
  .meta({ id: "DownloadId", description: "Identifier of a download." });
export type DownloadId = z.infer<typeof DownloadId>;

export const DownloadRequest = z
  .object({
    provider: ProviderName,
    symbols: z.array(z.string().min(1).max(100)).min(1).max(500).describe("As the provider writes them."),
    kind: DataKind.default("bars"),
    step: z
      .string()
      .regex(/^[1-9][0-9]{0,5}-(SECOND|MINUTE|HOUR|DAY|WEEK|MONTH)$/)
      .default("1-DAY")
      .describe("Length of the bars; of no meaning for the other kinds."),
    from: Day.describe("First day, in UTC; of stocks in the zone of their exchange."),
    to: Day.nullable().default(null).describe("Last day, inclusive. Null: today."),
    refresh: z.boolean().default(false).describe("Fetch again what was fetched before; without it only what is missing."),
  })
  .meta({ id: "DownloadRequest" });
export type DownloadRequest = z.infer<typeof DownloadRequest>;

export const DownloadProgress = z
  .object({
    phase: z.enum(["starting", "fetching", "waiting", "storing"]),
    symbol: z.string().nullable(),
    partsDone: z.number().int().min(0).describe("Spans of time that are here, over all symbols looked at so far."),
    partsTotal: z.number().int().min(0),
    partsKept: z.number().int().min(0).describe("Those of them that an earlier download had fetched."),
    rows: z.number().int().min(0),
    reason: z.string().nullable().describe("What it waits for."),
  })
  .meta({ id: "DownloadProgress" });
export type DownloadProgress = z.infer<typeof DownloadProgress>;

/** What became of one series. */
export const DownloadedSeries = z
  .object({
    symbol: z.string().describe("As it was asked for."),
    instrumentId: z.string(),
    kind: DataKind,
    barType: z.string().nullable().describe("Null for ticks."),
    outcome: z.enum(["new", "changed", "unchanged"]),
    rows: z.number().int().min(0).describe("Stored now."),
    from: EpochMs,
    to: EpochMs,
    notes: z.array(z.string()).describe("What was done with rows that could not be stored as they were."),
  })
  .meta({ id: "DownloadedSeries" });
export type DownloadedSeries = z.infer<typeof DownloadedSeries>;

/** One download; kept until the engine ends. What it fetched stays, also when it is interrupted. */
export const Download = z
  .object({
    id: DownloadId,
    status: z.enum(["queued", "running", "finished", "failed", "cancelled"]),
    request: DownloadRequest,
    createdAt: EpochMs,
    endedAt: EpochMs.nullable(),
    progress: DownloadProgress,
    series: z.array(DownloadedSeries),
    error: ErrorBody.nullable(),
  })
  .meta({ id: "Download" });
export type Download = z.infer<typeof Download>;

export const DownloadList = z.object({ downloads: z.array(Download) }).meta({ id: "DownloadList" });
export type DownloadList = z.infer<typeof DownloadList>;

/** A key that is kept. Its value is never told. */
export const Key = z
  .object({
    name: ProviderName,
    kept: z.enum(["keychain", "memory"]).describe("`memory`: the system has no keychain, so that the key is forgotten when the engine ends."),
    setAt: EpochMs,
  })
  .meta({ id: "Key" });
export type Key = z.infer<typeof Key>;

export const KeyList = z.object({ keys: z.array(Key) }).meta({ id: "KeyList" });
export type KeyList = z.infer<typeof KeyList>;

export const SetKeyRequest = z.object({ value: z.string().min(1).max(10_000) }).meta({ id: "SetKeyRequest" });
export type SetKeyRequest = z.infer<typeof SetKeyRequest>;

/** Where the catalog lives. */
export const CatalogPlace = z
  .object({
    uri: z.string().nullable().describe("An object store such as s3://bucket/prefix, of which this machine keeps copies; null: here alone."),
    files: z.number().int().min(0).describe("Files of series."),
    localFiles: z.number().int().min(0).describe("Those of them that are here."),
  })
  .meta({ id: "CatalogPlace" });
export type CatalogPlace = z.infer<typeof CatalogPlace>;

export const CatalogPlaceRequest = z
  .object({
    uri: z
      .string()
      .max(1000)
      .regex(/^s3:\/\/[^/@\s]+(\/[^@\s]*)?$/)
      .nullable()
      .describe("An object store such as s3://bucket/prefix, without credentials; null: this machine."),
  })
  .meta({ id: "CatalogPlaceRequest" });
export type CatalogPlaceRequest = z.infer<typeof CatalogPlaceRequest>;
