import { describe, expect, test } from "vitest";
import { ago, compact, duration, fileName, metric, money, NOTHING, number, percent, plain, tone } from "./format.ts";

const N = "\u202f";

describe("figures", () => {
  test.each([
    [number(1234.5), "1,234.50"],
    [number(-0.004), "0.00"],
    [number(-3.56781, 3), "−3.568"],
    [number(2, 1, true), "+2.0"],
    [number(null), NOTHING],
    [number(Number.NaN), NOTHING],
    [number(Number.POSITIVE_INFINITY), NOTHING],
    [plain(680), "680"],
    [plain(0.00012345, 8), "0.00012345"],
    [percent(0.1234, 1, true), `+12.3${N}%`],
    [percent(-0.0001, 1, true), `0.0${N}%`],
    [percent(undefined), NOTHING],
    [money(1234.5, "USD"), `1,234.50${N}USD`],
    [money(-1_234_567.8, "USD"), `−1,234,568${N}USD`],
    [money(5, null), "5.00"],
    [compact(999), "999"],
    [compact(9_999.5), "10,000"],
    [compact(12_345), "12.3K"],
    [compact(1_234_567), "1.23M"],
    [compact(-2_500_000_000), "−2.5B"],
  ])("%s", (text, expected) => {
    expect(text).toBe(expected);
  });
});

describe("spans of time", () => {
  test.each([
    [duration(0), "0 ms"],
    [duration(999), "999 ms"],
    [duration(16_900), "16.9 s"],
    [duration(61_000), "1 min 1 s"],
    [duration(3_600_000 * 5 + 60_000 * 7), "5 h 7 min"],
    [ago(1_000, 20_000), "just now"],
    [ago(0, 17 * 60_000), "17 min ago"],
    [ago(0, 5 * 3_600_000), "5 h ago"],
    [ago(0, 3 * 86_400_000), "3 days ago"],
    [ago(Date.UTC(2020, 0, 2), Date.UTC(2021, 0, 2)), "2020-01-02"],
  ])("%s", (text, expected) => {
    expect(text).toBe(expected);
  });
});

describe("metrics", () => {
  test.each([
    [metric("totalReturn", 0.112, "USD"), `+11.2${N}%`],
    [metric("benchmarkReturn", 12.409, null), `+1,240.9${N}%`],
    [metric("winRate", 0.268, "USD"), `26.8${N}%`],
    [metric("sharpe", 0.4312, null), "0.43"],
    [metric("fees", 11_095.54, "USD"), `11,095.54${N}USD`],
    [metric("netProfit", 11_163.15, "USD"), `+11,163.15${N}USD`],
    [metric("maxDrawdownDays", 812, null), "812 days"],
    [metric("maxDrawdownDays", 1, null), "1 day"],
    [metric("turnover", 11.4, null), `11.4${N}× a year`],
    [metric("trades", 71, null), "71"],
    [metric("alpha", null, null), NOTHING],
  ])("%s", (text, expected) => {
    expect(text).toBe(expected);
  });

  test.each([
    ["totalReturn", 0.1, "gain"],
    ["totalReturn", -0.1, "loss"],
    ["totalReturn", 0, null],
    ["sharpe", -0.2, "loss"],
    // Always below zero, always above zero, or neither good nor bad: a colour would say nothing.
    ["maxDrawdown", -0.5, null],
    ["winRate", 0.3, null],
    ["benchmarkReturn", -0.3, null],
    ["volatility", 0.2, null],
  ] as const)("%s of %s is told as %s", (name, value, expected) => {
    expect(tone(name, value)).toBe(expected);
  });
});

test.each([
  ["/home/a/b.py", "b.py"],
  ["C:\\work\\b.py", "b.py"],
  ["b.py", "b.py"],
])("the file of %s is %s", (path, name) => {
  expect(fileName(path)).toBe(name);
});
