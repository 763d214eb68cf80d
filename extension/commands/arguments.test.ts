import { describe, expect, it } from "vitest";
import { readRunId, readStrategyReference } from "./arguments.ts";
import { fileNameOf, strategySource, whyNotAName } from "./strategyTemplate.ts";

const strategy = { path: "/w/a.py", name: "A", line: 3 };

it.each([
  ["a lens", { path: "/w/a.py", name: "A" }, { path: "/w/a.py", name: "A" }],
  ["a lens without a class", { path: "/w/a.py", name: null }, { path: "/w/a.py", name: null }],
  ["a node of the strategies", { kind: "strategy", strategy }, { path: "/w/a.py", name: "A" }],
  ["a group of runs", { kind: "group", path: "/w/a.py", name: "A", runs: [] }, { path: "/w/a.py", name: "A" }],
  ["a run", { kind: "run", run: { ...strategy, id: "run_1" } }, { path: "/w/a.py", name: "A" }],
  ["an address", { scheme: "file", path: "/c:/w/a.py", fsPath: "c:\\w\\a.py" }, { path: "c:\\w\\a.py", name: null }],
  ["an address of something else", { scheme: "untitled", path: "a.py", fsPath: "a.py" }, null],
  ["nothing", undefined, null],
  ["null", null, null],
  ["a text", "/w/a.py", null],
  ["another object", { name: "A" }, null],
])("a strategy from %s", (_, argument, reference) => expect(readStrategyReference(argument)).toEqual(reference));

it.each([
  ["a lens", { id: "run_1" }, "run_1"],
  ["a node", { kind: "run", run: { id: "run_1" } }, "run_1"],
  ["a text", "run_1", "run_1"],
  ["nothing", undefined, null],
  ["a number", { id: 1 }, null],
])("a run from %s", (_, argument, id) => expect(readRunId(argument)).toBe(id));

describe("a new strategy", () => {
  it.each([
    ["MeanReversion", "mean_reversion.py"],
    ["RSI", "rsi.py"],
    ["RSIReversal2", "rsi_reversal2.py"],
    ["Pairs_Trade", "pairs_trade.py"],
  ])("%s lives in %s", (name, file) => {
    expect(whyNotAName(name)).toBeNull();
    expect(fileNameOf(name)).toBe(file);
    expect(strategySource(name)).toContain(`class ${name}(Strategy):`);
    expect(strategySource(name)).toContain(`def __init__(self, config: ${name}Config) -> None:`);
  });

  it.each(["", "1st", "mean", "a-b", "Größe", "Strategy", "None", "../Evil"])("%j is no name", (name) => expect(whyNotAName(name)).toEqual(expect.any(String)));
});
