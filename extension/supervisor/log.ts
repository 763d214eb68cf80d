/**
 * The clients' log: one JSON object a line, in the format the engine writes too (`contracts/log.ts`, `tino_engine/log.py`).
 *
 *     {"ts": "2026-11-21T12:00:00.123Z", "level": "info", "component": "supervisor", "event": "attached", "pid": 7, "port": 4711}
 *
 * Further keys are data. No caller logs a token, a key or a code; what others wrote (an exception, a line of a process that would
 * not start) may hold one, so every record is redacted, by the same rules in both languages.
 *
 * The file rotates at 10 MB and five are kept. All terminals write to one file and all windows to another, each record with one
 * append, so that they do not cut each other's lines. Logging must never end a client: a record that cannot be written, because the
 * disk is full or the folder gone, is counted and dropped, and the next one that can be says how many are missing.
 */
import { appendFileSync, renameSync, statSync } from "node:fs";
import { HIDDEN_FLAG, HIDDEN_NAME, HIDDEN_TEXTS, LOG_FIELDS, LONGEST_LOG_TEXT, REDACTED } from "#contracts/log";
import type { Clock } from "./clock.ts";

const ROTATE_BYTES = 10 * 1024 * 1024;
export const KEPT_FILES = 5;

export type Level = "debug" | "info" | "warning" | "error";
export type Log = (level: Level, component: string, event: string, data?: Record<string, unknown>) => void;

const LEVELS: readonly Level[] = ["debug", "info", "warning", "error"];

export const isLevel = (text: string | undefined): text is Level => LEVELS.includes(text as Level);

/** A log that appends to a file what is at least of a level. */
export function fileLog(path: string, clock: Clock, least: Level = "info", rotateBytes = ROTATE_BYTES): Log {
  let dropped = 0;
  const line = (level: Level, component: string, event: string, data: Record<string, unknown>) =>
    `${JSON.stringify(recordOf(new Date(clock.now()).toISOString(), level, component, event, data))}\n`;
  return (level, component, event, data = {}) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    // A write that failed may have left half a line behind, which the line break ends.
    const missing = dropped > 0 ? `\n${line("warning", "log", "records_dropped", { count: dropped })}` : "";
    try {
      if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= rotateBytes) rotate(path);
      appendFileSync(path, `${missing}${line(level, component, event, data)}`, { mode: 0o600 });
      dropped = 0;
    } catch {
      dropped += 1;
    }
  };
}

/** A record as it is written: agreed fields first, names in snake case, without secrets. */
export function recordOf(ts: string, level: Level, component: string, event: string, data: Record<string, unknown> = {}): Record<string, unknown> {
  const given = redact({ ts, level, component, event, pid: process.pid, ...snakeCased(data) }) as Record<string, unknown>;
  const head = LOG_FIELDS.filter((name) => given[name] !== undefined).map((name) => [name, given[name]] as const);
  return { ...Object.fromEntries(head), ...given };
}

/** The value without secrets: texts that look like one, and in objects what is named like one. */
export function redact(value: unknown): unknown {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, isHidden(name) && item !== null ? REDACTED : redact(item)]);
  return Object.fromEntries(entries);
}

export function redactText(text: string): string {
  const kept = text.length > LONGEST_LOG_TEXT ? `${text.slice(0, LONGEST_LOG_TEXT)}… (${text.length - LONGEST_LOG_TEXT} more characters)` : text;
  return HIDDEN.reduce((clean, pattern) => clean.replace(pattern, `$1${REDACTED}`), kept);
}

const NAME = new RegExp(HIDDEN_NAME, HIDDEN_FLAG);
const HIDDEN = HIDDEN_TEXTS.map((pattern) => new RegExp(pattern, `g${HIDDEN_FLAG}`));

const isHidden = (name: string): boolean => NAME.test(snakeCase(name));
const snakeCase = (name: string): string => name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toLowerCase();
const snakeCased = (data: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(data).map(([name, value]) => [snakeCase(name), value]));

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
