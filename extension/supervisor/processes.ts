/**
 * The one place where supervision touches the process table: look at a process, start one, signal one. Tests put their own
 * table here; nothing else in `supervisor/` or `client/` may call `process.kill` or `spawn`. What a platform says about its
 * processes is told in `linux.ts`, `macos.ts` and `windows.ts`.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { isatty } from "node:tty";
import { linuxSource } from "./linux.ts";
import { macosSource } from "./macos.ts";
import { windowsSource } from "./windows.ts";

/** `startId` is null where this platform cannot read one at once. A zombie does not exist. */
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

/** What one platform says about its processes. */
export interface ProcessSource {
  /** Quick, asked many times a second. */
  look(pid: number): Look;
  /**
   * What tells this process from another that had its PID, in the words of `engine.pid` (`supervision/identity_*.py`); null when
   * there is no such process or it cannot be read. A program is run for it outside Linux.
   */
  startId(pid: number): string | null;
  /** The machine's boot and, on Linux, the PID namespace; null where it cannot be read. */
  bootId(): string | null;
  /** Device of the terminal that standard input is. */
  terminal(): string | null;
  /** Who listens on a loopback port, null when the system does not say. For a message, so it may be slow. */
  listener(port: number): Listener | null;
}

export interface Processes extends ProcessSource {
  /** Our own. */
  readonly pid: number;
  /** Send a signal; false when the process is gone or not ours. */
  signal(pid: number, name: "SIGTERM" | "SIGKILL"): boolean;
  /** Start a process of its own session with pipes for standard input and output. */
  spawn(command: string, args: readonly string[], options: SpawnOptions): ChildProcess;
}

/** Run a program of the system and give what it prints; null when it fails or there is none. */
export type Run = (command: string, args: readonly string[]) => string | null;

/** Whether a process with this PID can be signalled by us: EPERM is another user's, so not one we mean. */
export type Exists = (pid: number) => boolean;

const run: Run = (command, args) => {
  try {
    // The words and the zone of dates are fixed, since they are read again here; `tty` asks about our own standard input.
    const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
    return execFileSync(command, args, { encoding: "utf8", stdio: ["inherit", "pipe", "ignore"], timeout: 5_000, windowsHide: true, env });
  } catch {
    return null; // No such process, or no such program: nothing is known then.
  }
};

const exists: Exists = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const source: ProcessSource =
  process.platform === "linux" ? linuxSource() : process.platform === "win32" ? windowsSource(run, exists) : macosSource(run, exists);

export const systemProcesses: Processes = {
  ...source,
  pid: process.pid,
  terminal: () => (isatty(0) ? source.terminal() : null),
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
