import { describe, expect, it } from "vitest";
import { extent, levels, logLevels, timeTicks } from "./scale.ts";

it.each([
  [0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [-0.37, 1.02, 4, [0, 0.5, 1]],
  [-12, -3, 3, [-10, -5]],
  [4, 4, 5, [4]],
])("round levels from %f to %f", (low, high, most, wanted) => {
  const found = levels(low, high, most);
  expect(found).toHaveLength(wanted.length);
  for (const [index, level] of found.entries()) expect(level).toBeCloseTo(wanted[index]!, 12);
});

it("levels of a logarithmic axis lie at 1, 2 and 5", () => {
  expect(logLevels(0.5, 12, 5).map((level) => Number(level.toFixed(6)))).toEqual([0.5, 1, 2, 5, 10]);
  expect(logLevels(1.01, 1.09, 4).length).toBeGreaterThan(2);
});

describe("labels of time", () => {
  const labels = (from: string, to: string, most: number) => timeTicks(Date.parse(from), Date.parse(to), most).map(({ label }) => label);
  it.each([
    ["2000-01-03", "2013-12-31", 8, ["2002", "2004", "2006", "2008", "2010", "2012"]],
    ["2009-11-15", "2010-08-20", 6, ["2010", "Mar", "May", "Jul"]],
    ["2010-01-04", "2010-01-09", 6, ["4 Jan", "5 Jan", "6 Jan", "7 Jan", "8 Jan", "9 Jan"]],
    ["2010-01-04T22:00Z", "2010-01-05T05:00Z", 3, ["5 Jan", "03:00"]],
    ["2010-01-04", "2010-01-04", 3, []],
  ])("%s to %s", (from, to, most, wanted) => expect(labels(from, to, most)).toEqual(wanted));
});

it("an extent leaves out what is not known and keeps what must be seen", () => {
  expect(
    extent([
      [1, null, 3],
      [Number.NaN, -2],
    ]),
  ).toEqual([-2, 3]);
  expect(extent([[5]], [0])).toEqual([0, 5]);
  expect(extent([[]])).toEqual([0, 1]);
  expect(extent([[7, 7]])).toEqual([6.93, 7.07]);
});
