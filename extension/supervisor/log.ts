/**
 * The clients' log: one JSON object a line, in the format the engine writes too (`tino_engine/log.py`).
 *
 *     {"ts": "2026-11-21T12:00:00.123Z", "level": "info", "component": "supervisor", "event": "attached", "port": 4711}
 *
 * Further keys are data. Never in a record: tokens, keys, codes. The file rotates at 10 MB and five are kept. Logging must
 * never end a client: a record that cannot be written is dropped.
 */
import { appendFileSync, renameSync, statSync } from "node:fs";
import type { Clock } from "./clock.ts";

const ROTATE_BYTES = 10 * 1024 * 1024;
export const KEPT_FILES = 5;

export type Level = "debug" | "info" | "warning" | "error";
export type Log = (level: Level, component: string, event: string, data?: Record<string, unknown>) => void;

const LEVELS: readonly Level[] = ["debug", "info", "warning", "error"];

export const isLevel = (text: string | undefined): text is Level => LEVELS.includes(text as Level);

/** A log that appends to a file what is at least of a level. */
export function fileLog(path: string, clock: Clock, least: Level = "info", rotateBytes = ROTATE_BYTES): Log {
  return (level, component, event, data = {}) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    const line = JSON.stringify({ ts: new Date(clock.now()).toISOString(), level, component, event, pid: process.pid, ...data });
    try {
      if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= rotateBytes) rotate(path);
      appendFileSync(path, `${line}\n`, { mode: 0o600 });
    } catch {
      // A full disk or a removed folder: the record is lost, the client goes on.
    }
  };
}

/** Two clients may rotate at the same instant: each rename moves what it finds, and a file that is already gone is no loss. */
function rotate(path: string): void {
  for (let index = KEPT_FILES - 1; index >= 1; index -= 1) {
    try {
      renameSync(index === 1 ? path : `${path}.${index - 1}`, `${path}.${index}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}
