import { describe, expect, it } from "vitest";
import { RunSummary } from "#contracts";
import samples from "../../contracts/samples/RunSummary.json" with { type: "json" };
import { ago, count, outcomeOf, percent, rangeOf, signed, symbolsOf } from "./text.ts";

const run = RunSummary.parse(samples.valid[0]);
const metrics = RunSummary.parse(samples.valid.find(({ status }) => status === "finished")).metrics;
if (!metrics) throw new Error("the sample of a finished run has no metrics");

it.each([
  [0.123, "+12.3\u202f%"],
  [-0.05, "−5.0\u202f%"],
  [0.0001, "0.0\u202f%"],
  [-0.0001, "0.0\u202f%"],
  [12.5, "+1,250.0\u202f%"],
])("%f is %s", (fraction, text) => expect(percent(fraction)).toBe(text));

it.each([
  [0.714, false, "0.71"],
  [-0.714, false, "−0.71"],
  [0.714, true, "+0.71"],
  [-0.001, true, "0.00"],
])("%f, plus %s, is %s", (value, plus, text) => expect(signed(value, 2, plus)).toBe(text));

it.each([
  [0, "just now"],
  [44, "just now"],
  [45, "1 min ago"],
  [120, "2 min ago"],
  [89 * 60, "89 min ago"],
  [3 * 3600, "3 h ago"],
  [48 * 3600, "2 days ago"],
  [-60, "just now"],
])("%i s is %s", (seconds, text) => expect(ago(1e12, 1e12 + seconds * 1000)).toBe(text));

describe("what became of a run", () => {
  const progress = { phase: "running" as const, barsDone: 450, barsTotal: 1000, barsPerSecond: 1, remainingMs: 11_500 };
  const cases: [Partial<RunSummary>, string][] = [
    [{ status: "queued" }, "queued"],
    [{ status: "running", progress: null }, "preparing"],
    [{ status: "running", progress: { ...progress, phase: "preparing" } }, "preparing"],
    [{ status: "running", progress }, "45\u202f%, 12 s left"],
    [{ status: "running", progress: { ...progress, remainingMs: 600_000 } }, "45\u202f%, 10 min left"],
    [{ status: "running", progress: { ...progress, remainingMs: null } }, "45\u202f%"],
    [{ status: "running", progress: { ...progress, phase: "writing" } }, "writing the result"],
    [{ status: "finished", metrics: { ...metrics, totalReturn: 0.123, sharpe: 0.714 }, noTrades: null }, "+12.3\u202f%, Sharpe 0.71"],
    [{ status: "finished", metrics: { ...metrics, totalReturn: -0.2, sharpe: -1 }, noTrades: null }, "−20.0\u202f%, Sharpe −1.00"],
    [{ status: "finished", metrics: { ...metrics, totalReturn: 0, sharpe: null }, noTrades: null }, "0.0\u202f%"],
    [{ status: "finished", noTrades: "It gave no order." }, "no trades"],
    [{ status: "failed" }, "failed"],
    [{ status: "cancelled" }, "cancelled"],
    [{ status: "interrupted" }, "interrupted"],
  ];
  it.each(cases)("%o", (part, text) => expect(outcomeOf({ ...run, metrics: null, progress: null, ...part })).toBe(text));
});

it("names instruments and ranges", () => {
  expect(symbolsOf({ symbols: [] })).toBe("no instrument");
  expect(symbolsOf({ symbols: ["AAPL.XNAS"] })).toBe("AAPL.XNAS");
  expect(symbolsOf({ symbols: ["AAPL.XNAS", "MSFT.XNAS", "IBM.XNYS"] })).toBe("AAPL.XNAS and 2 more");
  expect(rangeOf({ from: "2000-01-01", to: null })).toBe("2000-01-01 – end of data");
  expect(count(1, "run")).toBe("1 run");
  expect(count(0, "run")).toBe("0 runs");
});
