/** Text on a terminal: widths, tables, figures, charts, errors. */
import { describe, expect, test } from "vitest";
import { CATALOGUE, TinoError } from "#contracts";
import { bytes, duration, metric, moment, money, percent, rate, shortPath } from "./format.ts";
import { cellsOf, cut, failureLines, type Paint, pad, screenOf, table, wrap } from "./output.ts";
import { bar, lineChart, sparkline } from "./ui/chart.ts";
import { workspaceAround, workspaceOf } from "./workspace.ts";

const plain: Paint = (_, text) => text;
const styled: Paint = (_, text) => `\u001b[31m${text}\u001b[0m`;

test.each([
  ["abc", 3],
  ["日本", 4],
  ["e\u0301", 1],
  [styled("red", "abc"), 3],
  ["🚀x", 3],
])("%j takes %i cells", (text, cells) => {
  expect(cellsOf(text)).toBe(cells);
});

test("text is cut with an ellipsis, styles are ended", () => {
  expect(cut("abcdef", 4)).toBe("abc…");
  expect(cut("日本語", 4)).toBe("日…");
  expect(cellsOf(cut(styled("red", "abcdef"), 4))).toBe(4);
  expect(cut(styled("red", "abcdef"), 4)).toSatisfy((text: string) => text.endsWith("\u001b[0m"));
  expect(cut("abc", 3)).toBe("abc");
  expect(pad("ab", 4, "right")).toBe("  ab");
  expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
});

describe("a table", () => {
  const columns = [
    { title: "Name", shrinks: true },
    { title: "Value", align: "right" as const },
    { title: "More", keep: 1 },
  ];
  const rows = [
    ["a rather long name of a thing", "1", "x"],
    ["b", "1,000", "y"],
  ];
  test("aligns its columns", () => {
    expect(table(columns, rows, { paint: plain, width: 80, shrink: true }).split("\n")).toEqual([
      "Name                           Value  More",
      "a rather long name of a thing      1  x",
      "b                              1,000  y",
    ]);
  });
  test.each([36, 26, 24])("fits into %i columns", (width) => {
    const lines = table(columns, rows, { paint: plain, width, shrink: true }).split("\n");
    expect(Math.max(...lines.map(cellsOf))).toBeLessThanOrEqual(width);
    expect(lines[0]).toContain("Value");
    expect(lines[0]?.includes("More")).toBe(width > 24);
  });
  test("is not cut in a pipe", () => {
    expect(table(columns, rows, { paint: plain, width: 10, shrink: false })).toContain("a rather long name of a thing");
  });
});

test.each([
  [percent(0.1234), "12.3 %"],
  [percent(3.124, true), "+312.4 %"],
  [percent(-0.45, true), "-45.0 %"],
  [percent(123.456, true), "+12,346 %"],
  [percent(null), "–"],
  [money(1234567.891, "USD"), "1,234,567.89 USD"],
  [money(-0.5, null), "-0.50"],
  [metric(412, "days", null), "412 days"],
  [metric(1, "days", null), "1 day"],
  [metric(0.7149, "ratio", null), "0.71"],
  [metric(null, "ratio", null), "–"],
  [duration(400), "0.4 s"],
  [duration(59_600), "60 s"],
  [duration(3_600_000), "1 h 0 min"],
  [duration(90_061_000), "1 d 1 h"],
  [rate(41_200), "41.2 k"],
  [rate(999_999), "1.0 M"],
  [bytes(81_234_567), "81 MB"],
  [shortPath("/home/ada/x", "/home/ada"), "~/x"],
  [shortPath("/home/adam/x", "/home/ada"), "/home/adam/x"],
])("%s", (text, expected) => {
  expect(text).toBe(expected);
});

test("an instant of today is a time, any other has its day", () => {
  const now = new Date(2026, 10, 21, 14, 3, 27).getTime();
  expect(moment(now, now)).toBe("14:03:27");
  expect(moment(new Date(2026, 10, 20, 9, 5).getTime(), now)).toBe("2026-11-20 09:05");
});

test("an error is one line what and one line what to do, with the user's own lines between", () => {
  const error = TinoError.of(
    "strategy_failed",
    { name: "Ema", callback: "on_bar", reason: "ZeroDivisionError: division by zero" },
    { traceback: [{ path: "/w/ema.py", line: 12, function: "on_bar", code: "x = 1 / 0" }], location: { path: "/w/ema.py", line: 12, column: null } },
  );
  expect(failureLines(error, plain)).toEqual([
    "tino: Ema.on_bar raised ZeroDivisionError: division by zero.",
    "  /w/ema.py:12 in on_bar",
    "      x = 1 / 0",
    CATALOGUE.strategy_failed.hint,
  ]);
});

describe("a chart", () => {
  const times = Array.from({ length: 100 }, (_, index) => Date.UTC(2000, 0, 1) + index * 86_400_000);
  const values = times.map((_, index) => 100_000 + 1_000 * index);
  const look = { paint: plain, unicode: true };
  test("has the size that was asked for, with labels and days on its axes", () => {
    const lines = lineChart(times, values, { width: 60, height: 12, label: (value) => String(value) }, look);
    expect(lines).toHaveLength(12);
    expect(Math.max(...lines.map(cellsOf))).toBeLessThanOrEqual(60);
    expect(lines.join("\n")).toMatch(/125000 ┤[\s\S]*2000-01-01 +.*2000-04-09/);
    // A straight line from corner to corner: the first dots are in the last row of cells, the last in the first.
    expect(lines[0]?.trimEnd()).toMatch(/[⠀-⣿]$/);
    expect(lines[9]).toMatch(/[┤│][⠀-⣿]/);
  });
  test("shows a spike of a single point", () => {
    const spiked = values.map((_, index) => (index === 50 ? 200 : 100));
    expect(lineChart(times, spiked, { width: 40, height: 10, label: String }, look)[0]).toMatch(/[⠁-⣿]/);
  });
  test("draws with asterisks where there is no Braille", () => {
    const text = lineChart(times, values, { width: 60, height: 12, label: String }, { paint: plain, unicode: false }).join("\n");
    expect(text).toContain("*");
    expect([...text].every((character) => character.charCodeAt(0) < 128)).toBe(true);
  });
  test.each([
    [[], []],
    [[1], [1]],
    [times, values.map(() => Number.NaN)],
  ])("of nothing is nothing", (when, what) => {
    expect(lineChart(when as number[], what as number[], { width: 60, height: 12, label: String }, look)).toEqual([]);
  });
  test("of a level line is a line", () => {
    expect(
      lineChart(
        times,
        values.map(() => 5),
        { width: 60, height: 12, label: String },
        look,
      ).join(""),
    ).toMatch(/[⠁-⣿]/);
  });
  test("in one row goes from low to high", () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8, true)).toBe("▁▂▃▄▅▆▇█");
    expect(sparkline([1, 1], 8, true)).toBe("▁▁");
    expect(sparkline([], 8, true)).toBe("");
    expect(bar(0.5, 4, true)).toBe("██░░");
    expect(bar(2, 4, false)).toBe("####");
  });
});

describe("a screen", () => {
  const streams = (env: Record<string, string>, terminal = true) =>
    ({ env, stdin: { isTTY: terminal }, stdout: { isTTY: terminal, columns: 120, rows: 40 }, stderr: { isTTY: terminal } }) as unknown as NodeJS.Process;
  test.each([
    [{}, true, true],
    [{ NO_COLOR: "1" }, true, false],
    [{ NO_COLOR: "" }, true, true],
    [{ TERM: "dumb" }, true, false],
    [{}, false, false],
    [{ FORCE_COLOR: "1" }, false, true],
    [{ FORCE_COLOR: "0" }, true, false],
    [{ FORCE_COLOR: "1", NO_COLOR: "1" }, true, false],
  ])("with %j and a terminal %s is coloured: %s", (env, terminal, coloured) => {
    expect(screenOf(false, streams(env, terminal)).paint("red", "x") !== "x").toBe(coloured);
  });
  test("asks nobody without a terminal or with JSON", () => {
    expect(screenOf(false, streams({})).interactive).toBe(true);
    expect(screenOf(true, streams({})).interactive).toBe(false);
    expect(screenOf(false, streams({}, false)).interactive).toBe(false);
    expect(screenOf(false, streams({ COLUMNS: "70" }, false)).width).toBe(70);
  });
});

test("a strategy's workspace is its git checkout, else the user's folder that holds it, else its own", () => {
  expect(workspaceOf(`${import.meta.dirname}/x.py`, "/")).toBe(`${import.meta.dirname.split("/extension")[0]}`);
  expect(workspaceOf("/w/strategies/x.py", "/w")).toBe("/w");
  expect(workspaceOf("/w/strategies/x.py", "/elsewhere")).toBe("/w/strategies");
});

test.each([
  ["a folder of a checkout", import.meta.dirname, import.meta.dirname.split("/extension")[0]],
  ["a folder", "/home/ann/trading", "/home/ann/trading"],
  ["a folder elsewhere", "/srv/trading", "/srv/trading"],
  ["the home folder", "/home/ann", undefined],
  ["what is above it", "/home", undefined],
  ["the root", "/", undefined],
])("a terminal stands in %s", (_, cwd, workspace) => {
  expect(workspaceAround(cwd, "/home/ann")).toBe(workspace);
});
