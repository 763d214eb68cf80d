import { describe, expect, test } from "vitest";
import { VenueModel } from "#contracts";
import { readVenue, type VenueOptions } from "./venue.ts";

describe("a venue as it is typed", () => {
  test.each<[VenueOptions, Partial<VenueModel>]>([
    [{}, {}],
    [
      { balance: "5000", account: "cash", leverage: "2" },
      { startingBalance: "5000", accountType: "CASH", leverage: "2" },
    ],
    [{ margin: ["AAPL.XNAS=25%", "ES.XCME=0.05"] }, { margins: { "AAPL.XNAS": "0.25", "ES.XCME": "0.05" } }],
    [{ positions: "hedging" }, { omsType: "HEDGING" }],
    [{ fee: "0.1%" }, { makerFee: "0.001", takerFee: "0.001" }],
    [{ fee: "0.02%/0.05%" }, { makerFee: "0.0002", takerFee: "0.0005" }],
    [{ fee: "1.5/order" }, { feeModel: "fixed", feeAmount: "1.5" }],
    [{ fee: "0.005 / unit" }, { feeModel: "perContract", feeAmount: "0.005" }],
    [
      { fills: "oneTick", slippage: "0.3", limitFills: "0.8", seed: "7" },
      { fillModel: "oneTick", slippageProbability: 0.3, limitFillProbability: 0.8, seed: 7 },
    ],
    [{ latency: "50" }, { latencyMs: 50 }],
    [{ latency: "50,submit=10,cancel=20" }, { latencyMs: 50, submitLatencyMs: 10, cancelLatencyMs: 20 }],
    [
      { barExecution: "off", adaptiveHighLow: "off" },
      { barExecution: false, adaptiveHighLow: false },
    ],
  ])("%j", (options, expected) => {
    expect(readVenue(options, "backtest")).toEqual({ ...VenueModel.parse({}), ...expected });
  });

  test.each<[VenueOptions, RegExp]>([
    [{ balance: "much" }, /--balance/],
    [{ fee: "free" }, /--fee/],
    [{ fee: "x/order" }, /--fee/],
    [{ margin: ["AAPL.XNAS=0"] }, /--margin/],
    [{ margin: ["AAPL.XNAS"] }, /--margin/],
    [{ slippage: "2" }, /--slippage/],
    [{ latency: "soon" }, /--latency/],
    [{ latency: "50,later=3" }, /--latency/],
    [{ seed: "1.5" }, /--seed/],
  ])("%j is refused by name", (options, words) => {
    expect(() => readVenue(options, "backtest")).toThrow(words);
  });
});
