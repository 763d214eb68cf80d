/** `tino` in a terminal: the live view, progress, what is left on the screen. With the real engine, except where one has to misbehave. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Rig, type RigOptions, type Running, until } from "../rig.ts";
import { STRATEGIES } from "./strategies.ts";

const ESCAPE = "\u001b";
const SECOND_SCREEN = `${ESCAPE}[?1049h`;
const FIRST_SCREEN = `${ESCAPE}[?1049l`;
const SIZE = { columns: 100, rows: 30 };

let rig: Rig;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tino-terminal-"));
});
afterEach(async () => {
  await rig.close();
  rmSync(folder, { recursive: true, force: true });
});

const start = (args: string[], options: RigOptions, env: Record<string, string> = {}, size = SIZE) => {
  rig = new Rig(options);
  return rig.startInTerminal(args, size, env);
};
const type = (running: Running, keys: string) => running.process.stdin?.write(keys);
const plain = (text: string) => text.replaceAll(new RegExp(`${ESCAPE}\\[[0-9;?]*[A-Za-z]`, "g"), "");

test("tino shows the engine, and q leaves the screen and no process behind", async () => {
  // Some libraries draw nothing where CI is set, as it is in many a container that people work in.
  const running = await start([], {}, { CI: "true" });
  await running.says(/engine healthy/);
  await running.says(/No runs yet/);
  await running.says(/terminal \d+ .*joined/);
  expect(plain(running.stdout)).toContain("PAPER");
  type(running, "q");
  expect((await running.finished).code).toBe(0);
  expect(running.stdout.indexOf(SECOND_SCREEN)).toBeLessThan(running.stdout.indexOf(FIRST_SCREEN));
  await rig.untilEmpty();
});

test("Ctrl-C leaves in the same way", async () => {
  const running = await start(["up"], {});
  await running.says(/engine healthy/);
  type(running, "\u0003");
  expect((await running.finished).code).toBe(0);
  await rig.untilEmpty();
});

test("a terminal that goes away takes the engine with it", async () => {
  const running = await start([], {});
  await running.says(/engine healthy/);
  running.process.kill("SIGKILL");
  await rig.untilEmpty();
});

test("an engine that dies is replaced in the view; after the third end its user is asked", async () => {
  const running = await start([], {});
  const seen = new Set<string>();
  for (const _ of [1, 2, 3]) {
    await until(
      () =>
        Boolean(
          rig.engineInfo() &&
            !seen.has(rig.engineInfo()?.instance as string) &&
            plain(running.stdout).includes(`connected to the engine, process ${rig.engineInfo()?.pid}`),
        ),
      () => "the next engine",
    );
    seen.add(rig.engineInfo()?.instance as string);
    process.kill(rig.engineInfo()?.pid as number, "SIGKILL");
  }
  await running.says(/The engine ended 3 times/);
  expect(plain(running.stdout)).toContain("start again");
  type(running, "s");
  await until(
    () => Boolean(rig.engineInfo() && !seen.has(rig.engineInfo()?.instance as string)),
    () => "an engine that was asked for",
  );
  type(running, "q");
  await running.finished;
});

test("an engine that will not start is said in the view, with what it wrote last", async () => {
  const running = await start([], { fake: "broken" });
  await running.says(/The engine ended while starting/);
  await running.says(/Something is missing/);
  type(running, "q");
  await running.finished;
});

test("demo: progress, the result on the screen, then the live view on that run", async () => {
  const running = await start(["demo"], { engine: "real" });
  await running.says(/Importing the sample data/);
  await running.says(/Dashboard/);
  await running.says(/scroll/);
  await until(
    () => plain(running.stdout.slice(running.stdout.lastIndexOf(SECOND_SCREEN))).includes("Total return"),
    () => "the run in the live view",
  );
  const before = running.stdout.slice(0, running.stdout.lastIndexOf(SECOND_SCREEN));
  expect(before).toContain(`${ESCAPE}[32m`);
  // Escape alone: what comes right after it would be read as one key with it.
  const list = running.stdout.length;
  type(running, ESCAPE);
  await until(
    () => plain(running.stdout.slice(list)).includes("choose"),
    () => "the list",
  );
  const second = running.stdout.length;
  type(running, "b");
  await until(
    () => /EmaCross on AAPL\.XNAS finished/.test(plain(running.stdout.slice(second))),
    () => `a second run: ${plain(running.stdout.slice(second))}`,
  );
  type(running, "q");
  expect((await running.finished).code).toBe(0);
  await rig.untilEmpty();
});

test("a run that never comes back can be cancelled from its progress line", async () => {
  writeFileSync(join(folder, "loops.py"), STRATEGIES.loops);
  const running = await start(["backtest", join(folder, "loops.py"), "--symbol", "AAPL.XNAS"], { engine: "real" });
  await until(
    () => /symbol_unknown|holds no instrument/.test(running.stdout) || running.process.exitCode !== null,
    () => running.stdout,
  );
  expect((await running.finished).code).toBe(3);
  expect((await rig.tino(["demo"])).code).toBe(0);
  expect(rig.processes()).toEqual([]);
  const again = await rig.startInTerminal(["backtest", join(folder, "loops.py"), "--symbol", "AAPL.XNAS"], SIZE);
  await again.says(/Loops.*%.*bars/s);
  type(again, "\u0003");
  expect((await again.finished).code).toBe(130);
  expect(plain(again.stdout)).toMatch(/tino: (Loops did not come back from a callback and was stopped|The run was cancelled)\./);
  await rig.untilEmpty();
});

test.each([
  ["without colour", { NO_COLOR: "1" }],
  ["in a narrow window", { NO_COLOR: "1", narrow: "yes" }],
])("the view %s", async (_, { narrow, ...env }: Record<string, string>) => {
  const running = await start([], {}, env, narrow ? { columns: 40, rows: 12 } : SIZE);
  await running.says(/engine healthy/);
  type(running, "q");
  await running.finished;
  expect(running.stdout).not.toMatch(new RegExp(`${ESCAPE}\\[[0-9;]*m`));
  const longest = Math.max(
    ...plain(running.stdout)
      .split(/\r?\n/)
      .map((line) => [...line].length),
  );
  expect(longest).toBeLessThanOrEqual(narrow ? 40 : SIZE.columns);
});

test("a dumb terminal gets the plain thing", async () => {
  const running = await start([], {}, { TERM: "dumb" });
  expect((await running.finished).code).toBe(5);
  expect(running.stdout).toContain("No engine is running.");
  expect(running.stdout).not.toContain(ESCAPE);
});

test("without a terminal tino says the state, and up stays until it is told to go", async () => {
  rig = new Rig();
  expect(await rig.tino([])).toMatchObject({ code: 5, stdout: "No engine is running. Start one with `tino up`.\n" });
  const up = await rig.startTino(["up"]);
  await up.says(/The engine runs: process \d+, port \d+/);
  const other = await rig.startClient();
  await up.says(new RegExp(`terminal ${other.pid} joined`));
  other.tell("leave");
  await up.says(new RegExp(`terminal ${other.pid} left`));
  up.process.kill("SIGTERM");
  expect((await up.finished).code).toBe(0);
  await rig.untilEmpty();
});
