/**
 * Supervision reads time and touches processes in two files only, so that a test can put its own clock and process table in their
 * place. `loopback.ts` may set one timer: how long an answer of the network is waited for.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../rig.ts";

const FOLDERS = ["extension/supervisor", "extension/client"];
const FORBIDDEN =
  /\b(Date\.now|performance\.now|new Date\(\)|setInterval|setImmediate|process\.(kill|hrtime|uptime)|node:child_process|node:timers|node:worker_threads)\b/;
const TIMER = /\bsetTimeout\b/;
const SEAMS = ["clock.ts", "processes.ts"];

const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => /\.tsx?$/.test(name) && !name.includes(".test.") && !SEAMS.includes(name))
    .map((name) => `${folder}/${name}`),
);

test.each(files)("%s", (file) => {
  const lines = readFileSync(join(ROOT, file), "utf8").split("\n");
  const code = lines.filter((line) => !/^\s*(\*|\/\/|\/\*)/.test(line));
  expect(code.filter((line) => FORBIDDEN.test(line) && !line.startsWith("import type") && !/^import \{ type \w+ \}/.test(line))).toEqual([]);
  if (!file.endsWith("loopback.ts")) expect(code.filter((line) => TIMER.test(line))).toEqual([]);
});
