import { describe, expect, it } from "vitest";
import type { SweepPoint } from "#contracts";
import { cellKey, layHeat } from "./heat.ts";

const point = (number: number, parameters: SweepPoint["parameters"], value: number | null): SweepPoint => ({
  number,
  parameters,
  status: value === null ? "failed" : "finished",
  values: [value],
  metrics: null,
  sparkline: [],
  cached: false,
  elapsedMs: 1,
  error: null,
});

describe("a heat map", () => {
  const points = [
    point(0, { a: 10, b: "x", c: 1 }, 1),
    point(1, { a: 10, b: "x", c: 2 }, 3),
    point(2, { a: 9, b: "y", c: 1 }, -2),
    point(3, { a: 9, b: "x", c: 1 }, null),
  ];

  it.each([
    ["best", true, 3],
    ["best", false, 1],
    ["mean", true, 2],
    ["worst", true, 1],
  ] as const)("takes the %s of what shares a cell (maximize: %s)", (together, maximize, value) => {
    const heat = layHeat(points, "a", "b", together, maximize);
    expect(heat.columns).toEqual(["9", "10"]);
    expect(heat.rows).toEqual(["x", "y"]);
    expect(heat.cells.get(cellKey(1, 0))?.value).toBe(value);
    expect(heat.cells.get(cellKey(0, 0))?.value).toBeNull();
    expect([heat.low, heat.high]).toEqual([-2, value]);
  });

  it("puts many values into parts of the range, none left out", () => {
    const many = Array.from({ length: 500 }, (_, n) => point(n, { a: n / 7, b: true }, n));
    const heat = layHeat(many, "a", "b", "mean", true);
    expect(heat.columns).toHaveLength(48);
    expect([...heat.cells.values()].flatMap(({ points: own }) => own)).toHaveLength(500);
  });
});
