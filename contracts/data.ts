/** Market data in the catalog: instruments, what is covered, corporate actions, bars on the wire. */
import { z } from "zod";
import { Day, EpochMs, UnsignedDecimal } from "./base.ts";
import { ErrorBody } from "./errors.ts";

export const AssetClass = z.enum(["equity", "crypto", "fx", "future", "option", "index", "other"]).meta({ id: "AssetClass" });
export type AssetClass = z.infer<typeof AssetClass>;

/** Something that can be traded. `id` is `SYMBOL.VENUE`, as NautilusTrader writes it. */
export const Instrument = z
  .object({
    id: z.string(),
    symbol: z.string(),
    venue: z.string(),
    assetClass: AssetClass,
    name: z.string().nullable(),
    currency: z.string().describe("Quote currency, ISO code."),
    pricePrecision: z.number().int().min(0).max(16),
    priceIncrement: UnsignedDecimal,
    sizePrecision: z.number().int().min(0).max(16),
    lotSize: UnsignedDecimal,
    multiplier: UnsignedDecimal,
    timeZone: z.string().describe("IANA zone of its trading day."),
    periodsPerYear: z.number().int().describe("Trading days a year that annual figures use: 252 for stocks, 365 for crypto."),
  })
  .meta({ id: "Instrument" });
export type Instrument = z.infer<typeof Instrument>;

/**
 * How stored prices become the prices of a run. Stored is always "as traded".
 * `splits` divides earlier prices by later split ratios; `splitsAndDividends` also takes each dividend out of earlier prices.
 */
export const Adjustment = z.enum(["none", "splits", "splitsAndDividends"]).meta({ id: "Adjustment" });
export type Adjustment = z.infer<typeof Adjustment>;

export const CorporateAction = z
  .object({
    exDay: Day.describe("First day traded without the right: prices before it are adjusted."),
    kind: z.enum(["split", "dividend"]),
    value: z.number().describe("Split: new shares for one old. Dividend: cash a share in the instrument's currency, as traded."),
  })
  .meta({ id: "CorporateAction" });
export type CorporateAction = z.infer<typeof CorporateAction>;

/** One stored series of bars. */
export const Coverage = z
  .object({
    barType: z.string().describe("As NautilusTrader writes it: AAPL.XNAS-1-DAY-LAST-EXTERNAL."),
    instrumentId: z.string(),
    bars: z.number().int().min(0),
    from: EpochMs,
    to: EpochMs,
    source: z.string().describe("Where it came from, for people."),
    hash: z.string().describe("SHA-256 over the stored rows, made at import; part of a run's identity."),
  })
  .meta({ id: "Coverage" });
export type Coverage = z.infer<typeof Coverage>;

export const SymbolEntry = z.object({ instrument: Instrument, coverage: z.array(Coverage), actions: z.array(CorporateAction) }).meta({ id: "SymbolEntry" });
export type SymbolEntry = z.infer<typeof SymbolEntry>;

export const SymbolList = z.object({ symbols: z.array(SymbolEntry) }).meta({ id: "SymbolList" });
export type SymbolList = z.infer<typeof SymbolList>;

/** Query of `GET /api/data/bars`; the reply is an Arrow IPC stream with the columns of {@link BAR_COLUMNS}. */
export const BarsQuery = z
  .object({
    barType: z.string(),
    from: EpochMs.nullable().default(null),
    to: EpochMs.nullable().default(null),
    points: z.number().int().min(1).max(1_000_000).nullable().default(null).describe("At most about this many rows; bars are merged to reach it. Null: all of them."),
    adjustment: Adjustment.default("splitsAndDividends"),
  })
  .meta({ id: "BarsQuery" });
export type BarsQuery = z.infer<typeof BarsQuery>;

export const SampleReply = z.object({ imported: z.array(z.string()).describe("Bar types that were not there before."), symbols: z.array(SymbolEntry) }).meta({ id: "SampleReply" });
export type SampleReply = z.infer<typeof SampleReply>;

/** Identifier of an import: `imp_` and a time-ordered suffix. */
export const ImportId = z
  .string()
  .regex(/^imp_[0-9a-z]{20,32}$/)
  .meta({ id: "ImportId", description: "Identifier of an import." });
export type ImportId = z.infer<typeof ImportId>;

/** Which column of a file holds what. Files without a header have columns named `1`, `2`, …. */
export const ImportColumns = z
  .object({
    time: z.string().describe("Day, or day and time."),
    clock: z.string().nullable().describe("Time of day, where it has a column of its own."),
    open: z.string(),
    high: z.string(),
    low: z.string(),
    close: z.string(),
    volume: z.string().nullable().describe("Null: stored as zero."),
    symbol: z.string().nullable().describe("Null: the file holds one symbol."),
  })
  .meta({ id: "ImportColumns" });
export type ImportColumns = z.infer<typeof ImportColumns>;

const clockTime = z.string().regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$/);

/** How a file of bars is read. All of it is guessed from the file's beginning, and all of it can be said instead. */
export const ImportLayout = z
  .object({
    format: z.enum(["csv", "parquet"]),
    encoding: z.string().describe("Such as utf-8, utf-16 or cp1252."),
    delimiter: z.string().describe("Between columns of a CSV file."),
    decimal: z.enum([".", ","]),
    thousands: z.string().nullable().describe("Between groups of three digits; null for none."),
    header: z.boolean().describe("The first row names the columns."),
    skipLines: z.number().int().min(0).max(1000).describe("Lines before the header or the first row."),
    columns: ImportColumns,
    timeFormat: z.string().describe("`iso`, `seconds`, `milliseconds`, `microseconds`, `nanoseconds` since the epoch, or a pattern such as %d.%m.%Y %H:%M."),
    zone: z.string().describe("IANA zone of times that name none, and of the trading day."),
    stamp: z.enum(["open", "close"]).describe("Whether a time is that at which its bar opens or closes; stored is the close. Of bars shorter than a day only."),
    dayClose: clockTime.describe("When the trading day ends, in the zone; the time of daily bars."),
    step: z
      .string()
      .regex(/^[1-9][0-9]{0,5}-(SECOND|MINUTE|HOUR|DAY|WEEK|MONTH)$/)
      .describe("Such as 1-MINUTE or 1-DAY."),
    symbol: z.string().nullable().describe("Instrument of all files: AAPL.XNAS. Null: by the symbol column or the file's name."),
    venue: z
      .string()
      .regex(/^[A-Z0-9_]{1,20}$/)
      .describe("Venue of symbols that name none."),
    assetClass: z.enum(["equity", "crypto", "fx"]),
    currency: z
      .string()
      .regex(/^[A-Z0-9]{2,10}$/)
      .describe("Of the prices."),
    pricePrecision: z.number().int().min(0).max(12),
    sizePrecision: z.number().int().min(0).max(12),
  })
  .meta({ id: "ImportLayout" });
export type ImportLayout = z.infer<typeof ImportLayout>;

/** What is said instead of guessed; null where the guess is to be taken. */
export const ImportChoices = z
  .object({
    encoding: z.string().nullable().default(null),
    delimiter: z.string().min(1).max(1).nullable().default(null),
    decimal: z.enum([".", ","]).nullable().default(null),
    thousands: z.string().max(1).nullable().default(null),
    header: z.boolean().nullable().default(null),
    skipLines: z.number().int().min(0).max(1000).nullable().default(null),
    time: z.string().nullable().default(null).describe("This and the following: names of columns."),
    clock: z.string().nullable().default(null),
    open: z.string().nullable().default(null),
    high: z.string().nullable().default(null),
    low: z.string().nullable().default(null),
    close: z.string().nullable().default(null),
    volume: z.string().nullable().default(null),
    symbolColumn: z.string().nullable().default(null),
    timeFormat: z.string().nullable().default(null),
    zone: z.string().nullable().default(null),
    stamp: z.enum(["open", "close"]).nullable().default(null),
    dayClose: clockTime.nullable().default(null),
    step: z
      .string()
      .regex(/^[1-9][0-9]{0,5}-(SECOND|MINUTE|HOUR|DAY|WEEK|MONTH)$/)
      .nullable()
      .default(null),
    symbol: z.string().nullable().default(null),
    venue: z
      .string()
      .regex(/^[A-Z0-9_]{1,20}$/)
      .nullable()
      .default(null),
    assetClass: z.enum(["equity", "crypto", "fx"]).nullable().default(null),
    currency: z
      .string()
      .regex(/^[A-Z0-9]{2,10}$/)
      .nullable()
      .default(null),
    pricePrecision: z.number().int().min(0).max(12).nullable().default(null),
    sizePrecision: z.number().int().min(0).max(12).nullable().default(null),
  })
  .meta({ id: "ImportChoices" });
export type ImportChoices = z.infer<typeof ImportChoices>;

export const ImportRequest = z
  .object({
    paths: z.array(z.string().min(1)).min(1).max(1000).describe("Absolute paths of files and folders; .csv .txt .tsv .parquet, also in .gz and .zip."),
    choices: ImportChoices.prefault({}),
    mode: z.enum(["merge", "replace"]).default("merge").describe("`merge` keeps stored bars that the files do not have; `replace` does not."),
    badRows: z.enum(["leaveOut", "stop"]).default("leaveOut"),
  })
  .meta({ id: "ImportRequest" });
export type ImportRequest = z.infer<typeof ImportRequest>;

/** What was found in rows of a file, and what was done about it. */
export const ImportProblem = z
  .object({
    kind: z.enum(["fields", "time", "clockChange", "number", "missing", "price", "volume", "highLow", "decimals", "early", "unsorted", "repeated", "conflict"]),
    file: z.string(),
    count: z.number().int().min(1),
    what: z.string().describe("What is wrong with these rows."),
    done: z.string().describe("What was done with them."),
    examples: z.array(z.object({ line: z.number().int().min(1), text: z.string() })).describe("The first few; of a Parquet file the number of the row."),
  })
  .meta({ id: "ImportProblem" });
export type ImportProblem = z.infer<typeof ImportProblem>;

/** How a file would be read, and its first rows read so. Nothing is stored. */
export const ImportPreview = z
  .object({
    layout: ImportLayout,
    files: z.array(z.object({ path: z.string(), bytes: z.number().int().min(0) })).describe("At most 100 of them."),
    fileCount: z.number().int().min(1),
    columns: z.array(z.object({ name: z.string(), values: z.array(z.string()) })).describe("Every column of the first file with its first values, as they stand there."),
    bars: z.array(z.object({ symbol: z.string(), ts: EpochMs, open: z.string(), high: z.string(), low: z.string(), close: z.string(), volume: z.string() })),
    barTypes: z.array(z.string()).describe("Series that the looked-at rows belong to."),
    problems: z.array(ImportProblem),
    rowsRead: z.number().int().min(0).describe("How many rows of the first file were looked at."),
  })
  .meta({ id: "ImportPreview" });
export type ImportPreview = z.infer<typeof ImportPreview>;

export const ImportProgress = z
  .object({
    phase: z.enum(["reading", "sorting", "writing"]),
    file: z.string().nullable(),
    bytesDone: z.number().int().min(0),
    bytesTotal: z.number().int().min(0),
    rows: z.number().int().min(0).describe("Rows read so far."),
  })
  .meta({ id: "ImportProgress" });
export type ImportProgress = z.infer<typeof ImportProgress>;

/** What became of one series in an import. */
export const ImportedSeries = z
  .object({
    barType: z.string(),
    outcome: z.enum(["new", "changed", "unchanged"]),
    bars: z.number().int().min(0).describe("Stored now."),
    added: z.number().int().min(0),
    replaced: z.number().int().min(0).describe("Stored before with other values."),
    from: EpochMs,
    to: EpochMs,
  })
  .meta({ id: "ImportedSeries" });
export type ImportedSeries = z.infer<typeof ImportedSeries>;

/** One import; kept until the engine ends. */
export const DataImport = z
  .object({
    id: ImportId,
    status: z.enum(["queued", "running", "finished", "failed", "cancelled"]),
    paths: z.array(z.string()),
    createdAt: EpochMs,
    endedAt: EpochMs.nullable(),
    progress: ImportProgress,
    series: z.array(ImportedSeries),
    problems: z.array(ImportProblem),
    error: ErrorBody.nullable(),
  })
  .meta({ id: "DataImport" });
export type DataImport = z.infer<typeof DataImport>;

export const ImportList = z.object({ imports: z.array(DataImport) }).meta({ id: "ImportList" });
export type ImportList = z.infer<typeof ImportList>;

export const RemoveRequest = z.object({ barTypes: z.array(z.string()).min(1).max(10_000) }).meta({ id: "RemoveRequest" });
export type RemoveRequest = z.infer<typeof RemoveRequest>;

/** Columns of every bar table, stored or sent. `ts` is the close of the bar. */
export const BAR_COLUMNS = ["ts", "open", "high", "low", "close", "volume"] as const;
