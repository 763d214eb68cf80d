/** Two or more runs side by side. Curves are not part of it: a viewer asks each run for the level of detail that it has pixels for. */
import { z } from "zod";
import { RunSummary } from "./backtest.ts";
import { RunId } from "./base.ts";
import { ParameterValue } from "./strategies.ts";

/** Body of `POST /api/backtest/compare`; the first run is the one that the others are held against. */
export const CompareRequest = z.object({ runs: z.array(RunId).min(2).max(20) }).meta({ id: "CompareRequest" });
export type CompareRequest = z.infer<typeof CompareRequest>;

/** One metric of every run, in the order of the runs. */
export const MetricComparison = z
  .object({
    name: z.string().describe("Key of `Metrics`."),
    values: z.array(z.number().nullable()),
    differences: z.array(z.number().nullable()).describe("Value minus that of the first run; null where either is not defined."),
  })
  .meta({ id: "MetricComparison" });
export type MetricComparison = z.infer<typeof MetricComparison>;

/** One parameter of every run; null where a run has no such parameter, or has it without a value. */
export const ParameterComparison = z.object({ name: z.string(), values: z.array(ParameterValue.nullable()), differs: z.boolean() }).meta({ id: "ParameterComparison" });
export type ParameterComparison = z.infer<typeof ParameterComparison>;

/** One assumption of every run, in words; null where a run does not state it. */
export const AssumptionComparison = z.object({ label: z.string(), values: z.array(z.string().nullable()), differs: z.boolean() }).meta({ id: "AssumptionComparison" });
export type AssumptionComparison = z.infer<typeof AssumptionComparison>;

export const Comparison = z
  .object({
    runs: z.array(RunSummary),
    startingEquity: z.array(z.number().nullable()).describe("Of each run, what its curve is measured against; null for a run without a result."),
    metrics: z.array(MetricComparison),
    parameters: z.array(ParameterComparison),
    assumptions: z.array(AssumptionComparison),
    sameCode: z.array(z.boolean().nullable()).describe("Whether the strategy's file was the same as the first run's; null where it is not known."),
    remarks: z.array(z.string()).describe("What makes the figures hard to compare, such as other data or another range."),
  })
  .meta({ id: "Comparison" });
export type Comparison = z.infer<typeof Comparison>;
