/** Market data in the catalog: instruments, what is covered, corporate actions, bars on the wire. */
import { z } from "zod";
import { Day, EpochMs, UnsignedDecimal } from "./base.ts";
import { ErrorBody } from "./errors.ts";

export const AssetClass = z.enum(["equity", "crypto", "fx", "future", "option", "index", "other"]).meta({ id: "AssetClass" });
export type AssetClass = z.infer<typeof AssetClass>;

/** NautilusTrader's class of an instrument. */
export const InstrumentKind = z
  .enum(["BettingInstrument", "BinaryOption", "Cfd", "Commodity", "CryptoFuture", "CryptoFuturesSpread", "CryptoOption", "CryptoOptionSpread", "CryptoPerpetual", "CurrencyPair", "Equity", "FuturesContract", "FuturesSpread", "IndexInstrument", "OptionContract", "OptionSpread", "PerpetualContract", "TokenizedAsset"])
  .meta({ id: "InstrumentKind" });
export type InstrumentKind = z.infer<typeof InstrumentKind>;

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
    kind: InstrumentKind.nullable().default(null).describe("Null: `CurrencyPair` for crypto and fx, `Equity` for equity."),
    details: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .default({})
      .describe("What NautilusTrader's class has besides, by its own names: underlying, strike_price, option_kind, settlement_currency, …; nanoseconds such as expiration_ns as text."),
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

/** One stored series of quotes, trades or changes of an order book. */
export const TickCoverage = z
  .object({
    instrumentId: z.string(),
    kind: z.enum(["quotes", "trades", "deltas"]),
    rows: z.number().int().min(0),
    from: EpochMs,
    to: EpochMs,
    source: z.string().describe("Where it came from, for people."),
    hash: z.string().describe("SHA-256 over the stored rows; part of a run's identity."),
  })
  .meta({ id: "TickCoverage" });
export type TickCoverage = z.infer<typeof TickCoverage>;

export const SymbolEntry = z.object({ instrument: Instrument, coverage: z.array(Coverage), ticks: z.array(TickCoverage).default([]), actions: z.array(CorporateAction) }).meta({ id: "SymbolEntry" });
export type SymbolEntry = z.infer<typeof SymbolEntry>;

export const SymbolList = z.object({ symbols: z.array(SymbolEntry) }).meta({ id: "SymbolList" });
export type SymbolList = z.infer<typeof SymbolList>;

/** Length of a bar as it is asked for. */
export const BarStep = z
  .string()
  .regex(/^[1-9][0-9]{0,5}-(SECOND|MINUTE|HOUR|DAY|WEEK|MONTH)$/)
  .meta({ id: "BarStep", description: "Such as 1-MINUTE or 1-DAY." });
export type BarStep = z.infer<typeof BarStep>;

/** Query of `GET /api/data/bars`; the reply is an Arrow IPC stream with the columns of {@link BAR_COLUMNS}. */
export const BarsQuery = z
  .object({
    barType: z.string(),
    from: EpochMs.nullable().default(null),
    to: EpochMs.nullable().default(null),
    points: z.number().int().min(1).max(1_000_000).nullable().default(null).describe("At most about this many rows; bars are merged to reach it. Null: all of them."),
    adjustment: Adjustment.default("splitsAndDividends"),
    step: BarStep.nullable().default(null).describe("Resampled to this step on the way; null: as stored."),
  })
  .meta({ id: "BarsQuery" });
export type BarsQuery = z.infer<typeof BarsQuery>;

/** The samples that come with tino: five US stocks as traded, 2000-2013; closes of 20 stocks of the S&P 500, adjusted, 1990-2022. */
export const SampleQuery = z.object({ sample: z.enum(["usStocks", "sp500"]).default("usStocks") }).meta({ id: "SampleQuery" });
export type SampleQuery = z.infer<typeof SampleQuery>;

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
    assetClass: AssetClass,
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

/** How much a finding matters: `info` describes, `warning` may change a result, `severe` will. */
export const Severity = z.enum(["info", "warning", "severe"]).meta({ id: "Severity" });
export type Severity = z.infer<typeof Severity>;

/**
 * What can be wrong with a series. `gap`: sessions or hours without bars. `extra`: bars while the exchange was closed. `spike`: a price
 * that leaps and comes back. `jump`: one that leaps and stays. `split`: a leap like that of a split which no action tells of. `actionWithoutMove`:
 * a split that the prices do not show. `volume`: none. `closeOnly`: bars without a range. `frozen`: the same price for long. `ends`: earlier than
 * others of its venue. `invalid`: rows that cannot be bars. `unreadable`: its files are damaged.
 */
export const FindingKind = z.enum(["gap", "extra", "spike", "jump", "split", "actionWithoutMove", "volume", "closeOnly", "frozen", "ends", "invalid", "unreadable"]).meta({ id: "FindingKind" });
export type FindingKind = z.infer<typeof FindingKind>;

export const QualityFinding = z
  .object({
    kind: FindingKind,
    severity: Severity,
    from: EpochMs,
    to: EpochMs,
    count: z.number().int().min(1).describe("Bars concerned; of a gap those that are missing."),
    message: z.string().describe("One sentence for people."),
    splitRatio: z.number().nullable().describe("Of a `split`: new shares for one old, as an action would say it."),
    exDay: Day.nullable().describe("Of a `split` or an `actionWithoutMove`."),
  })
  .meta({ id: "QualityFinding" });
export type QualityFinding = z.infer<typeof QualityFinding>;

/** What a look at a whole series found. */
export const SeriesQuality = z
  .object({
    barType: z.string(),
    instrumentId: z.string(),
    calendar: z.string().describe("Exchange calendar that it was held against: XNYS, 24/7, 24/5."),
    assumed: z.boolean().describe("The venue is not one that has a calendar; this one was taken for its kind of instrument."),
    bars: z.number().int().min(0),
    expected: z.number().int().min(0).describe("Bars that the calendar's sessions have from the first bar to the last."),
    missing: z.number().int().min(0),
    from: EpochMs,
    to: EpochMs,
    strip: z.array(z.number().min(0).max(1)).describe("Share of the expected bars that are there, in up to 100 equal stretches from `from` to `to`."),
    severity: Severity.nullable().describe("The highest of its findings; null without any."),
    findings: z.array(QualityFinding).describe("Most severe first, then by time; at most 200."),
    findingCount: z.number().int().min(0),
  })
  .meta({ id: "SeriesQuality" });
export type SeriesQuality = z.infer<typeof SeriesQuality>;

export const QualityQuery = z.object({ symbol: z.string().nullable().default(null).describe("An instrument or a watchlist as @name; null: everything.") }).meta({ id: "QualityQuery" });
export type QualityQuery = z.infer<typeof QualityQuery>;

export const QualityReport = z.object({ series: z.array(SeriesQuality) }).meta({ id: "QualityReport" });
export type QualityReport = z.infer<typeof QualityReport>;

/** The data of a run that is about to start. */
export const DataCheckRequest = z
  .object({
    symbols: z.array(z.string()).max(1000).default([]),
    barTypes: z.array(z.string()).max(1000).default([]),
    from: Day.nullable().default(null),
    to: Day.nullable().default(null),
    adjustment: Adjustment.default("splitsAndDividends"),
  })
  .meta({ id: "DataCheckRequest" });
export type DataCheckRequest = z.infer<typeof DataCheckRequest>;

/** What can be done about a warning before a run: run on other prices, correct the splits, or import data anew. */
export const AdjustFix = z.object({ kind: z.literal("adjust"), label: z.string(), adjustment: Adjustment }).meta({ id: "AdjustFix" });
export const AddSplitFix = z.object({ kind: z.literal("addSplit"), label: z.string(), instrumentId: z.string(), exDay: Day, value: z.number() }).meta({ id: "AddSplitFix" });
export const RemoveSplitFix = z.object({ kind: z.literal("removeSplit"), label: z.string(), instrumentId: z.string(), exDay: Day }).meta({ id: "RemoveSplitFix" });
export const ImportFix = z.object({ kind: z.literal("import"), label: z.string(), instrumentId: z.string() }).meta({ id: "ImportFix" });
export const DataFix = z.discriminatedUnion("kind", [AdjustFix, AddSplitFix, RemoveSplitFix, ImportFix]).meta({ id: "DataFix" });
export type DataFix = z.infer<typeof DataFix>;

export const DataWarning = z.object({ barType: z.string(), finding: QualityFinding, fix: DataFix.nullable() }).meta({ id: "DataWarning" });
export type DataWarning = z.infer<typeof DataWarning>;

/** Findings of warning or severe that lie within a run's range and that its adjustment does not settle, most severe first. */
export const DataCheck = z.object({ warnings: z.array(DataWarning), severity: Severity.nullable() }).meta({ id: "DataCheck" });
export type DataCheck = z.infer<typeof DataCheck>;

/** Change the splits and dividends of an instrument: those of `remove` go, then those of `put` are set, one for each day and kind. */
export const ActionsRequest = z
  .object({
    instrumentId: z.string(),
    put: z.array(CorporateAction).max(10_000).default([]),
    remove: z
      .array(z.object({ exDay: Day, kind: z.enum(["split", "dividend"]) }))
      .max(10_000)
      .default([]),
  })
  .meta({ id: "ActionsRequest" });
export type ActionsRequest = z.infer<typeof ActionsRequest>;

/** A CSV file of splits and dividends: columns `symbol` (or the one given here), `date`, `kind` and `value`, or `split` and `dividend`. */
export const ActionsImportRequest = z.object({ paths: z.array(z.string().min(1)).min(1).max(1000), symbol: z.string().nullable().default(null).describe("Instrument of files that name none.") }).meta({ id: "ActionsImportRequest" });
export type ActionsImportRequest = z.infer<typeof ActionsImportRequest>;

export const ActionsImportReply = z.object({ rows: z.number().int().min(0), changed: z.number().int().min(0), symbols: z.array(SymbolEntry).describe("Instruments concerned, as they are now.") }).meta({ id: "ActionsImportReply" });
export type ActionsImportReply = z.infer<typeof ActionsImportReply>;

/** Store a series at a coarser step, as traded; a split inside of a bar is taken out of that bar's earlier part. */
export const ResampleRequest = z.object({ barType: z.string(), step: BarStep }).meta({ id: "ResampleRequest" });
export type ResampleRequest = z.infer<typeof ResampleRequest>;

export const ResampleReply = z.object({ coverage: Coverage, changed: z.boolean() }).meta({ id: "ResampleReply" });
export type ResampleReply = z.infer<typeof ResampleReply>;

export const WatchlistName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$/)
  .meta({ id: "WatchlistName", description: "Up to 40 letters, digits, dots, hyphens and underscores." });

/** A named list of instruments; `@name` stands for them wherever a symbol may be given. */
export const Watchlist = z.object({ name: WatchlistName, symbols: z.array(z.string()) }).meta({ id: "Watchlist" });
export type Watchlist = z.infer<typeof Watchlist>;

export const WatchlistList = z.object({ watchlists: z.array(Watchlist) }).meta({ id: "WatchlistList" });
export type WatchlistList = z.infer<typeof WatchlistList>;

export const WatchlistRequest = z.object({ symbols: z.array(z.string()).max(1000) }).meta({ id: "WatchlistRequest" });
export type WatchlistRequest = z.infer<typeof WatchlistRequest>;

/** One figure of a company. `knownOn` is the first day on which it could be known: reports come weeks after the period they are of. */
export const Fundamental = z.object({ instrumentId: z.string(), field: z.string(), periodEnd: Day, knownOn: Day, value: z.number() }).meta({ id: "Fundamental" });
export type Fundamental = z.infer<typeof Fundamental>;

/** Figures as they were known on a day: of each period the newest version up to then. Without a day: every version. */
export const FundamentalsQuery = z.object({ symbol: z.string(), field: z.string().nullable().default(null), asOf: Day.nullable().default(null) }).meta({ id: "FundamentalsQuery" });
export type FundamentalsQuery = z.infer<typeof FundamentalsQuery>;

export const FundamentalList = z.object({ rows: z.array(Fundamental).describe("By field, period and day known."), fields: z.array(z.string()) }).meta({ id: "FundamentalList" });
export type FundamentalList = z.infer<typeof FundamentalList>;

/**
 * CSV or Parquet. Columns `symbol` (or the one given here), `period` and `known`; then either `field` and `value`, or one column for each field.
 * A file without `known` is refused unless a lag is given: figures dated to the end of their period let a strategy see the future.
 */
export const FundamentalsImportRequest = z
  .object({
    paths: z.array(z.string().min(1)).min(1).max(1000),
    symbol: z.string().nullable().default(null),
    lagDays: z.number().int().min(1).max(730).nullable().default(null).describe("Days from the end of a period until its figures are taken to be known."),
  })
  .meta({ id: "FundamentalsImportRequest" });
export type FundamentalsImportRequest = z.infer<typeof FundamentalsImportRequest>;

export const FundamentalsImportReply = z.object({ rows: z.number().int().min(0), changed: z.number().int().min(0), instruments: z.array(z.string()), fields: z.array(z.string()) }).meta({ id: "FundamentalsImportReply" });
export type FundamentalsImportReply = z.infer<typeof FundamentalsImportReply>;

/** A piece of a file that a page was given and that the engine has no path to. */
export const UploadRequest = z
  .object({
    upload: z
      .string()
      .regex(/^upl_[0-9a-z]{20,32}$/)
      .nullable()
      .describe("Null begins one."),
    name: z.string().min(1).max(200).describe("Of the file; what stands before a slash is ignored."),
    offset: z.number().int().min(0).describe("Bytes sent before."),
    data: z.string().max(900_000).describe("Base64."),
  })
  .meta({ id: "UploadRequest" });
export type UploadRequest = z.infer<typeof UploadRequest>;

/** Where it lies: an import takes this path. Removed by the next start of the engine. */
export const UploadReply = z.object({ upload: z.string(), path: z.string(), bytes: z.number().int().min(0) }).meta({ id: "UploadReply" });
export type UploadReply = z.infer<typeof UploadReply>;
