/** Searching: a sweep runs one strategy with many parameters over the same data. One combination is a point. */
import { z } from "zod";
import { BacktestRequest, Metrics } from "./backtest.ts";
import { ClientKind, EpochMs } from "./base.ts";
import { ErrorBody } from "./errors.ts";
import { ParameterValue } from "./strategies.ts";

/** Identifier of a sweep: sorting by id is sorting by start. */
export const SweepId = z
  .string()
  .regex(/^sweep_[0-9a-z]{20,32}$/)
  .meta({ id: "SweepId", description: "Identifier of a sweep." });
export type SweepId = z.infer<typeof SweepId>;

/**
 * Which values of one parameter are tried: those listed, or those from one number to another. With neither, the range is the one of the
 * parameter's schema (its bounds and its step; all choices; true and false), or, where it has none, half to twice its default.
 */
export const Dimension = z
  .object({
    name: z.string().min(1),
    values: z.array(ParameterValue).min(1).max(10_000).nullable().default(null),
    from: z.number().nullable().default(null),
    to: z.number().nullable().default(null).describe("Included if a step reaches it."),
    step: z.number().positive().nullable().default(null).describe("Null: the parameter's own step; else 1 for whole numbers, a tenth of the range for a grid, any number for the other methods."),
    scale: z.enum(["linear", "log"]).default("linear").describe("How random and tpe draw from a range without a step."),
  })
  .meta({ id: "Dimension" });
export type Dimension = z.infer<typeof Dimension>;

export const MetricName = z.enum(Object.keys(Metrics.shape) as [keyof Metrics, ...(keyof Metrics)[]]).meta({ id: "MetricName" });
export type MetricName = z.infer<typeof MetricName>;

export const Objective = z
  .object({
    metric: MetricName.default("sharpe"),
    direction: z.enum(["maximize", "minimize"]).nullable().default(null).describe("Null: the direction that is good for the metric; up where none is."),
  })
  .meta({ id: "Objective" });
export type Objective = z.infer<typeof Objective>;

export const SweepMethod = z.enum(["grid", "random", "tpe"]).meta({ id: "SweepMethod", description: "Every combination; drawn at random; Optuna's tree-structured Parzen estimator." });
export type SweepMethod = z.infer<typeof SweepMethod>;

/** Body of `POST /api/search/sweep`. */
export const SweepRequest = z
  .object({
    backtest: BacktestRequest.describe("What every point has in common; its parameters are those that are not searched."),
    dimensions: z.array(Dimension).min(1).max(20),
    constraint: z.string().max(1000).nullable().default(null).describe("What every point must fulfil, such as `fast < slow and stop > 0`."),
    method: SweepMethod.default("grid"),
    points: z.number().int().min(0).max(10_000_000).nullable().default(null).describe("How many to try. Null: all of a grid, 100 of the others. A grid with fewer than it has is tried in part, evenly."),
    objectives: z
      .array(Objective)
      .min(1)
      .max(3)
      .default([{ metric: "sharpe", direction: null }])
      .describe("With more than one the best points are those that no other one betters in all (Pareto front)."),
    seed: z.number().int().min(0).max(4_294_967_295).default(42).describe("Of the order of a grid and of what is drawn."),
    pruning: z.boolean().default(false).describe("End points early that are worse than the median of the earlier ones after a quarter, half or three quarters of the time. One objective only."),
    workers: z.number().int().min(1).max(256).nullable().default(null).describe("Processes at most. Null: one for each processor."),
    cluster: z.string().max(300).nullable().default(null).describe("Address of a Dask scheduler, `tcp://host:port`. Null: processes of this machine."),
    memoryBytes: z.number().int().min(1).nullable().default(null).describe("What the processes may take together. Null: half of what is free."),
    confirmed: z.boolean().default(false).describe("A number of points that is asked about is wanted."),
  })
  .meta({ id: "SweepRequest" });
export type SweepRequest = z.infer<typeof SweepRequest>;

/** What a request would try; nothing is run. */
export const SweepPlan = z
  .object({
    points: z.number().int().min(0).nullable().describe("Points to be tried; null: more than are counted."),
    combinations: z.number().int().min(0).nullable().describe("Combinations of all values, before the constraint; null: a range without steps has no number of them."),
    asks: z.boolean().describe("So many that starting it needs `confirmed`."),
    dimensions: z.array(Dimension).describe("With what the schema fills in."),
  })
  .meta({ id: "SweepPlan" });
export type SweepPlan = z.infer<typeof SweepPlan>;

export const SweepStatus = z.enum(["queued", "running", "finished", "stopped", "interrupted", "failed"]).meta({ id: "SweepStatus", description: "Queued behind another sweep. Stopped by somebody, or interrupted because the engine ended: both can be resumed." });
export type SweepStatus = z.infer<typeof SweepStatus>;

export const PointStatus = z.enum(["finished", "pruned", "failed"]).meta({ id: "PointStatus" });
export type PointStatus = z.infer<typeof PointStatus>;

/** One combination that has been tried. */
export const SweepPoint = z
  .object({
    number: z.number().int().min(0),
    parameters: z.record(z.string(), ParameterValue).describe("The searched ones."),
    status: PointStatus,
    values: z.array(z.number().nullable()).describe("One for each objective; null where it is not defined. Of a pruned point the last one that was reached."),
    metrics: Metrics.nullable(),
    sparkline: z.array(z.number()).describe("Up to 60 points of equity over starting balance."),
    cached: z.boolean().describe("Known from an earlier sweep of the same code, data and assumptions; not run again."),
    elapsedMs: z.number().int().min(0),
    error: ErrorBody.nullable(),
  })
  .meta({ id: "SweepPoint" });
export type SweepPoint = z.infer<typeof SweepPoint>;

export const SweepProgress = z
  .object({
    done: z.number().int().min(0).describe("Points that have ended, however."),
    total: z.number().int().min(0).nullable(),
    pruned: z.number().int().min(0),
    failed: z.number().int().min(0),
    cached: z.number().int().min(0),
    running: z.number().int().min(0),
    workers: z.number().int().min(0),
    pointsPerSecond: z.number().min(0).nullable().describe("Null until it can be told; without cached points."),
    remainingMs: z.number().int().min(0).nullable(),
  })
  .meta({ id: "SweepProgress" });
export type SweepProgress = z.infer<typeof SweepProgress>;

/** The point that its neighbours confirm most: see `docs/search.md`. Of the first objective. */
export const Plateau = z
  .object({
    number: z.number().int().min(0),
    mean: z.number().describe("Of the point and its neighbours."),
    worst: z.number(),
    neighbours: z.array(z.number().int().min(0)).describe("Numbers of the neighbouring points."),
  })
  .meta({ id: "Plateau" });
export type Plateau = z.infer<typeof Plateau>;

/** A sweep as lists and pages show it; its points come by themselves. */
export const Sweep = z
  .object({
    id: SweepId,
    status: SweepStatus,
    request: SweepRequest,
    path: z.string(),
    name: z.string().describe("Strategy class."),
    symbols: z.array(z.string()),
    barTypes: z.array(z.string()),
    dimensions: z.array(Dimension),
    objectives: z.array(Objective).describe("With their directions."),
    origin: ClientKind,
    createdAt: EpochMs,
    endedAt: EpochMs.nullable(),
    elapsedMs: z.number().int().min(0).describe("Time at work, over all resumptions."),
    progress: SweepProgress,
    best: z.array(SweepPoint).max(100).describe("The best point; with several objectives the Pareto front, by the first one."),
    plateau: Plateau.nullable(),
    stable: SweepPoint.nullable().describe("The point of the plateau."),
    currency: z.string().nullable(),
    periodsPerYear: z.number().int().nullable(),
    codeHash: z.string().describe("SHA-256 over the strategy's file and what it imports. Points of other code are not mixed in."),
    error: ErrorBody.nullable(),
  })
  .meta({ id: "Sweep" });
export type Sweep = z.infer<typeof Sweep>;

export const SweepListQuery = z
  .object({
    limit: z.number().int().min(1).max(1000).default(100),
    before: SweepId.nullable().default(null).describe("Only sweeps started before this one: the next page."),
    path: z.string().nullable().default(null),
    name: z.string().nullable().default(null),
  })
  .meta({ id: "SweepListQuery" });
export type SweepListQuery = z.infer<typeof SweepListQuery>;

export const SweepList = z.object({ sweeps: z.array(Sweep), more: z.boolean() }).meta({ id: "SweepList" });
export type SweepList = z.infer<typeof SweepList>;

export const SweepPointsQuery = z
  .object({
    after: z.number().int().min(-1).default(-1).describe("Only points with a greater number: the next page."),
    limit: z.number().int().min(1).max(5000).default(1000),
  })
  .meta({ id: "SweepPointsQuery" });
export type SweepPointsQuery = z.infer<typeof SweepPointsQuery>;

export const SweepPointList = z.object({ points: z.array(SweepPoint), more: z.boolean() }).meta({ id: "SweepPointList" });
export type SweepPointList = z.infer<typeof SweepPointList>;

/** A sweep began, ended or was resumed. */
export const SweepChanged = z.object({ type: z.literal("sweep.changed"), sweep: Sweep }).meta({ id: "SweepChanged" });
export type SweepChanged = z.infer<typeof SweepChanged>;

/** A sweep was removed with its points. */
export const SweepRemoved = z.object({ type: z.literal("sweep.removed"), id: SweepId }).meta({ id: "SweepRemoved" });
export type SweepRemoved = z.infer<typeof SweepRemoved>;

/** Points ended. Not durable: who missed some asks for them. */
export const SweepProgressed = z
  .object({
    type: z.literal("sweep.progressed"),
    id: SweepId,
    progress: SweepProgress,
    elapsedMs: z.number().int().min(0),
    best: z.array(SweepPoint).max(100),
    plateau: Plateau.nullable(),
    stable: SweepPoint.nullable(),
    points: z.array(SweepPoint).describe("Those that ended since the last event."),
  })
  .meta({ id: "SweepProgressed" });
export type SweepProgressed = z.infer<typeof SweepProgressed>;
