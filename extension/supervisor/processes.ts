/**
 * The one place where supervision touches the process table: look at a process, start one, signal one. Tests put their own
 * table here; nothing else in `supervisor/` or `client/` may call `process.kill` or `spawn`.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { isatty } from "node:tty";
import { parseStat } from "./processIdentity.ts";

/** `startId` is null where this platform cannot read one. A zombie does not exist. */
export interface Look {
  readonly exists: boolean;
  readonly startId: string | null;
}

export interface SpawnOptions {
  readonly cwd: string;
  readonly env: Record<string, string>;
  /** Open descriptor that receives standard error. */
  readonly stderr: number;
}

/** Who listens on a port; the name is null when only the PID may be known. */
export interface Listener {
  readonly pid: number;
  readonly name: string | null;
}

export interface Processes {
  /** Our own. */
  readonly pid: number;
  look(pid: number): Look;
  /** The machine's boot and, on Linux, the PID namespace; null where it cannot be read. */
  bootId(): string | null;
  /** Command line of a process, null when it cannot be read. Slow outside Linux. */
  commandLine(pid: number): string | null;
  /** Device of our terminal, null when standard input is none. */
  terminal(): string | null;
  /** Who listens on a loopback port, null when the system does not say. For a message, so it may be slow. */
  listener(port: number): Listener | null;
  /** Send a signal; false when the process is gone or not ours. */
  signal(pid: number, name: "SIGTERM" | "SIGKILL"): boolean;
  /** Start a process of its own session with pipes for standard input and output. */
  spawn(command: string, args: readonly string[], options: SpawnOptions): ChildProcess;
}

export const systemProcesses: Processes = {
  pid: process.pid,
  look: process.platform === "linux" ? lookByProc : lookBySignal,
  bootId,
  commandLine,
  terminal,
  listener: process.platform === "linux" ? listenerByProc : listenerByCommand,
  signal(pid, name) {
    try {
      return process.kill(pid, name);
    } catch {
      return false; // ESRCH: already gone; EPERM: not ours. Both mean that nothing was signalled.
    }
  },
  spawn(command, args, { cwd, env, stderr }) {
    return spawn(command, args, { cwd, env, detached: true, windowsHide: true, stdio: ["pipe", "pipe", stderr] });
  },
};

function lookByProc(pid: number): Look {
  try {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
    if (!stat || "ZXx".includes(stat.state)) return { exists: false, startId: null };
    return { exists: true, startId: stat.startTicks };
  } catch {
    return { exists: false, startId: null }; // ENOENT or ESRCH: no such process.
  }
}

function lookBySignal(pid: number): Look {
  try {
    process.kill(pid, 0);
    return { exists: true, startId: null };
  } catch {
    return { exists: false, startId: null }; // EPERM is another user's process, so not the one we mean.
  }
}

let boot: string | null | undefined;
function bootId(): string | null {
  if (boot === undefined) {
    try {
      boot = process.platform === "linux" ? `${readFileSync("/proc/sys/kernel/random/boot_id", "ascii").trim()}:${statSync("/proc/self/ns/pid").ino}` : null;
    } catch {
      boot = null; // No /proc: identity rests on the PID.
    }
  }
  return boot;
}

function commandLine(pid: number): string | null {
  try {
    if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    const [command, args] =
      process.platform === "win32"
        ? ["powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", `(Get-CimInstance Win32_Process -Filter 'ProcessId=${pid}').CommandLine`]]
        : ["ps", ["-p", String(pid), "-o", "command="]];
    return execFileSync(command as string, args as string[], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 5_000 }).trim();
  } catch {
    return null; // No such process, or no way to ask: the caller then has no proof and does not signal.
  }
}

function terminal(): string | null {
  if (!isatty(0)) return null;
  if (process.platform === "win32") return "console";
  try {
    if (process.platform === "linux") return readlinkSync("/proc/self/fd/0");
    return execFileSync("tty", { encoding: "utf8", stdio: ["inherit", "pipe", "ignore"], timeout: 2_000 }).trim();
  } catch {
    return "terminal";
  }
}

/** The socket's inode from the kernel's table, then the process that holds it; only our own user's processes can be searched. */
function listenerByProc(port: number): Listener | null {
  const inodes = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of readOrNothing(table).split("\n").slice(1)) {
      const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === LISTEN && inode && Number.parseInt(local.split(":").at(-1) ?? "", 16) === port) inodes.add(`socket:[${inode}]`);
    }
  }
  if (inodes.size === 0) return null;
  for (const entry of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
    for (const descriptor of listOrNothing(`/proc/${entry}/fd`)) {
      if (!inodes.has(linkOrNothing(`/proc/${entry}/fd/${descriptor}`))) continue;
      return { pid: Number(entry), name: readOrNothing(`/proc/${entry}/comm`).trim() || null };
    }
  }
  return null;
}

const LISTEN = "0A";

function listenerByCommand(port: number): Listener | null {
  try {
    if (process.platform === "win32") {
      const table = execFileSync("netstat.exe", ["-ano", "-p", "TCP"], { encoding: "utf8", timeout: 5_000 });
      const row = table
        .split("\n")
        .map((line) => line.trim().split(/\s+/))
        .find(([, local, remote]) => local?.endsWith(`:${port}`) && remote?.endsWith(":0"));
      const pid = Number(row?.[4]);
      return pid > 0 ? { pid, name: null } : null;
    }
    const fields = execFileSync("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 5_000,
    });
    const pid = Number(/^p([0-9]+)$/m.exec(fields)?.[1]);
    return pid > 0 ? { pid, name: /^c(.+)$/m.exec(fields)?.[1] ?? null } : null;
  } catch {
    return null; // The program is missing or found nobody: the message then names no holder.
  }
}

/** Processes end while they are looked at, and others' may not be looked at: what cannot be read is left out. */
function orNothing<T>(read: () => T, nothing: T): T {
  try {
    return read();
  } catch {
    return nothing;
  }
}
const readOrNothing = (path: string): string => orNothing(() => readFileSync(path, "utf8"), "");
const listOrNothing = (path: string): string[] => orNothing(() => readdirSync(path), []);
const linkOrNothing = (path: string): string => orNothing(() => readlinkSync(path), "");
