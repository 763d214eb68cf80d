/** Processes as Linux tells of them: all of it is in `/proc` (proc_pid_stat(5), proc_net(5), random(4), pid_namespaces(7)). */
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import type { Listener, Look, ProcessSource } from "./processes.ts";

const GONE: Look = { exists: false, startId: null };
/** `st` of a listening socket in `/proc/net/tcp`. */
const LISTEN = "0A";

export function linuxSource(): ProcessSource {
  const bootId = readBoot();
  return {
    look,
    startId: (pid) => look(pid).startId,
    bootId: () => bootId,
    terminal: () => linkOrNothing("/proc/self/fd/0") || "terminal",
    listener,
  };
}

function look(pid: number): Look {
  const stat = parseStat(readOrNothing(`/proc/${pid}/stat`));
  return stat && !"ZXx".includes(stat.state) ? { exists: true, startId: stat.startTicks } : GONE;
}

/** State and start ticks from the text of `/proc/<pid>/stat`; null when it is not of that form. A name may hold brackets and blanks. */
export function parseStat(text: string): { state: string; startTicks: string } | null {
  const fields = text
    .slice(text.lastIndexOf(")") + 1)
    .trim()
    .split(/\s+/);
  const state = fields[0];
  const startTicks = fields[19];
  return state && startTicks && /^[0-9]+$/.test(startTicks) ? { state, startTicks } : null;
}

function readBoot(): string | null {
  const boot = readOrNothing("/proc/sys/kernel/random/boot_id").trim();
  const namespace = statSync("/proc/self/ns/pid", { throwIfNoEntry: false });
  return boot && namespace ? `${boot}:${namespace.ino}` : null;
}

/** The socket's inode from the kernel's table, then the process that holds it; only our own user's processes can be searched. */
function listener(port: number): Listener | null {
  const inodes = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of readOrNothing(table).split("\n").slice(1)) {
      const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === LISTEN && inode && Number.parseInt(local.split(":").at(-1) ?? "", 16) === port) inodes.add(`socket:[${inode}]`);
    }
  }
  if (inodes.size === 0) return null;
  for (const entry of listOrNothing("/proc").filter((name) => /^[0-9]+$/.test(name))) {
    for (const descriptor of listOrNothing(`/proc/${entry}/fd`)) {
      if (!inodes.has(linkOrNothing(`/proc/${entry}/fd/${descriptor}`))) continue;
      return { pid: Number(entry), name: readOrNothing(`/proc/${entry}/comm`).trim() || null };
    }
  }
  return null;
}

/** Processes end while they are looked at, and those of others cannot be looked into: both are as if there was nothing. */
const orNothing =
  <T>(read: (path: string) => T, nothing: T) =>
  (path: string): T => {
    try {
      return read(path);
    } catch {
      return nothing;
    }
  };
const readOrNothing = orNothing((path) => readFileSync(path, "latin1"), "");
const listOrNothing = orNothing((path) => readdirSync(path), []);
const linkOrNothing = orNothing((path) => readlinkSync(path), "");
