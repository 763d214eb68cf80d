/** Which process a record means. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { type Look, type Processes, systemProcesses } from "./processes.ts";
import { livenessOf, mayBeSignalled, parseStat } from "./processIdentity.ts";

/** A process table with one process. */
function tableOf(look: Look, commandLine: string | null = null, boot: string | null = "boot:1"): Processes {
  return {
    ...systemProcesses,
    pid: 7,
    look: (pid) => (pid === 42 ? look : { exists: false, startId: null }),
    bootId: () => boot,
    commandLine: (pid) => (pid === 42 ? commandLine : null),
  };
}

const running = tableOf({ exists: true, startId: "100" });
const unreadable = tableOf({ exists: true, startId: null }, null, null);

test.each([
  ["the same process", running, { pid: 42, startId: "100", bootId: "boot:1" }, "alive"],
  ["its PID was reused", running, { pid: 42, startId: "99", bootId: "boot:1" }, "dead"],
  ["no such process", running, { pid: 43, startId: "100", bootId: "boot:1" }, "dead"],
  ["an earlier boot", running, { pid: 42, startId: "100", bootId: "other:1" }, "dead"],
  ["another PID namespace", running, { pid: 42, startId: "100", bootId: "boot:2" }, "unknown"],
  ["a writer that could not read its start", running, { pid: 42, startId: null, bootId: null }, "alive"],
  ["a reader that cannot read starts", unreadable, { pid: 42, startId: "100.25", bootId: "17" }, "alive"],
])("%s", (_, processes, record, liveness) => {
  expect(livenessOf(processes, record)).toBe(liveness);
});

test.each([
  ["proven by its start", running, { pid: 42, startId: "100", bootId: "boot:1" }, true],
  ["a PID that was reused", running, { pid: 42, startId: "99", bootId: "boot:1" }, false],
  ["another namespace", running, { pid: 42, startId: "100", bootId: "boot:2" }, false],
  ["no start to compare, and no word of what it runs", unreadable, { pid: 42, startId: "1", bootId: null }, false],
  [
    "no start to compare, but it runs the engine",
    tableOf({ exists: true, startId: null }, "python -I -m tino_engine serve", null),
    { pid: 42, startId: "1", bootId: null },
    true,
  ],
  [
    "no start to compare, and it runs something else",
    tableOf({ exists: true, startId: null }, "vim tino.txt", null),
    { pid: 42, startId: "1", bootId: null },
    false,
  ],
  ["init", tableOf({ exists: true, startId: "100" }), { pid: 1, startId: "100", bootId: "boot:1" }, false],
  ["ourselves", { ...running, pid: 42 }, { pid: 42, startId: "100", bootId: "boot:1" }, false],
])("a signal: %s", (_, processes, record, allowed) => {
  expect(mayBeSignalled(processes, record)).toBe(allowed);
});

const fields = (name: string) => `4711 (${name}) S ${Array.from({ length: 49 }, (_, index) => index + 4).join(" ")}`;
test.each(["node", "a b) R 1", ") Z (", "((", "tab\there"])("a process named %s has its start read from the right field", (name) => {
  expect(parseStat(fields(name))).toEqual({ state: "S", startTicks: "22" });
});

test.each(["", "4711", "4711 (x) S 1 2"])("text of another form gives nothing", (text) => {
  expect(parseStat(text)).toBeNull();
});

test("this process is found, a zombie is not", async () => {
  expect(systemProcesses.look(process.pid).exists).toBe(true);
  // The shell starts a short child and becomes a program that never waits for it, so the child stays a zombie.
  const shell = spawn("sh", ["-c", "sleep 0.2 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    const [line] = await once(shell.stdout as NodeJS.ReadableStream, "data");
    const pid = Number(String(line).trim());
    await expect.poll(() => systemProcesses.look(pid).exists, { timeout: 10_000 }).toBe(false);
    if (process.platform === "linux") expect(() => process.kill(pid, 0)).not.toThrow();
  } finally {
    shell.kill("SIGKILL");
    await once(shell, "close");
  }
});
