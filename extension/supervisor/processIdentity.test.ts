/** Which process a record means. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { parseStat } from "./linux.ts";
import { macosSource } from "./macos.ts";
import { type Look, type Processes, type Run, systemProcesses } from "./processes.ts";
import { livenessOf, mayBeSignalled } from "./processIdentity.ts";
import { windowsSource } from "./windows.ts";

/** A process table with one process, whose start can be read, at once or with more effort. */
function tableOf(look: Look, startId: string | null = look.startId, boot: string | null = "boot:1"): Processes {
  return {
    ...systemProcesses,
    pid: 7,
    look: (pid) => (pid === 42 ? look : { exists: false, startId: null }),
    bootId: () => boot,
    startId: (pid) => (pid === 42 ? startId : null),
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
  ["a start that cannot be read", unreadable, { pid: 42, startId: "1", bootId: null }, false],
  ["proven by its start, read with effort", tableOf({ exists: true, startId: null }, "1", null), { pid: 42, startId: "1", bootId: null }, true],
  ["a PID that was reused, found with effort", tableOf({ exists: true, startId: null }, "2", null), { pid: 42, startId: "1", bootId: null }, false],
  ["a writer that noted no start", running, { pid: 42, startId: null, bootId: "boot:1" }, false],
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

/** Programs of a system that is not here: what they print for given arguments, as their manuals say. */
const printing =
  (outputs: Record<string, string>): Run =>
  (command, args) =>
    outputs[[command.split("/").at(-1), ...args].join(" ")] ?? null;

test("macOS: start, boot, terminal and listener from its own programs", () => {
  const source = macosSource(
    printing({
      "ps -p 42 -o stat= -o lstart=": "Ss   Fri Nov 21 15:06:32 2025    \n",
      "ps -p 43 -o stat= -o lstart=": "Z    Fri Nov  1 15:06:32 2025    \n",
      "sysctl -n kern.bootsessionuuid": "5E6FFEBE-0000-4000-8000-000000000000\n",
      tty: "/dev/ttys003\n",
      "lsof -nP -iTCP:8080 -sTCP:LISTEN -Fpc": "p501\ncnode\nf23\n",
    }),
    (pid) => pid === 42,
  );
  expect([source.look(42), source.look(44)]).toEqual([
    { exists: true, startId: null },
    { exists: false, startId: null },
  ]);
  expect([source.startId(42), source.startId(43), source.startId(44)]).toEqual(["1763737592", null, null]);
  expect(source.bootId()).toBe("5E6FFEBE-0000-4000-8000-000000000000");
  expect(source.terminal()).toBe("/dev/ttys003");
  expect([source.listener(8080), source.listener(8081)]).toEqual([{ pid: 501, name: "node" }, null]);
});

test("Windows: start and listener from its own programs, in any language", () => {
  const table = ["", "Aktive Verbindungen", "", "  Proto  Lokale Adresse         Remoteadresse          Status           PID"]
    .concat(
      "  TCP    127.0.0.1:8080         0.0.0.0:0              ABHÖREN          501",
      "  TCP    127.0.0.1:9000         127.0.0.1:8080         HERGESTELLT      77",
    )
    .join("\r\n");
  const shell = "powershell.exe -NoProfile -NonInteractive -Command";
  const source = windowsSource(
    printing({
      [`${shell} [DateTimeOffset]::new((Get-Process -Id 42 -ErrorAction Stop).StartTime).ToUnixTimeSeconds()`]: "1763737592\r\n",
      [`${shell} (Get-Process -Id 501 -ErrorAction Stop).ProcessName`]: "node\r\n",
      "netstat.exe -ano -p TCP": table,
    }),
    (pid) => pid === 42,
  );
  expect([source.startId(42), source.startId(43)]).toEqual(["1763737592", null]);
  expect([source.listener(8080), source.listener(9000)]).toEqual([{ pid: 501, name: "node" }, null]);
  expect([source.look(42).exists, source.look(43).exists, source.bootId()]).toEqual([true, false, null]);
});
