import fc from "fast-check";
import { expect, test } from "vitest";
import { pageAddress, readAddress } from "./address.ts";

const read = (address: string) => readAddress(new URL(address, "http://127.0.0.1"));

test.each([
  ["/", { page: "backtest", run: null, path: null, name: null }],
  ["/backtest?run=run_1", { page: "backtest", run: "run_1", path: null, name: null }],
  ["/backtest?path=%2Fa%20b%2Fc.py&name=Ema", { page: "backtest", run: null, path: "/a b/c.py", name: "Ema" }],
  ["/runs", { page: "runs", run: null, path: null, name: null }],
  ["/compare?runs=run_1,run_2", { page: "compare", run: null, path: null, name: null, runs: ["run_1", "run_2"] }],
  ["/runs/", { page: "runs", run: null, path: null, name: null }],
  ["/elsewhere?run=run_1", { page: "backtest", run: null, path: null, name: null }],
])("%s", (address, state) => {
  expect(read(address)).toEqual(state);
});

test("an address reads as what it was made from", () => {
  const text = fc.option(fc.string({ minLength: 1, unit: "grapheme" }));
  fc.assert(
    fc.property(fc.record({ page: fc.constantFrom("backtest" as const, "runs" as const), run: text, path: text, name: text }), (state) => {
      expect(read(pageAddress(state))).toEqual(state);
    }),
  );
});
