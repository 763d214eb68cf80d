/**
 * Which process is meant: a PID alone does not say.
 *
 * PIDs are reused within seconds on a busy machine, and a zombie still answers `kill(pid, 0)`. A process is the one that wrote
 * a file only if the PID, its start and the boot agree and it is neither zombie nor dead. On Linux the start is the raw tick
 * count of `/proc/<pid>/stat` (epoch seconds drift when the clock is stepped), read after the *last* `)` because a process may
 * be named `a b) R 1`, and the boot includes the PID namespace, so that a container sharing the home is recognised as foreign.
 * Elsewhere Node cannot read a start that equals Python's: there a record counts by its PID, and before a signal is sent the
 * command line has to say that it is the engine. `tino_engine/supervision/identity.py` is the twin of this file.
 */
import type { Processes } from "./processes.ts";

/** What `engine.pid` and lock files say about their writer. */
export interface ProcessRecord {
  readonly pid: number;
  readonly startId: string | null;
  readonly bootId: string | null;
}

/** `unknown`: recorded in another PID namespace of this boot, so its PID means nothing here. */
export type Liveness = "alive" | "dead" | "unknown";

/** Say whether the recorded process is alive. */
export function livenessOf(processes: Processes, record: ProcessRecord): Liveness {
  const here = processes.bootId();
  if (record.bootId !== null && here !== null && record.bootId !== here) {
    return bootOf(record.bootId) === bootOf(here) ? "unknown" : "dead";
  }
  const found = processes.look(record.pid);
  if (!found.exists) return "dead";
  if (record.startId !== null && found.startId !== null && record.startId !== found.startId) return "dead";
  return "alive";
}

/**
 * Whether a signal to this PID certainly reaches the recorded engine. Where the start cannot be compared, the command line of
 * the process has to name the engine.
 */
export function mayBeSignalled(processes: Processes, record: ProcessRecord): boolean {
  if (record.pid <= 1 || record.pid === processes.pid || livenessOf(processes, record) !== "alive") return false;
  if (record.startId !== null && processes.look(record.pid).startId === record.startId) return true;
  return /\btino_engine\b/.test(processes.commandLine(record.pid) ?? "");
}

/** State and start ticks from the text of `/proc/<pid>/stat`; null when it is not of that form. */
export function parseStat(text: string): { state: string; startTicks: string } | null {
  const fields = text
    .slice(text.lastIndexOf(")") + 1)
    .trim()
    .split(/\s+/);
  const state = fields[0];
  const startTicks = fields[19];
  return state && startTicks && /^[0-9]+$/.test(startTicks) ? { state, startTicks } : null;
}

const bootOf = (bootId: string): string => bootId.split(":", 1)[0] ?? bootId;
