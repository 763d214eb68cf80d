/** Golden messages must get the same verdict in both languages: here by zod, in `engine/tests/test_contracts.py` by pydantic. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import * as contracts from "#contracts";

interface Samples {
  schema: string;
  valid: unknown[];
  invalid: { why: string; value: unknown }[];
}

const shapes: Record<string, unknown> = { ...contracts };
const folder = new URL("../../contracts/samples/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));

describe.each(files)("%s", (file) => {
  const { schema: name, valid, invalid }: Samples = JSON.parse(readFileSync(new URL(file, folder), "utf8"));
  const schema = shapes[name] as z.ZodType;

  it("is named after its schema and has both kinds", () => {
    expect(file).toBe(`${name}.json`);
    expect(schema?.safeParse).toBeTypeOf("function");
    expect(valid.length).toBeGreaterThan(0);
    expect(invalid.length).toBeGreaterThan(0);
  });

  it.each(valid.map((value, index) => [index, value]))("takes valid sample %i, and what it makes of it", (_, value) => {
    const parsed = schema.parse(value);
    expect(schema.parse(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
  });

  it.each(invalid.map(({ why, value }) => [why, value]))("refuses: %s", (_, value) => {
    expect(schema.safeParse(value).success).toBe(false);
  });
});

it("has samples of every event, of every message of the stream and of every start message", () => {
  const needed = [
    "OrderbookDelta",
    "Trade",
    "OrderState",
    "PositionState",
    "RiskAlert",
    "Envelope",
    "ErrorBody",
    "EngineInfo",
    "Bootstrap",
    "LockFile",
    "Run",
    "BacktestRequest",
    "RunProgress",
    "BacktestResult",
    "BarsQuery",
    "FromPanel",
    "ToPanel",
    "ServerMessage",
    "ClientMessage",
  ];
  expect(files).toEqual(expect.arrayContaining(needed.map((name) => `${name}.json`)));
});
