/** Log files as they grow and rotate. */
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogFiles, type LogRecord, type LogsOptions } from "./logs.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tino-logs-"));
  path = join(folder, "engine.log");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const wanted = (change: Partial<LogsOptions> = {}): LogsOptions => ({ lines: 10, component: null, level: "debug", ...change });
const record = (index: number, data: Record<string, unknown> = {}) =>
  `${JSON.stringify({ ts: new Date(1_700_000_000_000 + index).toISOString(), level: "info", component: "test", event: `e${index}`, ...data })}\n`;
const eventsOf = (records: LogRecord[]) => records.map(({ event }) => event);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

test("the last of several files, in the order of time, also across a rotation", () => {
  const other = join(folder, "cli.log");
  writeFileSync(
    `${path}.1`,
    range(0, 5)
      .map((index) => record(2 * index))
      .join(""),
  );
  writeFileSync(
    path,
    range(5, 8)
      .map((index) => record(2 * index))
      .join(""),
  );
  writeFileSync(
    other,
    range(3, 8)
      .map((index) => record(2 * index + 1))
      .join(""),
  );
  expect(eventsOf(new LogFiles([path, other]).last(wanted({ lines: 9 })))).toEqual(range(7, 16).map((index) => `e${index}`));
});

test("filters reach as far back as they must, through lines that are no records", () => {
  const filler = range(0, 4_000).map((index) => record(index, { component: "noise", text: "x".repeat(200) }));
  writeFileSync(path, [record(0, { event: "first" }), "Traceback (most recent call last):\n", ...filler, "{half"].join(""));
  expect(eventsOf(new LogFiles([path]).last(wanted({ component: "test" })))).toEqual(["first"]);
});

test.each([
  ["debug", ["a", "b", "c", "d", "e"]],
  ["warning", ["c", "d", "e"]],
  ["error", ["d", "e"]],
] as const)("from level %s on", (level, events) => {
  writeFileSync(path, ["debug", "info", "warning", "error", "critical"].map((name, index) => record(index, { level: name, event: "abcde"[index] })).join(""));
  expect(eventsOf(new LogFiles([path]).last(wanted({ level })))).toEqual(events);
});

test("what comes later follows without a gap and without anything twice, through a rotation", async () => {
  writeFileSync(path, record(0));
  const files = new LogFiles([path, join(folder, "made-later.log")]);
  appendFileSync(path, record(1));
  const seen = eventsOf(files.last(wanted()));
  const controller = new AbortController();
  const following = files.follow(wanted(), (found) => seen.push(found.event), controller.signal);
  expect(seen).toEqual(["e0", "e1"]);
  const half = record(2);
  appendFileSync(path, half.slice(0, 20));
  appendFileSync(path, half.slice(20));
  await expect.poll(() => seen).toEqual(["e0", "e1", "e2"]);
  renameSync(path, `${path}.1`);
  writeFileSync(path, record(3));
  writeFileSync(join(folder, "made-later.log"), record(4));
  await expect.poll(() => [...seen].sort()).toEqual(["e0", "e1", "e2", "e3", "e4"]);
  // All at once, before anybody can look: the end of one file, a whole one, the beginning of the next.
  appendFileSync(path, record(5));
  renameSync(`${path}.1`, `${path}.3`);
  renameSync(path, `${path}.2`);
  writeFileSync(`${path}.1`, record(6));
  writeFileSync(path, record(7, { text: "–" }));
  await expect.poll(() => [...seen].sort()).toEqual(["e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7"]);
  controller.abort();
  await following;
});
