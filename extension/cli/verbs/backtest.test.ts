import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { EngineLink } from "../../client/engineLink.ts";
import { type BacktestOptions, buildRequest } from "./backtest.ts";

const FILE = fileURLToPath(new URL("./backtest.test.ts", import.meta.url));
/** Knows one strategy with a whole number and a flag. */
const link = {
  call: async () => ({
    parameters: [
      { name: "fast", kind: "integer" },
      { name: "trail", kind: "boolean" },
    ],
  }),
} as unknown as EngineLink;
const build = (options: Partial<BacktestOptions>) => buildRequest(link, "/s/ema.py", { file: "ema.py", symbol: ["AAPL.XNAS"], ...options });

describe("a backtest as it is typed", () => {
  test.each<[Partial<BacktestOptions>, object]>([
    [{}, { warmUp: 0, perSymbol: false, strategies: [], ticks: [] }],
    [{ warmUp: "auto" }, { warmUp: null }],
    [{ warmUp: "200" }, { warmUp: 200 }],
    [
      { perSymbol: true, ticks: ["quotes", "trades"] },
      { perSymbol: true, ticks: ["quotes", "trades"] },
    ],
    [{ param: ["fast=5", "trail=on"] }, { parameters: { fast: 5, trail: true } }],
    [
      { with: [`${FILE}:Other fast=7  trail=no`, FILE] },
      {
        strategies: [
          { path: FILE, name: "Other", symbols: [], barTypes: [], parameters: { fast: 7, trail: false } },
          { path: FILE, name: null, symbols: [], barTypes: [], parameters: {} },
        ],
      },
    ],
  ])("%j", async (options, expected) => {
    expect(await build(options)).toMatchObject(expected);
  });

  test.each<[Partial<BacktestOptions>, RegExp]>([
    [{ warmUp: "long" }, /--warm-up/],
    [{ warmUp: "" }, /--warm-up/],
    [{ with: ["no-such-file.py"] }, /no-such-file\.py/],
    [{ with: [`${FILE} fast`] }, /fast is not of the form/],
  ])("%j is refused", async (options, words) => {
    await expect(build(options)).rejects.toThrow(words);
  });
});
