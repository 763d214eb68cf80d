/**
 * Which process is meant: a PID alone does not say.
 *
 * PIDs are reused within seconds on a busy machine, and a zombie still answers `kill(pid, 0)`. A process is the one that wrote
 * a file only if the PID, its start and the boot agree and it is neither zombie nor dead. Where these come from differs by
 * platform (`linux.ts`, `macos.ts`, `windows.ts`); none moves when the clock is stepped. On Linux the boot includes the PID
 * namespace, so that a container sharing the home is recognised as foreign. Elsewhere the start cannot be read at once, so for
 * most questions the PID has to do; before a signal is sent the start is read, whatever that costs.
 * `tino_engine/supervision/identity.py` is the twin of this file.
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

/** Whether a signal to this PID certainly reaches the recorded process: its start was read just now and is the recorded one. */
export function mayBeSignalled(processes: Processes, record: ProcessRecord): boolean {
  if (record.pid <= 1 || record.pid === processes.pid || record.startId === null) return false;
  return livenessOf(processes, record) === "alive" && processes.startId(record.pid) === record.startId;
}

const bootOf = (bootId: string): string => bootId.split(":", 1)[0] ?? bootId;
