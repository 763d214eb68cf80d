import { describe, expect, test } from "vitest";
import type { Parameter, ParameterValue } from "#contracts";
import { checkParameter, rangeWords, readText } from "./parameterChecks.ts";

const parameter = (part: Partial<Parameter>): Parameter => ({
  name: "fast",
  kind: "integer",
  required: false,
  nullable: false,
  fromData: false,
  default: 10,
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

const between = { minimum: 2, maximum: 200 };

/** Texts are those of the engine's `strategies.complete` for the same parameter and value. */
describe("a value", () => {
  test.each<[Partial<Parameter>, ParameterValue, string | null]>([
    [between, 10, null],
    [between, "10", null],
    [between, 1, "fast = 1 is outside 2 to 200."],
    [between, 201, "fast = 201 is outside 2 to 200."],
    [between, "abc", "fast must be a whole number, not abc."],
    [between, 2.5, "fast must be a whole number, not 2.5."],
    [between, "", "fast must be a whole number, not empty text."],
    [{ minimum: 1 }, 0, "fast = 0 is outside 1 or more."],
    [{ kind: "number", exclusiveMinimum: 0, maximum: 1 }, 0, "fast = 0 is outside 0 to 1, 0 excluded."],
    [{ kind: "number", exclusiveMinimum: 0, maximum: 1 }, 1, null],
    [{ kind: "number" }, "1e-3", null],
    [{ kind: "number" }, "1,5", "fast must be a number, not 1,5."],
    [{ kind: "decimal", multipleOf: 0.1 }, "0.3", null],
    [{ kind: "decimal", multipleOf: 0.1 }, "0.35", "fast = 0.35 is outside steps of 0.1."],
    [{ kind: "choice", choices: ["market", "limit"] }, "limit", null],
    [{ kind: "choice", choices: ["market", "limit"] }, "stop", "fast must be one of market, limit, not stop."],
    [{ kind: "boolean" }, true, null],
    [{ kind: "text" }, "", null],
    [{ nullable: true, default: null }, null, null],
    [{ default: null, required: true }, null, "The strategy needs a value for fast."],
    [{ kind: "instrument", fromData: true, default: null }, null, null],
    [{ kind: "instruments" }, ["AAPL.XNAS"], null],
  ])("%j with %j: %s", (part, value, message) => {
    expect(checkParameter(parameter(part), value)?.message ?? null).toBe(message);
  });
});

describe("a range in words", () => {
  test.each<[Partial<Parameter>, string | null]>([
    [{}, null],
    [between, "2 to 200"],
    [{ exclusiveMinimum: 0, maximum: 1 }, "0 to 1, 0 excluded"],
    [{ exclusiveMinimum: 0, exclusiveMaximum: 1 }, "0 to 1, 0 and 1 excluded"],
    [{ minimum: 2 }, "2 or more"],
    [{ exclusiveMinimum: 2 }, "more than 2"],
    [{ maximum: 2 }, "2 or less"],
    [{ exclusiveMaximum: 2, multipleOf: 0.5 }, "less than 2, steps of 0.5"],
  ])("%j: %s", (part, words) => {
    expect(rangeWords(parameter(part))).toBe(words);
  });
});

describe("typed text", () => {
  test.each<[Partial<Parameter>, string, ParameterValue]>([
    [{}, " 12 ", 12],
    [{}, "12.5", "12.5"],
    [{}, "1e", "1e"],
    [{}, "99999999999999999999", "99999999999999999999"],
    [{ kind: "number" }, "0.5", 0.5],
    [{ kind: "number" }, ".5", 0.5],
    [{ kind: "number" }, "-", "-"],
    // Decimals stay text: a float would not be what was typed.
    [{ kind: "decimal" }, "0.10", "0.10"],
    [{ nullable: true }, "", null],
    [{ kind: "text" }, " a ", " a "],
  ])("%j from %j is sent as %j", (part, text, value) => {
    expect(readText(parameter(part), text)).toEqual(value);
  });
});
