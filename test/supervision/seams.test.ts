/**
 * Supervision reads time and touches processes in two files only, so that a test can put its own clock and process table in their
 * place. `loopback.ts` may set one timer: how long an answer of the network is waited for. The rules are run over code that breaks them
 * as well: a rule that cannot fail holds nothing.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../rig.ts";

const FOLDERS = ["extension/supervisor", "extension/client"];
const TIME = /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bperformance\b|\bset(Interval|Immediate)\b|\bprocess\.(hrtime|uptime)\b|node:(timers|perf_hooks)/;
const TIMER = /\bsetTimeout\b/;
const PROCESSES = /\bprocess\.(kill|abort)\b|node:(child_process|worker_threads|cluster)/;

/** What a file uses that only a seam may; types are nothing that runs. */
function offences(code: string, file = ""): string[] {
  const text = code.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "").replace(/^import (type [^;]*|\{ type \w+ \} from [^;]*);$/gm, "");
  const rules = [
    ...(file.endsWith("/clock.ts") ? [] : [TIME]),
    ...(/\/(clock|loopback)\.ts$/.test(file) ? [] : [TIMER]),
    ...(file.endsWith("/processes.ts") ? [] : [PROCESSES]),
  ];
  return text.split("\n").filter((line) => rules.some((rule) => rule.test(line)));
}

const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => /\.tsx?$/.test(name) && !name.includes(".test."))
    .map((name) => `${folder}/${name}`),
);

test.each(files)("%s", (file) => {
  expect(offences(readFileSync(join(ROOT, file), "utf8"), file)).toEqual([]);
});

test.each([
  "const now = Date.now();",
  "const read = Date.now;",
  "log(new Date());",
  "performance.now();",
  'import { performance as clock } from "node:perf_hooks";',
  "setTimeout(() => undefined, 5);",
  "setInterval(tick, 5);",
  "setImmediate(tick);",
  'import { setTimeout as delay } from "node:timers/promises";',
  'await import("node:timers/promises");',
  "process.hrtime.bigint();",
  "process.kill(pid, 0);",
  'import { spawn } from "node:child_process";',
  'const { execFile } = await import("node:child_process");',
])("the rules see %s", (code) => {
  expect(offences(code)).toHaveLength(1);
});

test("a type is no use", () => {
  expect(offences('import type { ChildProcess } from "node:child_process";\n/* Date.now() */\n// process.kill(1)')).toEqual([]);
});
