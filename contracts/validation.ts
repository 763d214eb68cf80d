/** Validation: what is left of a result on data that it was not chosen on, in other orders of events, and without a view of the future. */
import { z } from "zod";
import { BacktestRequest, type MetricInfo } from "./backtest.ts";
import { ClientKind, Day, EpochMs, RunId } from "./base.ts";
import { ErrorBody } from "./errors.ts";
import { Dimension, Objective, SweepId } from "./search.ts";
import { ParameterValue } from "./strategies.ts";

/** Identifier of a validation: sorting by id is sorting by start. */
export const ValidationId = z
  .string()
  .regex(/^val_[0-9a-z]{20,32}$/)
  .meta({ id: "ValidationId", description: "Identifier of a validation." });
export type ValidationId = z.infer<typeof ValidationId>;

const seed = z.number().int().min(0).max(4_294_967_295).default(42);
const days = z.number().int().min(0).max(100_000);
const figure = z.number().nullable();

/** Which parameters compete. As in a sweep, without the methods that learn from one point for the next. */
const searched = {
  backtest: BacktestRequest.describe("Data, range, assumptions, and the parameters that are not searched."),
  dimensions: z.array(Dimension).min(1).max(20),
  constraint: z.string().max(1000).nullable().default(null).describe("What every point must fulfil, such as `fast < slow`."),
  method: z.enum(["grid", "random"]).default("grid"),
  points: z.number().int().min(1).max(100_000).nullable().default(null).describe("How many sets of parameters compete. Null: all of a grid, 100 drawn at random."),
  objective: Objective.prefault({}),
  seed,
  workers: z.number().int().min(1).max(256).nullable().default(null).describe("Processes at most. Null: one for each processor."),
  cluster: z.string().max(300).nullable().default(null).describe("Address of a Dask scheduler, `tcp://host:port`. Null: processes of this machine."),
  confirmed: z.boolean().default(false).describe("A number of points that is asked about is wanted."),
};

/** What is checked is a stored run, or a request that has not been run. */
const checked = {
  run: RunId.nullable().default(null).describe("A stored run, with the code as it is now."),
  backtest: BacktestRequest.nullable().default(null).describe("Used without a run."),
};

/** Choose on the past, trade the next stretch, move on. Days are days on which the data has bars. */
export const WalkForwardRequest = z
  .object({
    kind: z.literal("walkForward"),
    ...searched,
    trainDays: days.min(2).default(504),
    testDays: days.min(1).default(126),
    stepDays: days.min(1).nullable().default(null).describe("From one window to the next. Null: the length of a test, so that tests touch."),
    purgeDays: days.default(0).describe("Left out between training and test."),
    anchored: z.boolean().default(false).describe("Every training begins with the first day; else they keep their length."),
    warmUpDays: days.default(60).describe("Days before a test that the strategy sees first, so that its indicators are ready when it begins."),
  })
  .meta({ id: "WalkForwardRequest" });
export type WalkForwardRequest = z.infer<typeof WalkForwardRequest>;

/** Combinatorial purged cross-validation. */
export const CrossValidationRequest = z
  .object({
    kind: z.literal("crossValidation"),
    ...searched,
    folds: z.number().int().min(3).max(20).default(8),
    testFolds: z.number().int().min(2).max(10).default(2),
    purgeDays: days.default(5).describe("Left out of training on both sides of a test."),
    embargoDays: days.default(5).describe("Left out of training after a test, besides."),
  })
  .meta({ id: "CrossValidationRequest" });
export type CrossValidationRequest = z.infer<typeof CrossValidationRequest>;

/** The trades of a run in another order, or another selection of them. */
export const TradeMonteCarloRequest = z
  .object({
    kind: z.literal("tradeMonteCarlo"),
    run: RunId,
    method: z.enum(["shuffle", "bootstrap"]).default("bootstrap").describe("Another order of the same trades; or as many drawn with replacement."),
    size: z.enum(["fraction", "fixed"]).default("fraction").describe("A trade counts as the share of equity that it brought, or as money."),
    paths: z.number().int().min(10).max(100_000).default(2000),
    ruin: z.number().gt(0).max(1).default(0.5).describe("Share of the starting balance whose loss is ruin."),
    seed,
  })
  .meta({ id: "TradeMonteCarloRequest" });
export type TradeMonteCarloRequest = z.infer<typeof TradeMonteCarloRequest>;

/** The strategy run again on bars that are put together anew from blocks of the stored ones. */
export const BarMonteCarloRequest = z
  .object({
    kind: z.literal("barMonteCarlo"),
    ...checked,
    block: z.number().min(1).max(100_000).default(20).describe("Mean length of a block, in bars."),
    paths: z.number().int().min(10).max(10_000).default(100),
    ruin: z.number().gt(0).max(1).default(0.5),
    seed,
    workers: z.number().int().min(1).max(256).nullable().default(null),
    cluster: z.string().max(300).nullable().default(null),
  })
  .meta({ id: "BarMonteCarloRequest" });
export type BarMonteCarloRequest = z.infer<typeof BarMonteCarloRequest>;

/** The run repeated on data that end earlier: up to there it must decide alike. */
export const LookAheadRequest = z
  .object({
    kind: z.literal("lookAhead"),
    ...checked,
    cuts: z.number().int().min(1).max(200).default(20).describe("How often: half of them at bars at which something was decided, half spread evenly."),
    workers: z.number().int().min(1).max(256).nullable().default(null),
  })
  .meta({ id: "LookAheadRequest" });
export type LookAheadRequest = z.infer<typeof LookAheadRequest>;

/** What is to be validated, and how. */
export const ValidationRequest = z.discriminatedUnion("kind", [WalkForwardRequest, CrossValidationRequest, TradeMonteCarloRequest, BarMonteCarloRequest, LookAheadRequest]).meta({ id: "ValidationRequest" });
export type ValidationRequest = z.infer<typeof ValidationRequest>;

/** Body of `POST /api/validation`. */
export const StartValidation = z.object({ request: ValidationRequest }).meta({ id: "StartValidation" });
export type StartValidation = z.infer<typeof StartValidation>;

export const ValidationKind = z.enum(["walkForward", "crossValidation", "tradeMonteCarlo", "barMonteCarlo", "lookAhead"]).meta({ id: "ValidationKind" });
export type ValidationKind = z.infer<typeof ValidationKind>;

/** Statistics of daily returns; definitions as in `METRICS`. */
export const ReturnFigures = z.object({ totalReturn: figure, annualReturn: figure, volatility: figure, sharpe: figure, sortino: figure, calmar: figure, maxDrawdown: figure, maxDrawdownDays: figure }).meta({ id: "ReturnFigures" });
export type ReturnFigures = z.infer<typeof ReturnFigures>;

/** A line over days: equity as a multiple of its start. */
export const DayLine = z.object({ days: z.array(Day), values: z.array(z.number()) }).meta({ id: "DayLine" });
export type DayLine = z.infer<typeof DayLine>;

const parameters = z.record(z.string(), ParameterValue);

export const WalkForwardWindow = z
  .object({
    trainFrom: Day,
    trainTo: Day,
    testFrom: Day,
    testTo: Day,
    parameters: parameters.nullable().describe("The chosen ones; null: no point had a value, and nothing was traded."),
    trainValue: figure.describe("Objective of the chosen point in training."),
    testValue: figure.describe("The same in the test; null for objectives that daily returns do not tell."),
    train: ReturnFigures.nullable(),
    test: ReturnFigures.nullable(),
    finished: z.number().int().min(0).describe("Points that ran to their end in training."),
    failed: z.number().int().min(0),
    error: ErrorBody.nullable().describe("Why there is no test."),
  })
  .meta({ id: "WalkForwardWindow" });
export type WalkForwardWindow = z.infer<typeof WalkForwardWindow>;

/** How the chosen value of a parameter moved from window to window. */
export const ParameterDrift = z
  .object({
    name: z.string(),
    changes: z.number().int().min(0),
    distinct: z.number().int().min(0),
    low: figure,
    high: figure,
    spread: figure.describe("Standard deviation over the absolute mean; null for what is no number."),
  })
  .meta({ id: "ParameterDrift" });
export type ParameterDrift = z.infer<typeof ParameterDrift>;

export const WalkForwardResult = z
  .object({
    kind: z.literal("walkForward"),
    windows: z.array(WalkForwardWindow),
    equity: DayLine.describe("Tests only, chained by their returns."),
    figures: ReturnFigures.describe("Of that line."),
    efficiency: figure.describe("Mean annual return of the tests over that of their trainings."),
    profitable: figure.describe("Share of tests that gained."),
    drift: z.array(ParameterDrift),
    periodsPerYear: z.number().int(),
    statements: z.array(z.string()).describe("What the figures rest on, in words."),
  })
  .meta({ id: "WalkForwardResult" });
export type WalkForwardResult = z.infer<typeof WalkForwardResult>;

/** Probability of backtest overfitting of a set of trials. */
export const Overfitting = z
  .object({
    probability: z.number().min(0).max(1).describe("That the best of one half of the days is below the median on the other."),
    loss: z.number().min(0).max(1).describe("That its Sharpe ratio there is below zero."),
    slope: figure.describe("Of the Sharpe ratio outside on the one inside."),
    blocks: z.number().int(),
    trials: z.number().int(),
    logits: z.array(z.number()).describe("Histogram of the logits of ranks: counts in 20 equal steps from −4 to 4, the ends taking what is beyond."),
  })
  .meta({ id: "Overfitting" });
export type Overfitting = z.infer<typeof Overfitting>;

export const Distribution = z
  .object({
    percentiles: z.array(z.number()).length(5).describe("5, 25, 50, 75 and 95 per cent."),
    mean: z.number(),
    edges: z.array(z.number()).describe("Of the histogram: one more than there are counts."),
    counts: z.array(z.number().int().min(0)),
    actual: figure.describe("What really happened."),
    rank: figure.describe("Share of the distribution below that."),
  })
  .meta({ id: "Distribution" });
export type Distribution = z.infer<typeof Distribution>;

export const CrossValidationResult = z
  .object({
    kind: z.literal("crossValidation"),
    trials: z.number().int().min(0),
    failed: z.number().int().min(0),
    days: z.number().int().min(0),
    splits: z.array(z.object({ folds: z.array(z.number().int()), parameters, inside: figure, outside: figure, trainDays: z.number().int() }).meta({ id: "CrossValidationSplit" })),
    inside: figure.describe("Median of the objective of the chosen points in training."),
    outside: figure.describe("The same in the tests."),
    paths: z.array(ReturnFigures).describe("Of each way through all days that is put together from tests."),
    bands: z.array(DayLine).length(3).describe("Lowest, median and highest equity of the paths."),
    overfitting: Overfitting.nullable(),
    periodsPerYear: z.number().int(),
    statements: z.array(z.string()),
  })
  .meta({ id: "CrossValidationResult" });
export type CrossValidationResult = z.infer<typeof CrossValidationResult>;

/** Equity over its start: the bands of all paths, and what really happened. */
export const EquityBands = z
  .object({
    steps: z.array(z.number().int()).describe("Number of trades so far; or of days."),
    days: z.array(Day).nullable().describe("The day of each step, where steps are days."),
    bands: z.array(z.array(z.number())).length(5).describe("5, 25, 50, 75 and 95 per cent, a value for each step."),
    actual: z.array(z.number()),
  })
  .meta({ id: "EquityBands" });
export type EquityBands = z.infer<typeof EquityBands>;

export const TradeMonteCarloResult = z
  .object({
    kind: z.literal("tradeMonteCarlo"),
    trades: z.number().int().min(0),
    paths: z.number().int().min(0),
    equity: EquityBands,
    totalReturn: Distribution,
    maxDrawdown: Distribution.describe("Zero or negative; from trade to trade."),
    ruined: z.number().min(0).max(1).describe("Risk of ruin: share of the paths that came down to the ruin level."),
    statements: z.array(z.string()),
  })
  .meta({ id: "TradeMonteCarloResult" });
export type TradeMonteCarloResult = z.infer<typeof TradeMonteCarloResult>;

export const BarMonteCarloResult = z
  .object({
    kind: z.literal("barMonteCarlo"),
    paths: z.number().int().min(0),
    failed: z.number().int().min(0),
    equity: EquityBands,
    totalReturn: Distribution,
    maxDrawdown: Distribution,
    sharpe: Distribution.nullable().describe("Of the paths that have one."),
    ruined: z.number().min(0).max(1),
    statements: z.array(z.string()),
  })
  .meta({ id: "BarMonteCarloResult" });
export type BarMonteCarloResult = z.infer<typeof BarMonteCarloResult>;

/** The first bar at which two runs differ. */
export const LookAheadDifference = z
  .object({
    at: EpochMs.describe("Close of that bar."),
    day: Day,
    whole: z.string().nullable().describe("What the run on all data decided there; null: nothing."),
    cut: z.string().nullable().describe("What the run on data that end at the cut decided."),
    path: z.string().nullable(),
    line: z.number().int().min(1).nullable().describe("Line of the strategy that decided, in the one that did."),
  })
  .meta({ id: "LookAheadDifference" });
export type LookAheadDifference = z.infer<typeof LookAheadDifference>;

/** One repetition on data that end at `at`. */
export const LookAheadCut = z
  .object({
    at: EpochMs.describe("Close of the last bar."),
    day: Day,
    decisions: z.number().int().min(0).describe("Of the whole run up to there."),
    difference: LookAheadDifference.nullable(),
  })
  .meta({ id: "LookAheadCut" });
export type LookAheadCut = z.infer<typeof LookAheadCut>;

export const LookAheadResult = z
  .object({
    kind: z.literal("lookAhead"),
    verdict: z.enum(["clean", "cheats", "unsure"]).describe("`unsure`: nothing differed, but the strategy read files that could not be cut, or decided nothing."),
    sentence: z.string().describe("The verdict in words, with the bar."),
    decisions: z.number().int().min(0).describe("Of the whole run."),
    cuts: z.array(LookAheadCut),
    files: z.array(z.object({ path: z.string(), cut: z.boolean().describe("Its rows after the cut were withheld."), reason: z.string().nullable() }).meta({ id: "LookAheadFile" })).describe("What the strategy read besides its code."),
  })
  .meta({ id: "LookAheadResult" });
export type LookAheadResult = z.infer<typeof LookAheadResult>;

export const ValidationResult = z.discriminatedUnion("kind", [WalkForwardResult, CrossValidationResult, TradeMonteCarloResult, BarMonteCarloResult, LookAheadResult]).meta({ id: "ValidationResult" });
export type ValidationResult = z.infer<typeof ValidationResult>;

export const ValidationStatus = z.enum(["running", "finished", "failed", "cancelled", "interrupted"]).meta({ id: "ValidationStatus" });
export type ValidationStatus = z.infer<typeof ValidationStatus>;

export const ValidationProgress = z
  .object({
    done: z.number().int().min(0),
    total: z.number().int().min(0).nullable(),
    doing: z.string().describe("In words."),
    remainingMs: z.number().int().min(0).nullable(),
  })
  .meta({ id: "ValidationProgress" });
export type ValidationProgress = z.infer<typeof ValidationProgress>;

/** A validation as lists show it. */
export const ValidationSummary = z
  .object({
    id: ValidationId,
    kind: ValidationKind,
    status: ValidationStatus,
    path: z.string(),
    name: z.string().describe("Strategy class."),
    symbols: z.array(z.string()),
    barTypes: z.array(z.string()),
    run: RunId.nullable().describe("The run that was checked, if it was one."),
    origin: ClientKind,
    createdAt: EpochMs,
    endedAt: EpochMs.nullable(),
    progress: ValidationProgress.nullable().describe("Null when it has ended."),
    sentence: z.string().nullable().describe("The result in one sentence."),
    error: ErrorBody.nullable(),
  })
  .meta({ id: "ValidationSummary" });
export type ValidationSummary = z.infer<typeof ValidationSummary>;

export const Validation = ValidationSummary.extend({ request: ValidationRequest, result: ValidationResult.nullable() }).meta({ id: "Validation" });
export type Validation = z.infer<typeof Validation>;

export const ValidationListQuery = z
  .object({
    limit: z.number().int().min(1).max(1000).default(100),
    before: ValidationId.nullable().default(null).describe("Only those started before this one: the next page."),
    path: z.string().nullable().default(null),
    name: z.string().nullable().default(null),
  })
  .meta({ id: "ValidationListQuery" });
export type ValidationListQuery = z.infer<typeof ValidationListQuery>;

export const ValidationList = z.object({ validations: z.array(ValidationSummary), more: z.boolean() }).meta({ id: "ValidationList" });
export type ValidationList = z.infer<typeof ValidationList>;

/** Of which result: a run, or the best point of a sweep. */
export const HonestyQuery = z.object({ run: RunId.nullable().default(null), sweep: SweepId.nullable().default(null) }).meta({ id: "HonestyQuery" });
export type HonestyQuery = z.infer<typeof HonestyQuery>;

/** What is left of a Sharpe ratio after counting how long it was measured and how often one tried. */
export const Honesty = z
  .object({
    path: z.string(),
    name: z.string(),
    barTypes: z.array(z.string()),
    trials: z.number().int().min(1).describe("Different sets of code, parameters, assumptions and range that were tried with this strategy and these data, kept in the database."),
    measured: z.number().int().min(0).describe("Trials whose Sharpe ratio is known."),
    observations: z.number().int().min(0).describe("Daily returns."),
    periodsPerYear: z.number().int(),
    sharpe: figure.describe("Per year."),
    skewness: figure,
    kurtosis: figure.describe("3 for a normal distribution."),
    expectedMaximum: figure.describe("Per year: what the best of so many trials without skill would show."),
    probabilistic: figure,
    deflated: figure,
    minimumTrackRecord: figure.describe("Daily returns needed."),
    overfitting: Overfitting.nullable().describe("Of the sweep's points; null for a single run."),
    verdict: z.enum(["strong", "weak", "none", "unknown"]).describe("Deflated Sharpe ratio of at least 0.95, of at least 0.5, below; or not defined."),
    sentence: z.string(),
  })
  .meta({ id: "Honesty" });
export type Honesty = z.infer<typeof Honesty>;

/** What the figures of honesty are called and mean. The one text for hovers, terminal, documentation. */
export const HONESTY: Record<"trials" | "probabilistic" | "deflated" | "expectedMaximum" | "minimumTrackRecord" | "overfitting", MetricInfo> = {
  trials: { label: "Trials", unit: "count", better: "none", definition: "Different sets of code, parameters, assumptions and range tried so far with this strategy on these data: every run and every point of a sweep counts once." },
  probabilistic: { label: "Probabilistic Sharpe", unit: "percent", better: "higher", definition: "Probability that the true Sharpe ratio is above zero, given the number of daily returns, their skewness and kurtosis (Bailey and López de Prado, 2012)." },
  deflated: { label: "Deflated Sharpe", unit: "percent", better: "higher", definition: "Probability that the true Sharpe ratio is above what the best of all trials would show by luck alone (Bailey and López de Prado, 2014). Above 95 % it is hard to call it luck." },
  expectedMaximum: { label: "Luck alone", unit: "ratio", better: "none", definition: "Yearly Sharpe ratio that the best of so many trials without any skill is expected to show." },
  minimumTrackRecord: { label: "Minimum track record", unit: "days", better: "lower", definition: "Daily returns needed before this Sharpe ratio is above zero with 95 % confidence." },
  overfitting: { label: "Overfitting", unit: "percent", better: "lower", definition: "Probability that the best point of one half of the days is below the median on the other half (combinatorially symmetric cross-validation; Bailey and others, 2016). Pure noise has about 50 %." },
};

/** A validation began or ended. Durable. */
export const ValidationChanged = z.object({ type: z.literal("validation.changed"), validation: ValidationSummary }).meta({ id: "ValidationChanged" });
export type ValidationChanged = z.infer<typeof ValidationChanged>;

/** It went on. Not durable. */
export const ValidationProgressed = z.object({ type: z.literal("validation.progressed"), id: ValidationId, progress: ValidationProgress }).meta({ id: "ValidationProgressed" });
export type ValidationProgressed = z.infer<typeof ValidationProgressed>;
