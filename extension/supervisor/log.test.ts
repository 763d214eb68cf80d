/** What clients write into their log: the agreed form, no secrets, through a full disk. The file's rotation is in `paths.test.ts`. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LOG_FIELDS, LONGEST_LOG_TEXT } from "#contracts/log";
import { systemClock } from "./clock.ts";
import { fileLog, redact } from "./log.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tino-log-"));
  path = join(folder, "cli.log");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const records = () =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

const { cases } = JSON.parse(readFileSync(new URL("../../test/contracts/redaction.json", import.meta.url), "utf8"));

test.each(cases as { why: string; given: unknown; written: unknown }[])("redacts: $why", ({ given, written }) => {
  expect(redact(given)).toEqual(written);
});

test("a record has the agreed fields first, in snake case, and nothing secret", () => {
  fileLog(path, systemClock)("warning", "client", "stream_lost", {
    enginePid: 7,
    traderId: "t1",
    runId: "run_1",
    authorization: "canary",
    reason: "Bearer canary123",
  });
  const [record] = records();
  expect(Object.keys(record)).toEqual([...LOG_FIELDS, "engine_pid", "authorization", "reason"]);
  expect(record).toMatchObject({
    level: "warning",
    component: "client",
    event: "stream_lost",
    run_id: "run_1",
    trader_id: "t1",
    pid: process.pid,
    engine_pid: 7,
  });
  expect(record.ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(readFileSync(path, "utf8")).not.toContain("canary");
});

test("a text without end is cut", () => {
  fileLog(path, systemClock)("info", "test", "long", { text: "x ".repeat(LONGEST_LOG_TEXT) });
  expect(records()[0].text).toHaveLength(LONGEST_LOG_TEXT + ` … (${LONGEST_LOG_TEXT} more characters)`.length - 1);
});

test("what cannot be written is counted, and told once it can", () => {
  const log = fileLog(join(folder, "gone", "cli.log"), systemClock);
  for (const event of ["one", "two"]) log("info", "test", event);
  path = join(folder, "gone", "cli.log");
  mkdirSync(join(folder, "gone"));
  for (const event of ["three", "four"]) log("info", "test", event);
  expect(records().map(({ event, count }) => [event, count])).toEqual([
    ["records_dropped", 2],
    ["three", undefined],
    ["four", undefined],
  ]);
});

/** A file system of 64 KB of its own, filled to the last byte by the log itself and then emptied. */
test("a full disk costs records and nothing else", () => {
  const program = `
    const { fileLog } = await import(${JSON.stringify(new URL("./log.ts", import.meta.url).href)});
    const { systemClock } = await import(${JSON.stringify(new URL("./clock.ts", import.meta.url).href)});
    const { rmSync, writeFileSync } = await import("node:fs");
    const log = fileLog("${join(folder, "cli.log")}", systemClock);
    writeFileSync("${join(folder, "ballast")}", "x".repeat(40_000));
    for (let index = 0; index < 1_000; index += 1) log("info", "test", "filling", { index, text: "y".repeat(100) });
    rmSync("${join(folder, "ballast")}");
    log("info", "test", "after");
    process.stdout.write((await import("node:fs")).readFileSync("${join(folder, "cli.log")}", "utf8"));
  `;
  const mounted = `mount -t tmpfs -o size=64k,mode=700 tmpfs "${folder}" && exec "$0" --import tsx --input-type=module --eval "$1"`;
  const written = execFileSync("unshare", ["-Urm", "sh", "-c", mounted, process.execPath, program], { encoding: "utf8", cwd: process.cwd() });
  const lines = written.split("\n").filter(Boolean);
  const whole = lines.flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return []; // The one that the end of the space cut through.
    }
  });
  expect(lines.length - whole.length).toBeLessThanOrEqual(1);
  const filled = whole.filter(({ event }) => event === "filling").length;
  const dropped = whole.find(({ event }) => event === "records_dropped");
  expect(filled).toBeGreaterThan(10);
  expect(dropped.count).toBe(1_000 - filled);
  expect(whole.at(-1).event).toBe("after");
});
