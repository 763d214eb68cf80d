/** The hand-written check of a health answer agrees with the contract. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Health } from "#contracts";
import { parseHealth } from "./health.ts";

const valid = { service: "tino", status: "healthy", pid: 4711, port: 40_000, instance: "ab".repeat(16), protocol: 1, version: "0.1.0", proof: "cd".repeat(32) };
const anything = fc.oneof(
  fc.constant(undefined),
  fc.constant(null),
  fc.integer(),
  fc.double(),
  fc.string(),
  fc.constantFrom("tino", "starting", "stopping", "ab".repeat(16), "AB".repeat(32), 65_535, 65_536, 1),
);
/** A valid answer with some of its fields replaced by anything. */
const answers = fc
  .record({ fields: fc.subarray(Object.keys(valid)), values: fc.array(anything, { minLength: 8, maxLength: 8 }) })
  .map(({ fields, values }) => ({
    ...valid,
    ...Object.fromEntries(fields.map((field, index) => [field, values[index]])),
  }));

test("for any answer both give the same verdict", () => {
  fc.assert(
    fc.property(answers, (answer) => {
      const text = JSON.stringify(answer);
      const expected = Health.safeParse(JSON.parse(text));
      expect(parseHealth(Buffer.from(text))).toEqual(expected.success ? expected.data : null);
    }),
    { numRuns: 500 },
  );
});

test.each(["", "null", "[]", '"tino"', "{"])("%s is no health answer", (text) => {
  expect(parseHealth(Buffer.from(text))).toBeNull();
});
