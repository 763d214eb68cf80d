/** Runs: what is asked for, how it progresses, what it leaves. One run is one backtest. */
import { z } from "zod";
import { ClientKind, Day, EpochMs, RunId } from "./base.ts";
import { Adjustment, Instrument } from "./data.ts";
import { ErrorBody } from "./errors.ts";
import { Tag } from "./labels.ts";
import { ParameterValue } from "./strategies.ts";
import { VenueModel } from "./venue.ts";

/** A strategy that trades in a run beside others: its data are those of the run unless it names its own. */
export const StrategyChoice = z
  .object({
    path: z.string().min(1).describe("Absolute path of the strategy's file."),
    name: z.string().nullable().default(null).describe("Class name; needed when the file holds more than one."),
    symbols: z.array(z.string()).max(1000).default([]),
    barTypes: z.array(z.string()).max(1000).default([]),
    parameters: z.record(z.string(), ParameterValue).default({}),
  })
  .meta({ id: "StrategyChoice" });
export type StrategyChoice = z.infer<typeof StrategyChoice>;

/** Ticks that are fed beside bars; bars that NautilusTrader makes itself (INTERNAL) bring the ticks they need. */
export const TickFeed = z.enum(["quotes", "trades"]).meta({ id: "TickFeed" });
export type TickFeed = z.infer<typeof TickFeed>;

const warmUp = z.number().int().min(0).max(100_000).nullable().default(0).describe("Bars of each series that are fed before the first day, for indicators; orders made meanwhile are not sent. Null: as many as the strategy's indicators need.");

/** Body of `POST /api/backtest`. */
export const BacktestRequest = z
  .object({
    path: z.string().min(1).describe("Absolute path of the strategy's file."),
    name: z.string().nullable().default(null).describe("Class name; needed when the file holds more than one."),
    symbols: z.array(z.string()).max(1000).default([]).describe("Instruments; the class gets them through its InstrumentId and BarType fields."),
    barTypes: z.array(z.string()).max(1000).default([]).describe("Bar types; empty: the one stored series of each symbol, the finest if there are several."),
    from: Day.nullable().default(null).describe("First day, in the instrument's zone. Null: from the start of the data."),
    to: Day.nullable().default(null).describe("Last day, inclusive. Null: to the end of the data."),
    parameters: z.record(z.string(), ParameterValue).default({}),
    adjustment: Adjustment.default("splitsAndDividends"),
    strategies: z.array(StrategyChoice).max(100).default([]).describe("Further strategies that trade in the same portfolio."),
    perSymbol: z.boolean().default(false).describe("An instance of the strategy for each symbol, in one portfolio, instead of one for all."),
    ticks: z.array(TickFeed).max(2).default([]).describe("Stored ticks of the symbols that are fed too."),
    warmUp,
    venue: VenueModel.prefault({}),
    cache: z.boolean().default(true).describe("Take the stored result of a run with the same spec, if there is one."),
  })
  .meta({ id: "BacktestRequest" });
export type BacktestRequest = z.infer<typeof BacktestRequest>;

export const RunStatus = z.enum(["queued", "running", "finished", "failed", "cancelled", "interrupted"]).meta({ id: "RunStatus" });
export type RunStatus = z.infer<typeof RunStatus>;

export const RunPhase = z.enum(["queued", "preparing", "running", "writing"]).meta({ id: "RunPhase" });
export type RunPhase = z.infer<typeof RunPhase>;

export const RunProgress = z
  .object({
    phase: RunPhase,
    barsDone: z.number().int().min(0),
    barsTotal: z.number().int().min(0),
    barsPerSecond: z.number().min(0).nullable().describe("Null until it can be told."),
    remainingMs: z.number().int().min(0).nullable(),
  })
  .meta({ id: "RunProgress" });
export type RunProgress = z.infer<typeof RunProgress>;

const figure = z.number().nullable();

/** Statistics of a run. Definitions, units and formulas: {@link METRICS} and `docs/metrics.md`. Null: not defined for this run. */
export const Metrics = z
  .object({
    totalReturn: figure,
    annualReturn: figure,
    volatility: figure,
    sharpe: figure,
    sortino: figure,
    calmar: figure,
    maxDrawdown: figure,
    maxDrawdownDays: figure,
    exposure: figure,
    turnover: figure,
    trades: z.number().int().min(0),
    winRate: figure,
    profitFactor: figure,
    expectancy: figure,
    averageWin: figure,
    averageLoss: figure,
    longestLosingStreak: z.number().int().min(0),
    fees: figure,
    netProfit: figure,
    finalEquity: figure,
    benchmarkReturn: figure,
    alpha: figure,
    beta: figure,
  })
  .meta({ id: "Metrics" });
export type Metrics = z.infer<typeof Metrics>;

export type MetricUnit = "percent" | "ratio" | "money" | "days" | "count" | "perYear";
export interface MetricInfo {
  readonly label: string;
  readonly unit: MetricUnit;
  readonly definition: string;
  /** Which direction is good; `none` where a figure only describes. */
  readonly better: "higher" | "lower" | "none";
}

/** What each metric is called and means. The one text for hovers, terminal, documentation. */
export const METRICS: Record<keyof Metrics, MetricInfo> = {
  totalReturn: { label: "Total return", unit: "percent", better: "higher", definition: "Final equity over starting balance, minus one." },
  annualReturn: { label: "Annual return", unit: "percent", better: "higher", definition: "Constant yearly rate with the same growth: (1 + total return) ^ (periods per year / daily returns) − 1." },
  volatility: { label: "Volatility", unit: "percent", better: "lower", definition: "Standard deviation of daily returns (n − 1), times √ periods per year." },
  sharpe: { label: "Sharpe", unit: "ratio", better: "higher", definition: "Mean of daily returns over their standard deviation (n − 1), times √ periods per year; risk-free rate 0." },
  sortino: { label: "Sortino", unit: "ratio", better: "higher", definition: "Mean of daily returns × periods per year over the annual downside deviation: root mean square of negative daily returns, all days counted, times √ periods per year; target 0." },
  calmar: { label: "Calmar", unit: "ratio", better: "higher", definition: "Annual return over the absolute maximum drawdown." },
  maxDrawdown: { label: "Max drawdown", unit: "percent", better: "higher", definition: "Deepest fall of daily closing equity from an earlier high, as a fraction of that high; the starting balance is the first high; zero or negative." },
  maxDrawdownDays: { label: "Longest drawdown", unit: "days", better: "lower", definition: "Longest time below an earlier high of daily closing equity, in calendar days from that high to recovery or to the end." },
  exposure: { label: "Exposure", unit: "percent", better: "none", definition: "Share of bars at whose close a position was open." },
  turnover: { label: "Turnover", unit: "perYear", better: "none", definition: "Value traded over mean equity, per year of trading days." },
  trades: { label: "Trades", unit: "count", better: "none", definition: "Closed round trips: from flat to flat, or to the opposite side." },
  winRate: { label: "Win rate", unit: "percent", better: "higher", definition: "Closed trades with a profit after fees, over all closed trades." },
  profitFactor: { label: "Profit factor", unit: "ratio", better: "higher", definition: "Sum of winning trades over the absolute sum of losing trades, after fees." },
  expectancy: { label: "Expectancy", unit: "money", better: "higher", definition: "Mean result of a closed trade, after fees." },
  averageWin: { label: "Average win", unit: "money", better: "higher", definition: "Mean result of the winning closed trades, after fees." },
  averageLoss: { label: "Average loss", unit: "money", better: "higher", definition: "Mean result of the losing closed trades, after fees; negative." },
  longestLosingStreak: { label: "Longest losing streak", unit: "count", better: "lower", definition: "Most closed trades in a row without a profit after fees." },
  fees: { label: "Fees", unit: "money", better: "lower", definition: "Sum of all commissions." },
  netProfit: { label: "Net profit", unit: "money", better: "higher", definition: "Final equity minus starting balance: closed and open results after fees." },
  finalEquity: { label: "Final equity", unit: "money", better: "higher", definition: "Balance plus the open position at the last close." },
  benchmarkReturn: { label: "Buy and hold", unit: "percent", better: "none", definition: "Last close over first close of the run's bars, minus one; the mean of the instruments if there are several." },
  alpha: { label: "Alpha", unit: "percent", better: "higher", definition: "Yearly return not explained by buy and hold: (1 + mean(r − β·b)) ^ periods per year − 1, from daily returns." },
  beta: { label: "Beta", unit: "ratio", better: "none", definition: "Covariance of daily returns with those of buy and hold, over the variance of the latter." },
};

/** A fact in words. */
export const Statement = z.object({ label: z.string(), value: z.string() }).meta({ id: "Statement" });
export type Statement = z.infer<typeof Statement>;

/**
 * The nearest cause of a run without trades. `noSubscription`: it asked for no data. `otherBars`: for bars that the run does not have.
 * `noTicks`: for quotes or trades that it does not have. `noHandler`: bars came, and it has no `on_bar`. `indicatorsUnfed`: indicators that
 * were registered for no bars. `notReady`: indicators that need more bars than there were. `sizeOfZero`: its sizes were too small for the
 * instrument. `neverSubmitted`: its conditions were never met. `denied`, `rejected`: every order was refused. `unfilled`: no price came.
 */
export const NoTradesCause = z.enum(["noSubscription", "otherBars", "noTicks", "noHandler", "indicatorsUnfed", "notReady", "sizeOfZero", "neverSubmitted", "denied", "rejected", "unfilled"]).meta({ id: "NoTradesCause" });
export type NoTradesCause = z.infer<typeof NoTradesCause>;

/** What became of the strategy's orders; explains a run without trades. */
export const OrderOutcome = z
  .object({
    orders: z.number().int().min(0),
    filled: z.number().int().min(0),
    denied: z.number().int().min(0).describe("Stopped by the risk engine before the venue."),
    rejected: z.number().int().min(0).describe("Refused by the venue."),
    open: z.number().int().min(0).describe("Still working at the end."),
    cancelled: z.number().int().min(0).describe("Cancelled or expired without a fill."),
    reasons: z.array(z.object({ kind: z.enum(["denied", "rejected"]), reason: z.string(), count: z.number().int().min(1), example: z.string() }).meta({ id: "RefusalReason" })),
    accepted: z.number().int().min(0).default(0).describe("Reached the venue."),
    noTrades: z.string().nullable().describe("One sentence why nothing was traded; null when something was."),
    cause: NoTradesCause.nullable().default(null),
    seen: z.array(Statement).default([]).describe("What the strategy had in front of it: bars, subscriptions, indicators, sizes, orders."),
  })
  .meta({ id: "OrderOutcome" });
export type OrderOutcome = z.infer<typeof OrderOutcome>;

export const SeriesKind = z.enum(["bars", "equity", "drawings", "strategies", "fills", "orders", "trades", "log"]).meta({ id: "SeriesKind" });
export type SeriesKind = z.infer<typeof SeriesKind>;

/** One line the strategy drew: a registered indicator or a `tino.plot`. */
export const Drawing = z
  .object({
    column: z.string().describe("Column in the drawings table."),
    label: z.string(),
    pane: z.string().describe("`price` lies over the candles; any other name is a pane of its own."),
  })
  .meta({ id: "Drawing" });
export type Drawing = z.infer<typeof Drawing>;

/** One table of a run's result. Bars, equity and drawings come in levels of detail; the others are rows. */
export const SeriesInfo = z
  .object({
    id: z.string().describe("Name in the address: `bars.0`, `equity`, `trades`."),
    kind: SeriesKind,
    barType: z.string().nullable(),
    rows: z.number().int().min(0).describe("Rows at full detail."),
    levels: z.number().int().min(1),
    from: EpochMs.nullable(),
    to: EpochMs.nullable(),
    drawings: z.array(Drawing),
  })
  .meta({ id: "SeriesInfo" });
export type SeriesInfo = z.infer<typeof SeriesInfo>;

/**
 * Columns of each table on the wire (Arrow IPC). `ts`, `opened`, `closed` are timestamps in UTC.
 * At a coarser level a row of `bars` merges its bars; a row of `equity` or `drawings` is, in turn, the lowest and the
 * highest value of two neighbouring rows' stretch, in the order in which they happened, so that no spike is lost. These tables
 * share their times at each level. NaN is no value. Bars, equity, drawings and log have milliseconds, the others nanoseconds.
 * In a run with several strategies `strategies` is a table like `drawings`: what each has brought so far, in money; and fills, orders and
 * trades end with a column `strategy`, its label.
 */
export const SERIES_COLUMNS: Record<SeriesKind, readonly string[]> = {
  bars: ["ts", "open", "high", "low", "close", "volume"],
  equity: ["ts", "equity", "drawdown", "exposure"],
  drawings: ["ts"],
  strategies: ["ts"],
  fills: ["ts", "instrument", "side", "quantity", "price", "fee", "liquidity", "orderId", "path", "line"],
  orders: ["ts", "instrument", "side", "type", "quantity", "filled", "averagePrice", "limitPrice", "triggerPrice", "status", "reason", "tags", "orderId", "path", "line"],
  trades: ["opened", "closed", "instrument", "side", "quantity", "entryPrice", "exitPrice", "result", "return", "fees", "bars", "entryOrderId", "exitOrderId", "path", "line", "exitLine"],
  log: ["ts", "level", "message", "path", "line"],
};

/** Query of `GET /api/backtest/{id}/series/{series}`. */
export const SeriesQuery = z
  .object({
    from: EpochMs.nullable().default(null),
    to: EpochMs.nullable().default(null),
    points: z.number().int().min(1).max(2_000_000).nullable().default(null).describe("Send the finest level with at most this many rows in the range. Null: full detail."),
    level: z.number().int().min(0).max(16).nullable().default(null).describe("Send exactly this level of detail instead."),
  })
  .meta({ id: "SeriesQuery" });
export type SeriesQuery = z.infer<typeof SeriesQuery>;

/** Which version of the code a run ran: its strategy's file and every local file that it imports. */
export const CodeVersion = z
  .object({
    hash: z.string().describe("SHA-256 over all files; names their copy."),
    commit: z.string().nullable().describe("Git commit that was checked out; null outside a repository."),
    dirty: z.boolean().nullable().describe("One of the files was not as in that commit; null outside a repository."),
  })
  .meta({ id: "CodeVersion" });
export type CodeVersion = z.infer<typeof CodeVersion>;

/** Something the code touched besides its data and parameters: another time the result may be another one. `docs/runs.md` says how it is noticed. */
export const Effect = z
  .object({
    kind: z.enum(["clock", "file", "network", "process", "random"]),
    what: z.string().describe("What was read, opened, reached or started."),
    path: z.string().nullable().describe("File of the user's code that did it."),
    line: z.number().int().min(1).nullable(),
  })
  .meta({ id: "Effect" });
export type Effect = z.infer<typeof Effect>;

/** The first place at which a repeated run differs from the stored one. */
export const Difference = z
  .object({
    table: z.string().describe("`metrics`, `orders`, or a table of the result."),
    column: z.string(),
    row: z.number().int().min(0).nullable().describe("Counted from 0; null where there are no rows, or when the number of rows differs."),
    stored: z.string(),
    repeated: z.string(),
  })
  .meta({ id: "Difference" });
export type Difference = z.infer<typeof Difference>;

/** What came of repeating a run. */
export const Reproduction = z
  .object({
    of: RunId,
    equal: z.boolean().describe("Every column of every table but the log, and every metric, byte for byte."),
    rows: z.number().int().min(0).describe("Rows that were compared."),
    hash: z.string().describe("SHA-256 over what was compared, as repeated."),
    difference: Difference.nullable(),
    changed: z.array(z.string()).describe("What is not as it was then: versions, packages, platform."),
  })
  .meta({ id: "Reproduction" });
export type Reproduction = z.infer<typeof Reproduction>;

/** A run as lists show it. */
export const RunSummary = z
  .object({
    id: RunId,
    status: RunStatus,
    path: z.string(),
    name: z.string().describe("Strategy class."),
    symbols: z.array(z.string()),
    barTypes: z.array(z.string()),
    from: Day.nullable(),
    to: Day.nullable(),
    parameters: z.record(z.string(), ParameterValue),
    adjustment: Adjustment,
    strategies: z.array(StrategyChoice).default([]),
    perSymbol: z.boolean().default(false),
    ticks: z.array(TickFeed).default([]),
    warmUp,
    origin: ClientKind,
    createdAt: EpochMs,
    startedAt: EpochMs.nullable(),
    endedAt: EpochMs.nullable(),
    progress: RunProgress.nullable(),
    metrics: Metrics.nullable(),
    currency: z.string().nullable(),
    sparkline: z.array(z.number()).describe("Up to 60 points of equity over starting balance; empty until finished."),
    noTrades: z.string().nullable(),
    error: ErrorBody.nullable(),
    codeHash: z.string().nullable().describe("SHA-256 of the strategy's file as it was run."),
    tags: z.array(Tag).default([]).describe("What its owner sorts it by, in alphabetical order."),
    note: z.string().default("").describe("What its owner says of it."),
    pinned: z.boolean().default(false).describe("Stands on top of lists."),
    code: CodeVersion.nullable().default(null),
    edited: z.boolean().nullable().default(null).describe("A file of the code is not any more what ran; null when no copy was kept."),
    specHash: z.string().nullable().default(null).describe("SHA-256 of the spec: code, packages, data, parameters, venue, versions. Equal specs give equal results."),
    cachedFrom: RunId.nullable().default(null).describe("The run whose stored result this is; null when it was run."),
    effects: z.array(Effect).default([]).describe("Why its result is not taken again for an equal spec; empty when it is."),
    reproduction: Reproduction.nullable().default(null).describe("Set when this run repeated another one, and both could be compared."),
  })
  .meta({ id: "RunSummary" });
export type RunSummary = z.infer<typeof RunSummary>;

/** One strategy of a run with several, as if it had traded the whole starting balance alone. */
export const StrategyResult = z
  .object({
    label: z.string().describe("Class, and what tells it from the others of its class."),
    path: z.string(),
    name: z.string(),
    barTypes: z.array(z.string()),
    parameters: z.record(z.string(), ParameterValue),
    metrics: Metrics.describe("Of its own profit on the run's starting balance."),
    outcome: OrderOutcome,
  })
  .meta({ id: "StrategyResult" });
export type StrategyResult = z.infer<typeof StrategyResult>;

/** What a finished run left. */
export const BacktestResult = z
  .object({
    metrics: Metrics,
    outcome: OrderOutcome,
    series: z.array(SeriesInfo),
    instruments: z.array(Instrument),
    currency: z.string(),
    firstBarAt: EpochMs.nullable(),
    lastBarAt: EpochMs.nullable(),
    bars: z.number().int().min(0),
    periodsPerYear: z.number().int(),
    dailyReturns: z.number().int().min(0).describe("How many daily returns the statistics rest on."),
    assumptions: z.array(z.object({ label: z.string(), value: z.string() }).meta({ id: "Assumption" })).describe("Fills, fees, account, data: what the numbers rest on, in words."),
    warnings: z.array(z.string()),
    strategies: z.array(StrategyResult).default([]).describe("Each of several strategies; empty when there was one."),
    warmUpBars: z.number().int().min(0).default(0).describe("Bars of each series that were fed before those that count, at most."),
    versions: z.record(z.string(), z.string()),
    elapsedMs: z.number().int().min(0),
  })
  .meta({ id: "BacktestResult" });
export type BacktestResult = z.infer<typeof BacktestResult>;

export interface Mark {
  readonly word: string;
  readonly means: string;
}

/** What lists say of a run beside its result, in the words of every client. */
export function marksOf({ cachedFrom, edited, effects, reproduction }: Pick<RunSummary, "cachedFrom" | "edited" | "effects" | "reproduction">): Mark[] {
  const marks: Mark[] = [];
  if (cachedFrom) marks.push({ word: "cached", means: `The stored result of ${cachedFrom}, which had the same spec.` });
  if (reproduction) marks.push(reproduction.equal ? { word: "reproduced", means: `Repeats ${reproduction.of}, with equal results.` } : { word: "differs", means: `Repeats ${reproduction.of}, with other results.` });
  if (edited) marks.push({ word: "edited since", means: "A file of its code is not any more what ran." });
  if (effects.length > 0) marks.push({ word: "not cacheable", means: `Its code touches more than its data: ${effects.map(({ kind, what }) => `${kind} (${what})`).join(", ")}.` });
  return marks;
}

export const Run = RunSummary.extend({
  venue: VenueModel,
  spec: z.record(z.string(), z.unknown()).nullable().default(null).describe("What `specHash` is the hash of."),
  result: BacktestResult.nullable(),
}).meta({ id: "Run" });
export type Run = z.infer<typeof Run>;

/** One file of the code that a run ran. */
export const CodeFile = z
  .object({
    name: z.string().describe("Path relative to the strategy's folder, with `/`."),
    path: z.string().describe("Absolute path at which it lay."),
    text: z.string().describe("As it ran."),
    edited: z.boolean().describe("The file at that path is another one now, or gone."),
  })
  .meta({ id: "CodeFile" });
export type CodeFile = z.infer<typeof CodeFile>;

/** The code that a run ran, the strategy's own file first. */
export const RunCode = z.object({ id: RunId, code: CodeVersion, files: z.array(CodeFile) }).meta({ id: "RunCode" });
export type RunCode = z.infer<typeof RunCode>;

export const RunListQuery = z
  .object({
    limit: z.number().int().min(1).max(1000).default(100),
    before: RunId.nullable().default(null).describe("Only runs started before this one: the next page."),
    path: z.string().nullable().default(null),
    name: z.string().nullable().default(null),
    tag: Tag.nullable().default(null),
    pinned: z.boolean().nullable().default(null),
  })
  .meta({ id: "RunListQuery" });
export type RunListQuery = z.infer<typeof RunListQuery>;

export const RunList = z.object({ runs: z.array(RunSummary), more: z.boolean() }).meta({ id: "RunList" });
export type RunList = z.infer<typeof RunList>;
