/**
 * A run taken apart: what is behind its metrics. Computed once by a child of the engine and kept beside the run's tables.
 * Formulas: `docs/tearsheet.md`. Returns and drawdowns are fractions; days are those of the instrument's zone; money is in `currency`.
 */
import { z } from "zod";
import { Day } from "./base.ts";

const figure = z.number().nullable();

/** One calendar year. */
export const TearsheetYear = z
  .object({
    year: z.number().int(),
    months: z.array(figure).length(12).describe("Return of each month; null for a month without a bar."),
    total: z.number(),
    benchmark: figure.describe("Buy and hold over the same days."),
  })
  .meta({ id: "TearsheetYear" });
export type TearsheetYear = z.infer<typeof TearsheetYear>;

/** Daily closing equity, one element a day. */
export const TearsheetCurve = z
  .object({
    days: z.array(Day),
    equity: z.array(z.number()),
    drawdown: z.array(figure).describe("Below the highest close so far, the start being the first high."),
    benchmark: z.array(figure).describe("Buy and hold, begun with the same money."),
  })
  .meta({ id: "TearsheetCurve" });
export type TearsheetCurve = z.infer<typeof TearsheetCurve>;

/** Statistics over the last `window` daily returns, one element for each day that has so many behind it. */
export const TearsheetRolling = z.object({ window: z.number().int().min(0).describe("In daily returns; 0: there are too few."), days: z.array(Day), sharpe: z.array(figure), volatility: z.array(figure) }).meta({ id: "TearsheetRolling" });
export type TearsheetRolling = z.infer<typeof TearsheetRolling>;

/** A stretch below an earlier high. */
export const TearsheetDrawdown = z
  .object({
    peak: Day.describe("The day of the high it falls from."),
    start: Day.describe("The first day below it."),
    trough: Day,
    recovery: Day.nullable().describe("The first day at or above the high again; null: not yet."),
    depth: z.number(),
    days: z.number().int().min(0).describe("Calendar days from the high to recovery, or to the end."),
  })
  .meta({ id: "TearsheetDrawdown" });
export type TearsheetDrawdown = z.infer<typeof TearsheetDrawdown>;

export const Histogram = z.object({ edges: z.array(z.number()).describe("One more than counts; rising."), counts: z.array(z.number().int().min(0)) }).meta({ id: "Histogram" });
export type Histogram = z.infer<typeof Histogram>;

/** How the daily returns are spread. */
export const TearsheetDistribution = z
  .object({
    histogram: Histogram,
    mean: figure,
    standardDeviation: figure,
    skew: figure,
    kurtosis: figure.describe("Excess kurtosis: 0 for a normal distribution."),
    valueAtRisk: figure.describe("The return that one day in twenty falls short of: the 5 % quantile."),
    conditionalValueAtRisk: figure.describe("Mean of the worst twentieth of days."),
    best: figure,
    worst: figure,
    positive: figure.describe("Share of days with a gain."),
  })
  .meta({ id: "TearsheetDistribution" });
export type TearsheetDistribution = z.infer<typeof TearsheetDistribution>;

/** Daily returns of one weekday, and the closed trades that were entered on it. */
export const TearsheetWeekday = z.object({ weekday: z.number().int().min(0).max(6).describe("0 is Monday."), days: z.number().int().min(0), meanReturn: figure, trades: z.number().int().min(0), winRate: figure, result: z.number() }).meta({ id: "TearsheetWeekday" });
export type TearsheetWeekday = z.infer<typeof TearsheetWeekday>;

/** Closed trades by the hour in which they were entered. */
export const TearsheetHour = z.object({ hour: z.number().int().min(0).max(23), trades: z.number().int().min(0), winRate: figure, result: z.number() }).meta({ id: "TearsheetHour" });
export type TearsheetHour = z.infer<typeof TearsheetHour>;

/** Closed trades of one instrument, or of one side. */
export const TradeGroup = z
  .object({
    name: z.string(),
    trades: z.number().int().min(0),
    winRate: figure,
    profitFactor: figure,
    expectancy: figure,
    fees: z.number(),
    result: z.number(),
  })
  .meta({ id: "TradeGroup" });
export type TradeGroup = z.infer<typeof TradeGroup>;

/** How far closed trades went against and for their holder before they were left, as fractions of the entry price. */
export const TearsheetExcursions = z
  .object({
    trades: z.array(z.number().int().min(0)).describe("Rows of the table of trades; evenly chosen where there are more than can be drawn."),
    adverse: z.array(z.number()).describe("MAE: zero or negative."),
    favourable: z.array(z.number()).describe("MFE: zero or positive."),
    returns: z.array(z.number()),
    meanAdverseWinners: figure,
    meanAdverseLosers: figure,
    meanFavourableWinners: figure,
    meanFavourableLosers: figure,
  })
  .meta({ id: "TearsheetExcursions" });
export type TearsheetExcursions = z.infer<typeof TearsheetExcursions>;

/** How long closed trades lasted, in milliseconds. */
export const TearsheetDurations = z
  .object({
    histogram: Histogram.describe("Edges in milliseconds."),
    mean: figure,
    median: figure,
    shortest: figure,
    longest: figure,
    meanWinners: figure,
    meanLosers: figure,
    meanBars: figure,
  })
  .meta({ id: "TearsheetDurations" });
export type TearsheetDurations = z.infer<typeof TearsheetDurations>;

export const Tearsheet = z
  .object({
    version: z.number().int().describe("Of the computation; a stored one of another version is made anew."),
    currency: z.string(),
    timeZone: z.string(),
    periodsPerYear: z.number().int(),
    startingEquity: z.number(),
    dailyReturns: z.number().int().min(0).describe("How many there are; none when equity fell to zero or below, where no return is defined."),
    trades: z.number().int().min(0).describe("Closed ones, which everything about trades rests on."),
    curve: TearsheetCurve,
    years: z.array(TearsheetYear),
    rolling: TearsheetRolling,
    drawdowns: z.array(TearsheetDrawdown).describe("The ten deepest, deepest first."),
    distribution: TearsheetDistribution,
    weekdays: z.array(TearsheetWeekday),
    hours: z.array(TearsheetHour).describe("Empty for runs on bars of a day or more."),
    instruments: z.array(TradeGroup),
    sides: z.array(TradeGroup),
    excursions: TearsheetExcursions,
    durations: TearsheetDurations,
  })
  .meta({ id: "Tearsheet" });
export type Tearsheet = z.infer<typeof Tearsheet>;
