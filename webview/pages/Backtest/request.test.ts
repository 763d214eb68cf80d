import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BacktestRequest, type Parameter, type Run, type RunSummary, type Strategy, type SymbolEntry } from "#contracts";
import { changesOf, check, type Draft, draftOf, emptyDraft, fromPercentText, requestOf, toPercentText, valueIn, withParameter } from "./request.ts";
import { USUAL_VENUE } from "./venueText.ts";

const parameter = (name: string, part: Partial<Parameter>): Parameter => ({
  name,
  kind: "integer",
  required: false,
  nullable: false,
  fromData: false,
  default: null,
  minimum: null,
  exclusiveMinimum: null,
  maximum: null,
  exclusiveMaximum: null,
  multipleOf: null,
  choices: null,
  description: null,
  line: 1,
  ...part,
});
const strategy: Strategy = {
  path: "/s/ema.py",
  name: "Ema",
  line: 1,
  description: null,
  configName: "EmaConfig",
  parameters: [
    parameter("bar_type", { kind: "barType", fromData: true }),
    parameter("fast", { default: 10, minimum: 2, maximum: 200 }),
    parameter("slow", { default: 20 }),
  ],
};
const [, fast] = strategy.parameters as [Parameter, Parameter, Parameter];
const symbols = [{ instrument: { id: "AAPL.XNAS" }, coverage: [], actions: [] }] as unknown as SymbolEntry[];
const draft: Draft = emptyDraft(symbols);
const run = (part: Partial<Run>): Run =>
  ({
    symbols: ["AAPL.XNAS"],
    barTypes: ["AAPL.XNAS-1-DAY-LAST-EXTERNAL"],
    from: null,
    to: null,
    adjustment: "splits",
    parameters: {},
    venue: BacktestRequest.parse({ path: "/" }).venue,
    warmUp: null,
    perSymbol: true,
    strategies: [],
    ticks: ["trades"],
    ...part,
  }) as Run;

describe("a form nobody has touched", () => {
  test("asks for the defaults on the first instrument", () => {
    expect(requestOf(draft, strategy)).toEqual(BacktestRequest.parse({ path: "/s/ema.py", name: "Ema", symbols: ["AAPL.XNAS"] }));
    expect(check(draft, strategy).size).toBe(0);
  });
});

describe("a parameter", () => {
  test("is sent only where it differs from its default", () => {
    const changed = withParameter(draft, fast, 12);
    expect(requestOf(changed, strategy).parameters).toEqual({ fast: 12 });
    expect(valueIn(changed, fast)).toBe(12);
    expect(withParameter(changed, fast, 10)).toEqual(draft);
  });
});

describe("the form of a run", () => {
  test("asks for that run again", () => {
    const again = requestOf(
      draftOf(run({ parameters: { bar_type: "AAPL.XNAS-1-DAY-LAST-EXTERNAL", fast: 5, slow: 20 }, from: "2005-01-01" }), strategy),
      strategy,
    );
    expect(again).toMatchObject({
      parameters: { fast: 5 },
      from: "2005-01-01",
      to: null,
      adjustment: "splits",
      barTypes: ["AAPL.XNAS-1-DAY-LAST-EXTERNAL"],
      warmUp: null,
      perSymbol: true,
      ticks: ["trades"],
    });
  });

  test("forgets what the class no longer has", () => {
    expect(draftOf(run({ parameters: { gone: 1, fast: 5 } }), strategy).parameters).toEqual({ fast: 5 });
  });
});

describe("what is wrong", () => {
  const wrong = (part: Partial<Draft>) => Object.fromEntries([...check({ ...draft, ...part }, strategy)].map(([field, { message }]) => [field, message]));
  test.each<[string, Partial<Draft>, Record<string, string>]>([
    ["a parameter", { parameters: { fast: 500 } }, { fast: "fast = 500 is outside 2 to 200." }],
    ["no symbol", { symbols: [] }, { symbols: "The request is not well formed: no symbol was given." }],
    ["an exchanged range", { from: "2005-02-01", to: "2005-01-01" }, { to: "The range starts 2005-02-01 and ends 2005-01-01, before it starts." }],
    ["half a day", { from: "2005-0" }, { from: "The request is not well formed: 2005-0 is not a day of the calendar." }],
    ["a fee in words", { venue: { ...USUAL_VENUE, takerFee: "much" } }, { "venue.takerFee": "Taker fee must be a number, zero or more, not much." }],
    [
      "no balance",
      { venue: { ...USUAL_VENUE, startingBalance: "" } },
      { "venue.startingBalance": "Starting balance must be a number, zero or more, not empty text." },
    ],
    [
      "a probability above one",
      { venue: { ...USUAL_VENUE, slippageProbability: "1.5" } },
      { "venue.slippageProbability": "Slippage probability must be a number from 0 to 1, not 1.5." },
    ],
    [
      "no margin at all",
      { venue: { ...USUAL_VENUE, margins: { "AAPL.XNAS": "0" } } },
      { "venue.margins.AAPL.XNAS": "Margin of AAPL.XNAS must be above 0 % and at most 100 %, not 0." },
    ],
    [
      "a latency in seconds",
      { venue: { ...USUAL_VENUE, latencyMs: "1s" } },
      { "venue.latencyMs": "Latency must be a whole number of milliseconds, at most a day, not 1s." },
    ],
    ["a warm-up in words", { warmUp: "some" }, { warmUp: "Warm-up must be a number of bars, not some." }],
    ["half a seed", { venue: { ...USUAL_VENUE, seed: "4.2" } }, { "venue.seed": "Seed must be a whole number, not 4.2." }],
  ])("%s", (_, part, expected) => {
    expect(wrong(part)).toEqual(expected);
  });
});

describe("fees in percent", () => {
  test.each([
    ["0.0005", "0.05"],
    ["0", "0"],
    ["1", "100"],
    ["0.1", "10"],
    ["0.00000123", "0.000123"],
    ["12.5", "1250"],
  ])("%s is %s percent", (fraction, percent) => {
    expect(toPercentText(fraction)).toBe(percent);
    expect(fromPercentText(percent)).toBe(fraction);
  });

  test("go there and back without losing a digit", () => {
    const digits = fc.stringMatching(/^[0-9]{1,6}(\.[0-9]{0,11}[1-9])?$/).map((text) => text.replace(/^0+(?=[0-9])/, ""));
    fc.assert(
      fc.property(digits, (fraction) => {
        expect(fromPercentText(toPercentText(fraction))).toBe(fraction);
      }),
    );
  });

  test("leave alone what is no number", () => {
    expect(fromPercentText("abc")).toBe("abc");
    expect(toPercentText("abc")).toBe("abc");
    expect(fromPercentText(".5")).toBe("0.005");
  });
});

test("a run in a few words names what differs from the defaults", () => {
  const words = (parameters: RunSummary["parameters"]) => changesOf({ parameters } as RunSummary, strategy);
  expect(words({ bar_type: "AAPL.XNAS-1-DAY-LAST-EXTERNAL", fast: 10, slow: 20 })).toBe("");
  expect(words({ fast: 5, slow: 40 })).toBe("fast 5, slow 40");
  expect(words({ fast: 10, gone: 3 })).toBe("gone 3");
});
