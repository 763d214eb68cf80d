import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { weigh } from "./timeAxis.ts";
import { Zone } from "./zone.ts";

const ZONES = ["UTC", "America/New_York", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"];
const FROM = Date.UTC(1999, 0, 1);
const TO = Date.UTC(2026, 0, 1);

/** The runtime's own answer, slow and right. */
function wall(zone: string, at: number): string {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).formatToParts(at);
  const of = (type: string) => parts.find((part) => part.type === type)!.value;
  return `${of("year")}-${of("month")}-${of("day")}T${of("hour")}:${of("minute")}:${of("second")}`;
}

test.each(ZONES)("the clock of %s is the runtime's, prepared or not", (name) => {
  const prepared = new Zone(name);
  prepared.prepare(FROM, TO);
  const plain = new Zone(name);
  fc.assert(
    fc.property(fc.integer({ min: FROM, max: TO }), (at) => {
      const expected = wall(name, at);
      expect(new Date(prepared.clock(at)).toISOString().slice(0, 19)).toBe(expected);
      expect(new Date(plain.clock(at)).toISOString().slice(0, 19)).toBe(expected);
    }),
    { numRuns: 300 },
  );
});

describe("words", () => {
  const zone = new Zone("America/New_York");
  zone.prepare(FROM, TO);
  test.each([
    [zone.day(Date.UTC(2005, 0, 3, 21)), "2005-01-03"],
    // The close at 16:00 of a summer and of a winter day.
    [zone.time(Date.UTC(2005, 6, 1, 20)), "2005-07-01 16:00"],
    [zone.time(Date.UTC(2005, 0, 3, 21)), "2005-01-03 16:00"],
    [zone.time(Date.UTC(2005, 0, 3, 21, 0, 7)), "2005-01-03 16:00:07"],
    [zone.day(Date.UTC(2005, 0, 4, 2)), "2005-01-03"],
    [new Zone("Nowhere/Land").name, "UTC"],
  ])("%s", (text, expected) => {
    expect(text).toBe(expected);
  });
});

test.each([
  ["2004-12-31T23:59", "2005-01-01T00:00", 70],
  ["2005-01-31T23:59", "2005-02-01T00:00", 60],
  ["2005-01-03T16:00", "2005-01-04T09:31", 50],
  ["2005-01-03T11:59", "2005-01-03T12:00", 33],
  ["2005-01-03T14:59", "2005-01-03T15:00", 31],
  ["2005-01-03T10:29", "2005-01-03T10:30", 22],
  ["2005-01-03T10:30", "2005-01-03T10:31", 20],
  ["2005-01-03T10:30:01", "2005-01-03T10:30:02", 10],
])("from %s to %s is a step of weight %s", (before, now, weight) => {
  expect(weigh(Date.parse(`${now}Z`), Date.parse(`${before}Z`))).toBe(weight);
});
